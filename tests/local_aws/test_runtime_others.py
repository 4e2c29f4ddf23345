"""The other two runtimes, with real processes: plain children, and Podman through its API."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_aws.interfaces import ContainerSpec, Image, Mount, Sandbox, StartError
from local_aws.runtime import NoRuntime, choose
from local_aws.runtime.engine import EngineRuntime
from local_aws.runtime.engine_api import Engine
from tests.local_aws.runtime_images import build_program, program_image

REPOSITORY = Path(__file__).resolve().parents[2]
TASK = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runtime")


@pytest.fixture(scope="module")
def app(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    return program_image(data, build_program(tmp_path_factory.mktemp("program")))


@pytest.fixture
def plain(data: Path) -> Iterator[Sandbox]:
    runtime = choose("process", data)
    assert runtime.name == "process"
    assert "PORT" in runtime.reason
    sandbox = runtime.sandbox(TASK, "10.0.11.23")
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def podman() -> Iterator[Path]:
    """Podman's API, with a storage of its own. runc, because it is what every machine with Podman has or can have."""
    # Not below pytest's folder: Podman refuses a run root whose path is longer than 50 characters.
    place = Path(tempfile.mkdtemp(prefix="podman-"))
    path = place / "podman.sock"
    command = ["podman", "--runtime", "runc", "--root", str(place / "root"), "--runroot", str(place / "run")]
    log = (place / "log").open("w")
    process = subprocess.Popen([*command, "system", "service", "--time=0", f"unix://{path}"], cwd=place, stdout=log, stderr=log)
    try:
        until(path.is_socket, 30)
        yield path
    finally:
        process.terminate()
        process.wait(30)
        log.close()
        for pid in processes(str(place)):  # Podman keeps the monitor of an ended exec for five minutes
            os.kill(int(pid), signal.SIGKILL)
        until(lambda: not processes(str(place)), 30)
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):  # Podman leaves its storage mounted on itself
            mounted = line.split()[1]
            if mounted.startswith(str(place)):
                subprocess.run(["umount", mounted], check=True)
        shutil.rmtree(place)


def processes(mark: str) -> list[str]:
    """Those whose command line has the mark."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
    return found


def until(condition: Callable[[], Any], seconds: float = 10) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            assert value
            return value
        time.sleep(0.01)


def ended(sandbox: Sandbox, app: Image, *command: str, **fields: Any) -> tuple[int, bool, list[str]]:
    lines: list[bytes] = []
    container = sandbox.start(ContainerSpec("c", app, command=command, **fields), lines.append)
    status = container.wait(60)
    assert status is not None
    return status.code, status.out_of_memory, sorted(line.decode() for line in lines)


def test_auto_takes_namespaces_first_and_says_why(data: Path) -> None:
    chosen = choose("auto", data)
    assert chosen.name == "namespaces"
    assert "without an engine" in chosen.reason
    with pytest.raises(ValueError, match="none of auto, namespaces, engine, process"):
        choose("docker", data)


def test_an_engine_that_is_not_there_is_named(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    with pytest.raises(NoRuntime, match=r"No container engine answers .*nowhere\.sock"):
        choose("engine", data)


def test_a_plain_process_serves_on_the_port_it_is_told(plain: Sandbox, app: Image) -> None:
    lines: list[bytes] = []
    container = plain.start(ContainerSpec("c", app, command=["serve"], port_hints=(8080,)), lines.append)
    until(lambda: b"listening" in lines)

    def answer() -> int:
        connection = http.client.HTTPConnection("task")
        with contextlib.suppress(ConnectionRefusedError):
            connection.sock = plain.dial(8080, 5)
            connection.request("GET", "/")
            return connection.getresponse().status
        return 0

    assert until(answer) == 200
    with pytest.raises(ConnectionRefusedError):
        plain.dial(9090, 1)
    assert container.execute(["/app", "exit", "4"], 10)[0] == 4
    with pytest.raises(TimeoutError):
        container.execute(["/app", "sleep"], 0.2)
    assert container.memory_bytes() > 0
    container.signal(signal.SIGTERM)
    status = container.wait(10)
    assert status is not None
    assert (status.code, lines[-1]) == (7, b"bye")


def test_plain_processes_end_as_containers_do(plain: Sandbox, app: Image) -> None:
    assert ended(plain, app, "exit", "3") == (3, False, [])
    assert ended(plain, app, "say", "hello") == (0, False, ["and on stderr", "hello"])
    assert ended(plain, app, "env", "X", environment={"X": "1"}) == (0, False, ["1"])
    assert ended(plain, app, "eat", memory_limit_mib=24)[:2] == (137, True)
    for entry, text in (
        ("/nowhere", "stat /nowhere: no such file or directory"),
        ("nowhere", "executable file not found in \\$PATH"),
        ("/text", "permission denied"),
        ("/broken", "exec format error"),
    ):
        with pytest.raises(StartError, match=text):
            plain.start(ContainerSpec("c", app, entry_point=[entry]), lambda _line: None)


KILLED = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from local_aws.interfaces import ContainerSpec, Image
from local_aws.runtime import choose
document = json.loads(sys.argv[3])
app = Image("x", "sha256:0", "linux/amd64", document["config"], tuple(Path(p) for p in document["layers"]), ("",))
sandbox = choose("process", Path(sys.argv[2])).sandbox("0" * 32, "10.0.11.25")
sandbox.start(ContainerSpec("c", app, command=["deaf", "c0ffee" + "c0ffee"]), print)
print("ready", flush=True)
time.sleep(60)
"""


