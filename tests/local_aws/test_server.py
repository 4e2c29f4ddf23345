"""Starting and stopping `python -m local_aws`."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.local_aws.conftest import REPOSITORY, LocalAws, started


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local_aws", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)


def test_it_says_where_it_is_how_tasks_run_and_how_to_stop_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local_aws", "--port", "0", "--speed", "10", "--data", str(tmp_path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        url = lines[0].split()[-1]
        with urllib.request.urlopen(f"{url}/_local/health", timeout=10) as answer:
            health = json.loads(answer.read())
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    text = "".join(lines)
    for word in ("runtime", "speed", "data", "stop", f"kill {process.pid}"):
        assert word in text
    assert f"{health['runtime']['name']}: {health['runtime']['reason']}" in text
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=1):
        pass


def test_a_second_one_on_the_same_port_says_so(local_aws: LocalAws, tmp_path: Path) -> None:
    second = run("--port", local_aws.url.rpartition(":")[2], "--data", str(tmp_path))
    assert second.returncode == 1
    assert "is in use, perhaps by another local_aws" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_second_one_in_the_same_directory_says_so(local_aws: LocalAws) -> None:
    second = run("--port", "0", "--data", str(local_aws.data_dir))
    assert second.returncode == 1
    assert "is in use by another local_aws" in second.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--speed", "0"), "--speed 0.0 is not a positive number"), (("--stale-reads", "-1"), "--stale-reads -1 is negative")],
)
def test_settings_that_make_no_sense_are_refused(arguments: tuple[str, ...], said: str) -> None:
    refused = run(*arguments)
    assert refused.returncode == 2
    assert said in refused.stderr


def test_open_connections_do_not_keep_it_from_stopping(tmp_path: Path) -> None:
    with started(tmp_path) as running:
        idle = [socket.create_connection(("127.0.0.1", int(running.url.rpartition(":")[2]))) for _ in range(20)]
        running.client("ecs").list_clusters()
        begun = time.monotonic()
        running.process.terminate()
        assert running.process.wait(30) == 0
        assert time.monotonic() - begun < 15
        for connection in idle:
            connection.close()
