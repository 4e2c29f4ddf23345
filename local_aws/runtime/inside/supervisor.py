"""One process per task: it holds the task's namespaces, starts its containers and hands out sockets made inside.

It is told what to do over a Unix socket, one JSON object per packet, one answer per request; file descriptors travel along.

    {"op": "socket"}                              -> {} + an unconnected TCP socket of the task's network
    {"op": "listen", "address", "port"}           -> {} + a listening socket at an address of its own inside the task
    {"op": "start", …} + stdout, stderr, status   -> {"pid"} or {"error"}; the exit status is written to `status` later
    {"op": "execute", "pid", …} + output, status  -> {"pid"} or {"error"}
    {"op": "signal", "pid", "number"}             -> {}
    {"op": "usage", "pid"}                        -> {"cpu", "memory"}

It is the first process of a process namespace around all containers of the task: when it ends, however it ends, the kernel kills
everything inside, and network, mounts and host name go with the last process. When its socket closes (local_aws has closed the
sandbox, or was killed) it ends by itself and takes away what the kernel does not: memory groups and scratch directories.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any

from local_aws.runtime.inside import cgroups, container, linux, usage

_PACKET = 1 << 20
_WATCH_SECONDS = 0.1
"""How often memory is measured where no control group can limit it."""


@dataclass
class _Child:
    status: int
    scratch: str | None = None
    spec: dict[str, Any] | None = None
    group: cgroups.MemoryGroup | None = None
    watched_limit: int | None = None
    over_limit: bool = False


class Supervisor:
    def __init__(self, control: socket.socket, userns: bool, scratch: str) -> None:
        self._control = control
        self._scratch = scratch
        self._userns = userns
        self._children: dict[int, _Child] = {}
        self._own_processes = os.open("/proc/self/ns/pid", os.O_RDONLY)
        self._addresses: list[str] = []

    def serve(self) -> None:
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        os.set_blocking(wake_read, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        poller = select.poll()
        poller.register(self._control, select.POLLIN)
        poller.register(wake_read, select.POLLIN)
        while True:
            watching = any(child.watched_limit for child in self._children.values())
            ready = dict(poller.poll(_WATCH_SECONDS * 1000 if watching else None))
            if wake_read in ready:
                with contextlib.suppress(BlockingIOError):
                    while os.read(wake_read, 4096):
                        pass
            self._reap()
            if watching:
                self._watch_memory()
            if self._control.fileno() in ready and not self._answer():
                return

    def _answer(self) -> bool:
        try:
            data, descriptors, _flags, _address = socket.recv_fds(self._control, _PACKET, 4)
        except ConnectionResetError:
            return False
        if not data:
            return False
        request: dict[str, Any] = json.loads(data)
        sent: list[int] = []
        try:
            answer = getattr(self, "_op_" + request["op"])(request, descriptors, sent)
        except (OSError, container.CannotStart) as error:
            answer = {"error": str(error)}
        for descriptor in descriptors:
            with contextlib.suppress(OSError):  # closed already where a child got it
                os.close(descriptor)
        try:
            socket.send_fds(self._control, [json.dumps(answer).encode()], sent)
        except (BrokenPipeError, ConnectionResetError):
            return False
        finally:
            for descriptor in sent:
                os.close(descriptor)
        return True

    def _op_socket(self, _request: dict[str, Any], _descriptors: list[int], sent: list[int]) -> dict[str, Any]:
        sent.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC).detach())
        return {}

    def _op_listen(self, request: dict[str, Any], _descriptors: list[int], sent: list[int]) -> dict[str, Any]:
        if request["address"] not in self._addresses:
            linux.loopback_address(2 + len(self._addresses), request["address"])  # 1 is the task's own
            self._addresses.append(request["address"])
        with socket.create_server((request["address"], request["port"])) as listener:
            sent.append(listener.detach())
        return {}

    def _op_start(self, request: dict[str, Any], descriptors: list[int], _sent: list[int]) -> dict[str, Any]:
        output, errors, status = descriptors
        group, watched = None, None
        if request["memory"]:
            group = cgroups.memory_group(request["group"]) if request["group"] else None
            if group is not None:
                group.limit(request["memory"])
            else:
                watched = request["memory"]
        child = _Child(os.dup(status), request["scratch"], request, group, watched)
        request["userns"] = self._userns
        members = os.open(group.members, os.O_WRONLY) if group is not None else None

        def become() -> None:
            container.enter_root(request)
            if request["argv"] is None:  # a rehearsal: everything but a program to run
                os._exit(0)
            container.run(request, output, errors, members)

        linux.unshare(linux.CLONE_NEWPID)
        try:
            pid, error = self._fork(become)
        finally:
            linux.setns(self._own_processes, linux.CLONE_NEWPID)
            if members is not None:
                os.close(members)
        if error is not None:
            os.waitpid(pid, 0)
            os.close(child.status)
            self._forget(child)
            return {"error": error}
        self._children[pid] = child
        return {"pid": pid, "limited": group is not None}

    def _op_execute(self, request: dict[str, Any], descriptors: list[int], _sent: list[int]) -> dict[str, Any]:
        output, status = descriptors
        first = request["pid"]
        beside = self._children.get(first)
        if beside is None or beside.spec is None:
            return {"error": "the container is not running"}
        spec = {**beside.spec, "argv": request["argv"], "read_only": False}
        members = os.open(beside.group.members, os.O_WRONLY) if beside.group is not None else None
        spaces = [(linux.CLONE_NEWPID, "pid"), (linux.CLONE_NEWNS, "mnt")]
        if os.readlink(f"/proc/{first}/ns/user") != os.readlink("/proc/self/ns/user"):
            spaces.append((linux.CLONE_NEWUSER, "user"))
            spec = {**spec, "user": "0"}
        opened = [(kind, os.open(f"/proc/{first}/ns/{name}", os.O_RDONLY)) for kind, name in spaces]

        def become() -> None:
            for kind, descriptor in opened:
                linux.setns(descriptor, kind)
            inner, error = self._fork(lambda: container.run(spec, output, output, members))
            if error is not None:
                raise container.CannotStart(error)
            # Asked to stop (the check took too long), take the command with us.
            signal.signal(signal.SIGTERM, lambda _number, _frame: os.kill(inner, signal.SIGKILL))
            os.close(output)
            _, ended = os.waitpid(inner, 0)
            os._exit(usage.exit_code(ended))

        try:
            # This process stays to wait for the command, so its own start is reported by the inner fork: no pipe to wait on here.
            pid = os.fork()
            if pid == 0:
                try:
                    become()
                except (OSError, container.CannotStart) as error:
                    os.write(output, str(error).encode())
                finally:
                    os._exit(126)
        finally:
            for _kind, descriptor in opened:
                os.close(descriptor)
            if members is not None:
                os.close(members)
        self._children[pid] = _Child(os.dup(status))
        return {"pid": pid}

    def _op_signal(self, request: dict[str, Any], _descriptors: list[int], _sent: list[int]) -> dict[str, Any]:
        if request["pid"] in self._children:  # not reaped yet, so the number is still its own
            os.kill(request["pid"], request["number"])
        return {}

    def _op_usage(self, request: dict[str, Any], _descriptors: list[int], _sent: list[int]) -> dict[str, Any]:
        child = self._children.get(request["pid"])
        if child is None:
            return {"cpu": 0.0, "memory": 0}
        cpu, memory = usage.of_namespace(request["pid"])
        return {"cpu": cpu, "memory": child.group.usage() if child.group is not None else memory}

    def _fork(self, become: Any) -> tuple[int, str | None]:
        """Fork; the child runs `become`, which ends in exec. Returns its number and, when there was no exec, why."""
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                become()
            except BaseException as error:  # whatever it is, a forked child must never run on in the supervisor's code
                container.report(error, write)
            finally:
                os._exit(127)
        os.close(write)
        with os.fdopen(read, "rb") as file:
            text = file.read()
        return pid, json.loads(text) if text else None

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self._children.pop(pid, None)
            if child is None:
                continue
            killed = child.over_limit or (child.group is not None and child.group.killed_for_memory())
            with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
                os.write(child.status, json.dumps({"code": usage.exit_code(status), "out_of_memory": killed}).encode())
            os.close(child.status)
            self._forget(child)

    def _forget(self, child: _Child) -> None:
        if child.group is not None:
            child.group.remove()
        if child.scratch is not None and os.path.isdir(child.scratch):
            shutil.rmtree(child.scratch)

    def _watch_memory(self) -> None:
        for pid, child in self._children.items():
            if child.watched_limit and usage.of_namespace(pid)[1] > child.watched_limit:
                child.over_limit = True
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill every container and remove what they leave."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, _status = os.waitpid(-1, 0)
                child = self._children.pop(pid, None)
                if child is not None:
                    self._forget(child)
        if os.path.isdir(self._scratch):
            shutil.rmtree(self._scratch)


def _map_user() -> None:
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER)
    for name, value in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(value)


def _enter_namespaces() -> bool:
    """Returns whether a user namespace was needed."""
    spaces = linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS | linux.CLONE_NEWNS | linux.CLONE_NEWPID
    if os.geteuid() == 0:
        try:
            linux.unshare(spaces)
        except PermissionError:
            pass
        else:
            return False
    _map_user()
    linux.unshare(spaces)
    return True


def _prepare(address: str, hostname: str) -> None:
    linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    socket.sethostname(hostname)
    linux.loopback_up()
    linux.loopback_address(1, address)
    # As Docker does, so that a container that is not root may listen on port 80.
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w") as file:
        file.write("0")


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    address, hostname, scratch = sys.argv[2:5]
    try:
        userns = _enter_namespaces()
    except OSError as error:
        control.send(json.dumps({"error": str(error)}).encode())
        return
    pid = os.fork()
    if pid:
        control.close()
        os.waitpid(pid, 0)
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        _prepare(address, hostname)
    except OSError as error:
        control.send(json.dumps({"error": str(error)}).encode())
        return
    supervisor = Supervisor(control, userns, scratch)
    control.send(json.dumps({"userns": userns}).encode())
    try:
        supervisor.serve()
    finally:
        supervisor.close()
