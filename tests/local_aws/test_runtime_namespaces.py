"""Tasks in Linux namespaces, with real processes. A machine that allows no namespaces fails here: it could not run the rest either."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_aws.interfaces import ContainerSpec, Image, Mount, Sandbox, StartError
from local_aws.runtime import TaskNetwork, choose
from local_aws.runtime.namespaces import NamespacesRuntime
from tests.local_aws.runtime_images import build_program, image, layer, program_image

REPOSITORY = Path(__file__).resolve().parents[2]
TASK = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runtime")


@pytest.fixture(scope="module")
def runtime(data: Path) -> NamespacesRuntime:
    chosen = choose("namespaces", data)
    assert isinstance(chosen, NamespacesRuntime)
    return chosen


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_program(tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def app(data: Path, program: Path) -> Image:
    return program_image(data, program)


@pytest.fixture
def sandbox(runtime: NamespacesRuntime) -> Iterator[Sandbox]:
    made = runtime.sandbox(TASK, "10.0.11.23")
    yield made
    made.close()


def until(condition: Callable[[], Any], seconds: float = 10) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            assert value
            return value
        time.sleep(0.01)


def run(sandbox: Sandbox, app: Image, *command: str, **fields: Any) -> tuple[int, list[str]]:
    """Run to the end: exit code and lines."""
    lines: list[bytes] = []
    container = sandbox.start(ContainerSpec("c", app, command=command, **fields), lines.append)
    status = container.wait(20)
    assert status is not None
    return status.code, [line.decode() for line in lines]


def ask(sandbox: Sandbox, port: int = 8080) -> str:
    connection = http.client.HTTPConnection("task")
    connection.sock = sandbox.dial(port, 5)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().read().decode()


def serving(sandbox: Sandbox, app: Image) -> Any:
    lines: list[bytes] = []
    container = sandbox.start(ContainerSpec("c", app, command=["serve"]), lines.append)
    until(lambda: b"listening" in lines)

    def answers() -> bool:
        with contextlib.suppress(ConnectionRefusedError):
            return bool(ask(sandbox))
        return False

    until(answers)
    return container


def test_many_tasks_listen_on_the_same_port_and_are_reached_by_their_address(runtime: NamespacesRuntime, app: Image) -> None:
    network = TaskNetwork()
    with contextlib.ExitStack() as stack:
        for number in range(3):
            sandbox = runtime.sandbox(f"{number}" * 32, f"10.0.11.{number}")
            stack.callback(sandbox.close)
            serving(sandbox, app)
            network.attach(f"10.0.11.{number}", sandbox)
        for number in range(3):
            assert ask_at(network, f"10.0.11.{number}") == f"{number}" * 12


def ask_at(network: TaskNetwork, address: str) -> str:
    connection = http.client.HTTPConnection(address)
    connection.sock = network.dial(address, 8080, 5)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().read().decode()


def test_a_port_where_nothing_listens_refuses(sandbox: Sandbox) -> None:
    with pytest.raises(ConnectionRefusedError):
        sandbox.dial(9999, 5)


@pytest.mark.parametrize(("command", "code"), [(("exit", "0"), 0), (("exit", "3"), 3), (("exit", "255"), 255)])
def test_exit_codes(sandbox: Sandbox, app: Image, command: tuple[str, ...], code: int) -> None:
    assert run(sandbox, app, *command)[0] == code


def test_sigterm_reaches_the_first_process_and_its_last_words_are_read(sandbox: Sandbox, app: Image) -> None:
    lines: list[bytes] = []
    container = sandbox.start(ContainerSpec("c", app, command=["serve"]), lines.append)
    until(lambda: b"listening" in lines)
    container.signal(signal.SIGTERM)
    status = container.wait(10)
    assert status is not None
    assert (status.code, status.out_of_memory, lines) == (7, False, [b"listening", b"bye"])
    container.signal(signal.SIGTERM)  # nothing happens


def test_a_first_process_that_ignores_sigterm_ends_by_sigkill(sandbox: Sandbox, app: Image) -> None:
    lines: list[bytes] = []
    container = sandbox.start(ContainerSpec("c", app, command=["deaf"]), lines.append)
    until(lambda: lines)
    container.signal(signal.SIGTERM)
    assert container.wait(0.2) is None
    container.signal(signal.SIGKILL)
    status = container.wait(10)
    assert status is not None
    assert (status.code, status.out_of_memory) == (137, False)


def test_output_is_read_from_both_streams(sandbox: Sandbox, app: Image) -> None:
    code, lines = run(sandbox, app, "say", "one", "two")
    assert (code, sorted(lines)) == (0, ["and on stderr", "one two"])


def test_too_much_memory_is_an_out_of_memory_kill(sandbox: Sandbox, app: Image) -> None:
    container = sandbox.start(ContainerSpec("c", app, command=["eat"], memory_limit_mib=24), lambda _line: None)
    status = container.wait(20)
    assert status is not None
    assert (status.code, status.out_of_memory) == (137, True)
    assert run(sandbox, app, "exit", "0", memory_limit_mib=6) == (0, [])


def test_memory_is_watched_where_no_control_group_can_be_made(data: Path, app: Image) -> None:
    sandbox = NamespacesRuntime(data / "runtime", control_groups=False).sandbox(TASK, "10.0.11.23")
    try:
        container = sandbox.start(ContainerSpec("c", app, command=["eat"], memory_limit_mib=24), lambda _line: None)
        status = container.wait(20)
        assert status is not None
        assert (status.code, status.out_of_memory) == (137, True)
    finally:
        sandbox.close()


RUNC = "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: "


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("/nowhere", 'exec: "/nowhere": stat /nowhere: no such file or directory: unknown'),
        ("nowhere", 'exec: "nowhere": executable file not found in $PATH: unknown'),
        ("/text", 'exec: "/text": permission denied: unknown'),
        ("/etc", 'exec: "/etc": is a directory: unknown'),
        ("/broken", "exec /broken: exec format error: unknown"),
    ],
)
def test_what_cannot_be_started_says_so_in_dockers_words(sandbox: Sandbox, app: Image, entry: str, text: str) -> None:
    with pytest.raises(StartError) as caught:
        sandbox.start(ContainerSpec("c", app, entry_point=[entry]), lambda _line: None)
    assert caught.value.name == "CannotStartContainerError"
    assert caught.value.text == f"Error response from daemon: {RUNC}unable to start container process: {text}"


def test_users_are_found_in_the_image(sandbox: Sandbox, app: Image) -> None:
    for user, shown in (
        ("", "uid 0 gid 0 groups []"),
        ("nonroot", "uid 65532 gid 65532 groups [4242]"),
        ("7:9", "uid 7 gid 9 groups []"),
    ):
        code, lines = run(sandbox, app, "about", user=user)
        assert code == 0
        assert lines[0].startswith(shown), lines
    with pytest.raises(StartError, match="unable to find user bob: no matching entries in passwd file"):
        run(sandbox, app, "about", user="bob")


def test_a_container_is_alone_and_unprivileged(sandbox: Sandbox, app: Image) -> None:
    limits = {"nofile": (100, 200)}
    code, lines = run(sandbox, app, "about", user="nonroot", working_directory="/srv/work", ulimits=limits)
    assert code == 0
    assert "pid 1 cwd /srv/work" in lines[0]
    # Go raises the soft limit to the hard one by itself, so only the hard one is ours to see.
    assert " 200 up lo " in lines[1]
    assert "NoNewPrivs:1" in lines[1]
    assert "CapBnd:00000000a80425fb" in lines[1]  # Docker's default set
    assert lines[2:] == ["process 1"]


def test_names_and_files_of_the_task(sandbox: Sandbox, app: Image) -> None:
    assert run(sandbox, app, "cat", "/etc/hostname") == (0, [TASK[:12]])
    assert f"10.0.11.23\t{TASK[:12]}" in run(sandbox, app, "cat", "/etc/hosts")[1]
    assert run(sandbox, app, "env", "HOME", user="nonroot") == (0, ["/home/nonroot"])
    assert run(sandbox, app, "env", "X", environment={"X": "y z"}) == (0, ["y z"])
    assert {"null", "zero", "urandom", "fd", "shm", "pts"} <= set(run(sandbox, app, "list", "/dev")[1])
    assert run(sandbox, app, "write", "/dev/null", user="nonroot")[0] == 0
    assert run(sandbox, app, "write", "/tmp/x", user="nonroot")[0] == 0
    assert run(sandbox, app, "write", "/proc/sys/kernel/hostname")[0] == 1


def test_a_read_only_root(sandbox: Sandbox, app: Image) -> None:
    assert run(sandbox, app, "write", "/x") == (0, [])
    code, lines = run(sandbox, app, "write", "/x", read_only_root=True)
    assert (code, lines) == (1, ["open /x: read-only file system"])


def test_volumes_are_shared_in_the_task_and_go_with_it(runtime: NamespacesRuntime, data: Path, app: Image) -> None:
    sandbox = runtime.sandbox(TASK, "10.0.11.23")
    try:
        shared, guarded = Mount("/var/shared", "work"), Mount("/other", "work", read_only=True)
        assert run(sandbox, app, "write", "/var/shared/x", mounts=[shared]) == (0, [])
        assert run(sandbox, app, "cat", "/other/x", mounts=[guarded]) == (0, ["x"])
        assert run(sandbox, app, "write", "/other/y", mounts=[guarded]) == (1, ["open /other/y: read-only file system"])
        assert run(sandbox, app, "write", "/var/shared/y", mounts=[shared], read_only_root=True) == (0, [])
        # A new volume begins with what the image has in its place.
        assert run(sandbox, app, "list", "/etc", mounts=[Mount("/etc", "copied")])[1][:2] == ["group", "hostname"]
        memory = Mount("/scratch", None, size_mib=1)
        assert run(sandbox, app, "write", "/scratch/x", mounts=[memory], read_only_root=True, user="nonroot") == (0, [])
    finally:
        sandbox.close()
    assert list((data / "runtime" / "tasks").iterdir()) == []


def test_what_one_container_writes_no_other_sees(sandbox: Sandbox, app: Image) -> None:
    assert run(sandbox, app, "write", "/text") == (0, [])
    assert run(sandbox, app, "cat", "/text") == (0, ["no program"])


def test_a_host_root_link_in_the_image_leads_nowhere(sandbox: Sandbox, data: Path, app: Image, tmp_path: Path) -> None:
    """The files we write into a container are written inside its root, even if the image has links there."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        entry = tarfile.TarInfo("etc")
        entry.type, entry.linkname = tarfile.SYMTYPE, str(tmp_path)
        archive.addfile(entry)
    blob = data / "links"
    blob.write_bytes(raw.getvalue())
    linked = image((app.layers[0], app.config["rootfs"]["diff_ids"][0]), (blob, "sha256:" + hashlib.sha256(raw.getvalue()).hexdigest()))
    with contextlib.suppress(StartError):
        run(sandbox, linked, "exit", "0", entry_point=["/app"])
    assert list(tmp_path.iterdir()) == []


