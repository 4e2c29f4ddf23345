# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rolls a service back to its last successful revision, or to one that the user names, and watches it arrive."""

from __future__ import annotations

import typing as t

from .._aws import ecs
from .._aws.connection import CallCounter
from .._rollout.judge import Done, Failed, Judge
from .._verb import Context, Verb, VerbFailure
from ._putback import find_target, stop, taken_over, wanted_for
from ._shared import Data, primary, same_definition, short
from ._watch import TimedOut, Watch

ARGUMENT_SPEC: dict[str, t.Any] = {
    "service": {"type": "str", "required": True},
    "cluster": {"type": "str", "required": True},
    "task_definition": {"type": "str"},
    "wait": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 900},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    counter = CallCounter(context.client)
    client = counter("ecs")
    cluster, name = params["cluster"], params["service"]
    watch = Watch(context, counter, cluster, name)
    begin = context.clock.monotonic()
    service = ecs.describe_service(client, cluster, name)
    if service is None or service.get("status") == "INACTIVE":
        raise VerbFailure(f"service: there is no service {name} in cluster {cluster}.")
    current = primary(service)
    target, why = _pick(params, client, service, current, context.warn)
    result: dict[str, t.Any] = {
        "changed": target is not None,
        "why": why,
        "task_definition_arn": target or current.get("taskDefinition"),
        "previous_task_definition_arn": current.get("taskDefinition"),
        "deployment_id": current.get("id"),
        "diff": {
            "before": f"{short(current.get('taskDefinition'))}\n",
            "after": f"{short(target or current.get('taskDefinition'))}\n",
            "before_header": f"{name}: task definition",
            "after_header": f"{name}: task definition",
        },
    }
    if target is None:
        return {**result, "verdict": None, "msg": f"Nothing to do: {why}."}
    words = f"{name}: {short(current.get('taskDefinition'))} -> {short(target)}, {why}"
    if context.check_mode:
        return {**result, "verdict": None, "msg": f"Would roll back {words}."}
    context.progress(f"rolling back {words}")
    again = _start(params, client, watch, service, current, target)
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
    line = end.last.line if isinstance(end, TimedOut) and end.last else "no answer from AWS"
    raise VerbFailure(
        f"{name}: the rollback to {short(target)} was still going after {params['timeout']} s: {line}",
        **{**result, "verdict": "timed_out", "cause": "timeout", "evidence": [line]},
    )


def _pick(params: dict[str, t.Any], client: t.Any, service: Data, current: Data, warn: t.Callable[[str], None]) -> tuple[str | None, str]:
    """The ARN to go to and why; no ARN when the service is where the rollback would lead."""
    asked = params["task_definition"]
    if asked:
        why = "as named"
        name: str | None = asked
    else:
        found = find_target(client, params["cluster"], service, warn)
        if found.already_there:
            return None, found.why
        name, why = found.task_definition, found.why
    if name is None:
        raise VerbFailure(
            f"{params['service']}: there is nothing to roll back to: {why}. Name a revision with task_definition, for example web:12.",
            changed=False,
        )
    definition = ecs.describe_task_definition(client, name)
    if definition is None:
        raise VerbFailure(f"task_definition: there is no task definition {name}. It is family:revision or an ARN.")
    arn = definition["taskDefinitionArn"]
    if definition.get("status") not in (None, "ACTIVE"):
        raise VerbFailure(
            f"{params['service']}: {short(arn)} ({why}) is {definition['status']}: it was deregistered, and ECS starts no service with it. "
            "Register it again (ecs_task_definition_render with task_definition, then ecs_task_definition) and deploy that revision, "
            "or name another one with task_definition.",
            task_definition_arn=arn,
        )
    if same_definition(arn, current.get("taskDefinition")) and current.get("rolloutState", "COMPLETED") != "FAILED":
        return None, f"{params['service']} has {short(arn)} already"
    return arn, why


def _start(params: dict[str, t.Any], client: t.Any, watch: Watch, service: Data, current: Data, target: str) -> bool:
    """Begin the rollback. True when ECS itself goes back to an older deployment, False when an update makes a new one."""
    cluster, name, own_id = params["cluster"], params["service"], str(current.get("id"))
    if not params["task_definition"] and current.get("rolloutState") == "IN_PROGRESS":
        if service.get("currentServiceDeployment"):
            watch.reader.record_arns[own_id] = service["currentServiceDeployment"]
        if stop(client, watch, cluster, name, own_id) and taken_over(watch, own_id):
            return True
    ecs.update_service(client, {"cluster": cluster, "service": name, "taskDefinition": target})
    taken_over(watch, own_id)
    return False


VERB = Verb(name="ecs_service_rollback", argument_spec=ARGUMENT_SPEC, run=run)
