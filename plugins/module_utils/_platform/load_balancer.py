# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Application Load Balancers and target groups: what there is against what is wanted. Pure.

Elastic Load Balancing fills in what was left out of an action or a condition, says some things twice, and keeps no order. None of that
is a difference.
"""

from __future__ import annotations

import json
import re
import typing as t

from .differences import Change, of_members
from .tags import texts

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
_NAME = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
# What a listener gets that was made through the API without a policy ("Security policies for your Application Load Balancer").
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
    return of_members(f"{where} tag", found, texts(wanted or {}))


def attribute_changes(where: str, found: dict[str, str], wanted: dict[str, t.Any] | None) -> dict[str, Change]:
    """The attributes to set, by their keys."""
    asked = {key: attribute_text(value) for key, value in (wanted or {}).items()}
    return {key: of_members(where, found, {key: value})[0] for key, value in asked.items() if found.get(key) != value}


def attribute_text(value: t.Any) -> str:
    """An attribute as the API spells it: `true`, `60`, a word."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def listener_change(found: Data | None, wanted: Data | None) -> list[Change]:
    """Differences of the listener of a port, without its rules. Of two that are both there, only what differs is named."""
    port = int((wanted or found or {})["Port"])
    before, after = (_listener(item) if item else None for item in (found, wanted))
    if before is None or after is None:
        return [(_line(f"listener {port}", before), _line(f"listener {port}", after))]
    return of_members(f"listener {port}", before, after)


def certificate_changes(found: list[Data], wanted: Data) -> dict[str, Change]:
    """Differences of the certificates that a listener has besides its default one, by their ARNs.

    `found` is what DescribeListenerCertificates shows. The default one may be in the list as well: that is no difference either way.
    """
    port, default = int(wanted["Port"]), {item["CertificateArn"] for item in (wanted.get("Certificates") or [])[:1]}
    there = {item["CertificateArn"] for item in found if not item.get("IsDefault")} - default
    asked = set(wanted["ExtraCertificates"]) - default
    lines = {arn: f"listener {port} extra certificate: {arn}" for arn in sorted(there ^ asked)}
    return {arn: (line, "") if arn in there else ("", line) for arn, line in lines.items()}


def rule_changes(port: int, found: list[Data], wanted: list[Data]) -> dict[str, Change]:
    """Differences of the rules of a listener by their priority, the default action left out. A rule that nobody asked for is to go."""
    there = {str(item["Priority"]): _rule(item) for item in found if str(item["Priority"]) != "default"}
    asked = {str(item["Priority"]): _rule(item) for item in wanted}
    return {
        priority: (
            _line(f"listener {port} rule {priority}", there.get(priority)),
            _line(f"listener {port} rule {priority}", asked.get(priority)),
        )
        for priority in sorted(there.keys() | asked.keys(), key=int)
        if there.get(priority) != asked.get(priority)
    }


def target_group_names(listeners: list[Data]) -> set[str]:
    """The target groups that listeners and their rules name instead of giving their ARNs."""
    return {item["TargetGroupName"] for action in _every_action(listeners) for item in _targets(action) if item.get("TargetGroupName")}


def with_arns(listeners: list[Data], arns: dict[str, str]) -> list[Data]:
    """The same listeners with ARNs in the place of names of target groups. A name without an ARN stays, as an ARN that is none."""

    def actions(items: list[Data]) -> list[Data]:
        return [_with_arns(action, arns) for action in items]

    return [
        {
            **listener,
            "DefaultActions": actions(listener["DefaultActions"]),
            "Rules": [{**rule, "Actions": actions(rule["Actions"])} for rule in listener.get("Rules") or []],
        }
        for listener in listeners
    ]


def _with_arns(action: Data, arns: dict[str, str]) -> Data:
    def named(item: Data) -> Data:
        name = item.get("TargetGroupName")
        kept = {key: value for key, value in item.items() if key != "TargetGroupName"}
        return {**kept, "TargetGroupArn": arns.get(name, name)} if name else kept

    changed = named(action)
    config = changed.get("ForwardConfig")
    if config:
        changed["ForwardConfig"] = {**config, "TargetGroups": [named(item) for item in config["TargetGroups"]]}
    return changed


