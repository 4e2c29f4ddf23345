# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When to try again, and how long to wait first. Pure but for the gate, which all workers of a run share."""

from __future__ import annotations

import email.utils
import threading
import typing as t
from dataclasses import dataclass

# Answers that a second try may turn into a good one: overload, a gateway's trouble, a time-out.
RETRYABLE = frozenset({408, 425, 429, 499, 500, 502, 503, 504, 522})
# A server that asks for a longer pause than this is asking for a later run.
_LONGEST_RETRY_AFTER = 60.0


@dataclass(frozen=True)
class RetryPolicy:
    """How stubborn to be with one request or one blob.

    ECR answers 429 for as long as a busy account pushes; the tools that give up after three quick tries fail there.
    """

    tries: int = 10
    tries_when_throttled: int = 20
    """As long as the registry answers 429, it is alive and only asks for patience."""
    first_pause: float = 0.5
    """Seconds; the upper end doubles with each try."""
    longest_pause: float = 30.0

    def most(self, status: int | None) -> int:
        """How many tries there are. `status` is the last answer's, None when none came."""
        return self.tries_when_throttled if status == 429 else self.tries

    def pause(self, failures: int, random: t.Callable[[], float], retry_after: float | None = None) -> float:
        """Seconds to wait after this many failures: anything from 0 to the upper end, but at least what the server asked for."""
        jittered = random() * min(self.longest_pause, self.first_pause * float(2 ** (failures - 1)))
        if retry_after is None:
            return jittered
        return min(retry_after, _LONGEST_RETRY_AFTER) + random() * self.first_pause


def retry_after_seconds(value: str | None, now: float) -> float | None:
    """Read a Retry-After header: seconds, or a date that is compared with `now` (seconds since the epoch)."""
    if not value:
        return None
    text = value.strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except (TypeError, ValueError):
        return None


class Gate:
    """Shut by whoever was told to slow down; everybody waits at it, since the limit is the account's, not the worker's."""

    def __init__(self, monotonic: t.Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._opens_at = 0.0

    def shut(self, seconds: float) -> None:
        with self._lock:
            self._opens_at = max(self._opens_at, self._monotonic() + seconds)

    def remaining(self) -> float:
        with self._lock:
            return max(0.0, self._opens_at - self._monotonic())


class Pacer:
    """Hands out starting times at a steady distance, for calls that have a rate of their own."""

    def __init__(self, interval: float, monotonic: t.Callable[[], float]) -> None:
        self._interval = interval
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._next = 0.0

    def turn(self) -> float:
        """Seconds to wait before the next call may start."""
        with self._lock:
            now = self._monotonic()
            start = max(now, self._next)
            self._next = start + self._interval
            return start - now