def test_layers_lie_above_one_another(sandbox: Sandbox, data: Path, program: Path) -> None:
    base = layer(data, {"app": program.read_bytes(), "d/one": b"1", "d/two": b"2", "e/three": b"3", "f": b"old"}, executable=("app",))
    upper = layer(data, {"d/.wh.one": b"", "e": None, "e/.wh..wh..opq": b"", "e/four": b"4", "f": b"new"})
    stacked = image(base, upper, Entrypoint=["/app"])
    assert run(sandbox, stacked, "list", "/d") == (0, ["two"])
    assert run(sandbox, stacked, "list", "/e") == (0, ["four"])
    assert run(sandbox, stacked, "cat", "/f") == (0, ["new"])


def test_commands_beside_a_container(sandbox: Sandbox, app: Image) -> None:
    container = serving(sandbox, app)
    code, output = container.execute(["/app", "get", "http://127.0.0.1:8080/"], 10)
    assert (code, output) == (0, f"200 {TASK[:12]}\n")
    assert container.execute(["/app", "exit", "4"], 10)[0] == 4
    code, output = container.execute(["/nowhere"], 10)
    assert code == 126
    assert "no such file or directory" in output
    with pytest.raises(TimeoutError):
        container.execute(["/app", "sleep"], 0.2)
    until(lambda: container.execute(["/app", "about"], 10)[1].count("process ") == 2)  # the one that took too long is gone
    assert container.memory_bytes() > 0
    assert container.cpu_seconds() >= 0


