# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network: which options are refused and why, and the small rules by which what is there is read."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._platform import network

PARAMS: dict[str, t.Any] = {
    "name": "shop",
    "cidr": "10.0.0.0/16",
    "zones": ["eu-west-1a", "eu-west-1b"],
    "public_cidrs": ["10.0.0.0/24", "10.0.1.0/24"],
    "private_cidrs": ["10.0.128.0/20", "10.0.144.0/20"],
    "nat": "one",
}
ZONES = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, []),
        ({"zones": []}, ["zones: there is none", "public_cidrs: 10.0.0.0/24, 10.0.1.0/24 is not one range for each of the 0 zones"]),
        ({"zones": ["eu-west-1a", "eu-west-1a"]}, ["zones: eu-west-1a, eu-west-1a names a zone twice"]),
        ({"zones": ["eu-west-1a", "eu-west-1z"]}, ["zones: eu-west-1z is none of this region", "eu-west-1a, eu-west-1b, eu-west-1c"]),
        ({"private_cidrs": ["10.0.128.0/20"]}, ["private_cidrs: 10.0.128.0/20 is not one range for each of the 2 zones. Give 2."]),
        ({"public_cidrs": []}, ["public_cidrs: none is not one range"]),
        ({"public_cidrs": ["10.0.0.0/24", "10.1.1.0/24"]}, ["public_cidrs: 10.1.1.0/24 is outside of cidr, 10.0.0.0/16"]),
        ({"public_cidrs": ["10.0.0.0/24", "10.0.0.128/25"]}, ["public_cidrs: 10.0.0.128/25 overlaps with 10.0.0.0/24 of public_cidrs"]),
        ({"public_cidrs": ["10.0.0.0/24", "10.0.0.0/24"]}, ["public_cidrs: 10.0.0.0/24 overlaps with 10.0.0.0/24"]),
        (
            {"private_cidrs": ["10.0.0.0/20", "10.0.144.0/20"]},
            [
                "private_cidrs: 10.0.0.0/20 overlaps with 10.0.0.0/24 of public_cidrs",
                "private_cidrs: 10.0.0.0/20 overlaps with 10.0.1.0/24",
            ],
        ),
        ({"cidr": "10.0.0.0/8"}, ["cidr: 10.0.0.0/8 is not of a size that a VPC takes"]),
        ({"cidr": "10.0.0.1/16"}, ["cidr: 10.0.0.1/16 is not written as the range that it means. Write 10.0.0.0/16."]),
        ({"cidr": "ten"}, ["cidr: ten is no IPv4 range"]),
        ({"public_cidrs": ["10.0.0.0/29", "10.0.1.0/24"]}, ["public_cidrs: 10.0.0.0/29 is not of a size"]),
    ],
)
def test_what_cannot_be_is_refused_with_field_value_and_fix(changed: dict[str, t.Any], words: list[str]) -> None:
    found = network.problems({**PARAMS, **changed}, ZONES, [])
    assert bool(found) == bool(words)
    for word in words:
        assert word in " ".join(found)


def test_a_vpc_keeps_its_range_and_its_name_is_its_own() -> None:
    there = {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}
    assert network.problems(PARAMS, ZONES, [there]) == []
    (fault,) = network.problems(PARAMS, ZONES, [{**there, "CidrBlock": "10.9.0.0/16"}])
    assert fault.startswith("cidr: the VPC shop (vpc-1) has 10.9.0.0/16, which cannot be changed to 10.0.0.0/16.")
    (fault,) = network.problems(PARAMS, ZONES, [there, {**there, "VpcId": "vpc-2"}])
    assert fault.startswith("name: shop is the name of 2 VPCs, vpc-1, vpc-2.")


