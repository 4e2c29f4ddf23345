# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the prober makes of answers, in order and out of it."""

from __future__ import annotations

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout.traffic import Answer, Traffic


def traffic(*answers: tuple[float, str | None]) -> Traffic:
    found = Traffic()
    for at, version in answers:
        found.add(Answer(at, 0.01, version, "" if version else "HTTP 503"))
    return found


def result(found: Traffic, end: float) -> dict[str, object]:
    return found.result(end, lambda moment: f"{moment:g}")


def test_versions_and_their_mixed_phase() -> None:
    found = result(traffic((0, "1"), (1, "1"), (2, "2"), (3, "1"), (4, "2"), (5, "2")), 5)
    assert found["versions"] == {"1": 3, "2": 3}
    assert (found["mixed_from"], found["mixed_to"], found["mixed_seconds"]) == ("2", "3", 1)


def test_a_clean_switch_is_not_mixed() -> None:
    assert result(traffic((0, "1"), (1, "2")), 1)["mixed_from"] is None


def test_a_version_that_came_and_went_was_mixed_from_its_first_answer_to_its_last() -> None:
    found = result(traffic((0, "1"), (1, "2"), (2, "1"), (3, "2"), (4, "1")), 4)
    assert (found["mixed_from"], found["mixed_to"]) == ("1", "3")


@pytest.mark.parametrize(
    ("answers", "end", "gap"),
    [
        ([(0.0, "1"), (0.5, "1")], 0.5, 0.5),
        ([(0.0, "1"), (1.0, None), (4.0, "1")], 4.0, 4.0),
        ([(0.0, "1"), (1.0, None)], 9.0, 9.0),
        ([(0.0, None), (5.0, "1")], 5.0, 0.0),
        ([(0.0, None)], 5.0, None),
    ],
)
def test_the_longest_gap_begins_with_the_first_answer_and_reaches_to_the_end(
    answers: list[tuple[float, str | None]], end: float, gap: float | None
) -> None:
    assert result(traffic(*answers), end)["longest_gap_seconds"] == gap


def test_latency() -> None:
    found = Traffic()
    for number in range(1, 101):
        found.add(Answer(number, number / 1000, "1"))
    assert result(found, 100)["latency_ms"] == {"p50": 50.0, "p95": 95.0, "max": 100.0}
    assert result(traffic((0, None)), 1)["latency_ms"] is None
    assert result(traffic((0, "1")), 1)["latency_ms"] == {"p50": 10.0, "p95": 10.0, "max": 10.0}


def test_failures_are_counted_by_reason() -> None:
    found = result(traffic((0, "1"), (1, None), (2, None)), 2)
    assert (found["requests"], found["failed"], found["failures"]) == (3, 2, {"HTTP 503": 2})


def test_stretches_of_one_version_are_joined_and_a_stall_shows() -> None:
    even = [(second / 2, "1") for second in range(20)]
    after = [(20 + second / 2, "1") for second in range(4)]
    found = result(traffic(*even, *after, (22.5, "2"), (22.6, "1")), 23)
    assert found["series"] == [
        {"from": "0", "to": "10", "versions": {"1": 20}, "failed": 0},
        {"from": "20", "to": "22", "versions": {"1": 4}, "failed": 0},
        {"from": "22", "to": "23", "versions": {"2": 1, "1": 1}, "failed": 0},
    ]


def test_a_long_wait_has_few_slices() -> None:
    mixed = [(second / 2, "1" if second % 2 else "2") for second in range(7200)]
    assert len(t_series := result(traffic(*mixed), 3600)["series"]) <= 120  # type: ignore[arg-type]  # the result holds members of many types
    assert t_series


def test_it_tells_changes_and_not_every_answer() -> None:
    found = Traffic()
    lines = [
        found.add(Answer(at, 0.01, version, "" if version else "HTTP 503"))
        for at, version in [(0, "1"), (1, "1"), (1.5, "2"), (1.8, "1"), (3, "2"), (3.5, None), (4, None), (4.5, "2")]
    ]
    assert lines == [
        "probe: only 1 answers",
        None,
        "probe: 1 and 2 answer side by side",
        None,
        "probe: only 2 answers",
        "probe: a request failed: HTTP 503",
        None,
        "probe: answered again, after 2 failed requests",
    ]
