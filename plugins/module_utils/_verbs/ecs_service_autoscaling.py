# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the autoscaling of a service's tasks: between which counts, towards which load, and by which schedule."""

from __future__ import annotations

import typing as t

from .._aws import autoscaling, ecs, elbv2
from .._aws.failures import error_code
from .._platform import scaling
from .._platform.differences import Change, as_diff
from .._verb import Context, Verb, VerbFailure
from ._shared import Data

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "min_capacity": {"type": "int"},
    "max_capacity": {"type": "int"},
    "cpu": {"type": "float"},
    "memory": {"type": "float"},
    "requests_per_target": {"type": "float"},
    "load_balancer": {"type": "str"},
    "target_group": {"type": "str"},
    "scale_out_cooldown": {"type": "int", "default": 60},
    "scale_in_cooldown": {"type": "int", "default": 300},
    "scale_in": {"type": "bool", "default": True},
    "suspended": {"type": "bool", "default": False},
    "schedules": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "schedule": {"type": "str", "required": True},
            "timezone": {"type": "str", "default": "UTC"},
            "min_capacity": {"type": "int"},
            "max_capacity": {"type": "int"},
        },
    },
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    if params["state"] == "present":
        _check(params)
    cluster, service = params["cluster"], params["service"]
    resource = f"service/{cluster}/{service}"
    client = context.client("application-autoscaling")
    found = autoscaling.describe_scalable_target(client, resource)
    if params["state"] == "absent":
        return _remove(client, resource, found, context)
    if found is None and not _exists(context, cluster, service):
        context.progress(f"{service} does not exist yet: run this again after its first deploy to have it scaled")
        return _result(params, exists=False, changes=[])
    policies = scaling.policies(
        service, _targets(params), _label(params, context), (params["scale_out_cooldown"], params["scale_in_cooldown"]), params["scale_in"]
    )
    actions = scaling.actions(service, params["schedules"])
    changes = _settle_target(client, resource, found, actions, params, context)
    changes += _settle_policies(client, resource, service, policies, context)
    changes += _settle_actions(client, resource, service, actions, context)
    return _result(params, exists=True, changes=changes)


def _check(params: Data) -> None:
    low, high = params["min_capacity"], params["max_capacity"]
    if low < 0:
        raise VerbFailure(f"min_capacity: {low} is less than no task. Use 0 or more.")
    if high < low:
        raise VerbFailure(f"max_capacity: {high} is less than min_capacity, {low}. Make it {low} or more.")
    for option in ("cpu", "memory"):
        if params[option] is not None and not 0 < params[option] <= 100:
            raise VerbFailure(f"{option}: {params[option]:g} is no percentage to keep. Use more than 0 and at most 100, for example 70.")
    if params["requests_per_target"] is not None and params["requests_per_target"] <= 0:
        raise VerbFailure(f"requests_per_target: {params['requests_per_target']:g} is too few. Use more than 0 requests a minute.")
    for option in ("scale_out_cooldown", "scale_in_cooldown"):
        if params[option] < 0:
            raise VerbFailure(f"{option}: {params[option]} s is less than no time. Use 0 or more.")
    names = [item["name"] for item in params["schedules"]]
    for index, item in enumerate(params["schedules"]):
        if scaling.schedule_fault(item):
            raise VerbFailure(f"schedules[{index}] ({item['name']}): {scaling.schedule_fault(item)}")
        if names.count(item["name"]) > 1:
            raise VerbFailure(f"schedules[{index}]: {item['name']} is given twice. Give each schedule a name of its own.")


def _targets(params: Data) -> dict[str, float]:
    wanted = {"cpu": params["cpu"], "memory": params["memory"], "requests": params["requests_per_target"]}
    return {kind: value for kind, value in wanted.items() if value is not None}


