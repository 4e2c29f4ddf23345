# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds by tag and name what a new service is placed into: subnets, security groups, target group."""

from __future__ import annotations

import typing as t

from .._aws import ec2, elbv2
from .._platform.tags import texts
from .._verb import Context, Verb, VerbFailure

ARGUMENT_SPEC: dict[str, t.Any] = {
    "subnet_tags": {"type": "dict", "required": True},
    "security_groups": {"type": "list", "elements": "str", "required": True},
    "target_group": {"type": "str"},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    tags = texts(params["subnet_tags"])
    names = list(dict.fromkeys(params["security_groups"]))
    if not tags:
        raise VerbFailure("subnet_tags: without a tag, every subnet of the region would be meant. Name at least one.")
    if not names:
        raise VerbFailure("security_groups: name at least one.")
    client = context.client("ec2")
    subnets = ec2.describe_subnets(client, tags)
    wanted = ", ".join(f"{key}={value}" for key, value in tags.items())
    vpcs = sorted({subnet["VpcId"] for subnet in subnets})
    if len(vpcs) > 1:
        raise VerbFailure(f"subnet_tags: the subnets with {wanted} are in several VPCs ({', '.join(vpcs)}). Add a tag that only one has.")
    # Everything that is missing is said at once: it is mostly one cause.
    missing = [] if subnets else [f"subnet_tags: there is no subnet with {wanted}."]
    groups = {group["GroupName"]: group["GroupId"] for vpc in vpcs for group in ec2.describe_security_groups(client, vpc, names)}
    if vpcs:
        missing += [f"security_groups: there is no security group {name} in {vpcs[0]}." for name in names if name not in groups]
    target_group = None
    if params["target_group"]:
        target_group = elbv2.find_target_group(context.client("elbv2"), params["target_group"])
        if target_group is None:
            missing.append(f"target_group: there is no target group {params['target_group']}.")
    if missing:
        raise VerbFailure(
            "What the service would be placed into is not there: " + " ".join(missing) + " Provision the platform first.", missing=missing
        )
    return {
        "changed": False,
        "vpc_id": vpcs[0],
        "subnets": sorted(subnet["SubnetId"] for subnet in subnets),
        "security_groups": [groups[name] for name in names],
        "target_group_arn": target_group["TargetGroupArn"] if target_group else None,
    }


VERB = Verb(name="ecs_service_network_info", argument_spec=ARGUMENT_SPEC, run=run)
