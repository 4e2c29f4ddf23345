# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads log groups and says which of them differ from what is wanted. Changes nothing."""

from __future__ import annotations

import typing as t

from .._aws import logs
from .._platform.differences import Change, in_words, of_members
from .._verb import Context, Verb
from ._shared import Data

ARGUMENT_SPEC: dict[str, t.Any] = {
    "log_groups": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "retention": {"type": "int"},
            "tags": {"type": "dict"},
        },
    },
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    client = context.client("logs")
    found = []
    every: list[Change] = []
    for wanted in params["log_groups"]:
        group = logs.log_group(client, wanted["name"])
        changes = _changes(client, group, wanted)
        every += changes
        found.append(
            {
                "name": wanted["name"],
                "exists": group is not None,
                "retention": (group or {}).get("retentionInDays"),
                "differences": in_words(changes),
            }
        )
    for line in in_words(every):
        context.progress(line)
    differing = [item["name"] for item in found if item["differences"]]
    return {"changed": False, "log_groups": found, "differing": differing}


def _changes(client: t.Any, group: Data | None, wanted: Data) -> list[Change]:
    where = f"log group {wanted['name']}"
    if group is None:
        return [("", where)]
    changes = of_members(where, {"retention": group.get("retentionInDays")}, {"retention": wanted["retention"]})
    if wanted["tags"]:
        tags = {str(key): str(value) for key, value in wanted["tags"].items()}
        changes += of_members(f"{where} tag", logs.log_group_tags(client, group["arn"]), tags)
    return changes


VERB = Verb(name="log_group_info", argument_spec=ARGUMENT_SPEC, run=run)
