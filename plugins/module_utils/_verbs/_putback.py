# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts a service back on its last successful revision, through ECS's own rollback where it can, and watches that to its end."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._aws import ecs
from .._aws.failures import error_code, error_message, is_passing
from .._rollout.forecast import health_checks
from .._rollout.judge import Done, Judge, Judgement, Wanted
from .._rollout.placement import needs
from .._rollout.target import Past, Target, choose
from ._service_drift import restoring
from ._service_revision import running_revision
from ._shared import Data, primary, short
from ._watch import TimedOut, Watch

# How long ECS may take from StopServiceDeployment until another deployment is the PRIMARY.
_TAKE_OVER_SECONDS = 60.0
_TAKE_OVER_POLL_SECONDS = 1.0
# So many of the newest deployments are looked at for a target.
_HISTORY = 40


@dataclass(frozen=True)
class PutBack:
    """The end of a rollback. `task_definition` is where it went, None when there was nowhere to go."""

    task_definition: str | None
    deployment_id: str | None
    steady: bool
    words: str


def history(client: t.Any, cluster: str, service: str, warn: t.Callable[[str], None]) -> list[Past]:
    """What ECS remembers of the service, newest first; empty, with a warning, when its history cannot be read."""
    try:
        briefs = ecs.list_service_deployments(client, cluster, service)
        briefs = sorted((item for item in briefs if item.get("createdAt")), key=lambda item: item["createdAt"], reverse=True)[:_HISTORY]
        arns = list(dict.fromkeys(item["targetServiceRevisionArn"] for item in briefs if item.get("targetServiceRevisionArn")))
        revisions = {item["serviceRevisionArn"]: item for item in ecs.describe_service_revisions(client, arns)} if arns else {}
    except Exception as error:
        # An old boto3 has no such method, an old service no such history, a narrow role no such permission.
        if is_passing(error) or not (isinstance(error, AttributeError) or error_code(error)):
            raise
        warn(f"{service}: the history of its deployments cannot be read: {error_code(error) or 'this boto3 does not know it'}")
        return []
    found = []
    for item in briefs:
        revision = revisions.get(item.get("targetServiceRevisionArn"), {})
        if revision.get("taskDefinition"):
            finished, arn = item.get("finishedAt"), item.get("serviceDeploymentArn", "")
            words, seconds = (finished.isoformat(), (finished - item["createdAt"]).total_seconds()) if finished else ("", None)
            found.append(Past(item.get("status", ""), revision["taskDefinition"], arn, words, revision, seconds))
    return found


def find_target(client: t.Any, cluster: str, service: Data, warn: t.Callable[[str], None], steps: int = 1) -> Target:
    """Where a rollback of this service would go now."""
    deployments = service.get("deployments") or []
    current = primary(service)
    saved = next(
        (item.get("taskDefinition") for item in deployments if item is not current and item.get("rolloutState") == "COMPLETED"), None
    )
    completed = current.get("rolloutState", "COMPLETED") == "COMPLETED"
    return choose(current.get("taskDefinition"), completed, history(client, cluster, service["serviceName"], warn), saved, steps)


def settings_back(client: t.Any, service: Data, target: Target) -> dict[str, tuple[t.Any, t.Any]]:
    """What goes back besides the task definition: the members of UpdateService that differ, with what is and what was."""
    return restoring(service, target.revision, running_revision(client, service)) if target.revision else {}


def update_back(client: t.Any, cluster: str, name: str, task_definition: str, settings: dict[str, tuple[t.Any, t.Any]]) -> None:
    wanted = {member: wants for member, (_has, wants) in settings.items()}
    ecs.update_service(client, {"cluster": cluster, "service": name, "taskDefinition": task_definition, **wanted})


def wanted_for(client: t.Any, service: Data, deployment: Data) -> tuple[Wanted, Data]:
    """What to judge about a deployment of the service, and its task definition."""
    arn = deployment.get("taskDefinition")
    definition = (ecs.describe_task_definition(client, arn) if arn else None) or {}
    checked = bool(health_checks(definition))
    balanced = next((item.get("containerName") for item in service.get("loadBalancers") or [] if item.get("containerName")), None)
    return Wanted(str(deployment.get("id")), arn, needs(definition), checked, balanced), definition


