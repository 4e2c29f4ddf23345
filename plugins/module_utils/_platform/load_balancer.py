# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Application Load Balancers and target groups: what there is against what is wanted. Pure.

Elastic Load Balancing fills in what was left out of an action or a condition, says some things twice, and keeps no order. None of that
is a difference.
"""

from __future__ import annotations

import json
import typing as t

from .differences import Change, of_members

Data = dict[str, t.Any]

# What a redirect keeps of the request where it says nothing else (API reference, RedirectActionConfig).
_REDIRECT = {"Protocol": "#{protocol}", "Port": "#{port}", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}"}
# The member of a condition that holds its values, for each field (API reference, RuleCondition).
_CONFIG = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}
_DEFAULT_TLS_POLICY = "ELBSecurityPolicy-2016-08"


def balancer_changes(found: Data | None, tags: dict[str, str], wanted: Data) -> tuple[list[Change], list[Change]]:
    """Differences of a load balancer's own settings: those that can be put right, and those that only another load balancer could.

    Members of `wanted` that are None are left alone.
    """
    name = wanted["name"]
    if found is None:
        return [("", f"load balancer {name}")], []
    where = f"load balancer {name}"
    there = {
        "ip_address_type": found.get("IpAddressType"),
        "subnets": sorted(zone["SubnetId"] for zone in found.get("AvailabilityZones", [])),
        "security_groups": sorted(found.get("SecurityGroups", [])),
    }
    asked = {key: sorted(wanted[key]) if isinstance(wanted[key], list) else wanted[key] for key in there}
    changes = [*of_members(where, there, asked), *tag_changes(where, tags, wanted.get("tags"))]
    return changes, of_members(where, {"scheme": found.get("Scheme")}, {"scheme": wanted["scheme"]})


def tag_changes(where: str, found: dict[str, str], wanted: dict[str, t.Any] | None) -> list[Change]:
    """Tags that are missing or other. One that nobody asked for is left alone."""
    return of_members(f"{where} tag", found, {key: str(value) for key, value in (wanted or {}).items()})


def attribute_changes(where: str, found: dict[str, str], wanted: dict[str, t.Any] | None) -> dict[str, Change]:
    """The attributes to set, by their keys."""
    asked = {key: attribute_text(value) for key, value in (wanted or {}).items()}
    return {key: of_members(where, found, {key: value})[0] for key, value in asked.items() if found.get(key) != value}


def attribute_text(value: t.Any) -> str:
    """An attribute as the API spells it: `true`, `60`, a word."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def listener_changes(found: list[Data], wanted: list[Data], arns: dict[str, str]) -> list[Change]:
    """Differences of listeners by their port, without their rules. A listener that nobody asked for is to go.

    `arns` has the ARN of each target group that exists, by its name.
    """
    there = {int(item["Port"]): _listener(item, arns) for item in found}
    asked = {int(item["Port"]): _listener(item, arns) for item in wanted}
    changes = []
    for port in sorted(there.keys() | asked.keys()):
        before, after = there.get(port), asked.get(port)
        if before is None or after is None:
            changes.append((_line(f"listener {port}", before), _line(f"listener {port}", after)))
        else:
            changes += of_members(f"listener {port}", before, after)
    return changes


def rule_changes(port: int, found: list[Data], wanted: list[Data], arns: dict[str, str]) -> list[Change]:
    """Differences of the rules of a listener by their priority, the default action left out. A rule that nobody asked for is to go."""
    there = {str(item["Priority"]): _rule(item, arns) for item in found if str(item["Priority"]) != "default"}
    asked = {str(item["Priority"]): _rule(item, arns) for item in wanted}
    return [
        (_line(f"listener {port} rule {priority}", there.get(priority)), _line(f"listener {port} rule {priority}", asked.get(priority)))
        for priority in sorted(there.keys() | asked.keys(), key=int)
        if there.get(priority) != asked.get(priority)
    ]


