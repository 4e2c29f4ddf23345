# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VPCs and what is in them: one function per API call, plain data out. Nothing here decides."""

from __future__ import annotations

import typing as t

from .failures import error_code

Data = dict[str, t.Any]

NOT_YET = frozenset(
    {
        "InvalidVpcID.NotFound",
        "InvalidSubnetID.NotFound",
        "InvalidRouteTableID.NotFound",
        "InvalidInternetGatewayID.NotFound",
        "InvalidAllocationID.NotFound",
        "InvalidGroup.NotFound",
        "InvalidNatGatewayID.NotFound",
        "NatGatewayNotFound",
        "InvalidGatewayID.NotFound",
        "InvalidVpcEndpointId.NotFound",
    }
)
"""How EC2 speaks of what has just been made and is not known everywhere yet."""


def is_not_yet(error: Exception) -> bool:
    return error_code(error) in NOT_YET


def _filters(**wanted: t.Any) -> list[Data]:
    return [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in wanted.items()]


def _every(client: t.Any, operation: str, member: str, **request: t.Any) -> list[Data]:
    found: list[Data] = []
    for page in client.get_paginator(operation).paginate(**request):
        found.extend(page.get(member) or [])
    return found


def zones(client: t.Any) -> list[str]:
    """Availability zones of the region that are open to this account."""
    answer = client.describe_availability_zones(Filters=_filters(zone_type="availability-zone"))
    return [item["ZoneName"] for item in answer["AvailabilityZones"]]


def vpcs_of_name(client: t.Any, name: str) -> list[Data]:
    return _every(client, "describe_vpcs", "Vpcs", Filters=[{"Name": "tag:Name", "Values": [name]}])


def vpc_attribute(client: t.Any, vpc_id: str, attribute: str) -> bool:
    answer = client.describe_vpc_attribute(VpcId=vpc_id, Attribute=attribute)
    return bool(answer[attribute[0].upper() + attribute[1:]]["Value"])


def subnets(client: t.Any, vpc_id: str) -> list[Data]:
    return _every(client, "describe_subnets", "Subnets", Filters=_filters(vpc_id=vpc_id))


def internet_gateways(client: t.Any, vpc_id: str) -> list[Data]:
    return _every(client, "describe_internet_gateways", "InternetGateways", Filters=[{"Name": "attachment.vpc-id", "Values": [vpc_id]}])


def egress_gateways(client: t.Any, vpc_id: str) -> list[Data]:
    """Egress-only internet gateways. The call has no filter for the VPC."""
    every = _every(client, "describe_egress_only_internet_gateways", "EgressOnlyInternetGateways")
    return [item for item in every if any(each.get("VpcId") == vpc_id for each in item.get("Attachments") or ())]


def interfaces_with_ipv6(client: t.Any, vpc_id: str) -> list[Data]:
    """Network interfaces that have an IPv6 address."""
    every = _every(client, "describe_network_interfaces", "NetworkInterfaces", Filters=_filters(vpc_id=vpc_id))
    return [item for item in every if item.get("Ipv6Addresses")]


def nat_gateways(client: t.Any, vpc_id: str) -> list[Data]:
    """Those that are there or will be; not those that failed or are being deleted."""
    every = _every(client, "describe_nat_gateways", "NatGateways", Filter=_filters(vpc_id=vpc_id))
    return [item for item in every if item["State"] in ("pending", "available")]


def nat_gateway(client: t.Any, nat_id: str) -> Data:
    return t.cast("Data", client.describe_nat_gateways(NatGatewayIds=[nat_id])["NatGateways"][0])


def route_tables(client: t.Any, vpc_id: str) -> list[Data]:
    return _every(client, "describe_route_tables", "RouteTables", Filters=_filters(vpc_id=vpc_id))


