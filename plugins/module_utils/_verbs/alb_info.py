# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads an Application Load Balancer and target groups, and says where they differ from what is wanted. Changes nothing."""

from __future__ import annotations

import typing as t

from .._aws import elbv2, wafv2
from .._platform import load_balancer as pure
from .._platform.differences import Change, in_words
from .._verb import Context, Verb, VerbFailure
from ._shared import Data

_GROUP_OPTIONS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "target_type": {"type": "str", "choices": ["ip", "instance"]},
    "protocol": {"type": "str", "choices": ["HTTP", "HTTPS"]},
    "protocol_version": {"type": "str", "choices": ["HTTP1", "HTTP2", "GRPC"]},
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
    "attributes": {"type": "dict"},
    "tags": {"type": "dict"},
}
ARGUMENT_SPEC: dict[str, t.Any] = {
    "load_balancer": {
        "type": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "scheme": {"type": "str", "choices": ["internet-facing", "internal"]},
            "ip_address_type": {"type": "str", "choices": ["ipv4", "dualstack", "dualstack-without-public-ipv4"]},
            "subnets": {"type": "list", "elements": "str"},
            "security_groups": {"type": "list", "elements": "str"},
            "attributes": {"type": "dict"},
            "listeners": {"type": "list", "elements": "dict"},
            "web_acl": {"type": "str"},
            "tags": {"type": "dict"},
        },
    },
    "target_groups": {"type": "list", "elements": "dict", "default": [], "options": _GROUP_OPTIONS},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    client = context.client("elbv2")
    wanted = params["load_balancer"]
    if wanted is not None:
        _check_listeners(wanted["listeners"] or [])
    groups, arns = {}, {}
    for group in params["target_groups"]:
        read = _group(client, group)
        groups[group["name"]] = read
        if read["arn"]:
            arns[group["name"]] = read["arn"]
    balancer = _balancer(context, wanted, arns) if wanted is not None else None
    every = [*(balancer or {}).get("changes", []), *(change for group in groups.values() for change in group["changes"])]
    for line in in_words(every):
        context.progress(line)
    shown = [{key: value for key, value in item.items() if key != "changes"} for item in (balancer, *groups.values()) if item]
    return {
        "changed": False,
        "load_balancer": shown[0] if balancer else None,
        "target_groups": dict(zip(groups, shown[1:] if balancer else shown, strict=True)),
        "differs": bool(every),
    }


def _check_listeners(listeners: list[Data]) -> None:
    for index, listener in enumerate(listeners):
        missing = [key for key in ("Port", "Protocol", "DefaultActions") if key not in listener]
        if missing:
            raise VerbFailure(f"load_balancer.listeners[{index}]: has no {', '.join(missing)}. Write it as the API does.")
        if listener["Protocol"] == "HTTPS" and not listener.get("Certificates"):
            raise VerbFailure(f"load_balancer.listeners[{index}]: HTTPS needs Certificates, a list with one CertificateArn.")


def _group(client: t.Any, wanted: Data) -> Data:
    found = elbv2.find_target_group(client, wanted["name"])
    arn = found["TargetGroupArn"] if found else ""
    tags = elbv2.tags(client, arn) if arn and wanted["tags"] else {}
    changes, fixed = pure.group_changes(found, tags, wanted)
    attributes = {}
    if arn and wanted["attributes"]:
        attributes = pure.attribute_changes(f"target group {wanted['name']}", elbv2.attributes(client, arn), wanted["attributes"])
    return {
        "arn": arn,
        "label": arn.rsplit(":", 1)[-1],
        "load_balancer_arns": found.get("LoadBalancerArns", []) if found else [],
        "differences": in_words(changes),
        "fixed_differences": in_words(fixed),
        "attributes": {key: pure.attribute_text((wanted["attributes"] or {})[key]) for key in attributes},
        "changes": [*changes, *fixed, *attributes.values()],
    }


def _balancer(context: Context, wanted: Data, arns: dict[str, str]) -> Data:
    client = context.client("elbv2")
    found = elbv2.find_load_balancer(client, wanted["name"])
    arn = found["LoadBalancerArn"] if found else ""
    settings, fixed = pure.balancer_changes(found, elbv2.tags(client, arn) if arn and wanted["tags"] else {}, wanted)
    where = f"load balancer {wanted['name']}"
    attributes: dict[str, Change] = {}
    if arn and wanted["attributes"]:
        attributes = pure.attribute_changes(where, elbv2.attributes(client, arn), wanted["attributes"])
    listeners, rules, without = _listeners(client, arn, wanted["listeners"], arns)
    firewall: list[Change] = []
    if wanted["web_acl"] is not None:
        name = wafv2.web_acl_of(context.client("wafv2"), arn) if arn else ""
        if name != wanted["web_acl"]:
            firewall.append((f"{where} web ACL: {name}" if name else "", f"{where} web ACL: {wanted['web_acl'] or 'none'}"))
    return {
        "arn": arn,
        "label": arn.split(":loadbalancer/", 1)[-1],
        "dns_name": found["DNSName"] if found else "",
        "zone_id": found.get("CanonicalHostedZoneId", "") if found else "",
        "state": (found.get("State") or {}).get("Code", "") if found else "absent",
        "differences": in_words(settings),
        "fixed_differences": in_words(fixed),
        "listener_differences": in_words(listeners),
        "rule_differences": in_words(rules),
        "new_ports": without,
        "attributes": {key: pure.attribute_text((wanted["attributes"] or {})[key]) for key in attributes},
        "web_acl_differs": bool(firewall),
        "changes": [*settings, *fixed, *listeners, *rules, *attributes.values(), *firewall],
    }


def _listeners(client: t.Any, arn: str, wanted: list[Data] | None, arns: dict[str, str]) -> tuple[list[Change], list[Change], list[int]]:
    """Differences of the listeners, of their rules, and the ports that have no listener yet."""
    if wanted is None:
        return [], [], []
    found = elbv2.listeners(client, arn) if arn else []
    by_port = {int(item["Port"]): item for item in found}
    rules = []
    for listener in wanted:
        port = int(listener["Port"])
        # Of a listener that is to be made, every rule is.
        there = elbv2.rules(client, by_port[port]["ListenerArn"]) if port in by_port else []
        rules += pure.rule_changes(port, there, listener.get("Rules") or [], arns)
    changes = pure.listener_changes(found, wanted, arns)
    return changes, rules, [int(item["Port"]) for item in wanted if int(item["Port"]) not in by_port]


VERB = Verb(name="alb_info", argument_spec=ARGUMENT_SPEC, run=run)
