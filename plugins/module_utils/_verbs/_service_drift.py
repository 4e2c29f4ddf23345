# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service has against what is wanted of it. Pure: data in, differences out.

ECS fills in what was left out, and gives lists back in an order of its own. Neither is a difference.
"""

from __future__ import annotations

import json
import typing as t

from .._rollout.forecast import BREAKER_THRESHOLD
from ._shared import primary, same_definition

Data = dict[str, t.Any]

# What belongs to a service revision; a change of it makes ECS start a deployment. Anything else is applied in place.
STARTS_DEPLOYMENT = frozenset(
    {
        "taskDefinition",
        "networkConfiguration",
        "loadBalancers",
        "serviceRegistries",
        "serviceConnectConfiguration",
        "volumeConfigurations",
        "vpcLatticeConfigurations",
        "gatewayConnectors",
        "monitoring",
        "capacityProviderStrategy",
        "platformVersion",
        "forceNewDeployment",
    }
)
# DescribeServices shows these in the deployments only,
_IN_DEPLOYMENT = frozenset({"serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"})
# and these nowhere: they are read from the service revision.
IN_REVISION = frozenset({"gatewayConnectors", "monitoring"})
# A service that has one of these always has one; leaving it out of a revision says nothing.
_NEVER_EMPTY = frozenset({"networkConfiguration", "platformVersion"})

# Members that come back from ECS although nobody asked for them, with the value that leaving them out means.
_DEFAULTS: dict[str, t.Any] = {
    "propagateTags": "NONE",
    "enableExecuteCommand": False,
    "enableECSManagedTags": False,
    "healthCheckGracePeriodSeconds": 0,
    "platformVersion": "LATEST",
    "schedulingStrategy": "REPLICA",
    "deploymentController": {"type": "ECS"},
    "serviceConnectConfiguration": {"enabled": False},
    "monitoring": {"metricConfigurations": []},
    "loadBalancers": [],
    "serviceRegistries": [],
    "capacityProviderStrategy": [],
    "placementConstraints": [],
    "placementStrategy": [],
    "volumeConfigurations": [],
    "vpcLatticeConfigurations": [],
    "gatewayConnectors": [],
}
_CONFIGURATION_DEFAULTS: Data = {
    "strategy": "ROLLING",
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "alarms": {"enable": False, "rollback": False, "alarmNames": []},
    "earlySuccessCriteria": {"enable": False},
    "lifecycleHooks": [],
}
_BREAKER_DEFAULTS: Data = {"resetOnHealthyTask": True, "thresholdConfiguration": BREAKER_THRESHOLD}
# Which members of a deployment configuration only one strategy has.
_OF_STRATEGY = {"linearConfiguration": "LINEAR", "canaryConfiguration": "CANARY", "earlySuccessCriteria": "ROLLING"}


def drift(service: Data, wanted: Data, revision: Data | None = None) -> dict[str, tuple[t.Any, t.Any]]:
    """The members whose wanted value is not what the service has: name to (has, wanted). Members not asked for are left alone.

    `revision` is the service revision that runs, needed only when a member of `IN_REVISION` is wanted.
    """
    found: dict[str, tuple[t.Any, t.Any]] = {}
    for member, value in wanted.items():
        has = current(service, member, revision)
        if member == "taskDefinition":
            same = same_definition(has, value)
        elif member == "platformVersion":
            same = value in (has or "LATEST", primary(service).get("platformVersion"))
        else:
            same = covers(_comparable(member, _filled(member, has)), _comparable(member, value))
        if not same:
            found[member] = (has, value)
    return found


def restoring(service: Data, revision: t.Mapping[str, t.Any], running: Data | None = None) -> dict[str, tuple[t.Any, t.Any]]:
    """What differs, besides the task definition, between the service and what it was at this service revision: name to (has, was).

    A setting that has come since is taken away again, where UpdateService can do that. `running` is the service revision that runs.
    """
    found: dict[str, tuple[t.Any, t.Any]] = {}
    for member in sorted(STARTS_DEPLOYMENT - {"taskDefinition", "forceNewDeployment"}):
        has, was = current(service, member, running), revision.get(member)
        if was is None and member in _NEVER_EMPTY:
            continue
        was = _DEFAULTS[member] if was is None else was
        if member == "platformVersion":
            same = was in (has or "LATEST", primary(service).get("platformVersion"))
        else:
            left, right = (_comparable(member, _filled(member, value)) for value in (has, was))
            same = covers(left, right) and covers(right, left)
        if not same:
            found[member] = (has, was)
    return found


def current(service: Data, member: str, revision: Data | None = None) -> t.Any:
    """What the service has of this member, None when ECS shows nothing."""
    if member in IN_REVISION:
        return (revision or {}).get(member)
    deployment = primary(service)
    # The PRIMARY deployment is what runs; after a rollback by ECS it is the truth about the task definition.
    if member in _IN_DEPLOYMENT or member == "taskDefinition":
        return deployment.get(member, service.get(member))
    return service.get(member)


def covers(has: t.Any, wanted: t.Any) -> bool:
    """Whether `has` holds all that `wanted` names. A mapping may hold more than was asked for; a list may not."""
    if isinstance(wanted, dict):
        return isinstance(has, dict) and all(covers(has.get(key), item) for key, item in wanted.items())
    if isinstance(wanted, list):
        return isinstance(has, list) and len(has) == len(wanted) and all(covers(*pair) for pair in zip(has, wanted, strict=True))
    return bool(has == wanted)


def merged(member: str, has: t.Any, wanted: t.Any) -> t.Any:
    """What to send for a changed member. UpdateService replaces a structure as a whole: what was not named is sent again."""
    if member != "deploymentConfiguration":
        return wanted
    laid = _laid_over(has, wanted)
    strategy = laid.get("strategy", "ROLLING")
    return {key: value for key, value in laid.items() if _OF_STRATEGY.get(key, strategy) == strategy or key in wanted}


def _laid_over(has: t.Any, wanted: t.Any) -> t.Any:
    if isinstance(has, dict) and isinstance(wanted, dict):
        return {**has, **{key: _laid_over(has.get(key), item) for key, item in wanted.items()}}
    return wanted


def _comparable(member: str, value: t.Any) -> t.Any:
    """`value` in the form that two equal settings share."""
    if member == "networkConfiguration":
        vpc = dict((value or {}).get("awsvpcConfiguration") or {})
        return {key: sorted(item) if isinstance(item, list) else item for key, item in vpc.items()}
    if member == "capacityProviderStrategy":
        return sorted([short_name(item["capacityProvider"]), item.get("weight", 0), item.get("base", 0)] for item in value)
    if member == "deploymentConfiguration":
        return _configuration(value)
    if member == "placementStrategy":
        return [{key: _field(item[key]) if key == "field" else item[key] for key in item} for item in value]
    if member == "placementConstraints":
        return _sorted(value, "type", "expression")
    if member == "loadBalancers":
        return _sorted(value, "targetGroupArn", "loadBalancerName", "containerName", "containerPort")
    if member == "serviceRegistries":
        return _sorted(value, "registryArn", "containerName", "containerPort", "port")
    if member == "vpcLatticeConfigurations":
        return _sorted(value, "targetGroupArn", "portName")
    if member == "volumeConfigurations":
        return _sorted([_volume(item) for item in value], "name")
    if member == "gatewayConnectors":
        return _sorted(value, "portName")
    if member == "monitoring":
        rows = [{**item, "metricNames": sorted(item.get("metricNames") or [])} for item in value.get("metricConfigurations") or []]
        return {"metricConfigurations": _sorted(rows, "metricNames")}
    if member == "serviceConnectConfiguration":
        return _service_connect(value)
    return value


def _filled(member: str, has: t.Any) -> t.Any:
    """What the service has, with what leaving a setting out means in the places that ECS shows nothing for."""
    if has is None:
        has = _DEFAULTS.get(member)
    if member != "deploymentConfiguration":
        return has
    result = {**_CONFIGURATION_DEFAULTS, **(has or {})}
    result["deploymentCircuitBreaker"] = {**_BREAKER_DEFAULTS, **result["deploymentCircuitBreaker"]}
    return result


def _configuration(value: Data) -> Data:
    result = dict(value)
    if "alarms" in result:
        result["alarms"] = {**result["alarms"], "alarmNames": sorted(result["alarms"].get("alarmNames") or [])}
    if "lifecycleHooks" in result:
        hooks = [
            {"targetType": "AWS_LAMBDA", **hook, "lifecycleStages": sorted(hook.get("lifecycleStages") or [])}
            for hook in result["lifecycleHooks"]
        ]
        result["lifecycleHooks"] = _sorted(hooks, "targetType", "hookTargetArn", "lifecycleStages")
    return result


def _service_connect(value: Data) -> Data:
    result = dict(value)
    if "services" in result:
        services = []
        for item in result["services"]:
            aliases = {"clientAliases": _sorted(item["clientAliases"], "port", "dnsName")} if "clientAliases" in item else {}
            services.append({**item, **aliases})
        result["services"] = _sorted(services, "portName")
    return result


def _volume(value: Data) -> Data:
    volume = dict(value.get("managedEBSVolume") or {})
    if "tagSpecifications" in volume:
        volume["tagSpecifications"] = [
            {**item, **({"tags": _sorted(item["tags"], "key")} if "tags" in item else {})} for item in volume["tagSpecifications"]
        ]
    return {**value, "managedEBSVolume": volume} if volume else value


def _field(value: t.Any) -> str:
    # ECS writes attribute names of a strategy in its own case, and takes host for instanceId.
    text = str(value).lower()
    return "instanceid" if text == "host" else text


def short_name(value: t.Any) -> str:
    return str(value).rsplit("/", 1)[-1]


def _sorted(items: t.Sequence[Data], *keys: str) -> list[Data]:
    """The entries by what tells them apart, so that an entry of one side meets its like on the other."""
    return sorted(items, key=lambda item: json.dumps([item.get(key) for key in keys], default=str))


__all__ = ["IN_REVISION", "STARTS_DEPLOYMENT", "covers", "current", "drift", "merged", "restoring", "short_name"]
