# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tags of a resource: which to set and which to take away. Pure."""

from __future__ import annotations

import typing as t


def texts(tags: dict[str, t.Any]) -> dict[str, str]:
    """Tags as AWS keeps them: every value a text, none an empty one."""
    return {str(key): "" if value is None else str(value) for key, value in tags.items()}


def pairs(tags: dict[str, t.Any]) -> list[dict[str, str]]:
    """The list of `Key` and `Value` that most services take."""
    return [{"Key": key, "Value": value} for key, value in texts(tags).items()]


def mapping(listed: t.Iterable[dict[str, str]]) -> dict[str, str]:
    """The other way round."""
    return {item["Key"]: item.get("Value", "") for item in listed}


def missing(has: dict[str, str], wanted: dict[str, t.Any] | None) -> dict[str, str]:
    """The tags to set. Tags that nobody asked for are left alone: they may be somebody else's."""
    return {key: value for key, value in texts(wanted or {}).items() if has.get(key) != value}
