# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets ECS account settings, for every user and role of the account that has not chosen for itself."""

from __future__ import annotations

import typing as t

from .._aws import ecs_clusters
from .._platform.members import diff_of, differences
from .._verb import Context, Verb, VerbFailure

ARGUMENT_SPEC: dict[str, t.Any] = {
    "settings": {"type": "dict", "required": True},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    client = context.client("ecs")
    found = ecs_clusters.account_settings(client)
    wanted = {name: _text(value) for name, value in params["settings"].items()}
    unknown = sorted(set(wanted) - set(found))
    if unknown:
        raise VerbFailure(f"settings: ECS has no account setting {', '.join(unknown)}. It has {', '.join(sorted(found))}.")
    changes = differences(found, wanted)
    if not context.check_mode:
        for change in changes:
            ecs_clusters.put_account_setting_default(client, change["field"], change["after"])
    result: dict[str, t.Any] = {"changed": bool(changes), "differences": changes, "settings": {**found, **wanted}}
    if changes and context.diff_mode:
        result["diff"] = diff_of("account settings", changes)
    return result


def _text(value: t.Any) -> str:
    """YAML reads the words on and off as booleans; the values of this API are `enabled` and `disabled`, `on` and `off`, and numbers."""
    if isinstance(value, bool):
        return "enabled" if value else "disabled"
    return str(value)


VERB = Verb(name="ecs_account_setting", argument_spec=ARGUMENT_SPEC, run=run)
