# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steady requests from outside while a rollout is watched: one each interval, whatever became of the one before."""

from __future__ import annotations

import http.client
import json
import threading
import typing as t
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from .._rollout.traffic import Answer, Traffic
from .._verb import Clock, VerbFailure

Fetch = t.Callable[[str, float], tuple[int, bytes]]

REQUEST_TIMEOUT_SECONDS = 5.0
# Requests overlap when one is slow, so that a stall shows as a stall and not as fewer requests.
_AT_ONCE = 16


class Prober:
    """Asks `url` from `start` to `stop`. `news` is for the thread that prints; everything else may be called from any."""

    def __init__(self, url: str, interval: float, version_key: str, fetch: Fetch, clock: Clock) -> None:
        self._url = url
        self._interval = interval
        self._version_key = version_key
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._traffic = Traffic()
        self._news: list[str] = []
        self._ended: float | None = None
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="probe")
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End probing and wait for the requests that are under way, each of which ends within its time-out."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._ended is None:
            self._ended = self._clock.monotonic()

    def news(self) -> list[str]:
        """What has changed since the last call."""
        with self._lock:
            taken, self._news = self._news, []
        return taken

    def result(self, wall: t.Callable[[float], str]) -> dict[str, t.Any]:
        with self._lock:
            end = self._clock.monotonic() if self._ended is None else self._ended
            found = self._traffic.result(end, wall)
        return {"url": self._url, "interval": self._interval, "version_key": self._version_key, **found}

    def _run(self) -> None:
        while True:
            self._pool.submit(self._probe)
            if self._stop.wait(self._interval):
                return

    def _probe(self) -> None:
        begin = self._clock.monotonic()
        version, failure = self._ask()
        end = self._clock.monotonic()
        with self._lock:
            line = self._traffic.add(Answer(end, end - begin, version, failure))
            if line is not None:
                self._news.append(line)

    def _ask(self) -> tuple[str | None, str]:
        try:
            status, body = self._fetch(self._url, REQUEST_TIMEOUT_SECONDS)
        except TimeoutError:
            return None, f"no answer within {REQUEST_TIMEOUT_SECONDS:g} s"
        except (OSError, http.client.HTTPException) as error:
            return None, f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"
        if not 200 <= status < 300:
            return None, f"HTTP {status}"
        return _version(body, self._version_key), ""


def check(url: str, interval: float) -> None:
    """Raises VerbFailure for what no request can be made of."""
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise VerbFailure(f"probe_url: {url} is no URL of a web service. It has to begin with http:// or https:// and name a host.")
    if not 0.05 <= interval <= 60:
        raise VerbFailure(f"probe_interval: {interval:g} is outside of what makes sense, 0.05 to 60 seconds.")


def _version(body: bytes, key: str) -> str:
    """The value of `key`, which may lead deeper by dots; V(unknown) when the answer does not say."""
    try:
        value: t.Any = json.loads(body)
    except ValueError:
        return "unknown"
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return "unknown" if value is None or isinstance(value, (dict, list)) else str(value)[:60]