def test_a_plain_process_dies_with_local_aws(data: Path, app: Image) -> None:
    document = json.dumps({"config": app.config, "layers": [str(path) for path in app.layers]})
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(REPOSITORY), str(data), document], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        while "ready" not in (line := process.stdout.readline()):
            assert line
        assert len(processes("c0ffeec0ffee")) == 1
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    until(lambda: not processes("c0ffeec0ffee"))


def test_podman_runs_tasks(podman: Path, app: Image) -> None:
    """All but connections: published ports need the engine's own network, which not every test machine has (no iptables)."""
    runtime = EngineRuntime([podman])
    assert "Podman" in runtime.reason
    sandbox = runtime.sandbox(TASK, "10.0.11.23")
    engine = Engine(podman)
    try:
        assert ended(sandbox, app, "exit", "3")[0] == 3
        assert ended(sandbox, app, "say", "hello")[2] == ["and on stderr", "hello"]
        code, _, lines = ended(sandbox, app, "about", user="nonroot", environment={"X": "1"})
        assert code == 0
        assert any(line.startswith("uid 65532 gid 65532") for line in lines)
        assert ended(sandbox, app, "eat", memory_limit_mib=24)[:2] == (137, True)
        for entry, text in (
            ("/nowhere", "no such file or directory"),
            ("nowhere", "executable file not found"),
            ("/text", "permission denied"),
        ):
            with pytest.raises(StartError, match=text):
                sandbox.start(ContainerSpec("c", app, entry_point=[entry]), lambda _line: None)
        lines_read: list[bytes] = []
        container = sandbox.start(ContainerSpec("c", app, command=["serve"]), lines_read.append)
        until(lambda: b"listening" in lines_read)
        assert container.execute(["/app", "exit", "4"], 30)[0] == 4
        assert container.memory_bytes() > 0
        container.signal(signal.SIGTERM)
        status = container.wait(30)
        assert status is not None
        assert (status.code, lines_read[-1]) == (7, b"bye")
        assert engine.call("GET", "/containers/json", {"all": "1"})
        assert ended(sandbox, app, "write", "/v/x", mounts=[Mount("/v", "work")])[0] == 0
        assert ended(sandbox, app, "cat", "/w/x", mounts=[Mount("/w", "work", read_only=True)])[2] == ["x"]
        assert ended(sandbox, app, "write", "/m/x", mounts=[Mount("/m", None, size_mib=1)], read_only_root=True)[0] == 0
    finally:
        sandbox.close()
    assert engine.call("GET", "/containers/json", {"all": "1"}) == []
    assert engine.call("GET", "/volumes")["Volumes"] == []


def test_containers_of_a_run_that_is_no_more_are_removed_at_start(podman: Path, app: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(podman)
    sandbox = EngineRuntime([podman]).sandbox(TASK, "10.0.11.23")
    monkeypatch.setattr("local_aws.runtime.engine._owner", lambda: f"{os.getpid()}.1")  # a process of our number, but an older one
    sandbox.start(ContainerSpec("c", app, command=["deaf"]), lambda _line: None)
    monkeypatch.undo()
    kept = EngineRuntime([podman]).sandbox(TASK, "10.0.11.24")
    kept.start(ContainerSpec("c", app, command=["deaf"]), lambda _line: None)
    EngineRuntime([podman])
    assert len(engine.call("GET", "/containers/json", {"all": "1"})) == 1
    kept.close()
    assert engine.call("GET", "/containers/json", {"all": "1"}) == []