def endpoints(client: t.Any, vpc_id: str) -> list[Data]:
    every = _every(client, "describe_vpc_endpoints", "VpcEndpoints", Filters=_filters(vpc_id=vpc_id))
    return [item for item in every if str(item["State"]).lower() not in ("deleting", "deleted", "failed", "rejected", "expired")]


def security_groups(client: t.Any, vpc_id: str) -> list[Data]:
    return _every(client, "describe_security_groups", "SecurityGroups", Filters=_filters(vpc_id=vpc_id))


def flow_logs(client: t.Any, vpc_id: str) -> list[Data]:
    # The one call of EC2 whose filters go by `Filter`, as those of NAT gateways do.
    return _every(client, "describe_flow_logs", "FlowLogs", Filter=_filters(resource_id=vpc_id))


def addresses_of_name(client: t.Any, name: str) -> list[Data]:
    return t.cast("list[Data]", client.describe_addresses(Filters=[{"Name": "tag:Name", "Values": [name]}])["Addresses"])


def tag_specification(kind: str, tags: dict[str, str]) -> list[Data]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}]


def create_tags(client: t.Any, resource_id: str, tags: dict[str, str]) -> None:
    client.create_tags(Resources=[resource_id], Tags=[{"Key": key, "Value": value} for key, value in sorted(tags.items())])


def create_vpc(client: t.Any, cidr: str, tags: dict[str, str]) -> Data:
    return t.cast("Data", client.create_vpc(CidrBlock=cidr, TagSpecifications=tag_specification("vpc", tags))["Vpc"])


def set_vpc_attribute(client: t.Any, vpc_id: str, attribute: str) -> None:
    client.modify_vpc_attribute(VpcId=vpc_id, **{attribute[0].upper() + attribute[1:]: {"Value": True}})


def give_ipv6(client: t.Any, vpc_id: str) -> None:
    client.associate_vpc_cidr_block(VpcId=vpc_id, AmazonProvidedIpv6CidrBlock=True)


def create_subnet(client: t.Any, request: Data, tags: dict[str, str]) -> Data:
    return t.cast("Data", client.create_subnet(**request, TagSpecifications=tag_specification("subnet", tags))["Subnet"])


def give_subnet_ipv6(client: t.Any, subnet_id: str, block: str) -> None:
    client.associate_subnet_cidr_block(SubnetId=subnet_id, Ipv6CidrBlock=block)


def take_subnet_ipv6(client: t.Any, association_id: str) -> None:
    client.disassociate_subnet_cidr_block(AssociationId=association_id)


def take_ipv6(client: t.Any, association_id: str) -> None:
    client.disassociate_vpc_cidr_block(AssociationId=association_id)


def set_subnet_attribute(client: t.Any, subnet_id: str, attribute: str, value: bool) -> None:
    client.modify_subnet_attribute(SubnetId=subnet_id, **{attribute: {"Value": value}})


def create_internet_gateway(client: t.Any, tags: dict[str, str]) -> Data:
    made = client.create_internet_gateway(TagSpecifications=tag_specification("internet-gateway", tags))
    return t.cast("Data", made["InternetGateway"])


def loose_internet_gateways(client: t.Any, name: str) -> list[Data]:
    """Those of this name that are attached to nothing: a run was stopped between making and attaching one."""
    every = _every(client, "describe_internet_gateways", "InternetGateways", Filters=[{"Name": "tag:Name", "Values": [name]}])
    return [item for item in every if not item.get("Attachments")]


def attach_internet_gateway(client: t.Any, gateway_id: str, vpc_id: str) -> None:
    client.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)


def create_egress_gateway(client: t.Any, vpc_id: str, tags: dict[str, str]) -> Data:
    made = client.create_egress_only_internet_gateway(
        VpcId=vpc_id, TagSpecifications=tag_specification("egress-only-internet-gateway", tags)
    )
    return t.cast("Data", made["EgressOnlyInternetGateway"])


def delete_egress_gateway(client: t.Any, gateway_id: str) -> None:
    client.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=gateway_id)


