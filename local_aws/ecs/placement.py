"""Which container instance takes a task: pure rules over plain data (ecs-facts.md 5, "Placement order")."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from local_aws.ecs import texts
from local_aws.ecs.constraints import compile_expression
from local_aws.ecs.state import Demand
from local_aws.interfaces import JsonObject


@dataclass
class Host:
    """A container instance as placement sees it. `take` counts a task that was just placed on it."""

    arn: str
    attributes: Mapping[str, str | None]
    zone: str
    subnet_id: str
    architecture: str
    cpu: int
    memory: int
    """What remains, not what is registered."""
    tcp_ports: set[int]
    udp_ports: set[int]
    eni_free: int
    active: bool
    connected: bool
    capacity_provider: str | None
    own_tasks: int = 0
    """Live tasks of the same group (service or family) that already run there."""

    @property
    def id(self) -> str:
        return self.arn.rsplit("/", 1)[-1]

    def take(self, demand: Demand) -> None:
        self.cpu -= demand.cpu
        self.memory -= demand.memory
        self.tcp_ports |= demand.tcp_ports
        self.udp_ports |= demand.udp_ports
        self.eni_free -= 1 if demand.eni else 0
        self.own_tasks += 1


@dataclass(frozen=True)
class Wish:
    """What a task asks of its host."""

    demand: Demand
    requires: Sequence[JsonObject] = ()
    """requiresAttributes of the task definition."""
    architecture: str | None = None
    zones: frozenset[str] | None = None
    """Zones of the service's subnets (awsvpc); None when any zone will do."""
    constraints: Sequence[JsonObject] = ()
    strategy: Sequence[JsonObject] = ()
    capacity_provider: str | None = None


@dataclass(frozen=True)
class Refusal:
    """Why one host cannot take the task."""

    arn: str
    reason: str
    """As in RunTask's failures[]: RESOURCE:CPU, AGENT, ATTRIBUTE, …"""
    text: str
    """As in the service event."""


@dataclass
class Outcome:
    host: Host | None = None
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def detail(self) -> str:
        """End of the event text. The closest match is the host that failed the latest of the checks."""
        if not self.refusals:
            return texts.NO_INSTANCES_DETAIL
        closest = max(self.refusals, key=lambda refusal: CLOSENESS.index(refusal.reason))
        return texts.closest_match(closest.arn.rsplit("/", 1)[-1], closest.text)


CLOSENESS = (
    "AGENT",
    "RESOURCE:CPU",
    "RESOURCE:MEMORY",
    "RESOURCE:PORTS",
    "RESOURCE:ENI",
    "ATTRIBUTE",
    "LOCATION",
    "MemberOf placement constraint unsatisfied.",
    "DistinctInstance placement constraint unsatisfied.",
)
"""The order in which hosts are checked: resources, then attributes and zone, then constraints."""

TEXTS = {
    "AGENT": "doesn't have the agent connected",
    "RESOURCE:CPU": "has insufficient CPU units available",
    "RESOURCE:MEMORY": "has insufficient memory available",
    "RESOURCE:PORTS": "is already using a port required by your task",
    "RESOURCE:ENI": 'encountered error "RESOURCE:ENI"',
    "ATTRIBUTE": "is missing an attribute required by your task",
    "LOCATION": "is missing an attribute required by your task",
    "MemberOf placement constraint unsatisfied.": 'encountered error "MemberOf placement constraint unsatisfied."',
    "DistinctInstance placement constraint unsatisfied.": 'encountered error "DistinctInstance placement constraint unsatisfied."',
}


def refusal(host: Host, wish: Wish) -> str | None:
    """The first reason why this host cannot take the task, None when it can."""
    demand = wish.demand
    if not host.connected:
        return "AGENT"
    if demand.cpu > host.cpu:
        return "RESOURCE:CPU"
    if demand.memory > host.memory:
        return "RESOURCE:MEMORY"
    if demand.tcp_ports & host.tcp_ports or demand.udp_ports & host.udp_ports:
        return "RESOURCE:PORTS"
    if demand.eni and host.eni_free <= 0:
        return "RESOURCE:ENI"
    for required in wish.requires:
        if required["name"] not in host.attributes:
            return "ATTRIBUTE"
        if required.get("value") is not None and host.attributes[required["name"]] != required["value"]:
            return "ATTRIBUTE"
    if wish.architecture is not None and wish.architecture != host.architecture:
        return "ATTRIBUTE"
    if wish.zones is not None and host.zone not in wish.zones:
        return "LOCATION"
    for constraint in wish.constraints:
        if constraint["type"] == "distinctInstance":
            if host.own_tasks:
                return "DistinctInstance placement constraint unsatisfied."
        elif not compile_expression(constraint.get("expression", ""))(host.attributes):
            return "MemberOf placement constraint unsatisfied."
    return None


def place(wish: Wish, hosts: Sequence[Host], choose: Callable[[Sequence[Host]], Host] = random.choice) -> Outcome:
    """Choose the host for one task. Does not change the hosts: the caller `take`s what it accepts.

    Without a strategy the tasks of a group are spread over zones, then over instances, as for a REPLICA service.
    """
    outcome = Outcome()
    candidates: list[Host] = []
    for host in hosts:
        if not host.active or (wish.capacity_provider is not None and host.capacity_provider != wish.capacity_provider):
            continue
        reason = refusal(host, wish)
        if reason is None:
            candidates.append(host)
        else:
            outcome.refusals.append(Refusal(host.arn, reason, TEXTS[reason]))
    if candidates:
        considered = [host for host in hosts if host.active]
        outcome.host = _prefer(candidates, considered, wish.strategy, choose)
    return outcome


DEFAULT_STRATEGY: tuple[JsonObject, ...] = (
    {"type": "spread", "field": "attribute:ecs.availability-zone"},
    {"type": "spread", "field": "instanceId"},
)


def _group(host: Host, field_name: str) -> str | None:
    if field_name in ("instanceId", "host"):
        return host.arn
    return host.attributes.get(field_name.removeprefix("attribute:"))


def _prefer(
    candidates: list[Host], hosts: Sequence[Host], strategy: Sequence[JsonObject], choose: Callable[[Sequence[Host]], Host]
) -> Host:
    for step in strategy or DEFAULT_STRATEGY:
        if step["type"] == "random":
            return choose(candidates)
        field_name = step.get("field", "")
        if step["type"] == "binpack":
            least = min(getattr(host, field_name.lower()) for host in candidates)
            candidates = [host for host in candidates if getattr(host, field_name.lower()) == least]
            continue
        counts: dict[str | None, int] = {}
        for host in hosts:
            key = _group(host, field_name)
            counts[key] = counts.get(key, 0) + host.own_tasks
        fewest = min(counts[_group(host, field_name)] for host in candidates)
        candidates = [host for host in candidates if counts[_group(host, field_name)] == fewest]
    return min(candidates, key=lambda host: host.arn)
