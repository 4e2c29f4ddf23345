# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creates, updates or deletes a service, and says which deployment that started."""

from __future__ import annotations

import json
import typing as t

from .._aws import autoscaling, ecs
from .._aws.connection import botocore_version
from .._aws.failures import error_code
from .._platform.tags import put_and_gone
from .._verb import Context, Verb, VerbFailure
from ._ecs_tags import found_tags
from ._service_drift import IN_REVISION, STARTS_DEPLOYMENT, drift, merged, short_name
from ._service_options import MEMBER_OPTIONS, request_members, tag_list
from ._service_revision import running_revision
from ._shared import plain, primary, short, snake, snake_keys

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "cluster": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "task_definition": {"type": "str"},
    "desired_count": {"type": "int"},
    "launch_type": {"type": "str", "choices": ["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"]},
    **MEMBER_OPTIONS,
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": False},
    "force_new_deployment": {"type": "bool", "default": False},
    "on_in_progress": {"type": "str", "choices": ["wait", "fail", "supersede"], "default": "wait"},
    "timeout": {"type": "int", "default": 900},
}

# Options that only CreateService takes: on an existing service another value is refused rather than ignored.
_CREATE_ONLY = ("launchType", "schedulingStrategy", "role")
# A service that drains waits for the deregistration delay of its targets; looking more often than this tells nothing new.
_DELETE_POLL_SECONDS = 3.0
_WAIT_POLL_SECONDS = 3.0
_WAIT_HEARTBEAT_SECONDS = 30.0
# The oldest release that is known to have what older ones may lack. Anything else that is missing is in the newest of these.
_BOTOCORE_WITH = {
    "strategy": "1.43.11",
    "bakeTimeInMinutes": "1.43.11",
    "lifecycleHooks": "1.43.11",
    "linearConfiguration": "1.43.11",
    "canaryConfiguration": "1.43.11",
    "advancedConfiguration": "1.43.11",
    "resetOnHealthyTask": "1.43.106",
    "thresholdConfiguration": "1.43.106",
    "earlySuccessCriteria": "1.43.106",
}
_NEWEST_BOTOCORE = "1.44.5"

Data = dict[str, t.Any]


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    client = context.client("ecs")
    try:
        service = ecs.describe_service(client, params["cluster"], params["name"], tags=True)
    except Exception as error:
        if error_code(error) == "ClusterNotFoundException" and params["state"] == "absent":
            service = None
        else:
            raise
    if service is not None and service.get("status") == "INACTIVE":
        service = None
    if params["state"] == "absent":
        return _absent(params, context, client, service)
    wanted = request_members(params)
    _refuse_unknown(client, "UpdateService" if service else "CreateService", wanted)
    if service is None:
        return _create(params, context, client, wanted)
    if service.get("status") == "DRAINING":
        raise VerbFailure(f"{params['name']} is being deleted (DRAINING). Wait until it is INACTIVE, then run this again.")
    return _update(params, context, client, service, wanted)


def _refuse_unknown(client: t.Any, operation: str, wanted: Data) -> None:
    # A member of CreateService alone is refused later, with the reason; it is no question of the release.
    known = {key: value for key, value in wanted.items() if operation == "CreateService" or key not in _CREATE_ONLY}
    path = ecs.unknown_member(client, operation, known)
    if path is None:
        return
    option = ".".join(snake(member) for member in path)
    raise VerbFailure(
        f"{option}: botocore {botocore_version()} does not know it. "
        f"It is in botocore {_BOTOCORE_WITH.get(path[-1], _NEWEST_BOTOCORE)} and newer: "
        "python -m pip install --upgrade boto3",
        option=option,
    )


def _create(params: dict[str, t.Any], context: Context, client: t.Any, wanted: Data) -> dict[str, t.Any]:
    needed = ["task_definition"] + ([] if params["scheduling_strategy"] == "DAEMON" else ["desired_count"])
    missing = [option for option in needed if params[option] is None]
    if missing:
        raise VerbFailure(f"{params['name']} does not exist in {params['cluster']} yet. To create it, pass {' and '.join(missing)}.")
    diff = {"before_header": f"{params['name']} (absent)", "after_header": params["name"], "before": "", "after": _text(wanted)}
    if context.check_mode:
        return {**_result(None, None, None), "changed": True, "deployment_started": True, "diff": diff}
    request = {"cluster": params["cluster"], "serviceName": params["name"], **wanted}
    if params["tags"]:
        request["tags"] = tag_list(params["tags"])
    service = ecs.create_service(client, request)
    result = _result(service, primary(service), None)
    context.progress(f"created {params['name']} with {short(service.get('taskDefinition'))}: deployment {result['deployment_id']}")
    return {**result, "changed": True, "deployment_started": True, "diff": diff}


