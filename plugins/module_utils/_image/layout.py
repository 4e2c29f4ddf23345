# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads an OCI image layout, either a directory or a tar archive of one.

An archive is never unpacked: its members are found once, and their bytes read in place by offset.
"""

from __future__ import annotations

import json
import os
import tarfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .errors import SourceError
from .manifest import INDEX_TYPES, LARGEST_MANIFEST, Descriptor, Image, Manifest, Platform, parse_descriptor, parse_manifest

# An index may name indexes. Nobody nests deeper than two; a loop is impossible with digests, a hostile depth is not.
_DEEPEST = 8
_INCOMPLETE = "Export the image again, complete."


@dataclass(frozen=True)
class BlobFile:
    """Where the bytes of a blob lie: in a file of their own, or inside an archive from `offset` on."""

    path: Path
    offset: int
    size: int


class Layout:
    """An opened layout: its `index.json`, and its blobs by digest."""

    def __init__(self, path: Path, files: t.Callable[[str], BlobFile | None]) -> None:
        self.path = path
        self._files = files

    def blob(self, digest: str) -> BlobFile | None:
        algorithm, _colon, encoded = digest.partition(":")
        return self._files(f"blobs/{algorithm}/{encoded}")

    def read(self, name: str) -> bytes | None:
        """The content of a small file of the layout, None when it is not there."""
        found = self._files(name)
        if found is None:
            return None
        if found.size > LARGEST_MANIFEST:
            raise SourceError(f"{name} in {self.path} has {found.size} bytes, which is too large for what it should be.")
        with found.path.open("rb") as stream:
            stream.seek(found.offset)
            return stream.read(found.size)

    def entries(self) -> list[Descriptor]:
        """What `index.json` names. Raises `SourceError` when this is no layout."""
        content = self.read("index.json")
        if content is None:
            hint = "Make one with skopeo copy ... oci:DIR:TAG, docker buildx build -o type=oci,dest=FILE.tar or podman push IMAGE oci:DIR."
            if self.read("manifest.json") is not None:
                raise SourceError(f"{self.path} is a docker archive (docker save), not an OCI image layout.", hint)
            raise SourceError(f"{self.path} is not an OCI image layout: it has no index.json.", hint)
        where = f"index.json in {self.path}"
        try:
            data = json.loads(content)
        except ValueError as exc:
            raise SourceError(f"{where} is not JSON: {exc}.") from exc
        if not isinstance(data, dict) or not isinstance(data.get("manifests"), list):
            raise SourceError(f"{where} is not an image index.")
        return [parse_descriptor(entry, where) for entry in data["manifests"]]

    def manifest(self, descriptor: Descriptor) -> Manifest:
        found = self.blob(descriptor.digest)
        if found is None:
            raise SourceError(f"{self.path} names the manifest {descriptor.digest} but does not hold it.", _INCOMPLETE)
        if found.size != descriptor.size:
            raise SourceError(
                f"The manifest {descriptor.digest} in {self.path} has {found.size} bytes where {descriptor.size} are declared.",
                "Export the image again.",
            )
        content = self.read("blobs/" + descriptor.digest.replace(":", "/"))
        return parse_manifest(content or b"", descriptor)


def open_layout(path: Path) -> Layout:
    """Open a layout directory or archive. Raises `SourceError` when there is none to read."""
    try:
        if path.is_dir():
            return Layout(path, _directory(path))
        return Layout(path, _archive(path))
    except FileNotFoundError as exc:
        raise SourceError(f"{path} does not exist.", "Name the directory of an OCI image layout, or a tar archive of one.") from exc
    except OSError as exc:
        raise SourceError(f"{path} cannot be read: {exc.strerror or exc}.") from exc


def _directory(path: Path) -> t.Callable[[str], BlobFile | None]:
    def find(name: str) -> BlobFile | None:
        file = path / name
        return BlobFile(file, 0, file.stat().st_size) if file.is_file() else None

    return find


def _archive(path: Path) -> t.Callable[[str], BlobFile | None]:
    members: dict[str, BlobFile] = {}
    try:
        with tarfile.open(path, mode="r:") as archive:
            for member in archive:
                if member.isreg():
                    members[os.path.normpath(member.name)] = BlobFile(path, member.offset_data, member.size)
    except tarfile.TarError as exc:
        raise SourceError(
            f"{path} cannot be read as a tar archive: {exc}.",
            "A compressed archive has to be uncompressed first: its blobs are compressed already.",
        ) from exc
    return members.get


def load_image(layout: Layout, ref_name: str | None = None, platform: Platform | None = None) -> Image:
    """Choose one image of the layout and read all its manifests.

    `ref_name` chooses among the entries of index.json; `platform` chooses one manifest out of what is left. Without
    `platform` an index is taken whole. Raises `SourceError` when nothing or more than one image is left, or when a
    manifest or blob that the image needs is missing or has the wrong size.
    """
    entries = _named(layout, layout.entries(), ref_name)
    if platform is not None:
        entries = _for_platform(layout, entries, platform)
    if len({entry.digest for entry in entries}) > 1:
        raise SourceError(
            f"{layout.path} holds {len(entries)} images: {', '.join(_describe(entry) for entry in entries)}.",
            "Choose one with ref_name or platform.",
        )
    root = layout.manifest(entries[0])
    children: dict[str, Manifest] = {}
    _collect(layout, root, children, depth=0)
    image = Image(root, tuple(children.values()))
    for blob in image.blobs_of([*image.children, root]):
        found = layout.blob(blob.digest)
        if found is None:
            raise SourceError(f"{layout.path} names the blob {blob.digest} but does not hold it.", _INCOMPLETE)
        if found.size != blob.size:
            raise SourceError(
                f"The blob {blob.digest} in {layout.path} has {found.size} bytes where its manifest says {blob.size}.",
                "Export the image again.",
            )
    return image


def _named(layout: Layout, entries: list[Descriptor], ref_name: str | None) -> list[Descriptor]:
    if not entries:
        raise SourceError(f"{layout.path} holds no image: its index.json is empty.")
    if ref_name is None:
        return entries
    chosen = [entry for entry in entries if entry.ref_name == ref_name]
    if not chosen:
        names = ", ".join(sorted({entry.ref_name for entry in entries if entry.ref_name})) or "none"
        raise SourceError(f"{layout.path} holds no image with the reference name {ref_name!r}.", f"Names in it: {names}.")
    return chosen


def _for_platform(layout: Layout, entries: list[Descriptor], wanted: Platform) -> list[Descriptor]:
    leaves = [leaf for entry in entries for leaf in _leaves(layout, entry, depth=0)]
    chosen = [leaf for leaf in leaves if leaf.platform is not None and leaf.platform.matches(wanted)]
    if not chosen:
        names = ", ".join(sorted({str(leaf.platform) for leaf in leaves if leaf.platform and leaf.platform.os != "unknown"})) or "none"
        raise SourceError(f"{layout.path} holds no image for {wanted}.", f"Platforms in it: {names}.")
    return chosen


def _leaves(layout: Layout, entry: Descriptor, depth: int) -> t.Iterator[Descriptor]:
    """The image manifests below an entry, each with its platform; where the descriptor names none, from the configuration."""
    if depth > _DEEPEST:
        raise SourceError(f"{layout.path} nests indexes deeper than {_DEEPEST}.")
    if entry.media_type in INDEX_TYPES:
        for below in layout.manifest(entry).manifests:
            yield from _leaves(layout, below, depth + 1)
    elif entry.platform is not None:
        yield entry
    else:
        config = layout.manifest(entry).blobs[0]
        yield Descriptor(entry.media_type, entry.digest, entry.size, _platform_of(layout, config), entry.ref_name)


def _platform_of(layout: Layout, config: Descriptor) -> Platform | None:
    content = layout.read("blobs/" + config.digest.replace(":", "/"))
    try:
        data = json.loads(content or b"{}")
    except ValueError:
        # An artifact's configuration need not be JSON; then it has no platform.
        return None
    if not isinstance(data, dict) or not data.get("os") or not data.get("architecture"):
        return None
    return Platform(str(data["os"]), str(data["architecture"]), str(data.get("variant") or ""))


def _collect(layout: Layout, manifest: Manifest, children: dict[str, Manifest], depth: int) -> None:
    """Add all manifests below this one, deepest first."""
    if depth > _DEEPEST:
        raise SourceError(f"{layout.path} nests indexes deeper than {_DEEPEST}.")
    for descriptor in manifest.manifests:
        if descriptor.digest not in children:
            child = layout.manifest(descriptor)
            _collect(layout, child, children, depth + 1)
            children[child.digest] = child


def _describe(entry: Descriptor) -> str:
    words = [word for word in (entry.ref_name, str(entry.platform) if entry.platform else "") if word]
    return " ".join([*words, entry.digest[:19]])
