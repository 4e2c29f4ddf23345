"""How a capacity provider with managed scaling sizes its Auto Scaling group. Pure.

ECS publishes CapacityProviderReservation = M / N x 100, M being the instances that are needed and N those that there are, and a
target tracking policy holds it at targetCapacity (ecs-facts.md 5; "How managed scaling works" in the developer guide).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from local_aws.interfaces import TaskDemand

EVALUATION_SECONDS = 60
"""The metric has one value a minute and one is enough to grow."""
SCALE_IN_SECONDS = 15 * 60
"""The metric must stay below the target for fifteen values before the group shrinks."""
FIRST_INSTANCES = 2
"""What a provider asks for when it has no instance and tasks wait."""


@dataclass(frozen=True)
class Limits:
    """Of the group and of the provider's managedScaling."""

    minimum: int
    maximum: int
    target_capacity: int = 100
    minimum_step: int = 1
    maximum_step: int = 10000
    warm_up_seconds: int = 300


@dataclass(frozen=True)
class Room:
    """What one new instance of the group would offer."""

    cpu_units: int
    memory_mib: int
    eni_slots: int


@dataclass(frozen=True)
class Memory:
    """What one evaluation leaves for the next. Times are AWS seconds of the clock."""

    grown_at: float | None = None
    excess_since: float | None = None


@dataclass(frozen=True)
class Decision:
    desired: int
    needed: int
    """M."""
    reservation: float
    """The metric, in percent."""
    memory: Memory


def instances_for(waiting: Sequence[TaskDemand], room: Room) -> int:
    """Instances that hold the waiting tasks, packed first fit by decreasing memory. Tasks too large for an empty one count for nothing."""
    open_rooms: list[Room] = []
    for task in sorted(waiting, key=lambda demand: (demand.memory_mib, demand.cpu_units), reverse=True):
        if not _fits(task, room):
            continue
        for index, left in enumerate(open_rooms):
            if _fits(task, left):
                open_rooms[index] = _less(left, task)
                break
        else:
            open_rooms.append(_less(room, task))
    return len(open_rooms)


def decide(current: int, busy: int, waiting: Sequence[TaskDemand], room: Room, limits: Limits, now: float, memory: Memory) -> Decision:
    """The group's next size.

    `current` counts every instance of the group, starting ones included; `busy` those that run at least one task.
    """
    for_waiting = instances_for(waiting, room)
    needed = busy + for_waiting
    if current == 0 and for_waiting:
        needed = max(needed, FIRST_INSTANCES)
    reservation = _reservation(needed, current)
    wanted = math.ceil(needed * 100 / limits.target_capacity)
    if wanted > current:
        step = min(max(wanted - current, limits.minimum_step), limits.maximum_step)
        desired = max(current, min(current + step, limits.maximum))
        grown = desired > current
        return Decision(desired, needed, reservation, Memory(now if grown else memory.grown_at, None))
    warming = memory.grown_at is not None and now - memory.grown_at < limits.warm_up_seconds
    if wanted >= current or warming:
        return Decision(current, needed, reservation, replace(memory, excess_since=None))
    since = now if memory.excess_since is None else memory.excess_since
    if now - since < SCALE_IN_SECONDS:
        return Decision(current, needed, reservation, replace(memory, excess_since=since))
    desired = min(current, max(wanted, current - limits.maximum_step, limits.minimum))
    return Decision(desired, needed, reservation, replace(memory, excess_since=None))


def _reservation(needed: int, current: int) -> float:
    if current == 0:
        return 200.0 if needed else 100.0
    return needed / current * 100


def _fits(task: TaskDemand, room: Room) -> bool:
    return task.cpu_units <= room.cpu_units and task.memory_mib <= room.memory_mib and task.enis <= room.eni_slots


def _less(room: Room, task: TaskDemand) -> Room:
    return Room(room.cpu_units - task.cpu_units, room.memory_mib - task.memory_mib, room.eni_slots - task.enis)
