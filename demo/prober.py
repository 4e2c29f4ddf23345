"""Steady traffic from outside: one request each interval, whatever became of the one before, and what answered."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

INTERVAL = 0.1
"""Seconds between two requests."""
TIMEOUT = 10.0
"""Seconds until a request counts as failed."""
MIXED_WINDOW = 1.0
"""Seconds: versions that answered within it are said to answer side by side."""


@dataclass
class Tally:
    """What happened to the requests that were sent since the tally was opened."""

    requests: int = 0
    failed: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)


class Prober:
    """Sends `GET url` until it is stopped. `say` gets a line whenever the set of versions that answer has changed."""

    def __init__(self, url: str, say: Callable[[str], None]) -> None:
        self._parts = urllib.parse.urlsplit(url)
        self._say = say
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._tally = Tally()
        self._seen: dict[str, float] = {}
        self._answering: tuple[str, ...] = ()
        # Requests overlap when one is slow, so that a stall shows as a stall and not as fewer requests.
        self._pool = ThreadPoolExecutor(max_workers=32, thread_name_prefix="prober")
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._pool.shutdown(wait=True)

    def take(self) -> Tally:
        """The tally since the last call; counting begins anew."""
        with self._lock:
            taken, self._tally = self._tally, Tally()
        return taken

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += INTERVAL
            self._pool.submit(self._probe)

    def _probe(self) -> None:
        version, failure = self.ask()
        now = time.monotonic()
        with self._lock:
            self._tally.requests += 1
            if failure:
                self._tally.failed += 1
                self._tally.failures[failure] += 1
            else:
                self._tally.versions[version] += 1
                self._seen[version] = now
            answering = tuple(sorted(name for name, at in self._seen.items() if now - at <= MIXED_WINDOW))
            changed = answering != self._answering and bool(answering)
            if changed:
                self._answering = answering
        if changed:
            text = f"only {answering[0]} answers" if len(answering) == 1 else f"{' and '.join(answering)} answer side by side"
            self._say(f"{time.strftime('%H:%M:%S')}  {text}")
        if failure:
            self._say(f"{time.strftime('%H:%M:%S')}  a request failed: {failure}")

    def ask(self) -> tuple[str, str]:
        """The version that answered and an empty string, or an empty string and what went wrong."""
        connection = http.client.HTTPConnection(self._parts.hostname or "", self._parts.port or 80, timeout=TIMEOUT)
        try:
            connection.request("GET", self._parts.path or "/")
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            return "", f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        if answer.status != 200:
            return "", f"HTTP {answer.status}"
        return str(json.loads(body)["version"]), ""
