# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Application Auto Scaling: one function per API call, plain data out."""

from __future__ import annotations

import typing as t

_DIMENSION = "ecs:service:DesiredCount"


def describe_scalable_target(client: t.Any, resource_id: str) -> dict[str, t.Any] | None:
    """What scales the desired count of `service/CLUSTER/SERVICE`, or None when nothing does."""
    answer = client.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[resource_id], ScalableDimension=_DIMENSION)
    targets = answer.get("ScalableTargets") or []
    return targets[0] if targets else None


def register_scalable_target(client: t.Any, resource_id: str, request: dict[str, t.Any]) -> None:
    """Create or change what scales a service. Members that the request leaves out stay as they are."""
    client.register_scalable_target(ServiceNamespace="ecs", ResourceId=resource_id, ScalableDimension=_DIMENSION, **request)


def deregister_scalable_target(client: t.Any, resource_id: str) -> None:
    """Delete it, and with it its policies and scheduled actions."""
    client.deregister_scalable_target(ServiceNamespace="ecs", ResourceId=resource_id, ScalableDimension=_DIMENSION)


def scaling_policies(client: t.Any, resource_id: str) -> list[dict[str, t.Any]]:
    pages = client.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="ecs", ResourceId=resource_id, ScalableDimension=_DIMENSION
    )
    return [dict(item) for page in pages for item in page.get("ScalingPolicies", [])]


def put_scaling_policy(client: t.Any, resource_id: str, name: str, tracking: dict[str, t.Any]) -> None:
    client.put_scaling_policy(
        PolicyName=name,
        ServiceNamespace="ecs",
        ResourceId=resource_id,
        ScalableDimension=_DIMENSION,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=tracking,
    )


def delete_scaling_policy(client: t.Any, resource_id: str, name: str) -> None:
    client.delete_scaling_policy(PolicyName=name, ServiceNamespace="ecs", ResourceId=resource_id, ScalableDimension=_DIMENSION)


def scheduled_actions(client: t.Any, resource_id: str) -> list[dict[str, t.Any]]:
    pages = client.get_paginator("describe_scheduled_actions").paginate(
        ServiceNamespace="ecs", ResourceId=resource_id, ScalableDimension=_DIMENSION
    )
    return [dict(item) for page in pages for item in page.get("ScheduledActions", [])]


def put_scheduled_action(client: t.Any, resource_id: str, request: dict[str, t.Any]) -> None:
    client.put_scheduled_action(ServiceNamespace="ecs", ResourceId=resource_id, ScalableDimension=_DIMENSION, **request)


def delete_scheduled_action(client: t.Any, resource_id: str, name: str) -> None:
    client.delete_scheduled_action(ServiceNamespace="ecs", ResourceId=resource_id, ScalableDimension=_DIMENSION, ScheduledActionName=name)
