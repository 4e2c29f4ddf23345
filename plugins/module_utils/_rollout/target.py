# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a rollback goes: back along the deployments that succeeded, never to revision minus one."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Past:
    """One deployment of the service's history: its end, and what it brought."""

    status: str
    task_definition: str
    arn: str = ""
    finished: str = ""
    revision: t.Mapping[str, t.Any] = field(default_factory=dict)
    """The service revision, as ECS describes it: its network, its load balancers and the rest besides the task definition."""
    seconds: float | None = None
    """From its creation to its end; None while it has none."""


@dataclass(frozen=True)
class Target:
    task_definition: str | None
    """The revision to go to; None when nothing has to be done or nothing can be."""
    why: str
    already_there: bool = False
    revision: t.Mapping[str, t.Any] = field(default_factory=dict)
    """The service revision of the deployment that is gone back to; nothing when it is not known."""


_GOING_BACK = ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


@dataclass
class _Line:
    """The releases that succeeded one after another, oldest first, up to the one that is in effect."""

    releases: list[Past]
    undone: list[str]
    """What has been gone back from since the newest release, that one first."""


def choose(current: str | None, completed: bool, history: t.Sequence[Past], saved: str | None = None, steps: int = 1) -> Target:
    """Pick the rollback target, `steps` releases before the newest one.

    A release is a revision that was deployed; step 0 is the newest, whether it succeeded or not, and the others are those that succeeded,
    each revision once. What has been gone back already counts, so that asking again for the same leads nowhere else.

    `current` is the task definition of the PRIMARY deployment and `completed` whether that deployment is COMPLETED.
    `history` is what ECS remembers, newest first. `saved` is what ran before, as somebody noted it; it is used when the history is silent.
    """
    line = _replayed(history)
    places = [place for place, item in enumerate(line.releases) if item.task_definition == current]
    # While ECS goes back by itself, what is PRIMARY and not complete is the release that it goes back to.
    going_back = bool(history) and history[0].status in _GOING_BACK and history[0].task_definition != current
    if not places or not (completed or going_back):
        before, undone = [item for item in line.releases if item.task_definition != current], []
    else:
        before = line.releases[: places[0]]
        undone = [*line.undone, *(item.task_definition for item in reversed(line.releases[places[0] + 1 :]))]
    if len(undone) >= steps:
        state = "is being" if going_back else "has been"
        return Target(None, f"{short(undone[0])} {state} rolled back to {short(current)} already", already_there=True)
    left = steps - len(undone)
    if len(before) >= left:
        picked = before[-left]
        if steps == 1:
            why = f"the last deployment {'before the current one ' if completed else ''}that succeeded{_when(picked)}"
        else:
            why = f"{steps} successful releases back from {short(undone[0] if undone else current)}{_when(picked)}"
        return Target(picked.task_definition, why, revision=picked.revision)
    if not before and left == 1 and saved and saved != current:
        return Target(saved, "what ran before this deployment; ECS's history names no successful one")
    if not before:
        return Target(None, "ECS remembers no successful deployment of another revision")
    names = ", ".join(short(item.task_definition) for item in reversed(before))
    return Target(None, f"{left} steps are wanted, and before {short(current)} ECS remembers only {names} as successful")


def named(task_definition: str, history: t.Sequence[Past]) -> Target:
    """The target that the user names, with the service revision that it last succeeded with."""
    for item in history:
        if item.status == "SUCCESSFUL" and short(item.task_definition) == short(task_definition):
            return Target(task_definition, f"as named; it last succeeded{_when(item)}", revision=item.revision)
    return Target(task_definition, "as named; ECS remembers no successful deployment of it")


def _replayed(history: t.Sequence[Past]) -> _Line:
    line = _Line([], [])
    for item in reversed(history):
        top = line.releases[-1].task_definition if line.releases else None
        if item.status in ("ROLLBACK_SUCCESSFUL", *_GOING_BACK) and item.task_definition != top:
            # ECS itself went back, or does, from this one to what is on top.
            line.undone = [item.task_definition]
        if item.status != "SUCCESSFUL":
            continue
        place = next((index for index, one in enumerate(line.releases) if one.task_definition == item.task_definition), None)
        if place is None:
            line = _Line([*line.releases, item], [])
        elif item.task_definition == top:
            line.releases[-1] = item
        elif _number(item.task_definition) < _number(top):
            # It ran before and is the older of the two: this was a way back.
            line.undone += [one.task_definition for one in reversed(line.releases[place + 1 :])]
            line.releases[place:] = [item]
        else:
            line = _Line([*line.releases[:place], *line.releases[place + 1 :], item], [])
    return line


def short(arn: str | None) -> str:
    return (arn or "").rsplit("/", 1)[-1]


def _when(item: Past) -> str:
    return f", at {item.finished}" if item.finished else ""


def _number(task_definition: str | None) -> int:
    last = (task_definition or "").rsplit(":", 1)[-1]
    return int(last) if last.isdigit() else 0
