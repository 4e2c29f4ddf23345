# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ecs_service_wait returned, as the one document that every form of the report is made from.

Only the members that are named here get into it, so that nothing of a task's environment can. Its keys are stable: a key may
be added within the same `schema`, none changes or goes away. All times are ISO 8601 in UTC, all durations are seconds.
"""

from __future__ import annotations

import datetime
import typing as t

from .phases import ending, moment, phases
from .scrub import legible, scrub

Data = dict[str, t.Any]

SCHEMA = "steadystate.ecs/rollout-report/1"
VERDICTS = ("succeeded", "failed", "rolled_back", "superseded", "timed_out")

_MARGIN_SECONDS = 2.0
_MOMENTS = (
    "created_at",
    "pull_started_at",
    "pull_stopped_at",
    "started_at",
    "healthy_at",
    "draining_at",
    "stopping_at",
    "execution_stopped_at",
    "stopped_at",
)
_PROBE = (
    "url",
    "version_key",
    "interval",
    "requests",
    "failed",
    "failures",
    "versions",
    "mixed_from",
    "mixed_to",
    "mixed_seconds",
    "longest_gap_seconds",
    "latency_ms",
    "series",
)


def document(rollout: t.Mapping[str, t.Any], title: str | None = None) -> Data:
    """Raises ValueError when `rollout` is not what ecs_service_wait returns."""
    rollout = legible(dict(rollout))
    verdict = rollout.get("verdict")
    if verdict not in VERDICTS:
        raise ValueError(f"its verdict is {verdict!r}, and has to be one of {', '.join(VERDICTS)}")
    lived = rollout.get("timeline") or {}
    rows, told = lived.get("tasks") or [], lived.get("events") or []
    service = rollout.get("service") or {}
    own = rollout.get("deployment_id")
    begin, end = _span(rollout, rows, told, own)
    revision = _short(rollout.get("task_definition_arn"))
    tasks = [_task(row, own, begin, end, rollout.get("failed_task")) for row in rows]
    # A task that had gone before the rollout began is none of it.
    tasks = [task for task in tasks if task["phases"] or task["ending"] == "failed"]
    tasks.sort(key=lambda task: (task["side"] == "old", task["created_at"] or "", task["task"]))
    back = rollout.get("rollback")
    name = service.get("name") or ""
    return {
        "schema": SCHEMA,
        "title": title or _title(name, revision or str(own)),
        "verdict": verdict,
        "cause": rollout.get("cause"),
        "evidence": [scrub(str(item)) for item in rollout.get("evidence") or []],
        "hint": rollout.get("hint"),
        "failed_task": rollout.get("failed_task"),
        "failed_container": rollout.get("failed_container"),
        "log_tail": [scrub(str(item), logged=True) for item in rollout.get("log_tail") or []],
        "service": {
            "name": name,
            "desired_count": service.get("desired_count"),
            "running_count": service.get("running_count"),
            "task_definition": _short(service.get("task_definition_arn")),
        },
        "deployment_id": own,
        "service_deployment_arn": rollout.get("service_deployment_arn"),
        "task_definition": revision,
        "task_definition_arn": rollout.get("task_definition_arn"),
        "rolled_back_to": _short(rollout.get("rolled_back_to")) or None,
        "rollback": None if not back else {"steady": bool(back.get("steady")), "msg": scrub(str(back.get("msg") or ""))},
        "began_at": _text(begin),
        "decided_at": _text(moment(rollout.get("decided_at"))),
        "ended_at": _text(end),
        "seconds": rollout.get("seconds"),
        "seconds_to_verdict": rollout.get("seconds_to_verdict"),
        "api_calls": rollout.get("api_calls"),
        "throttled_calls": rollout.get("throttled_calls"),
        "tasks": tasks,
        "events": [
            {"at": _text(at), "message": scrub(str(event.get("message") or ""))}
            for event in told
            if (at := moment(event.get("at"))) is not None and at <= end + datetime.timedelta(seconds=_MARGIN_SECONDS)
        ],
        "probe": _probe(rollout.get("probe")),
    }


def _span(
    rollout: t.Mapping[str, t.Any], rows: t.Sequence[t.Mapping[str, t.Any]], told: t.Sequence[t.Mapping[str, t.Any]], own: t.Any
) -> tuple[datetime.datetime, datetime.datetime]:
    """From the first task of the judged deployment, or the first look at it, to the last look."""
    began, ended = moment(rollout.get("began_at")), moment(rollout.get("ended_at"))
    births = [moment(row.get("created_at")) for row in rows if row.get("deployment_id") == own]
    first = min((at for at in [began, *births, *(moment(event.get("at")) for event in told[:1])] if at), default=None)
    every = [moment(row.get(name)) for row in rows for name in _MOMENTS]
    last = ended or max((at for at in [*every, *(moment(event.get("at")) for event in told)] if at), default=None)
    if first is None or last is None:
        # Nothing was seen to happen: a service that was steady at the first look.
        first = last = began or ended or datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
    return first, max(last, first + datetime.timedelta(seconds=1))


def _task(row: t.Mapping[str, t.Any], own: t.Any, begin: datetime.datetime, end: datetime.datetime, failed_task: t.Any) -> Data:
    how, why = ending(row)
    return {
        "task": row.get("task"),
        "side": "new" if row.get("deployment_id") == own else "old",
        "task_definition": row.get("task_definition"),
        "deployment_id": row.get("deployment_id"),
        "last_status": row.get("last_status"),
        "ending": how,
        "why": scrub(why),
        "stopped_reason": scrub(str(row["stopped_reason"])) if row.get("stopped_reason") else None,
        "is_evidence": bool(failed_task) and row.get("task") == failed_task,
        **{name: _text(moment(row.get(name))) for name in _MOMENTS},
        "phases": [{"phase": item["phase"], "from": _text(item["from"]), "to": _text(item["to"])} for item in phases(row, begin, end)],
    }


def _probe(probe: t.Any) -> Data | None:
    if not isinstance(probe, dict) or not probe.get("requests"):
        return None
    found = {name: probe.get(name) for name in _PROBE}
    found["failures"] = {scrub(str(reason)): count for reason, count in (probe.get("failures") or {}).items()}
    for name in ("mixed_from", "mixed_to"):
        found[name] = _text(moment(found[name]))
    found["series"] = [
        {
            "from": _text(moment(item.get("from"))),
            "to": _text(moment(item.get("to"))),
            "versions": dict(item.get("versions") or {}),
            "failed": int(item.get("failed") or 0),
        }
        for item in probe.get("series") or []
    ]
    found["url"] = scrub(str(probe.get("url") or ""))
    return found


def _text(at: datetime.datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds")


def _title(name: str, what: str) -> str:
    return what if not name or what.startswith(f"{name}:") else f"{name}: {what}"


def _short(arn: t.Any) -> str:
    return str(arn or "").rsplit("/", 1)[-1]
