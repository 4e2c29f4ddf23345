"""Kept-alive connections to targets."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable

from local_aws.elb import http1

IDLE_REAL_SECONDS = 4.0
"""How long a connection is kept unused. Shorter than an ALB's (its idle time-out, 60 s), because common servers close at 5 s, and
the race between their close and our next request would end in a 502."""

KEPT_PER_TARGET = 64


class Connection:
    """A connection to a target with its read buffer."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.reader = http1.Reader(link)
        self.idle_since = 0.0

    def reusable(self) -> bool:
        """False when the target has closed it or sent something unasked."""
        if self.reader.has_buffered or time.monotonic() - self.idle_since > IDLE_REAL_SECONDS:
            return False
        poller = select.poll()
        poller.register(self.link, select.POLLIN)
        return not poller.poll(0)

    def close(self) -> None:
        self.link.close()


class Pool:
    """Connections by address and port; the most recently used is reused first."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], list[Connection]] = defaultdict(list)
        self._lock = threading.Lock()

    def take(self, address: str, port: int, dial: Callable[[], socket.socket]) -> Connection:
        """A connection that is open as far as one can tell, new when there is none. Raises what `dial` raises."""
        while True:
            with self._lock:
                kept = self._idle.get((address, port))
                connection = kept.pop() if kept else None
            if connection is None:
                return Connection(dial())
            if connection.reusable():
                return connection
            connection.close()

    def give_back(self, address: str, port: int, connection: Connection) -> None:
        connection.idle_since = time.monotonic()
        with self._lock:
            kept = self._idle[(address, port)]
            if len(kept) < KEPT_PER_TARGET:
                kept.append(connection)
                return
        connection.close()

    def drop(self, address: str, port: int) -> None:
        """Close what is idle towards a target that is gone. Connections in use are not touched."""
        with self._lock:
            dropped = self._idle.pop((address, port), [])
        for connection in dropped:
            connection.close()

    def prune(self) -> None:
        """Close what has been idle for too long."""
        limit = time.monotonic() - IDLE_REAL_SECONDS
        with self._lock:
            old = [item for kept in self._idle.values() for item in kept if item.idle_since < limit]
            for key in list(self._idle):
                self._idle[key] = [item for item in self._idle[key] if item.idle_since >= limit]
                if not self._idle[key]:
                    del self._idle[key]
        for connection in old:
            connection.close()

    def clear(self) -> None:
        for address, port in list(self._idle):
            self.drop(address, port)
