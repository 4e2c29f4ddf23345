# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names in DNS and the hosted zones that hold them. Pure."""

from __future__ import annotations

import re
import typing as t

Data = dict[str, t.Any]

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def canonical(name: str) -> str:
    """`name` as Route 53 keeps it: in lower case, with a dot at its end."""
    return name.lower().rstrip(".") + "."


def name_fault(name: str) -> str:
    """Why this is no name for a host; empty when it is one. An asterisk may stand for the first label."""
    labels = name.lower().rstrip(".").split(".")
    if len(labels) < 2:
        return f"{name!r} has no dot. Give the whole name, for example api.example.com."
    if len(name) > 253:
        return f"{name!r} is longer than the 253 characters that DNS has room for."
    for index, label in enumerate(labels):
        if not _LABEL.fullmatch(label) and not (index == 0 and label == "*"):
            return f"{name!r} is no name in DNS because of {label!r}. Use letters, digits and hyphens between dots."
    return ""


def zone_for(name: str, zones: list[Data], wanted: str | None = None) -> Data | None:
    """The public zone that holds `name`: the one with the longest name of those that end it.

    `wanted` is the name or the ID of a zone; then it is that one, or none.
    """
    host = canonical(name)
    if wanted:
        matching = [zone for zone in zones if zone_id(zone) == wanted or (is_public(zone) and zone["Name"] == canonical(wanted))]
    else:
        matching = [zone for zone in zones if is_public(zone)]
    matching = [zone for zone in matching if host == zone["Name"] or host.endswith("." + zone["Name"])]
    return max(matching, key=lambda zone: len(zone["Name"]), default=None)


def zone_id(zone: Data) -> str:
    """`Z0123` of `/hostedzone/Z0123`."""
    return str(zone["Id"]).rsplit("/", 1)[-1]


def is_public(zone: Data) -> bool:
    """Whether the zone answers the internet; a private one answers only inside of its VPCs."""
    return not (zone.get("Config") or {}).get("PrivateZone", False)


def same_alias(found: Data | None, target: str, target_zone_id: str, evaluate: bool) -> bool:
    """Whether a record set is an alias of this target. Route 53 puts `dualstack.` before a load balancer's name only when told to."""
    alias: Data = (found or {}).get("AliasTarget") or {}
    return bool(alias) and (
        canonical(alias["DNSName"]) == canonical(target)
        and alias["HostedZoneId"] == target_zone_id
        and bool(alias.get("EvaluateTargetHealth")) == evaluate
    )
