# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names become ARNs: roles, SSM parameters and Secrets Manager secrets, in the partition, region and account of the definition."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .errors import TaskDefinitionError

_ARN = re.compile(r"^arn:(aws[a-z-]*):[a-z0-9-]+:[a-z0-9-]*:(\d{12})?:.+")
# The partition that a region belongs to, by how its name begins.
_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)
_SECRET_KEYS = ("parameter", "secret", "key", "version_stage", "version_id")
# The parts of a secret's ARN: arn, partition, service, region, account, `secret`, name; then JSON key, version stage and version id.
_SECRET_PARTS = 7


@dataclass(frozen=True)
class Place:
    partition: str
    region: str
    account: str


@dataclass(frozen=True)
class Names:
    """How names are found out. Each is asked only when a name has to become an ARN."""

    place: t.Callable[[], Place]
    secret_arn: t.Callable[[str], str | None]
    """The ARN of the Secrets Manager secret with this name, which ends in characters that cannot be guessed; None when there is none."""


@dataclass(frozen=True)
class SecretReference:
    """What a `valueFrom` refers to. `kind` is V(ssm) or V(secretsmanager); `name` an ARN, or an SSM parameter's name."""

    kind: str
    name: str
    key: str = ""
    version_stage: str = ""
    version_id: str = ""
    region: str = ""


def partition_of(region: str) -> str:
    return next((partition for start, partition in _PARTITIONS if region.startswith(start)), "aws")


def is_arn(text: str) -> bool:
    return bool(_ARN.match(text))


def account_in(definition: dict[str, t.Any]) -> str | None:
    """The account that the definition's own ARNs name. Those of secrets do not count: a secret may be of another account."""
    for member in ("taskDefinitionArn", "executionRoleArn", "taskRoleArn"):
        found = _ARN.match(str(definition.get(member) or ""))
        if found and found.group(2):
            return found.group(2)
    return None


def role_arn(name: str, names: Names, field: str) -> str:
    """The ARN of a role from its name, with its path if it has one, or from its ARN."""
    if name.startswith("arn:"):
        if not is_arn(name) or ":role/" not in name:
            raise TaskDefinitionError([f"{field}: {name!r} is not the ARN of a role. It reads arn:aws:iam::123456789012:role/name."])
        return name
    if not re.match(r"^/?[\w+=,.@/-]+$", name):
        raise TaskDefinitionError([f"{field}: {name!r} is no name of a role. Letters, digits and +=,.@-_ are taken, or an ARN."])
    place = names.place()
    return f"arn:{place.partition}:iam::{place.account}:role/{name.lstrip('/')}"


def secret_value_from(wish: t.Any, names: Names, field: str) -> str:
    """The `valueFrom` for what the user wrote: an ARN, the name of an SSM parameter, or a mapping that says which it is.

    Raises `TaskDefinitionError` for anything else, and for a secret that does not exist.
    """
    if isinstance(wish, str):
        if not wish:
            raise TaskDefinitionError(
                [f"{field}: an ARN or the name of an SSM parameter is needed, this is empty. Null takes a secret out."]
            )
        wish = {"parameter": wish}
        if wish["parameter"].startswith("arn:"):
            return _given_arn(wish["parameter"], field)
    if not isinstance(wish, dict) or set(wish) - set(_SECRET_KEYS) or bool(wish.get("parameter")) == bool(wish.get("secret")):
        raise TaskDefinitionError(
            [
                (
                    f"{field}: an ARN, the name of an SSM parameter, or a mapping with either parameter or secret "
                    "(and key, version_stage, version_id) is needed."
                )
            ]
        )
    extra = [str(wish.get(part) or "") for part in ("key", "version_stage", "version_id")]
    if wish.get("parameter"):
        if any(extra):
            raise TaskDefinitionError([f"{field}: key, version_stage and version_id belong to a secret. An SSM parameter has none."])
        return _parameter_arn(str(wish["parameter"]), names, field)
    return _secret_arn(str(wish["secret"]), extra, names, field)


def _given_arn(text: str, field: str) -> str:
    service = text.split(":")[2] if text.count(":") > 1 else ""
    if not is_arn(text) or service not in ("ssm", "secretsmanager"):
        raise TaskDefinitionError([f"{field}: {text!r} is not the ARN of an SSM parameter or a Secrets Manager secret."])
    return text


def _parameter_arn(name: str, names: Names, field: str) -> str:
    if name.startswith("arn:"):
        return _given_arn(name, field)
    if not re.match(r"^[A-Za-z0-9_./-]+$", name):
        raise TaskDefinitionError([f"{field}: {name!r} is no name of an SSM parameter. Letters, digits and _.-/ are taken."])
    place = names.place()
    return f"arn:{place.partition}:ssm:{place.region}:{place.account}:parameter/{name.removeprefix('/')}"


def _secret_arn(name: str, extra: list[str], names: Names, field: str) -> str:
    arn: str | None = _given_arn(name, field) if name.startswith("arn:") else names.secret_arn(name)
    if arn is None:
        raise TaskDefinitionError([f"{field}: there is no Secrets Manager secret {name!r} in this region. Create it, or correct the name."])
    if not any(extra):
        return arn
    if len(arn.split(":")) != _SECRET_PARTS:
        raise TaskDefinitionError(
            [f"{field}: {arn!r} names a key or a version already. Say it there or with key, version_stage and version_id."]
        )
    return ":".join([arn, *extra])


def parse_value_from(text: str) -> SecretReference | None:
    """What a `valueFrom` refers to, or None when ECS could not make anything of it."""
    if not text.startswith("arn:"):
        return SecretReference("ssm", text) if text else None
    parts = text.split(":")
    if len(parts) >= _SECRET_PARTS and parts[2] == "secretsmanager":
        key, stage, version = [*parts[_SECRET_PARTS : _SECRET_PARTS + 3], "", "", ""][:3]
        return SecretReference("secretsmanager", ":".join(parts[:_SECRET_PARTS]), key, stage, version, parts[3])
    if len(parts) >= 6 and parts[2] == "ssm":
        return SecretReference("ssm", text, region=parts[3])
    return None
