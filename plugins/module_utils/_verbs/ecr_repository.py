# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes an image repository what it should be: tags that keep their meaning, scans, lifecycle rules, who else may pull."""

from __future__ import annotations

import re
import typing as t

from .._aws import ecr, sts
from .._aws.connection import botocore_version
from .._platform import policies, repositories
from .._platform.tags import mapping, missing, pairs, texts
from .._verb import Context, Verb, VerbFailure

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "tag_mutability": {"type": "str", "choices": ["immutable", "mutable"], "default": "immutable"},
    "tag_exceptions": {"type": "list", "elements": "str", "default": []},
    "scan_on_push": {"type": "bool", "default": True},
    "encryption": {"type": "str", "choices": ["AES256", "KMS", "KMS_DSSE"]},
    "kms_key": {"type": "str", "no_log": False},
    "keep_images": {"type": "int"},
    "expire_untagged_days": {"type": "int"},
    "protected_tags": {"type": "list", "elements": "str", "default": []},
    "keep_protected": {"type": "int", "default": 10},
    "policy": {"type": "dict"},
    "tags": {"type": "dict", "default": {}},
}

Data = dict[str, t.Any]
# CreateRepository: repositoryName; ImageTagMutabilityExclusionFilter: filter, 1 to 5 of them.
_NAME = re.compile(r"(?=.{2,256}$)[a-z0-9]+([._/-][a-z0-9]+)*")
_PATTERN = re.compile(r"[0-9a-zA-Z._*-]{1,128}")
_MOST_EXCEPTIONS = 5


def run(params: Data, context: Context) -> Data:
    _check(params)
    client = context.client("ecr")
    if params["tag_exceptions"]:
        _check_exceptions_are_known(client)
    found = _read(client, params["name"])
    before = repositories.shown(found)
    wanted = _wanted(params, found)
    after = repositories.shown(wanted)
    if before and params["encryption"] and before["encryption"] != params["encryption"]:
        raise VerbFailure(
            f"encryption: {params['name']} is encrypted with {before['encryption']}, and ECR cannot change that to {params['encryption']}. "
            "Make a repository of another name, or leave the option out."
        )
    changes = repositories.changes(before, after)
    if changes and not context.check_mode:
        found = _apply(client, params, found, wanted, changes)
    result: Data = {"changed": bool(changes), "changes": changes, "repository": _shown(context, params["name"], found)}
    if context.diff_mode:
        result["diff"] = {"before": before, "after": after}
    return result


def _check(params: Data) -> None:
    name, exceptions = params["name"], params["tag_exceptions"]
    if not _NAME.fullmatch(name):
        raise VerbFailure(f"name: {name} is no repository name. Use 2 to 256 lower case letters, digits, and single . _ - / between them.")
    if len(exceptions) > _MOST_EXCEPTIONS:
        raise VerbFailure(f"tag_exceptions: {len(exceptions)} patterns, and ECR takes {_MOST_EXCEPTIONS}. Put some together with *.")
    for option in ("tag_exceptions", "protected_tags"):
        for pattern in params[option]:
            if not _PATTERN.fullmatch(pattern):
                raise VerbFailure(f"{option}: {pattern!r} is no pattern of tags. Use 1 to 128 letters, digits and . _ - *.")
    for option in ("keep_images", "expire_untagged_days", "keep_protected"):
        if params[option] is not None and params[option] < (1 if option == "keep_protected" else 0):
            raise VerbFailure(f"{option}: {params[option]} is no number of images or days. Use 1 or more.")
    if params["kms_key"] and params["encryption"] in (None, "AES256"):
        raise VerbFailure("kms_key: a key is used with encryption KMS or KMS_DSSE only. Set encryption, or leave the key out.")


