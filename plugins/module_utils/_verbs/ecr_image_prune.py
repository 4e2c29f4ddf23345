# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deletes images of a repository that nothing uses, that no rollback may need, and that are not among the newest."""

from __future__ import annotations

import typing as t

from .._aws.ecr import EcrRepository, delete_images, describe_images, describe_repository, image_manifests
from .._aws.failures import error_code, error_message
from .._image.errors import ImageError
from .._image.manifest import INDEX_TYPES
from .._image.progress import megabytes
from .._image.reference import check_repository
from .._image.retention import DAY, Policy, Stored, choose
from .._verb import Context, Verb, VerbFailure
from ._image_uses import used_images
from ._shared import Data
from .ecr_image_info import newest_first, shown

ARGUMENT_SPEC: dict[str, t.Any] = {
    "repository": {"type": "str", "required": True},
    "registry_id": {"type": "str"},
    "keep": {"type": "int", "required": True},
    "keep_tags": {"type": "list", "elements": "str", "default": []},
    "keep_days": {"type": "float", "default": 1.0},
    "history": {"type": "int", "default": 10},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    for name, least in (("keep", 1), ("keep_days", 0), ("history", 1)):
        if params[name] < least:
            raise VerbFailure(f"{name}: {params[name]} is less than {least}.")
    try:
        name = check_repository(params["repository"])
    except ImageError as error:
        raise VerbFailure(str(error), hint=error.hint) from error
    client = context.client("ecr")
    repository = describe_repository(client, name, params["registry_id"] or None)
    if repository is None:
        raise VerbFailure(
            f"repository: there is no ECR repository {name}; there is nothing to prune.", error_code="RepositoryNotFoundException"
        )
    # The uses are read after the images: what is deployed in between is newer than every image in the list, and so not in it.
    details = {item["imageDigest"]: item for item in describe_images(client, repository.registry_id, name)}
    images = _stored(client, repository, details)
    used = _uses(context, name, params["history"])
    policy = Policy(
        keep=params["keep"],
        keep_tags=tuple(params["keep_tags"]),
        younger_than=context.clock.now() - params["keep_days"] * DAY,
    )
    choice = choose(images, used, policy)
    gone = [details[digest] for group in choice.gone for digest in group]
    result: dict[str, t.Any] = {
        "changed": bool(gone),
        "pruned": [_brief(repository, item) for item in gone],
        "kept": [
            {**_brief(repository, item), "why": choice.kept[item["imageDigest"]]}
            for item in newest_first(details.values())
            if item["imageDigest"] in choice.kept
        ],
        "bytes": sum(item.get("imageSizeInBytes") or 0 for item in gone),
    }
    if context.diff_mode:
        result["diff"] = {
            "before_header": repository.uri,
            "after_header": repository.uri,
            "before": "".join(f"{_line(item)}\n" for item in newest_first(details.values())),
            "after": "".join(f"{_line(item)}\n" for item in newest_first(details.values()) if item["imageDigest"] in choice.kept),
        }
    if gone and not context.check_mode:
        _delete(client, repository, choice.gone, result)
    if gone:
        verb = "would delete" if context.check_mode else "deleted"
        context.progress(
            f"{name}: {verb} {len(gone)} of {len(details)} images, {megabytes(result['bytes'])} with the layers that they share"
        )
    return result


def _stored(client: t.Any, repository: EcrRepository, details: t.Mapping[str, Data]) -> list[Stored]:
    indexes = [digest for digest, item in details.items() if item.get("imageManifestMediaType") in INDEX_TYPES]
    manifests = image_manifests(client, repository.registry_id, repository.name, indexes)
    unread = [digest for digest in indexes if digest not in manifests]
    if unread:
        raise VerbFailure(
            f"{repository.name}: the index {unread[0]} could not be read, so what belongs to it is not known; nothing was deleted."
        )
    return [
        Stored(
            digest=digest,
            pushed_at=item["imagePushedAt"].timestamp(),
            size=item.get("imageSizeInBytes") or 0,
            tags=tuple(sorted(item.get("imageTags") or [])),
            children=tuple(str(child.get("digest")) for child in manifests.get(digest, {}).get("manifests") or []),
            subject=item.get("subjectManifestDigest") or "",
        )
        for digest, item in details.items()
    ]


def _uses(context: Context, repository: str, history: int) -> dict[str, str]:
    try:
        return used_images(context, repository, history)
    except Exception as error:
        code = error_code(error)
        if not code:
            raise
        raise VerbFailure(
            f"{repository}: nothing was deleted, as not all of what may use an image can be seen: "
            f"{getattr(error, 'operation_name', 'a call')} was refused: {code}: {error_message(error)}",
            error_code=code,
        ) from error


def _delete(client: t.Any, repository: EcrRepository, groups: t.Sequence[t.Sequence[str]], result: dict[str, t.Any]) -> None:
    refused: dict[str, str] = {}
    for group in groups:
        refused.update(delete_images(client, repository.registry_id, repository.name, group))
    if not refused:
        return
    total = len(result["pruned"])
    result["pruned"] = [item for item in result["pruned"] if item["digest"] not in refused]
    result["changed"] = bool(result["pruned"])
    first, why = next(iter(refused.items()))
    raise VerbFailure(f"{repository.name}: {len(refused)} of {total} images were not deleted, {first} among them: {why}", **result)


def _brief(repository: EcrRepository, detail: Data) -> Data:
    return {key: value for key, value in shown(repository, detail).items() if key in ("digest", "tags", "pushed_at", "size")}


def _line(detail: Data) -> str:
    return " ".join([detail["imageDigest"][:19], *sorted(detail.get("imageTags") or [])])


VERB = Verb(name="ecr_image_prune", argument_spec=ARGUMENT_SPEC, run=run)
