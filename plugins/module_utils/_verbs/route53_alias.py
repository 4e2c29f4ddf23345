# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps alias records of several names on one target, all in one look and one change."""

from __future__ import annotations

import typing as t

from .._aws import route53
from .._platform.differences import Change, as_diff
from .._platform.names import canonical, name_fault, same_alias, zone_for, zone_id
from .._verb import Context, Verb, VerbFailure
from ._shared import Data

ARGUMENT_SPEC: dict[str, t.Any] = {
    "names": {"type": "list", "elements": "str", "required": True},
    "zone": {"type": "str"},
    "target": {"type": "str"},
    "target_zone_id": {"type": "str"},
    "ipv6": {"type": "bool", "default": False},
    "evaluate_target_health": {"type": "bool", "default": False},
    "overwrite": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    names = list(dict.fromkeys(canonical(name) for name in params["names"]))
    for name in names:
        if name_fault(name):
            raise VerbFailure(f"names: {name_fault(name)}")
    client = context.client("route53")
    zones = route53.hosted_zones(client)
    batches: dict[str, list[Data]] = {}
    diff: list[Change] = []
    for name in names:
        zone = zone_for(name.removeprefix("*."), zones, params["zone"])
        if zone is None:
            there = ", ".join(sorted(item["Name"].rstrip(".") for item in zones)) or "none"
            raise VerbFailure(
                f"zone: {name.rstrip('.')} is in no hosted zone{' ' + params['zone'] if params['zone'] else ''} of this account; "
                f"there are: {there}. Create the zone, or name the right one. Nothing was changed."
            )
        for kind in ("A", "AAAA"):
            change, line = _change(route53.record(client, zone_id(zone), name, kind), name, kind, params)
            if change:
                batches.setdefault(zone_id(zone), []).append(change)
                diff.append(line)
    if not context.check_mode:
        for zone_key, batch in batches.items():
            route53.change_records(client, zone_key, batch, "Alias records, by steadystate.ecs")
    return {"changed": bool(diff), "names": [name.rstrip(".") for name in names], "diff": as_diff(diff)}


def _change(found: Data | None, name: str, kind: str, params: Data) -> tuple[Data | None, Change]:
    """What has to be done about one record, and that as a line."""
    there = f"{name} {kind} {_says(found)}" if found else ""
    wanted = params["state"] == "present" and (kind == "A" or params["ipv6"])
    if wanted:
        if same_alias(found, params["target"], params["target_zone_id"], params["evaluate_target_health"]):
            return None, ("", "")
        if found and "AliasTarget" not in found and not params["overwrite"]:
            raise VerbFailure(
                f"names: {name.rstrip('.')} has an {kind} record that is no alias: {_says(found)}. "
                "Remove it, or set overwrite to true. Nothing was changed."
            )
        alias = {
            "DNSName": canonical(params["target"]),
            "HostedZoneId": params["target_zone_id"],
            "EvaluateTargetHealth": params["evaluate_target_health"],
        }
        record_set = {"Name": name, "Type": kind, "AliasTarget": alias}
        return {"Action": "UPSERT", "ResourceRecordSet": record_set}, (there, f"{name} {kind} {_says(record_set)}")
    # Only an alias of this target is ours to remove; without a target, any alias is.
    if found is None or "AliasTarget" not in found:
        return None, ("", "")
    if params["target"] and canonical(found["AliasTarget"]["DNSName"]) != canonical(params["target"]):
        return None, ("", "")
    return {"Action": "DELETE", "ResourceRecordSet": found}, (there, "")


def _says(record_set: Data) -> str:
    alias = record_set.get("AliasTarget")
    if alias:
        evaluated = str(bool(alias["EvaluateTargetHealth"])).lower()
        return f"alias {alias['DNSName']} in {alias['HostedZoneId']}, evaluate_target_health {evaluated}"
    return ", ".join(item["Value"] for item in record_set.get("ResourceRecords", []))


VERB = Verb(
    name="route53_alias",
    argument_spec=ARGUMENT_SPEC,
    run=run,
    required_if=(("state", "present", ("target", "target_zone_id")),),
    required_together=(("target", "target_zone_id"),),
)
