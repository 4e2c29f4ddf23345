# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process beside Ansible that sees to something when Ansible ends, however it ends.

After Ctrl-C Ansible runs no `always`, and stops the process that an action runs in. Only what is no child of it can still do something.
"""

from __future__ import annotations

import os
import select
import signal
import typing as t

_LAST_SECONDS = 15
"""Seconds that a duty has left once Ansible has ended. AWS may be gone by then: no process is to stay for it."""


def run_beside(duty: t.Callable[[t.Callable[[], bool]], None]) -> None:
    """Start `duty` in a process of its own and return at once. It is given a function that says whether Ansible still runs.

    Called from the process of an action, whose parent is Ansible's own.
    """
    ansible = os.getppid()
    first = os.fork()
    if first:
        os.waitpid(first, 0)
        return
    # From here on nothing may return into the program that was copied by the fork.
    try:
        # A session of its own, and a parent that ends at once: no signal to Ansible's processes reaches it, and nobody waits for it.
        os.setsid()
        if os.fork() == 0:
            _let_go()
            duty(_watch(ansible))
    finally:
        os._exit(0)


def _watch(ansible: int) -> t.Callable[[], bool]:
    """A function that says whether Ansible still runs. With its first no the last seconds begin; then SIGALRM ends this process."""
    ended = False
    runs = _seen_to_end(ansible) or (lambda: _is_alive(ansible))

    def alive() -> bool:
        nonlocal ended
        if not ended and not runs():
            ended = True
            signal.alarm(_LAST_SECONDS)
        return not ended

    return alive


def _seen_to_end(pid: int) -> t.Callable[[], bool] | None:
    """Whether this very process runs, as the kernel tells it; None where it does not.

    A process ID alone says less: it stays taken while nobody has collected a killed process, and is another's after that.
    """
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return lambda: False
    except OSError:
        # An old kernel, or a sandbox that does not let us.
        return None
    ends = select.poll()
    ends.register(handle, select.POLLIN)
    return lambda: not ends.poll(0)


def _let_go() -> None:
    """Close what was inherited: an open end of a pipe would keep whoever reads it waiting."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir("/")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # It has the number of another user's process now.
        return False
    return True
