# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A capacity provider of an Auto Scaling group: managed scaling, termination protection and draining, and its place in a cluster."""

from __future__ import annotations

import typing as t

from .._aws import ec2_auto_scaling, ecs_clusters
from .._platform.members import diff_of, differences
from .._platform.tags import texts
from .._verb import Context, Verb, VerbFailure
from ._ecs_tags import found_tags, retag
from ._service_options import tag_list
from ._shared import snake_keys

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "auto_scaling_group": {"type": "str"},
    "managed_scaling": {"type": "bool", "default": True},
    "target_capacity": {"type": "int", "default": 100},
    "minimum_scaling_step": {"type": "int", "default": 1},
    "maximum_scaling_step": {"type": "int", "default": 10000},
    "instance_warmup": {"type": "int", "default": 300},
    "managed_termination_protection": {"type": "bool", "default": True},
    "managed_draining": {"type": "bool", "default": True},
    "cluster": {"type": "str"},
    "weight": {"type": "int"},
    "base": {"type": "int", "default": 0},
    "tags": {"type": "dict"},
}

Data = dict[str, t.Any]

_BUSY_SECONDS = 300
_POLL_SECONDS = 3.0
# ManagedScaling in the ECS API reference.
_RANGES = {
    "target_capacity": (1, 100),
    "minimum_scaling_step": (1, 10000),
    "maximum_scaling_step": (1, 10000),
    "instance_warmup": (0, 10000),
    # CapacityProviderStrategyItem in the ECS API reference.
    "weight": (0, 1000),
    "base": (0, 100000),
}


def run(params: Data, context: Context) -> Data:
    return _absent(params, context) if params["state"] == "absent" else _present(params, context)


def _present(params: Data, context: Context) -> Data:
    _check(params)
    client, name = context.client("ecs"), params["name"]
    found = ecs_clusters.describe_capacity_provider(client, name)
    cluster = _cluster_of(client, params, context.check_mode)
    wanted = _wanted(params, cluster)
    seen = _seen(found, cluster, name, params["cluster"])
    if found is not None:
        _check_same_group(name, seen["auto_scaling_group"], wanted["auto_scaling_group"])
    changes = differences(seen, wanted)
    result: Data = {"changed": bool(changes), "differences": changes}
    if changes and context.diff_mode:
        result["diff"] = diff_of(f"capacity provider {name}", changes, is_new=found is None)
    if changes and not context.check_mode:
        fields = {change["field"].partition(".")[0] for change in changes}
        if found is None:
            _create(context, wanted)
        else:
            if fields & {"managed_scaling", "managed_termination_protection", "managed_draining"}:
                details = {key: value for key, value in _details(wanted).items() if key != "autoScalingGroupArn"}
                ecs_clusters.update_capacity_provider(client, name, details)
            if "tags" in fields:
                retag(client, found["capacityProviderArn"], found, wanted["tags"])
        if "cluster" in fields or "strategy" in fields:
            _associate(context, params["cluster"], name, wanted.get("strategy"))
        found = ecs_clusters.describe_capacity_provider(client, name)
    return {**result, "capacity_provider": snake_keys(found)}


def _absent(params: Data, context: Context) -> Data:
    client, name = context.client("ecs"), params["name"]
    found = ecs_clusters.describe_capacity_provider(client, name)
    cluster = ecs_clusters.describe_cluster(client, params["cluster"]) if params["cluster"] else None
    associated = cluster is not None and name in cluster.get("capacityProviders", ())
    changed = found is not None or associated
    if changed and not context.check_mode:
        if associated:
            _put(context, params["cluster"], lambda now: _without(now, name))
        if found is not None:
            ecs_clusters.delete_capacity_provider(client, name)
    result: Data = {"changed": changed, "differences": [], "capacity_provider": None}
    if changed and context.diff_mode:
        result["diff"] = {"before": f"capacity provider {name}\n", "after": ""}
    return result


def _check(params: Data) -> None:
    for option, (least, most) in _RANGES.items():
        value = params[option]
        if value is not None and not least <= value <= most:
            raise VerbFailure(f"{option}: {value} is not between {least} and {most}. Use a number from {least} to {most}.")
    if params["minimum_scaling_step"] > params["maximum_scaling_step"]:
        raise VerbFailure(
            f"minimum_scaling_step: {params['minimum_scaling_step']} is more than maximum_scaling_step, {params['maximum_scaling_step']}. "
            "Use a smaller one."
        )
    if params["managed_termination_protection"] and not params["managed_scaling"]:
        raise VerbFailure(
            "managed_termination_protection: ECS protects instances only in a group whose size it manages. "
            "Set managed_scaling to true, or this to false."
        )


def _cluster_of(client: t.Any, params: Data, check_mode: bool) -> Data | None:
    if not params["cluster"]:
        return None
    cluster = ecs_clusters.describe_cluster(client, params["cluster"])
    # In check mode the task that would make the cluster has not made it.
    if cluster is None and not check_mode:
        raise VerbFailure(f"cluster: there is no active cluster {params['cluster']}. Make it first, or name another.")
    return cluster


