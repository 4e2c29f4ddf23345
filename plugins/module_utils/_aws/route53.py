# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amazon Route 53: one function per API call, plain data out."""

from __future__ import annotations

import typing as t


def hosted_zones(client: t.Any) -> list[dict[str, t.Any]]:
    """All hosted zones of the account, private ones too."""
    return [dict(zone) for page in client.get_paginator("list_hosted_zones").paginate() for zone in page.get("HostedZones", [])]


def record(client: t.Any, zone_id: str, name: str, kind: str) -> dict[str, t.Any] | None:
    """The one record set of this name and type, or None. `name` ends with a dot."""
    answer = client.list_resource_record_sets(HostedZoneId=zone_id, StartRecordName=name, StartRecordType=kind, MaxItems="1")
    for found in answer.get("ResourceRecordSets", []):
        # Route 53 writes an asterisk as \052, and begins with the next record where there is none of this name.
        if found["Name"].replace("\\052", "*") == name and found["Type"] == kind:
            return dict(found)
    return None


def change_records(client: t.Any, zone_id: str, changes: list[dict[str, t.Any]], comment: str) -> None:
    """Make these changes together, or none of them."""
    client.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Comment": comment, "Changes": changes})
