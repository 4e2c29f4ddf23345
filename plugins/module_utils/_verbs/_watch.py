# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads one service again and again and puts every reading before the judge, until the judge has decided."""

from __future__ import annotations

import datetime
import time
import typing as t
from dataclasses import dataclass

from .._aws import ecs, elbv2
from .._aws.connection import CallCounter
from .._aws.failures import error_code, error_message, is_passing, is_throttling
from .._rollout.judge import Done, Failed, Going, Judge, Judgement, Snapshot
from .._rollout.pace import pause, throttled_pause
from .._rollout.placement import grows, largest_offer
from .._verb import Clock, Context
from ._shared import Data, primary

_HEARTBEAT_SECONDS = 15.0
# Tasks and targets are read again at the latest after this long, even when the service's own counts have not moved.
_LOOK_CLOSER_SECONDS = 3.0
_RECORD_SECONDS = 5.0
_INSTANCES_SECONDS = 60.0
# A deployment and its record are made by the same call. While ECS goes back, the record that it names is the failed one's.
_SAME_BIRTH_SECONDS = 60.0


@dataclass(frozen=True)
class Silence:
    """AWS gives no answer. Times are ISO 8601 texts and seconds."""

    since: str
    seconds: float
    error: str
    throttled: bool

    @property
    def cause(self) -> str:
        return "throttled" if self.throttled else "aws_unreachable"


@dataclass(frozen=True)
class TimedOut:
    last: Going | None
    silence: Silence | None = None
    """How long AWS had been silent when the time was up; None when it answered to the last."""

    @property
    def evidence(self) -> tuple[str, ...]:
        """What was going on when the time was up."""
        state = f"{self.last.line}; waiting for {self.last.waiting_for}" if self.last else "nothing was read"
        if self.silence is None:
            return (state,)
        return (
            f"AWS has given no answer since {self.silence.since}, for {self.silence.seconds:.0f} s: {self.silence.error}",
            f"before that: {state}",
        )


