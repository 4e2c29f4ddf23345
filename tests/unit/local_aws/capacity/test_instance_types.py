"""Instance types as ECS sees them (ecs-facts: ENI table and registered memory)."""

from __future__ import annotations

import pytest

from local_aws.capacity.instance_types import offer_of


@pytest.mark.parametrize(
    ("instance_type", "cpu", "architecture", "slots"),
    [
        ("t3.micro", 2048, "x86_64", 1),
        ("t3a.small", 2048, "x86_64", 1),
        ("t3.small", 2048, "x86_64", 2),
        ("t2.small", 1024, "x86_64", 2),
        ("t4g.small", 2048, "arm64", 2),
        ("m5.large", 2048, "x86_64", 2),
        ("t3.xlarge", 4096, "x86_64", 3),
        ("p4d.24xlarge", 98304, "x86_64", 14),  # four network cards: the default one counts
        ("m6g.medium", 1024, "arm64", 1),
    ],
)
def test_offer(instance_type: str, cpu: int, architecture: str, slots: int) -> None:
    offer = offer_of(instance_type)
    assert (offer.cpu_units, offer.architecture) == (cpu, architecture)
    assert offer.eni_slots == slots


@pytest.mark.parametrize(("instance_type", "registered"), [("t2.small", 1978), ("m4.large", 7985)])
def test_registered_memory_meets_the_two_that_were_seen(instance_type: str, registered: int) -> None:
    assert offer_of(instance_type).memory_mib == pytest.approx(registered, abs=2)


def test_an_unknown_type_is_not_invented() -> None:
    with pytest.raises(KeyError):
        offer_of("t99.huge")
