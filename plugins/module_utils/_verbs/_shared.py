# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several verbs need: names of AWS members in Ansible's spelling, and readable ARNs."""

from __future__ import annotations

import datetime
import re
import typing as t

from .._verb import VerbFailure

Data = dict[str, t.Any]

_WORD = re.compile(r"(.)([A-Z][a-z]+)")
_JOIN = re.compile(r"([a-z0-9])([A-Z])")
# Members whose keys are the user's own words, not the API's.
_USER_KEYS = frozenset({"dockerLabels", "options", "driverOpts", "labels", "requirements"})


# A unit of measurement is one word.
_SNAKE = {"sizeInGiB": "size_in_gib"}


def snake(name: str) -> str:
    if name in _SNAKE:
        return _SNAKE[name]
    return _JOIN.sub(r"\1_\2", _WORD.sub(r"\1_\2", name)).lower()


def snake_keys(value: t.Any) -> t.Any:
    """`value` with its keys in snake case and its times as ISO 8601 texts, fit to be a task's result. Tags become a mapping."""
    if isinstance(value, dict):
        result: dict[str, t.Any] = {}
        for key, item in value.items():
            if key == "tags" and isinstance(item, list):
                result["tags"] = {tag["key"]: tag.get("value", "") for tag in item}
            else:
                result[snake(key)] = plain(item) if key in _USER_KEYS else snake_keys(item)
        return result
    if isinstance(value, (list, tuple)):
        return [snake_keys(item) for item in value]
    return plain(value)


def plain(value: t.Any) -> t.Any:
    """`value` without types that a task's result cannot carry: times become ISO 8601 texts."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value


def short(arn: str | None) -> str:
    """`web:12` for the ARN of a task definition, the last part for any other."""
    return (arn or "").rsplit("/", 1)[-1]


def same_definition(left: str | None, right: str | None) -> bool:
    """Whether two names, each an ARN or family:revision, mean the same revision."""
    return bool(left) and bool(right) and (left == right or short(left) == short(right))


def primary(service: dict[str, t.Any]) -> dict[str, t.Any]:
    """The PRIMARY deployment, or an empty mapping for a service that has none."""
    return next((item for item in service.get("deployments") or [] if item.get("status") == "PRIMARY"), {})


def no_service(cluster: str, name: str) -> VerbFailure:
    return VerbFailure(
        f"service: there is no service {name} in cluster {cluster}. Check both names; ecs_service creates one.", missing="service"
    )
