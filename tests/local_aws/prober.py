"""Steady traffic to one loopback address, for the length of a block, with a note of every answer."""

from __future__ import annotations

import http.client
import ipaddress
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    started: float
    """`time.time()` when the request was sent."""
    ended: float
    status: int
    """0 when no answer came."""
    version: str
    """What X-Service-Version said, or the error when no answer came."""


class Prober:
    """Sends GETs from a few threads until the block ends, or until the limit of real seconds."""

    def __init__(
        self, url: str, path: str = "/", workers: int = 2, pause: float = 0.02, limit: float = 120.0, timeout: float = 30.0
    ) -> None:
        """Raises ValueError for an address that is not this machine."""
        parts = urlsplit(url)
        if parts.hostname is None or not ipaddress.ip_address(parts.hostname).is_loopback:
            raise ValueError(f"{url} is not a loopback address")
        self._host, self._port, self._path = parts.hostname, parts.port or 80, path
        self._pause, self._timeout = pause, timeout
        self._deadline = time.monotonic() + limit
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._answers: list[Answer] = []
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while not self._over.is_set() and time.monotonic() < self._deadline:
            answer = self._ask()
            with self._lock:
                self._answers.append(answer)
            self._over.wait(self._pause)

    def _ask(self) -> Answer:
        started = time.time()
        # A connection for each request: one that is kept would stay with the client's side of the balancer only.
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.request("GET", self._path)
            response = connection.getresponse()
            response.read()
            return Answer(started, time.time(), response.status, response.headers.get("X-Service-Version", ""))
        except (OSError, http.client.HTTPException) as error:
            return Answer(started, time.time(), 0, repr(error))
        finally:
            connection.close()

    @property
    def answers(self) -> list[Answer]:
        with self._lock:
            return list(self._answers)

    def failed(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status != 200]

    def versions(self) -> list[str]:
        """The versions that answered, each once, in the order in which they first did."""
        return list(dict.fromkeys(answer.version for answer in self.answers if answer.status == 200))

    def seen(self, condition: Callable[[Answer], bool]) -> bool:
        return any(condition(answer) for answer in self.answers)
