"""The client's side of a connection to the load balancer."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from email.utils import formatdate
from http import HTTPStatus

from local_aws.elb import http1

SERVER = "awselb/2.0"
LINGER_REAL_SECONDS = 1.0
LINGER_BYTES = 4 * 1024 * 1024


class Client:
    def __init__(self, connection: socket.socket, address: str, port: int, *, secure: bool) -> None:
        self.connection = connection
        self.reader = http1.Reader(connection)
        self.address = address
        self.port = port
        self.secure = secure

    def send(self, data: bytes) -> None:
        """Raises Broken when the client is gone or takes nothing for its time-out."""
        try:
            self.connection.sendall(data)
        except OSError as error:
            raise http1.Broken(f"the client is gone: {error}") from error

    def answer(
        self,
        request: http1.Request | None,
        status: int,
        *,
        body: bytes | None = None,
        headers: Sequence[tuple[str, str]] = (),
        keep: bool = False,
    ) -> None:
        """An answer of the load balancer's own, with its little HTML page unless a body is given."""
        reason = HTTPStatus(status).phrase if status in {item.value for item in HTTPStatus} else "Status"
        fields = [("Server", SERVER), ("Date", formatdate(usegmt=True))]
        if body is None:
            title = f"{status} {_TITLES.get(status, reason)}"
            body = (
                f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
            ).encode()
            fields.append(("Content-Type", "text/html"))
        fields += [*headers, ("Content-Length", str(len(body))), ("Connection", "keep-alive" if keep else "close")]
        head = http1.write_head(f"HTTP/1.1 {status} {_TITLES.get(status, reason)}", fields)
        self.send(head if request is not None and request.method == "HEAD" else head + body)

    def linger(self) -> None:
        """Read what the client still sends before closing: a reset would take the answer away from it."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(LINGER_REAL_SECONDS)
            left = LINGER_BYTES
            while left > 0 and (block := self.connection.recv(http1.BLOCK_BYTES)):
                left -= len(block)


_TITLES = {503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}
