# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The form in which two definitions are compared: what ECS fills in by itself is left out, what has no order is sorted."""

from __future__ import annotations

import copy
import json
import re
import typing as t

from .reading import registrable

# Members that ECS returns with these values when they were never set.
_CONTAINER_DEFAULTS: dict[str, t.Any] = {
    "cpu": 0,
    "essential": True,
    "readonlyRootFilesystem": False,
    "privileged": False,
    "interactive": False,
    "pseudoTerminal": False,
    "disableNetworking": False,
    "versionConsistency": "enabled",
}
_VOLUME_DEFAULTS: dict[str, dict[str, t.Any]] = {
    "efsVolumeConfiguration": {"rootDirectory": "/", "transitEncryption": "DISABLED"},
    "dockerVolumeConfiguration": {"scope": "task", "autoprovision": False, "driver": "local"},
}
_HEALTH_CHECK_DEFAULTS = {"interval": 30, "timeout": 5, "retries": 3}
# Lists whose order means nothing, and what to sort them by.
_UNORDERED = {
    "environment": ("name",),
    "secrets": ("name",),
    "mountPoints": ("containerPath",),
    "volumesFrom": ("sourceContainer",),
    "ulimits": ("name",),
    "systemControls": ("namespace",),
    "dependsOn": ("containerName",),
    "extraHosts": ("hostname",),
    "resourceRequirements": ("type",),
    "portMappings": ("containerPort", "protocol", "containerPortRange"),
}
_UNORDERED_INNER: dict[str, tuple[str, ...]] = {"linuxParameters": ("devices", "tmpfs"), "logConfiguration": ("secretOptions",)}
_CPU_UNITS = re.compile(r"^\s*([0-9.]+)\s*v?cpus?\s*$", re.IGNORECASE)
_GIGABYTES = re.compile(r"^\s*([0-9.]+)\s*gb\s*$", re.IGNORECASE)


def normalise(definition: dict[str, t.Any]) -> dict[str, t.Any]:
    """A form of `definition` that is equal for two definitions which ECS treats alike. Not fit to be registered."""
    result = registrable(definition)
    mode = result.get("networkMode") or ("awsvpc" if "FARGATE" in (result.get("requiresCompatibilities") or []) else "bridge")
    result["networkMode"] = mode
    if "cpu" in result:
        result["cpu"] = task_cpu(result["cpu"])
    if "memory" in result:
        result["memory"] = task_memory(result["memory"])
    if "requiresCompatibilities" in result:
        result["requiresCompatibilities"] = sorted(result["requiresCompatibilities"] or [])
    result["containerDefinitions"] = sorted(
        (_container(item, mode) for item in result.get("containerDefinitions") or [] if isinstance(item, dict)),
        key=lambda item: str(item.get("name")),
    )
    result["volumes"] = sorted((_volume(item) for item in result.get("volumes") or []), key=lambda item: str(item.get("name")))
    if "placementConstraints" in result:
        result["placementConstraints"] = sorted(result["placementConstraints"] or [], key=lambda item: str(item.get("expression")))
    if "tags" in result:
        result["tags"] = sorted(result["tags"] or [], key=lambda item: str(item.get("key")))
    return t.cast("dict[str, t.Any]", _without_empty(result))


def _container(container: dict[str, t.Any], mode: str) -> dict[str, t.Any]:
    result = copy.deepcopy(container)
    for port in result.get("portMappings") or []:
        port.setdefault("protocol", "tcp")
        if "containerPort" in port:
            # awsvpc and host have one port space: ECS fills the host port in. In bridge mode, 0 asks for any free one.
            if mode in ("awsvpc", "host"):
                port.setdefault("hostPort", port["containerPort"])
            elif port.get("hostPort") == 0:
                del port["hostPort"]
    for mount in [*(result.get("mountPoints") or []), *(result.get("volumesFrom") or [])]:
        if mount.get("readOnly") is False:
            del mount["readOnly"]
    _sort_inner(result)
    health = result.get("healthCheck")
    if isinstance(health, dict):
        for key, default in _HEALTH_CHECK_DEFAULTS.items():
            health.setdefault(key, default)
    for key, members in _UNORDERED.items():
        if isinstance(result.get(key), list):
            result[key] = sorted(result[key], key=lambda item: tuple(str(item.get(member, "")) for member in members))
    return {key: item for key, item in result.items() if key not in _CONTAINER_DEFAULTS or item != _CONTAINER_DEFAULTS[key]}


def _sort_inner(container: dict[str, t.Any]) -> None:
    for section, members in _UNORDERED_INNER.items():
        inner = container.get(section)
        for member in members:
            if isinstance(inner, dict) and isinstance(inner.get(member), list):
                inner[member] = sorted(inner[member], key=lambda item: json.dumps(item, sort_keys=True))
    capabilities = (container.get("linuxParameters") or {}).get("capabilities") or {}
    for words in capabilities.values():
        if isinstance(words, list):
            words.sort()


def _volume(volume: dict[str, t.Any]) -> dict[str, t.Any]:
    # An empty `host` is what ECS returns for a volume that Docker keeps by itself.
    result = {key: item for key, item in volume.items() if not (key == "host" and not item)}
    for section, defaults in _VOLUME_DEFAULTS.items():
        if isinstance(result.get(section), dict):
            # One with nothing but defaults is still another kind of volume than one without.
            result[section] = {
                key: item for key, item in result[section].items() if key not in defaults or item != defaults[key]
            } or "defaults"
    if result.get("configuredAtLaunch") is False:
        del result["configuredAtLaunch"]
    return result


def task_cpu(value: t.Any) -> str:
    match = _CPU_UNITS.match(str(value))
    return str(int(float(match.group(1)) * 1024)) if match else str(value)


def task_memory(value: t.Any) -> str:
    match = _GIGABYTES.match(str(value))
    return str(int(float(match.group(1)) * 1024)) if match else str(value)


def _without_empty(value: t.Any) -> t.Any:
    """Without members that are absent, empty lists or empty mappings, all the way down. Empty texts stay: they are values."""
    if isinstance(value, dict):
        cleaned = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item is not None and item != [] and item != {}}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value
