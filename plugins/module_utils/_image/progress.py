# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says in one line how far a push is, when there is something to say."""

from __future__ import annotations

import threading
import typing as t

# Seconds between two lines at the least, and between two lines at the most while bytes are to be sent.
_SHORTEST = 1.0
_HEARTBEAT = 10.0
# A step of this share of the whole is worth a line.
_STEP = 0.1
# Characters of the bar.
_BAR = 24


def megabytes(count: float) -> str:
    """Bytes for people, in units of a million; small amounts in thousands."""
    if count < 100_000:
        return f"{count / 1000:.1f} kB"
    return f"{count / 1_000_000:.1f} MB"


def seconds(duration: float) -> str:
    return f"{duration:.1f} s" if duration < 120 else f"{duration / 60:.1f} min"


class Meter:
    """How far each blob is. Workers report positions; the one who waits for them asks for a line now and then."""

    def __init__(self, started: float) -> None:
        self._lock = threading.Lock()
        self._started = started
        self._sizes: dict[str, int] = {}
        self._positions: dict[str, int] = {}
        self._done: set[str] = set()
        self._last_time = started
        self._last_bytes = 0
        self._last_done = 0

    def expect(self, digest: str, size: int) -> None:
        with self._lock:
            self._sizes[digest] = size
            self._positions[digest] = 0

    def at(self, digest: str) -> t.Callable[[int], None]:
        """The function that takes a blob's position. It may go back: a broken upload starts again."""

        def report(position: int) -> None:
            with self._lock:
                self._positions[digest] = position

        return report

    def finished(self, digest: str) -> None:
        with self._lock:
            self._done.add(digest)
            self._positions[digest] = self._sizes[digest]

    def forget(self, digest: str) -> None:
        """This blob need not be sent after all: it was mounted."""
        with self._lock:
            self._sizes.pop(digest, None)
            self._positions.pop(digest, None)

    def line(self, now: float) -> str | None:
        """A line when there is news and the last one is a second old, or nothing new for ten; None otherwise."""
        with self._lock:
            total = sum(self._sizes.values())
            sent = sum(self._positions.values())
            waited = now - self._last_time
            if not self._sizes or waited < _SHORTEST or len(self._done) == len(self._sizes):
                return None
            news = len(self._done) != self._last_done or abs(sent - self._last_bytes) >= _STEP * total
            if not news and waited < _HEARTBEAT:
                return None
            rate = max(0.0, (sent - self._last_bytes) / waited)
            self._last_time, self._last_bytes, self._last_done = now, sent, len(self._done)
            return (
                f"uploading: {megabytes(sent)} of {megabytes(total)}, {megabytes(rate)}/s, "
                f"{len(self._done)} of {len(self._sizes)} blobs done{_left(total - sent, rate)}"
            )

    def as_bar(self, now: float) -> str:
        """The same at any time, as a bar; empty when there is nothing to send."""
        with self._lock:
            total = sum(self._sizes.values())
            sent = min(total, sum(self._positions.values()))
            if not total or len(self._done) == len(self._sizes):
                return ""
            rate = sent / (now - self._started) if now > self._started else 0.0
            full = sent * _BAR // total
            return (
                f"uploading [{'=' * full}{' ' * (_BAR - full)}] {100 * sent // total} %, {megabytes(sent)} of {megabytes(total)}, "
                f"{megabytes(rate)}/s{_left(total - sent, rate)}"
            )


def _left(count: int, rate: float) -> str:
    return f", {seconds(count / rate)} left" if rate > 0 and count > 0 else ""