def _update(params: dict[str, t.Any], context: Context, client: t.Any, service: Data, wanted: Data) -> dict[str, t.Any]:
    service, changes, force = _after_others(params, context, client, service, wanted)
    before = primary(service)
    for member in _CREATE_ONLY:
        if member in changes:
            _refuse_change(params["name"], service, member, *changes[member])
    tags_before = found_tags(service)
    put, gone = _tag_changes(tags_before, params["tags"], params["purge_tags"])
    shown_before = {member: has for member, (has, _wants) in changes.items()}
    shown_after = {member: wants for member, (_has, wants) in changes.items()}
    if put or gone:
        shown_before["tags"] = tags_before
        shown_after["tags"] = {key: value for key, value in {**tags_before, **put}.items() if key not in gone}
    if force:
        shown_before["forceNewDeployment"], shown_after["forceNewDeployment"] = False, True
    diff = {
        "before_header": params["name"],
        "after_header": params["name"],
        "before": _text(shown_before),
        "after": _text(shown_after),
    }
    changed = bool(changes or force or put or gone)
    starts = force or any(member in STARTS_DEPLOYMENT for member in changes)
    if not changed or context.check_mode:
        previous = before.get("taskDefinition") if starts else None
        return {**_result(service, before, previous), "changed": changed, "deployment_started": starts, "diff": diff}
    if changes or force:
        request: Data = {"cluster": params["cluster"], "service": params["name"]}
        for member, (has, wants) in changes.items():
            request[member] = merged(member, has, wants)
        if force:
            request["forceNewDeployment"] = True
        updated = ecs.update_service(client, request)
    else:
        updated = service
    if put:
        ecs.tag_resource(client, service["serviceArn"], tag_list(put))
    if gone:
        ecs.untag_resource(client, service["serviceArn"], gone)
    after = primary(updated)
    started = after.get("id") != before.get("id")
    result = _result(updated, after, before.get("taskDefinition") if started else None)
    if started:
        context.progress(
            f"updated {params['name']}: {short(before.get('taskDefinition'))} -> {short(after.get('taskDefinition'))}, "
            f"deployment {after.get('id')}"
        )
    return {**result, "changed": True, "deployment_started": started, "diff": diff}


def _refuse_change(name: str, service: Data, member: str, has: t.Any, wants: t.Any) -> t.NoReturn:
    if member == "launchType" and service.get("capacityProviderStrategy"):
        has = "a capacity provider strategy"
    raise VerbFailure(
        f"{name}: {member} is {has} and cannot be changed to {wants} on an existing service. "
        + ("Use capacity_provider_strategy, or d" if member == "launchType" else "D")
        + "elete the service first."
    )


def _changes(
    params: dict[str, t.Any], context: Context, client: t.Any, service: Data, wanted: Data
) -> tuple[dict[str, tuple[t.Any, t.Any]], bool]:
    """What has to change, and whether a deployment has to be forced for it."""
    revision = running_revision(client, service) if any(member in IN_REVISION for member in wanted) else None
    asked = dict(wanted)
    if "role" in asked:
        # DescribeServices gives the role as an ARN, and the user may have given its name.
        same_role = short_name(service.get("roleArn")) == short_name(asked["role"])
        asked.pop("role")
    changes = drift(service, asked, revision)
    if "role" in wanted and not same_role:
        changes["role"] = (service.get("roleArn"), wanted["role"])
    if "desiredCount" in changes and _autoscaled(params, context, service):
        del changes["desiredCount"]
    # ECS gave this very revision up and had nothing to go back to: sending the same again would start nothing.
    given_up = "taskDefinition" in wanted and "taskDefinition" not in changes and primary(service).get("rolloutState") == "FAILED"
    return changes, params["force_new_deployment"] or given_up


def _autoscaled(params: dict[str, t.Any], context: Context, service: Data) -> bool:
    """Whether autoscaling owns the desired count, and so another than the wanted one is no drift."""
    resource = f"service/{short_name(service.get('clusterArn') or params['cluster'])}/{params['name']}"
    try:
        target = autoscaling.describe_scalable_target(context.client("application-autoscaling"), resource)
    except Exception as error:
        if error_code(error) not in ("AccessDeniedException", "AccessDenied"):
            raise
        raise VerbFailure(
            f"desired_count: {params['name']} runs {service.get('desiredCount')} tasks, and whether autoscaling wants that cannot be read. "
            "Allow application-autoscaling:DescribeScalableTargets, or leave desired_count out.",
            error_code=error_code(error),
        ) from error
    if target is None:
        return False
    suspended = target.get("SuspendedState") or {}
    if suspended.get("DynamicScalingInSuspended") and suspended.get("DynamicScalingOutSuspended"):
        return False
    context.progress(
        f"{params['name']}: autoscaling keeps {service.get('desiredCount')} tasks (between {target.get('MinCapacity')} and "
        f"{target.get('MaxCapacity')}); desired_count {params['desired_count']} is for a new service only"
    )
    return True