def _check_same_group(name: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise VerbFailure(
            f"auto_scaling_group: the capacity provider {name} is that of {found}, and ECS cannot give it another. "
            f"Make one of another name for {wanted}, or remove this one first."
        )


def _wanted(params: Data, cluster: Data | None) -> Data:
    wanted: Data = {
        "name": params["name"],
        "auto_scaling_group": _group_name(params["auto_scaling_group"]),
        "managed_scaling": {"status": _word(params["managed_scaling"])},
        "managed_termination_protection": _word(params["managed_termination_protection"]),
        "managed_draining": _word(params["managed_draining"]),
    }
    if params["managed_scaling"]:
        wanted["managed_scaling"] |= {
            "targetCapacity": params["target_capacity"],
            "minimumScalingStepSize": params["minimum_scaling_step"],
            "maximumScalingStepSize": params["maximum_scaling_step"],
            "instanceWarmupPeriod": params["instance_warmup"],
        }
    if params["cluster"]:
        wanted["cluster"] = params["cluster"]
        if params["weight"] is not None:
            wanted["strategy"] = {"weight": params["weight"], "base": params["base"]}
    if params["tags"] is not None:
        wanted["tags"] = texts(params["tags"])
    return wanted


def _seen(found: Data | None, cluster: Data | None, name: str, cluster_name: str | None) -> Data:
    seen: Data = {}
    if found is not None:
        details = found["autoScalingGroupProvider"]
        seen = {
            "name": name,
            "auto_scaling_group": _group_name(details["autoScalingGroupArn"]),
            "managed_scaling": details.get("managedScaling") or {},
            "managed_termination_protection": details.get("managedTerminationProtection", "DISABLED"),
            "managed_draining": details.get("managedDraining", "DISABLED"),
            "tags": found_tags(found),
        }
    if cluster is not None and name in cluster.get("capacityProviders", ()):
        seen["cluster"] = cluster_name
        own = next((item for item in cluster.get("defaultCapacityProviderStrategy", ()) if item["capacityProvider"] == name), None)
        if own is not None:
            seen["strategy"] = {"weight": own.get("weight", 0), "base": own.get("base", 0)}
    return seen


def _create(context: Context, wanted: Data) -> None:
    group = ec2_auto_scaling.describe_group(context.client("autoscaling"), wanted["auto_scaling_group"])
    if group is None:
        raise VerbFailure(
            f"auto_scaling_group: there is no Auto Scaling group {wanted['auto_scaling_group']}. Make it first, or name another."
        )
    if wanted["managed_termination_protection"] == "ENABLED" and not group.get("NewInstancesProtectedFromScaleIn"):
        raise VerbFailure(
            f"managed_termination_protection: the Auto Scaling group {wanted['auto_scaling_group']} does not protect new instances "
            "from scale-in. Switch that on in the group first, or set this to false."
        )
    request: Data = {"name": wanted["name"], "autoScalingGroupProvider": _details({**wanted, "arn": group["AutoScalingGroupARN"]})}
    if wanted.get("tags"):
        request["tags"] = tag_list(wanted["tags"])
    ecs_clusters.create_capacity_provider(context.client("ecs"), request)


def _details(wanted: Data) -> Data:
    return {
        "autoScalingGroupArn": wanted.get("arn"),
        "managedScaling": wanted["managed_scaling"],
        "managedTerminationProtection": wanted["managed_termination_protection"],
        "managedDraining": wanted["managed_draining"],
    }


def _associate(context: Context, cluster: str, name: str, strategy: Data | None) -> None:
    def with_it(now: Data) -> Data:
        providers = [*now["providers"], *([] if name in now["providers"] else [name])]
        others = [item for item in now["strategy"] if item["capacityProvider"] != name or strategy is None]
        own = [] if strategy is None else [{"capacityProvider": name, **strategy}]
        return {"providers": providers, "strategy": others + own}

    _put(context, cluster, with_it)


def _without(now: Data, name: str) -> Data:
    return {
        "providers": [item for item in now["providers"] if item != name],
        "strategy": [item for item in now["strategy"] if item["capacityProvider"] != name],
    }


def _put(context: Context, cluster: str, change: t.Callable[[Data], Data]) -> None:
    """Change the cluster's list of providers. The call takes the whole list, and is refused while ECS carries out an earlier one."""
    client, clock = context.client("ecs"), context.clock
    deadline = clock.monotonic() + _BUSY_SECONDS
    while True:
        found = ecs_clusters.describe_cluster(client, cluster) or {}
        now = {
            "providers": found.get("capacityProviders") or [],
            "strategy": found.get("defaultCapacityProviderStrategy") or [],
        }
        then = change(now)
        if ecs_clusters.put_cluster_capacity_providers(client, cluster, then["providers"], then["strategy"]):
            return
        if clock.monotonic() >= deadline:
            raise VerbFailure(
                f"cluster: {cluster} was busy with an earlier change of its capacity providers for {_BUSY_SECONDS} s. Run this again later."
            )
        context.progress(f"waiting for an earlier change of the capacity providers of {cluster}")
        clock.sleep(_POLL_SECONDS)


def _group_name(arn_or_name: str) -> str:
    return arn_or_name.rpartition("autoScalingGroupName/")[2]


def _word(value: bool) -> str:
    return "ENABLED" if value else "DISABLED"


VERB = Verb(
    name="ecs_capacity_provider",
    argument_spec=ARGUMENT_SPEC,
    run=run,
    required_if=(("state", "present", ("auto_scaling_group",)),),
    required_by={"weight": ("cluster",)},
)
