# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases played through before they are made: steps, room, time, problems, and what is said of them."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout.forecast import (
    LAUNCH_SECONDS,
    Course,
    Growth,
    Pace,
    Plan,
    breaker_threshold,
    course,
    extra_seconds,
    fits_now,
    lines,
    paces,
    problem,
    start_times,
)
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout.placement import Need, Room

Data = dict[str, t.Any]
NEED = Need(512, 512, eni=True)
PACE = Pace(ready=10, drain=100)
LARGEST = {"cpu": 2048, "memory": 3884}


def cluster(number: int, tasks: int = 0, slots: int = 2) -> list[Room]:
    """Instances that hold `slots` tasks each, with `tasks` of ours on each."""
    registered = {"cpu": 2048, "memory": 3884, "enis": slots}
    return [
        Room(
            f"arn/{index}",
            "t3.medium",
            2048 - 512 * tasks,
            3884 - 512 * tasks,
            enis=slots - tasks,
            own_tasks=tasks,
            instance=f"i-{index}",
            registered=registered,
            provider="cp",
        )
        for index in range(number)
    ]


def plan(
    desired: int,
    minimum: int | None,
    maximum: int | None,
    rooms: list[Room],
    old: int | None = None,
    growth: Growth | None = None,
    **conf: t.Any,
) -> Plan:
    percents = {name: value for name, value in (("minimumHealthyPercent", minimum), ("maximumPercent", maximum)) if value is not None}
    hosts = [room.arn for room in rooms for _task in range(room.own_tasks)]
    return Plan(desired, {**percents, **conf}, NEED, rooms, tuple(hosts[:old] if old is not None else hosts), NEED, growth=growth)


def steps(played: Course) -> list[tuple[float, int, int, int]]:
    return [(step.at, step.start, step.stop, step.alive) for step in played.steps]


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        # The first deploy of all.
        (plan(2, 100, 200, cluster(1)), [(0, 2, 0, 2)]),
        # The only task stops when the new one is healthy.
        (plan(1, 100, 200, cluster(1, 1)), [(0, 1, 0, 2), (10, 0, 1, 1)]),
        # Start all, then stop all.
        (plan(2, 100, 200, cluster(2, 1)), [(0, 2, 0, 4), (10, 0, 2, 2)]),
        (plan(2, None, None, cluster(2, 1)), [(0, 2, 0, 4), (10, 0, 2, 2)]),
        # In waves: 5 of 4 at most, 4 at least. Each wave waits for one to be healthy, and the drain is nobody's concern.
        (plan(4, 100, 125, cluster(4, 1)), [(0, 1, 0, 5), (10, 1, 1, 5), (20, 1, 1, 5), (30, 1, 1, 5), (40, 0, 1, 4)]),
        # Stop first: the room of the old is waited for only where there is no other.
        (plan(2, 50, 100, cluster(2, 1)), [(0, 1, 1, 2), (10, 1, 1, 2)]),
        (plan(2, 50, 100, cluster(1, 2)), [(0, 0, 1, 1), (100, 1, 0, 2), (110, 0, 1, 1), (210, 1, 0, 2)]),
        # Half of them may stop at once.
        (plan(2, 0, 100, cluster(1, 2)), [(0, 0, 2, 0), (100, 2, 0, 2)]),
        # Room for one beside the two: the second starts when the first old one has left.
        (plan(2, 100, 200, cluster(1, 2, 3)), [(0, 1, 0, 3), (10, 0, 1, 2), (110, 1, 0, 3), (120, 0, 1, 2)]),
        # Scaled to zero.
        (plan(0, 100, 200, cluster(1)), []),
        # All of the new beside all of the old, and then all of the old.
        (plan(2, 100, 100, cluster(2, 1), strategy="BLUE_GREEN"), [(0, 2, 0, 4), (10, 0, 2, 2)]),
    ],
)
def test_the_steps_of_a_release_that_arrives(wanted: Plan, seen: list[tuple[float, int, int, int]]) -> None:
    played = course(wanted, PACE)
    assert steps(played) == seen
    assert played.arrives
    assert problem(wanted, played, LARGEST) is None


