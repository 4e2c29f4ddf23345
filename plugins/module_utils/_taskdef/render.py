# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A template and changes in, a definition out. Changes are made by container name; a template is never altered in place."""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import dataclass, field

from .arns import Names
from .changes import CONTAINER_CHANGES, TASK_CHANGES, Change
from .checks import problems, shape_problems
from .errors import TaskDefinitionError
from .reading import registrable

Data = dict[str, t.Any]


@dataclass(frozen=True)
class Changes:
    """What to change. A null value anywhere in the first level of a change leaves that member alone."""

    containers: dict[str, Data] = field(default_factory=dict)
    task: Data = field(default_factory=dict)
    added: dict[str, Data] = field(default_factory=dict)
    """Containers to add, by name. One of the same name that the template has gives way."""
    removed: t.Sequence[str] = ()
    """Containers to take out. One that the template does not have is out already."""
    allow_plain: t.Sequence[str] = ()
    """Environment variables that look like secrets and may stay."""


def render(template: Data, changes: Changes, names: Names) -> Data:
    """The definition that `template` becomes with `changes`.

    Raises `TaskDefinitionError` with every problem: an unknown container, an unknown change, or what `problems` finds.
    """
    definition = registrable(template)
    found = shape_problems(definition)
    if found:
        raise TaskDefinitionError(found)
    _make(definition, changes.task, TASK_CHANGES, names, "", found)
    wanted_out = set(changes.removed) | changes.added.keys()
    listed = definition.get("containerDefinitions") or []
    kept = [item for item in listed if not (isinstance(item, dict) and item.get("name") in wanted_out)]
    for name, wanted in changes.added.items():
        container: Data = {"name": name}
        _make(container, wanted, CONTAINER_CHANGES, names, f"container {name}: ", found)
        kept.append(container)
    definition["containerDefinitions"] = kept
    containers = {item["name"]: item for item in kept if isinstance(item, dict) and item.get("name")}
    for name, wanted in changes.containers.items():
        if name in containers:
            _make(containers[name], wanted, CONTAINER_CHANGES, names, f"container {name}: ", found)
        else:
            known = ", ".join(sorted(containers)) or "none"
            found.append(f"containers: there is no container {name!r} in the definition. There is: {known}.")
    if not found:
        found = problems(registrable(definition), changes.allow_plain)
    if found:
        raise TaskDefinitionError(found)
    return registrable(definition)


def _make(target: Data, wanted: Data, known: dict[str, Change], names: Names, where: str, found: list[str]) -> None:
    for key in wanted.keys() - known.keys():
        close = difflib.get_close_matches(key, known, n=1)
        found.append(
            f"{where}{key!r} cannot be changed here. "
            + (f"Is {close[0]} meant? " if close else f"These can: {', '.join(sorted(known))}. ")
            + "A member of the API that has no option is set with members."
        )
    for key, change in known.items():
        if wanted.get(key) is not None:
            try:
                change(target, wanted[key], names, f"{where}{key}")
            except TaskDefinitionError as error:
                found.extend(error.problems)
