# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role network on local_aws: an empty account, a second run, every option switched on, and off again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from .conftest import REGION, Account, running

OPTIONS: dict[str, Any] = {
    "role": "network",
    "entries": ["main", "wait"],
    "network_name": "web",
    "network_zones": [f"{REGION}a", f"{REGION}b"],
    "network_public_cidrs": ["10.0.0.0/24", "10.0.1.0/24"],
    "network_private_cidrs": ["10.0.128.0/20", "10.0.144.0/20"],
    "network_tags": {"environment": "test"},
}
EVERYTHING = {
    **OPTIONS,
    "network_nat": "one_per_zone",
    "network_ipv6": True,
    "network_endpoints": ["s3", "ecr.api", "logs"],
    "network_flow_logs": "cloudwatch",
    "network_flow_logs_traffic": "reject",
    "network_flow_logs_retention_days": 60,
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account in which NAT gateways and endpoints take their time."""
    with running(tmp_path_factory.mktemp("aws"), "--creation-delays", "--runtime", "process") as url:
        yield _account(url, tmp_path_factory)


def _account(url: str, tmp_path_factory: pytest.TempPathFactory) -> Account:
    session = boto3.session.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="not-a-real-secret-key", region_name=REGION)
    return Account({"region": REGION, "url": url}, tmp_path_factory.mktemp("plays"), lambda name: session.client(name, endpoint_url=url))


def _vpcs(account: Account) -> list[dict[str, Any]]:
    return list(account.client("ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["web"]}])["Vpcs"])


def _routes(account: Account, vpc_id: str) -> dict[str, dict[str, str]]:
    """By name of the table: where each destination goes."""
    tables = account.client("ec2").describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["RouteTables"]
    found = {}
    for table in tables:
        name = next((tag["Value"] for tag in table["Tags"] if tag["Key"] == "Name"), "main")
        found[name] = {
            str(route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")): str(
                route.get("NatGatewayId") or route.get("EgressOnlyInternetGatewayId") or route.get("GatewayId")
            )
            for route in table["Routes"]
            if not route.get("DestinationPrefixListId")
        }
    return found


def test_a_network_from_nothing_and_again_and_with_everything_and_back(empty: Account) -> None:
    ec2 = empty.client("ec2")
    checked = empty.play("role.yml", "--check", "--diff", **OPTIONS)
    assert checked.changed == 1
    assert "subnet private eu-west-1b: 10.0.144.0/20" in checked.output
    assert checked["fact"]["vpc_id"] == "vpc-00000000000000000"
    assert _vpcs(empty) == []

    made = empty.play("role.yml", **OPTIONS)
    # Where the machine is slow, the gateway is there before the role comes to wait for it.
    assert made.changed in (1, 2)
    fact = made["fact"]
    (vpc,) = _vpcs(empty)
    assert (vpc["VpcId"], vpc["CidrBlock"]) == (fact["vpc_id"], "10.0.0.0/16")
    assert {"Key": "environment", "Value": "test"} in vpc["Tags"]
    assert len(fact["nat_addresses"]) == 1
    subnets = {
        item["SubnetId"]: item for item in ec2.describe_subnets(SubnetIds=fact["public_subnet_ids"] + fact["private_subnet_ids"])["Subnets"]
    }
    assert [subnets[each]["AvailabilityZone"] for each in fact["private_subnet_ids"]] == OPTIONS["network_zones"]
    assert [subnets[each]["MapPublicIpOnLaunch"] for each in fact["public_subnet_ids"] + fact["private_subnet_ids"]] == [True] * 2 + [
        False
    ] * 2
    routes = _routes(empty, fact["vpc_id"])
    assert routes["web-public"]["0.0.0.0/0"].startswith("igw-")
    assert routes["web-private-eu-west-1a"]["0.0.0.0/0"].startswith("nat-")
    assert routes["web-private-eu-west-1b"] == routes["web-private-eu-west-1a"]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [fact["vpc_id"]]}])["SecurityGroups"]
    assert [(group["GroupName"], group["IpPermissions"], group["IpPermissionsEgress"]) for group in groups] == [("default", [], [])]
    assert empty.play("role.yml", "--check", **OPTIONS).changed == 0

    whole = empty.play("role.yml", **EVERYTHING)
    assert whole.changed == 4
    assert len(whole["fact"]["nat_addresses"]) == 2
    routes = _routes(empty, fact["vpc_id"])
    assert routes["web-private-eu-west-1a"]["0.0.0.0/0"] != routes["web-private-eu-west-1b"]["0.0.0.0/0"]
    assert routes["web-private-eu-west-1a"]["::/0"].startswith("eigw-")
    endpoints = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [fact["vpc_id"]]}])["VpcEndpoints"]
    assert {item["ServiceName"].rpartition(f"{REGION}.")[2]: item["VpcEndpointType"] for item in endpoints} == {
        "s3": "Gateway",
        "ecr.api": "Interface",
        "logs": "Interface",
    }
    (log,) = ec2.describe_flow_logs(Filter=[{"Name": "resource-id", "Values": [fact["vpc_id"]]}])["FlowLogs"]
    assert (log["LogGroupName"], log["TrafficType"]) == ("/vpc/web", "REJECT")
    assert empty.client("logs").describe_log_groups(logGroupNamePrefix="/vpc/web")["logGroups"][0]["retentionInDays"] == 60
    policy = empty.client("iam").get_role_policy(RoleName="web-flow-logs", PolicyName="write")["PolicyDocument"]
    assert policy["Statement"][0]["Resource"] == "arn:aws:logs:*:*:log-group:/vpc/web:*"
    assert empty.play("role.yml", **EVERYTHING).changed == 0

    back = {**OPTIONS, "network_nat": "none"}
    # An address in use keeps its range, and a refusal comes before the first change.
    used = ec2.create_network_interface(SubnetId=fact["private_subnet_ids"][0], Ipv6AddressCount=1)["NetworkInterface"][
        "NetworkInterfaceId"
    ]
    refused = empty.play("role.yml", **back)
    assert refused.code != 0
    assert f"network_ipv6: false, but addresses of the IPv6 range of web are in use by {used}" in re.sub(r"\s+", " ", refused.output)
    assert _routes(empty, fact["vpc_id"]) == routes
    ec2.delete_network_interface(NetworkInterfaceId=used)
    told = empty.play("role.yml", "--check", "--diff", **back)
    assert "vpc.ipv6: " in told.output
    assert "egress_gateway: eigw-" in told.output
    assert empty.play("role.yml", **back).changed >= 1
    routes = _routes(empty, fact["vpc_id"])
    assert not any("0.0.0.0/0" in routes[f"web-private-{zone}"] for zone in OPTIONS["network_zones"])
    assert not any("::/0" in table for table in routes.values())
    assert ec2.describe_egress_only_internet_gateways()["EgressOnlyInternetGateways"] == []
    bonds = [*_vpcs(empty), *ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [fact["vpc_id"]]}])["Subnets"]]
    states = {each["Ipv6CidrBlockState"]["State"] for item in bonds for each in item["Ipv6CidrBlockAssociationSet"]}
    assert states <= {"disassociated"}
    assert empty.play("role.yml", **back).changed == 0
    assert [item for item in ec2.describe_addresses()["Addresses"] if {"Key": "environment", "Value": "test"} in item.get("Tags", [])] == []
    assert ec2.describe_flow_logs(Filter=[{"Name": "resource-id", "Values": [fact["vpc_id"]]}])["FlowLogs"] == []


def test_a_network_that_cannot_be_is_refused_before_the_first_change(empty: Account) -> None:
    wrong = {
        "network_name": "refused",
        "network_zones": [f"{REGION}a", f"{REGION}y"],
        "network_public_cidrs": ["10.0.0.0/24", "10.0.0.128/25"],
        "network_private_cidrs": ["10.0.128.0/20", "10.9.0.0/20"],
    }
    refused = empty.play("role.yml", **{**OPTIONS, **wrong})
    assert refused.code != 0
    said = re.sub(r"\s+", " ", refused.output)
    for words in (
        "network_zones: eu-west-1y is none of this region",
        "network_public_cidrs: 10.0.0.128/25 overlaps with 10.0.0.0/24",
        "network_private_cidrs: 10.9.0.0/20 is outside of cidr, 10.0.0.0/16",
    ):
        assert words in said
    assert empty.client("ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["refused"]}])["Vpcs"] == []
