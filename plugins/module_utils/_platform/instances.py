# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The launch template and the Auto Scaling group of container instances: what is wanted, what is there, which instances are outdated.

Pure. Wishes and findings are brought to one form, in which they are compared; requests are made from the wishes.
"""

from __future__ import annotations

import base64
import binascii
import typing as t

from .tags import pairs, texts

Data = dict[str, t.Any]

# Of 1 GiB the system and the ECS agent leave hardly enough for one task of 512 MiB.
LEAST_MEMORY_MIB = 2048
# The root volume of the image: a volume cannot be smaller than what it is made from ("Amazon ECS-optimized Linux AMIs").
LEAST_VOLUME_GIB = 30
# What the group launches from, also between the making of a version and its becoming the default.
_LATEST = "$Latest"
# ECS puts this tag on a group whose size it manages, and needs it there ("Cluster auto scaling" in the ECS developer guide).
_OF_ECS = frozenset({"AmazonECSManaged"})
_LEAVING = ("Terminating", "Terminated", "Detaching", "Detached")
_ACTIVE_REFRESH = frozenset({"Pending", "InProgress", "Cancelling", "RollbackInProgress", "Baking"})


def problems(params: Data, types: t.Sequence[Data] | None) -> list[str]:
    """What is wrong with the options, each with field, value and fix. `types` is what EC2 says of the types, None if it knows one not."""
    found = []
    if params["min_size"] < 0:
        found.append(f"min_size: {params['min_size']} is negative. Use 0 or more.")
    if params["min_size"] > params["max_size"]:
        found.append(f"max_size: {params['max_size']} is less than min_size, {params['min_size']}. Use at least as many.")
    if params["volume_size"] < LEAST_VOLUME_GIB:
        found.append(f"volume_size: {params['volume_size']} GiB do not hold the ECS-optimised image. Use {LEAST_VOLUME_GIB} or more.")
    if not 0 <= params["on_demand_percentage"] <= 100:
        found.append(f"on_demand_percentage: {params['on_demand_percentage']} is no percentage. Use a number from 0 to 100.")
    # At most 200 (RefreshPreferences, Auto Scaling API reference), and more than the 100 that `refresh_preferences` keeps healthy.
    if not 100 < params["refresh_max_healthy_percentage"] <= 200:
        found.append(
            f"refresh_max_healthy_percentage: {params['refresh_max_healthy_percentage']} is no room for a new instance beside the old, "
            "or too much. Use a number from 101 to 200."
        )
    names = ", ".join(params["instance_types"])
    if types is None:
        return [*found, f"instance_types: {names} has a type that EC2 does not know in this region. Use types such as t3.small."]
    for item in sorted(types, key=lambda each: str(each["InstanceType"])):
        name, memory = item["InstanceType"], item["MemoryInfo"]["SizeInMiB"]
        if memory < LEAST_MEMORY_MIB:
            found.append(
                f"instance_types: {name} has {memory / 1024:g} GiB of memory, of which the system and the ECS agent leave too little "
                "for tasks. Use t3.small or larger."
            )
        if params["architecture"] not in item["ProcessorInfo"]["SupportedArchitectures"]:
            found.append(
                f"instance_types: {name} is not {params['architecture']}, which architecture says. "
                "Use types of that architecture, or say the other one."
            )
    return found


def template_data(params: Data, image_id: str) -> Data:
    """The `LaunchTemplateData` that makes an instance as wanted."""
    profile, tags = params["instance_profile"], texts(params["tags"])
    data: Data = {
        "ImageId": image_id,
        "InstanceType": params["instance_types"][0],
        "IamInstanceProfile": {"Arn" if profile.startswith("arn:") else "Name": profile},
        "SecurityGroupIds": sorted(params["security_group_ids"]),
        "UserData": base64.b64encode(params["user_data"].encode()).decode(),
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": params["metadata_hop_limit"],
        },
        "BlockDeviceMappings": [
            {
                "DeviceName": params["volume_device"],
                "Ebs": {
                    "VolumeSize": params["volume_size"],
                    "VolumeType": "gp3",
                    "Encrypted": True,
                    "DeleteOnTermination": True,
                    **({"KmsKeyId": params["volume_kms_key_id"]} if params["volume_kms_key_id"] else {}),
                },
            }
        ],
        "Monitoring": {"Enabled": params["detailed_monitoring"]},
    }
    if tags:
        data["TagSpecifications"] = [{"ResourceType": kind, "Tags": pairs(tags)} for kind in ("volume", "network-interface")]
    return data


def comparable_template(data: Data) -> Data:
    """`LaunchTemplateData` in the form in which two are compared and shown."""
    shown = {key: value for key, value in data.items() if value not in (None, [], {}, "")}
    if "UserData" in shown:
        shown["UserData"] = _decoded(shown["UserData"])
    if "SecurityGroupIds" in shown:
        shown["SecurityGroupIds"] = sorted(shown["SecurityGroupIds"])
    if "TagSpecifications" in shown:
        shown["TagSpecifications"] = {
            item["ResourceType"]: {"tags": {tag["Key"]: tag["Value"] for tag in item["Tags"]}} for item in shown["TagSpecifications"]
        }
    return shown


def wanted_template(found: Data, data: Data) -> Data:
    """What the template is to show: the wishes, and nothing of what `found` has besides."""
    return {**dict.fromkeys(comparable_template(found)), **comparable_template(data)}


def is_mixed(params: Data) -> bool:
    """Whether the group has instances of several types, or some that are Spot Instances: only a mixed instances policy says that."""
    return len(params["instance_types"]) > 1 or params["on_demand_percentage"] < 100


def wanted_group(params: Data, hold: bool) -> Data:
    """The group as it is to be. `hold` starts no instance yet."""
    launch: Data = {"template": params["name"], "version": _LATEST}
    if is_mixed(params):
        launch["types"] = list(params["instance_types"])
        launch["distribution"] = {
            "OnDemandBaseCapacity": params["on_demand_base"],
            "OnDemandPercentageAboveBaseCapacity": params["on_demand_percentage"],
            "SpotAllocationStrategy": params["spot_allocation_strategy"],
        }
    else:
        launch["types"] = []
    return {
        "name": params["name"],
        "min_size": 0 if hold else params["min_size"],
        "max_size": params["max_size"],
        "subnet_ids": sorted(params["subnet_ids"]),
        "protect_from_scale_in": params["protect_from_scale_in"],
        "capacity_rebalance": params["capacity_rebalance"],
        "launch": launch,
        "tags": texts(params["tags"]),
    }


def seen_group(group: Data | None) -> Data:
    """The group as DescribeAutoScalingGroups shows it, in the form of `wanted_group`."""
    if group is None:
        return {}
    policy = group.get("MixedInstancesPolicy") or {}
    template = policy.get("LaunchTemplate") or {}
    named = template.get("LaunchTemplateSpecification") or group.get("LaunchTemplate") or {}
    return {
        "name": group["AutoScalingGroupName"],
        "min_size": group["MinSize"],
        "max_size": group["MaxSize"],
        "subnet_ids": sorted(filter(None, (group.get("VPCZoneIdentifier") or "").split(","))),
        "protect_from_scale_in": bool(group.get("NewInstancesProtectedFromScaleIn")),
        "capacity_rebalance": bool(group.get("CapacityRebalance")),
        "launch": {
            "template": named.get("LaunchTemplateName"),
            "version": named.get("Version"),
            "types": [item["InstanceType"] for item in template.get("Overrides") or ()],
            "distribution": policy.get("InstancesDistribution") or {},
        },
        "tags": group_tags(group),
    }


def group_request(wanted: Data) -> Data:
    """The request that makes the group so, or changes it; without its tags."""
    template = {"LaunchTemplateName": wanted["launch"]["template"], "Version": wanted["launch"]["version"]}
    request: Data = {
        "AutoScalingGroupName": wanted["name"],
        "MinSize": wanted["min_size"],
        "MaxSize": wanted["max_size"],
        "VPCZoneIdentifier": ",".join(wanted["subnet_ids"]),
        "NewInstancesProtectedFromScaleIn": wanted["protect_from_scale_in"],
        "CapacityRebalance": wanted["capacity_rebalance"],
    }
    if not wanted["launch"]["types"]:
        return {**request, "LaunchTemplate": template}
    policy = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": template,
            "Overrides": [{"InstanceType": name} for name in wanted["launch"]["types"]],
        },
        "InstancesDistribution": wanted["launch"]["distribution"],
    }
    return {**request, "MixedInstancesPolicy": policy}


def group_tags(group: Data) -> dict[str, str]:
    """Tags that instances get as well, without those of AWS and of ECS."""
    return {
        tag["Key"]: tag.get("Value") or ""
        for tag in group.get("Tags") or ()
        if tag.get("PropagateAtLaunch") and not tag["Key"].startswith("aws:") and tag["Key"] not in _OF_ECS
    }


def group_tag_list(name: str, tags: dict[str, str]) -> list[Data]:
    """Tags of the group as Auto Scaling takes them; its instances get them too."""
    return [{"ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": True, **tag} for tag in pairs(tags)]


def outdated(group: Data, template: str, version: int | None, types: t.Sequence[str]) -> list[str]:
    """IDs of the instances that another template, another version of it or another type has made. `version` None outdates all."""
    found = []
    for instance in group.get("Instances") or ():
        if instance.get("LifecycleState", "").startswith(_LEAVING):
            continue
        made_by = instance.get("LaunchTemplate") or {}
        current = version is not None and made_by.get("LaunchTemplateName") == template and str(made_by.get("Version")) == str(version)
        if not current or instance.get("InstanceType") not in types:
            found.append(instance["InstanceId"])
    return sorted(found)


def active_refresh(refreshes: t.Sequence[Data]) -> Data | None:
    """The refresh that goes on, of which a group has one at most (StartInstanceRefresh, Auto Scaling API reference)."""
    return next((item for item in refreshes if item["Status"] in _ACTIVE_REFRESH), None)


def refresh_preferences(params: Data) -> Data:
    """How a refresh goes on without the loss of a task: each new instance is up before an old one is drained and goes.

    `ScaleInProtectedInstances`: the instances that ECS protects because they run tasks are replaced too; the capacity provider's managed
    draining moves their tasks first ("Managed instance draining" in the ECS developer guide).
    """
    return {
        "MinHealthyPercentage": 100,
        "MaxHealthyPercentage": params["refresh_max_healthy_percentage"],
        "InstanceWarmup": params["refresh_instance_warmup"],
        "SkipMatching": True,
        "ScaleInProtectedInstances": "Refresh",
    }


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        # Compressed user data and the like: no text to show.
        return text
