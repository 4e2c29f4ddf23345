"""Tasks as Linux namespaces, straight from the unpacked layers: no engine, and nothing made on the host's network.

A supervisor process per task (`inside/supervisor.py`) holds the task's namespaces. Its loopback interface carries the task's address,
so any number of tasks listen on the same port. A connection to a task is made with a socket that was born inside its network and
handed out, so no interface, route or firewall rule of the host is ever touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from local_aws.interfaces import HOST_ADDRESS, HOST_NAME, ContainerSpec, Mount, StartError
from local_aws.runtime.command import resolve
from local_aws.runtime.followed import FollowedProcess, read_status
from local_aws.runtime.inside import cgroups
from local_aws.runtime.layers import LayerError, LayerStore
from local_aws.runtime.supervised import boot

_PACKET = 1 << 20
_ANSWER_SECONDS = 60.0
"""How long a supervisor may take for one request; starting a container on a busy machine is the longest."""
_CLOSE_SECONDS = 10.0
_MIB = 1024 * 1024
_GROUP = "local-aws-"
"""How the names of our control groups begin; the number of the process that runs local_aws follows."""


class NamespacesRefused(Exception):
    """This machine does not let us make namespaces; the text is the kernel's."""


class _Supervisor:
    """Our end of one supervisor process."""

    def __init__(self, address: str, hostname: str, scratch: Path) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *boot("supervisor"), str(theirs.fileno()), address, hostname, str(scratch)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal is for local_aws alone, which then closes its tasks in order
            )
        self._socket = ours
        self._socket.settimeout(_ANSWER_SECONDS)
        self._lock = threading.Lock()
        hello, _ = self._receive()
        if "error" in hello:
            self.close()
            raise NamespacesRefused(hello["error"])
        self.userns = bool(hello["userns"])

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        data, descriptors, _flags, _address = socket.recv_fds(self._socket, _PACKET, 1)
        if not data:
            raise ConnectionResetError("the task's supervisor has ended")
        return json.loads(data), descriptors

    def request(self, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> tuple[dict[str, Any], list[int]]:
        """Raises OSError when the supervisor is gone."""
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(message).encode()], list(descriptors))
            return self._receive()

    def close(self) -> None:
        self._socket.close()
        try:
            self._process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Container(FollowedProcess):
    def __init__(self, supervisor: _Supervisor, pid: int, streams: Sequence[int], status: int) -> None:
        super().__init__(streams, status)
        self.runtime_id = secrets.token_hex(32)
        self._supervisor = supervisor
        self._pid = pid

    def signal(self, number: int) -> None:
        if not self.ended.is_set():
            with contextlib.suppress(OSError):  # the sandbox is closed, and with it the container has ended
                self._supervisor.request({"op": "signal", "pid": self._pid, "number": int(number)})

    def execute(self, command: Sequence[str], timeout: float) -> tuple[int, str]:
        read, write = os.pipe()
        status_read, status_write = os.pipe()
        try:
            answer, _ = self._supervisor.request({"op": "execute", "pid": self._pid, "argv": list(command)}, [write, status_write])
        except OSError as error:
            answer = {"error": str(error)}
        finally:
            os.close(write)
            os.close(status_write)
        if "error" in answer:
            os.close(read)
            os.close(status_read)
            return 126, str(answer["error"])
        return self._collect(answer["pid"], read, status_read, timeout)

    def _collect(self, pid: int, read: int, status_read: int, timeout: float) -> tuple[int, str]:
        text = b""
        deadline = time.monotonic() + timeout
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(status_read, selectors.EVENT_READ)
                selector.register(read, selectors.EVENT_READ)
                while True:
                    ready = selector.select(max(0.0, deadline - time.monotonic()))
                    if not ready:
                        self._supervisor.request({"op": "signal", "pid": pid, "number": int(signal.SIGTERM)})
                        raise TimeoutError(f"the command took longer than {timeout:g} s")
                    descriptors = [key.fd for key, _events in ready]
                    if read in descriptors:
                        data = os.read(read, 65536)
                        text += data
                        if not data:
                            selector.unregister(read)
                    elif status_read in descriptors:
                        return read_status(os.dup(status_read)).code, text.decode(errors="replace")
        finally:
            os.close(read)
            os.close(status_read)

    def _usage(self) -> dict[str, Any]:
        if self.ended.is_set():
            return {"cpu": 0.0, "memory": 0}
        try:
            return self._supervisor.request({"op": "usage", "pid": self._pid})[0]
        except OSError:
            return {"cpu": 0.0, "memory": 0}

    def memory_bytes(self) -> int:
        return int(self._usage()["memory"])

    def cpu_seconds(self) -> float:
        return float(self._usage()["cpu"])


