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
