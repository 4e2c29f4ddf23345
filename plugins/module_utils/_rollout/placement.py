# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which container instance would take a task, by what remains on each. Pure.

The order is that of ECS: CPU, memory, ports and network interfaces, then attributes and zone, then constraints, then the strategy
(Amazon ECS Developer Guide, "Task placement on container instances").
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

Data = dict[str, t.Any]

# Tasks with an interface of their own that an instance takes with trunking, by the size in its type's name
# (Amazon ECS Developer Guide, "Supported instances for increased Amazon ECS container network interfaces").
_TRUNKED = {"large": 10, "xlarge": 20, "2xlarge": 40, "4xlarge": 60}
_ARCHITECTURES = {"X86_64": "x86_64", "ARM64": "arm64"}
DEFAULT_STRATEGY: tuple[Data, ...] = (
    {"type": "spread", "field": "attribute:ecs.availability-zone"},
    {"type": "spread", "field": "instanceId"},
)


@dataclass(frozen=True)
class Need:
    """What one task asks of its instance."""

    cpu: int
    memory: int
    """MiB."""
    ports: frozenset[str] = frozenset()
    """Host ports, as V(80/tcp)."""
    eni: bool = False
    attributes: t.Mapping[str, str | None] = field(default_factory=dict)
    """Attributes that the instance must have; None for one whose value does not matter."""
    zones: frozenset[str] | None = None
    """The zones of the service's subnets; None when any zone will do, or they are not known."""
    allowed: frozenset[str] | None = None
    """ARNs of the instances for which ECS says that every memberOf expression is true; None without one."""
    distinct: bool = False
    provider: str | None = None
    """The capacity provider whose instances take the task; None for any instance."""


@dataclass
class Room:
    """One container instance, and what is free on it."""

    arn: str
    kind: str
    """Its EC2 instance type; empty when it is not known."""
    cpu: int
    memory: int
    ports: set[str] = field(default_factory=set)
    enis: int | None = None
    """Network interfaces that tasks may still get; None when the limit is not known."""
    attributes: t.Mapping[str, str | None] = field(default_factory=dict)
    connected: bool = True
    provider: str | None = None
    own_tasks: int = 0
    """Tasks of the service that live on it."""
    registered: t.Mapping[str, int] = field(default_factory=dict)
    """What an empty instance of this kind offers, as `cpu`, `memory` and, when it is known, `enis`."""
    instance: str = ""
    """The ID of the EC2 instance."""
    like: str = ""
    """For an instance that is only thought of: the ARN of the one that it is like."""

    @property
    def zone(self) -> str | None:
        return self.attributes.get("ecs.availability-zone")

    def take(self, need: Need) -> None:
        self.cpu -= need.cpu
        self.memory -= need.memory
        self.ports |= need.ports
        self.own_tasks += 1
        if need.eni and self.enis is not None:
            self.enis -= 1

    def give_back(self, need: Need) -> None:
        self.cpu += need.cpu
        self.memory += need.memory
        self.ports -= need.ports
        if need.eni and self.enis is not None:
            self.enis += 1


def needs(definition: Data) -> dict[str, int]:
    """What ECS reserves for one task of this definition: CPU units and MiB of memory."""
    containers = definition.get("containerDefinitions") or []
    cpu = sum(int(item.get("cpu") or 0) for item in containers)
    memory = sum(int(item.get("memoryReservation") or item.get("memory") or 0) for item in containers)
    return {"cpu": int(definition.get("cpu") or cpu), "memory": int(definition.get("memory") or memory)}


def need_of(
    definition: Data,
    zones: frozenset[str] | None = None,
    allowed: frozenset[str] | None = None,
    constraints: t.Sequence[Data] = (),
    provider: str | None = None,
) -> Need:
    """What a task of this definition needs. `requiresAttributes` is there only in a definition that is registered."""
    attributes: dict[str, str | None] = {str(item["name"]): item.get("value") for item in definition.get("requiresAttributes") or []}
    architecture = (definition.get("runtimePlatform") or {}).get("cpuArchitecture")
    if architecture:
        attributes["ecs.cpu-architecture"] = _ARCHITECTURES.get(architecture, str(architecture).lower())
    eni = definition.get("networkMode") == "awsvpc"
    return Need(
        **needs(definition),
        ports=host_ports(definition),
        eni=eni,
        attributes=attributes,
        zones=zones if eni else None,
        allowed=allowed,
        distinct=any(item.get("type") == "distinctInstance" for item in constraints),
        provider=provider,
    )


