# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vpc_network: what is started and what is waited for, and that the next run finishes what another was stopped in, wherever that was."""

# ruff: noqa: N803 - the names of boto3's arguments

from __future__ import annotations

import copy
import types
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.vpc_network import VERB
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import FakeClock, refused

Data = dict[str, t.Any]
NAT_SECONDS = 100


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


class FakeEc2:
    """As much of EC2 as a network without IPv6 and endpoints needs. NAT gateways take their time; no route leads to them until then."""

    meta = types.SimpleNamespace(region_name="eu-west-1", partition="aws")

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.things: dict[str, list[Data]] = {
            "Vpcs": [],
            "Subnets": [],
            "InternetGateways": [],
            "NatGateways": [],
            "RouteTables": [],
            "VpcEndpoints": [],
            "SecurityGroups": [],
            "FlowLogs": [],
            "EgressOnlyInternetGateways": [],
            "Addresses": [],
        }
        self.hostnames = False
        self.writes = 0
        self.stop_at: int | None = None
        self.not_yet = 0
        self.nat_ends_as = "available"
        self.said: list[str] = []

    def run(self, check: bool = False, **options: t.Any) -> Data:
        whole = {
            "name": "shop",
            "cidr": "10.0.0.0/16",
            "zones": ["eu-west-1a", "eu-west-1b"],
            "public_cidrs": ["10.0.0.0/24", "10.0.1.0/24"],
            "private_cidrs": ["10.0.128.0/20", "10.0.144.0/20"],
            **options,
        }
        validated = ArgumentSpecValidator(VERB.argument_spec).validate(whole)
        assert not validated.error_messages
        context = Context(lambda service: self, self.clock, self.said.append, self.said.append, check_mode=check)
        return VERB.run(validated.validated_parameters, context)

    def _write(self) -> None:
        """Called before a change: the process may be stopped there."""
        if self.stop_at is not None and self.writes == self.stop_at:
            raise Stopped
        self.writes += 1

    def _add(self, kind: str, prefix: str, tags: list[Data] | None = None, **members: t.Any) -> Data:
        self._write()
        key = {"nat": "NatGatewayId", "vpc": "VpcId", "subnet": "SubnetId", "igw": "InternetGatewayId", "rtb": "RouteTableId"}
        thing = {
            key.get(prefix, "AllocationId"): f"{prefix}-{self.writes}",
            "Tags": tags[0]["Tags"] if tags else [],
            **members,
        }
        self.things[kind].append(thing)
        return copy.deepcopy(thing)

    def _one(self, kind: str, key: str, value: str) -> Data:
        return next(item for item in self.things[kind] if item[key] == value)

    def get_paginator(self, operation: str) -> t.Any:
        kind = "".join(part.title() for part in operation.removeprefix("describe_").split("_"))
        return types.SimpleNamespace(paginate=lambda **request: [{kind: self._found(kind, request)}])

    def _found(self, kind: str, request: Data) -> list[Data]:
        for gateway in self.things["NatGateways"]:
            if gateway["State"] == "pending" and self.clock.seconds >= gateway["until"]:
                gateway["State"] = self.nat_ends_as
        found = copy.deepcopy(self.things[kind])
        for item in request.get("Filters") or request.get("Filter") or ():
            if item["Name"] == "tag:Name":
                found = [each for each in found if {"Key": "Name", "Value": item["Values"][0]} in each["Tags"]]
            elif item["Name"] == "attachment.vpc-id":
                found = [each for each in found if [{"VpcId": item["Values"][0]}] == each["Attachments"]]
        return found

    def describe_availability_zones(self, **request: t.Any) -> Data:
        return {"AvailabilityZones": [{"ZoneName": f"eu-west-1{letter}"} for letter in "abc"]}

    def describe_vpc_attribute(self, VpcId: str, Attribute: str) -> Data:
        return {"EnableDnsSupport": {"Value": True}, "EnableDnsHostnames": {"Value": self.hostnames}}

    def describe_nat_gateways(self, NatGatewayIds: list[str]) -> Data:
        return {"NatGateways": [item for item in self._found("NatGateways", {}) if item["NatGatewayId"] in NatGatewayIds]}

    def describe_addresses(self, Filters: list[Data]) -> Data:
        return {"Addresses": self._found("Addresses", {"Filters": Filters})}

    def create_vpc(self, CidrBlock: str, TagSpecifications: list[Data]) -> Data:
        vpc = self._add("Vpcs", "vpc", TagSpecifications, CidrBlock=CidrBlock, OwnerId="123456789012")
        everywhere = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        default = {"GroupName": "default", "GroupId": "sg-1", "IpPermissions": [], "IpPermissionsEgress": everywhere, "Tags": []}
        self.things["SecurityGroups"].append(default)
        return {"Vpc": vpc}

    def modify_vpc_attribute(self, **request: t.Any) -> Data:
        self._write()
        self.hostnames = True
        return {}

    def create_subnet(self, VpcId: str, TagSpecifications: list[Data], **members: t.Any) -> Data:
        return {"Subnet": self._add("Subnets", "subnet", TagSpecifications, MapPublicIpOnLaunch=False, **members)}

    def modify_subnet_attribute(self, SubnetId: str, MapPublicIpOnLaunch: Data) -> Data:
        self._write()
        self._one("Subnets", "SubnetId", SubnetId)["MapPublicIpOnLaunch"] = MapPublicIpOnLaunch["Value"]
        return {}

    def create_internet_gateway(self, TagSpecifications: list[Data]) -> Data:
        return {"InternetGateway": self._add("InternetGateways", "igw", TagSpecifications, Attachments=[])}

    def attach_internet_gateway(self, InternetGatewayId: str, VpcId: str) -> Data:
        self._write()
        self._one("InternetGateways", "InternetGatewayId", InternetGatewayId)["Attachments"] = [{"VpcId": VpcId}]
        return {}

    def allocate_address(self, Domain: str, TagSpecifications: list[Data]) -> Data:
        return self._add("Addresses", "eipalloc", TagSpecifications)

    def release_address(self, AllocationId: str) -> Data:
        self._write()
        self.things["Addresses"] = [item for item in self.things["Addresses"] if item["AllocationId"] != AllocationId]
        return {}

    def create_nat_gateway(self, SubnetId: str, AllocationId: str, TagSpecifications: list[Data]) -> Data:
        gateway = self._add(
            "NatGateways",
            "nat",
            TagSpecifications,
            SubnetId=SubnetId,
            State="pending",
            until=self.clock.seconds + NAT_SECONDS,
            NatGatewayAddresses=[{"AllocationId": AllocationId, "PublicIp": "203.0.113.10"}],
            FailureMessage="no address is left",
        )
        self._one("Addresses", "AllocationId", AllocationId)["AssociationId"] = "eipassoc-1"
        return {"NatGateway": gateway}

    def delete_nat_gateway(self, NatGatewayId: str) -> Data:
        self._write()
        self._one("NatGateways", "NatGatewayId", NatGatewayId)["State"] = "deleted"
        return {}

    def create_route_table(self, VpcId: str, TagSpecifications: list[Data]) -> Data:
        if self.not_yet:
            self.not_yet -= 1
            raise refused("InvalidVpcID.NotFound", "The vpc ID does not exist")
        return {"RouteTable": self._add("RouteTables", "rtb", TagSpecifications, Routes=[], Associations=[])}

    def associate_route_table(self, RouteTableId: str, SubnetId: str) -> Data:
        self._write()
        association = {"SubnetId": SubnetId, "RouteTableAssociationId": f"rtbassoc-{self.writes}"}
        self._one("RouteTables", "RouteTableId", RouteTableId)["Associations"].append(association)
        return {}

    def create_route(self, RouteTableId: str, **route: t.Any) -> Data:
        gateway = route.get("NatGatewayId")
        if gateway and self._one("NatGateways", "NatGatewayId", gateway)["State"] == "pending":
            raise refused("InvalidNatGatewayID.NotFound", "The natGateway ID does not exist")
        self._write()
        self._one("RouteTables", "RouteTableId", RouteTableId)["Routes"].append(route)
        return {}

    def delete_route(self, RouteTableId: str, DestinationCidrBlock: str) -> Data:
        self._write()
        table = self._one("RouteTables", "RouteTableId", RouteTableId)
        table["Routes"] = [route for route in table["Routes"] if route.get("DestinationCidrBlock") != DestinationCidrBlock]
        return {}

    def revoke_security_group_egress(self, GroupId: str, IpPermissions: list[Data]) -> Data:
        self._write()
        self._one("SecurityGroups", "GroupId", GroupId)["IpPermissionsEgress"] = []
        return {}

    def counted(self) -> dict[str, int]:
        return {kind: len(things) for kind, things in self.things.items() if things}

    def ways_out(self) -> list[str]:
        """Name of each table with the kind of gateway that it leads out by."""
        return sorted(
            f"{_name(table)} {(route.get('NatGatewayId') or route['GatewayId']).partition('-')[0]}"
            for table in self.things["RouteTables"]
            for route in table["Routes"]
        )


