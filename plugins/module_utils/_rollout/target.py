# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a rollback goes: the last successful deployment before the current one, never revision minus one."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Past:
    """One deployment of the service's history: its end, and the task definition that it brought."""

    status: str
    task_definition: str
    arn: str = ""
    finished: str = ""


@dataclass(frozen=True)
class Target:
    task_definition: str | None
    """The revision to go to; None when nothing has to be done or nothing can be."""
    why: str
    already_there: bool = False


_UNDER_WAY = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})


def choose(current: str | None, completed: bool, history: t.Sequence[Past], saved: str | None = None) -> Target:
    """Pick the rollback target.

    `current` is the task definition of the PRIMARY deployment and `completed` whether that deployment is COMPLETED.
    `history` is what ECS remembers, newest first. `saved` is what ran before, as somebody noted it; it is used when the history is silent.
    """
    successes = [item for item in history if item.status == "SUCCESSFUL"]
    if not completed:
        for item in successes:
            if item.task_definition != current:
                return Target(item.task_definition, f"the last deployment that succeeded{_when(item)}")
        if saved and saved != current:
            return Target(saved, "what ran before this deployment; ECS's history names no successful one")
        return Target(None, "ECS remembers no successful deployment of another revision")
    newest = next((item for item in history if item.status not in _UNDER_WAY), None)
    if newest is not None and newest.status == "ROLLBACK_SUCCESSFUL" and newest.task_definition != current:
        return Target(
            None,
            f"the newest deployment, of {short(newest.task_definition)}, has been rolled back to {short(current)} already",
            already_there=True,
        )
    before = [item for item in successes if item.task_definition != current]
    if not before:
        if saved and saved != current:
            return Target(saved, "what ran before this deployment; ECS's history names no successful one")
        return Target(None, "ECS remembers no successful deployment of another revision")
    previous = before[0]
    later = successes[: successes.index(previous)]
    earlier = successes[successes.index(previous) + 1 :]
    went_back = (
        bool(later) and any(item.task_definition == current for item in earlier) and _number(previous.task_definition) > _number(current)
    )
    if went_back:
        # The current revision ran before that one did, and is the older of the two: this is where a rollback from it led.
        return Target(
            None,
            f"{short(previous.task_definition)} has been rolled back to {short(current)} already",
            already_there=True,
        )
    return Target(previous.task_definition, f"the last deployment before the current one that succeeded{_when(previous)}")


def short(arn: str | None) -> str:
    return (arn or "").rsplit("/", 1)[-1]


def _when(item: Past) -> str:
    return f", at {item.finished}" if item.finished else ""


def _number(task_definition: str | None) -> int:
    last = (task_definition or "").rsplit(":", 1)[-1]
    return int(last) if last.isdigit() else 0
