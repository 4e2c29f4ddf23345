# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amazon ECR, one function per API call."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from .failures import error_code


@dataclass(frozen=True)
class EcrRepository:
    name: str
    uri: str
    """`123456789012.dkr.ecr.eu-west-1.amazonaws.com/name`"""
    registry_id: str
    mutability: str
    """MUTABLE, IMMUTABLE, IMMUTABLE_WITH_EXCLUSION or MUTABLE_WITH_EXCLUSION."""
    exclusions: tuple[str, ...]
    """Wildcard patterns of the tags that the mutability does not hold for."""


@dataclass(frozen=True)
class EcrAuthorization:
    token: str
    """Ready for a header: `Basic` and the token."""
    endpoint: str
    """The registry's address with its scheme."""


def describe_repository(client: t.Any, name: str, registry_id: str | None = None) -> EcrRepository | None:
    """ecr:DescribeRepositories for one name. None when there is no such repository."""
    arguments: dict[str, t.Any] = {"repositoryNames": [name]}
    if registry_id:
        arguments["registryId"] = registry_id
    try:
        found = client.describe_repositories(**arguments)["repositories"][0]
    except client.exceptions.ClientError as exc:
        if error_code(exc) == "RepositoryNotFoundException":
            return None
        raise
    return _repository(found)


def _repository(found: dict[str, t.Any]) -> EcrRepository:
    filters = found.get("imageTagMutabilityExclusionFilters") or []
    return EcrRepository(
        name=found["repositoryName"],
        uri=found["repositoryUri"],
        registry_id=found["registryId"],
        mutability=found.get("imageTagMutability") or "MUTABLE",
        exclusions=tuple(entry["filter"] for entry in filters),
    )


def create_repository(
    client: t.Any,
    name: str,
    registry_id: str | None,
    mutability: str,
    exclusions: t.Sequence[str] = (),
    scan_on_push: bool = True,
    kms_key: str | None = None,
) -> EcrRepository:
    """ecr:CreateRepository. One that somebody else created in the same moment is taken as it is."""
    arguments: dict[str, t.Any] = {
        "repositoryName": name,
        "imageTagMutability": mutability,
        "imageScanningConfiguration": {"scanOnPush": scan_on_push},
    }
    if registry_id:
        arguments["registryId"] = registry_id
    if exclusions:
        arguments["imageTagMutabilityExclusionFilters"] = [{"filterType": "WILDCARD", "filter": item} for item in exclusions]
    if kms_key:
        arguments["encryptionConfiguration"] = {"encryptionType": "KMS", "kmsKey": kms_key}
    try:
        return _repository(client.create_repository(**arguments)["repository"])
    except client.exceptions.ClientError as exc:
        if error_code(exc) != "RepositoryAlreadyExistsException":
            raise
        found = describe_repository(client, name, registry_id)
        if found is None:
            raise
        return found


def put_lifecycle_policy(client: t.Any, name: str, registry_id: str | None, rules: list[dict[str, t.Any]]) -> None:
    """ecr:PutLifecyclePolicy."""
    arguments = {"registryId": registry_id} if registry_id else {}
    client.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps({"rules": rules}), **arguments)


@dataclass(frozen=True)
class ScanFindings:
    status: str
    description: str
    counts: dict[str, int]
    """By severity, in ECR's words."""
    names: tuple[str, ...]
    """Of the first hundred or so, the worst first as ECR lists them."""


def scan_findings(client: t.Any, registry_id: str, name: str, digest: str) -> ScanFindings | None:
    """ecr:DescribeImageScanFindings, of basic and of enhanced scanning. None when no scan of the image is known."""
    try:
        answer = client.describe_image_scan_findings(registryId=registry_id, repositoryName=name, imageId={"imageDigest": digest})
    except client.exceptions.ClientError as exc:
        if error_code(exc) == "ScanNotFoundException":
            return None
        raise
    status = answer.get("imageScanStatus") or {}
    found = answer.get("imageScanFindings") or {}
    basic = [str(item.get("name")) for item in found.get("findings") or []]
    enhanced = [str(item.get("title")) for item in found.get("enhancedFindings") or []]
    return ScanFindings(
        str(status.get("status") or "NOT_STARTED"),
        str(status.get("description") or ""),
        {str(severity): int(count) for severity, count in (found.get("findingSeverityCounts") or {}).items()},
        (*basic, *enhanced),
    )


# A scan that runs, or that ran today, cannot be started again; with enhanced scanning none can be started.
_SCANNED_ANYWAY = frozenset({"LimitExceededException", "ValidationException", "ScanInProgressException"})


def start_scan(client: t.Any, registry_id: str, name: str, digest: str) -> bool:
    """ecr:StartImageScan. False when the registry scans by itself, or has done so in the last 24 hours."""
    try:
        client.start_image_scan(registryId=registry_id, repositoryName=name, imageId={"imageDigest": digest})
    except client.exceptions.ClientError as exc:
        if error_code(exc) in _SCANNED_ANYWAY:
            return False
        raise
    return True


