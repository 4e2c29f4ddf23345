# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A template and changes in, a definition out. Changes are made by container name; a template is never altered in place."""

from __future__ import annotations

import typing as t

from .checks import problems
from .errors import TaskDefinitionError
from .reading import as_text, registrable

Container = dict[str, t.Any]


def render(template: dict[str, t.Any], changes: dict[str, dict[str, t.Any]], family: str | None = None) -> dict[str, t.Any]:
    """The definition that `template` becomes with `changes`, a mapping from container name to what changes in it.

    Raises `TaskDefinitionError` with every problem: an unknown container, an unknown change, or what `problems` finds.
    """
    definition = registrable(template)
    if family:
        definition["family"] = family
    found: list[str] = []
    containers = {
        item["name"]: item for item in definition.get("containerDefinitions") or [] if isinstance(item, dict) and item.get("name")
    }
    for name, wanted in changes.items():
        container = containers.get(name)
        if container is None:
            known = ", ".join(sorted(containers)) or "none"
            found.append(f"containers: there is no container {name!r} in the definition. There is: {known}.")
            continue
        for key, value in wanted.items():
            if value is None:
                continue
            change = CHANGES.get(key)
            if change is None:
                found.append(f"containers: {name}: {key!r} cannot be changed here. These can: {', '.join(sorted(CHANGES))}.")
                continue
            change(container, value)
    if not found:
        found = problems(registrable(definition))
    if found:
        raise TaskDefinitionError(found)
    return registrable(definition)


def _set(member: str) -> t.Callable[[Container, t.Any], None]:
    def change(container: Container, value: t.Any) -> None:
        container[member] = value

    return change


def _merge_named(member: str, content: str) -> t.Callable[[Container, t.Any], None]:
    """Merge a mapping from name to value into a list of named things. An empty value (null) takes the name out."""

    def change(container: Container, value: t.Any) -> None:
        if not isinstance(value, dict):
            raise TaskDefinitionError([f"container {container['name']}: {member}: a mapping from name to value is needed."])
        entries = [dict(item) for item in container.get(member) or []]
        for name, wanted in value.items():
            known = [item for item in entries if item.get("name") == name]
            if wanted is None:
                entries = [item for item in entries if item.get("name") != name]
            elif known:
                known[0][content] = as_text(wanted)
            else:
                entries.append({"name": name, content: as_text(wanted)})
        container[member] = entries

    return change


def _log_configuration(container: Container, value: t.Any) -> None:
    """Options are merged while the driver stays the same; another driver starts from nothing, as its options are others."""
    unknown = sorted(set(value) - {"log_driver", "options"}) if isinstance(value, dict) else ["it"]
    if unknown:
        raise TaskDefinitionError(
            [f"container {container['name']}: log_configuration: log_driver and options are taken, not {', '.join(unknown)}."]
        )
    current = container.get("logConfiguration") or {}
    driver = value.get("log_driver") or current.get("logDriver")
    if not driver:
        raise TaskDefinitionError([f"container {container['name']}: log_configuration: log_driver is needed, none is set yet."])
    base = dict(current) if current.get("logDriver") == driver else {}
    options = {**(base.get("options") or {}), **(value.get("options") or {})}
    result = {**base, "logDriver": driver, "options": {key: as_text(item) for key, item in options.items() if item is not None}}
    if not result["options"]:
        del result["options"]
    container["logConfiguration"] = result


CHANGES: dict[str, t.Callable[[Container, t.Any], None]] = {
    "image": _set("image"),
    "command": _set("command"),
    "entry_point": _set("entryPoint"),
    "cpu": _set("cpu"),
    "memory": _set("memory"),
    "memory_reservation": _set("memoryReservation"),
    "stop_timeout": _set("stopTimeout"),
    "environment": _merge_named("environment", "value"),
    "secrets": _merge_named("secrets", "valueFrom"),
    "log_configuration": _log_configuration,
}
