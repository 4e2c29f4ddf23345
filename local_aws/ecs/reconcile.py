"""One look of the service scheduler at one service: a snapshot in, decisions out. Pure (ecs-facts.md 2.1, 2.2, 2.5, 2.11)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from local_aws.ecs.constants import STOP_UNHEALTHY_BELOW_MINIMUM


@dataclass(frozen=True)
class TaskView:
    """A live task (desiredStatus RUNNING)."""

    id: str
    deployment: str
    zone: str
    running: bool
    health: str
    """`healthy`, `unhealthy` (outside the grace period) or `waiting`."""
    created: float
    draining: bool = False
    """Its container instance is DRAINING."""
    placed: bool = True
    """False while it waits in PROVISIONING for its capacity provider to find room."""


@dataclass(frozen=True)
class DeploymentView:
    id: str
    primary: bool
    rollout: str
    """IN_PROGRESS, COMPLETED or FAILED."""
    want: int
    """Tasks it should still have. For the PRIMARY one the service's desired count."""
    may_start: bool = True
    """False while throttled."""
    trusted: bool = True
    """False when it never completed: what it has pending is stopped as soon as it is not PRIMARY."""
    blocked: bool = False
    """The last attempt to place a task of it failed."""


@dataclass(frozen=True)
class Snapshot:
    desired: int
    minimum_percent: int
    maximum_percent: int
    deployments: Sequence[DeploymentView]
    tasks: Sequence[TaskView]
    early_success_percent: int | None = None
    """earlySuccessCriteria.healthyPercent when enabled."""
    deferred_cleanup: bool = False


@dataclass(frozen=True)
class Start:
    deployment: str
    count: int
    unhealthy_replaced: int = 0


@dataclass(frozen=True)
class Stop:
    task: str
    cause: str
    """`unhealthy`, `old` (of a deployment that makes room for the PRIMARY one) or `scaling`."""


@dataclass
class Decisions:
    starts: list[Start] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    dead_end: bool = False
    """Neither a start nor a stop is allowed by the percentages, and the rollout (or a drain) is not over."""
    fulfilled: bool = False
    """The PRIMARY deployment is healthy at full count and the others are empty: complete but for the alarms' bake time."""
    steady: bool = False
    """Running healthy tasks equal the desired count and there is nothing to do."""


def upper_limit(desired: int, maximum_percent: int) -> int:
    return desired * maximum_percent // 100


def lower_limit(desired: int, minimum_percent: int) -> int:
    return math.ceil(desired * minimum_percent / 100)


def stuck(desired: int, minimum_percent: int, maximum_percent: int) -> bool:
    """No room to start and no room to stop (2.1). Never for a service scaled to zero."""
    return desired > 0 and upper_limit(desired, maximum_percent) <= desired and lower_limit(desired, minimum_percent) >= desired


def reconcile(snapshot: Snapshot) -> Decisions:
    return _Look(snapshot).decide()