def get_authorization_token(client: t.Any, registry_id: str | None = None) -> EcrAuthorization:
    """ecr:GetAuthorizationToken. The token holds for twelve hours, for every registry that the identity may use."""
    arguments = {"registryIds": [registry_id]} if registry_id else {}
    data = client.get_authorization_token(**arguments)["authorizationData"][0]
    return EcrAuthorization(token=f"Basic {data['authorizationToken']}", endpoint=data["proxyEndpoint"])


_MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


def image_manifest(client: t.Any, registry_id: str, repository: str, tag: str, digest: str) -> dict[str, t.Any] | None:
    """ecr:BatchGetImage for one image: its manifest or index. None when the repository or the image is not there."""
    answers = _unless(lambda: list(_batch_get_image(client, registry_id, repository, [digest or tag])), "RepositoryNotFoundException")
    images = [image for answer in answers or [] for image in answer.get("images", [])]
    return dict(json.loads(images[0]["imageManifest"])) if images else None


def download_url(client: t.Any, registry_id: str, repository: str, digest: str) -> str:
    """ecr:GetDownloadUrlForLayer: where a blob may be fetched for a while, without credentials."""
    answer = client.get_download_url_for_layer(registryId=registry_id, repositoryName=repository, layerDigest=digest)
    return str(answer["downloadUrl"])


# The most that DescribeImages gives at a time; it gives 100 when not asked (API reference).
_IMAGES_PER_PAGE = 1000
# BatchGetImage and BatchDeleteImage take 100 identifiers (API reference), and so does DescribeImages.
_IMAGES_PER_CALL = 100


def describe_images(client: t.Any, registry_id: str, repository: str, wanted: t.Sequence[str] = ()) -> list[dict[str, t.Any]]:
    """ecr:DescribeImages: all images of the repository, or those that are named by tag or digest.

    One that is not there is left out; a tag and a digest of one image give it once for each.
    """
    base = {"registryId": registry_id, "repositoryName": repository}
    if not wanted:
        pages = client.get_paginator("describe_images").paginate(**base, maxResults=_IMAGES_PER_PAGE)
        return [detail for page in pages for detail in page["imageDetails"]]
    found: list[dict[str, t.Any]] = []
    for name in wanted:
        try:
            # One at a time: a single name that is not there fails the whole call.
            found.extend(client.describe_images(**base, imageIds=[_image_id(name)])["imageDetails"])
        except client.exceptions.ClientError as exc:
            if error_code(exc) != "ImageNotFoundException":
                raise
    return found


@dataclass(frozen=True)
class ImageManifest:
    digest: str
    media_type: str
    content: bytes
    """The exact bytes, of which the digest is."""


def raw_manifests(client: t.Any, registry_id: str, repository: str, digests: t.Sequence[str]) -> list[ImageManifest]:
    """ecr:BatchGetImage: manifests and indexes as they were pushed, in no order. Those that are not there are left out."""
    answers = _batch_get_image(client, registry_id, repository, digests)
    return [_image(entry) for answer in answers for entry in answer.get("images", [])]


def named_images(client: t.Any, registry_id: str | None, repository: str, names: t.Sequence[str]) -> dict[str, ImageManifest | None]:
    """ecr:BatchGetImage: what each name, a tag or a digest, stands for, None when for nothing.

    A name of which ECR does not say that is left out: all of them when there is no such repository or the identity may not ask.
    """
    found: dict[str, ImageManifest | None] = {}
    try:
        for answer in _batch_get_image(client, registry_id, repository, names):
            for entry in answer.get("images", []):
                found.update(dict.fromkeys(entry["imageId"].values(), _image(entry)))
            for failure in answer.get("failures", []):
                if failure.get("failureCode") == "ImageNotFound":
                    found.update(dict.fromkeys(failure["imageId"].values()))
    except client.exceptions.ClientError as exc:
        if error_code(exc) not in ("RepositoryNotFoundException", "AccessDeniedException"):
            raise
    return {name: found[name] for name in names if name in found}


def _batch_get_image(client: t.Any, registry_id: str | None, repository: str, names: t.Sequence[str]) -> t.Iterator[dict[str, t.Any]]:
    registry = {"registryId": registry_id} if registry_id else {}
    for start in range(0, len(names), _IMAGES_PER_CALL):
        wanted = [_image_id(name) for name in names[start : start + _IMAGES_PER_CALL]]
        yield client.batch_get_image(**registry, repositoryName=repository, imageIds=wanted, acceptedMediaTypes=list(_MANIFEST_TYPES))


def _image(entry: dict[str, t.Any]) -> ImageManifest:
    return ImageManifest(entry["imageId"]["imageDigest"], str(entry.get("imageManifestMediaType") or ""), entry["imageManifest"].encode())


