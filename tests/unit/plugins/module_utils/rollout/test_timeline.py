# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The timeline: tasks of both revisions by birth, events by time, and nothing from before."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.steadystate.ecs.plugins.module_utils._rollout.timeline import timeline

BIRTH = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.timezone.utc)


def at(seconds: float) -> datetime.datetime:
    return BIRTH + datetime.timedelta(seconds=seconds)


def task(number: int, revision: int, created: float, **more: t.Any) -> dict[str, t.Any]:
    return {
        "taskArn": f"arn:task/main/{number}",
        "taskDefinitionArn": f"arn:task-definition/web:{revision}",
        "startedBy": f"ecs-svc/{revision}",
        "createdAt": at(created),
        "lastStatus": "RUNNING",
        **more,
    }


def test_tasks_and_events() -> None:
    lives = {
        "arn:task/main/2": (task(2, 2, 110, startedAt=at(115)), 20.0),
        "arn:task/main/1": (task(1, 1, 0, stoppingAt=at(130), stoppedAt=at(140), stoppedReason="Scaling activity"), None),
        "arn:task/main/0": (task(0, 1, 0, stoppedAt=at(50)), None),
    }
    events = [
        {"createdAt": at(120), "message": "later"},
        {"createdAt": at(101), "message": "sooner"},
        {"createdAt": at(3), "message": "before"},
    ]
    found = timeline(lives, events, at(100), lambda moment: f"wall {moment:g}")
    assert [row["task"] for row in found["tasks"]] == ["1", "2"]
    first, second = found["tasks"]
    assert (first["task_definition"], first["stopping_at"], first["stopped_reason"]) == ("web:1", at(130).isoformat(), "Scaling activity")
    assert (second["healthy_at"], second["started_at"], second["stopped_at"]) == ("wall 20", at(115).isoformat(), None)
    assert [row["message"] for row in found["events"]] == ["sooner", "later"]
