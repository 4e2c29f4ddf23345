# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container instances of a cluster: a launch template, an Auto Scaling group, and the refresh that brings changes to instances."""

from __future__ import annotations

import typing as t

from .._aws import ec2_auto_scaling as scaling
from .._aws import ecs_clusters, ssm
from .._platform import instances
from .._platform.members import diff_of, differences
from .._platform.tags import pairs, put_and_gone
from .._verb import Context, Verb, VerbFailure

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "subnet_ids": {"type": "list", "elements": "str", "required": True},
    "security_group_ids": {"type": "list", "elements": "str", "required": True},
    "instance_profile": {"type": "str", "required": True},
    "instance_types": {"type": "list", "elements": "str", "required": True},
    "architecture": {"type": "str", "choices": ["x86_64", "arm64"], "default": "x86_64"},
    "image_id": {"type": "str"},
    "image_parameter": {"type": "str"},
    "user_data": {"type": "str", "required": True},
    "metadata_hop_limit": {"type": "int", "default": 1},
    "volume_device": {"type": "str", "default": "/dev/xvda"},
    "volume_size": {"type": "int", "default": 30},
    "volume_kms_key_id": {"type": "str", "no_log": False},
    "detailed_monitoring": {"type": "bool", "default": False},
    "min_size": {"type": "int", "required": True},
    "max_size": {"type": "int", "required": True},
    "on_demand_base": {"type": "int", "default": 0},
    "on_demand_percentage": {"type": "int", "default": 100},
    "spot_allocation_strategy": {
        "type": "str",
        "choices": ["price-capacity-optimized", "capacity-optimized", "lowest-price"],
        "default": "price-capacity-optimized",
    },
    "capacity_rebalance": {"type": "bool", "default": False},
    "protect_from_scale_in": {"type": "bool", "default": False},
    "cluster": {"type": "str"},
    "capacity_provider": {"type": "str"},
    "refresh": {"type": "bool", "default": True},
    "refresh_max_healthy_percentage": {"type": "int", "default": 110},
    "refresh_instance_warmup": {"type": "int", "default": 60},
    "refresh_wait": {"type": "int", "default": 0},
    "tags": {"type": "dict", "default": {}},
}

Data = dict[str, t.Any]

_POLL_SECONDS = 5.0
# "Changes that I make are not always immediately visible" in the IAM user guide: seconds as a rule.
_PROFILE_SECONDS = 60
_GOOD = "Successful"


def run(params: Data, context: Context) -> Data:
    ec2, autoscaling = context.client("ec2"), context.client("autoscaling")
    faults = instances.problems(params, scaling.describe_instance_types(ec2, params["instance_types"]))
    if faults:
        raise VerbFailure(" ".join(faults))
    name, image_id = params["name"], _image_id(params, context)
    data = instances.template_data(params, image_id)
    newest = scaling.latest_template_version(ec2, name)
    group = scaling.describe_group(autoscaling, name)
    hold = _hold(params, context, group)
    seen, wanted = _sides(newest, data, group, instances.wanted_group(params, hold))
    changes = differences(seen, wanted)
    of_template = [item for item in changes if item["field"].startswith("launch_template.data.")]
    of_group = [item for item in changes if item["field"].startswith("group.")]
    version = newest["VersionNumber"] if newest else None
    if not context.check_mode:
        version = _write_template(params, ec2, newest, data, bool(of_template))
        _write_group(context, group, wanted["group"], of_group)
        if of_group:
            group = scaling.describe_group(autoscaling, name)
    elif of_template:
        version = None
    outdated = instances.outdated(group, name, version, params["instance_types"]) if group else []
    refresh, started = _refresh(params, context, outdated)
    if started:
        changes = [*changes, {"field": "outdated_instances", "before": outdated, "after": []}]
    result: Data = {
        "changed": bool(changes),
        "differences": changes,
        "group_arn": group["AutoScalingGroupARN"] if group else None,
        "image_id": image_id,
        "launch_template_version": version,
        "held": hold,
        "outdated_instances": outdated,
        "refresh": refresh,
    }
    if changes and context.diff_mode:
        result["diff"] = diff_of(f"container instances {name}", changes, is_new=newest is None)
    return result


def _image_id(params: Data, context: Context) -> str:
    if params["image_id"]:
        return str(params["image_id"])
    value = ssm.read_parameter(context.client("ssm"), params["image_parameter"])
    if value is None:
        raise VerbFailure(
            f"image_parameter: there is no parameter {params['image_parameter']} in this region. "
            "Name one of those that AWS publishes below /aws/service/ecs/optimized-ami, or set image_id."
        )
    return value


def _hold(params: Data, context: Context, group: Data | None) -> bool:
    """Whether to start nothing yet: an instance that joins before the cluster has the capacity provider never belongs to it."""
    if not params["capacity_provider"] or (group is not None and group.get("Instances")):
        return False
    cluster = ecs_clusters.describe_cluster(context.client("ecs"), params["cluster"])
    return cluster is None or params["capacity_provider"] not in (cluster.get("capacityProviders") or ())


