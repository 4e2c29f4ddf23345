"""Placement and the cluster query language."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.ecs.constraints import ExpressionError, compile_expression
from local_aws.ecs.placement import Host, Wish, place
from local_aws.ecs.state import Demand
from local_aws.ecs.strategy import next_provider


def host(name: str = "h1", **more: Any) -> Host:
    zone = more.get("zone", "a")
    values: dict[str, Any] = {
        "arn": f"arn:aws:ecs:::container-instance/main/{name}",
        "attributes": {"ecs.availability-zone": zone, "ecs.instance-type": "t3.small", "stage": "blue", "ecs.capability.task-eni": None},
        "zone": zone,
        "subnet_id": "subnet-1",
        "architecture": "x86_64",
        "cpu": 2048,
        "memory": 1900,
        "tcp_ports": {22},
        "udp_ports": set(),
        "eni_free": 2,
        "active": True,
        "connected": True,
        "capacity_provider": None,
    }
    return Host(**{**values, **more})


def demand(cpu: int = 256, memory: int = 256, tcp: tuple[int, ...] = (), eni: bool = True) -> Demand:
    return Demand(cpu, memory, frozenset(tcp), frozenset(), eni)


@pytest.mark.parametrize(
    ("where", "wish", "reason", "text"),
    [
        (host(cpu=100), Wish(demand()), "RESOURCE:CPU", "has insufficient CPU units available"),
        (host(memory=100), Wish(demand()), "RESOURCE:MEMORY", "has insufficient memory available"),
        (host(), Wish(demand(tcp=(22,), eni=False)), "RESOURCE:PORTS", "is already using a port required by your task"),
        (host(eni_free=0), Wish(demand()), "RESOURCE:ENI", 'encountered error "RESOURCE:ENI"'),
        (host(connected=False), Wish(demand()), "AGENT", "doesn't have the agent connected"),
        (host(), Wish(demand(), requires=[{"name": "gpu"}]), "ATTRIBUTE", "is missing an attribute required by your task"),
        (host(), Wish(demand(), architecture="arm64"), "ATTRIBUTE", "is missing an attribute required by your task"),
        (host(), Wish(demand(), zones=frozenset({"b"})), "LOCATION", "is missing an attribute required by your task"),
        (
            host(),
            Wish(demand(), constraints=[{"type": "memberOf", "expression": "attribute:stage == green"}]),
            "MemberOf placement constraint unsatisfied.",
            'encountered error "MemberOf placement constraint unsatisfied."',
        ),
    ],
)
def test_refusals(where: Host, wish: Wish, reason: str, text: str) -> None:
    outcome = place(wish, [where])
    assert outcome.host is None
    assert outcome.refusals[0].reason == reason
    assert outcome.detail == (
        f" The closest matching (container-instance h1) {text}."
        " For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
    )


def test_no_instance_at_all() -> None:
    assert place(Wish(demand()), [host(active=False)]).detail == " Reason: No Container Instances were found in your cluster."


def test_spread_over_zones_then_instances() -> None:
    hosts = [host("a1", zone="a"), host("a2", zone="a"), host("b1", zone="b")]
    placed = []
    for _ in range(4):
        chosen = place(Wish(demand()), hosts).host
        assert chosen is not None
        chosen.take(demand())
        placed.append(chosen.id)
    assert placed == ["a1", "b1", "a2", "b1"]


def test_binpack_takes_the_fullest_that_fits() -> None:
    hosts = [host("big", memory=1800), host("full", memory=300), host("over", memory=100)]
    chosen = place(Wish(demand(), strategy=[{"type": "binpack", "field": "memory"}]), hosts).host
    assert chosen is not None
    assert chosen.id == "full"


def test_distinct_instance() -> None:
    first = host()
    wish = Wish(demand(), constraints=[{"type": "distinctInstance"}])
    assert place(wish, [first]).host is first
    first.take(demand())
    assert place(wish, [first]).host is None


ATTRIBUTES = {"stage": "blue", "ecs.instance-type": "t3.small", "flag": None}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("attribute:stage == blue", True),
        ("attribute:stage equals 'green'", False),
        ("attribute:stage != green", True),
        ("attribute:missing != green", True),
        ("attribute:stage in [green, blue]", True),
        ("attribute:stage !in [green, blue]", False),
        ("attribute:stage not_in [green]", True),
        ("attribute:flag exists", True),
        ("attribute:missing !exists", True),
        ("attribute:ecs.instance-type =~ t3.*", True),
        ("attribute:ecs.instance-type =~ t2.*", False),
        ("attribute:stage == green or attribute:flag exists", True),
        ("attribute:stage == blue and not (attribute:flag exists)", False),
        ("attribute:stage == blue && attribute:flag exists", True),
    ],
)
def test_expressions(expression: str, expected: bool) -> None:
    assert compile_expression(expression)(ATTRIBUTES) is expected


@pytest.mark.parametrize(
    "expression", ["", "attribute:stage", "attribute:stage ~~ x", "attribute:stage == blue blue", "(attribute:stage exists"]
)
def test_expressions_that_cannot_be_read(expression: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(expression)


def test_capacity_provider_strategy_fills_bases_then_weights() -> None:
    strategy = [{"capacityProvider": "spot", "weight": 3}, {"capacityProvider": "steady", "base": 1, "weight": 1}]
    used: list[str | None] = []
    for _ in range(9):
        used.append(next_provider(strategy, used))
    assert used[0] == "steady"
    assert (used.count("spot"), used.count("steady")) == (6, 3)
