"""The HTTP API of Docker Engine, which Podman serves too, over its Unix socket."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode

_VERSION = "v1.41"
"""Docker 20.10 and Podman 4 both serve it."""
_FRAME = 8


class EngineError(Exception):
    """An error answer; the text is the engine's own."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("engine", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def sockets() -> list[Path]:
    """Where engines listen, the one that DOCKER_HOST names alone when it is set."""
    named = os.environ.get("DOCKER_HOST", "")
    if named:
        return [Path(named.removeprefix("unix://"))] if named.startswith("unix://") else []
    places = [Path("/var/run/docker.sock"), Path("/run/podman/podman.sock")]
    if "XDG_RUNTIME_DIR" in os.environ:
        own = Path(os.environ["XDG_RUNTIME_DIR"])
        places += [own / "docker.sock", own / "podman" / "podman.sock"]
    return [path for path in places if path.is_socket()]


class Engine:
    """Safe for threads: each request has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(
        self, method: str, path: str, query: dict[str, str] | None = None, body: Any = None, timeout: float | None = 60.0
    ) -> http.client.HTTPResponse:
        """Raises EngineError for an error answer, OSError when the engine is not there. `timeout` is in real seconds, None is for ever."""
        connection = _UnixConnection(str(self.path), timeout)
        headers = {}
        data: bytes | BinaryIO | None
        if body is None or hasattr(body, "read"):
            data = body
            if data is not None:
                headers["Content-Type"] = "application/x-tar"
        else:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        target = f"/{_VERSION}{quote(path)}" + (f"?{urlencode(query)}" if query else "")
        connection.request(method, target, data, headers)
        answer = connection.getresponse()
        if answer.status >= 400:
            raw = answer.read()
            try:
                text = str(json.loads(raw)["message"])
            except (ValueError, KeyError, TypeError):
                text = raw.decode(errors="replace").strip()
            raise EngineError(answer.status, text)
        return answer

    def call(self, method: str, path: str, query: dict[str, str] | None = None, body: Any = None, timeout: float | None = 60.0) -> Any:
        """The JSON of an answer; None when it has none."""
        with self.open(method, path, query, body, timeout) as answer:
            data = answer.read()
        return json.loads(data) if data.strip().startswith((b"{", b"[")) else None


def frames(stream: http.client.HTTPResponse) -> Iterator[tuple[int, bytes]]:
    """Pieces of a container's output, each with its stream (1 stdout, 2 stderr), as Docker multiplexes them."""
    while True:
        header = stream.read(_FRAME)
        if len(header) < _FRAME:
            return
        yield header[0], stream.read(int.from_bytes(header[4:], "big"))
