"""Memory limits through control groups, version 1 or 2, where this process may make them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

_ROOT = "/sys/fs/cgroup"
_REMOVAL_SECONDS = 2.0
"""How long the kernel is given to let go of a group whose last process has just ended."""


def _read(path: str) -> str:
    with open(path) as file:
        return file.read()


def _write(path: str, value: str) -> None:
    with open(path, "w") as file:
        file.write(value)


def _counter(path: str, name: str) -> int:
    for line in _read(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


class MemoryGroup:
    """A control group of one container."""

    def __init__(self, path: str, version: int) -> None:
        self.path = path
        self.version = version

    @property
    def members(self) -> str:
        """The file that takes a process into the group."""
        return os.path.join(self.path, "cgroup.procs")

    def limit(self, size: int) -> None:
        if self.version == 2:
            _write(os.path.join(self.path, "memory.max"), str(size))
            extra = os.path.join(self.path, "memory.swap.max")
            value = "0"
        else:
            _write(os.path.join(self.path, "memory.limit_in_bytes"), str(size))
            extra = os.path.join(self.path, "memory.memsw.limit_in_bytes")
            value = str(size)
        if os.path.exists(extra):  # absent on a kernel without swap accounting
            _write(extra, value)

    def killed_for_memory(self) -> bool:
        return _counter(os.path.join(self.path, "memory.events" if self.version == 2 else "memory.oom_control"), "oom_kill") > 0

    def usage(self) -> int:
        """Bytes as `docker stats` counts them: without the file cache that can be dropped."""
        if self.version == 2:
            used = int(_read(os.path.join(self.path, "memory.current")))
            return max(0, used - _counter(os.path.join(self.path, "memory.stat"), "inactive_file"))
        used = int(_read(os.path.join(self.path, "memory.usage_in_bytes")))
        return max(0, used - _counter(os.path.join(self.path, "memory.stat"), "total_inactive_file"))

    def remove(self) -> None:
        deadline = time.monotonic() + _REMOVAL_SECONDS
        while True:
            try:
                os.rmdir(self.path)
            except FileNotFoundError:
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return


def _places() -> list[tuple[str, int]]:
    """Directories that may hold our groups, nearest to our own group first, with their version."""
    places: list[tuple[str, int]] = []
    for line in _read("/proc/self/cgroup").splitlines():
        number, controllers, own = line.split(":", 2)
        if "memory" in controllers.split(","):
            base, version = os.path.join(_ROOT, "memory"), 1
        elif number == "0" and os.path.exists(os.path.join(_ROOT, "cgroup.controllers")):
            base, version = _ROOT, 2
        else:
            continue
        while True:
            directory = os.path.normpath(base + "/" + own)
            if version == 1 or "memory" in _subtree(directory):
                places.append((directory, version))
            if own in ("/", ""):
                break
            own = os.path.dirname(own)
    return places


def _subtree(directory: str) -> list[str]:
    path = os.path.join(directory, "cgroup.subtree_control")
    return _read(path).split() if os.path.exists(path) else []


def remove_left(prefix: str, wanted: Callable[[str], bool]) -> None:
    """Remove the groups, empty by now, that a killed supervisor could not: those whose name begins so and is wanted."""
    for directory, version in _places():
        for name in os.listdir(directory):
            if name.startswith(prefix) and wanted(name):
                MemoryGroup(os.path.join(directory, name), version).remove()


def memory_group(name: str) -> MemoryGroup | None:
    """A new group of this name; None where this process may make none, and memory must be watched instead."""
    for directory, version in _places():
        path = os.path.join(directory, name)
        try:
            os.mkdir(path)
        except OSError:
            continue
        group = MemoryGroup(path, version)
        if os.access(group.members, os.W_OK):
            return group
        group.remove()
    return None
