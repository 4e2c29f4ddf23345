# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removes an environment: everything that carries its tags, in the order in which AWS lets it go."""

from __future__ import annotations

import re
import typing as t

from .._aws import resources
from .._aws.failures import error_code, error_message, is_passing
from .._platform.kinds import DATA, STAGES, Item, Kind, Scope
from .._verb import Context, Verb, VerbFailure

ARGUMENT_SPEC: dict[str, t.Any] = {
    "project": {"type": "str", "required": True},
    "environment": {"type": "str", "required": True},
    "remove_data": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 1800},
}

_POLL_SECONDS = 3.0
_HEARTBEAT_SECONDS = 30.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    for option in ("project", "environment"):
        if not _NAME.fullmatch(params[option]):
            raise VerbFailure(f"{option}: {params[option]!r} is no name. Use letters, digits and hyphens, as in the tags of the resources.")
    if params["timeout"] < 1:
        raise VerbFailure(f"timeout: {params['timeout']} is no time. Use 1 second or more.")
    scope = Scope(params["project"], params["environment"])
    stages = [*STAGES, DATA] if params["remove_data"] else [*STAGES]
    kept = [] if params["remove_data"] else [_row(kind, item) for kind, item in _find(DATA, scope, context)]
    removed: list[dict[str, str]] = []
    deadline = context.clock.monotonic() + params["timeout"]
    for stage in stages:
        removed += (
            [_row(kind, item) for kind, item in _find(stage, scope, context)]
            if context.check_mode
            else _empty(stage, scope, context, deadline, removed)
        )
    result: dict[str, t.Any] = {"changed": bool(removed), "removed": removed, "kept": kept}
    if context.diff_mode:
        lines = [f"{row['kind']} {row['name']}\n" for row in removed]
        result["diff"] = {"before": "".join(lines), "after": "", "before_header": scope.name, "after_header": scope.name}
    return result


def _empty(stage: t.Sequence[Kind], scope: Scope, context: Context, deadline: float, before: list[dict[str, str]]) -> list[dict[str, str]]:
    """Remove what the stage's kinds have of this environment, and wait until AWS lists none of it. Returns what it was."""
    removed: dict[tuple[str, str], dict[str, str]] = {}
    asked: set[tuple[str, str]] = set()
    held: dict[tuple[str, str], str] = {}
    said_at: float | None = None
    while True:
        left = _find(stage, scope, context)
        if not left:
            return list(removed.values())
        for kind, item in left:
            key = (kind.name, item[kind.title])
            removed.setdefault(key, _row(kind, item))
            if key in asked:
                continue
            try:
                for operation, parameters in kind.calls(item, scope):
                    resources.call(context.client(kind.service), operation, parameters)
            except Exception as error:
                if not (resources.is_in_use(error) or is_passing(error)):
                    raise
                held[key] = f"{error_code(error)}: {error_message(error)}"
                continue
            asked.add(key)
            held.pop(key, None)
            context.progress(f"removing {kind.name} {_short(item[kind.title])}")
        now = context.clock.monotonic()
        names = [f"{kind.name} {_short(item[kind.title])}" for kind, item in left]
        if now >= deadline:
            why = "; ".join(dict.fromkeys(held.values()))
            raise VerbFailure(
                f"Still there when the time was over: {', '.join(names)}.{' AWS says: ' + why + '.' if why else ''} "
                "Run this again, which goes on from here, or set timeout higher.",
                changed=True,
                removed=[*before, *(row for key, row in removed.items() if key in asked)],
            )
        if said_at is None or now - said_at >= _HEARTBEAT_SECONDS:
            said_at = now
            why = "; ".join(dict.fromkeys(held.values()))
            context.progress(f"waiting for {', '.join(names)} to go{': ' + why if why else ''}")
        context.clock.sleep(min(_POLL_SECONDS, max(0.1, deadline - now)))


def _find(stage: t.Sequence[Kind], scope: Scope, context: Context) -> list[tuple[Kind, Item]]:
    return [(kind, item) for kind in stage for item in _of_kind(kind, scope, context.client)]


def _of_kind(kind: Kind, scope: Scope, client: t.Callable[[str], t.Any]) -> t.Iterator[Item]:
    for found in resources.list_all(client(kind.service), kind.operation, kind.member, kind.params(scope)):
        # Some operations list names or ARNs alone.
        item = found if isinstance(found, dict) else {"Id": found}
        if not kind.maybe(item, scope):
            continue
        whole = dict(item)
        for detail in kind.details:
            whole[detail.key] = resources.read(client(kind.service), detail.operation, detail.member, detail.params(item))
        if kind.own(whole, scope) and not kind.gone(whole):
            yield whole


def _row(kind: Kind, item: Item) -> dict[str, str]:
    return {"kind": kind.name, "name": str(item[kind.title])}


def _short(name: str) -> str:
    """An ARN's last part, which is what people call the thing."""
    return name.split(":", 5)[-1] if name.startswith("arn:") else name


VERB = Verb(name="environment_teardown", argument_spec=ARGUMENT_SPEC, run=run)
