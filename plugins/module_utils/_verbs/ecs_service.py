# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creates, updates or deletes a service, and says which deployment that started."""

from __future__ import annotations

import json
import typing as t

from .._aws import ecs
from .._aws.failures import error_code
from .._verb import Context, Verb, VerbFailure
from ._shared import plain, primary, same_definition, short, snake_keys

_STRATEGY_ITEM: dict[str, t.Any] = {
    "capacity_provider": {"type": "str", "required": True},
    "weight": {"type": "int"},
    "base": {"type": "int"},
}

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "cluster": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "task_definition": {"type": "str"},
    "desired_count": {"type": "int"},
    "launch_type": {"type": "str", "choices": ["EC2", "FARGATE", "EXTERNAL"]},
    "capacity_provider_strategy": {"type": "list", "elements": "dict", "options": _STRATEGY_ITEM},
    "platform_version": {"type": "str"},
    "network_configuration": {
        "type": "dict",
        "options": {
            "subnets": {"type": "list", "elements": "str", "required": True},
            "security_groups": {"type": "list", "elements": "str"},
            "assign_public_ip": {"type": "bool"},
        },
    },
    "load_balancers": {
        "type": "list",
        "elements": "dict",
        "options": {
            "target_group_arn": {"type": "str", "required": True},
            "container_name": {"type": "str", "required": True},
            "container_port": {"type": "int", "required": True},
        },
    },
    "deployment_configuration": {
        "type": "dict",
        "options": {
            "maximum_percent": {"type": "int"},
            "minimum_healthy_percent": {"type": "int"},
            "bake_time_in_minutes": {"type": "int"},
            "deployment_circuit_breaker": {
                "type": "dict",
                "options": {
                    "enable": {"type": "bool", "required": True},
                    "rollback": {"type": "bool", "default": True},
                    "reset_on_healthy_task": {"type": "bool"},
                    "threshold_configuration": {
                        "type": "dict",
                        "options": {
                            "type": {"type": "str", "required": True, "choices": ["COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT"]},
                            "value": {"type": "int", "required": True},
                        },
                    },
                },
            },
            "alarms": {
                "type": "dict",
                "options": {
                    "alarm_names": {"type": "list", "elements": "str", "required": True},
                    "enable": {"type": "bool", "default": True},
                    "rollback": {"type": "bool", "default": True},
                },
            },
        },
    },
    "health_check_grace_period_seconds": {"type": "int"},
    "placement_constraints": {
        "type": "list",
        "elements": "dict",
        "options": {"type": {"type": "str", "required": True, "choices": ["distinctInstance", "memberOf"]}, "expression": {"type": "str"}},
    },
    "placement_strategy": {
        "type": "list",
        "elements": "dict",
        "options": {"type": {"type": "str", "required": True, "choices": ["random", "spread", "binpack"]}, "field": {"type": "str"}},
    },
    "availability_zone_rebalancing": {"type": "str", "choices": ["ENABLED", "DISABLED"]},
    "enable_execute_command": {"type": "bool"},
    "enable_ecs_managed_tags": {"type": "bool"},
    "propagate_tags": {"type": "str", "choices": ["NONE", "SERVICE", "TASK_DEFINITION"]},
    "scheduling_strategy": {"type": "str", "choices": ["REPLICA", "DAEMON"]},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": False},
    "force_new_deployment": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 900},
}

# Options that only CreateService takes: on an existing service another value is refused rather than ignored.
_CREATE_ONLY = ("launchType", "schedulingStrategy")
# A service that drains waits for the deregistration delay of its targets; looking more often than this tells nothing new.
_DELETE_POLL_SECONDS = 3.0

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