class Reader:
    """Makes snapshots with as few calls as will do: the service each time, the rest when it moved or some seconds have passed."""

    def __init__(self, client: t.Callable[[str], t.Any], clock: Clock, cluster: str, service: str) -> None:
        self._ecs = client("ecs")
        self._client = client
        self._clock = clock
        self._cluster = cluster
        self._service = service
        self._marks: t.Any = None
        self._read_at = -1e9
        self._tasks: dict[str, Data] = {}
        self._targets: dict[str, t.Any] = {}
        self._growable: bool | None = None
        self._largest: dict[str, int] = {}
        self._largest_at = -1e9
        self._records = True
        self.record_arns: dict[str, str] = {}
        """ARN of the service deployment behind each deployment that was watched."""
        self.without_record: set[str] = set()
        """Deployments that ECS went back to: what it names as current then is the record of the failed one."""
        self._record: Data | None = None
        self._record_at = -1e9
        self.service: Data | None = None

    @property
    def tasks(self) -> tuple[Data, ...]:
        return tuple(self._tasks.values())

    def snapshot(self, deployment_id: str) -> Snapshot:
        self.service = ecs.describe_service(self._ecs, self._cluster, self._service)
        now = self._clock.monotonic()
        if self.service is None or self.service.get("status") == "INACTIVE":
            return Snapshot(now, self.service)
        marks = self._movement(self.service)
        moved = marks != self._marks
        if moved or now - self._read_at >= _LOOK_CLOSER_SECONDS:
            self._read_tasks(self.service)
            self._marks, self._read_at = marks, now
        return Snapshot(
            now,
            self.service,
            self.tasks,
            dict(self._targets),
            self._read_record(self.service, deployment_id, moved, now),
            self._is_growable(self.service),
            self._largest_instance(self.service, now),
        )

    @staticmethod
    def _movement(service: Data) -> t.Any:
        counts = [
            [item.get(key) for key in ("id", "status", "rolloutState", "runningCount", "pendingCount", "failedTasks")]
            for item in service.get("deployments") or []
        ]
        events = service.get("events") or []
        return counts, (events[0].get("id") or events[0].get("message")) if events else None

    def _read_tasks(self, service: Data) -> None:
        listed = [
            *ecs.list_tasks(self._ecs, self._cluster, self._service, "RUNNING"),
            *ecs.list_tasks(self._ecs, self._cluster, self._service, "STOPPED"),
        ]
        # A task that has stopped does not change any more.
        wanted = [arn for arn in listed if self._tasks.get(arn, {}).get("lastStatus") != "STOPPED"]
        for task in ecs.describe_tasks(self._ecs, self._cluster, wanted) if wanted else ():
            self._tasks[task["taskArn"]] = task
        groups = [item["targetGroupArn"] for item in service.get("loadBalancers") or [] if item.get("targetGroupArn")]
        self._targets = {group: elbv2.describe_target_health(self._client("elbv2"), group) for group in groups}

    def _read_record(self, service: Data, deployment_id: str, moved: bool, now: float) -> Data | None:
        """The service deployment that belongs to the judged deployment: ECS names it while that one is the PRIMARY."""
        current = primary(service)
        arn = self.record_arns.get(deployment_id)
        may_bind = current.get("id") == deployment_id and deployment_id not in self.without_record
        if arn is None and may_bind and current.get("rolloutState") == "IN_PROGRESS" and service.get("currentServiceDeployment"):
            arn = self.record_arns[deployment_id] = service["currentServiceDeployment"]
        if arn is None or not self._records:
            return None
        if moved or now - self._record_at >= _RECORD_SECONDS or (self._record or {}).get("serviceDeploymentArn") != arn:
            self._record_at = now
            try:
                found = ecs.describe_service_deployments(self._ecs, [arn])
            except Exception as error:
                if is_passing(error):
                    raise
                # Not every user may read them, and not every endpoint has them: the deployments tell nearly as much.
                self._records = False
                return None
            self._record = found[0] if found else None
            if self._record is not None and current.get("id") == deployment_id and _apart(self._record, current) > _SAME_BIRTH_SECONDS:
                del self.record_arns[deployment_id]
                self.without_record.add(deployment_id)
                self._record = None
        return self._record

    def _is_growable(self, service: Data) -> bool:
        if self._growable is None:
            names = [item["capacityProvider"] for item in service.get("capacityProviderStrategy") or [] if item.get("capacityProvider")]
            try:
                providers = ecs.describe_capacity_providers(self._ecs, names) if names else []
            except Exception as error:
                if is_passing(error):
                    raise
                # Not allowed to look: then a want of room is waited out rather than judged.
                self._growable = True
                return True
            self._growable = any(map(grows, providers))
        return self._growable

    def _largest_instance(self, service: Data, now: float) -> dict[str, int]:
        """What the largest instances offer, looked up only when ECS says that it finds no room and no scaling will make any."""
        newest = (service.get("events") or [{}])[0]
        if self._growable or "unable to place" not in str(newest.get("message")) or now - self._largest_at < _INSTANCES_SECONDS:
            return self._largest
        self._largest_at = now
        try:
            instances = ecs.describe_container_instances(self._ecs, self._cluster)
        except Exception as error:
            if is_passing(error) or not error_code(error):
                raise
            # Not allowed to look: then a want of room is given time before it is believed.
            return self._largest
        self._largest = largest_offer(instances)
        return self._largest


