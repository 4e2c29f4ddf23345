# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An HTTP proxy in front of a registry that breaks what it is told to break, and counts what it is sent."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_BLOCK = 64 * 1024
# No answer of a registry that these tests meet takes longer.
_PATIENCE = 30.0
# The length of a body that comes in chunks: longer than any that a fault waits for.
_UNTOLD = 1 << 60


@dataclass
class Fault:
    """What becomes of the requests that match, `times` times (-1: always), after the first `after`."""

    method: str
    """Regular expression, for all of it."""
    path: str
    """Regular expression, searched for in path and query."""
    act: str
    """`answer`: take the body and answer `status` without asking the registry. `early`: answer before the body and close.
    `drop`: close at once. `reset`: pass `size` bytes of the body on, then break both connections. `stall`: stop reading after
    them. `mute`: let the registry do it, then close without its answer. `truncate`: the same, after the first line of its answer.
    `slow`: everything takes `seconds` longer."""
    times: int = 1
    after: int = 0
    status: int = 500
    code: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    size: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Seen:
    """A request and the status that the registry gave it; 0 when the registry was not asked or its answer never came."""

    method: str
    path: str
    status: int


class FaultProxy:
    def __init__(self, upstream: str) -> None:
        """`upstream` is the registry's URL; `url` is where the proxy stands in for it."""
        parts = urllib.parse.urlsplit(upstream)
        self.upstream = (parts.hostname or "", parts.port or 80)
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        """In the order in which the registry answered."""
        self.upload_bytes = 0
        """How much of blobs has come this far, those bytes that came twice counted twice."""
        self.on_request: Callable[[str, str], None] = lambda method, path: None
        self.released = threading.Event()
        """Ends every stall."""
        self.lock = threading.Lock()
        proxy = self

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Broken connections are this server's trade; they need no traceback."""

        class Handler(_Handler):
            owner = proxy

        self._server = Server(("127.0.0.1", 0), Handler, bind_and_activate=False)
        # A small window, so that a peer that stops reading is soon felt by the one that writes.
        self._server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BLOCK)
        self._server.server_bind()
        self._server.server_activate()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, method: str, target: str, length: int) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times == 0 or not re.fullmatch(fault.method, method) or length < fault.size or not re.search(fault.path, target):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def taken(self, pattern: str) -> list[Seen]:
        """What the registry took, by a regular expression on `METHOD path`."""
        return [seen for seen in self.seen if 200 <= seen.status < 300 and re.search(pattern, f"{seen.method} {seen.path}")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FaultProxy

    def setup(self) -> None:
        super().setup()
        self._upstream: http.client.HTTPConnection | None = None

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        if self._upstream is not None:
            self._upstream.close()

    def log_message(self, *args: Any) -> None:
        """Tests read `FaultProxy.seen`."""

    def _serve(self) -> None:
        proxy = self.owner
        self._chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
        length = _UNTOLD if self._chunked else int(self.headers.get("Content-Length") or 0)
        proxy.on_request(self.command, self.path)
        fault = proxy.take(self.command, self.path, length)
        act = fault.act if fault else ""
        if fault is not None and act == "drop":
            self._reset()
        elif fault is not None and act == "early":
            self.close_connection = True
            self._say(fault.status, {**fault.headers, "Connection": "close"}, fault.code)
        elif fault is not None and act == "answer":
            for _block in self._body(length):
                pass
            self._say(fault.status, fault.headers, fault.code)
        else:
            self._forward(fault, act, length)

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _body(self, length: int) -> Iterator[bytes]:
        for data in self._chunks() if self._chunked else self._told(length):
            if "/blobs/uploads/" in self.path:
                with self.owner.lock:
                    self.owner.upload_bytes += len(data)
            yield data

    def _told(self, left: int) -> Iterator[bytes]:
        while left and (data := self.rfile.read1(min(left, _BLOCK))):
            left -= len(data)
            yield data

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline() or b"0", 16):
            yield from self._told(size)
            self.rfile.readline()
        self.rfile.readline()

    def _forward(self, fault: Fault | None, act: str, length: int) -> None:
        if self._upstream is None:
            self._upstream = http.client.HTTPConnection(*self.owner.upstream, timeout=_PATIENCE)
            self._upstream.connect()
            # What the registry does not read is not to pile up here, unfelt by the client.
            self._upstream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BLOCK)
        there = self._upstream
        if fault is not None and act == "slow":
            time.sleep(fault.seconds)
        there.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            there.putheader(name, value)
        there.endheaders()
        passed = 0
        breaking = fault if fault is not None and act in ("reset", "stall") else None
        for data in self._body(length):
            share = data[: breaking.size - passed] if breaking else data
            there.send(b"%x\r\n%b\r\n" % (len(share), share) if self._chunked else share)
            passed += len(share)
            if breaking is not None and passed >= breaking.size:
                self._break(breaking, there)
                return
        if self._chunked:
            there.send(b"0\r\n\r\n")
        answer = there.getresponse()
        body = answer.read()
        with self.owner.lock:
            self.owner.seen.append(Seen(self.command, self.path, 0 if act in ("mute", "truncate") else answer.status))
        if act == "mute":
            self._reset()
            return
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{name}: {value}" for name, value in answer.getheaders())]
        whole = "\r\n".join([*lines, "", ""]).encode() + body
        if act == "truncate":
            self.wfile.write(whole[: whole.index(b"\r\n") + 2])
            self.close_connection = True
            return
        self.wfile.write(whole)

    def _break(self, fault: Fault, there: http.client.HTTPConnection) -> None:
        if fault.act == "stall":
            self.owner.released.wait(_PATIENCE)
        # The registry is to have noticed before the client comes back, as it would have over a real distance.
        assert there.sock is not None
        there.sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError, http.client.HTTPException):
            there.getresponse().read()
        there.close()
        self._upstream = None
        self._reset()

    def _reset(self) -> None:
        self.close_connection = True
        # Lingering for no time makes close() send RST. rfile and wfile hold the socket open until they are closed too.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def _say(self, status: int, headers: dict[str, str], code: str) -> None:
        with self.owner.lock:
            self.owner.seen.append(Seen(self.command, self.path, 0))
        body = json.dumps({"errors": [{"code": code, "message": "made up by the proxy"}]}).encode() if code else b""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