def _name(thing: Data) -> str:
    return next(str(tag["Value"]) for tag in thing["Tags"] if tag["Key"] == "Name")


WHOLE = {"Vpcs": 1, "Subnets": 4, "InternetGateways": 1, "NatGateways": 1, "RouteTables": 3, "SecurityGroups": 1, "Addresses": 1}
WAYS_OUT = ["shop-private-eu-west-1a nat", "shop-private-eu-west-1b nat", "shop-public igw"]


@pytest.fixture
def ec2() -> FakeEc2:
    return FakeEc2()


def test_what_takes_minutes_is_started_and_only_waited_for_at_the_end(ec2: FakeEc2) -> None:
    started = ec2.run()
    assert (started["changed"], ec2.clock.seconds) == (True, 0)
    assert (ec2.counted(), ec2.ways_out()) == (WHOLE, ["shop-public igw"])
    meanwhile = ec2.run()
    assert (meanwhile["changed"], meanwhile["finished"]) == (False, False), "until the gateway is there, nothing is left but to wait"
    finished = ec2.run(finish=True)
    assert [item["part"] for item in finished["differences"]] == [
        "route_table private-eu-west-1a.route 0.0.0.0/0",
        "route_table private-eu-west-1b.route 0.0.0.0/0",
    ]
    assert NAT_SECONDS <= ec2.clock.seconds < NAT_SECONDS + 10
    assert ec2.said == ["started the NAT gateway shop-eu-west-1a", "waiting for NAT gateway in eu-west-1a"]
    assert ec2.ways_out() == WAYS_OUT
    assert finished["nat_addresses"] == ["203.0.113.10"]
    writes = ec2.writes
    again = ec2.run()
    assert (again["changed"], again["finished"], again["partition"]) == (False, True, "aws")
    assert not ec2.run(finish=True)["changed"]
    assert ec2.writes == writes


