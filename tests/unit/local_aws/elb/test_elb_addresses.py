"""Loopback addresses of load balancers."""

from __future__ import annotations

import re

from local_aws.elb.addresses import Addresses, listen


def test_an_arn_has_the_same_address_everywhere_and_two_have_two() -> None:
    first, second = Addresses("linux"), Addresses("linux")
    arns = [f"arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/{number:016x}" for number in range(500)]
    given = [first.of(arn) for arn in arns]
    assert len(set(given)) == 500
    assert all(re.fullmatch(r"127\.83\.\d{1,3}\.\d{1,3}", address) for address in given)
    assert second.of(arns[0]) == given[0]


def test_where_there_is_one_loopback_address_all_share_it() -> None:
    addresses = Addresses("darwin")
    assert {addresses.of("a"), addresses.of("b")} == {"127.0.0.1"}


def test_a_taken_port_moves_by_a_fixed_step_and_then_anywhere() -> None:
    with listen("127.83.0.1", 8123) as first, listen("127.83.0.1", 8123) as second, listen("127.83.0.1", 8123) as third:
        assert first.getsockname()[1] == 8123
        assert second.getsockname()[1] == 16123
        assert third.getsockname()[1] not in (8123, 16123)
