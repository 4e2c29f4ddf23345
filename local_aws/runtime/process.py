"""Tasks as plain child processes of the unpacked image: for machines that allow neither namespaces nor an engine.

Nothing is isolated: the program sees the host's files and network, runs as our user, and finds in PORT where to listen.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from local_aws.interfaces import HOST_NAME, ContainerSpec, Image, StartError
from local_aws.runtime.command import resolve
from local_aws.runtime.followed import FollowedProcess
from local_aws.runtime.inside import usage
from local_aws.runtime.layers import LayerError, unpack_flat
from local_aws.runtime.supervised import boot

_LOCAL = "127.0.0.1"
_MIB = 1024 * 1024
_PACKET = 1 << 20


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOCAL, 0))
        return int(probe.getsockname()[1])


class _Roots:
    """Images unpacked flat, each once, by their layers."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)

    def of(self, image: Image) -> Path:
        """Raises LayerError."""
        root = self._directory / hashlib.sha256(" ".join(layer.name for layer in image.layers).encode()).hexdigest()
        with self._lock:
            if not root.is_dir():
                with tempfile.TemporaryDirectory(dir=self._directory) as temporary:
                    new = Path(temporary) / "root"
                    new.mkdir()
                    unpack_flat(image, new)
                    new.rename(root)
        return root


def _program(argv: Sequence[str], path: str, root: Path, directory: Path) -> Path:
    """The program file in the unpacked image. Raises StartError with Docker's texts."""
    name = argv[0]
    start = "Error response from daemon: failed to create task for container: unable to start container process"
    if "/" in name:
        found = root / name.lstrip("/") if name.startswith("/") else directory / name
        if not found.exists():
            raise StartError("CannotStartContainerError", f'{start}: exec: "{name}": stat {name}: no such file or directory: unknown')
        if not os.access(found, os.X_OK) or found.is_dir():
            raise StartError("CannotStartContainerError", f'{start}: exec: "{name}": permission denied: unknown')
        return found
    for part in path.split(":"):
        found = root / part.lstrip("/") / name
        if found.is_file() and os.access(found, os.X_OK):
            return found
    raise StartError("CannotStartContainerError", f'{start}: exec: "{name}": executable file not found in $PATH: unknown')


class _Running(FollowedProcess):
    """One program under its own small supervisor (`inside/plain.py`)."""

    def __init__(self, root: Path, environment: dict[str, str], directory: Path, argv: Sequence[str], memory: int | None) -> None:
        """Raises StartError."""
        self.runtime_id = secrets.token_hex(32)
        self._root = root
        self._environment = environment
        self._directory = directory
        program = _program(argv, environment["PATH"], root, directory)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        out_read, out_write = os.pipe()
        error_read, error_write = os.pipe()
        status_read, status_write = os.pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *boot("plain"), str(theirs.fileno()), str(status_write)],
                pass_fds=[theirs.fileno(), status_write],
                stdin=subprocess.DEVNULL,
                stdout=out_write,
                stderr=error_write,
                start_new_session=True,
            )
        for descriptor in (out_write, error_write, status_write):
            os.close(descriptor)
        super().__init__((out_read, error_read), status_read)
        spec = {"program": str(program), "argv": list(argv), "environment": environment, "directory": str(directory), "memory": memory}
        answer = self._exchange(spec)
        if "error" in answer:
            for descriptor in (out_read, error_read, status_read):
                os.close(descriptor)
            self.end()
            raise StartError("CannotStartContainerError", f"Error response from daemon: exec {argv[0]}: {answer['error']}")
        self._leader = int(answer["pid"])

    def _exchange(self, spec: dict[str, Any]) -> dict[str, Any]:
        self._control.send(json.dumps(spec).encode())
        data = self._control.recv(_PACKET)
        return dict(json.loads(data)) if data else {"error": "its supervisor has ended"}

    def signal(self, number: int) -> None:
        with contextlib.suppress(OSError):  # it has ended
            self._control.send(str(int(number)).encode())

    def end(self) -> None:
        """Kill it, if it still runs, and all that it started."""
        self._control.close()
        self._process.wait()

    def execute(self, command: Sequence[str], timeout: float) -> tuple[int, str]:
        lines: list[bytes] = []
        try:
            beside = _Running(self._root, self._environment, self._directory, command, None)
        except StartError as error:
            return 126, error.text
        beside.follow("execute", lines.append)
        try:
            status = beside.wait(timeout)
        finally:
            beside.end()
        if status is None:
            raise TimeoutError(f"the command took longer than {timeout:g} s")
        return status.code, b"\n".join(lines).decode(errors="replace")

    def memory_bytes(self) -> int:
        return 0 if self.ended.is_set() else usage.of_session(self._leader)[1]

    def cpu_seconds(self) -> float:
        return 0.0 if self.ended.is_set() else usage.of_session(self._leader)[0]


class ProcessSandbox:
    def __init__(self, task_id: str, roots: _Roots) -> None:
        self._hostname = task_id[:12]
        self._roots = roots
        self._lock = threading.Lock()
        self._ports: dict[int, int] = {}
        self._running: list[_Running] = []

    def start(self, spec: ContainerSpec, output: Callable[[bytes], None]) -> _Running:
        if spec.mounts:
            raise StartError("CannotCreateVolumeError", "a plain process has no file system of its own to mount anything in")
        command = resolve(spec, self._hostname)
        try:
            root = self._roots.of(spec.image)
        except LayerError as error:
            raise StartError("CannotPullContainerError", f"failed to register layer: {error}") from error
        # The process is on the host's network already.
        environment = {name: value.replace(HOST_NAME, _LOCAL) for name, value in command.environment.items()}
        if spec.port_hints:
            port = _free_port()
            environment["PORT"] = str(port)
            with self._lock:
                self._ports[spec.port_hints[0]] = port
        directory = root / command.directory.lstrip("/")
        directory.mkdir(parents=True, exist_ok=True)
        memory = spec.memory_limit_mib * _MIB if spec.memory_limit_mib else None
        running = _Running(root, environment, directory, command.argv, memory)
        with self._lock:
            self._running.append(running)
        running.follow(f"container-{running.runtime_id[:12]}", output)
        return running

    def dial(self, port: int, timeout: float) -> socket.socket:
        with self._lock:
            local = self._ports.get(port)
        if local is None:
            raise ConnectionRefusedError(f"no container of the task listens on {port}")
        connection = socket.create_connection((_LOCAL, local), timeout)
        connection.settimeout(None)
        return connection

    def listen(self, address: str, port: int) -> None:
        """There is no network of the task's own."""

    def close(self) -> None:
        with self._lock:
            running, self._running = self._running, []
            self._ports.clear()
        for process in running:
            process.end()


class ProcessRuntime:
    name = "process"

    def __init__(self, data: Path, why: str) -> None:
        """`why` says what else does not work here."""
        self.reason = (
            f"{why} So tasks run as plain child processes of local_aws: not isolated, as our own user, each told its port in PORT "
            "instead of having an address of its own."
        )
        self._roots = _Roots(data / "roots")

    def sandbox(self, task_id: str, address: str) -> ProcessSandbox:
        return ProcessSandbox(task_id, self._roots)
