# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits for one deployment of a service, judges it, and on failure explains it and puts the service back."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._aws import ecs, logs
from .._aws.connection import CallCounter
from .._aws.failures import error_code, error_message, is_passing
from .._rollout.causes import Finding, hint
from .._rollout.diagnose import task_id
from .._rollout.judge import DEFAULT_BUDGETS, STALE_READ_SECONDS, Done, Failed, Judge
from .._rollout.timeline import timeline
from .._verb import Context, Verb, VerbFailure
from ._many import watch_many
from ._prober import Prober, check
from ._putback import PutBack, put_back, wanted_for, watch_back
from ._shared import Data, no_service, primary, same_definition, short
from ._watch import TimedOut, Watch

ARGUMENT_SPEC: dict[str, t.Any] = {
    "service": {"type": "str"},
    "services": {
        "type": "list",
        "elements": "dict",
        "options": {
            "service": {"type": "str", "required": True},
            "deployment_id": {"type": "str"},
            "task_definition": {"type": "str"},
        },
    },
    "cluster": {"type": "str", "required": True},
    "deployment_id": {"type": "str"},
    "task_definition": {"type": "str"},
    "timeout": {"type": "int", "default": 900},
    "on_failure": {"type": "str", "choices": ["rollback", "report"], "default": "rollback"},
    "log_lines": {"type": "int", "default": 20},
    "budgets": {"type": "dict", "options": {cause: {"type": "int"} for cause in DEFAULT_BUDGETS}},
    "probe_url": {"type": "str"},
    "probe_interval": {"type": "float", "default": 0.5},
    "probe_version_key": {"type": "str", "default": "version", "no_log": False},
}

# Causes whose container has run, and so may have said something.
_WITH_LOG = frozenset({"container_exited", "out_of_memory", "container_unhealthy", "target_unhealthy", "entrypoint_missing", "exec_format"})
# The last lines of a container that has just ended may reach CloudWatch Logs a moment after it.
_LOG_LOOKS = 3
_LOG_LOOK_SECONDS = 1.0


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    if params["services"] is not None:
        if not params["services"]:
            raise VerbFailure("services: the list is empty. Name at least one service.")
        return watch_many(params, context, run)
    if params["probe_url"]:
        check(params["probe_url"], params["probe_interval"])
    if not params["probe_url"] or context.check_mode:
        return _wait(params, context, None)
    prober = Prober(params["probe_url"], params["probe_interval"], params["probe_version_key"], context.fetch, context.clock)
    prober.start()
    try:
        return _wait(params, context, prober)
    finally:
        prober.stop()


def _wait(params: dict[str, t.Any], context: Context, prober: Prober | None) -> dict[str, t.Any]:
    counter = CallCounter(context.client)
    client = counter("ecs")
    watch = Watch(context, counter, params["cluster"], params["service"])
    if prober is not None:
        watch.news = prober.news
    begin = context.clock.monotonic()
    service = _first_read(params, context, client)
    deployment = _ours(params, service)
    wanted, definition = wanted_for(client, service, deployment)
    judge = Judge(wanted, _budgets(params))
    if context.check_mode:
        return _one_look(params, watch, judge, service)
    try:
        end = watch.until_decided(judge, params["timeout"])
    except Exception as error:
        if not error_code(error):
            raise
        # Credentials that have expired, a permission that is not there: ECS goes on, only nobody watches.
        raise VerbFailure(
            f"{params['service']}: AWS refused {getattr(error, 'operation_name', 'a call')} while waiting for {wanted.deployment_id}: "
            f"{error_code(error)}: {error_message(error)}. The deployment goes on unwatched; run this again to watch on.",
            deployment_id=wanted.deployment_id,
            task_definition_arn=wanted.task_definition,
            error_code=error_code(error),
            verdict=None,
        ) from error
    decided = context.clock.monotonic()
    report = _Report(params, context, watch, wanted.deployment_id, wanted.task_definition, begin, decided, prober)
    if isinstance(end, Done):
        note = f" {end.note}" if end.note else ""
        watch.say(f"{end.line}; {short(wanted.task_definition)} is steady after {decided - begin:.0f} s.{note}")
        if end.note:
            context.warn(f"{params['service']}: {end.note}")
        return {"changed": False, "msg": f"{short(wanted.task_definition)} is steady.{note}", **report.result("succeeded", None, ())}
    if isinstance(end, TimedOut):
        failed = _when_timed_out(params, judge, end)
        verdict = "timed_out"
    elif isinstance(end, Failed):
        failed = end
        verdict = "superseded" if end.superseded else "failed"
    else:
        raise VerbFailure(f"The watch over {params['service']} ended without a decision: {end}")
    watch.say(f"{verdict}: {failed.cause}: {failed.evidence[0] if failed.evidence else ''}")
    # The service first: the log can wait, and by then it is complete.
    back = _back(params, client, watch, wanted.deployment_id, failed)
    tail = () if failed.unknown else _log_tail(params, context, counter, definition, failed.finding)
    if back is not None and back.steady and verdict == "failed":
        verdict = "rolled_back"
    raise VerbFailure(
        _message(params, wanted.deployment_id, verdict, wanted.task_definition, failed, tail, back),
        changed=back is not None and back.task_definition is not None,
        **report.result(verdict, failed, tail, back),
    )