def stop(client: t.Any, watch: Watch, cluster: str, name: str, own_id: str) -> bool:
    """Ask ECS to roll its deployment back. False when there is nothing that it can stop."""
    arn = watch.reader.record_arns.get(own_id)
    try:
        if arn is None:
            under_way = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED")
            briefs = [item for item in ecs.list_service_deployments(client, cluster, name) if item.get("status") in under_way]
            arn = max(briefs, key=lambda item: item["createdAt"])["serviceDeploymentArn"] if briefs else None
        if arn is None:
            return False
        ecs.stop_service_deployment(client, arn)
    except Exception as error:
        if is_passing(error) or not (isinstance(error, AttributeError) or error_code(error)):
            raise
        watch.say(f"ECS would not stop {own_id} by itself ({error_code(error) or 'not offered'}: {error_message(error)})")
        return False
    return True


def put_back(client: t.Any, watch: Watch, cluster: str, name: str, own_id: str, timeout: float) -> PutBack:
    """Roll back a deployment that still is the PRIMARY: through ECS when it can, else by an update to the last successful revision."""
    service = watch.reader.service or {}
    target = find_target(client, cluster, service, watch.context.warn)
    if target.task_definition is None:
        return PutBack(None, None, False, f"Nothing was put back: {target.why}. The service is left as it is; ECS goes on trying.")
    settings = settings_back(client, service, target)
    watch.say(f"putting back {short(target.task_definition)}: {target.why}")
    stopped = stop(client, watch, cluster, name, own_id)
    # ECS refuses to stop what it is rolling back by itself at this moment: an update then would only get in its way.
    if taken_over(watch, own_id, _TAKE_OVER_SECONDS if stopped else 0.0):
        return watch_back(client, watch, timeout, again=True)
    update_back(client, cluster, name, target.task_definition, settings)
    return watch_back(client, watch, timeout, leaving=own_id)


def taken_over(watch: Watch, own_id: str, seconds: float = _TAKE_OVER_SECONDS) -> bool:
    """Wait until ECS shows another deployment than this one as the PRIMARY. False when it does not, or says that it will not."""
    clock = watch.context.clock
    deadline = clock.monotonic() + seconds
    while True:
        snapshot = watch.reader.snapshot(own_id)
        if snapshot.service is None:
            return False
        if primary(snapshot.service).get("id") not in (None, own_id):
            return True
        if (snapshot.service_deployment or {}).get("status") in ("ROLLBACK_FAILED", "STOPPED") or clock.monotonic() >= deadline:
            return False
        clock.sleep(_TAKE_OVER_POLL_SECONDS)


def watch_back(client: t.Any, watch: Watch, timeout: float, again: bool = False, leaving: str | None = None) -> PutBack:
    """Judge the deployment that is the PRIMARY now, which is the one to go back to. `leaving` is the one that it replaces."""
    if leaving is not None:
        taken_over(watch, leaving)
    service = watch.reader.service or {}
    current = primary(service)
    wanted, _definition = wanted_for(client, service, current)
    if again:
        watch.reader.without_record.add(wanted.deployment_id)
    failed_before = [task["taskArn"] for task in watch.reader.tasks if task.get("stoppedReason")]
    begin = watch.context.clock.monotonic()
    end: Judgement | TimedOut = watch.until_decided(Judge(wanted, ignore=failed_before, again=again), timeout)
    seconds = watch.context.clock.monotonic() - begin
    revision = short(wanted.task_definition)
    if isinstance(end, Done):
        return PutBack(wanted.task_definition, wanted.deployment_id, True, f"{revision} is back and steady, after {seconds:.0f} s.")
    if isinstance(end, TimedOut):
        state = "; ".join(end.evidence)
        return PutBack(
            wanted.task_definition, wanted.deployment_id, False, f"Putting back {revision} was still going after {seconds:.0f} s: {state}."
        )
    cause, evidence = getattr(end, "cause", "timeout"), "; ".join(getattr(end, "evidence", ()))
    return PutBack(wanted.task_definition, wanted.deployment_id, False, f"Putting back {revision} failed too: {cause}: {evidence}")
