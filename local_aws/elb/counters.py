"""What the load balancers did in the current minute, and how it becomes CloudWatch metrics."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol

from local_aws.elb.snapshot import LoadBalancer, Snapshot, TargetGroup

NAMESPACE = "AWS/ApplicationELB"
PERIOD_SECONDS = 60.0
"""ALB publishes its metrics each minute, and only those that are not zero."""

SAMPLES_PER_MINUTE = 1000
"""Response times kept per minute and target group; more add nothing to the average or the extremes that alarms ask for."""


class Metrics(Protocol):
    def put(self, account: str, region: str, namespace: str, name: str, dimensions: dict[str, str], value: float, unit: str) -> None: ...


def load_balancer_dimension(arn: str) -> str:
    """`app/name/id`, the last part of the ARN."""
    return arn.partition(":loadbalancer/")[2]


def target_group_dimension(arn: str) -> str:
    """`targetgroup/name/id`, the last part of the ARN."""
    return arn.rpartition(":")[2]


Key = tuple[str, str | None, str]
"""ARN of the load balancer, of the target group (None for the balancer's own), metric name."""


class Counters:
    def __init__(self) -> None:
        self._counts: dict[Key, int] = defaultdict(int)
        self._times: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._lock = threading.Lock()

    def answered_by_target(self, balancer: str, group: str, status: int, seconds: float) -> None:
        """`seconds` from sending the request to the first byte of the answer, in real time."""
        with self._lock:
            self._count(balancer, group, "RequestCount")
            self._count(balancer, group, f"HTTPCode_Target_{status // 100}XX_Count")
            times = self._times[(balancer, group)]
            if len(times) < SAMPLES_PER_MINUTE:
                times.append(seconds)

    def answered_by_balancer(self, balancer: str, group: str | None, status: int, *, chosen: bool = False) -> None:
        """An answer of the load balancer's own. `chosen`: a target had been chosen, so the request counts as one."""
        with self._lock:
            if chosen:
                self._count(balancer, group, "RequestCount")
            if status >= 400:
                self._counts[(balancer, None, f"HTTPCode_ELB_{status // 100}XX_Count")] += 1
            if status in (500, 502, 503, 504):
                self._counts[(balancer, None, f"HTTPCode_ELB_{status}_Count")] += 1

    def event(self, balancer: str, group: str | None, name: str) -> None:
        """One of a metric that is named directly, such as TargetConnectionErrorCount or HTTP_Redirect_Count."""
        with self._lock:
            self._count(balancer, group, name)

    def _count(self, balancer: str, group: str | None, name: str) -> None:
        self._counts[(balancer, None, name)] += 1
        if group is not None:
            self._counts[(balancer, group, name)] += 1

    def clear(self) -> None:
        with self._lock:
            self._counts.clear()
            self._times.clear()

    def publish(self, metrics: Metrics, snapshot: Snapshot, hosts: Iterable[tuple[TargetGroup, int, int]]) -> None:
        """Put the minute's values and start the next. `hosts`: target groups with their healthy and unhealthy targets."""
        with self._lock:
            counts, times = dict(self._counts), dict(self._times)
            self._counts.clear()
            self._times.clear()
        for (balancer_arn, group, name), value in counts.items():
            if balancer := snapshot.load_balancers.get(balancer_arn):
                _put(metrics, balancer, group, name, value, "Count")
        for (balancer_arn, group), samples in times.items():
            if balancer := snapshot.load_balancers.get(balancer_arn):
                for sample in samples:
                    _put(metrics, balancer, None, "TargetResponseTime", sample, "Seconds")
                    _put(metrics, balancer, group, "TargetResponseTime", sample, "Seconds")
        for target_group, healthy, unhealthy in hosts:
            for balancer_arn in target_group.load_balancers:
                if balancer := snapshot.load_balancers.get(balancer_arn):
                    _put(metrics, balancer, target_group.arn, "HealthyHostCount", healthy, "Count")
                    _put(metrics, balancer, target_group.arn, "UnHealthyHostCount", unhealthy, "Count")
                    requests = counts.get((balancer_arn, target_group.arn, "RequestCount"), 0)
                    if healthy and requests:
                        _put(metrics, balancer, target_group.arn, "RequestCountPerTarget", requests / healthy, "Count")


def _put(metrics: Metrics, balancer: LoadBalancer, group: str | None, name: str, value: float, unit: str) -> None:
    dimensions = {"LoadBalancer": load_balancer_dimension(balancer.arn)}
    if group is not None:
        dimensions["TargetGroup"] = target_group_dimension(group)
    metrics.put(balancer.account, balancer.region, NAMESPACE, name, dimensions, value, unit)
