# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rollout as data: when each task of each revision was made, ran, was healthy, was told to stop and was gone."""

from __future__ import annotations

import datetime
import typing as t

from .diagnose import task_id

_MOMENTS = (
    ("created_at", "createdAt"),
    ("pull_started_at", "pullStartedAt"),
    ("pull_stopped_at", "pullStoppedAt"),
    ("started_at", "startedAt"),
    ("execution_stopped_at", "executionStoppedAt"),
    ("stopping_at", "stoppingAt"),
    ("stopped_at", "stoppedAt"),
)


def timeline(
    lives: t.Mapping[str, tuple[dict[str, t.Any], float | None]],
    events: t.Iterable[dict[str, t.Any]],
    since: datetime.datetime | None,
    wall: t.Callable[[float], str],
    drains: t.Mapping[str, float] | None = None,
) -> dict[str, t.Any]:
    """`wall` turns a moment on the watcher's clock into an ISO 8601 text. Events older than `since` are left out.

    `drains` says by ARN when a task was first seen on its way out while it still ran: ECS notes no time of its own for that.
    """
    tasks = []
    for arn, (task, healthy_at) in lives.items():
        stopped = task.get("stoppedAt")
        if since is not None and stopped is not None and stopped < since:
            continue
        draining_at = (drains or {}).get(arn)
        row: dict[str, t.Any] = {
            "task": task_id(arn),
            "task_definition": str(task.get("taskDefinitionArn") or "").rsplit("/", 1)[-1],
            "deployment_id": task.get("startedBy"),
            "last_status": task.get("lastStatus"),
            "stop_code": task.get("stopCode"),
            "stopped_reason": task.get("stoppedReason"),
            "containers": [
                {"name": item.get("name"), "exit_code": item.get("exitCode"), "reason": item.get("reason")}
                for item in task.get("containers") or []
            ],
            "healthy_at": None if healthy_at is None else wall(healthy_at),
            "draining_at": None if draining_at is None else wall(draining_at),
        }
        for name, member in _MOMENTS:
            moment = task.get(member)
            row[name] = moment.isoformat() if moment else None
        tasks.append(row)
    tasks.sort(key=lambda row: (row["created_at"] or "", row["task"]))
    told = [
        {"at": event["createdAt"].isoformat(), "message": event.get("message")}
        for event in events
        if event.get("createdAt") and (since is None or event["createdAt"] >= since)
    ]
    told.sort(key=lambda row: row["at"])
    return {"tasks": tasks, "events": told}
