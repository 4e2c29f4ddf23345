# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rollouts as ecs_service_wait returns them, for the tests of what is made of them."""

from __future__ import annotations

import datetime
import typing as t

BEGIN = datetime.datetime(2026, 11, 21, 17, 0, 0, tzinfo=datetime.timezone.utc)
TASK_ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/api"
NEW, OLD = "ecs-svc/2222222222222222222", "ecs-svc/1111111111111111111"

Data = dict[str, t.Any]


def at(seconds: float | None) -> str | None:
    return None if seconds is None else (BEGIN + datetime.timedelta(seconds=seconds)).isoformat()


def row(number: int, revision: int, deployment: str, **moments: t.Any) -> Data:
    """One task; moments are seconds since the beginning, `created=1` for `created_at`. Other members are taken as they are."""
    times = {
        f"{name}_at": at(moments.pop(name, None))
        for name in (
            "created",
            "pull_started",
            "pull_stopped",
            "started",
            "healthy",
            "draining",
            "stopping",
            "execution_stopped",
            "stopped",
        )
    }
    return {
        "task": f"{number:032x}"[::-1],
        "task_definition": f"api:{revision}",
        "deployment_id": deployment,
        "last_status": "STOPPED" if times["stopped_at"] else "RUNNING",
        "stop_code": None,
        "stopped_reason": None,
        "containers": [],
        **times,
        **moments,
    }


def good() -> Data:
    """api:13 takes over from api:12 within 40 s, under traffic."""
    tasks = [row(n, 12, OLD, created=-7200, started=-7190, healthy=0.4, draining=25, execution_stopped=31, stopped=33) for n in (1, 2)]
    for task in tasks:
        task.update(stop_code="ServiceSchedulerInitiated", stopped_reason="Scaling activity initiated by (deployment ecs-svc/2)")
    tasks += [row(n, 13, NEW, created=1 + n / 10, pull_started=3, pull_stopped=8, started=9.5, healthy=22) for n in (3, 4)]
    return {
        "verdict": "succeeded",
        "cause": None,
        "evidence": [],
        "hint": None,
        "detail": {},
        "failed_task": None,
        "failed_container": None,
        "log_tail": [],
        "deployment_id": NEW,
        "task_definition_arn": f"{TASK_ARN}:13",
        "service_deployment_arn": "arn:aws:ecs:eu-west-1:123456789012:service-deployment/main/api/AbCdEf",
        "rolled_back_to": None,
        "rollback": None,
        "began_at": at(0),
        "decided_at": at(40),
        "ended_at": at(40),
        "seconds": 40.0,
        "seconds_to_verdict": 40.0,
        "api_calls": 61,
        "throttled_calls": 0,
        "service": {"name": "api", "desired_count": 2, "running_count": 2, "pending_count": 0, "task_definition_arn": f"{TASK_ARN}:13"},
        "timeline": {
            "tasks": tasks,
            "events": [
                {"at": at(1), "message": "(service api) has started 2 tasks: (task 30000000000000000000000000000000)."},
                {"at": at(40), "message": "(service api) has reached a steady state."},
            ],
        },
        "probe": {
            "url": "https://api.example.com/health",
            "interval": 0.5,
            "version_key": "version",
            "requests": 80,
            "failed": 2,
            "failures": {"HTTP 503": 2},
            "versions": {"1.0.0": 48, "1.1.0": 30},
            "mixed_from": at(22.5),
            "mixed_to": at(25.5),
            "mixed_seconds": 3.0,
            "longest_gap_seconds": 1.5,
            "latency_ms": {"p50": 3.1, "p95": 9.0, "max": 40.2},
            "series": [
                {"from": at(0), "to": at(22), "versions": {"1.0.0": 45}, "failed": 0},
                {"from": at(22), "to": at(23), "versions": {"1.0.0": 1, "1.1.0": 1}, "failed": 0},
                {"from": at(23), "to": at(26), "versions": {"1.0.0": 2}, "failed": 2},
                {"from": at(26), "to": at(40), "versions": {"1.1.0": 29}, "failed": 0},
            ],
        },
    }


def bad() -> Data:
    """api:14 exits with code 3, twice; api:13 is put back."""
    rollout = good()
    crash: Data = {
        "stop_code": "EssentialContainerExited",
        "stopped_reason": "Essential container in task exited",
        "containers": [{"name": "app", "exit_code": 3, "reason": None}],
    }
    first = row(5, 14, NEW, created=1, pull_started=2, pull_stopped=4, started=5, execution_stopped=6, stopping=6.2, stopped=8, **crash)
    second = row(6, 14, NEW, created=9, pull_started=10, pull_stopped=11, started=12, execution_stopped=13, stopped=15, **crash)
    rollout.update(
        verdict="rolled_back",
        cause="container_exited",
        evidence=["task 50000000 container app: Essential container in task exited (exit code 3)"],
        hint="Read the container's last log lines above; the program ends by itself soon after its start.",
        failed_task=first["task"],
        failed_container="app",
        log_tail=["starting", "panic: <no> database & no ``` luck"],
        task_definition_arn=f"{TASK_ARN}:14",
        rolled_back_to=f"{TASK_ARN}:13",
        rollback={
            "task_definition_arn": f"{TASK_ARN}:13",
            "deployment_id": OLD,
            "steady": True,
            "msg": "api:13 is back and steady, after 5 s.",
        },
        seconds=20.0,
        seconds_to_verdict=14.0,
        decided_at=at(14),
        ended_at=at(20),
        probe=None,
    )
    rollout["service"]["task_definition_arn"] = f"{TASK_ARN}:13"
    rollout["timeline"] = {
        "tasks": [first, second, row(1, 13, OLD, created=-7200, started=-7190, healthy=0.2)],
        "events": [{"at": at(14), "message": "(service api) (deployment ecs-svc/2) deployment failed: tasks failed to start."}],
    }
    return rollout