def test_containers_of_a_task_share_its_network_only(sandbox: Sandbox, app: Image) -> None:
    serving(sandbox, app)
    assert run(sandbox, app, "get", "http://127.0.0.1:8080/")[1] == [f"200 {TASK[:12]}"]
    assert run(sandbox, app, "about")[1][2:] == ["process 1"]


def traces(mark: str) -> list[str]:
    """Processes, mounts, control groups and files that carry the mark."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(f"process {entry.name}")
    found += [line for line in Path("/proc/self/mounts").read_text().splitlines() if mark in line]
    for parent, directories, _files in os.walk("/sys/fs/cgroup"):
        found += [f"{parent}/{name}" for name in directories if mark in name]
    return found


def test_closing_leaves_nothing(runtime: NamespacesRuntime, data: Path, app: Image) -> None:
    sandbox = runtime.sandbox("feedfacecafe" + "0" * 20, "10.0.11.24")
    container = sandbox.start(ContainerSpec("c", app, command=["sleep"], memory_limit_mib=64), lambda _line: None)
    assert traces("feedfacecafe")
    sandbox.close()
    assert traces("feedfacecafe") == []
    assert [path.name for path in (data / "runtime" / "tasks").iterdir() if "feedface" in path.name] == []
    status = container.wait(5)
    assert status is not None
    assert status.code == 137
    with pytest.raises(ConnectionRefusedError):
        sandbox.dial(8080, 1)
    with pytest.raises(StartError, match="the task has been stopped"):
        sandbox.start(ContainerSpec("c", app), lambda _line: None)
    sandbox.close()


KILLED = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from local_aws.interfaces import ContainerSpec, Image
from local_aws.runtime import choose
import json
document = json.loads(sys.argv[3])
app = Image("x", "sha256:0", "linux/amd64", document["config"], tuple(Path(p) for p in document["layers"]), ("",))
sandbox = choose("namespaces", Path(sys.argv[2])).sandbox("dead" + "beefcafe" + "0" * 20, "10.0.11.25")
sandbox.start(ContainerSpec("c", app, command=["deaf"], memory_limit_mib=64), print)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("victim", ["local_aws", "supervisor"])
def test_sigkill_leaves_nothing(data: Path, app: Image, victim: str) -> None:
    document = json.dumps({"config": app.config, "layers": [str(path) for path in app.layers]})
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(REPOSITORY), str(data), document], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        while "ready" not in (line := process.stdout.readline()):
            assert line
        assert any(trace.startswith("process") for trace in traces("deadbeefcafe"))
        if victim == "supervisor":  # all of them: the one that waits, and the one that holds the namespaces
            for trace in traces("deadbeefcafe"):
                if trace.startswith("process "):
                    os.kill(int(trace.removeprefix("process ")), signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()

    def running() -> list[str]:
        return [trace for trace in traces("deadbeefcafe") if victim == "local_aws" or not trace.startswith("/sys/fs/cgroup")]

    until(lambda: running() == [])
    if victim == "supervisor":  # what only it could have removed, the next start removes
        choose("namespaces", data)
        assert traces("deadbeefcafe") == []
    assert [path.name for path in (data / "runtime" / "tasks").iterdir() if "deadbeef" in path.name] == []
