"""Tasks as containers of Docker or Podman."""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import resource
import signal
import socket
import tarfile
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from local_aws.interfaces import HOST_NAME, ContainerSpec, ExitStatus, Image, StartError
from local_aws.runtime.command import resolve
from local_aws.runtime.engine_api import Engine, EngineError, frames, sockets
from local_aws.runtime.lines import LineCutter

_LABEL = "org.steadystate.local-aws"
_REPOSITORY = "local-aws.invalid/task"
_LOCAL = "127.0.0.1"
_MIB = 1024 * 1024
_SIGKILLED = 128 + signal.SIGKILL
_NOFILE = (1024, 4096)
"""The limits that the ECS-optimized AMI gives containers."""
_NPROC = (1024, 1024)
"""Podman would ask for the kernel's maximum, which an engine without CAP_SYS_RESOURCE may not set."""


class EngineRefused(Exception):
    """No engine that answers and may be used; the text says what was tried."""


def _owner() -> str:
    """This process, so that a later one can tell whether it still lives: its number and its start time."""
    return _life(os.getpid())


def _life(pid: int) -> str:
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return ""
    return f"{pid}.{stat.read_text().rpartition(')')[2].split()[19]}"


class _EngineContainer:
    def __init__(self, engine: Engine, container_id: str, limited: bool) -> None:
        self.runtime_id = container_id
        self._limited = limited
        self._killed = False
        self._engine = engine
        self._ended = threading.Event()
        self._status: ExitStatus | None = None

    def follow(self, output: Callable[[bytes], None]) -> None:
        threading.Thread(target=self._follow, args=(output,), name=f"container-{self.runtime_id[:12]}", daemon=True).start()

    def _follow(self, output: Callable[[bytes], None]) -> None:
        try:
            cutters = {1: LineCutter(output), 2: LineCutter(output)}
            query = {"follow": "1", "stdout": "1", "stderr": "1"}
            with self._engine.open("GET", f"/containers/{self.runtime_id}/logs", query, timeout=None) as stream:
                for source, data in frames(stream):
                    cutters[source].feed(data)
            for cutter in cutters.values():
                cutter.end()
            self._engine.call("POST", f"/containers/{self.runtime_id}/wait", timeout=None)
            state = self._engine.call("GET", f"/containers/{self.runtime_id}/json")["State"]
            # Podman 4 does not notice every kill for memory. With a limit, a SIGKILL that did not come from us can hardly be another.
            unexplained = self._limited and state["ExitCode"] == _SIGKILLED and not self._killed
            self._status = ExitStatus(int(state["ExitCode"]), bool(state.get("OOMKilled")) or unexplained)
        except (EngineError, OSError):  # removed under our eyes: the sandbox was closed
            self._status = ExitStatus(_SIGKILLED)
        self._ended.set()

    def wait(self, timeout: float | None = None) -> ExitStatus | None:
        self._ended.wait(timeout)
        return self._status

    def signal(self, number: int) -> None:
        self._killed = self._killed or number == signal.SIGKILL
        with contextlib.suppress(EngineError):  # it has ended
            self._engine.call("POST", f"/containers/{self.runtime_id}/kill", {"signal": str(int(number))})

    def execute(self, command: Sequence[str], timeout: float) -> tuple[int, str]:
        body = {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True}
        try:
            made = self._engine.call("POST", f"/containers/{self.runtime_id}/exec", body=body)["Id"]
            with self._engine.open("POST", f"/exec/{made}/start", body={"Detach": False, "Tty": False}, timeout=timeout) as stream:
                text = b"".join(data for _source, data in frames(stream))
            return int(self._engine.call("GET", f"/exec/{made}/json")["ExitCode"]), text.decode(errors="replace")
        except EngineError as error:
            return 126, str(error)
        except TimeoutError as error:
            raise TimeoutError(f"the command took longer than {timeout:g} s") from error

    def _stats(self) -> dict[str, Any]:
        if self._ended.is_set():
            return {}
        try:
            query = {"stream": "false", "one-shot": "true"}
            return dict(self._engine.call("GET", f"/containers/{self.runtime_id}/stats", query) or {})
        except EngineError:  # it has ended
            return {}

    def memory_bytes(self) -> int:
        return int(self._stats().get("memory_stats", {}).get("usage", 0))

    def cpu_seconds(self) -> float:
        return float(self._stats().get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0)) / 1e9


