# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a definition, found before anything is sent: each problem names the field and the way out."""

from __future__ import annotations

import re
import typing as t

_FAMILY = re.compile(r"^[A-Za-z0-9_-]{1,255}$")
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]+)?)"
_PATH = r"(?:[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)"
_IMAGE = re.compile(rf"^(?:{_DOMAIN}/)?{_PATH}(?:/{_PATH})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?$")


def problems(definition: dict[str, t.Any]) -> list[str]:
    """Every problem found, in reading order; empty for a definition that RegisterTaskDefinition should accept."""
    found: list[str] = []
    family = definition.get("family")
    if not family:
        found.append("family: missing. Name the family in the template or with the option family.")
    elif not _FAMILY.match(str(family)):
        found.append(f"family: {family!r} may hold letters, digits, hyphens and underscores only, at most 255 of them.")
    containers = definition.get("containerDefinitions")
    if not isinstance(containers, list) or not containers:
        found.append("containerDefinitions: at least one container is needed.")
        return found
    names: list[str] = []
    for index, container in enumerate(containers):
        if not isinstance(container, dict):
            found.append(f"containerDefinitions[{index}]: a container is a mapping, this is a {type(container).__name__}.")
            continue
        name = container.get("name")
        if not name:
            found.append(f"containerDefinitions[{index}].name: missing.")
            continue
        if name in names:
            found.append(f"containerDefinitions[{index}].name: there is already a container {name!r}. Names are unique in a task.")
        names.append(name)
        found.extend(_container(definition, container, f"container {name}"))
    for container in containers:
        if isinstance(container, dict):
            found.extend(
                f"container {container.get('name')}: dependsOn: there is no container {item.get('containerName')!r}. "
                f"There is: {', '.join(names)}."
                for item in container.get("dependsOn") or []
                if item.get("containerName") not in names
            )
    if names and not any(isinstance(item, dict) and item.get("essential", True) for item in containers):
        found.append("containerDefinitions: one container at least must be essential.")
    found.extend(_task_memory(definition, containers))
    return found


def _container(definition: dict[str, t.Any], container: dict[str, t.Any], where: str) -> t.Iterator[str]:
    image = container.get("image")
    if not image:
        yield f"{where}: image: missing."
    elif not isinstance(image, str) or not _IMAGE.match(image):
        yield (
            f"{where}: image: {image!r} is no image reference. It reads [registry/]repository[:tag][@sha256:digest], "
            "the repository in lower case."
        )
    memory, reservation = container.get("memory"), container.get("memoryReservation")
    if isinstance(memory, int) and isinstance(reservation, int) and memory < reservation:
        yield f"{where}: memory: {memory} MiB is below memoryReservation, {reservation} MiB. Raise memory or lower the reservation."
    if memory is None and reservation is None and not definition.get("memory"):
        yield f"{where}: memory: set memory or memoryReservation, or memory for the whole task."
    volumes = {item.get("name") for item in definition.get("volumes") or [] if isinstance(item, dict)}
    for mount in container.get("mountPoints") or []:
        if mount.get("sourceVolume") not in volumes:
            yield f"{where}: mountPoints: there is no volume {mount.get('sourceVolume')!r}. Add it to volumes."
    for port in container.get("portMappings") or []:
        inside, outside = port.get("containerPort"), port.get("hostPort")
        if isinstance(inside, int) and not 1 <= inside <= 65535:
            yield f"{where}: portMappings: containerPort {inside} is not between 1 and 65535."
        if definition.get("networkMode") in ("awsvpc", "host") and outside not in (None, inside):
            yield (
                f"{where}: portMappings: hostPort {outside} is not containerPort {inside}. In network mode "
                f"{definition.get('networkMode')} both are the same: leave hostPort out."
            )
    variables = [str(item.get("name")) for item in container.get("environment") or [] if isinstance(item, dict)]
    secrets = [str(item.get("name")) for item in container.get("secrets") or [] if isinstance(item, dict)]
    for name in sorted({name for name in variables if variables.count(name) > 1}):
        yield f"{where}: environment: {name} is set more than once."
    for name in sorted(set(variables) & set(secrets)):
        yield f"{where}: {name} is in environment and in secrets. Keep one of them."
    command = container.get("command")
    if command is not None and not isinstance(command, list):
        yield f"{where}: command: a list of words is needed, for example ['serve', '--port', '8080']."


def _task_memory(definition: dict[str, t.Any], containers: list[t.Any]) -> t.Iterator[str]:
    limit = str(definition.get("memory") or "")
    if not limit.isdigit():
        return
    needed = 0
    for container in containers:
        if isinstance(container, dict):
            share = container.get("memoryReservation") or container.get("memory") or 0
            needed += share if isinstance(share, int) else 0
    if needed > int(limit):
        yield f"memory: {limit} MiB for the task is below what its containers ask for together, {needed} MiB."
