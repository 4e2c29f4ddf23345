# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registers a task definition, and only when it differs from the newest active revision of its family."""

from __future__ import annotations

import typing as t

from .._aws import ecs
from .._taskdef.checks import problems
from .._taskdef.differences import diff_text, differences
from .._taskdef.reading import registrable
from .._verb import Context, Verb, VerbFailure
from ._shared import plain, short

ARGUMENT_SPEC: dict[str, t.Any] = {"definition": {"type": "dict", "required": True}}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    wanted = registrable(params["definition"])
    found = problems(wanted)
    if found:
        raise VerbFailure("The task definition cannot be registered:\n  " + "\n  ".join(found), problems=found)
    client = context.client("ecs")
    family = wanted["family"]
    newest = ecs.newest_active_revision(client, family)
    current = ecs.describe_task_definition(client, newest, tags=True) if newest else None
    compared = current
    if compared is not None and "tags" not in wanted:
        compared = {key: value for key, value in compared.items() if key != "tags"}
    changes = differences(compared, wanted)
    result: dict[str, t.Any] = {
        "changed": bool(changes) or current is None,
        "differences": plain(changes),
        "diff": diff_text(compared, wanted, short(newest) or f"{family} (no active revision)", f"{family} (to register)"),
        "family": family,
    }
    if not result["changed"]:
        return {**result, **_described(current or {})}
    if context.check_mode:
        # The number is ECS's to give: revisions that were deregistered count as well.
        return {**result, "task_definition_arn": None, "revision": None, "task_definition": plain(wanted)}
    registered = ecs.register_task_definition(client, wanted)
    context.progress(f"registered {short(registered['taskDefinitionArn'])}: {_summary(changes)}")
    return {**result, **_described(registered)}


def _described(definition: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        "task_definition_arn": definition["taskDefinitionArn"],
        "revision": definition["revision"],
        "task_definition": plain(registrable(definition)),
    }


def _summary(changes: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    names = [f"{change['container']}.{change['field']}" if change["container"] else change["field"] for change in changes]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "") if names else "first revision"


VERB = Verb(name="ecs_task_definition", argument_spec=ARGUMENT_SPEC, run=run)
