"""The capacity room: instances join and leave their clusters, groups replace what stopped and get the size that tasks need."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import asdict

from local_aws.capacity.fleet import Fleet, ManagedGroup
from local_aws.capacity.refresh_api import Refreshes
from local_aws.capacity.registrations import Joined, Registrations
from local_aws.capacity.scaling import EVALUATION_SECONDS, Memory, decide
from local_aws.clock import Clock
from local_aws.control_plane.metrics import Metrics
from local_aws.interfaces import ContainerInstances, JsonObject

log = logging.getLogger("local_aws.capacity")

LOOK_SECONDS = 2
"""How often moto is asked which instances there are."""
HEALTH_SECONDS = 60
"""How often a group looks for instances that stopped, and tries launches again [I]."""
SCALING_NAMESPACE = "AWS/ECS/ManagedScaling"


class CapacityRoom:
    def __init__(self, clock: Clock, fleet: Fleet, container_instances: ContainerInstances, metrics: Metrics) -> None:
        self._clock = clock
        self._fleet = fleet
        self._instances = container_instances
        self._metrics = metrics
        self._registrations = Registrations()
        self.refreshes = Refreshes(clock, fleet, container_instances)
        self._lock = threading.Lock()
        self._memories: dict[tuple[str, str, str, str], Memory] = {}
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._stop.clear()
        jobs: list[tuple[str, float, Callable[[], None]]] = [
            ("container-instances", LOOK_SECONDS, self.look),
            ("group-health", HEALTH_SECONDS, self._fleet.heal),
            ("managed-scaling", EVALUATION_SECONDS, self.scale),
        ]
        for name, seconds, work in jobs:
            thread = threading.Thread(target=self._every, args=(seconds, work), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def reset(self) -> None:
        with self._lock:
            self._registrations.clear()
            self._memories.clear()
            self.refreshes.clear()

    def state(self) -> JsonObject:
        with self._lock:
            return {
                "joined": [asdict(facts) for facts in self._registrations.joined()],
                "starting": self._registrations.starting(),
                "managed_groups": [asdict(group) for group in self._fleet.managed_groups()],
            }

    def _every(self, seconds: float, work: Callable[[], None]) -> None:
        while not self._clock.sleep(seconds, self._stop):
            try:
                work()
            except Exception:
                log.exception("A look at the capacity failed; the next one follows.")

    def look(self) -> None:
        """Let instances join and leave as their time has come, and refreshes of groups go on."""
        with self._lock:
            for event in self._registrations.look(self._fleet.running(), self._clock.time()):
                if isinstance(event, Joined):
                    self._instances.joined(event.facts)
                else:
                    self._instances.left(event.ec2_instance_id)
            self.refreshes.look()

    def scale(self) -> None:
        """One value of the reservation metric for each managed group, and what follows from it."""
        with self._lock:
            for group in self._fleet.managed_groups():
                self._scale_group(group)

    def _scale_group(self, group: ManagedGroup) -> None:
        idle = set(self._instances.idle(group.account, group.region, group.provider))
        starting = set(self._registrations.starting())
        without_tasks = [instance_id for instance_id in group.instance_ids if instance_id in idle or instance_id in starting]
        busy = set(group.instance_ids) - set(without_tasks)
        waiting = self._instances.waiting(group.account, group.region, group.provider)
        key = (group.account, group.region, group.cluster, group.provider)
        current = len(group.instance_ids)
        decision = decide(current, len(busy), waiting, group.room, group.limits, self._clock.time(), self._memories.get(key, Memory()))
        self._memories[key] = decision.memory
        dimensions = {"CapacityProviderName": group.provider, "ClusterName": group.cluster}
        self._metrics.put(
            group.account, group.region, SCALING_NAMESPACE, "CapacityProviderReservation", dimensions, decision.reservation, "Percent"
        )
        if group.protects:
            self._fleet.protect(group, busy)
        if decision.desired > current:
            self._fleet.grow(group, decision.desired)
        elif decision.desired < current:
            # Idle instances go first whether or not they are the only ones that may: a real group prefers them only with
            # managedTerminationProtection, and else follows its termination policy [I].
            self._fleet.shrink(group, without_tasks[: current - decision.desired])