class _Look:
    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.upper = upper_limit(snapshot.desired, snapshot.maximum_percent)
        self.lower = lower_limit(snapshot.desired, snapshot.minimum_percent)
        self.primary = next(d for d in snapshot.deployments if d.primary)
        self.others = [d for d in snapshot.deployments if not d.primary]
        self.live = {task.id: task for task in snapshot.tasks}
        self.starting = 0
        self.decisions = Decisions()

    def of(self, deployment: DeploymentView) -> list[TaskView]:
        return [task for task in self.live.values() if task.deployment == deployment.id]

    @property
    def healthy(self) -> int:
        return sum(task.health == "healthy" for task in self.live.values())

    @property
    def room(self) -> int:
        return self.upper - len(self.live) - self.starting

    def stop(self, task: TaskView, cause: str) -> None:
        del self.live[task.id]
        self.decisions.stops.append(Stop(task.id, cause))

    def decide(self) -> Decisions:
        self.abandon_untrusted()
        self.scale_in()
        for deployment in (*self.others, self.primary):
            self.start(deployment)
        for deployment in (self.primary, *self.others):
            self.renew(deployment)
        self.stop_old()
        self.judge()
        return self.decisions

    def abandon_untrusted(self) -> None:
        """A deployment that failed or was superseded before it completed: what is not up yet stops at once."""
        for deployment in self.others:
            if not deployment.trusted:
                for task in self.of(deployment):
                    if task.health != "healthy" and not task.running:
                        self.stop(task, "old")

    def scale_in(self) -> None:
        """More tasks than wanted in the PRIMARY deployment: pending and unhealthy ones first, then where most of them are."""
        while len(own := self.of(self.primary)) > self.snapshot.desired:
            serving = sum(task.health == "healthy" for task in own)
            spare = [task for task in own if task.health != "healthy"]
            if spare and any(task.health == "unhealthy" for task in spare) and serving < self.snapshot.desired:
                break  # replacements of unhealthy tasks: `renew` stops those once the replacement is healthy
            per_zone: dict[str, int] = {}
            for task in own:
                per_zone[task.zone] = per_zone.get(task.zone, 0) + 1
            rank = {"unhealthy": 0, "waiting": 1, "healthy": 2}
            if any(task.draining for task in own) and serving <= self.snapshot.desired:
                break  # replacements of draining tasks, likewise
            chosen = min(own, key=lambda t: (rank[t.health], not t.draining, -per_zone[t.zone], -t.created, t.id))
            self.stop(chosen, "unhealthy" if chosen.health == "unhealthy" else "scaling")

    def start(self, deployment: DeploymentView) -> None:
        """Bring the deployment to its count; tasks that are unhealthy or on a draining instance are replaced first."""
        if deployment.rollout == "FAILED" or not deployment.may_start:
            return
        own = self.of(deployment)
        leaving = [task for task in own if task.health == "unhealthy" or task.draining]
        missing = deployment.want - (len(own) - len(leaving))
        count = min(missing, self.room)
        if count <= 0:
            return
        unhealthy = sum(task.health == "unhealthy" for task in leaving)
        replaced = min(unhealthy, max(0, count - max(0, deployment.want - len(own))))
        self.starting += count
        self.decisions.starts.append(Start(deployment.id, count, replaced))

    def renew(self, deployment: DeploymentView) -> None:
        """Stop unhealthy and draining tasks: all once their replacements are healthy, else one when none can start first."""
        own = self.of(deployment)
        leaving = [task for task in own if task.health == "unhealthy" or (task.draining and deployment.trusted)]
        for task in [task for task in leaving if not task.running]:
            self.stop(task, "scaling")
            own.remove(task)
            leaving.remove(task)
        if not leaving:
            return
        sound = sum(task.health == "healthy" and not task.draining for task in own)
        if sound >= deployment.want:
            for task in leaving:
                self.stop(task, "unhealthy" if task.health == "unhealthy" else "scaling")
            return
        started_here = sum(start.count for start in self.decisions.starts if start.deployment == deployment.id)
        missing = deployment.want - (len(own) - len(leaving)) - started_here
        if missing <= 0 or not deployment.may_start:
            return
        if self.room > 0 and not deployment.blocked and deployment.rollout != "FAILED":
            return
        task = min(leaving, key=lambda t: (t.health != "unhealthy", t.created, t.id))
        if task.health == "unhealthy":
            if STOP_UNHEALTHY_BELOW_MINIMUM or self.healthy >= self.lower:
                self.stop(task, "unhealthy")
        elif self.healthy - 1 >= self.lower:
            self.stop(task, "scaling")

    def early(self) -> bool:
        percent = self.snapshot.early_success_percent
        if percent is None:
            return False
        ready = sum(task.health == "healthy" for task in self.of(self.primary))
        return ready >= max(1, math.ceil(self.snapshot.desired * percent / 100))

    def stop_old(self) -> None:
        """Start first: old tasks go as new ones become healthy. With no room to start (or place) they go down to the minimum."""
        if self.primary.rollout == "FAILED":
            return
        own = self.of(self.primary)
        started = sum(start.count for start in self.decisions.starts if start.deployment == self.primary.id)
        blocked = self.primary.blocked or not all(task.placed for task in own)
        short = self.snapshot.desired - sum(task.placed for task in own) - (0 if blocked else started) > 0
        floor = self.snapshot.desired
        if (short and (self.room <= 0 or blocked)) or self.early():
            floor = self.lower
        floor = max(floor, self.lower)
        old = [task for deployment in self.others for task in self.of(deployment)]
        rank = {"unhealthy": 0, "waiting": 1, "healthy": 2}
        per_zone: dict[str, int] = {}
        for task in old:
            per_zone[task.zone] = per_zone.get(task.zone, 0) + 1
        for task in sorted(old, key=lambda t: (rank[t.health], -per_zone[t.zone], t.created, t.id)):
            after = self.healthy - (task.health == "healthy")
            if after >= floor:
                self.stop(task, "old")

    def judge(self) -> None:
        decisions, snapshot = self.decisions, self.snapshot
        own = self.of(self.primary)
        healthy = sum(task.health == "healthy" for task in own)
        old = [task for deployment in self.others for task in self.of(deployment)]
        idle = not decisions.starts and not decisions.stops
        leaving = old or any(task.draining for task in own)
        healthy_all = all(task.health == "healthy" for task in self.live.values())
        decisions.dead_end = bool(
            idle
            and leaving
            and healthy_all
            and len(self.live) >= snapshot.desired
            and self.primary.rollout != "FAILED"
            and stuck(snapshot.desired, snapshot.minimum_percent, snapshot.maximum_percent)
        )
        complete = healthy >= snapshot.desired and len(own) + self.starting == snapshot.desired and not old
        early = self.early() and (snapshot.deferred_cleanup or not old)
        decisions.fulfilled = self.primary.rollout == "IN_PROGRESS" and (complete or early)
        decisions.steady = idle and complete and not any(task.draining for task in own)
