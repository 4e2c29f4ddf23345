"""The images of the ECR repositories that moto keeps: the one place where pushed images and moto's state meet."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from moto.backends import get_backend
from moto.ecr.models import Image as MotoImage
from moto.ecr.models import Repository as MotoRepository

from local_aws.registry.manifests import INDEX_TYPES, Manifest
from local_aws.registry.names import is_digest
from local_aws.registry.quirks import Quirks
from local_aws.registry.tokens import Principal


class RepositoryUnknown(Exception):
    def __init__(self, principal: Principal, name: str) -> None:
        super().__init__(f"The repository with name '{name}' does not exist in the registry with id '{principal.account}'")


class ImageUnknown(Exception):
    def __init__(self) -> None:
        super().__init__("Requested image not found")


class TagIsImmutable(Exception):
    def __init__(self, tag: str, repository: str, because: str) -> None:
        super().__init__(
            f"The image tag '{tag}' already exists in the '{repository}' repository and cannot be overwritten "
            f"because the {because} is immutable."
        )


class ReferencesMissing(Exception):
    """Layers or images that a manifest names and the repository lacks."""

    def __init__(self, kind: str, digests: list[str], principal: Principal, name: str) -> None:
        listed = ", ".join(digests)
        super().__init__(
            f"{kind} with digests '[{listed}]' required for pushing image into repository with name '{name}' "
            f"in the registry with id '{principal.account}' do not exist"
        )
        self.kind = kind


class PushedImage(MotoImage):
    """moto's image with the real size, digest and time of a push."""

    def __init__(self, principal: Principal, repository: str, manifest: Manifest, size: int, pushed_at: datetime) -> None:
        super().__init__(
            account_id=principal.account,
            tag=None,  # type: ignore[arg-type]  # moto's own code tests for None
            manifest=manifest.body.decode(),
            repository=repository,
            image_manifest_mediatype=manifest.media_type,
            digest=manifest.digest,
        )
        self.image_pushed_at = int(pushed_at.timestamp())
        self.artifact_media_type = manifest.artifact_type
        self.subject_manifest_digest = manifest.subject
        self.parsed = manifest
        self._size = size

    def get_image_size_in_bytes(self) -> int:
        return self._size

    def remove_tag(self, tag: str) -> None:
        super().remove_tag(tag)
        if not self.image_tags:
            self.image_tag = None  # type: ignore[assignment]  # as moto's constructor does without a tag


def tag_is_immutable(mutability: str, filters: Sequence[Mapping[Any, str]] | None, tag: str) -> bool:
    """ECR's four settings. A filter matches the whole tag, with `*` for any characters; WITH_EXCLUSION turns the setting around."""
    excluded = any(
        re.fullmatch(".*".join(re.escape(part) for part in item["filter"].split("*")), tag) is not None for item in filters or []
    )
    if mutability == "IMMUTABLE":
        return True
    if mutability == "IMMUTABLE_WITH_EXCLUSION":
        return not excluded
    return mutability == "MUTABLE_WITH_EXCLUSION" and excluded


