# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judge of one ECS deployment: looks at one snapshot after another and says going, done or failed.

It knows deployments by their id and never by "stable": two deployments may share a task definition, a service with no
tasks is always stable, and after a rollback by ECS everything looks fine.
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

from .causes import Finding, Weight, hint
from .diagnose import Data, dead_end_words, event_finding, is_dead_end, stopped_task, targets_of, task_id

# A read may show the state before the update for a while. Until then a deployment that is not there is only not there yet.
STALE_READ_SECONDS = 30.0
# One read without a deployment that was there before may be a stale one; this many in a row are not.
VANISHED_LOOKS = 3
# A container that ends within this many seconds after its start belongs to a crash loop; later it has worked for a while.
SHORT_RUN_SECONDS = 300.0
# Without managed scaling, and with nothing draining, room does not come by itself. Somebody may be adding it, though.
NO_ROOM_SECONDS = 60.0
# One more of a kind is allowed for each kind when some tasks of the same revision are well.
SOME_ARE_WELL_EXTRA = 2

DEFAULT_BUDGETS: dict[str, int] = {
    "container_exited": 2,
    "out_of_memory": 2,
    "container_unhealthy": 2,
    "target_unhealthy": 2,
    "task_failed_to_start": 2,
    "registry_unreachable": 3,
}
# For these a second task means a second try: tasks of one wave fail together for one passing reason.
_NEEDS_RETRY = frozenset({"container_exited", "out_of_memory", "task_failed_to_start", "registry_unreachable"})

_UNDONE = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})


@dataclass(frozen=True)
class Wanted:
    """The deployment to judge."""

    deployment_id: str
    task_definition: str | None = None
    needs: t.Mapping[str, int] = field(default_factory=dict)
    """CPU units and MiB of memory that one task reserves, as `cpu` and `memory`."""
    health_checked: bool = False
    """Whether an essential container of the task definition has a health check of its own."""
    load_balanced_container: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """What was read at one moment. `at` is seconds on the watcher's own clock, for durations only."""

    at: float
    service: Data | None
    tasks: tuple[Data, ...] = ()
    targets: t.Mapping[str, t.Sequence[Data] | None] = field(default_factory=dict)
    """Target health by target group ARN; None for a group that does not exist."""
    service_deployment: Data | None = None
    """The record of the judged deployment, when it is known."""
    growable: bool = False
    """Whether a capacity provider with managed scaling stands behind the service."""
    largest: t.Mapping[str, int] = field(default_factory=dict)
    """The most `cpu` and `memory` that any one container instance offers to an empty task; nothing when that is not known."""


@dataclass(frozen=True)
class Going:
    line: str
    """The counts, in one line."""
    waiting_for: str
    close: bool
    """Whether only ECS's own word is missing: worth looking often."""
    news: tuple[str, ...] = ()
    """Findings that were made with this look."""


@dataclass(frozen=True)
class Done:
    line: str
    note: str = ""


@dataclass(frozen=True)
class Failed:
    cause: str
    evidence: tuple[str, ...]
    finding: Finding | None = None
    superseded: bool = False
    rolling_back_to: str | None = None
    """The deployment that ECS itself goes back to."""
    ours_is_primary: bool = True
    """Whether the failed deployment still is the one that ECS works on."""
    unknown: bool = False
    """Whether AWS gave no answer at the end: the deployment may as well have succeeded."""

    @property
    def hint(self) -> str:
        return hint(self.cause)


Judgement: t.TypeAlias = "Going | Done | Failed"


@dataclass
class _Life:
    """What is known of one task of the service over the whole watch."""

    task: Data
    healthy_at: float | None = None


