"""The ways out of a task's network, which has none of its own: sockets that listen inside it and are served from here."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterable

from local_aws.interfaces import HOST_ADDRESS, HOST_NAME, Sandbox

_LOCAL = "127.0.0.1"
_PIECE = 1 << 16
_CONNECT_SECONDS = 5.0

Serve = Callable[[socket.socket], None]
"""Takes a connection and closes it, in a thread of its own."""


def host_ports(values: Iterable[str]) -> set[int]:
    """The ports of this machine that environment values such as `postgres://u@host.docker.internal:5432/db` speak of."""
    found = (match for value in values for match in re.findall(rf"\b{re.escape(HOST_NAME)}:(\d+)", value))
    return {int(port) for port in found if 0 < int(port) < 65536}


class WaysOut:
    """All sockets of one task that are served from outside."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._closed = False
        self._open: set[socket.socket] = set()

    def to_host(self, port: int) -> None:
        """Connections to this port of the host's name arrive at the same port of this machine's loopback. Raises OSError."""

        def serve(inside: socket.socket) -> None:
            try:
                outside = socket.create_connection((_LOCAL, port), _CONNECT_SECONDS)
            except OSError:  # nothing listens there: the task sees its connection closed, as behind any forwarder
                inside.close()
                return
            outside.settimeout(None)
            self._join(inside, outside)

        self.serve(HOST_ADDRESS, port, serve)

    def serve(self, address: str, port: int, serve: Serve) -> None:
        """Serve connections to an address inside; does nothing where the runtime has no network of its own. Raises OSError."""
        listener = self._sandbox.listen(address, port)
        if listener is not None and self._keep(listener):
            threading.Thread(target=self._accept, args=(listener, serve), name=f"out-{address}:{port}", daemon=True).start()

    def _keep(self, one: socket.socket) -> bool:
        with self._lock:
            if self._closed:
                one.close()
                return False
            self._open.add(one)
            return True

    def _drop(self, one: socket.socket) -> None:
        with self._lock:
            self._open.discard(one)
        one.close()

    def _accept(self, listener: socket.socket, serve: Serve) -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:  # closed: the task has ended
                return
            if self._keep(connection):
                threading.Thread(target=self._one, args=(connection, serve), name="out-connection", daemon=True).start()

    def _one(self, connection: socket.socket, serve: Serve) -> None:
        try:
            serve(connection)
        finally:
            self._drop(connection)

    def _join(self, inside: socket.socket, outside: socket.socket) -> None:
        if not self._keep(outside):
            return
        back = threading.Thread(target=_copy, args=(outside, inside), name="out-back", daemon=True)
        back.start()
        _copy(inside, outside)
        back.join()
        self._drop(outside)

    def close(self) -> None:
        """Close everything: an open socket would keep the task's network alive."""
        with self._lock:
            self._closed = True
            sockets, self._open = list(self._open), set()
        for one in sockets:
            with contextlib.suppress(OSError):  # not connected any more
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(_PIECE):
            target.sendall(data)
    except OSError:  # one side is gone: so is the connection
        with contextlib.suppress(OSError):
            source.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