def _every_action(listeners: list[Data]) -> t.Iterator[Data]:
    for listener in listeners:
        yield from listener["DefaultActions"]
        for rule in listener.get("Rules") or []:
            yield from rule["Actions"]


def _targets(action: Data) -> list[Data]:
    return (action.get("ForwardConfig") or {}).get("TargetGroups") or [action]


def is_name(name: str) -> bool:
    """Whether this can be the name of a load balancer or a target group (API reference, CreateTargetGroup)."""
    return bool(_NAME.fullmatch(name)) and len(name) <= 32


# The option of a health check, and what the API calls it.
_HEALTH_CHECK = {
    "health_check_protocol": "HealthCheckProtocol",
    "health_check_port": "HealthCheckPort",
    "health_check_path": "HealthCheckPath",
    "health_check_interval": "HealthCheckIntervalSeconds",
    "health_check_timeout": "HealthCheckTimeoutSeconds",
    "healthy_threshold": "HealthyThresholdCount",
    "unhealthy_threshold": "UnhealthyThresholdCount",
}
# What a target group has for ever.
_FIXED = {"target_type": "TargetType", "protocol": "Protocol", "protocol_version": "ProtocolVersion", "port": "Port", "vpc_id": "VpcId"}


def health_check_request(wanted: Data) -> Data:
    """The health check in the API's words, without what is left out."""
    request = {member: wanted[option] for option, member in _HEALTH_CHECK.items() if wanted.get(option) is not None}
    codes = wanted.get("health_check_codes")
    if codes is not None:
        request["Matcher"] = {_matcher(wanted.get("protocol_version")): codes}
    return request


def group_changes(found: Data, wanted: Data) -> tuple[list[Change], list[Change]]:
    """Differences of a target group: those of its health check, and those that only another target group could put right."""
    where = f"target group {wanted['name']}"
    fixed = {option: found.get(member) for option, member in _FIXED.items()}
    there = {option: found.get(member) for option, member in _HEALTH_CHECK.items()}
    there["health_check_codes"] = (found.get("Matcher") or {}).get(_matcher(found.get("ProtocolVersion")))
    return (
        of_members(where, there, {option: wanted.get(option) for option in there}),
        of_members(where, fixed, {option: wanted.get(option) for option in fixed}),
    )


def _matcher(protocol_version: str | None) -> str:
    return "GrpcCode" if protocol_version == "GRPC" else "HttpCode"


def _listener(item: Data) -> Data:
    secure = item["Protocol"] == "HTTPS"
    certificates = item.get("Certificates") or []
    return {
        "protocol": item["Protocol"],
        # A listener without TLS has neither.
        "ssl_policy": (item.get("SslPolicy") or _DEFAULT_TLS_POLICY) if secure else None,
        "certificate": certificates[0]["CertificateArn"] if secure and certificates else None,
        "default": _actions(item["DefaultActions"]),
    }


def _rule(item: Data) -> Data:
    return {"conditions": sorted(map(_condition, item["Conditions"])), "actions": _actions(item["Actions"])}


def _actions(actions: list[Data]) -> list[Data]:
    # The API answers in the order of their `Order`, which the last action alone may leave out.
    ordered = sorted(actions, key=lambda action: int(action.get("Order") or 50000))
    return [_action(action) for action in ordered]


def _action(action: Data) -> Data:
    kind = action["Type"]
    if kind == "forward":
        targets = _targets(action)
        stickiness = (action.get("ForwardConfig") or {}).get("TargetGroupStickinessConfig") or {}
        forward: Data = {"Type": kind, "TargetGroups": sorted([item["TargetGroupArn"], int(item.get("Weight", 1))] for item in targets)}
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


def _condition(condition: Data) -> tuple[str, str, list[str]]:
    field = condition["Field"]
    config = condition.get(_CONFIG.get(field, "")) or {}
    values = config.get("Values") or condition.get("Values") or []
    return field, config.get("HttpHeaderName", ""), sorted(json.dumps(value, sort_keys=True) for value in values)


def _line(where: str, value: t.Any) -> str:
    return f"{where}: {json.dumps(value, sort_keys=True)}" if value is not None else ""