class NamespaceSandbox:
    def __init__(self, task_id: str, address: str, data: Path, control_groups: bool = True) -> None:
        self._address = address
        self._hostname = task_id[:12]
        self._scratch = data / f"{os.getpid()}-{self._hostname}-{uuid.uuid4().hex[:8]}"
        self._control_groups = control_groups
        self._scratch.mkdir(parents=True, mode=0o700)
        try:
            self._supervisor = _Supervisor(address, self._hostname, self._scratch)
        except BaseException:
            self._scratch.rmdir()
            raise
        self._closed = False

    @property
    def userns(self) -> bool:
        """Whether we are not root and see ourselves as root only inside."""
        return self._supervisor.userns

    def rehearse(self, store: LayerStore, layer: str) -> None:
        """Do everything but start a program. Raises NamespacesRefused with what the kernel refuses."""
        status_read, status_write = os.pipe()
        try:
            answer, _ = self._supervisor.request(
                self._start_message(store, [layer], "rehearsal", None), [status_write, status_write, status_write]
            )
        except OSError as error:
            answer = {"error": str(error)}
        finally:
            os.close(status_write)
        with os.fdopen(status_read, "rb") as file:
            file.read()
        if "error" in answer:
            raise NamespacesRefused(answer["error"])

    def _start_message(self, store: LayerStore, layers: Sequence[str], name: str, memory: int | None) -> dict[str, Any]:
        safe = re.sub(r"[^A-Za-z0-9_-]", "_", name)
        unique = f"{safe[:40]}-{uuid.uuid4().hex[:8]}"
        return {
            "op": "start",
            "store": str(store.directory),
            "layers": list(layers),
            "scratch": str(self._scratch / unique),
            "option": ",userxattr" if self.userns else "",
            "group": f"{_GROUP}{self._scratch.name}-{unique}" if self._control_groups else None,
            "memory": memory,
            "argv": None,
            "mounts": [],
            "files": {
                "/etc/hostname": f"{self._hostname}\n",
                "/etc/hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
                f"{HOST_ADDRESS}\t{HOST_NAME}\n{self._address}\t{self._hostname}\n",
                "/etc/resolv.conf": "# A task of local_aws reaches no name server: nothing outside its own network.\n",
            },
        }

    def start_from(self, store: LayerStore, spec: ContainerSpec, output: Callable[[bytes], None]) -> _Container:
        command = resolve(spec, self._hostname)
        try:
            layers = store.names(spec.image)
        except LayerError as error:
            raise StartError("CannotPullContainerError", f"failed to register layer: {error}") from error
        memory = spec.memory_limit_mib * _MIB if spec.memory_limit_mib else None
        message = self._start_message(store, layers, spec.name, memory) | {
            "argv": list(command.argv),
            "environment": command.environment,
            "user": command.user,
            "directory": command.directory,
            "read_only": spec.read_only_root,
            "mounts": [self._mount(mount) for mount in spec.mounts],
            "limits": {name: list(limit) for name, limit in spec.ulimits.items()},
        }
        out_read, out_write = os.pipe()
        error_read, error_write = os.pipe()
        status_read, status_write = os.pipe()
        try:
            answer, _ = self._supervisor.request(message, [out_write, error_write, status_write])
        except OSError as error:
            answer = {"error": f"the task has been stopped: {error}"}
        finally:
            for descriptor in (out_write, error_write, status_write):
                os.close(descriptor)
        if "error" in answer:
            for descriptor in (out_read, error_read, status_read):
                os.close(descriptor)
            raise StartError("CannotStartContainerError", answer["error"])
        container = _Container(self._supervisor, answer["pid"], (out_read, error_read), status_read)
        container.follow(f"container-{container.runtime_id[:12]}", output)
        return container

    def _mount(self, mount: Mount) -> dict[str, Any]:
        source = None
        if mount.volume is not None:
            directory = self._scratch / "volumes" / re.sub(r"[^A-Za-z0-9_-]", "_", mount.volume)
            directory.mkdir(parents=True, exist_ok=True)
            source = str(directory)
        return {"path": mount.path, "source": source, "read_only": mount.read_only, "size": mount.size_mib}

    def dial(self, port: int, timeout: float) -> socket.socket:
        try:
            _, descriptors = self._supervisor.request({"op": "socket"})
        except OSError as error:
            raise ConnectionRefusedError(f"{self._address} is gone") from error
        connection = socket.socket(fileno=descriptors[0])
        try:
            connection.settimeout(timeout)
            connection.connect((self._address, port))
        except BaseException:
            connection.close()
            raise
        connection.settimeout(None)
        return connection

    def listen(self, address: str, port: int) -> socket.socket:
        answer, descriptors = self._supervisor.request({"op": "listen", "address": address, "port": port})
        if "error" in answer:
            raise OSError(answer["error"])
        return socket.socket(fileno=descriptors[0])

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._supervisor.close()
        if self._scratch.exists():  # the supervisor was killed before it could clear up
            shutil.rmtree(self._scratch)
            cgroups.remove_left(f"{_GROUP}{self._scratch.name}", lambda _name: True)


