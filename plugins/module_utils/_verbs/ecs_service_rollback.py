# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rolls a service back to its last successful revision, or to one that the user names, and watches it arrive."""

from __future__ import annotations

import json
import typing as t

from .._aws import ecs
from .._aws.connection import CallCounter
from .._rollout.causes import hint
from .._rollout.judge import Done, Failed, Judge
from .._rollout.target import Target, named
from .._verb import Context, Verb, VerbFailure
from ._putback import find_target, history, settings_back, stop, taken_over, update_back, wanted_for
from ._shared import Data, no_service, plain, primary, same_definition, short, snake, snake_keys
from ._watch import TimedOut, Watch

ARGUMENT_SPEC: dict[str, t.Any] = {
    "service": {"type": "str", "required": True},
    "cluster": {"type": "str", "required": True},
    "task_definition": {"type": "str"},
    "steps": {"type": "int"},
    "wait": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 900},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    if params["steps"] is not None and params["steps"] < 1:
        raise VerbFailure(
            f"steps: {params['steps']} steps back lead nowhere. It is 1 or more, 1 for the successful release before this one."
        )
    counter = CallCounter(context.client)
    client = counter("ecs")
    cluster, name = params["cluster"], params["service"]
    watch = Watch(context, counter, cluster, name)
    begin = context.clock.monotonic()
    service = ecs.describe_service(client, cluster, name)
    if service is None or service.get("status") == "INACTIVE":
        raise no_service(cluster, name)
    current = primary(service)
    found = _pick(params, client, service, current, context.warn)
    target, why = found.task_definition, found.why
    settings = settings_back(client, service, found) if target is not None else {}
    restored = sorted(snake(member) for member in settings)
    if restored:
        why += f"; with its {' and '.join(restored)}"
    result: dict[str, t.Any] = {
        "changed": target is not None,
        "why": why,
        "task_definition_arn": target or current.get("taskDefinition"),
        "previous_task_definition_arn": current.get("taskDefinition"),
        "restored": restored,
        "deployment_id": current.get("id"),
        "diff": {
            "before": _text(current.get("taskDefinition"), {member: has for member, (has, _was) in settings.items()}),
            "after": _text(target or current.get("taskDefinition"), {member: was for member, (_has, was) in settings.items()}),
            "before_header": name,
            "after_header": name,
        },
    }
    if target is None:
        return {**result, "verdict": None, "msg": f"Nothing to do: {why}."}
    words = f"{name}: {short(current.get('taskDefinition'))} -> {short(target)}, {why}"
    if context.check_mode:
        return {**result, "verdict": None, "msg": f"Would roll back {words}."}
    context.progress(f"rolling back {words}")
    again = _start(params, client, watch, service, target, settings)
    after = primary(watch.reader.service or {})
    result["deployment_id"] = after.get("id")
    if not params["wait"]:
        return {**result, "verdict": None, "msg": f"Rolling back {words}."}
    wanted, _definition = wanted_for(client, watch.reader.service or {}, after)
    failed_before = [task["taskArn"] for task in watch.reader.tasks if task.get("stoppedReason")]
    if again:
        watch.reader.without_record.add(wanted.deployment_id)
    judge = Judge(wanted, ignore=failed_before, again=again)
    end = watch.until_decided(judge, params["timeout"])
    result["seconds"] = round(context.clock.monotonic() - begin, 1)
    result["api_calls"] = counter.total
    if isinstance(end, Done):
        watch.say(f"{end.line}; {short(wanted.task_definition)} is steady")
        return {**result, "verdict": "succeeded", "msg": f"Rolled back {words}."}
    if isinstance(end, Failed):
        verdict = "superseded" if end.superseded else "failed"
        evidence = "\n  ".join(end.evidence)
        raise VerbFailure(
            f"{name}: the rollback to {short(target)} {verdict}: {end.cause}\n  {evidence}\nWhat to do: {end.hint}",
            **{**result, "verdict": verdict, "cause": end.cause, "evidence": list(end.evidence), "hint": end.hint},
        )
    if not isinstance(end, TimedOut):
        raise VerbFailure(f"The watch over {name} ended without a decision: {end}")
    cause = end.silence.cause if end.silence else "timeout"
    raise VerbFailure(
        f"{name}: the rollback to {short(target)} was still going after {params['timeout']} s: {cause}\n  "
        + "\n  ".join(end.evidence)
        + f"\nWhat to do: {hint(cause)}",
        **{**result, "verdict": "timed_out", "cause": cause, "evidence": list(end.evidence), "hint": hint(cause)},
    )


def _text(task_definition: str | None, settings: Data) -> str:
    shown = {"task_definition": short(task_definition), **snake_keys(settings)}
    return json.dumps(plain(shown), indent=2, sort_keys=True) + "\n"


def _pick(params: dict[str, t.Any], client: t.Any, service: Data, current: Data, warn: t.Callable[[str], None]) -> Target:
    """Where to go, by ARN, and why; no task definition when the service is where the rollback would lead."""
    asked = params["task_definition"]
    if asked:
        definition = _definition(params["service"], client, asked, "as named")
        found = named(definition["taskDefinitionArn"], history(client, params["cluster"], params["service"], warn))
    else:
        found = find_target(client, params["cluster"], service, warn, params["steps"] or 1)
        if found.already_there:
            return found
        if found.task_definition is None:
            raise VerbFailure(
                f"{params['service']}: there is nothing to roll back to: {found.why}. "
                "Name a revision with task_definition, for example web:12.",
                changed=False,
            )
        _definition(params["service"], client, found.task_definition, found.why)
    if same_definition(found.task_definition, current.get("taskDefinition")) and current.get("rolloutState", "COMPLETED") != "FAILED":
        return Target(None, f"{params['service']} has {short(found.task_definition)} already", already_there=True)
    return found


def _definition(service: str, client: t.Any, name: str, why: str) -> Data:
    """The task definition that is to be gone back to. Refuses one that is not there, or that ECS would not take."""
    definition = ecs.describe_task_definition(client, name)
    if definition is None:
        raise VerbFailure(f"task_definition: there is no task definition {name}. It is family:revision or an ARN.")
    arn = definition["taskDefinitionArn"]
    if definition.get("status") not in (None, "ACTIVE"):
        raise VerbFailure(
            f"{service}: {short(arn)} ({why}) is {definition['status']}: it was deregistered, and ECS starts no service with it. "
            "Register it again (ecs_task_definition_render with task_definition, then ecs_task_definition) and deploy that revision, "
            "go further back with steps, or name another one with task_definition.",
            task_definition_arn=arn,
        )
    return definition


def _start(
    params: dict[str, t.Any], client: t.Any, watch: Watch, service: Data, target: str, settings: dict[str, tuple[t.Any, t.Any]]
) -> bool:
    """Begin the rollback. True when ECS itself goes back to an older deployment, False when an update makes a new one."""
    current = primary(service)
    cluster, name, own_id = params["cluster"], params["service"], str(current.get("id"))
    # ECS itself goes back to the last deployment that was completed, and to no other.
    if not params["task_definition"] and params["steps"] in (None, 1) and current.get("rolloutState") == "IN_PROGRESS":
        if service.get("currentServiceDeployment"):
            watch.reader.record_arns[own_id] = service["currentServiceDeployment"]
        if stop(client, watch, cluster, name, own_id) and taken_over(watch, own_id):
            return True
    update_back(client, cluster, name, target, settings)
    taken_over(watch, own_id)
    return False


VERB = Verb(name="ecs_service_rollback", argument_spec=ARGUMENT_SPEC, run=run, mutually_exclusive=(("task_definition", "steps"),))
