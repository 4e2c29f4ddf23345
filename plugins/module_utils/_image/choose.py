# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chooses one image among what a layout or a registry offers, and reads all its manifests."""

from __future__ import annotations

import typing as t

from .draft import platform_in
from .errors import SourceError
from .manifest import INDEX_TYPES, Descriptor, Image, Manifest, Platform

# An index may name indexes. Nobody nests deeper than two; a loop is impossible with digests, a hostile depth is not.
_DEEPEST = 8
# No image has so many; each is kept in memory until it is pushed.
_MOST_MANIFESTS = 1000


class Described(t.Protocol):
    """Something whose manifests and small blobs can be read by their descriptors."""

    @property
    def name(self) -> str: ...

    def manifest(self, descriptor: Descriptor) -> Manifest: ...

    def read_blob(self, descriptor: Descriptor) -> bytes | None: ...


def choose(source: Described, entries: list[Descriptor], ref_name: str | None = None, platform: Platform | None = None) -> Image:
    """Choose one of the entries and read all that is below it.

    `ref_name` chooses among the entries; `platform` chooses one manifest out of what is left. Without `platform` an index
    is taken whole. Raises `SourceError` when nothing or more than one image is left, or when a manifest is missing.
    """
    entries = _named(source, entries, ref_name)
    if platform is not None:
        entries = _for_platform(source, entries, platform)
    if len({entry.digest for entry in entries}) > 1:
        raise SourceError(
            f"{source.name} holds {len(entries)} images: {', '.join(_describe(entry) for entry in entries)}.",
            "Choose one with ref_name or platform.",
        )
    root = source.manifest(entries[0])
    children: dict[str, Manifest] = {}
    _collect(source, root, children, depth=0)
    return Image(root, tuple(children.values()))


def foreign_refused(name: str, layer: Descriptor) -> SourceError:
    """ECR fetches nothing: an image whose layers lie elsewhere could be pushed, and never started."""
    return SourceError(
        f"{name} does not hold the foreign layer {layer.digest}, which its licence wants fetched from its maker.",
        "Pull and save it with its content (docker: allow-nondistributable-artifacts).",
    )


def _named(source: Described, entries: list[Descriptor], ref_name: str | None) -> list[Descriptor]:
    if not entries:
        raise SourceError(f"{source.name} holds no image: its index.json is empty.")
    if ref_name is None:
        return entries
    chosen = [entry for entry in entries if entry.ref_name == ref_name]
    if not chosen:
        names = ", ".join(sorted({entry.ref_name for entry in entries if entry.ref_name})) or "none"
        raise SourceError(f"{source.name} holds no image with the reference name {ref_name!r}.", f"Names in it: {names}.")
    return chosen


def _for_platform(source: Described, entries: list[Descriptor], wanted: Platform) -> list[Descriptor]:
    leaves = [leaf for entry in entries for leaf in _leaves(source, entry, depth=0)]
    chosen = [leaf for leaf in leaves if leaf.platform is not None and leaf.platform.matches(wanted)]
    if not chosen:
        names = ", ".join(sorted({str(leaf.platform) for leaf in leaves if leaf.platform and leaf.platform.os != "unknown"})) or "none"
        raise SourceError(f"{source.name} holds no image for {wanted}.", f"Platforms in it: {names}.")
    return chosen


def _leaves(source: Described, entry: Descriptor, depth: int) -> t.Iterator[Descriptor]:
    """The image manifests below an entry, each with its platform; where the descriptor names none, from the configuration."""
    if depth > _DEEPEST:
        raise SourceError(f"{source.name} nests indexes deeper than {_DEEPEST}.")
    if entry.media_type in INDEX_TYPES:
        for below in source.manifest(entry).manifests:
            yield from _leaves(source, below, depth + 1)
    elif entry.platform is not None:
        yield entry
    else:
        manifest = source.manifest(entry)
        if manifest.is_index:
            raise SourceError(f"{source.name} calls {entry.digest} an image, but it is an index.", "Export the image again.")
        config = manifest.blobs[0]
        platform = platform_in(source.read_blob(config) or b"")
        yield Descriptor(entry.media_type, entry.digest, entry.size, platform, entry.ref_name)


def _collect(source: Described, manifest: Manifest, children: dict[str, Manifest], depth: int) -> None:
    """Add all manifests below this one, deepest first."""
    if depth > _DEEPEST:
        raise SourceError(f"{source.name} nests indexes deeper than {_DEEPEST}.")
    for descriptor in manifest.manifests:
        if descriptor.digest not in children:
            child = source.manifest(descriptor)
            _collect(source, child, children, depth + 1)
            children[child.digest] = child
            if len(children) > _MOST_MANIFESTS:
                raise SourceError(f"{source.name} names more than {_MOST_MANIFESTS} manifests in one image.")


def _describe(entry: Descriptor) -> str:
    words = [word for word in (entry.ref_name, str(entry.platform) if entry.platform else "") if word]
    return " ".join([*words, entry.digest[:19]])