def _check_exceptions_are_known(client: t.Any) -> None:
    members = client.meta.service_model.operation_model("CreateRepository").input_shape.members
    if "imageTagMutabilityExclusionFilters" not in members:
        raise VerbFailure(
            f"tag_exceptions: botocore {botocore_version()} does not know them. Upgrade boto3 and botocore, or leave the option out."
        )


def _read(client: t.Any, name: str) -> Data | None:
    found = ecr.describe(client, name)
    if found is None:
        return None
    return {
        **found,
        "lifecycle_policy": ecr.lifecycle_policy(client, name),
        "policy": ecr.repository_policy(client, name),
        "tags": mapping(ecr.list_tags(client, found["repositoryArn"])),
    }


def _wanted(params: Data, found: Data | None) -> Data:
    """The repository as it is to be, in the spelling of ECR; what no option speaks of is left as it is."""
    now: Data = found or {}
    lifecycle = now.get("lifecycle_policy")
    if params["keep_images"] is not None or params["expire_untagged_days"] is not None:
        lifecycle = repositories.lifecycle(
            params["keep_images"] or 0, params["expire_untagged_days"] or 0, params["protected_tags"], params["keep_protected"]
        )
    encryption = now.get("encryptionConfiguration") or {"encryptionType": params["encryption"] or "AES256"}
    if not now and params["kms_key"]:
        encryption = {**encryption, "kmsKey": params["kms_key"]}
    return {
        **repositories.mutability(params["tag_mutability"], params["tag_exceptions"]),
        "imageScanningConfiguration": {"scanOnPush": params["scan_on_push"]},
        "encryptionConfiguration": encryption,
        "lifecycle_policy": lifecycle,
        "policy": now.get("policy") if params["policy"] is None else params["policy"],
        "tags": {**now.get("tags", {}), **texts(params["tags"])},
    }


def _apply(client: t.Any, params: Data, found: Data | None, wanted: Data, changes: list[str]) -> Data:
    name = params["name"]
    if found is None:
        request = {
            "repositoryName": name,
            "encryptionConfiguration": wanted["encryptionConfiguration"],
            "imageScanningConfiguration": wanted["imageScanningConfiguration"],
            **repositories.mutability(params["tag_mutability"], params["tag_exceptions"]),
        }
        if wanted["tags"]:
            request["tags"] = pairs(wanted["tags"])
        found = ecr.create(client, request)
    if "tag_mutability" in changes:
        ecr.put_tag_mutability(client, name, repositories.mutability(params["tag_mutability"], params["tag_exceptions"]))
    if "scan_on_push" in changes:
        ecr.put_scanning(client, name, params["scan_on_push"])
    if "lifecycle_policy" in changes and wanted["lifecycle_policy"]:
        ecr.set_lifecycle_policy(client, name, policies.text(wanted["lifecycle_policy"]))
    elif "lifecycle_policy" in changes:
        ecr.delete_lifecycle_policy(client, name)
    if "policy" in changes and wanted["policy"]:
        ecr.set_repository_policy(client, name, policies.text(wanted["policy"]))
    elif "policy" in changes:
        ecr.delete_repository_policy(client, name)
    if "tags" in changes:
        ecr.tag(client, found["repositoryArn"], pairs(missing(found["tags"], wanted["tags"])))
    return found


def _shown(context: Context, name: str, found: Data | None) -> Data:
    """Name, ARN and URI. Those of a repository that check mode would make follow from the account."""
    if found is not None:
        return {"name": name, "arn": found["repositoryArn"], "uri": found["repositoryUri"]}
    caller = sts.identity(context.client("sts"))
    suffix = "amazonaws.com.cn" if caller.partition == "aws-cn" else "amazonaws.com"
    return {
        "name": name,
        "arn": f"arn:{caller.partition}:ecr:{caller.region}:{caller.account}:repository/{name}",
        "uri": f"{caller.account}.dkr.ecr.{caller.region}.{suffix}/{name}",
    }


VERB = Verb(name="ecr_repository", argument_spec=ARGUMENT_SPEC, run=run)
