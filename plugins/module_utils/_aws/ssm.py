# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Systems Manager Parameter Store: one function per API call, plain data out."""

from __future__ import annotations

import typing as t

from .failures import error_code


def create_parameter(client: t.Any, name: str, value: str, description: str) -> bool:
    """Create a parameter if there is none of this name: of several callers at once, one succeeds. False when there is one."""
    try:
        client.put_parameter(Name=name, Value=value, Type="String", Overwrite=False, Description=description)
    except Exception as error:
        if error_code(error) == "ParameterAlreadyExists":
            return False
        raise
    return True


def replace_parameter(client: t.Any, name: str, value: str) -> None:
    client.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


def read_parameter(client: t.Any, name: str) -> str | None:
    try:
        return str(client.get_parameter(Name=name)["Parameter"]["Value"])
    except Exception as error:
        if error_code(error) == "ParameterNotFound":
            return None
        raise


def delete_parameter(client: t.Any, name: str) -> None:
    """Delete a parameter. It is no fault when there is none."""
    try:
        client.delete_parameter(Name=name)
    except Exception as error:
        if error_code(error) != "ParameterNotFound":
            raise


def parameter_exists(client: t.Any, name: str) -> bool:
    """Whether there is a parameter of this name or ARN. Its value is not decrypted, and not kept."""
    return bool(client.get_parameters(Names=[name], WithDecryption=False).get("Parameters"))


# GetParameters takes no more.
_PARAMETERS_PER_CALL = 10


def parameters(client: t.Any, names: t.Sequence[str], decrypt: bool) -> dict[str, dict[str, t.Any]]:
    """ssm:GetParameters: those that exist, by name, with Value, Type, ARN and LastModifiedDate. Not decrypted, a value tells nothing."""
    found: dict[str, dict[str, t.Any]] = {}
    for start in range(0, len(names), _PARAMETERS_PER_CALL):
        answer = client.get_parameters(Names=list(names[start : start + _PARAMETERS_PER_CALL]), WithDecryption=decrypt)
        found |= {str(parameter["Name"]): dict(parameter) for parameter in answer.get("Parameters", [])}
    return found


def put_secret(client: t.Any, name: str, value: str, **settings: t.Any) -> None:
    """ssm:PutParameter of a SecureString. `settings` are Description, KeyId and Tags; Tags go with a new parameter only."""
    client.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite="Tags" not in settings, **settings)


def list_tags(client: t.Any, name: str) -> list[dict[str, str]]:
    return list(client.list_tags_for_resource(ResourceType="Parameter", ResourceId=name).get("TagList") or [])


def add_tags(client: t.Any, name: str, tags: list[dict[str, str]]) -> None:
    client.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=tags)
