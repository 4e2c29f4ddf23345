# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What EC2 and Fargate each refuse of a definition that is well formed in itself."""

from __future__ import annotations

import typing as t

from .normalise import task_cpu, task_memory

Data = dict[str, t.Any]

# Task memory in MiB that Fargate has for task CPU in units: first, last and step.
_FARGATE_SIZES: dict[int, tuple[int, int, int]] = {
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16384, 1024),
    4096: (8192, 30720, 1024),
    8192: (16384, 61440, 4096),
    16384: (32768, 122880, 8192),
}
_SMALLEST_FARGATE = (512, 1024, 2048)
_FARGATE_DRIVERS = ("awslogs", "splunk", "awsfirelens")
_FARGATE_STOP_SECONDS = 120
# EC2 takes 0.125 to 192 vCPU for a task.
_EC2_CPU = (128, 196608)
_FARGATE_STORAGE_GIB = (21, 200)


def launch_problems(definition: Data, containers: list[Data]) -> t.Iterator[str]:
    wanted = definition.get("requiresCompatibilities") or []
    if "FARGATE" in wanted:
        yield from _fargate_task(definition)
        for container in containers:
            yield from _fargate_container(container, f"container {container.get('name')}")
    if "EC2" in wanted or not wanted:
        cpu = _number(task_cpu(definition.get("cpu")))
        if cpu is not None and "FARGATE" not in wanted and not _EC2_CPU[0] <= cpu <= _EC2_CPU[1]:
            yield f"cpu: EC2 takes {_EC2_CPU[0]} to {_EC2_CPU[1]} units for a task, this is {cpu}."
    if wanted == ["EC2"] and definition.get("ephemeralStorage"):
        yield "ephemeralStorage: EC2 has none to give to a task. Leave it out, or use a volume."


def _fargate_task(definition: Data) -> t.Iterator[str]:
    mode = definition.get("networkMode")
    if mode != "awsvpc":
        yield f"networkMode: Fargate needs awsvpc, this is {mode or 'not set'}."
    cpu, memory = _number(task_cpu(definition.get("cpu"))), _number(task_memory(definition.get("memory")))
    for member, value in (("cpu", definition.get("cpu")), ("memory", definition.get("memory"))):
        if not value:
            yield f"{member}: Fargate needs it for the whole task."
    if cpu is not None and memory is not None:
        yield from _fargate_size(cpu, memory)
    for member in ("placementConstraints", "inferenceAccelerators", "ipcMode"):
        if definition.get(member):
            yield f"{member}: Fargate does not take it. Leave it out."
    if definition.get("pidMode") not in (None, "", "task"):
        yield f"pidMode: Fargate takes task only, this is {definition['pidMode']!r}."
    storage = definition.get("ephemeralStorage")
    size = _number(storage.get("sizeInGiB")) if isinstance(storage, dict) else None
    if size is not None and not _FARGATE_STORAGE_GIB[0] <= size <= _FARGATE_STORAGE_GIB[1]:
        yield f"ephemeralStorage: sizeInGiB is {_FARGATE_STORAGE_GIB[0]} to {_FARGATE_STORAGE_GIB[1]} on Fargate, this is {size}."
    for volume in definition.get("volumes") or []:
        if isinstance(volume, dict):
            if (volume.get("host") or {}).get("sourcePath"):
                yield f"volumes: {volume.get('name')}: host.sourcePath: Fargate has no host to mount from. Leave it out."
            if volume.get("dockerVolumeConfiguration"):
                yield f"volumes: {volume.get('name')}: dockerVolumeConfiguration: Fargate does not take it. Use EFS, or a volume without."


def _fargate_size(cpu: int, memory: int) -> t.Iterator[str]:
    if cpu == 256:
        sizes: t.Sequence[int] = _SMALLEST_FARGATE
    elif cpu in _FARGATE_SIZES:
        first, last, step = _FARGATE_SIZES[cpu]
        sizes = range(first, last + 1, step)
    elif cpu > max(_FARGATE_SIZES):
        # Sizes above these are AWS's newest: left to it to judge.
        return
    else:
        yield f"cpu: Fargate has no task of {cpu} units. It has 256, {', '.join(str(size) for size in _FARGATE_SIZES)}."
        return
    if memory not in sizes:
        shown = ", ".join(map(str, sizes)) if len(sizes) < 4 else f"{sizes[0]} to {sizes[-1]} in steps of {sizes[1] - sizes[0]}"
        yield f"memory: Fargate does not combine cpu {cpu} with memory {memory}. It takes {shown} MiB."


def _fargate_container(container: Data, where: str) -> t.Iterator[str]:
    if container.get("privileged"):
        yield f"{where}: privileged: Fargate runs no privileged container. Leave it out."
    for member in ("links", "dockerSecurityOptions"):
        if container.get(member):
            yield f"{where}: {member}: Fargate does not take it. Leave it out."
    linux = container.get("linuxParameters") or {}
    for member in ("devices", "sharedMemorySize", "maxSwap", "swappiness"):
        if linux.get(member):
            yield f"{where}: linuxParameters.{member}: Fargate does not take it. Leave it out."
    added = [item for item in (linux.get("capabilities") or {}).get("add") or [] if item != "SYS_PTRACE"]
    if added:
        yield f"{where}: linuxParameters.capabilities.add: Fargate adds SYS_PTRACE only, not {', '.join(map(str, added))}."
    if any(item.get("type") == "GPU" for item in container.get("resourceRequirements") or [] if isinstance(item, dict)):
        yield f"{where}: resourceRequirements: Fargate has no GPU. Use EC2."
    driver = (container.get("logConfiguration") or {}).get("logDriver")
    if driver and driver not in _FARGATE_DRIVERS:
        yield f"{where}: logConfiguration: Fargate takes the drivers {', '.join(_FARGATE_DRIVERS)}, this is {driver}."
    stop = container.get("stopTimeout")
    if isinstance(stop, int) and stop > _FARGATE_STOP_SECONDS:
        yield f"{where}: stopTimeout: Fargate waits {_FARGATE_STOP_SECONDS} s at most, this is {stop}."


def _number(value: t.Any) -> int | None:
    text = str(value) if value is not None else ""
    return int(text) if text.isdigit() else None
