# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP on urllib3: pooled connections, the proxies and certificates of the environment, stall detection, and a way to stop at once."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
import typing as t
import urllib.parse
import urllib.request
import weakref
from dataclasses import dataclass

from .errors import ConnectionBroken, ImageError

# Seconds to connect, TLS handshake included.
_CONNECT_TIMEOUT = 10.0
# Seconds in which one block of 256 KiB has to leave; a slower peer than 9 kB/s has stalled.
_SEND_TIMEOUT = 30.0
# Seconds for an answer to a question.
_ANSWER_TIMEOUT = 60.0
# Seconds for an answer to content: the registry hashes and stores a layer of many gigabytes before it speaks.
_STORE_TIMEOUT = 300.0


@dataclass(frozen=True)
class Timeouts:
    connect: float = _CONNECT_TIMEOUT
    send: float = _SEND_TIMEOUT
    answer: float = _ANSWER_TIMEOUT
    store: float = _STORE_TIMEOUT


# Bytes of an answer that is read whole. ECR's largest manifest has 4 MiB; what is longer is no answer to a question of ours.
_LONGEST_ANSWER = 8 * 1024 * 1024


class Body(t.Protocol):
    def read(self, size: int = -1) -> bytes: ...


class Chunks:
    """A body whose length is not known before its end."""

    def __init__(self, pieces: t.Iterator[bytes]) -> None:
        self.pieces = pieces


@dataclass(frozen=True)
class Answer:
    """A response. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


class Stream(t.Protocol):
    """A response whose body is read piece by piece. Header names are lower case."""

    status: int
    headers: dict[str, str]

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, `b""` at the end. Raises `ConnectionBroken` when they do not come."""

    def close(self) -> None: ...


class Connections(t.Protocol):
    """What the client needs of HTTP."""

    def request(self, method: str, url: str, headers: dict[str, str], body: bytes | Body | Chunks | None = None) -> Answer:
        """One request, no retries, no redirects. Raises `ConnectionBroken` when no whole answer came."""

    def stream(self, url: str, headers: dict[str, str]) -> Stream:
        """A GET, no retries, no redirects, whose body is for the caller to read. Raises `ConnectionBroken`."""

    def abort(self) -> None:
        """Break every connection now, whatever is being sent or waited for. Nothing can be requested afterwards."""

    def close(self) -> None: ...


