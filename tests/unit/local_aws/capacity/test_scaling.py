"""Managed scaling, as tables."""

from __future__ import annotations

import pytest

from local_aws.capacity.scaling import SCALE_IN_SECONDS, Limits, Memory, Room, decide, instances_for
from local_aws.interfaces import TaskDemand

ROOM = Room(2048, 1978, 2)
SMALL = TaskDemand(256, 512, 1)
HOST = TaskDemand(256, 512, 0)


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        ([], 0),
        ([SMALL], 1),
        ([SMALL] * 2, 1),
        ([SMALL] * 3, 2),  # the ENIs are full first
        ([HOST] * 3, 1),
        ([HOST] * 4, 2),  # the memory is
        ([TaskDemand(1024, 100, 0)] * 3, 2),  # the CPU is
        ([TaskDemand(256, 4096, 1)], 0),  # fits into no instance of this type
        ([TaskDemand(256, 4096, 1), SMALL], 1),
        ([TaskDemand(0, 1900, 0), TaskDemand(0, 1000, 0), TaskDemand(0, 900, 0)], 2),
    ],
)
def test_packing(waiting: list[TaskDemand], expected: int) -> None:
    assert instances_for(waiting, ROOM) == expected


@pytest.mark.parametrize(
    ("current", "busy", "tasks", "limits", "desired", "reservation"),
    [
        (0, 0, 0, Limits(0, 10), 0, 100),
        (0, 0, 1, Limits(0, 10), 2, 200),  # from nothing it asks for two
        (0, 0, 1, Limits(0, 1), 1, 200),
        (0, 0, 9, Limits(0, 10), 5, 200),
        (2, 2, 0, Limits(0, 10), 2, 100),
        (2, 2, 1, Limits(0, 10), 3, 150),
        (2, 2, 4, Limits(0, 3), 3, 200),  # the group's maximum
        (2, 2, 1, Limits(0, 10, minimum_step=4), 6, 150),
        (2, 2, 20, Limits(0, 99, maximum_step=3), 5, 600),
        (3, 2, 1, Limits(0, 10), 3, 100),  # a free instance is being started for it
        (4, 4, 0, Limits(0, 10, target_capacity=80), 5, 100),  # headroom
        (5, 4, 0, Limits(0, 10, target_capacity=80), 5, 80),
        (1, 0, 0, Limits(0, 10), 1, 0),  # excess must last
    ],
)
def test_size(current: int, busy: int, tasks: int, limits: Limits, desired: int, reservation: float) -> None:
    decision = decide(current, busy, [SMALL] * tasks, ROOM, limits, 1000.0, Memory())
    assert decision.desired == desired
    assert decision.reservation == pytest.approx(reservation)


def test_excess_shrinks_the_group_after_fifteen_minutes_and_not_below_its_minimum() -> None:
    limits = Limits(1, 10)
    first = decide(4, 0, [], ROOM, limits, 0.0, Memory())
    assert (first.desired, first.memory.excess_since) == (4, 0.0)
    almost = decide(4, 0, [], ROOM, limits, SCALE_IN_SECONDS - 1.0, first.memory)
    assert almost.desired == 4
    then = decide(4, 0, [], ROOM, limits, float(SCALE_IN_SECONDS), almost.memory)
    assert (then.desired, then.memory.excess_since) == (1, None)


def test_a_task_in_between_starts_the_fifteen_minutes_again() -> None:
    excess = decide(2, 1, [], ROOM, Limits(0, 10), 0.0, Memory()).memory
    used = decide(2, 2, [], ROOM, Limits(0, 10), 600.0, excess).memory
    again = decide(2, 1, [], ROOM, Limits(0, 10), float(SCALE_IN_SECONDS), used)
    assert (again.desired, again.memory.excess_since) == (2, float(SCALE_IN_SECONDS))


def test_instances_that_warm_up_are_not_taken_for_excess() -> None:
    grown = decide(0, 0, [SMALL], ROOM, Limits(0, 10), 0.0, Memory()).memory
    assert grown.grown_at == 0.0
    assert decide(2, 1, [], ROOM, Limits(0, 10), 299.0, grown).memory.excess_since is None
    assert decide(2, 1, [], ROOM, Limits(0, 10), 300.0, grown).memory.excess_since == 300.0
