# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps a CloudWatch dashboard."""

from __future__ import annotations

import json
import re
import typing as t

from .._aws import cloudwatch
from .._verb import Context, Verb, VerbFailure

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "body": {"type": "dict"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    name, body = params["name"], params["body"]
    if not _NAME.fullmatch(name):
        raise VerbFailure(f"name: {name!r} is no name of a dashboard. Use at most 255 letters, digits, hyphens and underscores.")
    if params["state"] == "present" and not isinstance(body.get("widgets"), list):
        raise VerbFailure("body: it has no list of widgets. Write it as CloudWatch does: {widgets: [...]}; the list may be empty.")
    client = context.client("cloudwatch")
    text = cloudwatch.dashboard_body(client, name)
    before = _parsed(text)
    after = body if params["state"] == "present" else None
    changed = (text is not None or after is not None) and before != after
    if changed and not context.check_mode:
        if after is None:
            cloudwatch.delete_dashboard(client, name)
        else:
            for line in cloudwatch.put_dashboard(client, name, json.dumps(after, separators=(",", ":"))):
                context.warn(f"CloudWatch took the dashboard {name}, but says {line}")
    return {"changed": changed, "name": name, "diff": {"before": _lines(before), "after": _lines(after)} if changed else {}}


def _parsed(text: str | None) -> t.Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        # CloudWatch takes no such body; whatever it is, it is not the one that is wanted.
        return text


def _lines(value: t.Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, sort_keys=True) + "\n"


VERB = Verb(
    name="cloudwatch_dashboard",
    argument_spec=ARGUMENT_SPEC,
    run=run,
    required_if=(("state", "present", ("body",)),),
)
