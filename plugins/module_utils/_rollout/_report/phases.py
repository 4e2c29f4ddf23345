# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of one task as phases that follow each other without a gap."""

from __future__ import annotations

import datetime
import typing as t

PHASES: dict[str, str] = {
    "placing": "finding a place",
    "pulling": "pulling the image",
    "starting": "starting",
    "running": "running, not healthy yet",
    "healthy": "healthy",
    "draining": "draining",
    "stopping": "stopping",
}
"""In the order of a life, with the words for people."""

# What ECS says when it stops a task because the rollout or the count of tasks asks for it.
_ORDINARY_STOPS = frozenset({"ServiceSchedulerInitiated", "UserInitiated"})
_SICK_WORDS = ("failed elb health checks", "failed container health checks", "unhealthy")


def moment(text: t.Any) -> datetime.datetime | None:
    """An ISO 8601 text as a time in UTC; None for nothing. Raises ValueError for anything else."""
    if not text:
        return None
    parsed = datetime.datetime.fromisoformat(str(text))
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=datetime.timezone.utc)
    return parsed.astimezone(datetime.timezone.utc)


def phases(row: t.Mapping[str, t.Any], begin: datetime.datetime, end: datetime.datetime) -> list[dict[str, t.Any]]:
    """`{phase, from, to}` for a task of the timeline, cut to the time from `begin` to `end`; the times are datetimes."""
    started, healthy = moment(row.get("started_at")), moment(row.get("healthy_at"))
    if started and healthy and started < begin:
        # It ran before anybody watched: the first look found it healthy, and nobody knows since when.
        healthy = started
    leaving, ended = _way_out(row, started)
    edges = (
        ("placing", moment(row.get("created_at"))),
        ("pulling", moment(row.get("pull_started_at"))),
        ("starting", moment(row.get("pull_stopped_at"))),
        ("running", started),
        ("healthy", healthy),
        ("draining", leaving),
        ("stopping", ended),
    )
    known = [(name, at) for name, at in edges if at is not None]
    last = moment(row.get("stopped_at")) or end
    found: list[dict[str, t.Any]] = []
    for index, (name, at) in enumerate(known):
        # Clocks of ECS and of the watcher differ a little: a phase never begins before the one that it follows has.
        after = min((later for _name, later in known[index + 1 :]), default=last)
        start = max([at, *(earlier for _name, earlier in known[:index])])
        start, stop = max(start, begin), min(max(after, start), last, end)
        if stop > start:
            found.append({"phase": name, "from": start, "to": stop})
    return found


def _way_out(row: t.Mapping[str, t.Any], started: datetime.datetime | None) -> tuple[datetime.datetime | None, datetime.datetime | None]:
    """When it was told to go while it still served, and when its containers ended. One that fails serves nobody on its way out."""
    told = [at for at in (moment(row.get("draining_at")), moment(row.get("stopping_at"))) if at]
    exited = moment(row.get("execution_stopped_at"))
    if started is not None and ending(row)[0] != "failed":
        return (min(told) if told else None), exited
    ends = [at for at in (exited, *told) if at]
    return None, (min(ends) if ends else None)


def ending(row: t.Mapping[str, t.Any]) -> tuple[str, str]:
    """How the task ended: V(alive), V(stopped) when it was asked to, or V(failed); and why, in a few words."""
    if not row.get("stopped_at") and not row.get("stopped_reason"):
        return "alive", ""
    reason = str(row.get("stopped_reason") or "")
    codes = [item.get("exit_code") for item in row.get("containers") or [] if item.get("exit_code")]
    sick = any(words in reason.lower() for words in _SICK_WORDS)
    if row.get("stop_code") in _ORDINARY_STOPS and not sick:
        return "stopped", ""
    if row.get("stop_code") is None and not sick and "scaling activity" in reason.lower():
        return "stopped", ""
    if sick:
        return "failed", "unhealthy"
    if codes:
        return "failed", f"exit code {codes[0]}"
    return "failed", reason.split(":", 1)[0][:40] or "stopped"
