# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook without the time that its imports take: one process imports Ansible and the collection's actions, and forks
itself for every play.

What a fork does after that is what the command does. What Ansible reads from the environment when it is imported is the same for
all plays; a play that wants another setting of Ansible needs the command.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parents[1]
PRELOADED = (
    "ansible.cli.playbook",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.callback.default",
    "ansible.plugins.connection.local",
    "ansible.plugins.filter.core",
    "ansible.plugins.inventory.yaml",
)
COLLECTION = "ansible_collections.steadystate.ecs.plugins.action"


class PreloadedAnsible:
    """Runs ansible-playbook in forks of one process, several at a time if asked to. `environment` is that of all plays but for what
    a play changes, which is nothing that begins with ANSIBLE_."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._settings = _settings(environment)
        self._link, theirs = socket.socketpair()
        self._sending = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())], cwd=ROOT, env=dict(environment), pass_fds=[theirs.fileno()]
            )

    def run(self, arguments: Sequence[str], environment: Mapping[str, str], seconds: float) -> tuple[int, str]:
        """The exit code and the output, errors included. Raises `ValueError` for another setting of Ansible, `TimeoutError` after
        that many seconds."""
        if _settings(environment) != self._settings:
            raise ValueError("environment: it has settings of Ansible (ANSIBLE_*) that the preloaded one has not; run the command itself")
        with tempfile.TemporaryFile("w+") as request, tempfile.TemporaryFile("w+") as output:
            json.dump({"arguments": ["ansible-playbook", *arguments], "environment": dict(environment)}, request)
            request.flush()
            ours, theirs = os.pipe()
            with os.fdopen(ours) as verdict:
                try:
                    with self._sending:
                        socket.send_fds(self._link, [b"p"], [request.fileno(), output.fileno(), theirs])
                finally:
                    os.close(theirs)
                code = _awaited(verdict, seconds)
            output.seek(0)
            return code, output.read()

    def close(self) -> None:
        self._link.close()
        self._process.wait(30)


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith("ANSIBLE_")}


def _awaited(verdict: IO[str], seconds: float) -> int:
    began = verdict.readline()
    if not began:
        raise RuntimeError("the process that plays are forked from has ended")
    group = int(began)
    late = threading.Timer(seconds, _kill, (group,))
    late.start()
    try:
        said = verdict.readline()
    except BaseException:
        _kill(group)
        raise
    finally:
        late.cancel()
    if not said:
        raise TimeoutError(f"ansible-playbook was killed after {seconds} s")
    return int(said)


def _kill(group: int) -> None:
    # It may have come to its end just now.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def serve(link: socket.socket) -> None:
    """Fork for every request until the other side closes."""
    for name in PRELOADED:
        import_module(name)
    # Ansible compiles what a collection has anew in each run.
    import_module("ansible.plugins.loader").init_plugin_loader()
    warnings.filterwarnings("ignore", "AnsibleCollectionFinder has already been configured")
    for action in sorted((ROOT / "plugins" / "action").glob("[!_]*.py")):
        import_module(f"{COLLECTION}.{action.stem}")
    # A fork need not look for garbage in what all share, and so need not copy it.
    gc.freeze()
    playbook: Callable[[list[str]], None] = import_module("ansible.cli.playbook").main
    # Nobody waits for the forks here: each tells its end itself.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        asked, descriptors, _, _ = socket.recv_fds(link, 1, 3)
        if not asked:
            return
        if os.fork() == 0:
            link.close()
            _one(playbook, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _one(playbook: Callable[[list[str]], None], request: int, output: int, verdict: int) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.write(verdict, f"{os.getpid()}\n".encode())
    player = os.fork()
    if player == 0:
        os.close(verdict)
        _play(playbook, request, output)
    _, status = os.waitpid(player, 0)
    os.write(verdict, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _play(playbook: Callable[[list[str]], None], request: int, output: int) -> NoReturn:
    os.lseek(request, 0, os.SEEK_SET)
    with os.fdopen(request) as asked:
        wanted = json.load(asked)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, instead in ((0, nothing), (1, output), (2, output)):
        os.dup2(instead, descriptor)
    os.close(nothing)
    os.close(output)
    sys.argv = wanted["arguments"]
    code = 1
    try:
        playbook(sys.argv)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # Nothing may leave here: the caller's loop would go on in this process.
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not sys.exit: the folder for temporary files, which the first process has made, is for all its forks.
        os._exit(code)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given:
        serve(given)