def test_a_forecast_takes_nothing_from_what_it_looks_at() -> None:
    rooms = cluster(2, 1)
    wanted = plan(2, 100, 200, rooms)
    assert course(wanted, PACE) == course(wanted, PACE)
    assert rooms == cluster(2, 1)
    assert fits_now(wanted) == 2


@pytest.mark.parametrize(
    ("wanted", "cause", "evidence", "permanent"),
    [
        (plan(2, 100, 100, cluster(2, 1)), "deployment_dead_end", "desired count 2, maximumPercent 100, minimumHealthyPercent 100", True),
        (plan(2, 75, 149, cluster(2, 1)), "deployment_dead_end", "no task may be started and none stopped", True),
        (plan(2, 100, 200, []), "no_capacity", "0 of 2 tasks find room: the cluster has no container instance", False),
        (plan(2, 100, 200, cluster(1, 2)), "no_capacity", "0 of 2 tasks find room. i-0: no network interface is left", False),
        (plan(3, 100, 200, cluster(1)), "no_capacity", "2 of 3 tasks find room", False),
    ],
)
def test_a_release_that_does_not_arrive(wanted: Plan, cause: str, evidence: str, permanent: bool) -> None:
    played = course(wanted, PACE)
    found = problem(wanted, played, LARGEST)
    assert found is not None
    assert not played.arrives
    assert (found.cause, found.permanent) == (cause, permanent)
    assert evidence in found.evidence
    assert found.hint


@pytest.mark.parametrize(("need", "words"), [(Need(4096, 1), "4096 CPU units"), (Need(1, 9999), "9999 MiB of memory")])
def test_a_task_that_is_larger_than_every_instance(need: Need, words: str) -> None:
    wanted = Plan(1, {}, need, cluster(3))
    found = problem(wanted, course(wanted, PACE), LARGEST)
    assert found is not None
    assert found.permanent
    assert f"a task needs {words}, and the largest container instance offers" in found.evidence


def test_an_attribute_that_no_instance_has_is_lacking_for_good() -> None:
    wanted = Plan(1, {}, Need(1, 1, attributes={"gpu": None}), cluster(8))
    found = problem(wanted, course(wanted, PACE), LARGEST)
    assert found is not None
    assert found.permanent
    assert "i-0: it lacks an attribute that the task needs" in found.evidence
    assert "; and 2 more instances" in found.evidence


def test_a_capacity_provider_adds_instances() -> None:
    full = cluster(1, 2)
    played = course(plan(4, 100, 200, full, growth=Growth(full[0], 3)), PACE)
    assert (played.arrives, played.added, played.unknown) == (True, 2, False)
    assert played.steps[0].on == {"new-1": 2, "new-2": 2}
    assert played.seconds == LAUNCH_SECONDS + PACE.ready
    # It may not add so many.
    few = plan(4, 100, 200, full, growth=Growth(full[0], 1))
    played = course(few, PACE)
    found = problem(few, played, LARGEST)
    assert found is not None
    assert "with the 1 instances that may be added" in found.evidence
    # How many it may add is not known, or of what kind.
    assert course(plan(4, 100, 200, full, growth=Growth(full[0], None)), PACE).unknown
    dark = plan(4, 100, 200, full, growth=Growth(None, 3))
    played = course(dark, PACE)
    assert (played.arrives, played.unknown, problem(dark, played, LARGEST)) == (False, True, None)


def moment(seconds: float) -> datetime.datetime:
    return datetime.datetime(2026, 11, 28, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=seconds)


def test_how_long_tasks_took_to_start() -> None:
    tasks = [{"createdAt": moment(0), "startedAt": moment(7)}, {"createdAt": moment(0)}]
    assert start_times(tasks) == [7.0]


CHECKED = {"containerDefinitions": [{"healthCheck": {"interval": 5}}, {"healthCheck": {"interval": 99}, "essential": False}]}


