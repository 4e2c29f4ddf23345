# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A distance on loopback: every request takes so much longer, every connection carries so much a second, and both are counted.

Bytes pass as they are; a request is seen where the direction of the talk turns, which is exact for HTTP/1.1 without pipelining.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass

_BLOCK = 256 * 1024
# Seconds that a connection may be behind and still catch up: sleeps end late, and many make it slower than it is said to be.
_BEHIND = 0.02


@dataclass
class Traffic:
    requests: int = 0
    bytes_up: int = 0


class Distance:
    """Between a free port (`address`) and `upstream`. `latency` is in seconds for a request, `rate` in bytes a second up a connection."""

    def __init__(self, upstream: str, latency: float, rate: float) -> None:
        host, _colon, port = upstream.rpartition(":")
        self._upstream = (host, int(port))
        self._latency = latency
        self._rate = rate
        self._traffic = Traffic()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def counted(self) -> Traffic:
        """What has passed since this was asked last."""
        with self._lock:
            found, self._traffic = self._traffic, Traffic()
        return found

    def close(self) -> None:
        self._open = False
        self._listener.close()

    def _accept(self) -> None:
        while self._open:
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near, socket.create_connection(self._upstream) as far:
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            turned = threading.Event()
            up = threading.Thread(target=self._up, args=(near, far, turned), daemon=True)
            up.start()
            with contextlib.suppress(OSError):
                while data := far.recv(_BLOCK):
                    if turned.is_set():
                        turned.clear()
                        time.sleep(self._latency)
                    near.sendall(data)
            for end in (near, far):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            up.join()

    def _up(self, near: socket.socket, far: socket.socket, turned: threading.Event) -> None:
        due = time.monotonic()
        with contextlib.suppress(OSError):
            while data := near.recv(_BLOCK):
                with self._lock:
                    self._traffic.bytes_up += len(data)
                    if not turned.is_set():
                        self._traffic.requests += 1
                turned.set()
                due = max(due, time.monotonic() - _BEHIND) + len(data) / self._rate
                if (ahead := due - time.monotonic()) > 0.002:
                    time.sleep(ahead)
                far.sendall(data)
        with contextlib.suppress(OSError):
            far.shutdown(socket.SHUT_WR)
