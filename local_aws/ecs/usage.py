"""CPUUtilization and MemoryUtilization per service, every AWS minute (AWS/ECS; percent of what the tasks reserve)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from local_aws.clock import Clock
from local_aws.ecs.state import Service, Store, Task

MIB = 1024 * 1024


class MetricsDoor(Protocol):
    def put(
        self, account: str, region: str, namespace: str, name: str, dimensions: Mapping[str, str], value: float, unit: str = "Count"
    ) -> None: ...


class Usage:
    def __init__(self, store: Store, clock: Clock, metrics: MetricsDoor) -> None:
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._seen: dict[str, tuple[float, float]] = {}
        """Task ARN -> when (AWS seconds) and CPU seconds used until then."""

    def publish(self) -> None:
        """Measure the running tasks of every service since the last call, and put two metrics for each."""
        with self._store.lock:
            groups: list[tuple[Service, list[Task]]] = [
                (service, [task for task in self._store.live_tasks_of(service) if task.running and task.handle is not None])
                for service in self._store.services.values()
                if service.status == "ACTIVE"
            ]
        alive: dict[str, tuple[float, float]] = {}
        for service, tasks in groups:
            self._publish(service, tasks, alive)
        self._seen = alive

    def _publish(self, service: Service, tasks: list[Task], alive: dict[str, tuple[float, float]]) -> None:
        cpu_units = memory = 0.0
        cpu_reserved = memory_reserved = 0
        for task in tasks:
            if task.handle is None:
                continue
            seconds, size = task.handle.usage()
            now = self._clock.time()
            alive[task.arn] = (now, seconds)
            earlier = self._seen.get(task.arn)
            if earlier is None or now <= earlier[0]:
                continue
            # CPU seconds are real ones: the machine is not slower because the clock is faster.
            real = (now - earlier[0]) / self._clock.speed
            cpu_units += 1024 * (seconds - earlier[1]) / real
            memory += size / MIB
            cpu_reserved += task.demand.cpu
            memory_reserved += task.demand.memory
        dimensions = {"ClusterName": service.cluster, "ServiceName": service.name}
        for name, used, reserved in (("CPUUtilization", cpu_units, cpu_reserved), ("MemoryUtilization", memory, memory_reserved)):
            if reserved:
                self._metrics.put(service.account, service.region, "AWS/ECS", name, dimensions, 100 * used / reserved, "Percent")
