# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network of an environment: what is wrong with the options, what is wanted, and what is there otherwise. Pure."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass

from .tags import mapping

Data = dict[str, t.Any]

# Services that have gateway endpoints, which cost nothing ("Gateway endpoints" in the AWS PrivateLink guide). All others have interfaces.
GATEWAY_ENDPOINTS = ("s3", "dynamodb")
# What the names of endpoint services begin with where it is not com.amazonaws, by partition: DescribeVpcEndpointServices of those regions,
# as the AWS CDK has written it down (aws-ec2, InterfaceVpcEndpointAwsService). The gateway of S3 is no exception, unlike its interface.
_OTHER_PREFIXES = {
    "aws-cn": ("cn.com.amazonaws", {"ecr.api", "ecr.dkr", "monitoring", "sts", "xray"}),
    "aws-eusc": ("eu.amazonaws", {"ecr.api", "ecr.dkr"}),
}
EVERYWHERE, EVERYWHERE_6 = "0.0.0.0/0", "::/0"
# "VPC CIDR blocks" and "Subnet sizing" in the Amazon VPC user guide: netmasks between /16 and /28.
_LARGEST, _SMALLEST = 16, 28
# Public subnets take the first /64 blocks of the VPC's /56, private ones those from here on, so that another zone moves none.
_FIRST_PRIVATE_64 = 128


@dataclass(frozen=True)
class Subnet:
    tier: str
    """`public` or `private`."""
    zone: str
    cidr: str
    index: int
    """Place of its zone among the zones."""


def subnets(params: Data) -> list[Subnet]:
    """What is wanted, public ones first, in the order of the zones."""
    tiers = (("public", params["public_cidrs"]), ("private", params["private_cidrs"]))
    return [Subnet(tier, zone, cidrs[index], index) for tier, cidrs in tiers for index, zone in enumerate(params["zones"])]


def problems(params: Data, known_zones: t.Collection[str], vpcs: t.Sequence[Data]) -> list[str]:
    """What is wrong, each with field, value and fix. `known_zones` are those of the region, `vpcs` those that have the name already."""
    found = _of_zones(params, known_zones) + _of_counts(params)
    vpc_range, faults = _network("cidr", params["cidr"])
    found += faults
    ranges: list[tuple[str, ipaddress.IPv4Network]] = []
    for field in ("public_cidrs", "private_cidrs"):
        for text in params[field]:
            network, faults = _network(field, text)
            found += faults
            if network is None:
                continue
            if vpc_range is not None and not network.subnet_of(vpc_range):
                found.append(f"{field}: {text} is outside of cidr, {params['cidr']}. Choose a range inside of it.")
            for other_field, other in ranges:
                if network.overlaps(other):
                    found.append(f"{field}: {text} overlaps with {other} of {other_field}. Give each subnet a range of its own.")
            ranges.append((field, network))
    return found + _of_existing(params, vpcs)


def _of_zones(params: Data, known: t.Collection[str]) -> list[str]:
    zones = params["zones"]
    if not zones:
        return ["zones: there is none. Name at least one, and two for a load balancer."]
    found = []
    if len(set(zones)) < len(zones):
        found.append(f"zones: {', '.join(zones)} names a zone twice. Name each zone once.")
    unknown = [zone for zone in zones if zone not in known]
    if unknown:
        found.append(f"zones: {', '.join(unknown)} is none of this region. It has {', '.join(sorted(known))}.")
    return found


def _of_counts(params: Data) -> list[str]:
    count = len(params["zones"])
    return [
        f"{field}: {', '.join(params[field]) or 'none'} is not one range for each of the {count} zones. Give {count}."
        for field in ("public_cidrs", "private_cidrs")
        if len(params[field]) != count
    ]


def _network(field: str, text: str) -> tuple[ipaddress.IPv4Network | None, list[str]]:
    try:
        loose = ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return None, [f"{field}: {text} is no IPv4 range. Write it as 10.0.0.0/16."]
    if str(loose) != text:
        return None, [f"{field}: {text} is not written as the range that it means. Write {loose}."]
    if not _LARGEST <= loose.prefixlen <= _SMALLEST:
        return None, [f"{field}: {text} is not of a size that a VPC takes. Use one from /{_LARGEST} to /{_SMALLEST}."]
    return loose, []


def _of_existing(params: Data, vpcs: t.Sequence[Data]) -> list[str]:
    if len(vpcs) > 1:
        names = ", ".join(sorted(vpc["VpcId"] for vpc in vpcs))
        return [f"name: {params['name']} is the name of {len(vpcs)} VPCs, {names}. Give this one a name of its own."]
    if vpcs and vpcs[0]["CidrBlock"] != params["cidr"]:
        there = f"the VPC {params['name']} ({vpcs[0]['VpcId']}) has {vpcs[0]['CidrBlock']}"
        return [f"cidr: {there}, which cannot be changed to {params['cidr']}. Use the range that it has, or another name."]
    return []