def _from_nothing(ec2: FakeEc2) -> None:
    ec2.run()
    ec2.run(finish=True)


def test_a_run_that_is_stopped_anywhere_is_finished_by_the_next() -> None:
    unbroken = FakeEc2()
    _from_nothing(unbroken)
    for moment in range(unbroken.writes):
        ec2 = FakeEc2()
        ec2.stop_at = moment
        with pytest.raises(Stopped):
            _from_nothing(ec2)
        ec2.stop_at = None
        _from_nothing(ec2)
        assert (ec2.counted(), ec2.ways_out()) == (WHOLE, WAYS_OUT), f"stopped before change {moment}"
        assert ec2.things["SecurityGroups"][0]["IpPermissionsEgress"] == []
        assert not ec2.run(finish=True)["changed"]


def test_gateways_that_are_not_wanted_any_more_go_with_their_addresses(ec2: FakeEc2) -> None:
    ec2.run(nat="one_per_zone")
    ec2.run(nat="one_per_zone", finish=True)
    assert len(ec2.things["Addresses"]) == 2
    ec2.run(nat="none")
    assert ec2.ways_out() == ["shop-public igw"]
    assert len(ec2.things["Addresses"]) == 2, "they go at the end"
    still = ec2.run(nat="none")
    assert (still["changed"], still["finished"]) == (False, False), "a run that was stopped here has left them"
    ec2.run(nat="none", finish=True)
    assert ec2.things["Addresses"] == []
    assert not ec2.run(nat="none", finish=True)["changed"]


