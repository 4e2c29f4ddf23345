"""Registered targets: their life from registration over health checks to the end of draining, one thread each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from local_aws.clock import Clock
from local_aws.elb import health
from local_aws.elb.probe import probe
from local_aws.elb.snapshot import TRAFFIC_PORT, Snapshot, TargetGroup
from local_aws.elb.timeouts import Timeouts
from local_aws.interfaces import Network, TargetHealth

REGISTRATION_SECONDS = 1.0
"""[I] From RegisterTargets to the first health check; targets whose application is up are seen healthy 1 to 2 s after registration."""

UNUSED_RECHECK_SECONDS = 1.0
"""How often a target that is not in use looks whether it is by now."""


@dataclass(frozen=True)
class TargetKey:
    group: str
    """ARN of the target group."""
    id: str
    """What was registered: an address or an instance id."""
    port: int


@dataclass
class Target:
    key: TargetKey
    address: str
    zone: str | None
    record: health.HealthRecord = field(default_factory=health.HealthRecord)
    draining: bool = False
    stopped_instance: bool = False
    in_flight: int = 0
    woken: threading.Event = field(default_factory=threading.Event)
    """Set when the target drains or everything stops: ends the wait between checks."""
    stopped: threading.Event = field(default_factory=threading.Event)


class Targets:
    def __init__(self, clock: Clock, network: Network, timeouts: Timeouts, gone: Callable[[Target], None]) -> None:
        """`gone` is told when a target starts to drain: nothing new goes to it."""
        self._clock = clock
        self._network = network
        self._timeouts = timeouts
        self._gone = gone
        self._targets: dict[TargetKey, Target] = {}
        self._lock = threading.Lock()
        self.snapshot = Snapshot({}, {})
        """The groups as they are now; replaced by the room."""

    def register(self, key: TargetKey, address: str, zone: str | None) -> None:
        """Nothing happens when it is registered already; a draining target starts anew."""
        with self._lock:
            known = self._targets.get(key)
            if known is not None and not known.draining:
                return
            if known is not None:
                _halt(known)
            target = self._targets[key] = Target(key, address, zone)
        threading.Thread(target=self._live, args=(target,), name=f"target-{key.id}:{key.port}", daemon=True).start()

    def deregister(self, key: TargetKey) -> bool:
        """Start draining. False when there is no such registered target."""
        with self._lock:
            target = self._targets.get(key)
            if target is None or target.draining:
                return False
            target.draining = True
            target.woken.set()
        self._gone(target)
        return True

    def of_group(self, group_arn: str) -> list[Target]:
        with self._lock:
            return [target for target in self._targets.values() if target.key.group == group_arn]

    def all(self) -> list[Target]:
        with self._lock:
            return list(self._targets.values())

    def health(self, key: TargetKey) -> TargetHealth:
        with self._lock:
            target = self._targets.get(key)
        return health.NOT_REGISTERED if target is None else self.health_of(target)

    def health_of(self, target: Target) -> TargetHealth:
        if target.draining:
            return health.DRAINING
        unused = self._unused(target)
        return unused or target.record.current

    def _unused(self, target: Target) -> TargetHealth | None:
        group = self.snapshot.target_groups.get(target.key.group)
        if group is None or not group.load_balancers:
            return health.GROUP_NOT_IN_USE
        if target.stopped_instance:
            return health.INSTANCE_STOPPED
        if target.zone is not None and target.zone != "all" and target.zone not in group.zones:
            return health.ZONE_NOT_ENABLED
        return None

    def serving(self, group_arn: str) -> list[Target]:
        """Who gets requests: the healthy ones; the unhealthy ones when nobody is healthy (fail open); never one that drains.

        [I] Targets in `initial` get none, so a group that has only those answers 503.
        """
        states = [(target, self.health_of(target).state) for target in self.of_group(group_arn)]
        for wanted in ("healthy", "unhealthy"):
            chosen = [target for target, state in states if state == wanted]
            if chosen:
                return chosen
        return []

    def halt_all(self) -> None:
        """End every thread and forget every target."""
        with self._lock:
            targets = list(self._targets.values())
            self._targets.clear()
        for target in targets:
            _halt(target)

    def forget_group(self, group_arn: str) -> None:
        """The target group was deleted: its targets go without draining."""
        with self._lock:
            for key in [key for key in self._targets if key.group == group_arn]:
                _halt(self._targets.pop(key))

    def _live(self, target: Target) -> None:
        if not self._clock.sleep(REGISTRATION_SECONDS, target.woken):
            self._check_until_woken(target)
        if target.stopped.is_set():
            return
        group = self.snapshot.target_groups.get(target.key.group)
        self._clock.sleep(group.deregistration_delay if group else 0.0, target.stopped)
        with self._lock:
            if self._targets.get(target.key) is target:
                del self._targets[target.key]

    def _check_until_woken(self, target: Target) -> None:
        target.record.restart()
        while not target.woken.is_set():
            group = self.snapshot.target_groups.get(target.key.group)
            if group is None or self._unused(target) is not None:
                if target.record.current is not health.CHECKING:
                    target.record.restart()
                self._clock.sleep(UNUSED_RECHECK_SECONDS, target.woken)
                continue
            self._check(target, group)
            self._clock.sleep(group.check.interval, target.woken)

    def _check(self, target: Target, group: TargetGroup) -> None:
        check = group.check
        port = target.key.port if check.port == TRAFFIC_PORT else int(check.port)
        failure = probe(self._network, check, target.address, port, self._timeouts.check(check.timeout))
        if failure is None:
            target.record.passed(check.healthy_threshold)
        else:
            target.record.failed(failure, check.unhealthy_threshold)


def _halt(target: Target) -> None:
    target.stopped.set()
    target.woken.set()
