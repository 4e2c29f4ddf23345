# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Image manifests and indexes: what they are, what they name, and in which order they have to reach a registry."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass

from .errors import ImageError, SourceError
from .reference import check_digest

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
# A registry that can convert between formats answers with the stored one only when it is among the accepted ones.
ACCEPT = ", ".join((OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST))

# ECR's quota for an image manifest, in characters. It cannot be raised.
LARGEST_MANIFEST = 4_194_304


@dataclass(frozen=True)
class Platform:
    """`linux/arm64/v8` in parts. `variant` is empty when there is none."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def matches(self, wanted: Platform) -> bool:
        """True when this is the wanted platform. A wanted platform without variant takes any; arm64 and arm64/v8 are one."""
        if (self.os, self.architecture) != (wanted.os, wanted.architecture):
            return False
        return not wanted.variant or _variant(self) == _variant(wanted)


def _variant(platform: Platform) -> str:
    return "" if (platform.architecture, platform.variant) == ("arm64", "v8") else platform.variant


def parse_platform(text: str) -> Platform:
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise ImageError(f"{text!r} is not a platform.", "Write os/architecture, for example linux/amd64 or linux/arm64.")
    return Platform(*parts)


@dataclass(frozen=True)
class Descriptor:
    """A pointer to content: what it is, which bytes, how many."""

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    ref_name: str | None = None
    """The annotation `org.opencontainers.image.ref.name`."""
    foreign: bool = False
    """A layer that its licence wants fetched from the URLs in the manifest. ECR fetches nothing: its content has to be pushed too."""


@dataclass(frozen=True)
class Manifest:
    """A manifest or index with its exact bytes, and the blobs and manifests that it names."""

    media_type: str
    digest: str
    content: bytes
    blobs: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEX_TYPES


def parse_descriptor(data: t.Any, where: str) -> Descriptor:
    """Read a descriptor of a document named `where`. Raises `SourceError` when it is none."""
    try:
        digest = check_digest(data["digest"])
        size = data["size"]
        media_type = data["mediaType"]
    except (KeyError, TypeError, ImageError) as exc:
        raise SourceError(f"{where} holds something that is not a descriptor ({exc}).") from exc
    if not isinstance(size, int) or isinstance(size, bool) or size < 0 or not isinstance(media_type, str):
        raise SourceError(f"{where} holds a descriptor of {digest} with a wrong size or mediaType.")
    if not digest.startswith("sha256:"):
        raise SourceError(f"{where} names {digest}; only SHA-256 digests can be pushed to ECR.")
    platform = None
    given = data.get("platform")
    if isinstance(given, dict) and given.get("os") and given.get("architecture"):
        platform = Platform(str(given["os"]), str(given["architecture"]), str(given.get("variant") or ""))
    annotations = data.get("annotations")
    if not isinstance(annotations, dict):
        annotations = {}
    foreign = "nondistributable" in media_type or media_type.endswith(".rootfs.foreign.diff.tar.gzip")
    ref_name = annotations.get("org.opencontainers.image.ref.name")
    return Descriptor(media_type, digest, size, platform, ref_name if isinstance(ref_name, str) else None, foreign)


def _listed(data: dict[str, t.Any], member: str, where: str) -> list[t.Any]:
    found = data.get(member) or []
    if not isinstance(found, list):
        raise SourceError(f"{where} is damaged: its {member} are no list.", "Export the image again.")
    return found


def parse_manifest(content: bytes, descriptor: Descriptor) -> Manifest:
    """Read a manifest or index and check it against the descriptor that led to it. Raises `SourceError`."""
    name = f"The manifest {descriptor.digest}"
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    if digest != descriptor.digest:
        raise SourceError(f"{name} is damaged: its content has the digest {digest}.", "Export the image again.")
    if len(content) > LARGEST_MANIFEST:
        raise SourceError(f"{name} has {len(content)} bytes; ECR takes manifests of up to {LARGEST_MANIFEST} bytes.")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise SourceError(f"{name} is not JSON: {exc}.") from exc
    if not isinstance(data, dict):
        raise SourceError(f"{name} is not a JSON object.")
    media_type = data.get("mediaType") or descriptor.media_type
    if not isinstance(media_type, str):
        raise SourceError(f"{name} is of the type {str(media_type)[:100]!r}, which is no image manifest.")
    if media_type in INDEX_TYPES:
        entries = tuple(parse_descriptor(entry, name) for entry in _listed(data, "manifests", name))
        return Manifest(media_type, digest, content, manifests=entries)
    if media_type in MANIFEST_TYPES:
        if "config" not in data:
            raise SourceError(f"{name} names no config.")
        parts = [data["config"], *_listed(data, "layers", name)]
        return Manifest(media_type, digest, content, blobs=tuple(parse_descriptor(part, name) for part in parts))
    raise SourceError(f"{name} is of the type {media_type!r}, which is no image manifest.", "Docker schema 1 images have to be rebuilt.")


@dataclass(frozen=True)
class Image:
    """What is pushed: a root, and all manifests below it in an order in which each comes after what it names."""

    root: Manifest
    children: tuple[Manifest, ...] = ()

    def blobs_of(self, manifests: t.Iterable[Manifest]) -> list[Descriptor]:
        """The blobs that these manifests need in the registry, each once, largest first."""
        found = {blob.digest: blob for manifest in manifests for blob in manifest.blobs}
        return sorted(found.values(), key=lambda blob: (-blob.size, blob.digest))
