# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Elastic Load Balancing v2: one function per API call, plain data out."""

from __future__ import annotations

import typing as t

from .failures import error_code


def describe_target_health(client: t.Any, target_group_arn: str) -> list[dict[str, t.Any]] | None:
    """The health of every target of a group, or None when the group does not exist."""
    try:
        answer = client.describe_target_health(TargetGroupArn=target_group_arn)
    except Exception as error:
        if error_code(error) in ("TargetGroupNotFound", "TargetGroupNotFoundException"):
            return None
        raise
    return t.cast("list[dict[str, t.Any]]", answer.get("TargetHealthDescriptions", []))


def describe_target_group(client: t.Any, arn: str) -> dict[str, t.Any] | None:
    """A target group, or None when there is none of this ARN."""
    return _target_group(client, TargetGroupArns=[arn])


def find_target_group(client: t.Any, name: str) -> dict[str, t.Any] | None:
    """A target group, or None when there is none of this name."""
    return _target_group(client, Names=[name])


def _target_group(client: t.Any, **which: list[str]) -> dict[str, t.Any] | None:
    try:
        found = client.describe_target_groups(**which).get("TargetGroups", [])
    except Exception as error:
        if error_code(error) in ("TargetGroupNotFound", "TargetGroupNotFoundException"):
            return None
        raise
    return dict(found[0]) if found else None


def find_load_balancer(client: t.Any, name: str) -> dict[str, t.Any] | None:
    """The load balancer of this name, or None."""
    try:
        return dict(client.describe_load_balancers(Names=[name])["LoadBalancers"][0])
    except Exception as error:
        if error_code(error) in ("LoadBalancerNotFound", "LoadBalancerNotFoundException"):
            return None
        raise


def listeners(client: t.Any, load_balancer_arn: str) -> list[dict[str, t.Any]]:
    pages = client.get_paginator("describe_listeners").paginate(LoadBalancerArn=load_balancer_arn)
    return [dict(item) for page in pages for item in page.get("Listeners", [])]


def rules(client: t.Any, listener_arn: str) -> list[dict[str, t.Any]]:
    """The rules of a listener, its default action among them as the one whose priority is `default`."""
    pages = client.get_paginator("describe_rules").paginate(ListenerArn=listener_arn)
    return [dict(item) for page in pages for item in page.get("Rules", [])]


def create_listener(client: t.Any, load_balancer_arn: str, settings: dict[str, t.Any]) -> str:
    """The ARN of the new listener."""
    return str(client.create_listener(LoadBalancerArn=load_balancer_arn, **settings)["Listeners"][0]["ListenerArn"])


def modify_listener(client: t.Any, listener_arn: str, settings: dict[str, t.Any]) -> None:
    client.modify_listener(ListenerArn=listener_arn, **settings)


def delete_listener(client: t.Any, listener_arn: str) -> None:
    client.delete_listener(ListenerArn=listener_arn)


def listener_certificates(client: t.Any, listener_arn: str) -> list[dict[str, t.Any]]:
    """The certificates of a listener, the default one among them. One that is in the list besides is there twice."""
    pages = client.get_paginator("describe_listener_certificates").paginate(ListenerArn=listener_arn)
    return [dict(item) for page in pages for item in page.get("Certificates", [])]


def add_listener_certificate(client: t.Any, listener_arn: str, certificate_arn: str) -> None:
    client.add_listener_certificates(ListenerArn=listener_arn, Certificates=[{"CertificateArn": certificate_arn}])


def remove_listener_certificate(client: t.Any, listener_arn: str, certificate_arn: str) -> None:
    client.remove_listener_certificates(ListenerArn=listener_arn, Certificates=[{"CertificateArn": certificate_arn}])


def create_rule(client: t.Any, listener_arn: str, rule: dict[str, t.Any]) -> None:
    client.create_rule(ListenerArn=listener_arn, **rule)


def modify_rule(client: t.Any, rule_arn: str, conditions: list[dict[str, t.Any]], actions: list[dict[str, t.Any]]) -> None:
    """Replace the conditions and the actions of a rule."""
    client.modify_rule(RuleArn=rule_arn, Conditions=conditions, Actions=actions)


def delete_rule(client: t.Any, rule_arn: str) -> None:
    client.delete_rule(RuleArn=rule_arn)


def create_target_group(client: t.Any, request: dict[str, t.Any]) -> str:
    """The ARN of the new target group."""
    return str(client.create_target_group(**request)["TargetGroups"][0]["TargetGroupArn"])


def modify_target_group(client: t.Any, arn: str, health_check: dict[str, t.Any]) -> None:
    """Replace the members of its health check that are given."""
    client.modify_target_group(TargetGroupArn=arn, **health_check)


def delete_target_group(client: t.Any, arn: str) -> None:
    client.delete_target_group(TargetGroupArn=arn)


def add_tags(client: t.Any, arn: str, wanted: dict[str, str]) -> None:
    client.add_tags(ResourceArns=[arn], Tags=[{"Key": key, "Value": value} for key, value in wanted.items()])


def tags(client: t.Any, arn: str) -> dict[str, str]:
    found = client.describe_tags(ResourceArns=[arn])["TagDescriptions"]
    return {tag["Key"]: tag.get("Value", "") for item in found for tag in item.get("Tags", [])}


def attributes(client: t.Any, arn: str) -> dict[str, str]:
    """The attributes of a load balancer, a target group or a listener, whichever this ARN names."""
    describe, argument = {
        "loadbalancer": (client.describe_load_balancer_attributes, "LoadBalancerArn"),
        "targetgroup": (client.describe_target_group_attributes, "TargetGroupArn"),
        "listener": (client.describe_listener_attributes, "ListenerArn"),
    }[kind_of(arn)]
    return {item["Key"]: item.get("Value", "") for item in describe(**{argument: arn})["Attributes"]}


def modify_attributes(client: t.Any, arn: str, wanted: dict[str, str]) -> None:
    modify, argument = {
        "loadbalancer": (client.modify_load_balancer_attributes, "LoadBalancerArn"),
        "targetgroup": (client.modify_target_group_attributes, "TargetGroupArn"),
        "listener": (client.modify_listener_attributes, "ListenerArn"),
    }[kind_of(arn)]
    modify(**{argument: arn, "Attributes": [{"Key": key, "Value": value} for key, value in wanted.items()]})


def kind_of(arn: str) -> str:
    """`loadbalancer`, `targetgroup` or `listener`; empty for anything else."""
    parts = arn.split(":", 5)
    kind = parts[5].split("/", 1)[0] if len(parts) == 6 and parts[2] == "elasticloadbalancing" else ""
    return kind if kind in ("loadbalancer", "targetgroup", "listener") else ""