def _sides(newest: Data | None, data: Data, group: Data | None, wanted_group: Data) -> tuple[Data, Data]:
    found = newest["LaunchTemplateData"] if newest else {}
    template = {"data": instances.comparable_template(found), "is_default": bool(newest and newest.get("DefaultVersion"))}
    wanted_template = {"data": instances.wanted_template(found, data), "is_default": True}
    return (
        {"launch_template": template, "group": instances.seen_group(group)},
        {"launch_template": wanted_template, "group": wanted_group},
    )


def _write_template(params: Data, ec2: t.Any, newest: Data | None, data: Data, differs: bool) -> int:
    """Make the template, or a new version of it. Returns the number of the version that holds."""
    if newest is None:
        made = scaling.create_template(ec2, params["name"], data, pairs(params["tags"]))
        return int(made["LatestVersionNumber"])
    version = int(newest["VersionNumber"])
    if differs:
        version = int(scaling.create_template_version(ec2, params["name"], data)["VersionNumber"])
    # A run that was stopped may have left a new version that is not the default yet.
    if differs or not newest.get("DefaultVersion"):
        scaling.set_default_version(ec2, params["name"], version)
    return version


def _write_group(context: Context, group: Data | None, wanted: Data, changes: list[Data]) -> None:
    if not changes:
        return
    autoscaling, name = context.client("autoscaling"), wanted["name"]
    request = instances.group_request(wanted)
    if group is None:
        tags = instances.group_tag_list(name, wanted["tags"])
        _create_group(context, {**request, "HealthCheckType": "EC2", **({"Tags": tags} if tags else {})})
        return
    if any(change["field"] != "group.tags" for change in changes):
        scaling.update_group(autoscaling, request)
    put, gone = put_and_gone(instances.group_tags(group), wanted["tags"])
    if put:
        scaling.set_tags(autoscaling, instances.group_tag_list(name, put))
    if gone:
        scaling.delete_tags(autoscaling, [{"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": key} for key in gone])


def _create_group(context: Context, request: Data) -> None:
    deadline = context.clock.monotonic() + _PROFILE_SECONDS
    while not scaling.create_group(context.client("autoscaling"), request):
        if context.clock.monotonic() >= deadline:
            raise VerbFailure(
                f"instance_profile: EC2 did not know the instance profile of the launch template {request['AutoScalingGroupName']} after "
                f"{_PROFILE_SECONDS} s. Name one that exists."
            )
        context.progress("waiting until EC2 knows the instance profile")
        context.clock.sleep(_POLL_SECONDS)


def _refresh(params: Data, context: Context, outdated: list[str]) -> tuple[Data | None, bool]:
    """The refresh that is going on, if there is one, and whether it is ours: started now, or to be started outside of check mode."""
    if not outdated:
        return None, False
    if not params["refresh"]:
        context.warn(
            f"{params['name']}: {len(outdated)} instances were made before the last change of the launch template, and stay as they are: "
            "refresh is off."
        )
        return None, False
    autoscaling, name = context.client("autoscaling"), params["name"]
    active = instances.active_refresh(scaling.describe_refreshes(autoscaling, name))
    started = active is None
    if started:
        if context.check_mode:
            return None, True
        scaling.start_refresh(autoscaling, name, instances.refresh_preferences(params))
        context.progress(f"started to replace {len(outdated)} instances of {name}, one after the other")
    return _watched(params, context, autoscaling), started


def _watched(params: Data, context: Context, autoscaling: t.Any) -> Data:
    """The newest refresh, once it has ended or `refresh_wait` is over."""
    clock, name = context.clock, params["name"]
    deadline = clock.monotonic() + params["refresh_wait"]
    said: t.Any = None
    while True:
        newest = scaling.describe_refreshes(autoscaling, name)[0]
        shown = {
            "id": newest["InstanceRefreshId"],
            "status": newest["Status"],
            "percentage_complete": newest.get("PercentageComplete", 0),
            "reason": newest.get("StatusReason"),
        }
        if context.check_mode or params["refresh_wait"] <= 0 or newest["Status"] == _GOOD:
            return shown
        if instances.active_refresh([newest]) is None:
            raise VerbFailure(
                f"The refresh of the instances of {name} ended as {newest['Status']}: {shown['reason'] or 'AWS gives no reason'}. "
                "Instances that were not replaced yet run as before. Run this again to go on.",
                refresh=shown,
            )
        if clock.monotonic() >= deadline:
            raise VerbFailure(
                f"refresh_wait: the refresh of the instances of {name} was at {shown['percentage_complete']} % after "
                f"{params['refresh_wait']} s, and goes on. Run this again to wait longer, or set refresh_wait to 0 not to wait.",
                refresh=shown,
            )
        if shown["percentage_complete"] != said:
            said = shown["percentage_complete"]
            context.progress(f"instances of {name}: {said} % replaced")
        clock.sleep(min(_POLL_SECONDS, max(0.1, deadline - clock.monotonic())))


VERB = Verb(
    name="ecs_instance_group",
    argument_spec=ARGUMENT_SPEC,
    run=run,
    required_one_of=(("image_id", "image_parameter"),),
    mutually_exclusive=(("image_id", "image_parameter"),),
    required_together=(("cluster", "capacity_provider"),),
)