def image_manifests(client: t.Any, registry_id: str, repository: str, digests: t.Sequence[str]) -> dict[str, dict[str, t.Any]]:
    """ecr:BatchGetImage: manifests and indexes by their digest. Those that are not there are left out."""
    return {image.digest: json.loads(image.content) for image in raw_manifests(client, registry_id, repository, digests)}


def delete_images(client: t.Any, registry_id: str, repository: str, digests: t.Sequence[str]) -> dict[str, str]:
    """ecr:BatchDeleteImage by digest, which takes all tags along. Returns why, by digest, for those that were not deleted."""
    refused: dict[str, str] = {}
    for start in range(0, len(digests), _IMAGES_PER_CALL):
        answer = client.batch_delete_image(
            registryId=registry_id,
            repositoryName=repository,
            imageIds=[{"imageDigest": digest} for digest in digests[start : start + _IMAGES_PER_CALL]],
        )
        for failure in answer.get("failures", []):
            digest = str((failure.get("imageId") or {}).get("imageDigest"))
            refused[digest] = f"{failure.get('failureCode')}: {failure.get('failureReason')}"
    return refused


def _image_id(name: str) -> dict[str, str]:
    return {"imageDigest": name} if name.startswith("sha256:") else {"imageTag": name}


def describe(client: t.Any, name: str) -> dict[str, t.Any] | None:
    """ecr:DescribeRepositories for one name, all that AWS answers. None when there is no such repository."""
    found = _unless(lambda: client.describe_repositories(repositoryNames=[name]), "RepositoryNotFoundException")
    return dict(found["repositories"][0]) if found else None


def create(client: t.Any, request: dict[str, t.Any]) -> dict[str, t.Any]:
    return dict(client.create_repository(**request)["repository"])


def put_tag_mutability(client: t.Any, name: str, setting: dict[str, t.Any]) -> None:
    client.put_image_tag_mutability(repositoryName=name, **setting)


def put_scanning(client: t.Any, name: str, scan_on_push: bool) -> None:
    client.put_image_scanning_configuration(repositoryName=name, imageScanningConfiguration={"scanOnPush": scan_on_push})


def lifecycle_policy(client: t.Any, name: str) -> dict[str, t.Any] | None:
    """ecr:GetLifecyclePolicy, or None when the repository has none."""
    found = _unless(lambda: client.get_lifecycle_policy(repositoryName=name), "LifecyclePolicyNotFoundException")
    return dict(json.loads(found["lifecyclePolicyText"])) if found else None


def set_lifecycle_policy(client: t.Any, name: str, document: str) -> None:
    client.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=document)


def delete_lifecycle_policy(client: t.Any, name: str) -> None:
    client.delete_lifecycle_policy(repositoryName=name)


def repository_policy(client: t.Any, name: str) -> dict[str, t.Any] | None:
    """ecr:GetRepositoryPolicy, or None when the repository has none."""
    found = _unless(lambda: client.get_repository_policy(repositoryName=name), "RepositoryPolicyNotFoundException")
    return dict(json.loads(found["policyText"])) if found else None


def set_repository_policy(client: t.Any, name: str, document: str) -> None:
    client.set_repository_policy(repositoryName=name, policyText=document)


def delete_repository_policy(client: t.Any, name: str) -> None:
    client.delete_repository_policy(repositoryName=name)


def list_tags(client: t.Any, arn: str) -> list[dict[str, str]]:
    return list(client.list_tags_for_resource(resourceArn=arn).get("tags") or [])


def tag(client: t.Any, arn: str, tags: list[dict[str, str]]) -> None:
    client.tag_resource(resourceArn=arn, tags=tags)


def pull_through_rule(client: t.Any, prefix: str) -> dict[str, t.Any] | None:
    """ecr:DescribePullThroughCacheRules for one prefix, or None when it has no rule."""
    found = _unless(
        lambda: client.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[prefix]), "PullThroughCacheRuleNotFoundException"
    )
    return dict(found["pullThroughCacheRules"][0]) if found and found["pullThroughCacheRules"] else None


def create_pull_through_rule(client: t.Any, request: dict[str, t.Any]) -> None:
    client.create_pull_through_cache_rule(**request)


def update_pull_through_rule(client: t.Any, prefix: str, credential_arn: str) -> None:
    client.update_pull_through_cache_rule(ecrRepositoryPrefix=prefix, credentialArn=credential_arn)


def delete_pull_through_rule(client: t.Any, prefix: str) -> None:
    client.delete_pull_through_cache_rule(ecrRepositoryPrefix=prefix)


def _unless(call: t.Callable[[], t.Any], missing: str) -> t.Any:
    """The answer of the call, or None when it is refused with this code."""
    try:
        return call()
    except Exception as error:
        if error_code(error) == missing:
            return None
        raise
