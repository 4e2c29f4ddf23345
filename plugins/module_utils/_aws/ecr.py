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
    filters = found.get("imageTagMutabilityExclusionFilters") or []
    return EcrRepository(
        name=found["repositoryName"],
        uri=found["repositoryUri"],
        registry_id=found["registryId"],
        mutability=found.get("imageTagMutability") or "MUTABLE",
        exclusions=tuple(entry["filter"] for entry in filters),
    )


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
    wanted = {key: value for key, value in (("imageTag", "" if digest else tag), ("imageDigest", digest)) if value}
    try:
        answer = client.batch_get_image(
            registryId=registry_id, repositoryName=repository, imageIds=[wanted], acceptedMediaTypes=list(_MANIFEST_TYPES)
        )
    except Exception as error:
        if error_code(error) == "RepositoryNotFoundException":
            return None
        raise
    images = answer.get("images", [])
    return dict(json.loads(images[0]["imageManifest"])) if images else None


def download_url(client: t.Any, registry_id: str, repository: str, digest: str) -> str:
    """ecr:GetDownloadUrlForLayer: where a blob may be fetched for a while, without credentials."""
    answer = client.get_download_url_for_layer(registryId=registry_id, repositoryName=repository, layerDigest=digest)
    return str(answer["downloadUrl"])