def _budgets(params: dict[str, t.Any]) -> dict[str, int]:
    given = {cause: tasks for cause, tasks in (params["budgets"] or {}).items() if tasks is not None}
    for cause, tasks in given.items():
        if tasks < 1:
            raise VerbFailure(f"budgets.{cause}: {tasks} tasks is no number to wait for. It is 1 or more; a large one means never.")
    return given


def _first_read(params: dict[str, t.Any], context: Context, client: t.Any) -> Data:
    """The service, read again for a while when it does not show yet what the user has just asked ECS for."""
    deadline = context.clock.monotonic() + STALE_READ_SECONDS
    while True:
        service = ecs.describe_service(client, params["cluster"], params["service"])
        late = context.clock.monotonic() >= deadline or context.check_mode
        if service is None or service.get("status") == "INACTIVE":
            if late or params["deployment_id"] is None:
                raise no_service(params["cluster"], params["service"])
        elif (
            late
            or params["deployment_id"] is not None
            or params["task_definition"] is None
            or same_definition(primary(service).get("taskDefinition"), params["task_definition"])
        ):
            return service
        context.clock.sleep(1.0)


def _ours(params: dict[str, t.Any], service: Data) -> Data:
    """The deployment to judge; only its id and definition when ECS does not show it (yet)."""
    identity = params["deployment_id"] or primary(service).get("id")
    if not identity:
        raise VerbFailure(f"{params['service']} has no deployment to wait for: its deployments are not made by ECS itself.")
    shown = next((item for item in service.get("deployments") or [] if item.get("id") == identity), None)
    found = dict(shown or {"id": identity})
    if params["task_definition"]:
        found["taskDefinition"] = params["task_definition"]
    return found


def _one_look(params: dict[str, t.Any], watch: Watch, judge: Judge, service: Data) -> dict[str, t.Any]:
    """Check mode: say how it stands, and neither wait nor put anything back."""
    now = judge.look(watch.reader.snapshot(judge.wanted.deployment_id))
    verdict = "succeeded" if isinstance(now, Done) else "failed" if isinstance(now, Failed) else None
    line = getattr(now, "line", "") or "; ".join(getattr(now, "evidence", ()))
    return {
        "changed": False,
        "msg": f"Check mode, one look: {line}",
        "verdict": verdict,
        "cause": getattr(now, "cause", None),
        "deployment_id": judge.wanted.deployment_id,
        "task_definition_arn": judge.wanted.task_definition,
        "api_calls": watch.counter.total,
        "service": _counts(service),
    }


def _when_timed_out(params: dict[str, t.Any], judge: Judge, end: TimedOut) -> Failed:
    finding = judge.best_finding()
    waited = f"after {params['timeout']} s: {end.evidence[0]}"
    seen = (finding.evidence,) if finding else ()
    if end.silence is not None:
        # Whatever was found before: how it stands now is not known.
        return Failed(end.silence.cause, (waited, *end.evidence[1:], *seen), finding, unknown=True)
    return Failed(finding.cause if finding else "timeout", (waited, *seen), finding)


def _back(params: dict[str, t.Any], client: t.Any, watch: Watch, own_id: str, failed: Failed) -> PutBack | None:
    """Watch the rollback that ECS has begun, or begin one. None when there is none to speak of."""
    if failed.superseded or failed.unknown or failed.cause == "service_gone":
        return None
    try:
        if failed.rolling_back_to is not None:
            watch.say(f"ECS goes back to {failed.rolling_back_to} by itself; watching that")
            return watch_back(client, watch, params["timeout"], again=True)
        if params["on_failure"] == "report":
            return None
        return put_back(client, watch, params["cluster"], params["service"], own_id, params["timeout"])
    except Exception as error:
        if not error_code(error) and not is_passing(error):
            raise
        # The diagnosis is worth more than this refusal: both belong into the one report.
        operation = getattr(error, "operation_name", "the call")
        return PutBack(
            None, None, False, f"Putting back did not work: AWS refused {operation}: {error_code(error)}: {error_message(error)}"
        )


