# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From text or from what AWS describes to a plain definition, in the members that RegisterTaskDefinition takes."""

from __future__ import annotations

import copy
import json
import typing as t

from .errors import TaskDefinitionError
from .spelling import USER_KEYS

# What DescribeTaskDefinition adds and RegisterTaskDefinition refuses.
DESCRIBE_ONLY = frozenset(
    {
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
        "deregisteredAt",
        "deleteRequestedAt",
    }
)

# Members that hold a number or a truth, wherever in a definition they are, for what a template's text made a text of.
_INTEGERS = frozenset(
    {
        "containerPort",
        "cpu",
        "hardLimit",
        "hostPort",
        "interval",
        "maxComputePercent",
        "maxSwap",
        "memory",
        "memoryReservation",
        "restartAttemptPeriod",
        "retries",
        "sharedMemorySize",
        "size",
        "sizeInGiB",
        "softLimit",
        "startPeriod",
        "startTimeout",
        "stopTimeout",
        "swappiness",
        "timeout",
        "transitEncryptionPort",
    }
)
_BOOLEANS = frozenset(
    {
        "autoprovision",
        "configuredAtLaunch",
        "disableNetworking",
        "enableFaultInjection",
        "enabled",
        "essential",
        "initProcessEnabled",
        "interactive",
        "privileged",
        "pseudoTerminal",
        "readOnly",
        "readonlyRootFilesystem",
    }
)


def read_json(text: str, name: str) -> dict[str, t.Any]:
    """Parse a definition. `name` is what the user called it, for the message.

    Raises `TaskDefinitionError` with line, column and the line itself when the text is not JSON, or is not an object.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        lines = text.splitlines()
        line = lines[error.lineno - 1].strip() if error.lineno <= len(lines) else ""
        raise TaskDefinitionError(
            [f"{name}: line {error.lineno}, column {error.colno}: {error.msg}" + (f", at: {line[:120]}" if line else "")]
        ) from error
    return as_mapping(value, name)


def as_mapping(value: t.Any, name: str) -> dict[str, t.Any]:
    if not isinstance(value, dict):
        raise TaskDefinitionError([f"{name}: a mapping is needed, this is a {type(value).__name__}."])
    return value


def registrable(value: dict[str, t.Any]) -> dict[str, t.Any]:
    """A copy of `value` with what only a description carries left out, and numbers and texts of the type that the API wants.

    Members that are not known here stay: ECS may know them. The answer of DescribeTaskDefinition is taken as it is, tags included.
    """
    inner = value.get("taskDefinition")
    if isinstance(inner, dict):
        described = dict(inner)
        if value.get("tags"):
            described["tags"] = value["tags"]
        value = described
    definition = {key: copy.deepcopy(item) for key, item in value.items() if key not in DESCRIBE_ONLY and item is not None}
    for key, item in definition.items():
        if key in ("cpu", "memory"):
            # Of a task these two are texts, of a container numbers.
            definition[key] = str(item)
        elif key != "tags":
            definition[key] = _typed(key, item)
    for tag in definition.get("tags") or ():
        if isinstance(tag, dict) and "value" in tag:
            tag["value"] = as_text(tag["value"])
    return definition


def _typed(member: str, value: t.Any) -> t.Any:
    if member in USER_KEYS and isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, dict):
        # A member that is null was never set; the value of a variable that is null is an empty text.
        return {key: _typed(key, item) for key, item in value.items() if item is not None or (key == "value" and "name" in value)}
    if isinstance(value, list):
        return [_typed(member, item) for item in value]
    if member in _INTEGERS and isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return int(value)
    if member in _BOOLEANS and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return as_text(value) if member == "value" else value


def as_text(value: t.Any) -> str:
    """The text that a container sees for a YAML value: V(true) and not V(True), and nothing for an empty value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, (dict, list)) else str(value)