def test_subnets_that_are_there_are_neither_moved_nor_overlapped() -> None:
    wanted = network.subnets(PARAMS)
    found = [
        {"SubnetId": "subnet-1", "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "eu-west-1a"},
        {"SubnetId": "subnet-2", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1c"},
        {"SubnetId": "subnet-3", "CidrBlock": "10.0.144.0/24", "AvailabilityZone": "eu-west-1b"},
    ]
    moved, overlapping = network.misplaced(wanted, found)
    assert moved.startswith("public_cidrs: 10.0.1.0/24 is the subnet subnet-2 in eu-west-1c, which cannot be moved to eu-west-1b.")
    assert overlapping.startswith("private_cidrs: 10.0.144.0/20 overlaps with 10.0.144.0/24, the subnet subnet-3")


def test_ipv6_ranges_do_not_move_when_a_zone_is_added() -> None:
    two = {(each.tier, each.zone): network.ipv6_of("2001:db8:1234:1a00::/56", each) for each in network.subnets(PARAMS)}
    assert two["public", "eu-west-1b"] == "2001:db8:1234:1a01::/64"
    assert two["private", "eu-west-1a"] == "2001:db8:1234:1a80::/64"
    more = {
        "zones": ZONES,
        "public_cidrs": [*PARAMS["public_cidrs"], "10.0.2.0/24"],
        "private_cidrs": [*PARAMS["private_cidrs"], "10.0.160.0/20"],
    }
    three = {(each.tier, each.zone): network.ipv6_of("2001:db8:1234:1a00::/56", each) for each in network.subnets({**PARAMS, **more})}
    assert two.items() <= three.items()
    assert len(set(three.values())) == 6


@pytest.mark.parametrize(
    ("nat", "gateways", "served"),
    [
        ("none", [], [None, None]),
        ("one", ["eu-west-1a"], ["eu-west-1a", "eu-west-1a"]),
        ("one_per_zone", ["eu-west-1a", "eu-west-1b"], ["eu-west-1a", "eu-west-1b"]),
    ],
)
def test_each_zone_goes_out_through_its_gateway(nat: str, gateways: list[str], served: list[str | None]) -> None:
    params = {**PARAMS, "nat": nat}
    assert network.nat_zones(params) == gateways
    assert [network.nat_of_zone(params, zone) for zone in PARAMS["zones"]] == served


@pytest.mark.parametrize(
    ("route", "target"),
    [
        ({"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}, "nat-1"),
        ({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}, "igw-1"),
        ({"DestinationCidrBlock": "0.0.0.0/0", "State": "blackhole"}, ""),
        ({"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"}, None),
        ({"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"}, None),
    ],
)
def test_where_a_table_sends_what_goes_out(route: dict[str, str], target: str | None) -> None:
    assert network.target_of({"Routes": [route]}, "0.0.0.0/0") == target


@pytest.mark.parametrize(
    ("target", "member"), [("nat-1", "NatGatewayId"), ("eigw-1", "EgressOnlyInternetGatewayId"), ("igw-1", "GatewayId")]
)
def test_a_route_names_each_gateway_by_its_own_member(target: str, member: str) -> None:
    assert network.route_target(target) == {member: target}


def test_an_ipv6_range_counts_once_it_is_there() -> None:
    def with_state(state: str) -> dict[str, t.Any]:
        return {"Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2001:db8::/56", "Ipv6CidrBlockState": {"State": state}}]}

    assert network.ipv6_block(with_state("associated")) == "2001:db8::/56"
    assert network.ipv6_block(with_state("associating")) is None
    assert network.ipv6_to_be(with_state("associating")) == "2001:db8::/56"
    assert network.ipv6_to_be(with_state("disassociated")) is None
    assert network.ipv6_block({}) is None


def test_the_name_of_a_resource_is_its_tag() -> None:
    assert network.name_of({"Tags": [{"Key": "owner", "Value": "somebody"}, {"Key": "Name", "Value": "shop"}]}) == "shop"
    assert network.name_of({"Tags": [{"Key": "owner", "Value": "somebody"}]}) == network.name_of({}) == ""


@pytest.mark.parametrize(
    ("partition", "region", "name", "service"),
    [
        ("aws", "eu-west-1", "ecr.api", "com.amazonaws.eu-west-1.ecr.api"),
        ("aws-us-gov", "us-gov-west-1", "ecr.dkr", "com.amazonaws.us-gov-west-1.ecr.dkr"),
        ("aws-cn", "cn-north-1", "ecr.api", "cn.com.amazonaws.cn-north-1.ecr.api"),
        ("aws-cn", "cn-northwest-1", "ecr.dkr", "cn.com.amazonaws.cn-northwest-1.ecr.dkr"),
        ("aws-cn", "cn-north-1", "sts", "cn.com.amazonaws.cn-north-1.sts"),
        ("aws-cn", "cn-north-1", "monitoring", "cn.com.amazonaws.cn-north-1.monitoring"),
        ("aws-cn", "cn-north-1", "xray", "cn.com.amazonaws.cn-north-1.xray"),
        *(
            ("aws-cn", "cn-north-1", name, f"com.amazonaws.cn-north-1.{name}")
            for name in ("s3", "dynamodb", "ecs", "ecs-agent", "ecs-telemetry", "kms", "logs", "secretsmanager", "ssm", "ssmmessages")
        ),
        ("aws-eusc", "eusc-de-east-1", "ecr.api", "eu.amazonaws.eusc-de-east-1.ecr.api"),
        ("aws-eusc", "eusc-de-east-1", "logs", "com.amazonaws.eusc-de-east-1.logs"),
    ],
)
def test_services_of_endpoints_are_called_as_their_region_calls_them(partition: str, region: str, name: str, service: str) -> None:
    assert network.endpoint_service(partition, region, name) == service
    assert network.endpoint_name(service, region) == name


def test_the_service_of_another_region_keeps_its_whole_name() -> None:
    assert network.endpoint_name("aws.sagemaker.cn-north-1.notebook", "eu-west-1") == "aws.sagemaker.cn-north-1.notebook"