def _log_tail(
    params: dict[str, t.Any], context: Context, client: t.Callable[[str], t.Any], definition: Data, finding: Finding | None
) -> tuple[str, ...]:
    """The last lines that the failed container wrote, from where its awslogs settings send them."""
    if finding is None or finding.task is None or finding.cause not in _WITH_LOG or params["log_lines"] <= 0:
        return ()
    containers = definition.get("containerDefinitions") or []
    named = [item for item in containers if item.get("name") == finding.container]
    container = (named or [item for item in containers if item.get("essential", True)] or [{}])[0]
    settings = container.get("logConfiguration") or {}
    options = settings.get("options") or {}
    if settings.get("logDriver") != "awslogs" or not options.get("awslogs-group") or not options.get("awslogs-stream-prefix"):
        return ()
    stream = f"{options['awslogs-stream-prefix']}/{container.get('name')}/{task_id(finding.task)}"
    for look in range(_LOG_LOOKS):
        if look:
            context.clock.sleep(_LOG_LOOK_SECONDS)
        try:
            lines = logs.tail(client("logs"), options["awslogs-group"], stream, params["log_lines"])
        except Exception as error:
            if not error_code(error) and not is_passing(error):
                raise
            return (f"(the log {stream} cannot be read: {error_code(error) or error})",)
        if lines:
            return tuple(lines)
    return ()


@dataclass(frozen=True)
class _Report:
    """Builds the task's return values."""

    params: dict[str, t.Any]
    context: Context
    watch: Watch
    deployment_id: str
    task_definition: str | None
    begin: float
    decided: float
    prober: Prober | None = None

    def result(self, verdict: str, failed: Failed | None, tail: tuple[str, ...], back: PutBack | None = None) -> dict[str, t.Any]:
        if self.prober is not None:
            # Stopped before it is counted: what still was under way belongs to it.
            self.prober.stop()
            for line in self.prober.news():
                self.watch.say(line)
        end = self.context.clock.monotonic()
        service = self.watch.reader.service or {}
        own: Data = next((item for item in service.get("deployments") or [] if item.get("id") == self.deployment_id), {})
        births = [task.get("createdAt") for task, _healthy in self.watch.lives.values() if task.get("startedBy") == self.deployment_id]
        since = own.get("createdAt") or min((moment for moment in births if moment), default=None)
        finding = failed.finding if failed else None
        return {
            "verdict": verdict,
            "cause": failed.cause if failed else None,
            "detail": dict(finding.detail) if finding else {},
            "evidence": list(failed.evidence) if failed else [],
            "hint": failed.hint if failed else None,
            "failed_task": finding.task if finding else None,
            "failed_container": finding.container if finding else None,
            "log_tail": list(tail),
            "deployment_id": self.deployment_id,
            "task_definition_arn": self.task_definition,
            "service_deployment_arn": self.watch.reader.record_arns.get(self.deployment_id),
            "rolled_back_to": back.task_definition if back and back.steady else None,
            "rollback": None
            if back is None
            else {
                "task_definition_arn": back.task_definition,
                "deployment_id": back.deployment_id,
                "steady": back.steady,
                "msg": back.words,
            },
            "began_at": self.watch.wall(self.begin),
            "decided_at": self.watch.wall(self.decided),
            "ended_at": self.watch.wall(end),
            "seconds": round(end - self.begin, 1),
            "seconds_to_verdict": round(self.decided - self.begin, 1),
            "timeline": timeline(self.watch.lives, self.watch.events.values(), since, self.watch.wall, self.watch.drains),
            "probe": self.prober.result(self.watch.wall) if self.prober is not None else None,
            "api_calls": self.watch.counter.total,
            "api_calls_by_operation": dict(self.watch.counter.calls),
            "throttled_calls": self.watch.throttled,
            "service": _counts(service),
        }


def _counts(service: Data) -> dict[str, t.Any]:
    return {
        "name": service.get("serviceName"),
        "status": service.get("status"),
        "desired_count": service.get("desiredCount"),
        "running_count": service.get("runningCount"),
        "pending_count": service.get("pendingCount"),
        "task_definition_arn": primary(service).get("taskDefinition"),
    }


def _message(
    params: dict[str, t.Any],
    deployment_id: str,
    verdict: str,
    task_definition: str | None,
    failed: Failed,
    tail: tuple[str, ...],
    back: PutBack | None,
) -> str:
    lines = [f"{params['service']}: {short(task_definition) or deployment_id} {verdict.replace('_', ' ')}: {failed.cause}"]
    lines.extend(f"  {item}" for item in failed.evidence)
    if tail:
        lines.append(f"Last log lines of {(failed.finding and failed.finding.container) or 'the container'}:")
        lines.extend(f"  {item}" for item in tail)
    lines.append(f"What to do: {hint(failed.cause)}")
    if back is not None:
        lines.append(f"Put back: {back.words}")
    elif failed.unknown:
        lines.append("Nothing was put back: nobody knows how the deployment stands. ECS goes on by itself; run this again to watch on.")
    elif not failed.superseded and failed.cause != "service_gone":
        lines.append("Nothing was put back: on_failure is report. ECS goes on trying.")
    return "\n".join(lines)


VERB = Verb(
    name="ecs_service_wait",
    argument_spec=ARGUMENT_SPEC,
    run=run,
    required_one_of=(("service", "services"),),
    mutually_exclusive=(("service", "services"), ("services", "deployment_id"), ("services", "task_definition"), ("services", "probe_url")),
)
