# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amazon EventBridge rules: one function per API call, plain data out."""

from __future__ import annotations

import typing as t


def list_event_buses(client: t.Any) -> list[str]:
    return [str(item["Name"]) for item in _listed(client.list_event_buses, "EventBuses")]


def list_rules_by_target(client: t.Any, target_arn: str, bus: str) -> list[str]:
    """Names of the rules of a bus that have this target, such as a cluster's ARN."""
    return _listed(client.list_rule_names_by_target, "RuleNames", TargetArn=target_arn, EventBusName=bus)


def list_targets(client: t.Any, rule: str, bus: str) -> list[dict[str, t.Any]]:
    return _listed(client.list_targets_by_rule, "Targets", Rule=rule, EventBusName=bus)


def _listed(call: t.Callable[..., dict[str, t.Any]], member: str, **request: t.Any) -> list[t.Any]:
    found: list[t.Any] = []
    while True:
        answer = call(**request)
        found.extend(answer.get(member, []))
        if not answer.get("NextToken"):
            return found
        request["NextToken"] = answer["NextToken"]
