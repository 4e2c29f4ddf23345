# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amazon EC2 Auto Scaling groups and their launch templates: one function per API call, plain data out."""

from __future__ import annotations

import typing as t

from .failures import error_code, error_message

Data = dict[str, t.Any]

_NO_TEMPLATE = frozenset({"InvalidLaunchTemplateName.NotFoundException", "InvalidLaunchTemplateId.NotFound"})


def describe_group(autoscaling: t.Any, name: str) -> Data | None:
    groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name]).get("AutoScalingGroups") or []
    return groups[0] if groups else None


def create_group(autoscaling: t.Any, request: Data) -> bool:
    """Create the group. False while EC2 does not know the instance profile yet, which a new one takes some seconds for."""
    try:
        autoscaling.create_auto_scaling_group(**request)
    except Exception as error:
        if error_code(error) == "ValidationError" and "iaminstanceprofile" in error_message(error).lower().replace(" ", ""):
            return False
        raise
    return True


def update_group(autoscaling: t.Any, request: Data) -> None:
    autoscaling.update_auto_scaling_group(**request)


def set_tags(autoscaling: t.Any, tags: list[Data]) -> None:
    autoscaling.create_or_update_tags(Tags=tags)


def delete_tags(autoscaling: t.Any, tags: list[Data]) -> None:
    autoscaling.delete_tags(Tags=tags)


def latest_template_version(ec2: t.Any, name: str) -> Data | None:
    """The newest version of the launch template, or None when there is no such template."""
    try:
        versions = ec2.describe_launch_template_versions(LaunchTemplateName=name, Versions=["$Latest"]).get("LaunchTemplateVersions") or []
    except Exception as error:
        if error_code(error) in _NO_TEMPLATE:
            return None
        raise
    return versions[0] if versions else None


def describe_template(ec2: t.Any, name: str) -> Data | None:
    """The launch template itself, with its tags and the number of its default version."""
    try:
        templates = ec2.describe_launch_templates(LaunchTemplateNames=[name]).get("LaunchTemplates") or []
    except Exception as error:
        if error_code(error) in _NO_TEMPLATE:
            return None
        raise
    return templates[0] if templates else None


def create_template(ec2: t.Any, name: str, data: Data, tags: list[Data]) -> Data:
    specification = {"TagSpecifications": [{"ResourceType": "launch-template", "Tags": tags}]} if tags else {}
    return t.cast("Data", ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data, **specification)["LaunchTemplate"])


def create_template_version(ec2: t.Any, name: str, data: Data) -> Data:
    return t.cast("Data", ec2.create_launch_template_version(LaunchTemplateName=name, LaunchTemplateData=data)["LaunchTemplateVersion"])


def set_default_version(ec2: t.Any, name: str, version: int) -> None:
    ec2.modify_launch_template(LaunchTemplateName=name, DefaultVersion=str(version))


def describe_instance_types(ec2: t.Any, names: t.Sequence[str]) -> list[Data] | None:
    """What EC2 says of these types, or None when it does not know one of them."""
    try:
        return t.cast("list[Data]", ec2.describe_instance_types(InstanceTypes=list(names))["InstanceTypes"])
    except Exception as error:
        if error_code(error) == "InvalidInstanceType":
            return None
        raise


def describe_refreshes(autoscaling: t.Any, group: str) -> list[Data]:
    """The instance refreshes of the group, newest first."""
    return t.cast("list[Data]", autoscaling.describe_instance_refreshes(AutoScalingGroupName=group).get("InstanceRefreshes") or [])


def start_refresh(autoscaling: t.Any, group: str, preferences: Data) -> str:
    return str(autoscaling.start_instance_refresh(AutoScalingGroupName=group, Preferences=preferences)["InstanceRefreshId"])