def is_loopback(host: str) -> bool:
    """True for addresses and names that never leave this machine."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this URL: HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, unless NO_PROXY or loopback."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    return proxy or None


class Transport:
    """The real `Connections`.

    `verify` is True for the certificates that this machine trusts, the path of a file with others, or False for none at all.
    """

    def __init__(self, jobs: int, verify: bool | str = True, timeouts: Timeouts | None = None) -> None:
        # urllib3 comes with boto3; it is imported here so that this file can be read where neither is installed.
        import urllib3

        self._urllib3 = urllib3
        self._jobs = jobs
        self._verify = verify
        self._timeouts = timeouts or Timeouts()
        self._lock = threading.Lock()
        self._managers: dict[tuple[str | None, bool], t.Any] = {}
        self._live: weakref.WeakSet[t.Any] = weakref.WeakSet()
        self._live_lock = threading.Lock()
        self._aborted = False

    def request(self, method: str, url: str, headers: dict[str, str], body: bytes | Body | Chunks | None = None) -> Answer:
        response = self._send(method, url, headers, body)
        data = b""
        try:
            # To the very end: only there does urllib3 notice that an answer was cut short.
            while len(data) <= _LONGEST_ANSWER and (piece := response.read(_LONGEST_ANSWER + 1)):
                data += piece
        except (self._urllib3.exceptions.HTTPError, OSError) as exc:
            response.close()
            raise ConnectionBroken(f"{method} {_shown(url)}: {exc or type(exc).__name__}") from exc
        if len(data) > _LONGEST_ANSWER:
            response.close()
            raise ImageError(f"{method} {_shown(url)}: the answer is longer than {_LONGEST_ANSWER} bytes.", "This is no registry's answer.")
        response.release_conn()
        return Answer(response.status, _lowered(response.headers), data)

    def stream(self, url: str, headers: dict[str, str]) -> Stream:
        return _Stream(self._send("GET", url, headers, None), url, (self._urllib3.exceptions.HTTPError, OSError))

    def _send(self, method: str, url: str, headers: dict[str, str], body: bytes | Body | Chunks | None) -> t.Any:
        if self._aborted:
            raise ConnectionBroken("The run is being stopped.")
        errors = self._urllib3.exceptions
        patience = self._timeouts.store if method in ("PUT", "PATCH") else self._timeouts.answer
        chunked = isinstance(body, Chunks)
        try:
            return self._manager(proxy_for(url), url.partition(":")[0]).request(
                method,
                url,
                body=body.pieces if isinstance(body, Chunks) else body,
                headers=headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                timeout=self._urllib3.Timeout(connect=self._timeouts.connect, read=patience),
                preload_content=False,
                decode_content=False,
                **({"chunked": True} if chunked else {}),
            )
        except errors.SSLError as exc:
            raise ImageError(
                f"TLS with {urllib.parse.urlsplit(url).netloc} failed: {exc}.",
                "For a private certificate authority, pass aws_ca_bundle.",
            ) from exc
        except (errors.HTTPError, OSError) as exc:
            raise ConnectionBroken(f"{method} {_shown(url)}: {exc or type(exc).__name__}") from exc

    def abort(self) -> None:
        self._aborted = True
        with self._live_lock:
            connections = list(self._live)
        for connection in connections:
            sock = getattr(connection, "sock", None)
            if isinstance(sock, socket.socket):
                # Below TLS on purpose: a farewell message would wait for a peer that may have stalled.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def close(self) -> None:
        with self._lock:
            for manager in self._managers.values():
                manager.clear()
            self._managers.clear()

    def _manager(self, proxy: str | None, scheme: str) -> t.Any:
        secure = scheme == "https" or (proxy or "").startswith("https:")
        with self._lock:
            if (proxy, secure) not in self._managers:
                self._managers[proxy, secure] = self._new_manager(proxy, secure)
            return self._managers[proxy, secure]

    def _new_manager(self, proxy: str | None, secure: bool) -> t.Any:
        options: dict[str, t.Any] = {"num_pools": 8, "maxsize": self._jobs, "block": True}
        if secure:
            # Reading the trusted certificates takes longer than a push that finds everything there; do it only for TLS.
            options["ssl_context"] = self._ssl_context()
            if self._verify is False:
                options.update(cert_reqs="CERT_NONE", assert_hostname=False)
        if proxy is None:
            manager = self._urllib3.PoolManager(**options)
        else:
            parts = urllib.parse.urlsplit(proxy)
            login = None
            if parts.username:
                user = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
                login = self._urllib3.make_headers(proxy_basic_auth=user)
            manager = self._urllib3.ProxyManager(proxy, proxy_headers=login, **options)
        manager.pool_classes_by_scheme = self._pool_classes()
        return manager

    def _ssl_context(self) -> ssl.SSLContext:
        if self._verify is False:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        if self._verify is True:
            return ssl.create_default_context()
        try:
            return ssl.create_default_context(cafile=self._verify)
        except (OSError, ssl.SSLError) as exc:
            raise ImageError(f"The certificate file {self._verify} cannot be read: {exc}.", "Check aws_ca_bundle.") from exc

    def _pool_classes(self) -> dict[str, t.Any]:
        live, lock, send_timeout = self._live, self._live_lock, self._timeouts.send
        plain, secure = self._urllib3.connectionpool.HTTPConnectionPool, self._urllib3.connectionpool.HTTPSConnectionPool

        def watched(base: t.Any) -> t.Any:
            def connect(self: t.Any) -> None:
                base.connect(self)
                with lock:
                    live.add(self)

            def send(self: t.Any, data: t.Any) -> None:
                # urllib3 knows a time-out to connect and one to read, none to send: a peer that stops reading would hang it.
                if self.sock is not None:
                    self.sock.settimeout(send_timeout)
                base.send(self, data)

            return type(f"Watched{base.__name__}", (base,), {"connect": connect, "send": send})

        return {
            "http": type("WatchedHTTPPool", (plain,), {"ConnectionCls": watched(plain.ConnectionCls)}),
            "https": type("WatchedHTTPSPool", (secure,), {"ConnectionCls": watched(secure.ConnectionCls)}),
        }


def _shown(url: str) -> str:
    """The URL without its query: that of an upload session is long and means nothing to a reader."""
    return url.partition("?")[0]


def _lowered(headers: t.Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


class _Stream:
    def __init__(self, response: t.Any, url: str, broken: tuple[type[Exception], ...]) -> None:
        self.status = response.status
        self.headers = _lowered(response.headers)
        self._response = response
        self._url = url
        self._broken = broken

    def read(self, size: int) -> bytes:
        try:
            return t.cast("bytes", self._response.read(size))
        except self._broken as exc:
            raise ConnectionBroken(f"GET {_shown(self._url)}: {exc or type(exc).__name__}") from exc

    def close(self) -> None:
        """Back to the pool when it has been read to its end; otherwise the connection is of no more use."""
        if getattr(self._response, "_fp", None) is not None and not self._response.closed:
            self._response.close()
        self._response.release_conn()
