"""Manifests: their media types, what they refer to, and which platform an index offers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"

IMAGE_TYPES = (DOCKER_MANIFEST, OCI_MANIFEST)
INDEX_TYPES = (DOCKER_LIST, OCI_INDEX)

MAXIMUM_MANIFEST_BYTES = 4 * 1024 * 1024
"""ECR's quota is 4,194,304 characters."""


class InvalidManifest(Exception):
    """The document is not a manifest of the type it claims to be."""


class UnsupportedManifest(Exception):
    """A media type that this registry does not keep."""


@dataclass(frozen=True)
class Descriptor:
    media_type: str
    digest: str
    size: int
    platform: dict[str, Any] | None
    external: bool
    """The content lies elsewhere (`urls`), so it need not be in the repository."""


@dataclass(frozen=True)
class Manifest:
    media_type: str
    digest: str
    body: bytes
    document: dict[str, Any]

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEX_TYPES

    @property
    def config(self) -> Descriptor | None:
        value = self.document.get("config")
        return None if self.is_index or value is None else _descriptor(value)

    @property
    def layers(self) -> list[Descriptor]:
        return [] if self.is_index else [_descriptor(item) for item in self.document.get("layers", [])]

    @property
    def children(self) -> list[Descriptor]:
        return [_descriptor(item) for item in self.document.get("manifests", [])] if self.is_index else []

    @property
    def subject(self) -> str | None:
        """Digest of the manifest that this one is about (signature, bill of materials), if any."""
        value = self.document.get("subject")
        return value.get("digest") if isinstance(value, dict) else None

    @property
    def artifact_type(self) -> str | None:
        declared = self.document.get("artifactType")
        if declared or self.is_index:
            return declared
        return self.config.media_type if self.config else None

    def blobs(self) -> Iterator[Descriptor]:
        """Every blob that must be in the repository before this manifest is."""
        if self.config is not None:
            yield self.config
        yield from (layer for layer in self.layers if not layer.external)


_DOCKER_TYPES = {
    OCI_MANIFEST: DOCKER_MANIFEST,
    "application/vnd.oci.image.config.v1+json": "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.layer.v1.tar": "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
}


def as_docker(manifest: Manifest) -> Manifest | None:
    """The same image as a Docker v2 schema 2 manifest, with another digest; None when a part has no Docker type (zstd, artifacts)."""
    parts = [manifest.document.get("config", {}), *manifest.document.get("layers", [])]
    if manifest.media_type != OCI_MANIFEST or any(part.get("mediaType") not in _DOCKER_TYPES for part in parts):
        return None

    def translated(part: dict[str, Any]) -> dict[str, Any]:
        return {"mediaType": _DOCKER_TYPES[part["mediaType"]], "size": part["size"], "digest": part["digest"]}

    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": translated(parts[0]),
        "layers": [translated(part) for part in parts[1:]],
    }
    return parse_manifest(json.dumps(document).encode(), DOCKER_MANIFEST)


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def parse_manifest(body: bytes, content_type: str | None) -> Manifest:
    """Raises InvalidManifest, UnsupportedManifest. Without a content type the document's own `mediaType` counts."""
    try:
        document = json.loads(body.decode())
    except ValueError as error:
        raise InvalidManifest("Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'") from error
    if not isinstance(document, dict):
        raise InvalidManifest("Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'not a JSON object'")
    declared = document.get("mediaType")
    media_type = (content_type or declared or "").partition(";")[0].strip()
    if media_type not in IMAGE_TYPES + INDEX_TYPES:
        raise UnsupportedManifest(
            f"Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Manifest media type {media_type!r} is not supported'"
        )
    if declared is not None and declared != media_type:
        raise InvalidManifest(f"manifest mediaType {declared!r} does not match the media type {media_type!r} it was sent with")
    manifest = Manifest(media_type, digest_of(body), body, document)
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    document = manifest.document
    if document.get("schemaVersion") != 2:
        raise InvalidManifest("schemaVersion is not 2")
    if manifest.is_index:
        if not isinstance(document.get("manifests"), list):
            raise InvalidManifest("an index needs a list `manifests`")
    elif not isinstance(document.get("config"), dict) or not isinstance(document.get("layers"), list):
        raise InvalidManifest("an image manifest needs `config` and a list `layers`")
    try:
        for descriptor in [*manifest.blobs(), *manifest.children]:
            if not descriptor.digest.startswith("sha256:"):
                raise InvalidManifest(f"digest {descriptor.digest!r} is not a SHA-256 digest")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidManifest("a descriptor lacks mediaType, digest or size") from error


def _descriptor(value: dict[str, Any]) -> Descriptor:
    return Descriptor(
        media_type=value["mediaType"],
        digest=value["digest"],
        size=int(value["size"]),
        platform=value.get("platform"),
        external=bool(value.get("urls")),
    )


def matches_platform(platform: dict[str, Any], wanted: str) -> bool:
    """Whether a descriptor's platform serves `linux/amd64` or the like. A variant counts only where one is asked for."""
    os_name, _, rest = wanted.partition("/")
    architecture, _, variant = rest.partition("/")
    if platform.get("os") != os_name or platform.get("architecture") != architecture:
        return False
    return not variant or platform.get("variant", "") == variant