class _StoredSandbox(NamespaceSandbox):
    def __init__(self, task_id: str, address: str, data: Path, store: LayerStore, control_groups: bool) -> None:
        super().__init__(task_id, address, data, control_groups)
        self._store = store

    def start(self, spec: ContainerSpec, output: Callable[[bytes], None]) -> _Container:
        return self.start_from(self._store, spec, output)


class NamespacesRuntime:
    name = "namespaces"

    def __init__(self, data: Path, control_groups: bool = True) -> None:
        """Tries everything once, on an empty image. Without control groups, memory is watched instead. Raises NamespacesRefused."""
        self._control_groups = control_groups
        self._scratch = data / "tasks"
        self._scratch.mkdir(parents=True, exist_ok=True)
        _sweep(self._scratch)
        probe = NamespaceSandbox("probe", "10.255.255.1", self._scratch)
        try:
            attribute = "user.overlay.opaque" if probe.userns else "trusted.overlay.opaque"
            self._store = LayerStore(data / ("layers-user" if probe.userns else "layers"), attribute, own=not probe.userns)
            empty = self._store.directory / "empty"
            empty.mkdir(exist_ok=True)
            probe.rehearse(self._store, "empty")
            self.reason = (
                "Linux namespaces of our own user work here, so tasks run straight from their image layers, without root or an engine."
                if probe.userns
                else "Linux namespaces work here as root, so tasks run straight from their image layers, without an engine."
            )
        finally:
            probe.close()

    def sandbox(self, task_id: str, address: str) -> _StoredSandbox:
        return _StoredSandbox(task_id, address, self._scratch, self._store, self._control_groups)


def _sweep(scratch: Path) -> None:
    """Remove what a killed run left: directories and control groups named after a process that is no more."""
    for path in scratch.iterdir():
        if _orphaned(path.name):
            shutil.rmtree(path)
    cgroups.remove_left(_GROUP, lambda name: _orphaned(name.removeprefix(_GROUP)))


def _orphaned(name: str) -> bool:
    pid = name.partition("-")[0]
    return pid.isdigit() and not Path(f"/proc/{pid}").exists()
