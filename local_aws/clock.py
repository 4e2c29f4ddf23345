"""Time with a speed: every delay that AWS would take is divided by it, while timestamps stay those of the real clock."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Durations are AWS seconds: what the same thing takes on real AWS. At speed 10 one of them lasts 0.1 s here."""

    speed: float

    def time(self) -> float:
        """AWS seconds since some fixed moment. Deadlines, thresholds and ages are computed from this."""

    def now(self) -> datetime:
        """The real time in UTC, for timestamps that a client compares with its own clock."""

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> bool:
        """Wait for AWS seconds; returns True at once when `stop` is set before they are over."""


class ScaledClock:
    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError(f"speed: {speed} is not a positive number. 1 is real time, 10 is ten times as fast.")
        self.speed = speed
        self._start = time.monotonic()

    def time(self) -> float:
        return (time.monotonic() - self._start) * self.speed

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> bool:
        return (stop or threading.Event()).wait(max(0.0, seconds) / self.speed)
