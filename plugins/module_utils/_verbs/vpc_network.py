# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network of an environment, from the VPC to the last route: read at once, compared, and only what differs is written.

What takes minutes, NAT gateways and interface endpoints, is started and not waited for. A later call with `finish` waits for all of it
together and makes what needs it.
"""

from __future__ import annotations

import typing as t

from .._aws import ec2_network as ec2
from .._platform import network
from .._platform.tags import mapping, missing, texts
from .._verb import Context, Verb, VerbFailure
from ._at_once import at_once

ENDPOINTS = [
    "s3",
    "dynamodb",
    "ecr.api",
    "ecr.dkr",
    "ecs",
    "ecs-agent",
    "ecs-telemetry",
    "kms",
    "logs",
    "monitoring",
    "secretsmanager",
    "ssm",
    "ssmmessages",
    "ec2messages",
    "sts",
    "xray",
]
ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "cidr": {"type": "str", "required": True},
    "zones": {"type": "list", "elements": "str", "required": True},
    "public_cidrs": {"type": "list", "elements": "str", "required": True},
    "private_cidrs": {"type": "list", "elements": "str", "required": True},
    "map_public_ip": {"type": "bool", "default": True},
    "ipv6": {"type": "bool", "default": False},
    "nat": {"type": "str", "choices": ["none", "one", "one_per_zone"], "default": "one"},
    "endpoints": {"type": "list", "elements": "str", "choices": ENDPOINTS, "default": []},
    "lock_default_security_group": {"type": "bool", "default": True},
    "flow_log_destination": {"type": "str"},
    "flow_log_role": {"type": "str"},
    "flow_log_traffic": {"type": "str", "choices": ["all", "accept", "reject"], "default": "all"},
    "finish": {"type": "bool", "default": False},
    "finish_timeout": {"type": "int", "default": 900},
    "option_prefix": {"type": "str", "default": ""},
    "tags": {"type": "dict", "default": {}},
}

Data = dict[str, t.Any]

_POLL_SECONDS = 3.0
_NOT_YET_SECONDS = 30.0


def run(params: Data, context: Context) -> Data:
    return _Network(params, context).run()


class _Network:
    def __init__(self, params: Data, context: Context) -> None:
        self._params, self._context = params, context
        self._client = context.client("ec2")
        self._name: str = params["name"]
        self._own_tags = texts(params["tags"])
        self._changes: list[Data] = []
        self._only_notes: bool = context.check_mode
        self._found: dict[str, list[Data]] = {}
        self._switched: dict[str, bool] = {}
        self._vpc: Data | None = None
        self._subnet_ids: dict[network.Subnet, str | None] = {}
        self._ipv6: str | None = None
        self._internet_gateway: str | None = None
        self._egress_gateway: str | None = None
        self._drops_ipv6 = False
        self._nat: dict[str, Data | None] = {}
        self._tables: dict[str, str | None] = {}
        self._endpoint_ids: dict[str, str | None] = {}
        self._wanted_log: Data | None = None

    def run(self) -> Data:
        self._look()
        self._make_vpc()
        self._make_internet_gateways()
        self._make_subnets()
        self._make_nat_gateways()
        group = self._make_endpoint_group()
        self._make_interface_endpoints(group)
        self._lock_default_group()
        if self._params["finish"] and not self._context.check_mode:
            self._wait()
        self._make_route_tables()
        self._make_gateway_endpoints()
        self._remove_endpoints()
        if self._params["finish"]:
            self._finish()
        return self._result(finished=bool(self._params["finish"]) or not self._is_left())

    def _finish(self) -> None:
        self._make_flow_log()
        self._remove_nat_gateways()
        self._remove_ipv6()

    def _is_left(self) -> bool:
        """Whether a call with `finish` would find anything to do. Where something has just changed, it may have to wait for that."""
        gateways = [item["State"] for item in self._nat.values() if item is not None]
        endpoints = [item["State"] for item in self._of("endpoints")]
        if self._changes or "pending" in (str(state).lower() for state in gateways + endpoints):
            return True
        self._only_notes = True
        self._finish()
        left, self._changes = self._changes, []
        return bool(left)

    # What is there.

    def _look(self) -> None:
        """Read everything and refuse what cannot be, before anything is changed."""
        vpcs, zones = at_once(lambda: ec2.vpcs_of_name(self._client, self._name), lambda: ec2.zones(self._client))
        self._refuse(network.problems(self._params, zones, vpcs))
        self._wanted_log = self._wanted_flow_log()
        if not vpcs:
            return
        self._vpc = vpcs[0]
        vpc_id = self._vpc["VpcId"]
        readers: dict[str, t.Callable[[], t.Any]] = {
            "subnets": lambda: ec2.subnets(self._client, vpc_id),
            "internet_gateways": lambda: ec2.internet_gateways(self._client, vpc_id),
            "nat_gateways": lambda: ec2.nat_gateways(self._client, vpc_id),
            "route_tables": lambda: ec2.route_tables(self._client, vpc_id),
            "endpoints": lambda: ec2.endpoints(self._client, vpc_id),
            "security_groups": lambda: ec2.security_groups(self._client, vpc_id),
            "flow_logs": lambda: ec2.flow_logs(self._client, vpc_id),
            "enableDnsSupport": lambda: ec2.vpc_attribute(self._client, vpc_id, "enableDnsSupport"),
            "enableDnsHostnames": lambda: ec2.vpc_attribute(self._client, vpc_id, "enableDnsHostnames"),
            "egress_gateways": lambda: ec2.egress_gateways(self._client, vpc_id),
        }
        self._found = dict(zip(readers, at_once(*readers.values()), strict=True))
        self._switched = {name: bool(self._found.pop(name)) for name in ("enableDnsSupport", "enableDnsHostnames")}
        self._refuse(network.misplaced(network.subnets(self._params), self._of("subnets")))
        # The gateway is the last of it to go: as long as it is there, IPv6 is what an earlier run has switched on.
        self._drops_ipv6 = not self._params["ipv6"] and any(network.name_of(item) == self._name for item in self._of("egress_gateways"))
        if self._drops_ipv6:
            self._refuse(network.ipv6_in_use(self._name, ec2.interfaces_with_ipv6(self._client, vpc_id)))

    def _refuse(self, faults: list[str]) -> None:
        if faults:
            prefix = self._params["option_prefix"]
            raise VerbFailure(" ".join(prefix + fault for fault in faults))

    def _of(self, kind: str) -> list[Data]:
        return self._found.get(kind, [])

    # How something is changed.

    def _change(self, part: str, before: t.Any, after: t.Any, write: t.Callable[..., t.Any], *arguments: t.Any) -> t.Any:
        """Note a difference and, outside of check mode, write it. Returns what the write returned, None in check mode."""
        self._changes.append({"part": part, "before": before, "after": after})
        if self._only_notes:
            return None
        return self._patiently(write, *arguments)

    def _patiently(self, write: t.Callable[..., t.Any], *arguments: t.Any) -> t.Any:
        """EC2 may not know everywhere yet what it has just made."""
        deadline = self._context.clock.monotonic() + _NOT_YET_SECONDS
        while True:
            try:
                return write(self._client, *arguments)
            except Exception as error:
                if not ec2.is_not_yet(error) or self._context.clock.monotonic() >= deadline:
                    raise
                self._context.clock.sleep(1.0)

    def _tags(self, suffix: str = "", **more: str) -> dict[str, str]:
        return {**self._own_tags, "Name": self._name + suffix, **more}

    def _retag(self, part: str, resource_id: str, found: Data, wanted: dict[str, str]) -> None:
        has = mapping(found.get("Tags") or ())
        untagged = missing(has, wanted)
        if untagged:
            before = {key: has[key] for key in untagged if key in has}
            self._change(f"{part}.tags", before, untagged, ec2.create_tags, resource_id, untagged)

    def _id(self) -> str:
        """Empty in check mode without a VPC, where nothing is asked of it."""
        return str(self._vpc["VpcId"]) if self._vpc is not None else ""

    # The parts, in the order in which they need each other.

    def _make_vpc(self) -> None:
        if self._vpc is None:
            self._vpc = self._change("vpc", None, self._params["cidr"], ec2.create_vpc, self._params["cidr"], self._tags())
            self._switched = {"enableDnsSupport": True, "enableDnsHostnames": False}
        else:
            self._retag("vpc", self._id(), self._vpc, self._tags())
        for attribute, is_on in self._switched.items():
            if not is_on:
                self._change(f"vpc.{attribute}", False, True, ec2.set_vpc_attribute, self._id(), attribute)
        if self._params["ipv6"]:
            self._ipv6 = network.ipv6_block(self._vpc or {})
            if self._ipv6 is None:
                if network.ipv6_to_be(self._vpc or {}) is None:
                    self._change("vpc.ipv6", None, "a range of Amazon's", ec2.give_ipv6, self._id())
                self._ipv6 = None if self._context.check_mode else self._given_ipv6()

    def _given_ipv6(self) -> str:
        deadline = self._context.clock.monotonic() + _NOT_YET_SECONDS
        while True:
            block = next((network.ipv6_block(vpc) for vpc in ec2.vpcs_of_name(self._client, self._name)), None)
            if block is not None:
                return block
            if self._context.clock.monotonic() >= deadline:
                raise VerbFailure(f"EC2 has not given the VPC {self._id()} an IPv6 range within {_NOT_YET_SECONDS:g} s. Run this again.")
            self._context.clock.sleep(1.0)

    def _make_internet_gateways(self) -> None:
        found = next(iter(self._of("internet_gateways")), None)
        if found is not None:
            self._internet_gateway = found["InternetGatewayId"]
            self._retag("internet_gateway", found["InternetGatewayId"], found, self._tags())
        else:
            self._internet_gateway = self._change("internet_gateway", None, self._name, self._new_internet_gateway)
        if not self._params["ipv6"]:
            return
        egress = next(iter(self._of("egress_gateways")), None)
        if egress is not None:
            self._egress_gateway = egress["EgressOnlyInternetGatewayId"]
            self._retag("egress_gateway", egress["EgressOnlyInternetGatewayId"], egress, self._tags())
        else:
            made = self._change("egress_gateway", None, self._name, ec2.create_egress_gateway, self._id(), self._tags())
            self._egress_gateway = made and made["EgressOnlyInternetGatewayId"]

    def _new_internet_gateway(self, client: t.Any) -> str:
        loose = ec2.loose_internet_gateways(client, self._name)
        gateway = loose[0] if loose else ec2.create_internet_gateway(client, self._tags())
        gateway_id = str(gateway["InternetGatewayId"])
        self._patiently(ec2.attach_internet_gateway, gateway_id, self._id())
        return gateway_id

    def _make_subnets(self) -> None:
        by_cidr = {item["CidrBlock"]: item for item in self._of("subnets")}
        for subnet in network.subnets(self._params):
            found = by_cidr.get(subnet.cidr)
            part = f"subnet {subnet.tier} {subnet.zone}"
            tags = self._tags(f"-{subnet.tier}-{subnet.zone}", tier=subnet.tier)
            if found is None:
                found = self._change(part, None, subnet.cidr, self._new_subnet, subnet, tags)
            else:
                self._retag(part, found["SubnetId"], found, tags)
            self._subnet_ids[subnet] = found["SubnetId"] if found else None
            if found is not None:
                self._set_subnet(part, subnet, found)

    def _new_subnet(self, client: t.Any, subnet: network.Subnet, tags: dict[str, str]) -> Data:
        request: Data = {"VpcId": self._id(), "CidrBlock": subnet.cidr, "AvailabilityZone": subnet.zone}
        if self._ipv6:
            request["Ipv6CidrBlock"] = network.ipv6_of(self._ipv6, subnet)
        return ec2.create_subnet(client, request, tags)

    def _set_subnet(self, part: str, subnet: network.Subnet, found: Data) -> None:
        subnet_id = found["SubnetId"]
        if self._ipv6 and network.ipv6_to_be(found) is None:
            block = network.ipv6_of(self._ipv6, subnet)
            self._change(f"{part}.ipv6", None, block, ec2.give_subnet_ipv6, subnet_id, block)
        wanted = {
            "MapPublicIpOnLaunch": subnet.tier == "public" and self._params["map_public_ip"],
            **({"AssignIpv6AddressOnCreation": True} if self._params["ipv6"] else {}),
        }
        for attribute, value in wanted.items():
            if bool(found.get(attribute)) != value:
                self._change(f"{part}.{attribute}", not value, value, ec2.set_subnet_attribute, subnet_id, attribute, value)

    def _make_nat_gateways(self) -> None:
        for zone in network.nat_zones(self._params):
            public = next(each for each in self._subnet_ids if each.tier == "public" and each.zone == zone)
            subnet_id, tags, part = self._subnet_ids[public], self._tags(f"-{zone}"), f"nat_gateway {zone}"
            found = next((item for item in self._of("nat_gateways") if item["SubnetId"] == subnet_id), None)
            if found is None:
                found = self._change(part, None, self._name, self._new_nat_gateway, subnet_id, tags)
            else:
                self._retag(part, found["NatGatewayId"], found, tags)
            self._nat[zone] = found

    def _new_nat_gateway(self, client: t.Any, subnet_id: str, tags: dict[str, str]) -> Data:
        # An address of that name without a gateway is what a run that was stopped has left.
        free = [item for item in ec2.addresses_of_name(client, tags["Name"]) if not item.get("AssociationId")]
        address = free[0]["AllocationId"] if free else ec2.allocate_address(client, tags)
        self._context.progress(f"started the NAT gateway {tags['Name']}")
        return ec2.create_nat_gateway(client, subnet_id, address, tags)

    def _make_endpoint_group(self) -> str | None:
        """The security group of the interface endpoints: HTTPS from inside the VPC. None where there are no such endpoints."""
        if not self._interface_services():
            return None
        name = f"{self._name}-endpoints"
        found = next((item for item in self._of("security_groups") if item["GroupName"] == name), None)
        rule = [
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "IpRanges": [{"CidrIp": self._params["cidr"], "Description": "From inside the VPC"}],
            }
        ]
        if found is None:
            group_id = self._change(
                "security_group endpoints",
                None,
                name,
                ec2.create_security_group,
                self._id(),
                name,
                "HTTPS from inside the VPC to its endpoints",
                self._tags("-endpoints"),
            )
            found = {"GroupId": group_id, "IpPermissions": []}
        else:
            self._retag("security_group endpoints", found["GroupId"], found, self._tags("-endpoints"))
        if not any(_is_https_from(item, self._params["cidr"]) for item in found["IpPermissions"]):
            self._change(
                "security_group endpoints.ingress",
                None,
                f"443 from {self._params['cidr']}",
                ec2.authorize_ingress,
                found["GroupId"],
                rule,
            )
        return t.cast("str | None", found["GroupId"])

    def _interface_services(self) -> list[str]:
        return [name for name in self._params["endpoints"] if name not in network.GATEWAY_ENDPOINTS]

    def _service(self, name: str) -> str:
        return network.endpoint_service(self._client.meta.partition, self._client.meta.region_name, name)

    def _private(self) -> list[str | None]:
        return [identifier for subnet, identifier in self._subnet_ids.items() if subnet.tier == "private"]

    def _endpoint(self, name: str) -> Data | None:
        return next((item for item in self._of("endpoints") if item["ServiceName"] == self._service(name)), None)

    def _make_interface_endpoints(self, group_id: str | None) -> None:
        for name in self._interface_services():
            found, part, tags = self._endpoint(name), f"endpoint {name}", self._tags(f"-{name}")
            if found is None:
                request: Data = {
                    "VpcId": self._id(),
                    "VpcEndpointType": "Interface",
                    "ServiceName": self._service(name),
                    "SubnetIds": self._private(),
                    "SecurityGroupIds": [group_id],
                    "PrivateDnsEnabled": True,
                }
                found = self._change(part, None, self._service(name), ec2.create_endpoint, request, tags)
            else:
                self._retag(part, found["VpcEndpointId"], found, tags)
                self._adjust_endpoint(part, found, "SubnetIds", [str(each) for each in self._private()])
                groups = {"SecurityGroupIds": [each["GroupId"] for each in found.get("Groups") or ()]}
                self._adjust_endpoint(part, {**found, **groups}, "SecurityGroupIds", [str(group_id)])
            self._endpoint_ids[name] = found["VpcEndpointId"] if found else None

    def _adjust_endpoint(self, part: str, found: Data, member: str, wanted: list[str]) -> None:
        there = found.get(member) or []
        more, less = sorted(set(wanted) - set(there)), sorted(set(there) - set(wanted))
        if not more and not less:
            return
        # AddSubnetIds and RemoveSubnetIds, and likewise for groups and route tables.
        request = {**({f"Add{member}": more} if more else {}), **({f"Remove{member}": less} if less else {})}
        self._change(
            f"{part}.{member}",
            sorted(there),
            sorted(wanted),
            ec2.modify_endpoint,
            found["VpcEndpointId"],
            request,
        )

    def _lock_default_group(self) -> None:
        """Nobody in, nobody out: what is launched without a group of its own reaches nothing (CIS AWS Foundations Benchmark)."""
        if not self._params["lock_default_security_group"]:
            return
        groups = self._of("security_groups")
        if self._vpc is not None and not groups:
            groups = ec2.security_groups(self._client, self._id())
        found = next((item for item in groups if item["GroupName"] == "default"), None)
        if found is None:
            # Check mode, without a VPC: every new one has a default group with rules.
            self._change("security_group default", "open to itself", "no rules", lambda client: None)
            return
        for member, revoke in (("IpPermissions", ec2.revoke_ingress), ("IpPermissionsEgress", ec2.revoke_egress)):
            rules = [_as_request(rule) for rule in found[member]]
            if rules:
                self._change(
                    f"security_group default.{member}",
                    rules,
                    [],
                    revoke,
                    found["GroupId"],
                    rules,
                )

    def _wait(self) -> None:
        """Until NAT gateways and interface endpoints are there, all of them together."""
        clock, context = self._context.clock, self._context
        deadline = clock.monotonic() + self._params["finish_timeout"]
        said = ""
        while True:
            pending = self._pending()
            if not pending:
                return
            if clock.monotonic() >= deadline:
                raise VerbFailure(
                    f"finish_timeout: still being made after {self._params['finish_timeout']} s: {', '.join(pending)}. "
                    "Run this again to wait longer."
                )
            words = ", ".join(pending)
            if words != said:
                said = words
                context.progress(f"waiting for {words}")
            clock.sleep(_POLL_SECONDS)

    def _pending(self) -> list[str]:
        pending = []
        for zone, gateway in self._nat.items():
            if gateway is not None and gateway["State"] == "pending":
                gateway = self._nat[zone] = self._patiently(ec2.nat_gateway, gateway["NatGatewayId"])
                if gateway["State"] == "failed":
                    raise VerbFailure(
                        f"The NAT gateway {gateway['NatGatewayId']} in {zone} failed: "
                        f"{gateway.get('FailureMessage') or 'AWS gives no reason'}. Run this again to make another one."
                    )
                if gateway["State"] == "pending":
                    pending.append(f"NAT gateway in {zone}")
        wanted = {identifier for name, identifier in self._endpoint_ids.items() if name in self._interface_services()}
        if wanted:
            there = {item["VpcEndpointId"]: str(item["State"]).lower() for item in ec2.endpoints(self._client, self._id())}
            pending += [f"endpoint {name}" for name, each in self._endpoint_ids.items() if there.get(str(each), "pending") == "pending"]
        return pending

    def _make_route_tables(self) -> None:
        public = {network.EVERYWHERE: self._internet_gateway}
        if self._params["ipv6"]:
            public[network.EVERYWHERE_6] = self._internet_gateway
        subnets = list(self._subnet_ids)
        no_ipv6 = {network.EVERYWHERE_6} if self._drops_ipv6 else set()
        self._make_route_table("public", [each for each in subnets if each.tier == "public"], public, no_ipv6)
        for subnet in [each for each in subnets if each.tier == "private"]:
            routes: dict[str, str | None] = {}
            unwanted = set(no_ipv6)
            nat_zone = network.nat_of_zone(self._params, subnet.zone)
            if nat_zone is None:
                unwanted.add(network.EVERYWHERE)
            else:
                gateway = self._nat[nat_zone]
                # A route to a gateway that is not there yet is refused; `finish` makes it.
                if gateway is None or gateway["State"] == "available":
                    routes[network.EVERYWHERE] = gateway["NatGatewayId"] if gateway else None
            if self._params["ipv6"]:
                routes[network.EVERYWHERE_6] = self._egress_gateway
            self._make_route_table(f"private-{subnet.zone}", [subnet], routes, unwanted)

    def _make_route_table(
        self, name: str, subnets: list[network.Subnet], routes: dict[str, str | None], unwanted: t.Collection[str]
    ) -> None:
        part, tags = f"route_table {name}", self._tags(f"-{name}")
        found = next((item for item in self._of("route_tables") if network.name_of(item) == tags["Name"]), None)
        if found is None:
            found = self._change(part, None, tags["Name"], ec2.create_route_table, self._id(), tags) or {}
        else:
            self._retag(part, found["RouteTableId"], found, tags)
        table_id = self._tables[name] = found.get("RouteTableId")
        associations = {
            item["SubnetId"]: (table["RouteTableId"], item["RouteTableAssociationId"])
            for table in self._of("route_tables")
            for item in table.get("Associations") or ()
            if item.get("SubnetId")
        }
        for subnet in subnets:
            subnet_id = self._subnet_ids[subnet]
            other, association = associations.get(str(subnet_id), (None, None))
            if other is None or other != table_id:
                write = (
                    (ec2.replace_association, association, table_id) if association else (ec2.associate_route_table, table_id, subnet_id)
                )
                self._change(f"{part}.subnet", other, f"{subnet.tier} {subnet.zone}", *write)
        for cidr, target in routes.items():
            self._make_route(part, found, cidr, target)
        for cidr in unwanted:
            before = network.target_of(found, cidr)
            if before is not None:
                self._change(
                    f"{part}.route {cidr}",
                    before,
                    None,
                    ec2.delete_route,
                    table_id,
                    network.destination(cidr),
                )

    def _make_route(self, part: str, table: Data, cidr: str, target: str | None) -> None:
        before = network.target_of(table, cidr)
        if before is not None and before == target:
            return
        write = ec2.create_route if before is None else ec2.replace_route
        # Without a target there is none to name yet: check mode.
        route = {**network.destination(cidr), **network.route_target(target or "")}
        self._change(f"{part}.route {cidr}", before, target or "a new gateway", write, table.get("RouteTableId"), route)

    def _make_gateway_endpoints(self) -> None:
        tables = [identifier for name, identifier in self._tables.items() if name != "public"]
        for name in [each for each in self._params["endpoints"] if each in network.GATEWAY_ENDPOINTS]:
            found, part, tags = self._endpoint(name), f"endpoint {name}", self._tags(f"-{name}")
            if found is None:
                request = {"VpcId": self._id(), "VpcEndpointType": "Gateway", "ServiceName": self._service(name), "RouteTableIds": tables}
                found = self._change(part, None, self._service(name), ec2.create_endpoint, request, tags)
            else:
                self._retag(part, found["VpcEndpointId"], found, tags)
                self._adjust_endpoint(part, found, "RouteTableIds", [str(each) for each in tables])
            self._endpoint_ids[name] = found["VpcEndpointId"] if found else None

    def _remove_endpoints(self) -> None:
        """Endpoints of ours that are not wanted any more. They are paid for by the hour."""
        wanted = {self._service(name) for name in self._params["endpoints"]}
        for item in self._of("endpoints"):
            name = network.endpoint_name(item["ServiceName"], self._client.meta.region_name)
            if item["ServiceName"] not in wanted and network.name_of(item) == f"{self._name}-{name}":
                self._change(f"endpoint {name}", item["ServiceName"], None, ec2.delete_endpoint, item["VpcEndpointId"])

    def _make_flow_log(self) -> None:
        """A flow log cannot be changed: another one takes its place, and the old one goes then."""
        own = [item for item in self._of("flow_logs") if network.name_of(item) == self._name]
        wanted = self._wanted_log
        current = next((item for item in own if wanted is not None and _flow_log(item) == wanted), None)
        if wanted is not None and current is None:
            self._change("flow_log", _flow_log(own[0]) if own else None, wanted, self._new_flow_log, wanted)
        for item in own:
            if item is current:
                continue
            if wanted is None or current is not None:
                self._change("flow_log", _flow_log(item), None, ec2.delete_flow_log, item["FlowLogId"])
            elif not self._only_notes:
                ec2.delete_flow_log(self._client, item["FlowLogId"])

    def _wanted_flow_log(self) -> Data | None:
        destination = self._params["flow_log_destination"]
        if not destination:
            return None
        kind = "s3" if destination.startswith("arn:") and ":s3:" in destination else "cloud-watch-logs"
        if kind == "s3":
            return {"kind": kind, "destination": destination, "role": "", "traffic": self._params["flow_log_traffic"].upper()}
        role = self._params["flow_log_role"] or ""
        if not role:
            self._refuse(["flow_log_role: a flow log to CloudWatch needs a role that writes it. Name one."])
        return {"kind": kind, "destination": destination, "role": role, "traffic": self._params["flow_log_traffic"].upper()}

    def _new_flow_log(self, client: t.Any, wanted: Data) -> None:
        request: Data = {
            "ResourceType": "VPC",
            "ResourceIds": [self._id()],
            "TrafficType": wanted["traffic"],
            "LogDestinationType": wanted["kind"],
        }
        if wanted["kind"] == "s3":
            request["LogDestination"] = wanted["destination"]
        else:
            account = (self._vpc or {})["OwnerId"]
            request |= {
                "LogGroupName": wanted["destination"],
                "DeliverLogsPermissionArn": f"arn:{self._client.meta.partition}:iam::{account}:role/{wanted['role']}",
            }
        made, faults = ec2.create_flow_log(client, request, self._tags())
        if made is None:
            raise VerbFailure(f"flow_log_destination: EC2 made no flow log to {wanted['destination']}: {faults}")

    def _remove_nat_gateways(self) -> None:
        """NAT gateways of ours that are not wanted any more, with their addresses. Nothing is routed to them by now."""
        kept = {item["NatGatewayId"] for item in self._nat.values() if item is not None}
        names = {f"{self._name}-{zone}": zone for zone in self._params["zones"]}
        for item in self._of("nat_gateways"):
            if item["NatGatewayId"] not in kept and network.name_of(item) in names:
                self._change(f"nat_gateway {names[network.name_of(item)]}", item["NatGatewayId"], None, self._drop_nat, item)

    def _drop_nat(self, client: t.Any, gateway: Data) -> None:
        clock = self._context.clock
        ec2.delete_nat_gateway(client, gateway["NatGatewayId"])
        self._context.progress(f"removing the NAT gateway {gateway['NatGatewayId']}")
        deadline = clock.monotonic() + self._params["finish_timeout"]
        while ec2.nat_gateway(client, gateway["NatGatewayId"])["State"] != "deleted":
            if clock.monotonic() >= deadline:
                raise VerbFailure(f"finish_timeout: the NAT gateway {gateway['NatGatewayId']} is still being deleted. Run this again.")
            clock.sleep(_POLL_SECONDS)
        for address in gateway.get("NatGatewayAddresses") or ():
            if address.get("AllocationId"):
                ec2.release_address(client, address["AllocationId"])

    def _remove_ipv6(self) -> None:
        """Take back what an earlier run gave, when nothing is routed to it any more; the gateway last."""
        if not self._drops_ipv6:
            return
        for subnet, item in ((each, item) for each in self._subnet_ids for item in self._of("subnets") if item["CidrBlock"] == each.cidr):
            part, subnet_id = f"subnet {subnet.tier} {subnet.zone}", item["SubnetId"]
            if item.get("AssignIpv6AddressOnCreation"):
                attribute = "AssignIpv6AddressOnCreation"
                self._change(f"{part}.{attribute}", True, False, ec2.set_subnet_attribute, subnet_id, attribute, False)
            for association in network.ipv6_associations(item):
                self._change(f"{part}.ipv6", network.ipv6_to_be(item), None, ec2.take_subnet_ipv6, association)
        vpc = self._vpc or {}
        for association in network.ipv6_associations(vpc):
            self._change("vpc.ipv6", network.ipv6_to_be(vpc), None, self._take_ipv6, association)
        for gateway in self._of("egress_gateways"):
            identifier = gateway["EgressOnlyInternetGatewayId"]
            if network.name_of(gateway) == self._name:
                self._change("egress_gateway", identifier, None, ec2.delete_egress_gateway, identifier)

    def _take_ipv6(self, client: t.Any, association: str) -> None:
        # A range goes when no subnet has a part of it any more.
        deadline = self._context.clock.monotonic() + _NOT_YET_SECONDS
        while any(network.ipv6_is_going(item) for item in ec2.subnets(client, self._id())):
            if self._context.clock.monotonic() >= deadline:
                raise VerbFailure(f"The subnets of {self._id()} still have IPv6 ranges after {_NOT_YET_SECONDS:g} s. Run this again.")
            self._context.clock.sleep(1.0)
        ec2.take_ipv6(client, association)

    def _result(self, finished: bool) -> Data:
        ids = self._subnet_ids.items()
        own_logs = [item for item in self._of("flow_logs") if network.name_of(item) == self._name]
        wanted_log = self._wanted_log
        result: Data = {
            "changed": bool(self._changes),
            "differences": self._changes,
            "vpc_id": self._vpc and self._vpc["VpcId"],
            "public_subnet_ids": [identifier for subnet, identifier in ids if subnet.tier == "public"],
            "private_subnet_ids": [identifier for subnet, identifier in ids if subnet.tier == "private"],
            "internet_gateway_id": self._internet_gateway,
            "nat_gateway_ids": [item and item["NatGatewayId"] for item in self._nat.values()],
            "nat_addresses": [address for item in self._nat.values() for address in _public_addresses(item)],
            "route_table_ids": self._tables,
            "endpoint_ids": self._endpoint_ids,
            "ipv6_cidr": self._ipv6,
            "finished": finished,
            "partition": self._client.meta.partition,
            "flow_log_in_order": wanted_log is None or any(_flow_log(item) == wanted_log for item in own_logs),
        }
        if self._changes and self._context.diff_mode:
            result["diff"] = {side: _text(self._changes, side) for side in ("before", "after")}
        return result


def _text(changes: list[Data], side: str) -> str:
    return "".join(f"{change['part']}: {change[side]}\n" for change in changes if change[side] not in (None, {}))


def _flow_log(item: Data) -> Data:
    kind = item.get("LogDestinationType") or "cloud-watch-logs"
    role = str(item.get("DeliverLogsPermissionArn") or "").rpartition("/")[2]
    there = item.get("LogDestination") if kind == "s3" else item.get("LogGroupName")
    return {"kind": kind, "destination": there, "role": role, "traffic": item.get("TrafficType")}


def _is_https_from(rule: Data, cidr: str) -> bool:
    ports = (rule.get("IpProtocol"), rule.get("FromPort"), rule.get("ToPort"))
    return ports == ("tcp", 443, 443) and any(each.get("CidrIp") == cidr for each in rule.get("IpRanges") or ())


def _as_request(rule: Data) -> Data:
    """A rule as a request may name it: without lists that are empty."""
    return {key: value for key, value in rule.items() if value not in ([], None)}


def _public_addresses(gateway: Data | None) -> list[str]:
    return [str(item["PublicIp"]) for item in (gateway or {}).get("NatGatewayAddresses") or () if item.get("PublicIp")]


VERB = Verb(name="vpc_network", argument_spec=ARGUMENT_SPEC, run=run)
