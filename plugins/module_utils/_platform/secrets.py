# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets of services: which value there should be, and which task definitions read it. Pure, but for the generator of random numbers."""

from __future__ import annotations

import json
import secrets
import string
import typing as t

Data = dict[str, t.Any]

ALPHABETS = {
    "letters_and_digits": string.ascii_letters + string.digits,
    "hex": "0123456789abcdef",
    "printable": string.ascii_letters + string.digits + "!#%&()*+,-.:;<=>?[]^_{|}~",
}
"""What generated values are made of. `printable` is without quotes, backquote, backslash, $, / and @."""


def generated(length: int, alphabet: str) -> str:
    """A random text of so many characters of one of the `ALPHABETS`, fit for a secret."""
    characters = ALPHABETS[alphabet]
    return "".join(secrets.choice(characters) for _index in range(length))


def wanted(entry: Data, has: str | None) -> str | None:
    """The value that an entry asks for, given the one that there is. None where the one that there is stays, whatever it is.

    `entry` has `value`, `values` or `generate`, the last with `key` where it makes one member of `values`.
    """
    generate = entry.get("generate")
    if entry.get("values") is not None:
        members = dict(entry["values"])
        if generate:
            members[generate["key"]] = _kept(entry, _members(has)) or generated(generate["length"], generate["alphabet"])
        return None if has is not None and _members(has) == members else json.dumps(members)
    if generate:
        return generated(generate["length"], generate["alphabet"]) if has is None or entry.get("rotate") else None
    return None if has == entry["value"] else t.cast("str", entry["value"])


def _kept(entry: Data, members: Data | None) -> t.Any:
    """The generated member as it is, unless a new one is asked for."""
    return None if entry.get("rotate") else (members or {}).get(entry["generate"]["key"])


def _members(text: str | None) -> Data | None:
    try:
        document = json.loads(text or "")
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def reads(value_from: str, name: str, arn: str) -> bool:
    """Whether a `valueFrom` of a task definition is this parameter or secret, in its newest version (ECS API: Secret).

    Parameters are named by name or ARN; secrets by their ARN, which may lack its random end, with `:key:stage:version` after it.
    """
    if not value_from.startswith("arn:"):
        return value_from.lstrip("/") == name.lstrip("/")
    fields = value_from.split(":")
    if fields[2] == "ssm":
        return value_from == arn
    own, extra = ":".join(fields[:7]), [*fields[7:], "", "", ""]
    pinned = bool(extra[2]) or extra[1] not in ("", "AWSCURRENT")
    return not pinned and own in (arn, arn.rpartition("-")[0])


def references(definition: Data) -> list[str]:
    """Every `valueFrom` of a task definition: variables, log options, and credentials of registries."""
    found: list[str] = []
    for container in definition.get("containerDefinitions", []):
        options = (container.get("logConfiguration") or {}).get("secretOptions", [])
        found += [secret["valueFrom"] for secret in [*container.get("secrets", []), *options]]
        credentials = (container.get("repositoryCredentials") or {}).get("credentialsParameter")
        found += [credentials] if credentials else []
    return found