def group_changes(found: Data | None, tags: dict[str, str], wanted: Data) -> tuple[list[Change], list[Change]]:
    """Differences of a target group: those that can be put right, and those that only another target group could."""
    name = wanted["name"]
    if found is None:
        return [("", f"target group {name}")], []
    where = f"target group {name}"
    fixed = {
        "target_type": found.get("TargetType"),
        "protocol": found.get("Protocol"),
        "protocol_version": found.get("ProtocolVersion"),
        "port": found.get("Port"),
        "vpc_id": found.get("VpcId"),
    }
    there = {
        "health_check_protocol": found.get("HealthCheckProtocol"),
        "health_check_port": found.get("HealthCheckPort"),
        "health_check_path": found.get("HealthCheckPath"),
        "health_check_interval": found.get("HealthCheckIntervalSeconds"),
        "health_check_timeout": found.get("HealthCheckTimeoutSeconds"),
        "health_check_codes": (found.get("Matcher") or {}).get("HttpCode"),
        "healthy_threshold": found.get("HealthyThresholdCount"),
        "unhealthy_threshold": found.get("UnhealthyThresholdCount"),
    }
    changes = of_members(where, there, {key: wanted.get(key) for key in there})
    return [*changes, *tag_changes(where, tags, wanted.get("tags"))], of_members(where, fixed, {key: wanted.get(key) for key in fixed})


def _listener(item: Data, arns: dict[str, str]) -> Data:
    secure = item["Protocol"] == "HTTPS"
    certificates = item.get("Certificates") or []
    return {
        "protocol": item["Protocol"],
        # A listener without TLS has neither.
        "ssl_policy": (item.get("SslPolicy") or _DEFAULT_TLS_POLICY) if secure else None,
        "certificate": certificates[0]["CertificateArn"] if secure and certificates else None,
        "default": _actions(item["DefaultActions"], arns),
    }


def _rule(item: Data, arns: dict[str, str]) -> Data:
    return {"conditions": sorted(map(_condition, item["Conditions"])), "actions": _actions(item["Actions"], arns)}


def _actions(actions: list[Data], arns: dict[str, str]) -> list[Data]:
    # The API answers in the order of their `Order`, which the last action alone may leave out.
    ordered = sorted(actions, key=lambda action: int(action.get("Order") or 50000))
    return [_action(action, arns) for action in ordered]


def _action(action: Data, arns: dict[str, str]) -> Data:
    kind = action["Type"]
    if kind == "forward":
        config = action.get("ForwardConfig") or {}
        targets = config.get("TargetGroups") or [action]
        stickiness = config.get("TargetGroupStickinessConfig") or {}
        forward: Data = {"Type": kind, "TargetGroups": sorted([_target(item, arns), int(item.get("Weight", 1))] for item in targets)}
        if len(targets) == 1:
            # All that comes goes to the one, whatever its weight.
            forward["TargetGroups"][0][1] = 1
        if stickiness.get("Enabled"):
            forward["Stickiness"] = int(stickiness["DurationSeconds"])
        return forward
    if kind == "redirect":
        return {"Type": kind, **_REDIRECT, **{key: str(value) for key, value in action["RedirectConfig"].items()}}
    member = {"fixed-response": "FixedResponseConfig", "authenticate-oidc": "AuthenticateOidcConfig"}.get(kind, "")
    # A secret is never shown by the API, so it cannot be compared.
    settings = {key: value for key, value in (action.get(member) or {}).items() if key not in ("ClientSecret", "UseExistingClientSecret")}
    return {"Type": kind, **settings} if member else {key: value for key, value in action.items() if key != "Order"}


def _target(item: Data, arns: dict[str, str]) -> str:
    """The ARN of a target group, or its name while it has none."""
    name = item.get("TargetGroupName")
    return str(arns.get(name, name) if name else item["TargetGroupArn"])


def _condition(condition: Data) -> tuple[str, str, list[str]]:
    field = condition["Field"]
    config = condition.get(_CONFIG.get(field, "")) or {}
    values = config.get("Values") or condition.get("Values") or []
    return field, config.get("HttpHeaderName", ""), sorted(json.dumps(value, sort_keys=True) for value in values)


def _line(where: str, value: t.Any) -> str:
    return f"{where}: {json.dumps(value, sort_keys=True)}" if value is not None else ""
