# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one task to its end: exit codes, reason, and its log as it is written."""

from __future__ import annotations

import collections
import typing as t

from .._aws import ecs, logs
from .._aws.connection import botocore_version
from .._aws.failures import error_code, error_message, is_passing
from .._rollout.causes import hint
from .._rollout.diagnose import exit_words, stopped_task, task_id
from .._rollout.pace import throttled_pause
from .._verb import Context, Verb, VerbFailure
from ._service_options import MEMBER_OPTIONS, members, request_members, tag_list
from ._shared import Data, no_service, primary, short, snake

_CONTAINER: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "command": {"type": "list", "elements": "str"},
    "environment": {"type": "dict"},
    "cpu": {"type": "int"},
    "memory": {"type": "int"},
    "memory_reservation": {"type": "int"},
}
_OF_SERVICE = ("capacity_provider_strategy", "network_configuration", "platform_version", "placement_constraints", "placement_strategy")

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster": {"type": "str", "required": True},
    "service": {"type": "str"},
    "task_definition": {"type": "str"},
    "containers": {"type": "list", "elements": "dict", "options": _CONTAINER, "default": []},
    "cpu": {"type": "str"},
    "memory": {"type": "str"},
    "task_role_arn": {"type": "str"},
    "execution_role_arn": {"type": "str"},
    "launch_type": {"type": "str", "choices": ["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"]},
    **{option: MEMBER_OPTIONS[option] for option in _OF_SERVICE},
    "group": {"type": "str"},
    "started_by": {"type": "str", "default": "steadystate.ecs"},
    "enable_execute_command": {"type": "bool"},
    "enable_ecs_managed_tags": {"type": "bool"},
    "propagate_tags": {"type": "str", "choices": ["NONE", "TASK_DEFINITION"]},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "timeout": {"type": "int", "default": 600},
    "log_lines": {"type": "int", "default": 20},
}

# A cluster without room now may have some in a moment, when other tasks end or instances come.
_PLACEMENT_SECONDS = 120.0
_PLACEMENT_POLL_SECONDS = 5.0
_POLL_SECONDS = 2.0
_HEARTBEAT_SECONDS = 30.0
# How long a task may take to stop: ECS gives a container at most 120 s after SIGTERM.
_STOP_SECONDS = 180.0
# The last lines may reach CloudWatch Logs a moment after the container has ended.
_LAST_LOOKS = 3
_LAST_LOOK_SECONDS = 1.0
# StopTask takes a reason of at most 255 characters.
_STOP_REASON = "Stopped by ecs_task_run after its timeout of {seconds} s"