def misplaced(wanted: t.Sequence[Subnet], found: t.Sequence[Data]) -> list[str]:
    """Subnets that are there in another zone, or overlap with one that is there: neither can be changed."""
    by_cidr = {item["CidrBlock"]: item for item in found}
    faults = []
    for subnet in wanted:
        field = f"{subnet.tier}_cidrs"
        there = by_cidr.get(subnet.cidr)
        if there is not None:
            if there["AvailabilityZone"] != subnet.zone:
                faults.append(
                    f"{field}: {subnet.cidr} is the subnet {there['SubnetId']} in {there['AvailabilityZone']}, which cannot be moved to "
                    f"{subnet.zone}. Use another range for it."
                )
            continue
        faults += [
            f"{field}: {subnet.cidr} overlaps with {item['CidrBlock']}, the subnet {item['SubnetId']} that is there already. Use another."
            for item in found
            if ipaddress.IPv4Network(subnet.cidr).overlaps(ipaddress.IPv4Network(item["CidrBlock"]))
        ]
    return faults


def ipv6_of(block: str, subnet: Subnet) -> str:
    """The subnet's /64 of the VPC's /56."""
    first = int(ipaddress.IPv6Network(block).network_address)
    number = subnet.index + (_FIRST_PRIVATE_64 if subnet.tier == "private" else 0)
    return f"{ipaddress.IPv6Address(first + (number << 64))}/64"


def ipv6_block(item: Data) -> str | None:
    """The IPv6 range of a VPC or a subnet, None while it has none. One that is only being given to it can be used for nothing yet."""
    return _ipv6(item, ("associated",))


def ipv6_to_be(item: Data) -> str | None:
    """The same, or the one that is being given to it."""
    return _ipv6(item, ("associated", "associating"))


def _ipv6(item: Data, states: tuple[str, ...]) -> str | None:
    return next((str(each["Ipv6CidrBlock"]) for each in _associations(item, states) if each.get("Ipv6CidrBlock")), None)


def ipv6_associations(item: Data) -> list[str]:
    """IDs of the bonds between a VPC or a subnet and its IPv6 ranges."""
    return [str(each["AssociationId"]) for each in _associations(item, ("associated", "associating"))]


def ipv6_is_going(item: Data) -> bool:
    """Whether a VPC or a subnet still has an IPv6 range, or one is still being taken from it."""
    return bool(_associations(item, ("associated", "associating", "disassociating")))


def _associations(item: Data, states: tuple[str, ...]) -> list[Data]:
    every = item.get("Ipv6CidrBlockAssociationSet") or ()
    return [each for each in every if (each.get("Ipv6CidrBlockState") or {}).get("State") in states]


def ipv6_in_use(name: str, interfaces: t.Sequence[Data]) -> list[str]:
    """Why IPv6 cannot be taken from a network yet: a range whose addresses are used stays (DisassociateSubnetCidrBlock)."""
    if not interfaces:
        return []
    users = ", ".join(f"{item['NetworkInterfaceId']} ({item.get('Description') or 'no description'})" for item in interfaces[:5])
    more = f" and {len(interfaces) - 5} more" if len(interfaces) > 5 else ""
    fix = "Make a dualstack load balancer ipv4 and replace the instances that have one, or set it to true."
    return [f"ipv6: false, but addresses of the IPv6 range of {name} are in use by {users}{more}. {fix}"]


def endpoint_service(partition: str, region: str, name: str) -> str:
    """The service of an endpoint in full: `com.amazonaws.eu-west-1.ecr.api` of `ecr.api`."""
    prefix, services = _OTHER_PREFIXES.get(partition, ("", set()))
    return f"{prefix if name in services else 'com.amazonaws'}.{region}.{name}"


def endpoint_name(service: str, region: str) -> str:
    """`ecr.api` of `com.amazonaws.eu-west-1.ecr.api`. A service of somebody else stays as it is."""
    return service.partition(f".{region}.")[2] or service


def nat_zones(params: Data) -> list[str]:
    """The zones that get a NAT gateway."""
    zones: list[str] = params["zones"]
    return {"none": [], "one": zones[:1], "one_per_zone": zones}[params["nat"]]


def nat_of_zone(params: Data, zone: str) -> str | None:
    """The zone whose gateway serves this one."""
    zones = nat_zones(params)
    return (zone if zone in zones else zones[0]) if zones else None


def name_of(item: Data) -> str:
    """The tag `Name` of a resource of EC2, empty without one."""
    return mapping(item.get("Tags") or ()).get("Name", "")


def target_of(table: Data, destination: str) -> str | None:
    """Where a route table sends a destination: the ID of a gateway, also of one that is gone; None without such a route."""
    for route in table.get("Routes") or ():
        if destination in (route.get("DestinationCidrBlock"), route.get("DestinationIpv6CidrBlock")):
            keys = ("NatGatewayId", "EgressOnlyInternetGatewayId", "GatewayId", "TransitGatewayId", "NetworkInterfaceId")
            return next((str(route[key]) for key in keys if route.get(key)), "")
    return None


def route_target(target: str) -> Data:
    """The member of a route request that names this gateway."""
    for prefix, member in (("nat-", "NatGatewayId"), ("eigw-", "EgressOnlyInternetGatewayId")):
        if target.startswith(prefix):
            return {member: target}
    return {"GatewayId": target}


def destination(cidr: str) -> Data:
    """The member of a route request that names this range."""
    return {"DestinationIpv6CidrBlock" if ":" in cidr else "DestinationCidrBlock": cidr}
