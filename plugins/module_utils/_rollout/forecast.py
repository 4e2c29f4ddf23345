# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release would do, said before anything is changed: its steps, whether they fit, how long they take, and the way back. Pure.

A rolling update is played through with the arithmetic of ECS ("Deploy Amazon ECS services by replacing tasks" in the developer guide):
at most floor(desired * maximum %) tasks, at least ceil(desired * minimum %) healthy ones, new tasks first as far as that allows.
"""

from __future__ import annotations

import copy
import statistics
import typing as t
from dataclasses import dataclass, field

from .causes import hint
from .diagnose import dead_end_words, is_dead_end, task_limits
from .placement import Need, Room, capacity, empty_like, place, short_of, words_for

Data = dict[str, t.Any]

# A task with neither a load balancer nor a health check of its own counts as healthy so long after it runs ("DeploymentConfiguration").
_UNCHECKED_SECONDS = 40.0
_HEALTH_INTERVAL = 30
# From the launch of an instance by a managed group until it is in its cluster: the shortest that was measured.
LAUNCH_SECONDS = 24.0
# What a circuit breaker has that says nothing of it, and between how many failed tasks its share stays ("Amazon ECS deployment circuit
# breaker" in the ECS developer guide).
BREAKER_THRESHOLD: Data = {"type": "BOUNDED_PERCENT", "value": 50}
_BREAKER_LIMITS = (3, 200)
_SHOWN_INSTANCES = 6
_PAST_SHOWN = 5


@dataclass(frozen=True)
class Growth:
    """A capacity provider with managed scaling."""

    sample: Room | None
    """An instance of the kind that it adds; None when it has none now, and what it would add is not known."""
    left: int | None
    """How many instances it may still add; None when that is not known."""


@dataclass(frozen=True)
class Pace:
    """Seconds that a task takes."""

    ready: float
    """From its placement until it counts as healthy."""
    drain: float
    """From the moment it is told to stop until what it held is free."""


@dataclass(frozen=True)
class Plan:
    """A release, and what it meets."""

    desired: int
    configuration: t.Mapping[str, t.Any]
    """`deploymentConfiguration` of the service."""
    need: Need
    rooms: t.Sequence[Room]
    old: t.Sequence[str | None] = ()
    """The ARN of the container instance of every task that runs now; None for one that is on none of these."""
    old_need: Need = field(default_factory=lambda: Need(0, 0))
    placement_strategy: t.Sequence[Data] = ()
    growth: Growth | None = None

    @property
    def upper(self) -> int:
        if self.strategy != "ROLLING":
            # The whole of the new revision beside the whole of the old one.
            return self.desired + len(self.old)
        return task_limits(self.desired, self.configuration)[1]

    @property
    def lower(self) -> int:
        return task_limits(self.desired, self.configuration)[0]

    @property
    def strategy(self) -> str:
        return str(self.configuration.get("strategy") or "ROLLING")


@dataclass(frozen=True)
class Step:
    at: float
    """Seconds after the begin."""
    start: int
    stop: int
    on: t.Mapping[str, int]
    """How many tasks start on which instance."""
    alive: int
    """Tasks after this step, old and new."""
    waits_for: str
    """What the step waited for; empty for the first."""


@dataclass(frozen=True)
class Course:
    """How the release would go."""

    steps: tuple[Step, ...]
    arrives: bool
    seconds: float
    """Until every new task is healthy and every old one is told to stop, or until nothing goes on any more."""
    started: int
    """New tasks that found room."""
    added: int
    """Instances that a capacity provider would have to add."""
    most: int
    """The most tasks at the same time."""
    refused: t.Mapping[str, str] = field(default_factory=dict)
    """For one that does not arrive: what each instance is short of, in words, at the moment when nothing goes on."""
    unknown: bool = False
    """Whether instances would have to be added whose kind, or whose number, is not known."""


def course(plan: Plan, pace: Pace) -> Course:
    """Play the release through."""
    return _Play(plan, pace).run()


class _Play:
    def __init__(self, plan: Plan, pace: Pace) -> None:
        self.plan = plan
        self.pace = pace
        self.rooms = [copy.copy(room) for room in plan.rooms]
        for room in self.rooms:
            room.ports = set(room.ports)
        by_arn = {room.arn: room for room in self.rooms}
        self.old: list[Room | None] = [by_arn.get(arn or "") for arn in plan.old]
        self.clock = 0.0
        self.starting: list[float] = []
        self.healthy = 0
        self.draining: list[tuple[float, Room | None]] = []
        self.added: dict[str, float] = {}
        self.unknown = False
        self.steps: list[Step] = []
        self.most = len(self.old)

    @property
    def alive(self) -> int:
        return len(self.old) + len(self.starting) + self.healthy

    def run(self) -> Course:
        waited = ""
        while True:
            on, stopped = self._act()
            if on or stopped:
                self.steps.append(Step(self.clock, sum(on.values()), stopped, on, self.alive, waited))
            if self.healthy >= self.plan.desired and not self.old:
                return self._course(True)
            moments = [*self.starting, *(moment for moment, _room in self.draining)]
            if not moments:
                return self._course(False)
            self.clock = min(moments)
            waited = self._pass()

    def _act(self) -> tuple[dict[str, int], int]:
        """All that may be done at this moment: a task that is told to stop makes way, by number, for one that starts."""
        on: dict[str, int] = {}
        stopped = 0
        while True:
            started, leaving = self._start(), self._stop()
            for name, count in started.items():
                on[name] = on.get(name, 0) + count
            stopped += leaving
            if not started and not leaving:
                return on, stopped

    def _pass(self) -> str:
        """What has come about by now."""
        ready = sum(moment <= self.clock for moment in self.starting)
        self.starting = [moment for moment in self.starting if moment > self.clock]
        self.healthy += ready
        gone = [room for moment, room in self.draining if moment <= self.clock]
        self.draining = [item for item in self.draining if item[0] > self.clock]
        for room in gone:
            if room is not None:
                room.give_back(self.plan.old_need)
        parts = [f"{_tasks(ready)} to be healthy"] if ready else []
        return " and ".join([*parts, *([f"{_tasks(len(gone))} to leave"] if gone else [])])

    def _start(self) -> dict[str, int]:
        plan = self.plan
        wanted = min(plan.desired - len(self.starting) - self.healthy, plan.upper - self.alive)
        on: dict[str, int] = {}
        for _number in range(max(0, wanted)):
            room = place(plan.need, self.rooms, plan.placement_strategy) or self._grown()
            if room is None:
                break
            room.take(plan.need)
            name = room.instance or room.arn.rsplit("/", 1)[-1]
            on[name] = on.get(name, 0) + 1
            self.starting.append(max(self.clock, self.added.get(room.arn, 0.0)) + self.pace.ready)
            self.most = max(self.most, self.alive)
        return on

    def _grown(self) -> Room | None:
        """A new instance of a capacity provider, when what drains will not make room and it may add one."""
        growth = self.plan.growth
        if growth is None or growth.sample is None:
            self.unknown = self.unknown or growth is not None
            return None
        fresh = empty_like(growth.sample, len(self.added) + 1)
        if short_of(fresh, self.plan.need) or (growth.left is not None and len(self.added) >= growth.left):
            return None
        self.unknown = self.unknown or growth.left is None
        self.rooms.append(fresh)
        self.added[fresh.arn] = self.clock + LAUNCH_SECONDS
        return fresh

    def _stop(self) -> int:
        plan = self.plan
        if plan.strategy != "ROLLING":
            number = len(self.old) if self.healthy >= plan.desired else 0
        else:
            number = min(len(self.old), max(0, len(self.old) + self.healthy - plan.lower))
        for _number in range(number):
            # From where most of them are.
            busiest = max(self.old, key=lambda room: (room.own_tasks if room else -1, room.arn if room else ""))
            self.old.remove(busiest)
            if busiest is not None:
                busiest.own_tasks -= 1
            self.draining.append((self.clock + self.pace.drain, busiest))
        return number

    def _course(self, arrives: bool) -> Course:
        refused = {} if arrives else {room.instance or room.arn: words_for(room, self.plan.need) for room in self.rooms}
        started = sum(step.start for step in self.steps)
        return Course(
            tuple(self.steps),
            arrives,
            self.clock,
            started,
            len(self.added),
            self.most,
            {name: words for name, words in refused.items() if words},
            self.unknown,
        )


@dataclass(frozen=True)
class Problem:
    """What would keep the release from arriving, in the words of a diagnosis."""

    cause: str
    evidence: str
    permanent: bool = True
    """Whether waiting does not help."""

    @property
    def hint(self) -> str:
        return hint(self.cause)


def problem(plan: Plan, played: Course, largest: t.Mapping[str, int]) -> Problem | None:
    """Why a course does not arrive; None for one that does, or of which that cannot be told.

    `largest` is the most `cpu` and `memory` that any container instance offers to an empty task.
    """
    if played.arrives:
        return None
    service: Data = {"desiredCount": plan.desired, "deploymentConfiguration": dict(plan.configuration)}
    if plan.old and is_dead_end(service):
        return Problem("deployment_dead_end", dead_end_words(service))
    if plan.growth is not None and plan.growth.sample is None:
        return None
    need = plan.need
    for name, wants, unit in (("cpu", need.cpu, "CPU units"), ("memory", need.memory, "MiB of memory")):
        most = largest.get(name)
        if most is not None and wants > most:
            return Problem("no_capacity", f"a task needs {wants} {unit}, and the largest container instance offers {most}")
    found = f"{played.started} of {_tasks(plan.desired)} find room"
    if not plan.rooms:
        return Problem("no_capacity", f"{found}: the cluster has no container instance", permanent=False)
    lacks = [f"{name}: {words}" for name, words in sorted(played.refused.items())]
    more = f"; and {len(lacks) - _SHOWN_INSTANCES} more instances" if len(lacks) > _SHOWN_INSTANCES else ""
    added = f", with the {played.added} instances that may be added" if played.added else ""
    return Problem("no_capacity", f"{found}{added}. {'; '.join(lacks[:_SHOWN_INSTANCES])}{more}", _lasting(plan))


def _lasting(plan: Plan) -> bool:
    """Whether nothing that ends or is taken away from an instance makes it fit: no one instance has what the task wants of its kind."""
    return all(short_of(room, plan.need) in ("attribute", "location", "constraint") for room in plan.rooms)


def health_checks(definition: Data) -> list[Data]:
    """The health checks of the essential containers, which ECS waits for."""
    containers = definition.get("containerDefinitions") or []
    return [item["healthCheck"] for item in containers if item.get("healthCheck") and item.get("essential", True)]


def start_times(tasks: t.Sequence[Data]) -> list[float]:
    """Seconds from creation to running of these tasks: image pulls, network interfaces and all."""
    return [(task["startedAt"] - task["createdAt"]).total_seconds() for task in tasks if task.get("startedAt") and task.get("createdAt")]


def paces(definition: Data, groups: t.Sequence[Data], drains: t.Sequence[int], starts: t.Sequence[float]) -> tuple[Pace, Pace]:
    """The shortest time that a task can take, and the likely one.

    `groups` are the service's target groups as Elastic Load Balancing describes them, `drains` their deregistration delays in seconds,
    `starts` how long the tasks that run now took to start. One check that passes makes a new target healthy, whatever the threshold.
    """
    checks = health_checks(definition)
    own = max((float(item.get("interval") or _HEALTH_INTERVAL) for item in checks), default=0.0)
    balanced = max((float(item.get("HealthCheckIntervalSeconds") or _HEALTH_INTERVAL) for item in groups), default=0.0)
    checked = own if checks or groups else _UNCHECKED_SECONDS
    drain = float(max(drains, default=0))
    least = Pace(min(starts, default=0.0) + checked, drain)
    likely = Pace((statistics.median(starts) if starts else 0.0) + max(checked, balanced), drain)
    return least, likely


def extra_seconds(configuration: t.Mapping[str, t.Any]) -> float:
    """What is waited besides, in seconds: bake times, and the steps in which traffic is shifted (DeploymentConfiguration in the API)."""
    strategy = configuration.get("strategy") or "ROLLING"
    bake = float(configuration.get("bakeTimeInMinutes") or 0)
    if strategy == "ROLLING" and not (configuration.get("alarms") or {}).get("enable"):
        return 0.0
    if strategy == "LINEAR":
        linear = configuration.get("linearConfiguration") or {}
        steps = -(-100 // float(linear.get("stepPercent") or 10))
        bake += (steps - 1) * float(linear.get("stepBakeTimeInMinutes", 6))
    if strategy == "CANARY":
        bake += float((configuration.get("canaryConfiguration") or {}).get("canaryBakeTimeInMinutes", 10))
    return bake * 60


def breaker_threshold(configuration: t.Mapping[str, t.Any], desired: int) -> int | None:
    """After how many failed tasks ECS gives up; None when it never does ("Amazon ECS deployment circuit breaker")."""
    breaker = configuration.get("deploymentCircuitBreaker") or {}
    if not breaker.get("enable"):
        return None
    said = breaker.get("thresholdConfiguration") or BREAKER_THRESHOLD
    kind, value = said["type"], int(said["value"])
    if kind == "COUNT":
        return value
    share = -(-value * desired // 100)
    return share if kind == "UNBOUNDED_PERCENT" else min(max(share, _BREAKER_LIMITS[0]), _BREAKER_LIMITS[1])


def fits_now(plan: Plan) -> int:
    """How many of the new tasks would find room this moment, beside all that runs."""
    return capacity(plan.need, plan.rooms, plan.desired)


def lines(name: str, release: str, plan: Plan | None, found: Data) -> list[str]:
    """The forecast for people; `found` is what the verb returns."""
    said = [f"{name}: {release}", f"  {_verdict(found)}"]
    said += [f"  ! {item['cause']}: {item['evidence']}. {item['hint']}" for item in found["problems"]]
    said += [f"  ! {item['check']} {item['subject']}: {item['message']}. {item['fix']}" for item in found["checks"] if item["fix"]]
    if plan is not None:
        said.append(
            f"  room: {_count(len(plan.rooms), 'instance')}, {found['capacity']['fits_now']} of {_tasks(plan.desired)} fit beside what runs"
        )
        for number, step in enumerate(found["steps"], 1):
            where = ", ".join(f"{instance}: {count}" for instance, count in step["on"].items())
            after = f" after {step['waits_for']}" if step["waits_for"] else ""
            acts = [f"start {step['start']} ({where})"] if step["start"] else []
            acts += [f"stop {step['stop']}"] if step["stop"] else []
            said.append(f"  step {number}{after}: {', '.join(acts)}; {step['tasks']} tasks then")
    seconds = found["seconds"]
    if seconds["at_least"] is not None:
        said.append(f"  time: at least {seconds['at_least']:.0f} s, likely {seconds['likely']:.0f} s{_past(seconds['past'])}")
    said.append(f"  on failure: {found['on_failure']['msg']}")
    return [*said, *(f"  not known: {item}" for item in found["notes"])]


def _verdict(found: Data) -> str:
    if found["arrives"] is None:
        return "whether it finds room cannot be told"
    if not found["arrives"]:
        return "it would not arrive"
    added = found["capacity"]["instances_to_add"]
    return f"it would arrive, with {_count(added, 'more instance')} of the capacity provider" if added else "it would arrive"


def _past(seconds: t.Sequence[float]) -> str:
    if not seconds:
        return ""
    shown = ", ".join(f"{item:.0f}" for item in seconds[:_PAST_SHOWN])
    return f"; the last that succeeded took {shown} s"


def _tasks(number: int) -> str:
    return _count(number, "task")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
