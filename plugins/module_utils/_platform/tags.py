# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tags of a resource: which to set and which to take away. Pure."""

from __future__ import annotations

import typing as t


def texts(tags: dict[str, t.Any]) -> dict[str, str]:
    """Tags as AWS keeps them: every value a text, none an empty one."""
    return {str(key): "" if value is None else str(value) for key, value in tags.items()}


def pairs(tags: dict[str, t.Any], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """The list that services take, in order of the keys. `key` and `value` are what a service calls the two: ECS writes them small."""
    return [{key: name, value: text} for name, text in sorted(texts(tags).items())]


def mapping(listed: t.Iterable[dict[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """What `pairs` says, the other way round; without the tags that AWS itself sets, which begin with `aws:` and stay as they are."""
    return {item[key]: item.get(value) or "" for item in listed if not item[key].startswith("aws:")}


def missing(has: dict[str, str], wanted: dict[str, t.Any] | None) -> dict[str, str]:
    """The tags to set. Tags that nobody asked for are left alone: they may be somebody else's."""
    return {key: value for key, value in texts(wanted or {}).items() if has.get(key) != value}


def put_and_gone(has: dict[str, str], wanted: dict[str, t.Any]) -> tuple[dict[str, str], list[str]]:
    """Where all tags are ours: those to set, and the keys of those to take away."""
    return missing(has, wanted), sorted(set(has) - set(texts(wanted)))