def request_members(params: dict[str, t.Any]) -> Data:
    """What the user gave, in the members of CreateService and UpdateService. An option that was left out is not in it."""
    wanted: Data = {}
    for option, member in (
        ("task_definition", "taskDefinition"),
        ("desired_count", "desiredCount"),
        ("launch_type", "launchType"),
        ("platform_version", "platformVersion"),
        ("health_check_grace_period_seconds", "healthCheckGracePeriodSeconds"),
        ("availability_zone_rebalancing", "availabilityZoneRebalancing"),
        ("enable_execute_command", "enableExecuteCommand"),
        ("enable_ecs_managed_tags", "enableECSManagedTags"),
        ("propagate_tags", "propagateTags"),
        ("scheduling_strategy", "schedulingStrategy"),
    ):
        if params[option] is not None:
            wanted[member] = params[option]
    for option, member in (
        ("capacity_provider_strategy", "capacityProviderStrategy"),
        ("load_balancers", "loadBalancers"),
        ("placement_constraints", "placementConstraints"),
        ("placement_strategy", "placementStrategy"),
        ("deployment_configuration", "deploymentConfiguration"),
    ):
        if params[option] is not None:
            wanted[member] = _camel(params[option])
    network = params["network_configuration"]
    if network is not None:
        vpc: Data = {"subnets": network["subnets"]}
        if network["security_groups"] is not None:
            vpc["securityGroups"] = network["security_groups"]
        if network["assign_public_ip"] is not None:
            vpc["assignPublicIp"] = "ENABLED" if network["assign_public_ip"] else "DISABLED"
        wanted["networkConfiguration"] = {"awsvpcConfiguration": vpc}
    return wanted


def drift(service: Data, wanted: Data) -> dict[str, tuple[t.Any, t.Any]]:
    """The members whose wanted value is not what the service has: name to (has, wanted). Members not asked for are left alone."""
    found: dict[str, tuple[t.Any, t.Any]] = {}
    for member, value in wanted.items():
        # The PRIMARY deployment is what runs; after a rollback by ECS it is the truth about the task definition.
        current = (
            primary(service).get("taskDefinition", service.get("taskDefinition")) if member == "taskDefinition" else service.get(member)
        )
        if member == "taskDefinition":
            same = same_definition(current, value)
        else:
            same = _covers(_comparable(member, current), _comparable(member, value))
        if not same:
            found[member] = (current, value)
    return found