@pytest.mark.parametrize(
    ("definition", "groups", "starts", "least", "likely"),
    [
        ({}, [], [], 40, 40),  # with nothing that checks it
        ({}, [], [3, 9, 30], 43, 49),
        (CHECKED, [], [3, 9], 8, 11),
        ({"containerDefinitions": [{"healthCheck": {"command": ["x"]}}]}, [], [], 30, 30),
        ({}, [{"HealthCheckIntervalSeconds": 15}], [3], 3, 18),  # the first check may come at once
        (CHECKED, [{"HealthCheckIntervalSeconds": 15}], [3], 8, 18),
    ],
)
def test_how_long_a_task_takes(definition: Data, groups: list[Data], starts: list[float], least: float, likely: float) -> None:
    shortest, usual = paces(definition, groups, [5, 30], starts)
    assert (shortest.ready, usual.ready) == (least, likely)
    assert shortest.drain == usual.drain == 30


@pytest.mark.parametrize(
    ("configuration", "seconds"),
    [
        ({}, 0),
        ({"bakeTimeInMinutes": 5}, 0),  # nothing is looked at meanwhile
        ({"bakeTimeInMinutes": 5, "alarms": {"enable": True}}, 300),
        ({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}, 300),
        ({"strategy": "LINEAR"}, 9 * 360),
        ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 30, "stepBakeTimeInMinutes": 1}, "bakeTimeInMinutes": 2}, 300),
        ({"strategy": "CANARY", "canaryConfiguration": {"canaryBakeTimeInMinutes": 3}, "bakeTimeInMinutes": 2}, 300),
    ],
)
def test_what_is_waited_besides(configuration: Data, seconds: float) -> None:
    assert extra_seconds(configuration) == seconds


@pytest.mark.parametrize(
    ("breaker", "desired", "threshold"),
    [
        ({}, 2, None),
        ({"enable": False}, 2, None),
        ({"enable": True}, 1, 3),
        ({"enable": True}, 25, 13),
        ({"enable": True}, 800, 200),
        ({"enable": True, "thresholdConfiguration": {"type": "UNBOUNDED_PERCENT", "value": 50}}, 800, 400),
        ({"enable": True, "thresholdConfiguration": {"type": "COUNT", "value": 7}}, 800, 7),
    ],
)
def test_when_ecs_gives_up(breaker: Data, desired: int, threshold: int | None) -> None:
    assert breaker_threshold({"deploymentCircuitBreaker": breaker}, desired) == threshold


def test_what_is_said() -> None:
    wanted = plan(2, 100, 200, cluster(2, 1))
    found: Data = {
        "arrives": True,
        "problems": [],
        "checks": [{"check": "secret", "subject": "A", "message": "is not there", "fix": "Create it."}],
        "capacity": {"fits_now": 2, "instances_to_add": 1},
        "steps": [
            {"start": 2, "stop": 0, "on": {"i-0": 1, "i-1": 1}, "tasks": 4, "waits_for": ""},
            {"start": 0, "stop": 2, "on": {}, "tasks": 2, "waits_for": "2 tasks to be healthy"},
        ],
        "seconds": {"at_least": 10.0, "likely": 15.0, "past": [12.2, 14.9]},
        "on_failure": {"msg": "ECS gives up after 3 failed tasks; api:1 is put back"},
        "notes": ["the moon"],
    }
    assert lines("api", "api:1 -> api:2", wanted, found) == [
        "api: api:1 -> api:2",
        "  it would arrive, with 1 more instance of the capacity provider",
        "  ! secret A: is not there. Create it.",
        "  room: 2 instances, 2 of 2 tasks fit beside what runs",
        "  step 1: start 2 (i-0: 1, i-1: 1); 4 tasks then",
        "  step 2 after 2 tasks to be healthy: stop 2; 2 tasks then",
        "  time: at least 10 s, likely 15 s; the last that succeeded took 12, 15 s",
        "  on failure: ECS gives up after 3 failed tasks; api:1 is put back",
        "  not known: the moon",
    ]
    dark = {**found, "arrives": None, "checks": [], "seconds": {"at_least": None, "likely": None, "past": []}}
    assert lines("api", "x", None, dark)[1:3] == [
        "  whether it finds room cannot be told",
        "  on failure: ECS gives up after 3 failed tasks; api:1 is put back",
    ]
    assert lines("api", "x", None, {**dark, "arrives": False})[1] == "  it would not arrive"
