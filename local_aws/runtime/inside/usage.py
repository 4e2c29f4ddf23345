"""What processes use, and how they ended."""

from __future__ import annotations

import os
from collections.abc import Callable

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def exit_code(status: int) -> int:
    """Of a wait status: as a shell shows it, 128 + signal for a killed process."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def of_namespace(first: int) -> tuple[float, int]:
    """CPU seconds and private resident bytes of all processes in the process namespace of this one."""
    try:
        space = os.readlink(f"/proc/{first}/ns/pid")
    except OSError:
        return 0.0, 0
    return _sum(lambda pid, _fields: os.readlink(f"/proc/{pid}/ns/pid") == space)


def of_session(leader: int) -> tuple[float, int]:
    """The same for all processes of a session."""
    return _sum(lambda _pid, fields: int(fields[3]) == leader)


def _sum(counts: Callable[[str, list[str]], bool]) -> tuple[float, int]:
    cpu, memory = 0.0, 0
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()  # from the third field of proc(5) on
            if not counts(pid, fields):
                continue
            with open(f"/proc/{pid}/statm") as file:
                resident, shared = (int(value) for value in file.read().split()[1:3])
        except OSError:  # it ended while we looked, or is not ours to look at
            continue
        cpu += sum(int(value) for value in fields[11:15]) / _TICKS
        memory += (resident - shared) * _PAGE
    return cpu, memory
