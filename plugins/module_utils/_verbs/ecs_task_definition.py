# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registers a task definition, and only when it differs from the newest active revision of its family."""

from __future__ import annotations

import typing as t

from .._aws import ecs
from .._aws.connection import botocore_version
from .._aws.failures import error_code, error_message
from .._taskdef.checks import problems
from .._taskdef.differences import diff_text, differences
from .._taskdef.pruning import choose
from .._taskdef.reading import as_text, registrable
from .._verb import Context, Verb, VerbFailure
from ._revisions import used_revisions
from ._shared import plain, short

ARGUMENT_SPEC: dict[str, t.Any] = {
    "definition": {"type": "dict", "required": True},
    "tags": {"type": "dict"},
    "keep": {"type": "int"},
    "allow_plain": {"type": "list", "elements": "str"},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    wanted = registrable(params["definition"])
    if params["tags"] is not None:
        wanted["tags"] = [{"key": str(key), "value": as_text(value)} for key, value in params["tags"].items()]
    found = problems(wanted, params["allow_plain"] or [])
    if params["keep"] is not None and params["keep"] < 1:
        found.append(f"keep: at least 1 revision stays, this is {params['keep']}.")
    if found:
        raise VerbFailure("The task definition cannot be registered:\n  " + "\n  ".join(found), problems=found)
    client = context.client("ecs")
    strange = ecs.unknown_member(client, "RegisterTaskDefinition", wanted)
    if strange is not None:
        context.warn(f"{'.'.join(strange)}: botocore {botocore_version()} does not know it. It is sent all the same; check its spelling.")
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
        result.update(_described(current or {}))
    elif context.check_mode:
        # The number is ECS's to give: revisions that were deregistered count as well.
        result.update(task_definition_arn=None, revision=None, task_definition=plain(wanted))
    else:
        registered = ecs.register_task_definition(client, wanted)
        context.progress(f"registered {short(registered['taskDefinitionArn'])}: {_summary(changes)}")
        result.update(_described(registered))
    if params["keep"] is not None:
        _prune(context, family, params["keep"], result)
    return result


def _prune(context: Context, family: str, keep: int, result: dict[str, t.Any]) -> None:
    """Deregister what is old and unused, and put into the result what went and what stayed. In check mode, say what would go."""
    client = context.client("ecs")
    revisions = ecs.list_active_revisions(client, family)
    arn = result["task_definition_arn"]
    if arn is None:
        # What would be registered would be the newest.
        revisions = ["", *revisions]
    elif arn not in revisions:
        revisions = [arn, *revisions]
    result.update(pruned=[], kept=[])
    if len(revisions) <= keep:
        return
    try:
        used = used_revisions(context, family)
    except Exception as error:
        code = error_code(error)
        if not code:
            raise
        context.warn(
            f"No old revision of {family} was deregistered, as not all of what might use one can be seen: "
            f"{getattr(error, 'operation_name', 'a call')} was refused: {code}: {error_message(error)}"
        )
        return
    chosen = choose(revisions, keep, used)
    for old in chosen.gone:
        if not context.check_mode:
            ecs.deregister_task_definition(client, old)
    result["pruned"] = [short(old) for old in chosen.gone]
    result["kept"] = [{"revision": short(old), "why": why} for old, why in chosen.kept.items()]
    if chosen.gone:
        result["changed"] = True
        context.progress(f"{'would deregister' if context.check_mode else 'deregistered'} {', '.join(result['pruned'])}")


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
