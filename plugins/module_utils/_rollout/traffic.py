# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What requests from outside say of a rollout: which versions answered and when, what failed, how long nobody answered."""

from __future__ import annotations

import itertools
import typing as t
from collections import Counter
from dataclasses import dataclass, field

MIXED_WINDOW_SECONDS = 1.0
"""Versions that answered within this time are said to answer side by side."""
_MOST_SLICES = 120
_JOINED_SLICES = 2
_SLICE_SECONDS = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0)


@dataclass(frozen=True)
class Answer:
    at: float
    """Seconds on the watcher's clock when the answer, or the failure, was there."""
    latency: float
    version: str | None
    """None when the request failed; then `failure` says how."""
    failure: str = ""


@dataclass
class Traffic:
    """Every answer so far. Not for several threads at once."""

    answers: list[Answer] = field(default_factory=list)
    _latest: dict[str, float] = field(default_factory=dict)
    _answering: tuple[str, ...] = ()
    _failing: int = 0

    def add(self, answer: Answer) -> str | None:
        """Take note of an answer, and return a line about it when it changes the picture."""
        self.answers.append(answer)
        if answer.version is None:
            self._failing += 1
            return f"probe: a request failed: {answer.failure}" if self._failing == 1 else None
        self._latest[answer.version] = answer.at
        failed, self._failing = self._failing, 0
        answering = tuple(name for name, at in self._latest.items() if answer.at - at <= MIXED_WINDOW_SECONDS)
        if answering == self._answering:
            return f"probe: answered again, after {failed} failed requests" if failed > 1 else None
        self._answering = answering
        return f"probe: only {answering[0]} answers" if len(answering) == 1 else f"probe: {' and '.join(answering)} answer side by side"

    def result(self, end: float, wall: t.Callable[[float], str]) -> dict[str, t.Any]:
        """All of it as data. `end` is when probing ended; `wall` turns a moment on the watcher's clock into an ISO 8601 text."""
        good = sorted((item for item in self.answers if item.version is not None), key=lambda item: item.at)
        failed = [item for item in self.answers if item.version is None]
        mixed = _mixed(good)
        return {
            "requests": len(self.answers),
            "failed": len(failed),
            "failures": dict(Counter(item.failure for item in failed).most_common()),
            "versions": dict(Counter(str(item.version) for item in good)),
            "mixed_from": wall(mixed[0]) if mixed else None,
            "mixed_to": wall(mixed[1]) if mixed else None,
            "mixed_seconds": round(mixed[1] - mixed[0], 2) if mixed else 0.0,
            "longest_gap_seconds": _longest_gap([item.at for item in good], end) if good else None,
            "latency_ms": _latency([item.latency for item in good]),
            "series": _series(self.answers, wall),
        }


def _mixed(good: t.Sequence[Answer]) -> tuple[float, float] | None:
    """From the first answer that was not of the version before to the last that was not of the version after."""
    after_first = [item.at for item in good if item.version != good[0].version]
    before_last = [item.at for item in good if item.version != good[-1].version]
    if not after_first:
        return None
    begin, end = after_first[0], before_last[-1]
    return (begin, end) if end >= begin else None


def _longest_gap(moments: t.Sequence[float], end: float) -> float:
    """The longest time in which nothing was answered, from the first answer on."""
    edges = [*moments, max(end, moments[-1])]
    return round(max(later - earlier for earlier, later in itertools.pairwise(edges)), 2)


def _latency(seconds: t.Sequence[float]) -> dict[str, float] | None:
    if not seconds:
        return None
    ordered = sorted(seconds)

    def at(share: float) -> float:
        # The smallest value that at least this share of all values do not exceed.
        return round(ordered[max(0, -(-int(share * 100) * len(ordered) // 100) - 1)] * 1000, 1)

    return {"p50": at(0.5), "p95": at(0.95), "max": round(ordered[-1] * 1000, 1)}


def _series(answers: t.Sequence[Answer], wall: t.Callable[[float], str]) -> list[dict[str, t.Any]]:
    """Stretches of time with what was answered in them. Those of one version without a failure are joined, the others are short."""
    if not answers:
        return []
    begin, end = min(item.at for item in answers), max(item.at for item in answers)
    length = next((seconds for seconds in _SLICE_SECONDS if (end - begin) / seconds < _MOST_SLICES), _SLICE_SECONDS[-1])
    slices: dict[int, list[Answer]] = {}
    for item in answers:
        slices.setdefault(int((item.at - begin) / length), []).append(item)
    stretches: list[tuple[int, int, Counter[str | None]]] = []
    for index, items in sorted(slices.items()):
        found = Counter(item.version for item in items)
        if stretches:
            first, last, before = stretches[-1]
            plain = len(found) == 1 and None not in found and found.keys() == before.keys()
            # An empty slice may lie between two requests; more of them are a stall, and have to show as one.
            if plain and index - last <= _JOINED_SLICES:
                stretches[-1] = (first, index, before + found)
                continue
        stretches.append((index, index, found))
    return [
        {
            "from": wall(begin + first * length),
            "to": wall(begin + (last + 1) * length),
            "versions": {version: count for version, count in found.items() if version is not None},
            "failed": found[None],
        }
        for first, last, found in stretches
    ]
