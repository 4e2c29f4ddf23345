# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a service stands: what AWS says of it as plain data, and that data as a table."""

from __future__ import annotations

import typing as t

from .diagnose import targets_of, task_id

Data = dict[str, t.Any]

_VERDICTS = {
    "SUCCESSFUL": "succeeded",
    "ROLLBACK_SUCCESSFUL": "rolled_back",
    "ROLLBACK_FAILED": "failed",
    "STOPPED": "stopped",
}


def status(
    service: Data,
    tasks: t.Iterable[Data],
    targets: t.Mapping[str, t.Sequence[Data] | None],
    records: t.Iterable[Data],
    definitions: t.Mapping[str, str],
) -> Data:
    """`records` are service deployments, newest first; `definitions` says the task definition of each service revision, by ARN."""
    return {
        "name": service.get("serviceName"),
        "status": service.get("status"),
        "desired_count": service.get("desiredCount"),
        "running_count": service.get("runningCount"),
        "pending_count": service.get("pendingCount"),
        "deployments": [
            {
                "deployment_id": item.get("id"),
                "status": item.get("status"),
                "rollout_state": item.get("rolloutState"),
                "task_definition": _short(item.get("taskDefinition")),
                "desired_count": item.get("desiredCount"),
                "running_count": item.get("runningCount"),
                "pending_count": item.get("pendingCount"),
                "failed_tasks": item.get("failedTasks"),
                "created_at": _text(item.get("createdAt")),
            }
            for item in service.get("deployments") or []
        ],
        "tasks": sorted((_task(task, targets) for task in tasks), key=lambda row: (row["created_at"] or "", row["task"])),
        "recent": [_record(item, definitions) for item in records],
    }


def table(found: Data) -> list[str]:
    """The same for people, one line after the other."""
    counts = f"{found['running_count']} of {found['desired_count']} running"
    if found["pending_count"]:
        counts += f", {found['pending_count']} starting"
    lines = [f"{found['name']}  {found['status']}  {counts}"]
    lines += _columns(
        "deployments",
        ("deployment", "state", "revision", "tasks", "failed", "created"),
        [
            (
                item["status"],
                item["rollout_state"] or "-",
                item["task_definition"],
                f"{item['running_count']}/{item['desired_count']}",
                str(item["failed_tasks"] or 0),
                _clock(item["created_at"]),
            )
            for item in found["deployments"]
        ],
    )
    lines += _columns(
        "tasks",
        ("task", "revision", "status", "health", "target", "started"),
        [
            (
                item["task"][:8],
                item["task_definition"],
                item["last_status"],
                item["health_status"] or "-",
                ", ".join(_target(target) for target in item["targets"]) or "-",
                _clock(item["started_at"]),
            )
            for item in found["tasks"]
        ],
    )
    lines += _columns(
        "recent",
        ("finished", "verdict", "revision", "seconds", "why"),
        [
            (
                _clock(item["finished_at"]),
                item["verdict"],
                item["task_definition"] or "-",
                "-" if item["seconds"] is None else f"{item['seconds']:.0f}",
                item["reason"] or "",
            )
            for item in found["recent"]
        ],
    )
    return lines


def _task(task: Data, targets: t.Mapping[str, t.Sequence[Data] | None]) -> Data:
    health = task.get("healthStatus")
    return {
        "task": task_id(task.get("taskArn")),
        "task_definition": _short(task.get("taskDefinitionArn")),
        "deployment_id": task.get("startedBy"),
        "last_status": task.get("lastStatus"),
        "desired_status": task.get("desiredStatus"),
        # ECS says UNKNOWN of a task whose containers have no health check of their own.
        "health_status": None if health == "UNKNOWN" else health,
        "targets": [
            {
                "target_group_arn": group,
                "state": ((description or {}).get("TargetHealth") or {}).get("State"),
                "reason": ((description or {}).get("TargetHealth") or {}).get("Description"),
            }
            for group, description in targets_of(task, targets).items()
        ],
        "created_at": _text(task.get("createdAt")),
        "started_at": _text(task.get("startedAt")),
    }


def _record(item: Data, definitions: t.Mapping[str, str]) -> Data:
    begun, finished = item.get("startedAt") or item.get("createdAt"), item.get("finishedAt")
    return {
        "service_deployment_arn": item.get("serviceDeploymentArn"),
        "status": item.get("status"),
        "verdict": _VERDICTS.get(str(item.get("status")), "going"),
        "task_definition": _short(definitions.get(str(item.get("targetServiceRevisionArn")))) or None,
        "created_at": _text(item.get("createdAt")),
        "finished_at": _text(finished),
        "seconds": round((finished - begun).total_seconds(), 1) if begun and finished else None,
        "reason": item.get("statusReason"),
    }


def _columns(name: str, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    if not rows:
        return ["", f"no {name}"]
    widths = [max(len(str(row[index])) for row in (heads, *rows)) for index in range(len(heads))]
    return ["", *("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (heads, *rows))]


def _target(target: Data) -> str:
    return f"{target['state'] or 'not registered'}{': ' + target['reason'] if target['reason'] else ''}"


def _text(moment: t.Any) -> str | None:
    return None if moment is None else str(moment.isoformat())


def _clock(text: str | None) -> str:
    return "-" if text is None else text[:19].replace("T", " ")


def _short(arn: t.Any) -> str:
    return str(arn or "").rsplit("/", 1)[-1]
