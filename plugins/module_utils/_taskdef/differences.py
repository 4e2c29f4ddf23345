# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between two definitions, by container, for people and for programs. Secret-looking values are masked."""

from __future__ import annotations

import json
import typing as t

from .masking import MASK, masked
from .normalise import normalise

_ABSENT = object()
# Lists of named things that read better as a mapping from name to value.
_NAMED_LISTS = {"environment": ("name", "value"), "secrets": ("name", "valueFrom"), "tags": ("key", "value")}


class Difference(t.TypedDict):
    """One member that differs. `container` is None for a member of the task itself; a missing side is None."""

    container: str | None
    field: str
    before: t.Any
    after: t.Any


def differences(before: dict[str, t.Any] | None, after: dict[str, t.Any]) -> list[Difference]:
    """Every member that differs after normalising, sorted by container and member. `before` is None for a new family."""
    left, right = _flat(before), _flat(after)
    found: list[Difference] = []
    for key in sorted(left.keys() | right.keys(), key=lambda item: (item[0] or "", item[1])):
        old, new = left.get(key, _ABSENT), right.get(key, _ABSENT)
        if old == new:
            continue
        container, field = key
        found.append(
            {
                "container": container,
                "field": field,
                "before": None if old is _ABSENT else _shown(field, old),
                "after": None if new is _ABSENT else _shown(field, new),
            }
        )
    return found


def diff_text(before: dict[str, t.Any] | None, after: dict[str, t.Any], before_header: str, after_header: str) -> dict[str, str]:
    """The two sides as text, in the form that Ansible shows in diff mode."""
    left, right = _flat(before), _flat(after)
    changed = {key for key in left.keys() & right.keys() if left[key] != right[key]}
    return {
        "before_header": before_header,
        "after_header": after_header,
        "before": _lines(left, set()),
        # Two masked values look alike: say so when the secret behind them is another one.
        "after": _lines(right, changed),
    }


def _flat(definition: dict[str, t.Any] | None) -> dict[tuple[str | None, str], t.Any]:
    if definition is None:
        return {}
    result: dict[tuple[str | None, str], t.Any] = {}
    for key, value in normalise(definition).items():
        if key == "containerDefinitions":
            for container in value:
                name = str(container.get("name"))
                for member, item in container.items():
                    if member != "name":
                        _put(result, name, member, item)
        else:
            _put(result, None, key, value)
    return result


def _put(result: dict[tuple[str | None, str], t.Any], container: str | None, member: str, value: t.Any) -> None:
    if member in _NAMED_LISTS and isinstance(value, list):
        name, content = _NAMED_LISTS[member]
        for item in value:
            result[(container, f"{member}.{item.get(name)}")] = item.get(content)
    elif isinstance(value, dict) and member in ("logConfiguration", "healthCheck", "dockerLabels", "options", "runtimePlatform"):
        for key, item in value.items():
            if isinstance(item, dict):
                for inner, leaf in item.items():
                    result[(container, f"{member}.{key}.{inner}")] = leaf
            else:
                result[(container, f"{member}.{key}")] = item
    else:
        result[(container, member)] = value


def _shown(field: str, value: t.Any) -> t.Any:
    # What `valueFrom` says is where a secret is, not the secret.
    return value if field.startswith("secrets.") else masked(field.rsplit(".", 1)[-1], value)


def _lines(flat: dict[tuple[str | None, str], t.Any], changed: set[tuple[str | None, str]]) -> str:
    lines: list[str] = []
    last: str | None = None
    for container, field in sorted(flat, key=lambda item: (item[0] or "", item[1])):
        if container is not None and container != last:
            lines.append(f"container {container}:")
            last = container
        shown = _shown(field, flat[(container, field)])
        text = shown if isinstance(shown, str) else json.dumps(shown, sort_keys=True, default=str)
        if MASK in text and (container, field) in changed:
            text += " (changed)"
        lines.append(f"{'  ' if container is not None else ''}{field}: {text}")
    return "\n".join(lines) + "\n" if lines else ""
