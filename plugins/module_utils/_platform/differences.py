# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of platform resources as lines, for diffs and for people. Pure."""

from __future__ import annotations

import json
import typing as t

Change = tuple[str, str]
"""One line before and after; the empty side is what is not there."""


def as_diff(changes: list[Change]) -> dict[str, str]:
    """What a task returns as `diff`."""
    sides = [[change[side] for change in changes if change[side]] for side in (0, 1)]
    before, after = ("".join(line + "\n" for line in lines) for lines in sides)
    return {"before": before, "after": after}


def in_words(changes: list[Change]) -> list[str]:
    """The same as sentences: `load balancer shop idle_timeout: 60 -> 120`."""
    return [_sentence(before, after) for before, after in changes]


def _sentence(before: str, after: str) -> str:
    if not before:
        return f"{after} is missing"
    if not after:
        return f"{before} is not wanted"
    where, _separator, value = after.partition(": ")
    return f"{before} -> {value}" if value and before.startswith(f"{where}: ") else f"{before} -> {after}"


def of_members(where: str, found: dict[str, t.Any], wanted: dict[str, t.Any]) -> list[Change]:
    """The members of `wanted` that `found` has otherwise. A member that is None is not wanted otherwise."""
    changes = []
    for key, value in wanted.items():
        if value is not None and found.get(key) != value:
            before = f"{where} {key}: {_text(found[key])}" if found.get(key) is not None else ""
            changes.append((before, f"{where} {key}: {_text(value)}"))
    return changes


def _text(value: t.Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
