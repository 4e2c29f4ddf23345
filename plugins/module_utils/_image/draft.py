# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image whose layers are not compressed yet: its configuration is known, and thereby its ID; its manifest is not."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass

from .content import Content
from .errors import SourceError
from .manifest import DOCKER_MANIFEST, OCI_MANIFEST, Descriptor, Manifest, Platform, parse_manifest

_DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
_OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
PLAIN_LAYER = "application/vnd.oci.image.layer.v1.tar"
"""A layer as it is. Whoever reads images of OCI has to know it (image specification, "Image Manifest"); Docker's manifests have no such."""


@dataclass(frozen=True)
class DraftLayer:
    """A layer as a tar stream."""

    diff_id: str
    """The digest of the stream."""
    size: int
    """Its length in bytes."""
    blocks: t.Callable[[], t.Iterator[bytes]]
    """Reads it from the start, as often as need be. Raises `SourceError` when it cannot be read or ends early."""
    where: str
    """What it is read from, for messages."""
    content: Content | None = None
    """The same, where it lies ready to be read from any position."""


@dataclass(frozen=True)
class Draft:
    config: bytes
    layers: tuple[DraftLayer, ...]
    where: str
    oci: bool = False
    """Whether the manifest becomes one of OCI in any case, rather than of Docker, which even old engines read.

    zstd needs OCI, and so do layers that are not compressed.
    """

    @property
    def config_digest(self) -> str:
        """The image's ID."""
        return "sha256:" + hashlib.sha256(self.config).hexdigest()

    @property
    def identities(self) -> frozenset[str]:
        """Digests of which an image's manifest or configuration has one when it is this image."""
        return frozenset({self.config_digest})

    def load(self) -> Draft:
        return self

    @property
    def platform(self) -> Platform | None:
        return platform_in(self.config)

    def layer_type(self, suffix: str, oci: bool) -> str:
        return f"{PLAIN_LAYER}+{suffix}" if oci else _DOCKER_LAYER

    def known_layer(self, layer: Descriptor, oci: bool) -> Descriptor | None:
        """A layer of another image as this one's manifest names it; None when it cannot: Docker's own manifests know gzip alone."""
        suffix = next((suffix for suffix in ("gzip", "zstd", "tar") if layer.media_type.endswith(suffix)), "")
        if layer.foreign or not suffix or (suffix != "gzip" and not oci):
            return None
        return Descriptor(PLAIN_LAYER if suffix == "tar" else self.layer_type(suffix, oci), layer.digest, layer.size)

    def manifest(self, layers: t.Sequence[Descriptor], oci: bool) -> Manifest:
        """The manifest over these layers, in order; the same bytes for the same layers."""
        media_type = OCI_MANIFEST if oci else DOCKER_MANIFEST
        config = Descriptor(_OCI_CONFIG if oci else _DOCKER_CONFIG, self.config_digest, len(self.config))
        document = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": _pointer(config),
            "layers": [_pointer(layer) for layer in layers],
        }
        content = json.dumps(document, indent=2).encode()
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        return parse_manifest(content, Descriptor(media_type, digest, len(content)))


def _pointer(descriptor: Descriptor) -> dict[str, t.Any]:
    return {"mediaType": descriptor.media_type, "digest": descriptor.digest, "size": descriptor.size}


def diff_ids_in(config: bytes, where: str) -> list[str]:
    """The digests of the uncompressed layers that a configuration names. Raises `SourceError` when it names none."""
    try:
        found = json.loads(config)["rootfs"]["diff_ids"]
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise SourceError(f"The configuration in {where} names no layers (rootfs.diff_ids).", "Export the image again.") from exc
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise SourceError(f"The configuration in {where} names its layers in an unknown way.", "Export the image again.")
    return found


def platform_in(config: bytes) -> Platform | None:
    """The platform that a configuration names; None when it names none, as an artifact's may."""
    try:
        data = json.loads(config or b"{}")
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not data.get("os") or not data.get("architecture"):
        return None
    return Platform(str(data["os"]), str(data["architecture"]), str(data.get("variant") or ""))