def host_ports(definition: Data) -> frozenset[str]:
    """The ports of the instance that a task takes for itself. With awsvpc a task has its own address and takes none."""
    mode = definition.get("networkMode") or "bridge"
    found: set[str] = set()
    for container in definition.get("containerDefinitions") or [] if mode in ("bridge", "host") else []:
        for mapping in container.get("portMappings") or []:
            port = mapping.get("hostPort") or (mapping.get("containerPort") if mode == "host" else 0)
            if port:
                found.add(f"{port}/{mapping.get('protocol') or 'tcp'}")
    return frozenset(found)


def expressions(definition: Data, constraints: t.Sequence[Data]) -> list[str]:
    """The memberOf expressions of a task definition and of its service: ECS itself is the one to say for which instances they are true."""
    every = [*(definition.get("placementConstraints") or []), *constraints]
    return [str(item["expression"]) for item in every if item.get("type") == "memberOf" and item.get("expression")]


def largest_offer(instances: t.Sequence[Data]) -> dict[str, int]:
    """The most `cpu` and `memory` that any one of these container instances, as ECS describes them, offers to an empty task."""
    offers: dict[str, list[int]] = {}
    for instance in instances:
        for name, value in _amounts(instance, "registeredResources").items():
            offers.setdefault(name, []).append(value)
    return {name: max(values) for name, values in offers.items()}


def grows(provider: Data) -> bool:
    """Whether a capacity provider, as ECS describes it, makes room by itself when tasks wait for it."""
    managed = ((provider.get("autoScalingGroupProvider") or {}).get("managedScaling") or {}).get("status") == "ENABLED"
    return managed or str(provider.get("name", "")).startswith("FARGATE")


def rooms(instances: t.Sequence[Data], tasks: t.Sequence[Data], group: str, interfaces: t.Mapping[str, int | None]) -> list[Room]:
    """The container instances, as ECS describes them, with what is free on each.

    `tasks` are all that still have something there, those on their way out too: ECS counts no network interfaces in what remains.
    `group` is the service's, as V(service:api). `interfaces` is how many interfaces an instance type has; None is not known.
    """
    found = []
    for instance in sorted(instances, key=lambda item: str(item["containerInstanceArn"])):
        arn = str(instance["containerInstanceArn"])
        here = [task for task in tasks if task.get("containerInstanceArn") == arn and task.get("lastStatus") != "STOPPED"]
        attributes = {str(item["name"]): item.get("value") for item in instance.get("attributes") or []}
        kind = str(attributes.get("ecs.instance-type") or "")
        slots = eni_slots(kind, attributes, interfaces)
        held = sum(holds_interface(task) for task in here)
        remaining = _amounts(instance, "remainingResources")
        registered = _amounts(instance, "registeredResources")
        found.append(
            Room(
                arn=arn,
                kind=kind,
                cpu=remaining.get("cpu", 0),
                memory=remaining.get("memory", 0),
                ports=_ports(instance),
                enis=None if slots is None else slots - held,
                attributes=attributes,
                connected=bool(instance.get("agentConnected", True)),
                provider=instance.get("capacityProviderName"),
                own_tasks=sum(task.get("group") == group and task.get("desiredStatus") != "STOPPED" for task in here),
                registered={**registered, **({} if slots is None else {"enis": slots})},
                instance=str(instance.get("ec2InstanceId") or ""),
            )
        )
    return found


def eni_slots(kind: str, attributes: t.Mapping[str, str | None], interfaces: t.Mapping[str, int | None]) -> int | None:
    """How many tasks with an interface of their own an instance takes; None when that is not known."""
    if "ecs.awsvpc-trunk-id" in attributes:
        return _TRUNKED.get(kind.partition(".")[2])
    most = interfaces.get(kind)
    # One interface is the instance's own.
    return None if most is None else most - 1


def type_interfaces(types: t.Sequence[Data]) -> dict[str, int | None]:
    """How many network interfaces the default card of each instance type takes, from what EC2 says of the types."""
    found: dict[str, int | None] = {}
    for item in types:
        network = item.get("NetworkInfo") or {}
        default = network.get("DefaultNetworkCardIndex", 0)
        cards = {card.get("NetworkCardIndex"): card.get("MaximumNetworkInterfaces") for card in network.get("NetworkCards") or []}
        found[str(item["InstanceType"])] = cards.get(default) or network.get("MaximumNetworkInterfaces")
    return found


