"""One request through the load balancer: rule, target group, target, and the bytes both ways."""

from __future__ import annotations

import contextlib
import itertools
import random
import secrets
import select
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from local_aws.elb import http1, stickiness
from local_aws.elb.client import Client
from local_aws.elb.counters import Counters
from local_aws.elb.pool import Connection, Pool
from local_aws.elb.rules import Action, FixedResponse, Forward, Redirect, choose, redirect_location
from local_aws.elb.secure import to_target
from local_aws.elb.snapshot import Listener, LoadBalancer, TargetGroup
from local_aws.elb.targets import Target, Targets
from local_aws.elb.timeouts import Timeouts
from local_aws.interfaces import Network

INLINE_BODY_BYTES = 64 * 1024
"""A request body up to this size is read before the request is sent on; a longer one flows while the answer may come already."""

READY_POLL_REAL_SECONDS = 0.5


@dataclass(frozen=True)
class Route:
    """Where a request came in."""

    balancer: LoadBalancer
    listener: Listener


class Refused(Exception):
    """The load balancer answers for the target: 502, 503 or 504."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Forwarder:
    def __init__(self, network: Network, timeouts: Timeouts, targets: Targets, counters: Counters) -> None:
        self._network = network
        self._timeouts = timeouts
        self._targets = targets
        self._counters = counters
        self.pool = Pool()
        self._turns: dict[str, Iterator[int]] = defaultdict(itertools.count)
        self._lock = threading.Lock()

    def handle(self, client: Client, request: http1.Request, route: Route) -> bool:
        """Answer one request; True when the connection may carry another. Raises Broken when the client is gone."""
        try:
            framing = request.framing
        except http1.Malformed:
            return self._own(client, request, route, 400)
        action = choose(route.listener.rules, request, client.address)
        keep = request.keep_alive and framing.empty
        if isinstance(action, Forward):
            return self._forward(client, request, framing, action, route)
        return self._answer(client, request, action, route, keep)

    def _answer(self, client: Client, request: http1.Request, action: Action, route: Route, keep: bool) -> bool:
        balancer = route.balancer.arn
        if isinstance(action, Redirect):
            location = redirect_location(action, request, route.listener.protocol, route.listener.port)
            client.answer(request, action.status, headers=[("Location", location)], keep=keep)
            self._counters.event(balancer, None, "HTTP_Redirect_Count")
        elif isinstance(action, FixedResponse):
            kind = [("Content-Type", f"{action.content_type}; charset=utf-8")]
            client.answer(request, action.status, body=action.body.encode(), headers=kind, keep=keep)
            self._counters.event(balancer, None, "HTTP_Fixed_Response_Count")
        else:
            text = f"local_aws has no {action.kind}".encode() if not isinstance(action, Forward) else b""
            client.answer(request, 501, body=text, headers=[("Content-Type", "text/plain")], keep=keep)
        return keep

    def _own(
        self, client: Client, request: http1.Request, route: Route, status: int, group: str | None = None, *, chosen: bool = False
    ) -> bool:
        """An error of the load balancer's own. It closes the connection, as unread parts of the request may be on it."""
        self._counters.answered_by_balancer(route.balancer.arn, group, status, chosen=chosen)
        client.answer(request, status)
        return False

    def _forward(self, client: Client, request: http1.Request, framing: http1.Framing, action: Forward, route: Route) -> bool:
        group, cookies = self._choose_group(action, request)
        if group is None:
            return self._own(client, request, route, 503)
        target = self._choose_target(group, request)
        if target is None:
            return self._own(client, request, route, 503, group.arn)
        if group.sticky_seconds is not None:
            cookies += stickiness.set_cookie(stickiness.TARGET_COOKIE, _name(target), group.sticky_seconds)
        with self._lock:
            target.in_flight += 1
        try:
            return self._exchange(client, request, framing, route, group, target, cookies)
        except Refused as refusal:
            return self._own(client, request, route, refusal.status, group.arn, chosen=True)
        finally:
            with self._lock:
                target.in_flight -= 1

    def _choose_group(self, action: Forward, request: http1.Request) -> tuple[TargetGroup | None, http1.Headers]:
        """By weight, or by the client's cookie. A group of weight 0 gets nothing new."""
        groups = self._targets.snapshot.target_groups
        eligible = [item for item in action.target_groups if item.weight > 0 and item.target_group_arn in groups]
        if not eligible:
            return None, []
        if action.sticky_seconds is None:
            arn = random.choices([item.target_group_arn for item in eligible], [item.weight for item in eligible])[0]
            return groups[arn], []
        arn = (
            stickiness.chosen(request, stickiness.GROUP_COOKIE, [item.target_group_arn for item in eligible])
            or (random.choices([item.target_group_arn for item in eligible], [item.weight for item in eligible])[0])
        )
        return groups[arn], stickiness.set_cookie(stickiness.GROUP_COOKIE, arn, action.sticky_seconds)

    def _choose_target(self, group: TargetGroup, request: http1.Request) -> Target | None:
        candidates = self._targets.serving(group.arn)
        if not candidates:
            return None
        if group.sticky_seconds is not None:
            by_name = {_name(target): target for target in candidates}
            name = stickiness.chosen(request, stickiness.TARGET_COOKIE, by_name)
            if name is not None:
                return by_name[name]
        with self._lock:
            turn = next(self._turns[group.arn])
            rotated = candidates[turn % len(candidates) :] + candidates[: turn % len(candidates)]
            if group.algorithm == "least_outstanding_requests":
                return min(rotated, key=lambda target: target.in_flight)
            return rotated[0]

    def _exchange(
        self,
        client: Client,
        request: http1.Request,
        framing: http1.Framing,
        route: Route,
        group: TargetGroup,
        target: Target,
        cookies: http1.Headers,
    ) -> bool:
        idle = self._timeouts.answer(route.balancer.idle_timeout)
        if "100-continue" in http1.tokens(request.headers, "expect") and not framing.empty:
            client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        inline = b""
        if framing.length is not None and framing.length <= INLINE_BODY_BYTES:
            inline = b"".join(client.reader.body(framing))
        connection = self._connect(route, group, target)
        connection.link.settimeout(idle)
        pump: _Pump | None = None
        try:
            started = time.monotonic()
            _send(connection, _request_head(client, request, framing, route) + inline)
            if framing.chunked or (framing.length or 0) > INLINE_BODY_BYTES:
                pump = _Pump(client, framing, connection)
                pump.wait_for_answer(idle)
            response = self._response(connection, pump)
            self._counters.answered_by_target(route.balancer.arn, group.arn, response.status, time.monotonic() - started)
            if response.status == 101:
                _tunnel(client, connection, response, idle)
                return False
            keep = request.keep_alive and (pump is None or pump.finished)
            whole = self._relay(client, request, connection, response, cookies, keep)
        except BaseException:
            connection.close()
            if pump is not None:
                pump.stop()
            raise
        if pump is not None and not pump.finished:
            connection.close()
            pump.stop()
            return False
        if whole and response.keep_alive and not target.draining and not connection.reader.has_buffered:
            self.pool.give_back(target.address, target.key.port, connection)
        else:
            connection.close()
        return keep and whole

    def _connect(self, route: Route, group: TargetGroup, target: Target) -> Connection:
        timeout = self._timeouts.connect()

        def dial() -> socket.socket:
            link = self._network.dial(target.address, target.key.port, timeout)
            with contextlib.suppress(OSError):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.settimeout(timeout)
            return to_target(link) if group.protocol == "HTTPS" else link

        try:
            return self.pool.take(target.address, target.key.port, dial)
        except OSError as error:
            self._counters.event(route.balancer.arn, group.arn, "TargetConnectionErrorCount")
            raise Refused(504 if isinstance(error, TimeoutError) else 502) from error

    @staticmethod
    def _response(connection: Connection, pump: _Pump | None) -> http1.Response:
        """The target's final answer. A request that was sent is never sent again: what goes wrong now is 502 or 504."""
        try:
            while True:
                response = connection.reader.response()
                if response.status >= 200 or response.status == 101:
                    return response
        except TimeoutError as error:
            raise Refused(504) from error
        except (http1.Broken, http1.Malformed) as error:
            if pump is not None and pump.client_failed:
                raise http1.Broken("the client broke off its request") from error
            raise Refused(502) from error

    def _relay(
        self,
        client: Client,
        request: http1.Request,
        connection: Connection,
        response: http1.Response,
        cookies: http1.Headers,
        keep: bool,
    ) -> bool:
        """Pass the answer on. True when all of it arrived and the client can tell where it ends."""
        try:
            framing = response.framing(request.method)
        except http1.Malformed as error:
            raise Refused(502) from error
        headers = [*http1.end_to_end(response.headers), *cookies]
        chunked = framing.length is None and request.version == "HTTP/1.1"
        by_close = framing.length is None and not chunked
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        headers.append(("Connection", "keep-alive" if keep and not by_close else "close"))
        # A small body that came with its head leaves with it, in one packet.
        head = http1.write_head(f"HTTP/1.1 {response.status} {response.reason}", headers)
        if not connection.reader.has_buffered:
            client.send(head)
            head = b""
        try:
            for block in connection.reader.body(framing):
                client.send(head + (http1.chunk(block) if chunked else block))
                head = b""
        except (TimeoutError, http1.Malformed) as error:
            # The head is out: all that is left is to show the client that its answer is not whole.
            raise http1.Broken("the target broke off its answer") from error
        client.send(head + (http1.LAST_CHUNK if chunked else b""))
        return not by_close and not framing.until_close