def _camel(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {_camel_name(key): _camel(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return value


def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _comparable(member: str, value: t.Any) -> t.Any:
    """`value` in the form that two equal settings share: the order of subnets, groups and names means nothing, defaults are in."""
    if member == "networkConfiguration":
        vpc = dict((value or {}).get("awsvpcConfiguration") or {})
        for key in ("subnets", "securityGroups"):
            if key in vpc:
                vpc[key] = sorted(vpc[key])
        return vpc
    if member == "loadBalancers":
        keys = ("targetGroupArn", "containerName", "containerPort")
        return sorted(([item.get(key) for key in keys] for item in value or []), key=str)
    if member == "capacityProviderStrategy":
        return sorted(((item["capacityProvider"], item.get("weight", 0), item.get("base", 0)) for item in value or []), key=str)
    if member in ("placementConstraints", "placementStrategy"):
        # ECS writes attribute names of a strategy in its own case.
        return [{key: str(item[key]).lower() if key == "field" else item[key] for key in item} for item in value or []]
    if member == "deploymentConfiguration":
        result = dict(value or {})
        if "alarms" in result:
            result["alarms"] = {**result["alarms"], "alarmNames": sorted(result["alarms"].get("alarmNames") or [])}
        return result
    if member == "propagateTags":
        return value or "NONE"
    if member in ("enableExecuteCommand", "enableECSManagedTags"):
        return bool(value)
    if member == "healthCheckGracePeriodSeconds":
        return value or 0
    return value


def _covers(current: t.Any, wanted: t.Any) -> bool:
    """Whether `current` has everything that `wanted` names; a mapping may hold more than was asked for."""
    if isinstance(wanted, dict):
        return isinstance(current, dict) and all(_covers(current.get(key), item) for key, item in wanted.items())
    return bool(current == wanted)


def _merged(current: t.Any, wanted: t.Any) -> t.Any:
    """`wanted` laid over `current`: UpdateService replaces a structure as a whole, so what was not named has to be sent again."""
    if isinstance(current, dict) and isinstance(wanted, dict):
        return {**current, **{key: _merged(current.get(key), item) for key, item in wanted.items()}}
    return wanted


def _refuse_unknown(client: t.Any, operation: str, wanted: Data) -> None:
    configuration = wanted.get("deploymentConfiguration") or {}
    for path in (
        ("bakeTimeInMinutes",),
        ("deploymentCircuitBreaker", "resetOnHealthyTask"),
        ("deploymentCircuitBreaker", "thresholdConfiguration"),
    ):
        value: t.Any = configuration
        for member in path:
            value = value.get(member) if isinstance(value, dict) else None
        if value is not None and not ecs.supports(client, operation, "deploymentConfiguration", *path):
            raise VerbFailure(f"deployment_configuration: this release of boto3 does not know {'.'.join(path)} yet. Update boto3.")
    if "availabilityZoneRebalancing" in wanted and not ecs.supports(client, operation, "availabilityZoneRebalancing"):
        raise VerbFailure("availability_zone_rebalancing: this release of boto3 does not know it yet. Update boto3.")


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
        request["tags"] = _tag_list(params["tags"])
    service = ecs.create_service(client, request)
    result = _result(service, primary(service), None)
    context.progress(f"created {params['name']} with {short(service.get('taskDefinition'))}: deployment {result['deployment_id']}")
    return {**result, "changed": True, "deployment_started": True, "diff": diff}


def _update(params: dict[str, t.Any], context: Context, client: t.Any, service: Data, wanted: Data) -> dict[str, t.Any]:
    before = primary(service)
    changes = drift(service, wanted)
    for member in _CREATE_ONLY:
        if member in changes:
            has, wants = changes.pop(member)
            if member == "launchType" and service.get("capacityProviderStrategy"):
                has = "a capacity provider strategy"
            raise VerbFailure(
                f"{params['name']}: {member} is {has} and cannot be changed to {wants} on an existing service. "
                + ("Use capacity_provider_strategy, or d" if member == "launchType" else "D")
                + "elete the service first."
            )
    force = params["force_new_deployment"]
    if "taskDefinition" in wanted and "taskDefinition" not in changes and before.get("rolloutState") == "FAILED":
        # ECS gave this very revision up and had nothing to go back to: sending the same again would start nothing.
        force = True
    tags_before: dict[str, str] = {item["key"]: item.get("value", "") for item in service.get("tags") or []}
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
            request[member] = _merged(has, wants) if member == "deploymentConfiguration" else wants
        if force:
            request["forceNewDeployment"] = True
        updated = ecs.update_service(client, request)
    else:
        updated = service
    if put:
        ecs.tag_resource(client, service["serviceArn"], _tag_list(put))
    if gone:
        ecs.untag_resource(client, service["serviceArn"], sorted(gone))
    after = primary(updated)
    started = after.get("id") != before.get("id")
    result = _result(updated, after, before.get("taskDefinition") if started else None)
    if started:
        context.progress(
            f"updated {params['name']}: {short(before.get('taskDefinition'))} -> {short(after.get('taskDefinition'))}, "
            f"deployment {after.get('id')}"
        )
    return {**result, "changed": True, "deployment_started": started, "diff": diff}


# The members of UpdateService that make ECS start a deployment; any other is applied to the service in place.
STARTS_DEPLOYMENT = frozenset(
    {"taskDefinition", "networkConfiguration", "loadBalancers", "capacityProviderStrategy", "platformVersion", "forceNewDeployment"}
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


def _tag_list(tags: dict[str, t.Any]) -> list[dict[str, str]]:
    return [{"key": str(key), "value": "" if value is None else str(value)} for key, value in tags.items()]


def _tag_changes(has: dict[str, str], wanted: dict[str, t.Any] | None, purge: bool) -> tuple[dict[str, str], set[str]]:
    if wanted is None:
        return {}, set()
    texts = {item["key"]: item["value"] for item in _tag_list(wanted)}
    put = {key: value for key, value in texts.items() if has.get(key) != value}
    # Tags that AWS itself sets are not the user's to remove.
    gone = {key for key in has if key not in texts and not key.startswith("aws:")} if purge else set()
    return put, gone


def _text(members: Data) -> str:
    return json.dumps(plain(members), indent=2, sort_keys=True) + "\n" if members else ""


VERB = Verb(
    name="ecs_service",
    argument_spec=ARGUMENT_SPEC,
    run=run,
    mutually_exclusive=(("launch_type", "capacity_provider_strategy"),),
)