def holds_interface(task: Data) -> bool:
    """Whether a task has a network interface of its own on its instance. It keeps it until it is detached, after it was told to stop."""
    attachments = task.get("attachments") or []
    return any(item.get("type") in ("ElasticNetworkInterface", "eni") and item.get("status") != "DELETED" for item in attachments)


# What an instance is short of, in the order in which ECS looks; with the words for people.
SHORT_OF = {
    "agent": "its agent is not connected",
    "cpu": "CPU units",
    "memory": "MiB of memory",
    "port": "a port that the task needs is in use",
    "eni": "no network interface is left for another task",
    "attribute": "it lacks an attribute that the task needs",
    "location": "it is in none of the zones of the service's subnets",
    "constraint": "a placement constraint is not fulfilled",
}


def short_of(room: Room, need: Need) -> str:
    """Why this instance cannot take the task, a key of `SHORT_OF`; empty when it can."""
    if not room.connected:
        return "agent"
    if need.cpu > room.cpu:
        return "cpu"
    if need.memory > room.memory:
        return "memory"
    if need.ports & room.ports:
        return "port"
    if need.eni and room.enis is not None and room.enis < 1:
        return "eni"
    for name, value in need.attributes.items():
        if name not in room.attributes or value not in (None, room.attributes[name]):
            return "attribute"
    if need.zones is not None and room.zone not in need.zones:
        return "location"
    if (need.distinct and room.own_tasks) or (need.allowed is not None and (room.like or room.arn) not in need.allowed):
        return "constraint"
    return ""


def words_for(room: Room, need: Need) -> str:
    """The same for people, with the figures."""
    lacks = short_of(room, need)
    if lacks in ("cpu", "memory"):
        wants, has = (need.cpu, room.cpu) if lacks == "cpu" else (need.memory, room.memory)
        return f"{max(has, 0)} {SHORT_OF[lacks]} are free, and a task needs {wants}"
    return SHORT_OF.get(lacks, "")


def place(need: Need, candidates: t.Sequence[Room], strategy: t.Sequence[Data] = ()) -> Room | None:
    """The instance that the strategy would choose, None when none has room. Does not change it: whoever accepts lets it `take`."""
    eligible = [room for room in candidates if need.provider is None or room.provider == need.provider]
    able = [room for room in eligible if not short_of(room, need)]
    for step in strategy or DEFAULT_STRATEGY:
        if not able:
            return None
        word = str(step.get("field") or "")
        if step.get("type") == "binpack":
            least = min(_free(room, word) for room in able)
            able = [room for room in able if _free(room, word) == least]
        elif step.get("type") == "spread":
            counts: dict[str | None, int] = {}
            for room in eligible:
                counts[_spread_by(room, word)] = counts.get(_spread_by(room, word), 0) + room.own_tasks
            fewest = min(counts[_spread_by(room, word)] for room in able)
            able = [room for room in able if counts[_spread_by(room, word)] == fewest]
    return able[0] if able else None


def capacity(need: Need, candidates: t.Sequence[Room], most: int) -> int:
    """How many tasks fit beside each other now, at most `most`."""
    trial = [replace(room, ports=set(room.ports)) for room in candidates]
    for count in range(most):
        chosen = place(need, trial)
        if chosen is None:
            return count
        chosen.take(need)
    return most


def empty_like(room: Room, number: int) -> Room:
    """A new instance of the same kind, with nothing on it."""
    return Room(
        arn=f"new-{number}",
        kind=room.kind,
        cpu=room.registered.get("cpu", 0),
        memory=room.registered.get("memory", 0),
        enis=room.registered.get("enis"),
        attributes=room.attributes,
        provider=room.provider,
        registered=room.registered,
        like=room.arn,
    )


def _free(room: Room, word: str) -> int:
    return room.memory if word.lower() == "memory" else room.cpu


def _spread_by(room: Room, word: str) -> str | None:
    return room.arn if word in ("instanceId", "host") else room.attributes.get(word.removeprefix("attribute:"))


def _amounts(instance: Data, member: str) -> dict[str, int]:
    named = {str(item.get("name")).lower(): int(item.get("integerValue") or 0) for item in instance.get(member) or []}
    return {name: named[name] for name in ("cpu", "memory") if name in named}


def _ports(instance: Data) -> set[str]:
    taken: set[str] = set()
    for item in instance.get("remainingResources") or []:
        protocol = {"PORTS": "tcp", "PORTS_UDP": "udp"}.get(str(item.get("name")))
        if protocol:
            taken |= {f"{port}/{protocol}" for port in item.get("stringSetValue") or []}
    return taken