# The common hints speak of services.
_HINTS = {
    "container_exited": "Read the last log lines above: the command itself failed.",
    "timeout": "Raise timeout if the task only needs longer.",
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    client = context.client("ecs")
    service = _service(params, client)
    name = params["task_definition"] or primary(service or {}).get("taskDefinition")
    definition = ecs.describe_task_definition(client, name) if name else None
    if definition is None:
        raise VerbFailure(f"task_definition: there is no task definition {name}.")
    _refuse_unknown_containers(params, definition)
    request = run_request(params, service, definition)
    path = ecs.unknown_member(client, "RunTask", request)
    if path is not None:
        raise VerbFailure(
            f"{'.'.join(snake(member) for member in path)}: botocore {botocore_version()} does not know it. "
            "Update it: python -m pip install --upgrade boto3"
        )
    if context.check_mode:
        return {**_nothing_yet(definition), "changed": True, "msg": f"Would run {short(definition['taskDefinitionArn'])} once."}
    return _Run(params, context, client, definition).through(request)


def run_request(params: dict[str, t.Any], service: Data | None, definition: Data) -> Data:
    """The RunTask request: what the user gave, and where the tasks of the service run for what was left out."""
    given = {key: value for key, value in params.items() if key in ("launch_type", "enable_execute_command", *_OF_SERVICE)}
    request: Data = {
        "cluster": params["cluster"],
        "taskDefinition": definition["taskDefinitionArn"],
        "count": 1,
        "startedBy": params["started_by"],
        **request_members(
            {**given, "propagate_tags": params["propagate_tags"], "enable_ecs_managed_tags": params["enable_ecs_managed_tags"]}
        ),
    }
    if service is not None:
        if "launchType" not in request and "capacityProviderStrategy" not in request:
            for member in ("capacityProviderStrategy", "launchType", "platformVersion"):
                if service.get(member) and not (member == "launchType" and "capacityProviderStrategy" in request):
                    request.setdefault(member, service[member])
        if "networkConfiguration" not in request and service.get("networkConfiguration") and definition.get("networkMode") == "awsvpc":
            request["networkConfiguration"] = service["networkConfiguration"]
    overrides: Data = {
        member_of: params[option]
        for option, member_of in (
            ("cpu", "cpu"),
            ("memory", "memory"),
            ("task_role_arn", "taskRoleArn"),
            ("execution_role_arn", "executionRoleArn"),
        )
        if params[option] is not None
    }
    if params["containers"]:
        overrides["containerOverrides"] = [_container(item) for item in params["containers"]]
    if overrides:
        request["overrides"] = overrides
    if params["group"]:
        request["group"] = params["group"]
    if params["tags"]:
        request["tags"] = tag_list(params["tags"])
    return request


def _container(item: Data) -> Data:
    override = t.cast("Data", members({key: value for key, value in item.items() if key != "environment"}))
    if item.get("environment"):
        override["environment"] = [
            {"name": key, "value": "" if value is None else str(value)} for key, value in item["environment"].items()
        ]
    return override


def _service(params: dict[str, t.Any], client: t.Any) -> Data | None:
    if params["service"] is None:
        return None
    service = ecs.describe_service(client, params["cluster"], params["service"])
    if service is None or service.get("status") == "INACTIVE":
        raise no_service(params["cluster"], params["service"])
    return service


def _refuse_unknown_containers(params: dict[str, t.Any], definition: Data) -> None:
    known = [item["name"] for item in definition["containerDefinitions"]]
    for item in params["containers"]:
        if item["name"] not in known:
            raise VerbFailure(
                f"containers: {short(definition['taskDefinitionArn'])} has no container {item['name']}, only {', '.join(known)}."
            )


def _nothing_yet(definition: Data) -> dict[str, t.Any]:
    return {
        "task_arn": None,
        "task_definition_arn": definition["taskDefinitionArn"],
        "exit_code": {},
        "stopped_reason": None,
        "stop_code": None,
        "cause": None,
        "hint": None,
        "timed_out": False,
        "seconds": 0.0,
        "log_tail": [],
    }


class _Run:
    def __init__(self, params: dict[str, t.Any], context: Context, client: t.Any, definition: Data) -> None:
        self._params = params
        self._context = context
        self._client = client
        self._definition = definition
        self._begin = context.clock.monotonic()
        self._tail: collections.deque[str] = collections.deque(maxlen=max(0, params["log_lines"]))
        self._tokens: dict[str, str | None] = {}
        self._log_refused = False
        self._name = short(definition["taskDefinitionArn"])

    def through(self, request: Data) -> dict[str, t.Any]:
        arn = self._start(request)
        task = self._watch(arn, self._begin + self._params["timeout"])
        timed_out = task.get("lastStatus") != "STOPPED"
        if timed_out:
            self._context.progress(f"{self._name}: still running after {self._params['timeout']} s, stopping it")
            ecs.stop_task(self._client, self._params["cluster"], arn, _STOP_REASON.format(seconds=self._params["timeout"]))
            task = self._watch(arn, self._context.clock.monotonic() + _STOP_SECONDS)
        self._context.waiting("")
        self._last_lines(arn)
        return self._judged(task, timed_out)

    def _start(self, request: Data) -> str:
        clock = self._context.clock
        deadline = self._begin + min(_PLACEMENT_SECONDS, self._params["timeout"])
        told = ""
        while True:
            task, failures = ecs.run_task(self._client, request)
            if task is not None:
                self._context.progress(f"{self._name}: started as task {task_id(task['taskArn'])}")
                return str(task["taskArn"])
            reasons = ", ".join(sorted({str(item.get("reason") or item.get("detail")) for item in failures})) or "no reason given"
            if clock.monotonic() >= deadline:
                raise VerbFailure(
                    f"{self._name}: ECS did not start the task for {clock.monotonic() - self._begin:.0f} s: {reasons}\n"
                    f"What to do: {hint('no_capacity')}",
                    changed=False,
                    **{**_nothing_yet(self._definition), "cause": "no_capacity", "hint": hint("no_capacity"), "stopped_reason": reasons},
                )
            if reasons != told:
                told = reasons
                self._context.progress(f"{self._name}: waiting for room: {reasons}")
            clock.sleep(_PLACEMENT_POLL_SECONDS)

    def _watch(self, arn: str, deadline: float) -> Data:
        """The task when it has stopped, or as it is at the deadline."""
        clock = self._context.clock
        told, said_at, refused = "", clock.monotonic(), 0
        task: Data = {"taskArn": arn}
        while True:
            try:
                found = ecs.describe_tasks(self._client, self._params["cluster"], [arn])
                # Right after RunTask the task may not be shown yet.
                task = found[0] if found else task
                refused = 0
                self._read_log(arn)
            except Exception as error:
                if not is_passing(error):
                    raise
                refused += 1
            now = clock.monotonic()
            status = str(task.get("lastStatus") or "")
            if status == "STOPPED":
                return task
            if status and status != told:
                told, said_at = status, now
                self._context.progress(f"{self._name}: {status}")
                self._context.waiting(f"{self._name}: {status}")
            elif self._context.live is None and now - said_at >= _HEARTBEAT_SECONDS:
                said_at = now
                self._context.progress(f"{self._name}: still {status or 'starting'}, {now - self._begin:.0f} s now")
            if now >= deadline:
                return task
            clock.sleep(min(throttled_pause(refused) if refused else _POLL_SECONDS, max(0.0, deadline - now)))

    def _read_log(self, arn: str) -> int:
        """Show what was written since the last look. Returns how many lines that were."""
        count = 0
        containers = self._definition["containerDefinitions"]
        for container in containers if not self._log_refused else ():
            settings = container.get("logConfiguration") or {}
            options = settings.get("options") or {}
            if settings.get("logDriver") != "awslogs" or not options.get("awslogs-group") or not options.get("awslogs-stream-prefix"):
                continue
            name = container["name"]
            stream = f"{options['awslogs-stream-prefix']}/{name}/{task_id(arn)}"
            try:
                lines, self._tokens[name] = logs.following(
                    self._context.client("logs"), options["awslogs-group"], stream, self._tokens.get(name)
                )
            except Exception as error:
                if is_passing(error) or not error_code(error):
                    raise
                # The log is a comfort, the exit code is what counts.
                self._log_refused = True
                self._context.warn(f"The log {stream} cannot be read: {error_code(error)}: {error_message(error)}")
                return count
            for line in lines:
                self._context.progress(f"{name} | {line}")
            self._tail.extend(lines if len(containers) == 1 else [f"{name} | {line}" for line in lines])
            count += len(lines)
        return count

    def _last_lines(self, arn: str) -> None:
        for look in range(_LAST_LOOKS):
            if look:
                self._context.clock.sleep(_LAST_LOOK_SECONDS)
            try:
                if self._read_log(arn) or self._log_refused:
                    return
            except Exception as error:
                if not is_passing(error):
                    raise

    def _judged(self, task: Data, timed_out: bool) -> dict[str, t.Any]:
        codes = {item["name"]: item.get("exitCode") for item in task.get("containers") or []}
        asked = {item["name"] for item in self._params["containers"]}
        essential = {item["name"] for item in self._definition["containerDefinitions"] if item.get("essential", True)}
        bad = {name: codes.get(name) for name in sorted(asked or essential) if codes.get(name) != 0}
        result = {
            **_nothing_yet(self._definition),
            "changed": True,
            "task_arn": task["taskArn"],
            "exit_code": codes,
            "stopped_reason": task.get("stoppedReason"),
            "stop_code": task.get("stopCode"),
            "timed_out": timed_out,
            "seconds": round(self._context.clock.monotonic() - self._begin, 1),
            "log_tail": list(self._tail),
        }
        if not timed_out and not bad:
            self._context.progress(f"{self._name}: ended well after {result['seconds']:.0f} s")
            return {**result, "msg": f"{self._name} ended well."}
        finding = None if timed_out else stopped_task(task)
        cause = "timeout" if timed_out else finding.cause if finding else "container_exited"
        result.update(cause=cause, hint=_HINTS.get(cause) or hint(cause))
        if timed_out:
            state = "was stopped" if task.get("lastStatus") == "STOPPED" else "is still stopping"
            first = f"{self._name}: the task did not end within {self._params['timeout']} s and {state}."
        else:
            ends = "; ".join(f"container {name} {_end(code)}" for name, code in bad.items())
            first = f"{self._name}: {cause}: {ends}"
        lines = [first]
        if task.get("stoppedReason"):
            lines.append(f"  {task['stoppedReason']}")
        lines.extend(f"  {item['name']}: {item['reason']}" for item in task.get("containers") or [] if item.get("reason"))
        if self._tail:
            lines.append("Last log lines:")
            lines.extend(f"  {line}" for line in self._tail)
        lines.append(f"What to do: {result['hint']}")
        raise VerbFailure("\n".join(lines), **result)


def _end(code: int | None) -> str:
    return "never ran" if code is None else f"ended with code {code}{exit_words(code) if code else ''}"


VERB = Verb(
    name="ecs_task_run",
    argument_spec=ARGUMENT_SPEC,
    run=run,
    mutually_exclusive=(("launch_type", "capacity_provider_strategy"),),
    required_one_of=(("service", "task_definition"),),
)
