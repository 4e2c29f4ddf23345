# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From text or from what AWS describes to a plain definition, in the members that RegisterTaskDefinition takes."""

from __future__ import annotations

import copy
import json
import typing as t

from .errors import TaskDefinitionError

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

_CONTAINER_INTEGERS = ("cpu", "memory", "memoryReservation", "startTimeout", "stopTimeout")
_NESTED_INTEGERS = {
    "portMappings": ("containerPort", "hostPort"),
    "ulimits": ("softLimit", "hardLimit"),
    "systemControls": (),
}
_HEALTH_CHECK_INTEGERS = ("interval", "timeout", "retries", "startPeriod")


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
    for key in ("cpu", "memory"):
        if isinstance(definition.get(key), int):
            definition[key] = str(definition[key])
    containers = definition.get("containerDefinitions")
    if isinstance(containers, list):
        for container in containers:
            if isinstance(container, dict):
                _type_container(container)
    return definition


def _type_container(container: dict[str, t.Any]) -> None:
    for key in [key for key, item in container.items() if item is None]:
        del container[key]
    _to_integers(container, _CONTAINER_INTEGERS)
    for key, members in _NESTED_INTEGERS.items():
        for item in container.get(key) or ():
            if isinstance(item, dict):
                _to_integers(item, members)
    if isinstance(container.get("healthCheck"), dict):
        _to_integers(container["healthCheck"], _HEALTH_CHECK_INTEGERS)
    for pair in container.get("environment") or ():
        if isinstance(pair, dict) and "value" in pair:
            pair["value"] = as_text(pair["value"])
    labels = container.get("dockerLabels")
    if isinstance(labels, dict):
        container["dockerLabels"] = {key: as_text(item) for key, item in labels.items()}
    options = (container.get("logConfiguration") or {}).get("options")
    if isinstance(options, dict):
        container["logConfiguration"]["options"] = {key: as_text(item) for key, item in options.items()}


def _to_integers(target: dict[str, t.Any], members: tuple[str, ...]) -> None:
    for member in members:
        item = target.get(member)
        if isinstance(item, str) and item.strip().lstrip("-").isdigit():
            target[member] = int(item)


def as_text(value: t.Any) -> str:
    """The text that a container sees for a YAML value: V(true) and not V(True), and nothing for an empty value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, (dict, list)) else str(value)
