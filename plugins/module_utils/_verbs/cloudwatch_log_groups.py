# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps log groups: how long they keep their lines, and their tags."""

from __future__ import annotations

import typing as t

from .._aws import logs
from .._platform.differences import Change, as_diff, of_members
from .._platform.tags import texts
from .._verb import Context, Verb, VerbFailure
from ._shared import Data

ARGUMENT_SPEC: dict[str, t.Any] = {
    "log_groups": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "retention": {"type": "int"},
            "tags": {"type": "dict", "default": {}},
        },
    },
}

# What CloudWatch Logs takes (API reference, PutRetentionPolicy).
_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    for index, wanted in enumerate(params["log_groups"]):
        if wanted["retention"] is not None and wanted["retention"] not in _DAYS:
            raise VerbFailure(
                f"log_groups[{index}].retention: {wanted['retention']} days cannot be kept. Use one of {', '.join(map(str, _DAYS))}."
            )
    client = context.client("logs")
    changes: list[Change] = []
    for wanted in params["log_groups"]:
        changes += _settle(client, logs.log_group(client, wanted["name"]), wanted, context)
    return {"changed": bool(changes), "log_groups": [wanted["name"] for wanted in params["log_groups"]], "diff": as_diff(changes)}


def _settle(client: t.Any, found: Data | None, wanted: Data, context: Context) -> list[Change]:
    name, days = wanted["name"], wanted["retention"]
    where = f"log group {name}"
    tags = texts(wanted["tags"])
    retention = of_members(where, {"retention": (found or {}).get("retentionInDays")}, {"retention": days})
    missing = of_members(f"{where} tag", logs.log_group_tags(client, found["arn"]), tags) if found and tags else []
    if not context.check_mode:
        if found is None:
            logs.create_log_group(client, name, tags)
        if retention:
            logs.put_retention(client, name, days)
        if missing and found:
            logs.tag_log_group(client, found["arn"], tags)
    return [*retention, *missing] if found else [("", where)]


VERB = Verb(name="cloudwatch_log_groups", argument_spec=ARGUMENT_SPEC, run=run)
