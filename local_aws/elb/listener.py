"""A listener's real port: accepts connections and serves each on a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable

from local_aws.elb import http1
from local_aws.elb.client import Client
from local_aws.elb.forwarder import Forwarder, Route

ACCEPT_POLL_REAL_SECONDS = 0.5
JOIN_REAL_SECONDS = 2.0


class Port:
    """Open from its making until `retire` (requests in flight are finished) or `abort` (they are not)."""

    def __init__(
        self,
        server: socket.socket,
        context: ssl.SSLContext | None,
        forwarder: Forwarder,
        route: Callable[[], Route | None],
        idle: Callable[[], float],
    ) -> None:
        """`route` says what the listener is now, None when it is gone; `idle` is how long a silent client is kept, in real seconds."""
        self.context = context
        self.address, self.number = server.getsockname()[:2]
        self._server = server
        self._forwarder = forwarder
        self._route = route
        self._idle = idle
        self._closing = False
        self._connections: set[socket.socket] = set()
        self._waiting: set[socket.socket] = set()
        """Connections on which no request is under way."""
        self._lock = threading.Lock()
        server.settimeout(ACCEPT_POLL_REAL_SECONDS)
        self._thread = threading.Thread(target=self._accept, name=f"listener-{self.address}:{self.number}", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, peer = self._server.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection, peer), name=f"client-{peer[1]}", daemon=True).start()

    def _serve(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        try:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(self._idle())
            if self.context is not None:
                connection = self._secured(connection, self.context)
            self._requests(Client(connection, peer[0], peer[1], secure=self.context is not None), connection)
        except (OSError, http1.Broken, http1.Malformed):
            # The client went away or stayed silent: there is nobody to tell.
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _secured(self, connection: socket.socket, context: ssl.SSLContext) -> socket.socket:
        """The TLS socket takes the plain one's place, in the list of what `abort` cuts too. Raises OSError."""
        secured = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._connections.discard(connection)
            self._connections.add(secured)
        secured.do_handshake()
        return secured

    def _requests(self, client: Client, connection: socket.socket) -> None:
        keep = True
        while keep:
            with self._lock:
                if self._closing:
                    return
                self._waiting.add(connection)
            try:
                request = self._next(client)
            finally:
                with self._lock:
                    self._waiting.discard(connection)
            route = self._route()
            if request is None or route is None:
                return
            keep = self._forwarder.handle(client, request, route)
        client.linger()

    @staticmethod
    def _next(client: Client) -> http1.Request | None:
        try:
            return client.reader.request()
        except http1.Malformed:
            client.answer(None, 400)
            client.linger()
            return None

    def retire(self) -> None:
        """Stop listening and drop idle connections. Requests in flight are answered, then their connections are closed."""
        self._close_server()
        with self._lock:
            for connection in self._waiting:
                _shut(connection)

    def abort(self) -> None:
        """Stop listening and cut every connection."""
        self._close_server()
        with self._lock:
            for connection in self._connections:
                _shut(connection)
        self._thread.join(JOIN_REAL_SECONDS)

    def _close_server(self) -> None:
        self._closing = True
        # Closing alone does not wake a thread that is in accept().
        _shut(self._server)
        self._server.close()


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
