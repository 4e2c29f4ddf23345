# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads an Application Load Balancer, says where it differs from what is wanted, and finds target groups. Changes nothing."""

from __future__ import annotations

import typing as t

from .._aws import elbv2, wafv2
from .._platform import load_balancer as pure
from .._platform.differences import Change, in_words
from .._verb import Context, Verb, VerbFailure
from ._shared import Data

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
            "web_acl": {"type": "str"},
            "tags": {"type": "dict"},
        },
    },
    "target_groups": {"type": "list", "elements": "str", "default": []},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 900},
}

_POLL_SECONDS = 5.0


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    client = context.client("elbv2")
    if params["wait"] and params["load_balancer"] is not None:
        _wait(params["load_balancer"]["name"], params["wait_timeout"], context)
    balancer = _balancer(context, params["load_balancer"]) if params["load_balancer"] is not None else None
    changes: list[Change] = balancer.pop("changes") if balancer else []
    # Whoever only looks for the load balancer wants nothing of it.
    if params["load_balancer"] is not None and any(value is not None for key, value in params["load_balancer"].items() if key != "name"):
        for line in in_words(changes):
            context.progress(line)
    groups = {name: _group(elbv2.find_target_group(client, name)) for name in params["target_groups"]}
    return {"changed": False, "load_balancer": balancer, "target_groups": groups, "differs": bool(changes)}


def _wait(name: str, timeout: int, context: Context) -> None:
    """Until the load balancer has left the state `provisioning`, in which it answers nobody."""
    client, clock = context.client("elbv2"), context.clock
    deadline = clock.monotonic() + timeout
    said = False
    while True:
        state = ((elbv2.find_load_balancer(client, name) or {}).get("State")) or {}
        if state.get("Code") == "failed":
            raise VerbFailure(f"AWS could not create the load balancer {name}: {state.get('Reason') or 'it gives no reason'}")
        if state.get("Code") != "provisioning":
            return
        if clock.monotonic() >= deadline:
            raise VerbFailure(
                f"wait_timeout: the load balancer {name} is still being created after {timeout} s. Run this again to wait longer."
            )
        if not said:
            context.progress(f"waiting for the load balancer {name}")
            said = True
        clock.sleep(_POLL_SECONDS)


def _group(found: Data | None) -> Data:
    arn = found["TargetGroupArn"] if found else ""
    return {"arn": arn, "label": arn.rsplit(":", 1)[-1], "load_balancer_arns": found.get("LoadBalancerArns", []) if found else []}


def _balancer(context: Context, wanted: Data) -> Data:
    client = context.client("elbv2")
    found = elbv2.find_load_balancer(client, wanted["name"])
    arn = found["LoadBalancerArn"] if found else ""
    settings, fixed = pure.balancer_changes(found, elbv2.tags(client, arn) if arn and wanted["tags"] else {}, wanted)
    where = f"load balancer {wanted['name']}"
    attributes: dict[str, Change] = {}
    if arn and wanted["attributes"]:
        attributes = pure.attribute_changes(where, elbv2.attributes(client, arn), wanted["attributes"])
    firewall: list[Change] = []
    in_front = ""
    if wanted["web_acl"] is not None:
        in_front = wafv2.web_acl_of(context.client("wafv2"), arn) if arn else ""
        if in_front != wanted["web_acl"]:
            firewall.append((f"{where} web ACL: {in_front}" if in_front else "", f"{where} web ACL: {wanted['web_acl'] or 'none'}"))
    return {
        "arn": arn,
        "label": arn.split(":loadbalancer/", 1)[-1],
        "dns_name": found["DNSName"] if found else "",
        "zone_id": found.get("CanonicalHostedZoneId", "") if found else "",
        "state": (found.get("State") or {}).get("Code", "") if found else "absent",
        "differences": in_words(settings),
        "fixed_differences": in_words(fixed),
        "attributes": {key: pure.attribute_text((wanted["attributes"] or {})[key]) for key in attributes},
        "web_acl": in_front,
        "web_acl_differs": bool(firewall),
        "changes": [*settings, *fixed, *attributes.values(), *firewall],
    }


VERB = Verb(name="alb_info", argument_spec=ARGUMENT_SPEC, run=run)
