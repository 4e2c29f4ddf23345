"""HTTP/1.1 on the wire: heads and bodies, read from and written to sockets in blocks. Knows nothing of load balancing."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

BLOCK_BYTES = 64 * 1024

MAXIMUM_LINE_BYTES = 16 * 1024
"""Longest request line or single header that an ALB takes (ELB quotas)."""

MAXIMUM_HEAD_BYTES = 64 * 1024
"""Longest request or response head that an ALB takes."""

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

Headers = list[tuple[str, str]]


class Malformed(Exception):
    """Not HTTP/1.x, or ambiguous about where a message ends."""


class Broken(Exception):
    """The peer closed or reset the connection in the middle of a message."""


def header(headers: Headers, name: str) -> str | None:
    """The header's value; several are joined by commas. None when it is absent."""
    values = [value for key, value in headers if key.lower() == name]
    return ", ".join(values) if values else None


def tokens(headers: Headers, name: str) -> list[str]:
    """The comma-separated words of a header, in lower case."""
    return [word.strip().lower() for word in (header(headers, name) or "").split(",") if word.strip()]


def end_to_end(headers: Headers) -> Headers:
    """What may be passed on: without hop-by-hop headers and those that `Connection` names."""
    named = set(tokens(headers, "connection"))
    return [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP and name.lower() not in named]


@dataclass(frozen=True)
class Framing:
    """Where a body ends: after `length` bytes, with the last chunk, or when the connection is closed."""

    length: int | None = 0
    chunked: bool = False

    @property
    def empty(self) -> bool:
        return self.length == 0 and not self.chunked

    @property
    def until_close(self) -> bool:
        return self.length is None and not self.chunked


NO_BODY = Framing(0)


def _body_framing(headers: Headers, otherwise: Framing) -> Framing:
    coding, length = tokens(headers, "transfer-encoding"), header(headers, "content-length")
    if coding:
        if coding[-1] != "chunked" or length is not None:
            raise Malformed("Transfer-Encoding together with Content-Length, or not ending in chunked")
        return Framing(None, chunked=True)
    if length is None:
        return otherwise
    values = {item.strip() for item in length.split(",")}
    value = values.pop()
    if values or not re.fullmatch(r"[0-9]+", value):
        raise Malformed(f"Content-Length {length!r}")
    return Framing(int(value))


@dataclass
class Request:
    method: str
    target: str
    version: str
    headers: Headers = field(default_factory=list)

    @property
    def keep_alive(self) -> bool:
        words = tokens(self.headers, "connection")
        return "close" not in words if self.version == "HTTP/1.1" else "keep-alive" in words

    @property
    def framing(self) -> Framing:
        return _body_framing(self.headers, NO_BODY)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def host(self) -> str:
        return header(self.headers, "host") or ""


@dataclass
class Response:
    status: int
    reason: str
    version: str
    headers: Headers = field(default_factory=list)

    @property
    def keep_alive(self) -> bool:
        words = tokens(self.headers, "connection")
        return "close" not in words if self.version == "HTTP/1.1" else "keep-alive" in words

    def framing(self, method: str) -> Framing:
        """Where the body of an answer to such a request ends."""
        if method == "HEAD" or self.status < 200 or self.status in (204, 304):
            return NO_BODY
        return _body_framing(self.headers, Framing(None))


def write_head(first_line: str, headers: Headers) -> bytes:
    lines = [first_line, *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def chunk(block: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(block), block)


LAST_CHUNK = b"0\r\n\r\n"


class Reader:
    """Buffered reading from a socket. Time-outs are the socket's own and come out as TimeoutError."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._buffer = bytearray()

    @property
    def buffered(self) -> bytes:
        """What has been received but not consumed; consumed by asking."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    @property
    def has_buffered(self) -> bool:
        return bool(self._buffer)

    def _fill(self) -> bool:
        try:
            block = self.connection.recv(BLOCK_BYTES)
        except TimeoutError:
            raise
        except OSError as error:
            raise Broken(str(error)) from error
        self._buffer += block
        return bool(block)

    def _line(self, limit: int) -> bytes:
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            if len(self._buffer) > limit:
                raise Malformed("a line is too long")
            searched = len(self._buffer)
            if not self._fill():
                raise Broken("closed in the middle of a head")
        if end > limit:
            raise Malformed("a line is too long")
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line.rstrip(b"\r\n")

    def _headers(self) -> Headers:
        headers: Headers = []
        size = 0
        while line := self._line(MAXIMUM_LINE_BYTES):
            size += len(line)
            name, colon, value = line.decode("latin-1").partition(":")
            if size > MAXIMUM_HEAD_BYTES or not colon or not _TOKEN.fullmatch(name):
                raise Malformed("a header line is malformed or the head too long")
            headers.append((name, value.strip(" \t")))
        return headers

    def request(self) -> Request | None:
        """The next request head; None when the peer closed before it. Raises Malformed, Broken, TimeoutError."""
        if not self._buffer and not self._fill():
            return None
        line = self._line(MAXIMUM_LINE_BYTES) or self._line(MAXIMUM_LINE_BYTES)
        method, _, rest = line.decode("latin-1").partition(" ")
        target, _, version = rest.rpartition(" ")
        if not _TOKEN.fullmatch(method) or not target or " " in target or version not in ("HTTP/1.0", "HTTP/1.1"):
            raise Malformed("the request line is malformed")
        return Request(method, target, version, self._headers())

    def response(self) -> Response:
        """The next response head. Raises Malformed, Broken, TimeoutError."""
        if not self._buffer and not self._fill():
            raise Broken("closed before a response")
        version, _, rest = self._line(MAXIMUM_LINE_BYTES).decode("latin-1").partition(" ")
        status, _, reason = rest.partition(" ")
        if version not in ("HTTP/1.0", "HTTP/1.1") or not re.fullmatch(r"[1-9][0-9]{2}", status):
            raise Malformed("the status line is malformed")
        return Response(int(status), reason, version, self._headers())

    def body(self, framing: Framing) -> Iterator[bytes]:
        """The body in blocks, chunks decoded, trailers dropped. Raises Malformed, Broken, TimeoutError."""
        if framing.chunked:
            yield from self._chunks()
        elif framing.length is None:
            while self._buffer or self._fill():
                yield self.buffered
        else:
            yield from self._exactly(framing.length)

    def _exactly(self, left: int) -> Iterator[bytes]:
        while left:
            if not self._buffer and not self._fill():
                raise Broken("closed in the middle of a body")
            block = bytes(self._buffer[:left])
            del self._buffer[:left]
            left -= len(block)
            yield block

    def _chunks(self) -> Iterator[bytes]:
        while True:
            size_text = self._line(MAXIMUM_LINE_BYTES).partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", size_text):
                raise Malformed("a chunk size is malformed")
            size = int(size_text, 16)
            if size == 0:
                self._headers()
                return
            yield from self._exactly(size)
            if self._line(2):
                raise Malformed("a chunk is longer than it says")
