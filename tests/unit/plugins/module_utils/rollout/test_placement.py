# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which container instance takes a task, by what ECS says of them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout.placement import (
    Need,
    Room,
    capacity,
    eni_slots,
    expressions,
    host_ports,
    largest_offer,
    need_of,
    needs,
    place,
    rooms,
    short_of,
    type_interfaces,
    words_for,
)

Data = dict[str, t.Any]
ZONE = "ecs.availability-zone"


def room(name: str, zone: str = "a", **members: t.Any) -> Room:
    attributes = {ZONE: zone, "ecs.cpu-architecture": "x86_64", **members.pop("attributes", {})}
    return Room(**{"arn": name, "kind": "t3.medium", "cpu": 2048, "memory": 3884, "enis": 2, "attributes": attributes, **members})


def resource(name: str, value: int) -> Data:
    return {"name": name, "type": "INTEGER", "integerValue": value}


def instance(arn: str, cpu: int = 2048, memory: int = 3884, **members: t.Any) -> Data:
    return {
        "containerInstanceArn": arn,
        "ec2InstanceId": f"i-{arn}",
        "agentConnected": True,
        "registeredResources": [resource("CPU", 2048), resource("MEMORY", 3884)],
        "remainingResources": [
            resource("CPU", cpu),
            resource("MEMORY", memory),
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "80"]},
            {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": ["53"]},
        ],
        "attributes": [{"name": "ecs.instance-type", "value": "t3.medium"}, {"name": ZONE, "value": "a"}, {"name": "ecs.capability.x"}],
        **members,
    }


def task(arn: str, status: str = "RUNNING", interface: str = "ATTACHED", **members: t.Any) -> Data:
    attachments = [{"type": "ElasticNetworkInterface", "status": interface}] if interface else []
    return {"containerInstanceArn": arn, "lastStatus": status, "attachments": attachments, "group": "service:other", **members}


@pytest.mark.parametrize(
    ("definition", "cpu", "memory"),
    [
        ({"cpu": "256", "memory": "512", "containerDefinitions": [{"cpu": 999, "memory": 999}]}, 256, 512),
        ({"containerDefinitions": [{"cpu": 10, "memory": 300, "memoryReservation": 100}, {"cpu": 20, "memory": 50}]}, 30, 150),
        ({}, 0, 0),
    ],
)
def test_what_a_task_reserves(definition: Data, cpu: int, memory: int) -> None:
    assert needs(definition) == {"cpu": cpu, "memory": memory}


@pytest.mark.parametrize(
    ("mode", "mapping", "ports"),
    [
        ("awsvpc", {"containerPort": 80, "hostPort": 80}, set()),
        ("bridge", {"containerPort": 80}, set()),  # any free one
        ("bridge", {"containerPort": 80, "hostPort": 0}, set()),
        ("bridge", {"containerPort": 80, "hostPort": 8080}, {"8080/tcp"}),
        (None, {"containerPort": 80, "hostPort": 8080}, {"8080/tcp"}),
        ("host", {"containerPort": 53, "protocol": "udp"}, {"53/udp"}),
    ],
)
def test_which_ports_of_the_instance_it_takes(mode: str | None, mapping: Data, ports: set[str]) -> None:
    assert host_ports({"networkMode": mode, "containerDefinitions": [{"portMappings": [mapping]}]}) == ports


def test_a_need_from_a_definition() -> None:
    definition = {
        "networkMode": "awsvpc",
        "runtimePlatform": {"cpuArchitecture": "ARM64"},
        "requiresAttributes": [{"name": "ecs.capability.x"}, {"name": "y", "value": "1"}],
        "placementConstraints": [{"type": "memberOf", "expression": "attribute:a == b"}],
    }
    of_service = [{"type": "distinctInstance"}, {"type": "memberOf", "expression": "attribute:c == d"}]
    assert expressions(definition, of_service) == ["attribute:a == b", "attribute:c == d"]
    found = need_of(definition, frozenset("a"), frozenset(["arn"]), of_service, "cp")
    assert found == Need(
        0,
        0,
        eni=True,
        attributes={"ecs.capability.x": None, "y": "1", "ecs.cpu-architecture": "arm64"},
        zones=frozenset("a"),
        allowed=frozenset(["arn"]),
        distinct=True,
        provider="cp",
    )
    # Zones bind only tasks that have an interface in a subnet.
    assert need_of({"networkMode": "bridge"}, frozenset("a")).zones is None


