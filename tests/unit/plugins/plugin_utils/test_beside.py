# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a process beside Ansible knows of it: real processes that run, are killed, and are not collected."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.steadystate.ecs.plugins.plugin_utils import _beside

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The alarms that were set; none of them rings."""
    found: list[int] = []
    monkeypatch.setattr(_beside.signal, "alarm", found.append)
    return found


@pytest.fixture
def ansible() -> t.Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait()


def becomes_false(says: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while says():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_ansible_is_noticed_although_nobody_has_collected_it(alarms: list[int], ansible: subprocess.Popen[bytes]) -> None:
    alive = _beside._watch(ansible.pid)
    assert alive()
    assert alarms == []
    ansible.kill()
    becomes_false(alive)
    # As with a runner that does not wait for it: the process ID is still taken.
    os.kill(ansible.pid, 0)
    assert alarms == [_beside._LAST_SECONDS], "the last seconds begin with the first no"
    assert not alive()
    assert len(alarms) == 1, "and do not begin again"


def test_ansible_that_has_ended_before_is_gone(alarms: list[int], ansible: subprocess.Popen[bytes]) -> None:
    ansible.kill()
    ansible.wait()
    assert not _beside._watch(ansible.pid)()


def test_where_the_kernel_cannot_tell_the_process_id_does(
    alarms: list[int], ansible: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_pid: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(_beside.os, "pidfd_open", refuse, raising=False)
    alive = _beside._watch(ansible.pid)
    assert alive()
    ansible.kill()
    ansible.wait()
    becomes_false(alive)
    monkeypatch.delattr(_beside.os, "pidfd_open")
    assert not _beside._watch(ansible.pid)()


def test_the_number_of_a_process_of_another_user_is_not_ansible(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(_beside.os, "kill", refuse)
    assert not _beside._is_alive(1)


BESIDE = """
import importlib.util, os, sys, time

spec = importlib.util.spec_from_file_location("beside", sys.argv[2])
beside = importlib.util.module_from_spec(spec)
spec.loader.exec_module(beside)

def duty(alive):
    while alive():
        time.sleep(0.01)
    open(sys.argv[1], "w").write("given back")

if os.fork() == 0:
    # The process of an action: its parent is Ansible.
    beside.run_beside(duty)
    os._exit(0)
os.wait()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_duty_outlives_ansible_and_does_its_last_work(tmp_path: Path, number: signal.Signals) -> None:
    done = tmp_path / "done"
    process = subprocess.Popen(
        [sys.executable, "-c", BESIDE, str(done), str(_beside.__file__)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        # With an inherited end of this pipe the duty would keep it open.
        assert process.stdout.readline() == b"ready\n"
        assert not done.exists()
        process.send_signal(number)
        assert process.stdout.read() == b""
        deadline = time.monotonic() + 20
        while not (done.exists() and done.read_text() == "given back"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