def _after_others(
    params: dict[str, t.Any], context: Context, client: t.Any, service: Data, wanted: Data
) -> tuple[Data, dict[str, tuple[t.Any, t.Any]], bool]:
    """The service, and what has to change in it, once no deployment of somebody else is in the way."""
    clock = context.clock
    begin = clock.monotonic()
    said_at: float | None = None
    while True:
        changes, force = _changes(params, context, client, service, wanted)
        other = primary(service)
        starts = force or any(member in STARTS_DEPLOYMENT for member in changes)
        if not starts or other.get("rolloutState") != "IN_PROGRESS" or params["on_in_progress"] == "supersede":
            context.waiting("")
            return service, changes, force
        state = _in_progress(service, other)
        if params["on_in_progress"] == "fail":
            raise VerbFailure(
                f"{params['name']}: {state}. Nothing was changed. Wait for it, or set on_in_progress to wait or supersede.",
                in_progress=snake_keys(other),
            )
        if context.check_mode:
            context.warn(f"{params['name']}: {state}. It would be waited for first.")
            return service, changes, force
        now = clock.monotonic()
        if now - begin >= params["timeout"]:
            raise VerbFailure(
                f"{params['name']}: {state}, still after {params['timeout']} s of waiting. Nothing was changed. "
                "Set on_in_progress to supersede to go ahead all the same, or raise timeout.",
                in_progress=snake_keys(other),
            )
        if said_at is None or (context.live is None and now - said_at >= _WAIT_HEARTBEAT_SECONDS):
            said_at = now
            context.progress(f"waiting for another deployment of {params['name']}: {state}")
            context.waiting(f"waiting for {other.get('id')}")
        clock.sleep(min(_WAIT_POLL_SECONDS, begin + params["timeout"] - now))
        seen = ecs.describe_service(client, params["cluster"], params["name"], tags=True)
        if seen is None or seen.get("status") != "ACTIVE":
            raise VerbFailure(f"{params['name']} was deleted while another deployment of it was waited for.")
        service = seen


def _in_progress(service: Data, other: Data) -> str:
    born = other.get("createdAt")
    failed = f", {other['failedTasks']} tasks have failed" if other.get("failedTasks") else ""
    return (
        f"deployment {other.get('id')} of {short(other.get('taskDefinition'))} is in progress"
        + (f" since {born.isoformat(timespec='seconds')}" if born else "")
        + f" ({other.get('runningCount', 0)}/{other.get('desiredCount', service.get('desiredCount'))} running{failed})"
    )


def _absent(params: dict[str, t.Any], context: Context, client: t.Any, service: Data | None) -> dict[str, t.Any]:
    if service is None:
        return {**_result(None, None, None), "changed": False, "deployment_started": False}
    diff = {
        "before_header": params["name"],
        "after_header": f"{params['name']} (absent)",
        "before": _text({"taskDefinition": service.get("taskDefinition"), "desiredCount": service.get("desiredCount")}),
        "after": "",
    }
    result = {**_result(service, primary(service), None), "changed": True, "deployment_started": False, "diff": diff}
    if context.check_mode:
        return result
    if service.get("status") == "ACTIVE":
        if service.get("schedulingStrategy", "REPLICA") == "REPLICA" and service.get("desiredCount"):
            # Scaling in first lets the load balancer drain the tasks, as in any scale-in.
            ecs.update_service(client, {"cluster": params["cluster"], "service": params["name"], "desiredCount": 0})
        ecs.delete_service(client, params["cluster"], params["name"], force=True)
    deadline = context.clock.monotonic() + params["timeout"]
    told: t.Any = None
    while True:
        now = ecs.describe_service(client, params["cluster"], params["name"])
        if now is None or now.get("status") == "INACTIVE":
            return result
        if context.clock.monotonic() >= deadline:
            raise VerbFailure(
                f"{params['name']} is still {now.get('status')} after {params['timeout']} s, with {now.get('runningCount')} tasks running. "
                "It will be gone when they have stopped; raise timeout to wait longer.",
                service=snake_keys(now),
            )
        if now.get("runningCount") != told:
            told = now.get("runningCount")
            context.progress(f"draining {params['name']}: {told} tasks still running")
            context.waiting(f"draining {params['name']}")
        context.clock.sleep(_DELETE_POLL_SECONDS)


def _result(service: Data | None, deployment: Data | None, previous: str | None) -> dict[str, t.Any]:
    shown = {key: value for key, value in (service or {}).items() if key != "events"}
    return {
        "service": snake_keys(shown),
        "deployment_id": (deployment or {}).get("id"),
        "service_deployment_arn": (service or {}).get("currentServiceDeployment"),
        "task_definition_arn": (deployment or {}).get("taskDefinition"),
        "previous_task_definition_arn": previous,
    }


def _tag_changes(has: dict[str, str], wanted: dict[str, t.Any] | None, purge: bool) -> tuple[dict[str, str], list[str]]:
    if wanted is None:
        return {}, []
    put, gone = put_and_gone(has, wanted)
    return put, gone if purge else []


def _text(members: Data) -> str:
    return json.dumps(plain(members), indent=2, sort_keys=True) + "\n" if members else ""


VERB = Verb(
    name="ecs_service",
    argument_spec=ARGUMENT_SPEC,
    run=run,
    mutually_exclusive=(("launch_type", "capacity_provider_strategy"),),
)