class Judge:
    def __init__(
        self, wanted: Wanted, budgets: t.Mapping[str, int] | None = None, ignore: t.Iterable[str] = (), again: bool = False
    ) -> None:
        """`ignore` are ARNs of tasks that failed before and prove nothing about this rollout. `again`: an older deployment that
        ECS went back to."""
        self.wanted = wanted
        self.budgets = {**DEFAULT_BUDGETS, **(budgets or {})}
        self._ignored = frozenset(ignore)
        self._again = again
        self._started: float | None = None
        self._seen = False
        self._missing = 0
        self._own: Data = {}
        self._since: datetime.datetime | None = None
        self._findings: dict[str, Finding] = {}
        self._events: dict[str, Finding] = {}
        self._sick: dict[str, Finding] = {}
        self._lives: dict[str, _Life] = {}
        self._no_room_since: float | None = None
        self._ready_before = 0

    @property
    def lives(self) -> t.Mapping[str, tuple[Data, float | None]]:
        """Every task met, by ARN, with the moment on the watcher's clock when it was first seen healthy."""
        return {arn: (life.task, life.healthy_at) for arn, life in self._lives.items()}

    def look(self, snapshot: Snapshot) -> Judgement:
        if self._started is None:
            self._started = snapshot.at
        service = snapshot.service
        if service is None or service.get("status") in ("INACTIVE", "DRAINING"):
            state = "is gone" if service is None else f"is {service.get('status')}"
            return Failed("service_gone", (f"the service {state}",), ours_is_primary=False)
        deployments = service.get("deployments") or []
        primary: Data = next((item for item in deployments if item.get("status") == "PRIMARY"), {})
        own = next((item for item in deployments if item.get("id") == self.wanted.deployment_id), None)
        if own is not None:
            self._seen, self._missing, self._own = True, 0, own
            if self._since is None:
                # A deployment that ECS goes back to keeps its old birthday: what counts starts with its second life.
                self._since = own.get("updatedAt") if self._again else own.get("createdAt")
        news = self._learn(snapshot)
        if primary.get("id") == self.wanted.deployment_id:
            return self._primary(snapshot, service, primary, deployments, news)
        return self._not_primary(snapshot, service, primary, own, news)

    def _primary(self, snapshot: Snapshot, service: Data, own: Data, deployments: list[Data], news: tuple[str, ...]) -> Judgement:
        if self.wanted.task_definition and _short(own.get("taskDefinition")) != _short(self.wanted.task_definition):
            return Failed(
                "superseded",
                (f"deployment {own.get('id')} carries {_short(own.get('taskDefinition'))}, not {_short(self.wanted.task_definition)}",),
                superseded=True,
                ours_is_primary=False,
            )
        state = own.get("rolloutState")
        if state == "COMPLETED" or (state is None and self._settled(service, own, deployments)):
            return Done(self._line(service, snapshot), self._note(service, deployments))
        record = snapshot.service_deployment or {}
        if state == "FAILED" or record.get("status") in _UNDONE or record.get("status") == "STOPPED":
            return self._given_up(service, snapshot, rolling_back_to=None, ours_is_primary=True)
        hopeless = self._hopeless(service, snapshot, own)
        if hopeless is not None:
            return Failed(hopeless.cause, self._evidence(hopeless), hopeless)
        waiting, close = self._waiting_for(service, snapshot, own)
        return Going(self._line(service, snapshot), waiting, close, news)

    def _not_primary(self, snapshot: Snapshot, service: Data, primary: Data, own: Data | None, news: tuple[str, ...]) -> Judgement:
        identity = self.wanted.deployment_id
        failed_event = _event_about(service, identity, "deployment failed")
        record = snapshot.service_deployment or {}
        undone = failed_event is not None or record.get("status") in _UNDONE or (own or {}).get("rolloutState") == "FAILED"
        if own is None and not undone:
            if not self._seen and snapshot.at - (self._started or 0.0) < STALE_READ_SECONDS:
                return Going(self._line(service, snapshot), "ECS to show the deployment (reads may lag behind)", True, news)
            self._missing += 1
            if self._seen and self._missing < VANISHED_LOOKS:
                return Going(self._line(service, snapshot), "ECS to show the deployment again (one read was without it)", True, news)
        if not undone and not self._older(primary):
            return Failed(
                "superseded",
                (f"deployment {primary.get('id')} ({_short(primary.get('taskDefinition'))}) took over from {identity}",),
                superseded=True,
                ours_is_primary=False,
            )
        return self._given_up(service, snapshot, rolling_back_to=primary.get("id"), ours_is_primary=False)

    def _older(self, primary: Data) -> bool:
        """Whether the PRIMARY is older than ours: then ECS went back to it."""
        mine, other = self._own.get("createdAt"), primary.get("createdAt")
        return mine is not None and other is not None and other < mine

    def _given_up(self, service: Data, snapshot: Snapshot, rolling_back_to: str | None, ours_is_primary: bool) -> Failed:
        """ECS itself ended the rollout. The tasks say why; what ECS names is the cause only when they do not."""
        record = snapshot.service_deployment or {}
        reason = str(self._own.get("rolloutStateReason") or record.get("statusReason") or "")
        event = _event_about(service, self.wanted.deployment_id, "deployment failed")
        words = tuple(dict.fromkeys(text for text in (event, reason, str(record.get("statusReason") or "")) if text))
        alarms = (record.get("alarms") or {}).get("triggeredAlarmNames") or []
        everything = " ".join(words).lower()
        if alarms or "alarm detected" in everything or "alarm" in (record.get("statusReason") or "").lower():
            named = (f"alarm in ALARM: {', '.join(alarms)}",) if alarms else ()
            return Failed("alarm", named + words, None, False, rolling_back_to, ours_is_primary)
        if "lifecycle hook" in everything:
            return Failed("lifecycle_hook", words, None, False, rolling_back_to, ours_is_primary)
        finding = self.best_finding()
        if finding is not None:
            return Failed(finding.cause, self._evidence(finding) + words, finding, False, rolling_back_to, ours_is_primary)
        broke = (record.get("deploymentCircuitBreaker") or {}).get("status") == "TRIGGERED" or "circuit breaker" in everything
        cause = "circuit_breaker" if broke or "tasks failed to start" in everything else "stopped"
        return Failed(
            cause,
            words or (f"deployment {self.wanted.deployment_id} is no longer what ECS works on",),
            None,
            False,
            rolling_back_to,
            ours_is_primary,
        )

    def _learn(self, snapshot: Snapshot) -> tuple[str, ...]:
        news: list[str] = []
        service = snapshot.service or {}
        for task in snapshot.tasks:
            arn = str(task.get("taskArn"))
            life = self._lives.setdefault(arn, _Life(task))
            life.task = task
            if life.healthy_at is None and self._healthy(task, snapshot):
                life.healthy_at = snapshot.at
            if task.get("startedBy") != self.wanted.deployment_id or arn in self._ignored:
                continue
            self._learn_targets(task, snapshot, service)
            if arn in self._findings or not self._counts(task.get("stoppedAt") or task.get("stoppingAt")):
                continue
            finding = stopped_task(task)
            if finding is None:
                continue
            if finding.cause == "target_unhealthy":
                finding = self._with_target(finding)
            self._findings[arn] = finding
            news.append(f"{finding.cause}: {finding.evidence}")
        for event in service.get("events") or []:
            key = str(event.get("id") or (event.get("createdAt"), event.get("message")))
            if key in self._events or not self._counts(event.get("createdAt")) or self._since is None:
                continue
            finding = event_finding(str(event.get("message") or ""))
            if finding is not None:
                self._events[key] = finding
                news.append(f"{finding.cause}: {finding.evidence}")
        for group, descriptions in snapshot.targets.items():
            if descriptions is None and f"gone:{group}" not in self._events:
                found = Finding("target_group_missing", Weight.HOPELESS, f"target group {group} does not exist")
                self._events[f"gone:{group}"] = found
                news.append(f"{found.cause}: {found.evidence}")
        return tuple(news)

    def _counts(self, moment: datetime.datetime | None) -> bool:
        return moment is None or self._since is None or moment >= self._since

    def _learn_targets(self, task: Data, snapshot: Snapshot, service: Data) -> None:
        """Remember what the load balancer says of a task while it lives: the reason is gone when the task is."""
        identity = task_id(task.get("taskArn"))
        for description in targets_of(task, snapshot.targets).values():
            health = (description or {}).get("TargetHealth") or {}
            if health.get("State") == "unhealthy":
                target = (description or {}).get("Target") or {}
                words = health.get("Description") or health.get("Reason") or "no reason given"
                self._sick[identity] = Finding(
                    "target_unhealthy",
                    Weight.REPEATED,
                    f"task {identity[:8]}: target {target.get('Id')}:{target.get('Port')} is unhealthy: {words}",
                    identity,
                    self.wanted.load_balanced_container,
                    # Within the grace period ECS itself looks away, and so does the judge: then only a stopped task counts.
                    {"counts": not service.get("healthCheckGracePeriodSeconds")},
                )
            elif health.get("State") == "healthy":
                self._sick.pop(identity, None)

    def _with_target(self, finding: Finding) -> Finding:
        sick = self._sick.get(finding.task or "")
        evidence = f"{finding.evidence} ({sick.evidence.split(': ', 1)[1]})" if sick else finding.evidence
        return Finding(finding.cause, finding.weight, evidence, finding.task, self.wanted.load_balanced_container, finding.detail)

    def _hopeless(self, service: Data, snapshot: Snapshot, own: Data) -> Finding | None:
        every = [*self._findings.values(), *self._events.values()]
        for finding in every:
            if finding.weight is Weight.HOPELESS:
                return finding
        others = sum(int(item.get("runningCount") or 0) for item in service.get("deployments") or [] if item is not own)
        if others and is_dead_end(service) and not own.get("runningCount") and not own.get("pendingCount"):
            return Finding("deployment_dead_end", Weight.HOPELESS, dead_end_words(service))
        return self._repeated(snapshot) or self._no_room(snapshot, own)

    def _repeated(self, snapshot: Snapshot) -> Finding | None:
        groups: dict[tuple[str, t.Any], dict[str, tuple[Finding, Data | None]]] = {}
        for arn, finding in self._findings.items():
            task = self._lives[arn].task
            if finding.weight is Weight.REPEATED and not (finding.cause == "container_exited" and _run_seconds(task) > SHORT_RUN_SECONDS):
                groups.setdefault((finding.cause, finding.detail.get("exit_code")), {})[finding.task or arn] = (finding, task)
        for identity, finding in self._sick.items():
            if finding.detail.get("counts"):
                groups.setdefault((finding.cause, None), {}).setdefault(identity, (finding, None))
        extra = SOME_ARE_WELL_EXTRA if self._ready(snapshot) else 0
        for (cause, _detail), members in groups.items():
            if len(members) < self.budgets.get(cause, 2) + extra:
                continue
            tasks = [task for _finding, task in members.values() if task is not None]
            if cause not in _NEEDS_RETRY or _retried(tasks):
                return next(iter(members.values()))[0]
        return None

    def _no_room(self, snapshot: Snapshot, own: Data) -> Finding | None:
        short_of = [finding for finding in self._events.values() if finding.cause == "no_capacity" and finding.weight is Weight.REPEATED]
        never = None if snapshot.growable else next(filter(None, (self._never_fits(item, snapshot) for item in reversed(short_of))), None)
        if never is not None:
            return never
        draining = any(task.get("desiredStatus") == "STOPPED" and task.get("lastStatus") != "STOPPED" for task in snapshot.tasks)
        ready = self._ready(snapshot) + int(own.get("pendingCount") or 0)
        if not short_of or draining or snapshot.growable or ready > self._ready_before:
            self._ready_before = max(ready, self._ready_before)
            self._no_room_since = None
            return None
        if self._no_room_since is None:
            self._no_room_since = snapshot.at
        newest = short_of[-1]
        if newest.detail.get("resource") == "instances" or snapshot.at - self._no_room_since >= NO_ROOM_SECONDS:
            return newest
        return None

    def _never_fits(self, finding: Finding, snapshot: Snapshot) -> Finding | None:
        """The finding made certain, when an empty instance of the largest kind would have no room for the task either."""
        resource = str(finding.detail.get("resource"))
        need, most = self.wanted.needs.get(resource, 0), snapshot.largest.get(resource)
        if most is None or need <= most:
            return None
        unit = "CPU units" if resource == "cpu" else "MiB of memory"
        words = f"{finding.evidence} (the task needs {need} {unit}; the largest container instance offers {most})"
        return Finding(finding.cause, Weight.HOPELESS, words, detail={**finding.detail, "permanent": True, "needed": need, "largest": most})

    def best_finding(self) -> Finding | None:
        """The finding that says most: a hopeless one, else what happened most often, else what the load balancer says."""
        every = [*self._findings.values(), *self._events.values()]
        for weight in (Weight.HOPELESS, Weight.REPEATED, Weight.TRANSIENT):
            found = [finding for finding in every if finding.weight is weight]
            if weight is Weight.REPEATED:
                found.extend(self._sick.values())
            if found:
                causes = [finding.cause for finding in found]
                return max(found, key=lambda finding: causes.count(finding.cause))
        return None

    def _evidence(self, first: Finding) -> tuple[str, ...]:
        every = [*self._findings.values(), *self._sick.values(), *self._events.values()]
        same = [finding.evidence for finding in every if finding.cause == first.cause]
        # What fails the same way each time is quoted once; what needs repetition to be believed is shown repeated.
        most = 1 if first.weight is Weight.HOPELESS else 3
        return tuple(dict.fromkeys([first.evidence, *same]))[:most]

    def _healthy(self, task: Data, snapshot: Snapshot) -> bool:
        if task.get("lastStatus") != "RUNNING" or task.get("desiredStatus") == "STOPPED":
            return False
        if self.wanted.health_checked and task.get("healthStatus") != "HEALTHY":
            return False
        return all(
            ((description or {}).get("TargetHealth") or {}).get("State") == "healthy"
            for description in targets_of(task, snapshot.targets).values()
        )

    def _mine(self, snapshot: Snapshot) -> list[Data]:
        return [
            task for task in snapshot.tasks if task.get("startedBy") == self.wanted.deployment_id and task.get("desiredStatus") != "STOPPED"
        ]

    def _ready(self, snapshot: Snapshot) -> int:
        return sum(self._healthy(task, snapshot) for task in self._mine(snapshot))

    def _line(self, service: Data, snapshot: Snapshot) -> str:
        own: Data = next((item for item in service.get("deployments") or [] if item.get("id") == self.wanted.deployment_id), {})
        wanted = int(own.get("desiredCount") or service.get("desiredCount") or 0)
        old = sum(int(item.get("runningCount") or 0) for item in service.get("deployments") or [] if item is not own)
        draining = sum(
            task.get("desiredStatus") == "STOPPED" and task.get("lastStatus") != "STOPPED"
            for task in snapshot.tasks
            if task.get("startedBy") != self.wanted.deployment_id
        )
        parts = [f"new {int(own.get('runningCount') or 0)}/{wanted} running, {self._ready(snapshot)} healthy"]
        if own.get("pendingCount"):
            parts.append(f"{own['pendingCount']} starting")
        if own.get("failedTasks"):
            parts.append(f"{own['failedTasks']} failed")
        parts.append(f"old {old}" + (f", {draining} draining" if draining else ""))
        return "; ".join(parts)

    def _waiting_for(self, service: Data, snapshot: Snapshot, own: Data) -> tuple[str, bool]:
        wanted = int(service.get("desiredCount") or 0)
        mine = self._mine(snapshot)
        running = sum(task.get("lastStatus") == "RUNNING" for task in mine)
        ready = self._ready(snapshot)
        if running >= wanted and ready >= wanted:
            old = sum(int(item.get("runningCount") or 0) for item in service.get("deployments") or [] if item.get("id") != own.get("id"))
            if old:
                return "the old tasks to be told to stop", True
            return "ECS to declare the deployment complete", True
        troubles = [item for item in self._events.values() if item.weight is not Weight.HOPELESS]
        if troubles and len(mine) < wanted:
            return f"{troubles[-1].cause}: {troubles[-1].evidence}", False
        states = {str(task.get("lastStatus")) for task in mine}
        if "RUNNING" in states and ready < running:
            kinds = [
                name
                for name, used in (("the load balancer", bool(snapshot.targets)), ("the container", self.wanted.health_checked))
                if used
            ]
            return f"{running - ready} of {running} running tasks to pass the health checks of {' and '.join(kinds)}", False
        for state, words in (
            ("PROVISIONING", "a network interface, or room on an instance"),
            ("PENDING", "the image to be pulled and the containers to start"),
            ("ACTIVATING", "the tasks to be registered with the load balancer"),
        ):
            if state in states:
                return words, False
        return "ECS to start tasks", False

    def _note(self, service: Data, deployments: list[Data]) -> str:
        if not service.get("desiredCount"):
            return "The desired count is 0: no task ran, so nothing is proved about the image."
        rest = sum(int(item.get("runningCount") or 0) for item in deployments if item.get("id") != self.wanted.deployment_id)
        return f"{rest} tasks of older deployments are still running: this service completes early." if rest else ""

    @staticmethod
    def _settled(service: Data, own: Data, deployments: list[Data]) -> bool:
        """For services whose deployments carry no rollout state, those behind a Classic Load Balancer."""
        steady = own.get("runningCount") == service.get("desiredCount") and not own.get("pendingCount")
        return len(deployments) == 1 and bool(steady)


def _event_about(service: Data, identity: str, words: str) -> str | None:
    for event in service.get("events") or []:
        message = str(event.get("message") or "")
        if f"(deployment {identity})" in message and words in message:
            return message
    return None


def _retried(tasks: list[Data]) -> bool:
    """Whether one of these tasks was made after another of them had failed."""
    ends = [moment for moment in map(_end, tasks) if moment]
    births = [moment for moment in (task.get("createdAt") for task in tasks) if moment]
    if not ends or not births:
        return len(tasks) > 1
    return bool(max(births) >= min(ends))


def _end(task: Data) -> datetime.datetime | None:
    """When its containers ended, which is what ECS replaces it for; it is called stopped only later."""
    return task.get("executionStoppedAt") or task.get("stoppingAt") or task.get("stoppedAt")


def _run_seconds(task: Data) -> float:
    begin, end = task.get("startedAt"), _end(task)
    return (end - begin).total_seconds() if begin and end else 0.0


def _short(arn: str | None) -> str:
    return (arn or "").rsplit("/", 1)[-1]