def _label(params: Data, context: Context) -> str:
    """What the metric of the requests is about: a target group behind a load balancer."""
    if params["requests_per_target"] is None:
        return ""
    client = context.client("elbv2")
    balancer = elbv2.find_load_balancer(client, params["load_balancer"])
    group = elbv2.find_target_group(client, params["target_group"])
    for option, there in (("load_balancer", balancer), ("target_group", group)):
        if there is None and context.check_mode:
            # What this run would create before it came here.
            return f"{params['load_balancer']}/{params['target_group']}"
        if there is None:
            raise VerbFailure(
                f"{option}: there is no {params[option]}. requests_per_target needs it; create it first, or name the right one."
            )
    arn, group_arn = (balancer or {})["LoadBalancerArn"], (group or {})["TargetGroupArn"]
    return f"{arn.split(':loadbalancer/', 1)[-1]}/{group_arn.rsplit(':', 1)[-1]}"


def _exists(context: Context, cluster: str, service: str) -> bool:
    try:
        found = ecs.describe_service(context.client("ecs"), cluster, service)
    except Exception as error:
        if error_code(error) == "ClusterNotFoundException":
            return False
        raise
    return found is not None and found.get("status") != "INACTIVE"


def _settle_target(
    client: t.Any, resource: str, found: Data | None, actions: dict[str, Data], params: Data, context: Context
) -> list[Change]:
    held = bool(params["suspended"])
    suspended = dict.fromkeys(("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), held)
    limits = scaling.limits(found, params["min_capacity"], params["max_capacity"], actions.values())
    changes = scaling.target_changes(found, limits, suspended)
    if changes and not context.check_mode:
        autoscaling.register_scalable_target(client, resource, {**limits, "SuspendedState": suspended})
    return changes


def _settle_policies(client: t.Any, resource: str, service: str, wanted: dict[str, Data], context: Context) -> list[Change]:
    found = {item["PolicyName"]: item for item in autoscaling.scaling_policies(client, resource)}
    changes: list[Change] = []
    for name, policy in wanted.items():
        change = scaling.policy_change(name, found.get(name), policy)
        changes += change
        if change and not context.check_mode:
            autoscaling.put_scaling_policy(client, resource, name, policy)
    for name in sorted((found.keys() & scaling.policy_names(service)) - wanted.keys()):
        changes.append((f"policy {name}", ""))
        if not context.check_mode:
            autoscaling.delete_scaling_policy(client, resource, name)
    return changes


def _settle_actions(client: t.Any, resource: str, service: str, wanted: dict[str, Data], context: Context) -> list[Change]:
    found = {item["ScheduledActionName"]: item for item in autoscaling.scheduled_actions(client, resource)}
    changes: list[Change] = []
    for name, action in wanted.items():
        change = scaling.action_change(name, found.get(name), action)
        changes += change
        if change and not context.check_mode:
            autoscaling.put_scheduled_action(client, resource, {"ScheduledActionName": name, **action})
    for name in sorted(found.keys() - wanted.keys()):
        if not name.startswith(scaling.action_prefix(service)):
            continue
        changes.append((f"scheduled action {name}", ""))
        if not context.check_mode:
            autoscaling.delete_scheduled_action(client, resource, name)
    return changes


def _remove(client: t.Any, resource: str, found: Data | None, context: Context) -> dict[str, t.Any]:
    changes: list[Change] = []
    if found is not None:
        changes.append((f"scalable target {found['MinCapacity']} to {found['MaxCapacity']} tasks", ""))
        if not context.check_mode:
            autoscaling.deregister_scalable_target(client, resource)
    return {"changed": bool(changes), "service_exists": found is not None, "policies": [], "schedules": [], "diff": as_diff(changes)}


def _result(params: Data, exists: bool, changes: list[Change]) -> dict[str, t.Any]:
    service = params["service"]
    return {
        "changed": bool(changes),
        "service_exists": exists,
        "policies": [f"{service}-{kind}" for kind in _targets(params)] if exists else [],
        "schedules": list(scaling.actions(service, params["schedules"])) if exists else [],
        "diff": as_diff(changes),
    }


VERB = Verb(
    name="ecs_service_autoscaling",
    argument_spec=ARGUMENT_SPEC,
    run=run,
    required_if=(("state", "present", ("min_capacity", "max_capacity")),),
    required_by={"requests_per_target": ("load_balancer", "target_group")},
)