def test_a_gateway_that_fails_is_told_and_made_anew_by_the_next_run(ec2: FakeEc2) -> None:
    ec2.nat_ends_as = "failed"
    ec2.run()
    with pytest.raises(VerbFailure, match=r"NAT gateway nat-\d+ in eu-west-1a failed: no address is left\. Run this again"):
        ec2.run(finish=True)
    ec2.nat_ends_as = "available"
    del ec2.things["Addresses"][0]["AssociationId"]
    ec2.run(finish=True)
    assert (ec2.ways_out(), len(ec2.things["Addresses"])) == (WAYS_OUT, 1)


def test_a_gateway_that_never_comes_ends_the_wait(ec2: FakeEc2) -> None:
    ec2.run()
    with pytest.raises(VerbFailure, match="finish_timeout: still being made after 30 s: NAT gateway in eu-west-1a"):
        ec2.run(finish=True, finish_timeout=30)


def test_what_is_not_known_everywhere_yet_is_tried_again(ec2: FakeEc2) -> None:
    ec2.not_yet = 4
    ec2.run()
    assert ec2.clock.seconds == 4
    other = FakeEc2()
    other.not_yet = 10_000
    with pytest.raises(Exception, match=r"InvalidVpcID\.NotFound"):
        other.run()


def test_nothing_is_changed_when_something_is_wrong(ec2: FakeEc2) -> None:
    with pytest.raises(VerbFailure, match=r"network_zones: eu-west-1x is none of this region\. .* network_cidr: ten is no IPv4 range"):
        ec2.run(zones=["eu-west-1a", "eu-west-1x"], cidr="ten", option_prefix="network_")
    assert ec2.writes == 0


def test_a_flow_log_to_a_log_group_needs_a_role(ec2: FakeEc2) -> None:
    with pytest.raises(VerbFailure, match="flow_log_role: a flow log to CloudWatch needs a role"):
        ec2.run(flow_log_destination="/vpc/shop")
    assert ec2.writes == 0


def test_endpoints_are_made_and_found_again_under_the_names_that_china_has_for_them(ec2: FakeEc2) -> None:
    ec2.meta = types.SimpleNamespace(region_name="cn-north-1", partition="aws-cn")
    told = ec2.run(check=True, endpoints=["s3", "ecr.api", "logs"])["differences"]
    assert {item["part"]: item["after"] for item in told if item["part"].startswith("endpoint ")} == {
        "endpoint s3": "com.amazonaws.cn-north-1.s3",
        "endpoint ecr.api": "cn.com.amazonaws.cn-north-1.ecr.api",
        "endpoint logs": "com.amazonaws.cn-north-1.logs",
    }
    ec2.run()
    service = "cn.com.amazonaws.cn-north-1.ecr.api"
    tags = [{"Key": "Name", "Value": "shop-ecr.api"}]
    ec2.things["VpcEndpoints"].append({"VpcEndpointId": "vpce-1", "ServiceName": service, "State": "available", "Tags": tags})
    assert ec2.run(check=True, endpoints=["ecr.api"])["endpoint_ids"] == {"ecr.api": "vpce-1"}
    gone = {item["part"]: item["before"] for item in ec2.run(check=True)["differences"]}
    assert gone["endpoint ecr.api"] == service, "it is ours, and goes"