class _Images:
    """Images given to the engine, each once in the life of this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._loaded: set[str] = set()

    def give(self, image: Image) -> str:
        """The name under which the engine has it. Raises EngineError."""
        name = f"{_REPOSITORY}:{os.getpid()}-{image.digest.rpartition(':')[2][:32]}"
        with self._lock:
            if name not in self._loaded:
                with tempfile.TemporaryFile() as file:
                    write_archive(image, name, file)
                    file.seek(0)
                    answer = self._engine.open("POST", "/images/load", {"quiet": "1"}, file, timeout=600.0)
                    said = answer.read().decode(errors="replace")
                if '"error"' in said:
                    raise EngineError(500, said.strip())
                self._loaded.add(name)
        return name

    def remove(self) -> None:
        with self._lock:
            for name in self._loaded:
                with contextlib.suppress(EngineError, OSError):  # in use by somebody else, or the engine has gone
                    self._engine.call("DELETE", f"/images/{name}", {"force": "1"})
            self._loaded.clear()


def write_archive(image: Image, name: str, file: Any) -> None:
    """The image as `docker load` reads it: its configuration, its layers as they were pushed, and a manifest that names them."""
    layers = list(dict.fromkeys(image.layers))
    with tarfile.open(fileobj=file, mode="w") as archive:
        config = json.dumps(image.config).encode()
        manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": [f"{layer.name}.tar" for layer in image.layers]}]
        for path, content in (("config.json", config), ("manifest.json", json.dumps(manifest).encode())):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for layer in layers:
            archive.add(layer, f"{layer.name}.tar")


class EngineSandbox:
    """Each container has a network of its own, whose ports the engine publishes on loopback."""

    def __init__(self, engine: Engine, images: _Images, task_id: str) -> None:
        self._engine = engine
        self._images = images
        self._task_id = task_id
        self._lock = threading.Lock()
        self._ports: dict[int, int] = {}
        self._containers: list[str] = []
        self._volumes: set[str] = set()

    def start(self, spec: ContainerSpec, output: Callable[[bytes], None]) -> _EngineContainer:
        try:
            container_id = self._engine.call("POST", "/containers/create", body=self._body(spec))["Id"]
        except EngineError as error:
            raise StartError("CannotCreateContainerError", f"Error response from daemon: {error}") from error
        with self._lock:
            self._containers.append(container_id)
        try:
            self._engine.call("POST", f"/containers/{container_id}/start")
        except EngineError as error:
            raise StartError("CannotStartContainerError", f"Error response from daemon: {error}") from error
        ports = self._engine.call("GET", f"/containers/{container_id}/json")["NetworkSettings"].get("Ports") or {}
        with self._lock:
            for name, bindings in ports.items():
                if bindings:
                    self._ports[int(name.partition("/")[0])] = int(bindings[0]["HostPort"])
        container = _EngineContainer(self._engine, container_id, spec.memory_limit_mib is not None)
        container.follow(output)
        return container

    def _body(self, spec: ContainerSpec) -> dict[str, Any]:
        hostname = self._task_id[:12]
        command = resolve(spec, hostname)
        limits = {"nofile": _NOFILE, "nproc": _NPROC, **spec.ulimits}
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return {
            "Image": self._images.give(spec.image),
            "Hostname": hostname,
            "Entrypoint": [command.argv[0]],
            "Cmd": list(command.argv[1:]),
            "Env": [f"{name}={value}" for name, value in command.environment.items()],
            "User": command.user,
            "WorkingDir": command.directory,
            "Labels": {_LABEL: _owner(), f"{_LABEL}.task": self._task_id},
            "ExposedPorts": {f"{port}/tcp": {} for port in spec.port_hints},
            "Healthcheck": {"Test": ["NONE"]},
            "HostConfig": {
                # A container that serves nothing needs no way out: nothing of local_aws sends traffic beyond this machine.
                "NetworkMode": "bridge" if spec.port_hints else "none",
                "Memory": (spec.memory_limit_mib or 0) * _MIB,
                "MemorySwap": (spec.memory_limit_mib or 0) * _MIB,
                # Podman and Docker know the name of the host; what listens on its loopback alone stays out of reach.
                "ExtraHosts": [f"{HOST_NAME}:host-gateway"] if spec.port_hints else [],
                "Mounts": [
                    {"Type": "volume", "Source": self._volume(mount.volume), "Target": mount.path, "ReadOnly": mount.read_only}
                    for mount in spec.mounts
                    if mount.volume is not None
                ],
                "Tmpfs": {
                    mount.path: ",".join([*(["ro"] if mount.read_only else []), *([f"size={mount.size_mib}m"] if mount.size_mib else [])])
                    for mount in spec.mounts
                    if mount.volume is None
                },
                "ReadonlyRootfs": spec.read_only_root,
                "PortBindings": {f"{port}/tcp": [{"HostIp": _LOCAL, "HostPort": ""}] for port in spec.port_hints},
                "Ulimits": [
                    {
                        "Name": name,
                        "Soft": min(soft, hard) if name == "nofile" else soft,
                        "Hard": min(most, hard) if name == "nofile" else most,
                    }
                    for name, (soft, most) in limits.items()
                ],
                "SecurityOpt": ["no-new-privileges"],
            },
        }

    def _volume(self, name: str) -> str:
        """The engine's name for a volume of this task, made when it is first asked for."""
        full = f"local-aws-{self._task_id}-{name}"
        with self._lock:
            new = full not in self._volumes
            self._volumes.add(full)
        if new:
            self._engine.call("POST", "/volumes/create", body={"Name": full, "Labels": {_LABEL: _owner()}})
        return full

    def dial(self, port: int, timeout: float) -> socket.socket:
        with self._lock:
            local = self._ports.get(port)
        if local is None:
            raise ConnectionRefusedError(f"no container of the task publishes {port}")
        connection = socket.create_connection((_LOCAL, local), timeout)
        connection.settimeout(None)
        return connection

    def listen(self, address: str, port: int) -> None:
        """The network is the engine's."""

    def close(self) -> None:
        with self._lock:
            containers, self._containers = self._containers, []
            self._ports.clear()
        for container_id in containers:
            _remove(self._engine, container_id)
        for volume in self._volumes:
            self._engine.call("DELETE", f"/volumes/{volume}", {"force": "1"})
        self._volumes.clear()


