"""The one HTTP port: the registry under /v2/, the hands under /_local/, the AWS APIs everywhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

import cheroot.wsgi

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

THREADS = 40
"""Requests served at the same time. Idle keep-alive connections hold none."""
KEPT_CONNECTIONS = 400
LISTEN_BACKLOG = 256
IDLE_SECONDS = 30
"""How long an idle keep-alive connection is kept, in real seconds."""
STOP_SECONDS = 2


class Router:
    """Chooses the application by the first part of the path."""

    def __init__(self, aws_api: WsgiApplication, hands: WsgiApplication, registry: WsgiApplication) -> None:
        self._aws_api = aws_api
        self._hands = hands
        self._registry = registry

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # cheroot decodes the path; moto and the registry need it as it arrived.
        environ["RAW_URI"] = environ.get("REQUEST_URI", environ["PATH_INFO"])
        path = environ["PATH_INFO"]
        if path == "/v2" or path.startswith("/v2/"):
            return self._registry(environ, start_response)
        if path == "/_local" or path.startswith("/_local/"):
            return self._hands(environ, start_response)
        return self._aws_api(environ, start_response)


class Server:
    """An HTTP/1.1 server with threads and keep-alive on 127.0.0.1. It listens as soon as it is made; `start` lets it answer."""

    def __init__(self, port: int, application: WsgiApplication) -> None:
        """Raises `OSError` when the port cannot be had. Port 0 takes a free one."""
        self._server = cheroot.wsgi.Server(
            ("127.0.0.1", port),
            application,
            numthreads=THREADS,
            request_queue_size=LISTEN_BACKLOG,
            timeout=IDLE_SECONDS,
            shutdown_timeout=STOP_SECONDS,
            server_name="local_aws",
        )
        self._server.keep_alive_conn_limit = KEPT_CONNECTIONS
        self._server.prepare()
        self.port: int = self._server.bind_addr[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve, name="http", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, give open requests two seconds, and join the thread."""
        self._server.stop()
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS + 1)