class Watch:
    """One watch over one service. It may be used for a rollout and then for the rollback of it."""

    def __init__(self, context: Context, counter: CallCounter, cluster: str, service: str) -> None:
        self.context = context
        self.counter = counter
        self.reader = Reader(counter, context.clock, cluster, service)
        self.lives: dict[str, tuple[Data, float | None]] = {}
        self.events: dict[str, Data] = {}
        self.drains: dict[str, float] = {}
        """When a task was first seen on its way out while it still ran, by ARN."""
        self.news: t.Callable[[], list[str]] = list
        """What others have to say while this waits."""
        self.throttled = 0
        clock = context.clock
        self._epoch = clock.now() - clock.monotonic()

    def wall(self, moment: float) -> str:
        """A moment on the watcher's clock as an ISO 8601 text in UTC."""
        return datetime.datetime.fromtimestamp(self._epoch + moment, datetime.timezone.utc).isoformat()

    def say(self, text: str) -> None:
        self.context.progress(f"{time.strftime('%H:%M:%S', time.localtime(self.context.clock.now()))}  {text}")

    def until_decided(self, judge: Judge, timeout: float) -> Judgement | TimedOut:
        try:
            return self._until_decided(judge, timeout)
        finally:
            self.context.waiting("")

    def _until_decided(self, judge: Judge, timeout: float) -> Judgement | TimedOut:
        clock = self.context.clock
        begin = clock.monotonic()
        shown = waiting = None
        said_at = changed_at = waiting_since = begin
        refused = 0
        asked_at = silent_since = begin
        last: Going | None = None
        while True:
            try:
                asked_at = clock.monotonic()
                judgement = judge.look(self.reader.snapshot(judge.wanted.deployment_id))
            except Exception as error:
                if not is_passing(error):
                    raise
                refused += 1
                self.throttled += is_throttling(error)
                now = clock.monotonic()
                words = f"{error_code(error) or type(error).__name__}: {error_message(error)}"
                if refused == 1:
                    silent_since = asked_at
                    self.say(f"waiting for AWS to answer: {words}")
                    self.context.waiting("waiting for AWS to answer")
                if now - begin >= timeout:
                    return TimedOut(last, Silence(self.wall(silent_since), now - silent_since, words, is_throttling(error)))
                clock.sleep(min(throttled_pause(refused), max(0.0, begin + timeout - now)))
                continue
            if refused:
                self.say(f"AWS answers again, after {clock.monotonic() - silent_since:.0f} s")
                # What is waited for is to be said anew.
                refused, waiting = 0, None
            self._remember(judge)
            if not isinstance(judgement, Going):
                return judgement
            last = judgement
            now = clock.monotonic()
            for item in self.news():
                self.say(item)
            for item in judgement.news:
                self.say(f"! {item}")
            if judgement.line != shown or judgement.waiting_for != waiting:
                if judgement.waiting_for != waiting:
                    waiting_since = now
                if judgement.line != shown:
                    changed_at = now
                shown, waiting, said_at = judgement.line, judgement.waiting_for, now
                self.say(f"{shown}; waiting for {waiting}")
                self.context.waiting(f"waiting for {waiting}")
            elif self.context.live is None and now - said_at >= _HEARTBEAT_SECONDS:
                said_at = now
                self.say(f"{shown}; still waiting for {waiting}, {now - waiting_since:.0f} s now")
            left = begin + timeout - now
            if left <= 0:
                return TimedOut(last)
            clock.sleep(min(pause(judgement.close, now - changed_at), left))

    def _remember(self, judge: Judge) -> None:
        for arn, (task, healthy_at) in judge.lives.items():
            before = self.lives.get(arn)
            self.lives[arn] = (task, before[1] if before and before[1] is not None else healthy_at)
            if task.get("desiredStatus") == "STOPPED" and task.get("lastStatus") in ("RUNNING", "DEACTIVATING"):
                self.drains.setdefault(arn, self.context.clock.monotonic())
        for event in (self.reader.service or {}).get("events") or []:
            self.events[str(event.get("id") or event.get("message"))] = event


def _apart(record: Data, deployment: Data) -> float:
    """Seconds between the births of a record and of the deployment that seems to be its own."""
    first, second = record.get("createdAt"), deployment.get("createdAt")
    return abs((first - second).total_seconds()) if first and second else 0.0


__all__ = ["Done", "Failed", "Reader", "TimedOut", "Watch"]
