# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps a target group of an Application Load Balancer: its health check, its attributes and its tags."""

from __future__ import annotations

import typing as t

from .._aws import elbv2
from .._platform import load_balancer as pure
from .._platform.differences import Change, as_diff, in_words
from .._platform.tags import pairs, texts
from .._verb import Context, Verb, VerbFailure
from ._shared import Data

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "target_type": {"type": "str", "choices": ["ip", "instance"], "default": "ip"},
    "protocol": {"type": "str", "choices": ["HTTP", "HTTPS"], "default": "HTTP"},
    "protocol_version": {"type": "str", "choices": ["HTTP1", "HTTP2", "GRPC"], "default": "HTTP1"},
    "port": {"type": "int"},
    "vpc_id": {"type": "str"},
    "health_check_protocol": {"type": "str", "choices": ["HTTP", "HTTPS"]},
    "health_check_port": {"type": "str"},
    "health_check_path": {"type": "str"},
    "health_check_interval": {"type": "int"},
    "health_check_timeout": {"type": "int"},
    "health_check_codes": {"type": "str"},
    "healthy_threshold": {"type": "int"},
    "unhealthy_threshold": {"type": "int"},
    "attributes": {"type": "dict", "default": {}},
    "tags": {"type": "dict", "default": {}},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    client, name = context.client("elbv2"), params["name"]
    if not pure.is_name(name):
        raise VerbFailure(f"name: {name!r} is no name of a target group. Use at most 32 letters, digits and hyphens between them.")
    found = elbv2.find_target_group(client, name)
    if params["state"] == "absent":
        if found is not None and not context.check_mode:
            elbv2.delete_target_group(client, found["TargetGroupArn"])
        return _result("", [(f"target group {name}", "")] if found is not None else [])
    if found is None:
        return _create(client, params, context)
    arn = found["TargetGroupArn"]
    tags = elbv2.tags(client, arn) if params["tags"] else {}
    changes, fixed = pure.group_changes(found, params)
    if fixed:
        raise VerbFailure(
            f"{', '.join(in_words(fixed))}: AWS cannot change that. Take it back, or give name another value; "
            "a service that uses the target group has to be created anew with the other one. Nothing was changed."
        )
    missing = pure.tag_changes(f"target group {name}", tags, params["tags"])
    attributes = pure.attribute_changes(f"target group {name}", elbv2.attributes(client, arn), params["attributes"])
    if not context.check_mode:
        if changes:
            elbv2.modify_target_group(client, arn, pure.health_check_request(params))
        if missing:
            elbv2.add_tags(client, arn, texts(params["tags"]))
        if attributes:
            elbv2.modify_attributes(client, arn, {key: pure.attribute_text(params["attributes"][key]) for key in attributes})
    return _result(arn, [*changes, *missing, *attributes.values()])


def _create(client: t.Any, params: Data, context: Context) -> dict[str, t.Any]:
    for option in ("port", "vpc_id"):
        if params[option] is None:
            raise VerbFailure(f"{option}: the target group {params['name']} does not exist, and cannot be created without it.")
    changes: list[Change] = [("", f"target group {params['name']}")]
    if context.check_mode:
        return _result("", changes)
    request = {
        "Name": params["name"],
        "TargetType": params["target_type"],
        "Protocol": params["protocol"],
        "ProtocolVersion": params["protocol_version"],
        "Port": params["port"],
        "VpcId": params["vpc_id"],
        **pure.health_check_request(params),
    }
    if params["tags"]:
        request["Tags"] = pairs(params["tags"])
    arn = elbv2.create_target_group(client, request)
    if params["attributes"]:
        elbv2.modify_attributes(client, arn, {key: pure.attribute_text(value) for key, value in params["attributes"].items()})
    return _result(arn, changes)


def _result(arn: str, changes: list[Change]) -> dict[str, t.Any]:
    return {"changed": bool(changes), "arn": arn, "label": arn.rsplit(":", 1)[-1], "diff": as_diff(changes)}


VERB = Verb(name="alb_target_group", argument_spec=ARGUMENT_SPEC, run=run)
