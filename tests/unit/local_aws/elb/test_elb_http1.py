"""HTTP/1.1 messages on the wire."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from local_aws.elb.http1 import Broken, Framing, Malformed, Reader, end_to_end


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Reader]]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(2)
    with ours, theirs:
        yield ours, Reader(theirs)


def sent(pair: tuple[socket.socket, Reader], data: bytes) -> Reader:
    pair[0].sendall(data)
    pair[0].shutdown(socket.SHUT_WR)
    return pair[1]


def test_requests_follow_one_another_on_a_connection(pair: tuple[socket.socket, Reader]) -> None:
    reader = sent(pair, b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.0\r\n\r\n")
    first = reader.request()
    assert first is not None
    assert (first.method, first.path, first.query, first.host, first.keep_alive) == ("POST", "/a", "b=c", "x", True)
    assert b"".join(reader.body(first.framing)) == b"abc"
    second = reader.request()
    assert second is not None
    assert (second.keep_alive, second.framing.empty) == (False, True)
    assert reader.request() is None


def test_chunks_are_decoded_and_trailers_dropped(pair: tuple[socket.socket, Reader]) -> None:
    reader = sent(pair, b"5;ext=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\nrest")
    assert b"".join(reader.body(Framing(None, chunked=True))) == b"hello0123456789"
    assert reader.buffered == b"rest"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET /\r\n\r\n",
        b"G@T / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nspace : x\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_malformed_requests(pair: tuple[socket.socket, Reader], head: bytes) -> None:
    with pytest.raises(Malformed):
        sent(pair, head).request()


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 0x3\r\n",
        b"Transfer-Encoding: gzip\r\n",
    ],
)
def test_bodies_whose_end_is_ambiguous_are_refused(pair: tuple[socket.socket, Reader], fields: bytes) -> None:
    request = sent(pair, b"POST / HTTP/1.1\r\n" + fields + b"\r\n").request()
    assert request is not None
    with pytest.raises(Malformed):
        _ = request.framing


def test_bodies_that_end_too_early_are_broken(pair: tuple[socket.socket, Reader]) -> None:
    with pytest.raises(Broken):
        list(sent(pair, b"abc").body(Framing(4)))


@pytest.mark.parametrize(
    ("status", "method", "fields", "expected"),
    [
        (200, "GET", b"Content-Length: 7\r\n", Framing(7)),
        (200, "HEAD", b"Content-Length: 7\r\n", Framing(0)),
        (204, "GET", b"", Framing(0)),
        (304, "GET", b"Content-Length: 7\r\n", Framing(0)),
        (200, "GET", b"Transfer-Encoding: chunked\r\n", Framing(None, chunked=True)),
        (200, "GET", b"", Framing(None)),
    ],
)
def test_where_an_answer_ends(pair: tuple[socket.socket, Reader], status: int, method: str, fields: bytes, expected: Framing) -> None:
    response = sent(pair, b"HTTP/1.1 %d X\r\n%b\r\n" % (status, fields)).response()
    assert response.framing(method) == expected


def test_hop_by_hop_headers_are_dropped_with_those_that_connection_names() -> None:
    headers = [("Connection", "close, X-Mine"), ("X-Mine", "1"), ("Keep-Alive", "5"), ("TE", "trailers"), ("Accept", "*/*")]
    assert end_to_end(headers) == [("Accept", "*/*")]