def allocate_address(client: t.Any, tags: dict[str, str]) -> str:
    return str(client.allocate_address(Domain="vpc", TagSpecifications=tag_specification("elastic-ip", tags))["AllocationId"])


def release_address(client: t.Any, allocation_id: str) -> None:
    client.release_address(AllocationId=allocation_id)


def create_nat_gateway(client: t.Any, subnet_id: str, allocation_id: str, tags: dict[str, str]) -> Data:
    made = client.create_nat_gateway(
        SubnetId=subnet_id, AllocationId=allocation_id, TagSpecifications=tag_specification("natgateway", tags)
    )
    return t.cast("Data", made["NatGateway"])


def delete_nat_gateway(client: t.Any, nat_id: str) -> None:
    client.delete_nat_gateway(NatGatewayId=nat_id)


def create_route_table(client: t.Any, vpc_id: str, tags: dict[str, str]) -> Data:
    made = client.create_route_table(VpcId=vpc_id, TagSpecifications=tag_specification("route-table", tags))
    return t.cast("Data", made["RouteTable"])


def associate_route_table(client: t.Any, table_id: str, subnet_id: str) -> None:
    client.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)


def replace_association(client: t.Any, association_id: str, table_id: str) -> None:
    client.replace_route_table_association(AssociationId=association_id, RouteTableId=table_id)


def create_route(client: t.Any, table_id: str, route: Data) -> None:
    client.create_route(RouteTableId=table_id, **route)


def replace_route(client: t.Any, table_id: str, route: Data) -> None:
    client.replace_route(RouteTableId=table_id, **route)


def delete_route(client: t.Any, table_id: str, destination: Data) -> None:
    client.delete_route(RouteTableId=table_id, **destination)


def create_security_group(client: t.Any, vpc_id: str, name: str, description: str, tags: dict[str, str]) -> str:
    made = client.create_security_group(
        VpcId=vpc_id, GroupName=name, Description=description, TagSpecifications=tag_specification("security-group", tags)
    )
    return str(made["GroupId"])


def authorize_ingress(client: t.Any, group_id: str, permissions: list[Data]) -> None:
    client.authorize_security_group_ingress(GroupId=group_id, IpPermissions=permissions)


def revoke_ingress(client: t.Any, group_id: str, permissions: list[Data]) -> None:
    client.revoke_security_group_ingress(GroupId=group_id, IpPermissions=permissions)


def authorize_egress(client: t.Any, group_id: str, permissions: list[Data]) -> None:
    client.authorize_security_group_egress(GroupId=group_id, IpPermissions=permissions)


def revoke_egress(client: t.Any, group_id: str, permissions: list[Data]) -> None:
    client.revoke_security_group_egress(GroupId=group_id, IpPermissions=permissions)


def create_endpoint(client: t.Any, request: Data, tags: dict[str, str]) -> Data:
    made = client.create_vpc_endpoint(**request, TagSpecifications=tag_specification("vpc-endpoint", tags))
    return t.cast("Data", made["VpcEndpoint"])


def modify_endpoint(client: t.Any, endpoint_id: str, changes: Data) -> None:
    client.modify_vpc_endpoint(VpcEndpointId=endpoint_id, **changes)


def delete_endpoint(client: t.Any, endpoint_id: str) -> None:
    client.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id])


def create_flow_log(client: t.Any, request: Data, tags: dict[str, str]) -> tuple[str | None, str]:
    """The ID of the new flow log, or None and why there is none."""
    answer = client.create_flow_logs(**request, TagSpecifications=tag_specification("vpc-flow-log", tags))
    faults = [item["Error"]["Message"] for item in answer.get("Unsuccessful") or ()]
    made = answer.get("FlowLogIds") or []
    return (str(made[0]) if made else None), " ".join(faults)


def delete_flow_log(client: t.Any, flow_log_id: str) -> None:
    client.delete_flow_logs(FlowLogIds=[flow_log_id])