def _remove(engine: Engine, container_id: str) -> None:
    try:
        engine.call("DELETE", f"/containers/{container_id}", {"force": "1", "v": "1"})
    except EngineError as error:
        if error.status != 404:
            raise


class EngineRuntime:
    name = "engine"

    def __init__(self, candidates: Sequence[Path] | None = None) -> None:
        """Takes the first engine that answers and clears away what dead runs left there. Raises EngineRefused."""
        tried: list[str] = []
        for path in sockets() if candidates is None else candidates:
            engine = Engine(path)
            try:
                about = engine.call("GET", "/version")
                _sweep(engine)
            except (OSError, EngineError) as error:
                tried.append(f"{path}: {error}")
                continue
            self._engine = engine
            self._images = _Images(engine)
            atexit.register(self._images.remove)
            names = [part["Name"] for part in about.get("Components") or () if part.get("Name")]
            product = names[0] if names else "Docker Engine"
            self.reason = (
                f"{product} {about.get('Version', '')} answers at {path}, so tasks run as its containers, their ports published "
                "on loopback; containers of one task do not share localhost."
            )
            return
        raise EngineRefused("; ".join(tried) or "no socket of Docker or Podman found, and DOCKER_HOST names none")

    def sandbox(self, task_id: str, address: str) -> EngineSandbox:
        return EngineSandbox(self._engine, self._images, task_id)


def _sweep(engine: Engine) -> None:
    """Remove containers and images of runs that are no more."""
    query = {"all": "1", "filters": json.dumps({"label": [_LABEL]})}
    for container in engine.call("GET", "/containers/json", query) or []:
        owner = (container.get("Labels") or {}).get(_LABEL, "")
        pid = owner.partition(".")[0]
        if not pid.isdigit() or _life(int(pid)) != owner:
            _remove(engine, container["Id"])
    volumes = engine.call("GET", "/volumes", {"filters": json.dumps({"label": [_LABEL]})}) or {}
    for volume in volumes.get("Volumes") or ():
        owner = (volume.get("Labels") or {}).get(_LABEL, "")
        pid = owner.partition(".")[0]
        if not pid.isdigit() or _life(int(pid)) != owner:
            engine.call("DELETE", f"/volumes/{volume['Name']}", {"force": "1"})
    for image in engine.call("GET", "/images/json", {"filters": json.dumps({"reference": [f"{_REPOSITORY}:*"]})}) or []:
        for name in image.get("RepoTags") or ():
            pid = name.rpartition(":")[2].partition("-")[0]
            if not pid.isdigit() or not _life(int(pid)):
                engine.call("DELETE", f"/images/{name}", {"force": "1"})
