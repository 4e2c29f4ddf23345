# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads an OCI image layout, either a directory or a tar archive of one."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from .archive import Archive, open_archive
from .choose import choose, foreign_refused
from .content import BlobFile, blocks_of
from .errors import SourceError
from .manifest import LARGEST_MANIFEST, Descriptor, Image, Manifest, Platform, parse_descriptor, parse_manifest

_INCOMPLETE = "Export the image again, complete."


class Layout:
    """An opened layout: its `index.json`, and its blobs by digest."""

    def __init__(self, path: Path, files: t.Callable[[str], BlobFile | None], archive: Archive | None = None) -> None:
        self.path = path
        self._files = files
        self._archive = archive

    @property
    def name(self) -> str:
        return str(self.path)

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()

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
        return b"".join(blocks_of(found))

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
        except (ValueError, RecursionError) as exc:
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
        return parse_manifest(self.read_blob(descriptor) or b"", descriptor)

    def read_blob(self, descriptor: Descriptor) -> bytes | None:
        """The content of a small blob, None when it is not there."""
        return self.read("blobs/" + descriptor.digest.replace(":", "/"))


def open_layout(path: Path, work: Path | None = None) -> Layout:
    """Open a layout directory or archive. Raises `SourceError` when there is none to read.

    A compressed archive is unpacked below `work`, the system's folder for temporary files when None.
    """
    try:
        if path.is_dir():
            return Layout(path, _directory(path))
        archive = open_archive(path, work)
        return Layout(path, archive.find, archive)
    except FileNotFoundError as exc:
        raise SourceError(f"{path} does not exist.", "Name the directory of an OCI image layout, or a tar archive of one.") from exc
    except OSError as exc:
        raise SourceError(f"{path} cannot be read: {exc.strerror or exc}.") from exc


def _directory(path: Path) -> t.Callable[[str], BlobFile | None]:
    def find(name: str) -> BlobFile | None:
        file = path / name
        return BlobFile(file, 0, file.stat().st_size) if file.is_file() else None

    return find


def load_image(layout: Layout, ref_name: str | None = None, platform: Platform | None = None) -> Image:
    """Choose one image of the layout and read all its manifests.

    `ref_name` chooses among the entries of index.json; `platform` chooses one manifest out of what is left. Without
    `platform` an index is taken whole. Raises `SourceError` when nothing or more than one image is left, or when a
    manifest or blob that the image needs is missing or has the wrong size.
    """
    image = choose(layout, layout.entries(), ref_name, platform)
    for blob in image.blobs_of([*image.children, image.root]):
        found = layout.blob(blob.digest)
        if found is None and blob.foreign:
            raise foreign_refused(layout.name, blob)
        if found is None:
            raise SourceError(f"{layout.path} names the blob {blob.digest} but does not hold it.", _INCOMPLETE)
        if found.size != blob.size:
            raise SourceError(
                f"The blob {blob.digest} in {layout.path} has {found.size} bytes where its manifest says {blob.size}.",
                "Export the image again.",
            )
    return image
