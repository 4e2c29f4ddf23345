"""Runs one program as a plain child and makes sure that nothing of it outlives local_aws.

Its Unix socket carries signals to pass on, one number a packet; when it closes, the program and all its children are killed. The
start is reported on it, `{"pid"}` or `{"error"}`; the exit status is written to a pipe of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from local_aws.runtime.inside import linux, usage

_WATCH_SECONDS = 0.1


def _start(spec: dict[str, Any]) -> tuple[int, str | None]:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            linux.die_with_parent(signal.SIGKILL)
            os.chdir(spec["directory"])
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            os.execve(spec["program"], spec["argv"], spec["environment"])  # noqa: S606 this is how the program starts
        except OSError as error:
            os.write(write, (error.strerror or str(error)).lower().encode())
        finally:
            os._exit(127)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        text = file.read().decode()
    return pid, text or None


def _kill_all(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
    while True:  # what left the session has become ours: we are the subreaper
        children = _children()
        if not children:
            return
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return [int(pid) for pid in file.read().split()]


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    status = int(sys.argv[2])
    control.set_inheritable(False)
    os.set_inheritable(status, False)
    spec: dict[str, Any] = json.loads(control.recv(1 << 20))
    linux.adopt_orphans()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    leader, error = _start(spec)
    control.send(json.dumps({"error": error} if error else {"pid": leader}).encode())
    if error:
        return
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # the program's output ends when the program's own descriptors close
        os.dup2(nothing, stream)
    limit, over = spec["memory"], False
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(wake_read, select.POLLIN)
    while True:
        ready = dict(poller.poll(_WATCH_SECONDS * 1000 if limit else None))
        if wake_read in ready:
            os.read(wake_read, 4096)
        pid, ended = os.waitpid(leader, os.WNOHANG)
        if pid:
            break
        if limit and usage.of_session(leader)[1] > limit:
            over = True
            os.killpg(leader, signal.SIGKILL)
        if control.fileno() in ready:
            try:
                data = control.recv(64)
            except ConnectionResetError:
                data = b""
            if not data:
                _kill_all(leader)
                return
            os.kill(leader, int(data))
    _kill_all(leader)
    with contextlib.suppress(BrokenPipeError):
        os.write(status, json.dumps({"code": usage.exit_code(ended), "out_of_memory": over}).encode())
