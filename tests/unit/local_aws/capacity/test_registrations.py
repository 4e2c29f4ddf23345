"""Instances join 24 AWS seconds after launch and leave 30 after termination."""

from __future__ import annotations

from dataclasses import replace

from local_aws.capacity.registrations import Joined, Left, Registrations
from local_aws.interfaces import InstanceFacts

FACTS = InstanceFacts(
    "123456789012", "eu-west-1", "web", "i-1", "t3.small", "eu-west-1a", "subnet-1", "vpc-1", "ami-1", 2048, 1978, "x86_64", 2, None
)


def test_an_instance_joins_once_and_leaves_once() -> None:
    seen = Registrations()
    assert seen.look({"i-1": FACTS}, 0) == []
    assert seen.look({"i-1": FACTS}, 23) == []
    assert seen.starting() == ["i-1"]
    assert seen.look({"i-1": FACTS}, 24) == [Joined(FACTS)]
    assert seen.look({"i-1": FACTS}, 60) == []
    assert seen.look({}, 100) == []
    assert seen.look({}, 129) == []
    assert seen.look({}, 130) == [Left("i-1")]
    assert seen.look({}, 200) == []


def test_an_instance_that_goes_before_it_joined_is_never_heard_of() -> None:
    seen = Registrations()
    seen.look({"i-1": FACTS}, 0)
    assert seen.look({}, 10) == []
    assert seen.look({}, 100) == []


def test_a_capacity_provider_that_came_late_is_told() -> None:
    seen = Registrations()
    seen.look({"i-1": FACTS}, 0)
    seen.look({"i-1": FACTS}, 24)
    with_provider = replace(FACTS, capacity_provider="cp")
    assert seen.look({"i-1": with_provider}, 30) == [Joined(with_provider)]
    assert seen.look({"i-1": with_provider}, 32) == []
    assert seen.joined() == [with_provider]


def test_a_reboot_within_the_delay_changes_nothing() -> None:
    seen = Registrations()
    seen.look({"i-1": FACTS}, 0)
    seen.look({"i-1": FACTS}, 24)
    seen.look({}, 30)
    assert seen.look({"i-1": FACTS}, 50) == []
    assert seen.look({"i-1": FACTS}, 100) == []
    assert seen.joined() == [FACTS]
