# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Secrets Manager: one function per API call, plain data out. A value that is read stays with the caller, and is shown nowhere."""

from __future__ import annotations

import typing as t

from .failures import error_code

_MISSING = ("ResourceNotFoundException",)


def describe_secret(client: t.Any, name: str) -> dict[str, t.Any] | None:
    """What is known of a secret but its value, or None when there is no secret of this name or ARN, or it is being deleted."""
    try:
        found = dict(client.describe_secret(SecretId=name))
    except Exception as error:
        if error_code(error) in _MISSING:
            return None
        raise
    return None if found.get("DeletedDate") else found


def get_secret_value(client: t.Any, arn: str, stage: str = "", version: str = "") -> dict[str, t.Any] | None:
    """The answer with `SecretString`, or None when there is no such secret or no such version of it."""
    request = {"SecretId": arn}
    if stage:
        request["VersionStage"] = stage
    if version:
        request["VersionId"] = version
    try:
        return dict(client.get_secret_value(**request))
    except Exception as error:
        if error_code(error) in _MISSING:
            return None
        raise


def has_policy(client: t.Any, arn: str) -> bool:
    """Whether the secret has a policy of its own, which may let in a role whose own policies do not."""
    return bool(client.get_resource_policy(SecretId=arn).get("ResourcePolicy"))


def create_secret(client: t.Any, name: str, value: str, **settings: t.Any) -> str:
    """secretsmanager:CreateSecret. `settings` are Description, KmsKeyId and Tags. The new secret's ARN."""
    return str(client.create_secret(Name=name, SecretString=value, **settings)["ARN"])


def put_secret_value(client: t.Any, arn: str, value: str) -> None:
    client.put_secret_value(SecretId=arn, SecretString=value)


def tag_secret(client: t.Any, arn: str, tags: list[dict[str, str]]) -> None:
    client.tag_resource(SecretId=arn, Tags=tags)
