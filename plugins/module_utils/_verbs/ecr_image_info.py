# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what a repository of Amazon ECR holds."""

from __future__ import annotations

import typing as t

from .._aws.ecr import EcrRepository, describe_images, describe_repository, image_manifests
from .._image.errors import ImageError
from .._image.manifest import INDEX_TYPES
from .._image.reference import check_digest, check_repository, check_tag
from .._verb import Context, Verb, VerbFailure
from ._shared import Data, plain

ARGUMENT_SPEC: dict[str, t.Any] = {
    "repository": {"type": "str", "required": True},
    "registry_id": {"type": "str"},
    "images": {"type": "list", "elements": "str", "default": []},
    "platforms": {"type": "bool", "default": False},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    try:
        name = check_repository(params["repository"])
        wanted = [check_digest(item) if ":" in item else check_tag(item) for item in dict.fromkeys(params["images"])]
    except ImageError as error:
        raise VerbFailure(str(error), hint=error.hint) from error
    client = context.client("ecr")
    repository = describe_repository(client, name, params["registry_id"] or None)
    if repository is None:
        return {"changed": False, "exists": False, "repository": None, "images": [], "missing": wanted}
    details = {item["imageDigest"]: item for item in describe_images(client, repository.registry_id, name, wanted)}
    manifests = image_manifests(client, repository.registry_id, name, _indexes(details.values())) if params["platforms"] else {}
    images = [shown(repository, item, manifests.get(item["imageDigest"])) for item in newest_first(details.values())]
    names = {name for image in images for name in (image["digest"], *image["tags"])}
    return {
        "changed": False,
        "exists": True,
        "repository": {
            "name": repository.name,
            "uri": repository.uri,
            "registry_id": repository.registry_id,
            "mutability": repository.mutability,
            "exclusions": list(repository.exclusions),
        },
        "images": images,
        "missing": [item for item in wanted if item not in names],
    }


def newest_first(details: t.Iterable[Data]) -> list[Data]:
    return sorted(details, key=lambda item: (-item["imagePushedAt"].timestamp(), item["imageDigest"]))


def _indexes(details: t.Iterable[Data]) -> list[str]:
    return [item["imageDigest"] for item in details if item.get("imageManifestMediaType") in INDEX_TYPES]


def shown(repository: EcrRepository, detail: Data, index: Data | None = None) -> Data:
    """One image of DescribeImages in the collection's spelling; `index` is its manifest, where that is one."""
    scan = detail.get("imageScanStatus") or {}
    image: Data = {
        "digest": detail["imageDigest"],
        "image": f"{repository.uri}@{detail['imageDigest']}",
        "tags": sorted(detail.get("imageTags") or []),
        "pushed_at": plain(detail["imagePushedAt"]),
        "size": detail.get("imageSizeInBytes") or 0,
        "media_type": detail.get("imageManifestMediaType"),
        "artifact_type": detail.get("artifactMediaType"),
        "subject": detail.get("subjectManifestDigest"),
        "last_pulled_at": plain(detail.get("lastRecordedPullTime")),
        "scan_status": scan.get("status"),
        "findings": dict((detail.get("imageScanFindingsSummary") or {}).get("findingSeverityCounts") or {}),
    }
    if index is not None:
        image["platforms"] = [_platform(child) for child in index.get("manifests") or []]
    return image


def _platform(child: Data) -> Data:
    place = child.get("platform") or {}
    parts = [str(place[part]) for part in ("os", "architecture", "variant") if place.get(part)]
    return {"platform": "/".join(parts) or None, "digest": child.get("digest")}


VERB = Verb(name="ecr_image_info", argument_spec=ARGUMENT_SPEC, run=run)
