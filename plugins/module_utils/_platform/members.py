# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a part of the platform has against what is wanted of it. Pure: plain data in, plain data out."""

from __future__ import annotations

import json
import typing as t

Data = dict[str, t.Any]


def differences(found: t.Any, wanted: t.Any, field: str = "") -> list[Data]:
    """Every member of `wanted` that `found` has otherwise, as `{field, before, after}` with dotted fields.

    What AWS shows besides is no difference: it fills in what was left out. Only `tags` are compared as a whole. Lists count as a whole
    once their lengths differ, and by place otherwise.
    """
    if field.rpartition(".")[2] == "tags":
        return [] if found == wanted else [{"field": field, "before": found, "after": wanted}]
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [item for key in wanted for item in differences(found.get(key), wanted[key], f"{field}.{key}" if field else key)]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = zip(found, wanted, strict=True)
        return [item for place, (before, after) in enumerate(pairs) for item in differences(before, after, f"{field}[{place}]")]
    return [] if found == wanted else [{"field": field, "before": found, "after": wanted}]


def diff_of(name: str, changes: t.Sequence[Data], is_new: bool = False) -> Data:
    """The two sides of `changes` in the form that Ansible shows in diff mode."""
    return {
        "before_header": f"{name} (absent)" if is_new else name,
        "after_header": name,
        "before": "" if is_new else _side(changes, "before"),
        "after": _side(changes, "after"),
    }


def _side(changes: t.Sequence[Data], side: str) -> str:
    shown = {change["field"]: change[side] for change in changes if change[side] is not None}
    return json.dumps(shown, indent=2, sort_keys=True, default=str) + "\n" if shown else ""
