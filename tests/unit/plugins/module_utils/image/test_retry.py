# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._image.retry import Gate, Pacer, RetryPolicy, retry_after_seconds
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import FakeClock


@pytest.mark.parametrize(
    ("failures", "random", "retry_after", "seconds"),
    [
        (1, 0.0, None, 0.0),
        (1, 1.0, None, 0.5),
        (2, 1.0, None, 1.0),
        (3, 0.5, None, 1.0),
        (6, 1.0, None, 16.0),
        (7, 1.0, None, 30.0),
        (60, 1.0, None, 30.0),
        (1, 0.0, 3.0, 3.0),
        (5, 1.0, 3.0, 3.5),
        (1, 0.0, 3600.0, 60.0),
    ],
)
def test_pauses_grow_with_full_jitter_and_obey_the_server(failures: int, random: float, retry_after: float | None, seconds: float) -> None:
    assert RetryPolicy().pause(failures, lambda: random, retry_after) == pytest.approx(seconds)


def test_a_run_is_patient_for_up_to_two_minutes() -> None:
    policy = RetryPolicy()
    assert sum(policy.pause(failure, lambda: 1.0) for failure in range(1, policy.tries)) > 120


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_reads_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, now=100.0) == seconds


def test_a_gate_stays_shut_for_the_longest_that_was_asked_for() -> None:
    clock = FakeClock()
    gate = Gate(clock.monotonic)
    assert gate.remaining() == 0
    gate.shut(5)
    gate.shut(2)
    clock.sleep(1)
    assert gate.remaining() == pytest.approx(4)
    clock.sleep(5)
    assert gate.remaining() == 0


def test_a_pacer_keeps_its_distance_and_saves_nothing_up() -> None:
    clock = FakeClock()
    pacer = Pacer(0.5, clock.monotonic)
    assert [pacer.turn(), pacer.turn(), pacer.turn()] == pytest.approx([0, 0.5, 1.0])
    clock.sleep(100)
    assert [pacer.turn(), pacer.turn()] == pytest.approx([0, 0.5])