def _name(target: Target) -> str:
    return f"{target.key.group} {target.key.id} {target.key.port}"


def _send(connection: Connection, data: bytes) -> None:
    try:
        connection.link.sendall(data)
    except TimeoutError as error:
        raise Refused(504) from error
    except OSError as error:
        raise Refused(502) from error


def _request_head(client: Client, request: http1.Request, framing: http1.Framing, route: Route) -> bytes:
    dropped = {"expect", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id"}
    headers = [(name, value) for name, value in http1.end_to_end(request.headers) if name.lower() not in dropped]
    mode = route.balancer.forwarded_for
    if mode != "preserve":
        earlier = http1.header(headers, "x-forwarded-for")
        headers = [(name, value) for name, value in headers if name.lower() != "x-forwarded-for"]
        if mode == "append":
            own = f"{client.address}:{client.port}" if route.balancer.forwarded_for_port else client.address
            headers.append(("X-Forwarded-For", f"{earlier}, {own}" if earlier else own))
    headers.append(("X-Forwarded-Proto", "https" if client.secure else "http"))
    headers.append(("X-Forwarded-Port", str(route.listener.port)))
    headers.append(("X-Amzn-Trace-Id", _trace(http1.header(request.headers, "x-amzn-trace-id"))))
    if framing.chunked:
        headers.append(("Transfer-Encoding", "chunked"))
    upgrade = http1.header(request.headers, "upgrade")
    if upgrade is not None and "upgrade" in http1.tokens(request.headers, "connection"):
        headers += [("Connection", "Upgrade"), ("Upgrade", upgrade)]
    return http1.write_head(f"{request.method} {request.target} HTTP/1.1", headers)


def _trace(earlier: str | None) -> str:
    """A new Root, or the client's own with our Self before it (ALB guide, request tracing)."""
    identity = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    if earlier is None:
        return f"Root={identity}"
    fields = ";".join(part for part in earlier.split(";") if part.strip() and not part.strip().startswith("Self="))
    return f"Self={identity};{fields}" if "Root=" in fields else f"Root={identity};{fields}"


class _Pump:
    """Carries a long request body to the target on a thread of its own, so that an early answer is not missed."""

    def __init__(self, client: Client, framing: http1.Framing, connection: Connection) -> None:
        self._client = client
        self._framing = framing
        self._connection = connection
        self.finished = False
        """The whole body went through: the client's connection can carry another request."""
        self.client_failed = False
        self._moved = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="request-body", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        link, chunked = self._connection.link, self._framing.chunked
        blocks = self._client.reader.body(self._framing)
        while True:
            try:
                block = next(blocks, None)
            except (TimeoutError, http1.Broken, http1.Malformed):
                self.client_failed = True
                with contextlib.suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)
                return
            try:
                if block is None:
                    if chunked:
                        link.sendall(http1.LAST_CHUNK)
                    self.finished = True
                    return
                link.sendall(http1.chunk(block) if chunked else block)
            except OSError:
                return
            self._moved = time.monotonic()

    def wait_for_answer(self, idle: float) -> None:
        """Until the target says something, or nothing moves for `idle` real seconds."""
        poller = select.poll()
        poller.register(self._connection.link, select.POLLIN)
        while not poller.poll(READY_POLL_REAL_SECONDS * 1000):
            if time.monotonic() - self._moved > idle:
                raise Refused(504)

    def stop(self) -> None:
        """End the thread: the client's side is shut for reading. The connection closes afterwards."""
        if self._thread.is_alive():
            with contextlib.suppress(OSError):
                self._client.connection.shutdown(socket.SHUT_RD)
            self._thread.join(1.0)


def _tunnel(client: Client, connection: Connection, response: http1.Response, idle: float) -> None:
    """After 101 (WebSocket): bytes both ways until one side ends or nothing moves for `idle` real seconds."""
    client.send(http1.write_head(f"HTTP/1.1 101 {response.reason}", response.headers))
    client.send(connection.reader.buffered)
    ends = {client.connection: connection.link, connection.link: client.connection}
    with contextlib.suppress(OSError):
        connection.link.sendall(client.reader.buffered)
        while True:
            ready, _, _ = select.select(list(ends), [], [], idle)
            if not ready:
                break
            blocks = [(end, end.recv(http1.BLOCK_BYTES)) for end in ready]
            for end, block in blocks:
                ends[end].sendall(block)
            if any(not block for _, block in blocks):
                break
    connection.close()