@pytest.mark.parametrize(
    ("changed", "need", "lacks"),
    [
        ({}, {}, ""),
        ({"connected": False}, {}, "agent"),
        ({"cpu": 255}, {}, "cpu"),
        ({"memory": 511}, {}, "memory"),
        ({"cpu": 0, "memory": 0}, {}, "cpu"),
        ({"ports": {"80/tcp"}}, {"ports": frozenset(["80/tcp"])}, "port"),
        ({"ports": {"80/udp"}}, {"ports": frozenset(["80/tcp"])}, ""),
        ({"enis": 0}, {"eni": True}, "eni"),
        ({"enis": 0}, {}, ""),
        ({"enis": None}, {"eni": True}, ""),  # not known: it does not speak against it
        ({}, {"attributes": {"ecs.cpu-architecture": "arm64"}}, "attribute"),
        ({}, {"attributes": {"gpu": None}}, "attribute"),
        ({"attributes": {"gpu": "v100"}}, {"attributes": {"gpu": None}}, ""),
        ({}, {"zones": frozenset("b")}, "location"),
        ({}, {"zones": frozenset("ab")}, ""),
        ({"own_tasks": 1}, {"distinct": True}, "constraint"),
        ({}, {"allowed": frozenset(["other"])}, "constraint"),
        ({"arn": "new-1", "like": "one"}, {"allowed": frozenset(["one"])}, ""),
    ],
)
def test_what_an_instance_is_short_of(changed: Data, need: Data, lacks: str) -> None:
    one, wish = room("one", **changed), Need(256, 512, **need)
    assert short_of(one, wish) == lacks
    assert bool(words_for(one, wish)) is bool(lacks)


def test_the_words_have_the_figures() -> None:
    assert words_for(room("one", cpu=100), Need(256, 512)) == "100 CPU units are free, and a task needs 256"
    assert words_for(room("one", memory=-1), Need(256, 512)) == "0 MiB of memory are free, and a task needs 512"


def test_rooms_from_what_ecs_says() -> None:
    tasks = [
        task("one", group="service:api", desiredStatus="RUNNING"),
        task("one", "DEACTIVATING", group="service:api", desiredStatus="STOPPED"),  # keeps its interface, but is no task of the service
        task("one", "STOPPED"),
        task("one", "STOPPING", "DELETED"),
        task("one", interface=""),
        task("elsewhere"),
    ]
    (first, second) = rooms(
        [instance("two"), instance("one", 1024, 512, capacityProviderName="cp")], tasks, "service:api", {"t3.medium": 3}
    )
    assert (first.arn, first.instance, first.kind, first.zone, first.provider) == ("one", "i-one", "t3.medium", "a", "cp")
    assert (first.cpu, first.memory, first.enis, first.own_tasks) == (1024, 512, 0, 1)
    assert first.ports == {"22/tcp", "80/tcp", "53/udp"}
    assert first.registered == {"cpu": 2048, "memory": 3884, "enis": 2}
    assert (second.enis, second.own_tasks, second.provider) == (2, 0, None)
    assert rooms([instance("one")], [], "service:api", {})[0].enis is None
    assert largest_offer([instance("one"), {"registeredResources": [resource("CPU", 4096)]}]) == {"cpu": 4096, "memory": 3884}


@pytest.mark.parametrize(
    ("kind", "trunk", "slots"),
    [("t3.medium", False, 2), ("m5.large", True, 10), ("m5.4xlarge", True, 60), ("m5.metal", True, None), ("x9.large", False, None)],
)
def test_how_many_interfaces_are_for_tasks(kind: str, trunk: bool, slots: int | None) -> None:
    attributes: dict[str, str | None] = {"ecs.awsvpc-trunk-id": "eni-1"} if trunk else {}
    assert eni_slots(kind, attributes, {"t3.medium": 3, "m5.large": 3}) == slots


def test_the_default_card_counts() -> None:
    cards = [{"NetworkCardIndex": 0, "MaximumNetworkInterfaces": 8}, {"NetworkCardIndex": 1, "MaximumNetworkInterfaces": 7}]
    assert type_interfaces(
        [
            {"InstanceType": "m6in.32xlarge", "NetworkInfo": {"MaximumNetworkInterfaces": 15, "NetworkCards": cards}},
            {"InstanceType": "t3.small", "NetworkInfo": {"MaximumNetworkInterfaces": 3}},
            {"InstanceType": "odd"},
        ]
    ) == {"m6in.32xlarge": 8, "t3.small": 3, "odd": None}


@pytest.mark.parametrize(
    ("strategy", "chosen"),
    [
        ((), ["b1", "a2", "b1", "a1"]),  # zones first, then instances: a1 has one of ours already
        ([{"type": "spread", "field": "instanceId"}], ["a2", "b1", "a1", "a2"]),
        ([{"type": "binpack", "field": "memory"}], ["b1", "b1", "a1", "a1"]),
        ([{"type": "binpack", "field": "CPU"}], ["a1", "a1", "a1", "a1"]),
        ([{"type": "random"}], ["a1", "a1", "a1", "a1"]),
    ],
)
def test_the_strategy_chooses(strategy: list[Data], chosen: list[str]) -> None:
    there = [room("a1", "a", own_tasks=1, cpu=1200), room("a2", "a"), room("b1", "b", memory=1200, cpu=1500)]
    found = []
    for _number in range(4):
        best = place(Need(256, 512), there, strategy)
        assert best is not None
        best.take(Need(256, 512))
        found.append(best.arn)
    assert found == chosen


def test_a_capacity_provider_takes_only_its_own() -> None:
    there = [room("a"), room("b", provider="cp")]
    best = place(Need(1, 1, provider="cp"), there)
    assert best is not None
    assert best.arn == "b"
    assert place(Need(1, 1, provider="other"), there) is None
    assert capacity(Need(1, 1, eni=True, provider="cp"), there, 9) == 2
    # Only a look: nothing was taken.
    assert there[1].enis == 2