class Repositories:
    """Reads and writes of images and layer lists, one writer at a time."""

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self.lock = threading.RLock()

    def all(self) -> Iterator[tuple[Principal, MotoRepository]]:
        for account, regions in list(get_backend("ecr").items()):
            for region, backend in list(regions.items()):
                for repository in list(backend.repositories.values()):
                    yield Principal(account, region), repository

    def find(self, principal: Principal, name: str) -> MotoRepository:
        """Raises RepositoryUnknown."""
        backend = get_backend("ecr")[principal.account][principal.region]
        repository = backend.repositories.get(name)
        if repository is None:
            raise RepositoryUnknown(principal, name)
        return repository

    def image(self, repository: MotoRepository, selector: str) -> MotoImage:
        """By tag or digest. Raises ImageUnknown."""
        for image in list(repository.images):
            if image.get_image_digest() == selector if is_digest(selector) else selector in image.image_tags:
                return image
        raise ImageUnknown

    def tags(self, repository: MotoRepository) -> list[str]:
        return sorted(tag for image in list(repository.images) for tag in image.image_tags)

    def put(
        self, principal: Principal, repository: MotoRepository, manifest: Manifest, tag: str | None, pushed_at: datetime
    ) -> PushedImage | MotoImage:
        """Store a manifest and point the tag at it; the image that had the tag stays, without it.

        Raises ReferencesMissing, TagIsImmutable.
        """
        with self.lock:
            self._require_references(principal, repository, manifest)
            existing = next((image for image in repository.images if image.get_image_digest() == manifest.digest), None)
            if tag is not None:
                self._release_tag(repository, tag, existing)
            if existing is None:
                existing = PushedImage(principal, repository.name, manifest, self._size(repository, manifest), pushed_at)
                repository.images.append(existing)
            if tag is not None:
                existing.update_tag(tag)
            return existing

    def _release_tag(self, repository: MotoRepository, tag: str, new: MotoImage | None) -> None:
        holder = next((image for image in repository.images if tag in image.image_tags), None)
        if holder is None:
            return
        mutability = str(getattr(repository.image_tag_mutability, "value", repository.image_tag_mutability))
        if tag_is_immutable(mutability, repository.image_tag_mutability_exclusion_filters, tag):
            if holder is not new or self._quirks.same_digest_is_immutable_too:
                raise TagIsImmutable(tag, repository.name, "repository" if mutability == "IMMUTABLE" else "tag")
        elif holder is not new:
            holder.remove_tag(tag)

    def _require_references(self, principal: Principal, repository: MotoRepository, manifest: Manifest) -> None:
        layers = [blob.digest for blob in manifest.blobs() if blob.digest not in repository.layers]
        if layers:
            raise ReferencesMissing("Layers", layers, principal, repository.name)
        present = {image.get_image_digest() for image in repository.images}
        images = [child.digest for child in manifest.children if child.digest not in present]
        if images:
            raise ReferencesMissing("Images", images, principal, repository.name)

    def _size(self, repository: MotoRepository, manifest: Manifest) -> int:
        """Compressed layers and configuration; for an index the largest of its images (ImageDetail.imageSizeInBytes)."""
        if manifest.is_index:
            digests = {child.digest for child in manifest.children}
            sizes = [image.get_image_size_in_bytes() or 0 for image in repository.images if image.get_image_digest() in digests]
            return max(sizes, default=0)
        return sum(blob.size for blob in manifest.blobs())

    def delete(self, repository: MotoRepository, selector: str) -> None:
        """By digest the image goes; by tag only the tag, and the image with its last one (BatchDeleteImage). Raises ImageUnknown."""
        with self.lock:
            image = self.image(repository, selector)
            if not is_digest(selector):
                image.remove_tag(selector)
                if image.image_tags:
                    return
            repository.images.remove(image)

    def references(self, repository: MotoRepository, digest: str) -> bool:
        """Whether an image of the repository has this blob as a layer or as its configuration."""
        return any(
            digest in {item.get("digest") for item in [*document.get("layers", []), document.get("config", {})]}
            for document in (json.loads(image.image_manifest) for image in list(repository.images))
        )

    def referrers(self, repository: MotoRepository, subject: str) -> list[dict[str, Any]]:
        """Descriptors of the manifests whose `subject` is that digest, as the referrers API lists them."""
        found: list[dict[str, Any]] = []
        for image in list(repository.images):
            document = json.loads(image.image_manifest)
            if (document.get("subject") or {}).get("digest") != subject:
                continue
            body = image.image_manifest.encode()
            descriptor: dict[str, Any] = {
                "mediaType": image.image_manifest_media_type,
                "digest": image.get_image_digest(),
                "size": len(body),
            }
            artifact_type = document.get("artifactType")
            if not artifact_type and image.image_manifest_media_type not in INDEX_TYPES:
                artifact_type = document.get("config", {}).get("mediaType")
            if artifact_type:
                descriptor["artifactType"] = artifact_type
            if document.get("annotations"):
                descriptor["annotations"] = document["annotations"]
            found.append(descriptor)
        return found
