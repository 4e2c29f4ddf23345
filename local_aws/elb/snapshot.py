"""moto's load balancers, listeners and target groups, read into values that do not change under a request."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from moto.backends import get_backend

from local_aws.elb.rules import DEFAULT_PRIORITY, Forward, Rule, parse_action, parse_condition

TRAFFIC_PORT = "traffic-port"


@dataclass(frozen=True)
class HealthCheck:
    enabled: bool
    protocol: str
    port: str
    """A number or `traffic-port`."""
    path: str
    interval: float
    """AWS seconds, as is `timeout`."""
    timeout: float
    healthy_threshold: int
    unhealthy_threshold: int
    matcher: str


@dataclass(frozen=True)
class TargetGroup:
    arn: str
    account: str
    region: str
    protocol: str
    port: int
    target_type: str
    vpc_id: str | None
    check: HealthCheck
    deregistration_delay: float
    """AWS seconds."""
    algorithm: str
    sticky_seconds: int | None
    """Duration of the load balancer's own cookie, when stickiness is on."""
    load_balancers: tuple[str, ...] = ()
    """ARNs of the load balancers that have a rule which forwards here."""
    zones: frozenset[str] = frozenset()
    """Availability zones that those have enabled."""


@dataclass(frozen=True)
class Listener:
    arn: str
    load_balancer_arn: str
    port: int
    protocol: str
    certificate_arns: tuple[str, ...]
    """The default one first."""
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class LoadBalancer:
    arn: str
    account: str
    region: str
    name: str
    zones: frozenset[str]
    idle_timeout: float
    """AWS seconds (attribute idle_timeout.timeout_seconds, 60 unless set)."""
    forwarded_for: str
    """append, preserve or remove (attribute routing.http.xff_header_processing.mode)."""
    forwarded_for_port: bool
    listeners: tuple[Listener, ...]


@dataclass(frozen=True)
class Snapshot:
    load_balancers: dict[str, LoadBalancer]
    target_groups: dict[str, TargetGroup]


EMPTY = Snapshot({}, {})


def backends() -> Iterator[tuple[str, str, Any]]:
    """Account, region and moto backend of everything that has been used so far."""
    for account, regions in list(get_backend("elbv2").items()):
        for region, backend in list(regions.items()):
            yield account, region, backend


def read() -> Snapshot:
    """Application load balancers only: other kinds have no data plane here."""
    balancers: dict[str, LoadBalancer] = {}
    groups: dict[str, TargetGroup] = {}
    for account, region, backend in backends():
        for balancer in list(backend.load_balancers.values()):
            if balancer.type == "application":
                balancers[balancer.arn] = _load_balancer(balancer, account, region)
        for group in list(backend.target_groups.values()):
            if group.target_type in ("ip", "instance"):
                groups[group.arn] = _target_group(group, account, region)
    for balancer in balancers.values():
        for arn in _forwarded_to(balancer):
            if arn in groups:
                group = groups[arn]
                groups[arn] = replace(group, load_balancers=(*group.load_balancers, balancer.arn), zones=group.zones | balancer.zones)
    return Snapshot(balancers, groups)


def _forwarded_to(balancer: LoadBalancer) -> set[str]:
    actions = [rule.action for listener in balancer.listeners for rule in listener.rules]
    return {item.target_group_arn for action in actions if isinstance(action, Forward) for item in action.target_groups}


def _load_balancer(balancer: Any, account: str, region: str) -> LoadBalancer:
    attributes = dict(balancer.attrs)
    return LoadBalancer(
        arn=balancer.arn,
        account=account,
        region=region,
        name=balancer.name,
        zones=frozenset(subnet.availability_zone for subnet in balancer.subnets),
        idle_timeout=float(attributes.get("idle_timeout.timeout_seconds", 60)),
        forwarded_for=attributes.get("routing.http.xff_header_processing.mode", "append"),
        forwarded_for_port=attributes.get("routing.http.xff_client_port.enabled") == "true",
        listeners=tuple(_listener(listener) for listener in list(balancer.listeners.values())),
    )


def _listener(listener: Any) -> Listener:
    rules = [
        Rule(
            DEFAULT_PRIORITY if rule.priority == "default" else int(rule.priority),
            tuple(parse_condition(condition) for condition in rule.conditions),
            parse_action([action.data for action in rule.actions]),
        )
        for rule in list(listener.rules.values())
    ]
    return Listener(
        arn=listener.arn,
        load_balancer_arn=listener.load_balancer_arn,
        port=int(listener.port),
        protocol=listener.protocol,
        certificate_arns=tuple(listener.certificates),
        rules=tuple(rules),
    )


def _target_group(group: Any, account: str, region: str) -> TargetGroup:
    attributes = dict(group.attributes)
    sticky = str(attributes.get("stickiness.enabled")).lower() == "true" and attributes.get("stickiness.type") == "lb_cookie"
    return TargetGroup(
        arn=group.arn,
        account=account,
        region=region,
        protocol=group.protocol or "HTTP",
        port=int(group.port or 80),
        target_type=group.target_type,
        vpc_id=group.vpc_id,
        check=HealthCheck(
            enabled=group.health_check_enabled is not False,
            protocol=group.health_check_protocol or group.protocol or "HTTP",
            port=str(group.health_check_port or TRAFFIC_PORT),
            path=group.health_check_path or "/",
            interval=float(group.health_check_interval_seconds),
            timeout=float(group.health_check_timeout_seconds),
            healthy_threshold=int(group.healthy_threshold_count),
            unhealthy_threshold=int(group.unhealthy_threshold_count),
            matcher=(getattr(group, "matcher", None) or {}).get("HttpCode") or "200",
        ),
        deregistration_delay=float(attributes.get("deregistration_delay.timeout_seconds", 300)),
        algorithm=attributes.get("load_balancing.algorithm.type", "round_robin"),
        sticky_seconds=int(attributes.get("stickiness.lb_cookie.duration_seconds", 86400)) if sticky else None,
    )


def zone_of_address(group: TargetGroup, address: str) -> str | None:
    """The zone of the subnet of the group's VPC that the address belongs to."""
    wanted = ipaddress.ip_address(address)
    for subnets in list(get_backend("ec2")[group.account][group.region].subnets.values()):
        for subnet in list(subnets.values()):
            if subnet.vpc_id == group.vpc_id and wanted in ipaddress.ip_network(subnet.cidr_block):
                return str(subnet.availability_zone)
    return None


@dataclass(frozen=True)
class Instance:
    state: str
    address: str | None
    zone: str | None


def instance(group: TargetGroup, instance_id: str) -> Instance | None:
    """An EC2 instance of the group's account and region, or None when there is none of that id."""
    found = get_backend("ec2")[group.account][group.region].get_instance_by_id(instance_id)
    if found is None:
        return None
    return Instance(found.state, found.private_ip, found.subnet_id and _zone_of_subnet(group, found.subnet_id))


def _zone_of_subnet(group: TargetGroup, subnet_id: str) -> str | None:
    for zone, subnets in list(get_backend("ec2")[group.account][group.region].subnets.items()):
        if subnet_id in subnets:
            return str(zone)
    return None


def forget_target(group: TargetGroup, identity: str) -> None:
    """Take a target out of moto's own list, where an Auto Scaling group may have put it."""
    moto_group = get_backend("elbv2")[group.account][group.region].target_groups.get(group.arn)
    if moto_group is not None:
        moto_group.targets.pop(identity, None)


def registered_in_moto(group: TargetGroup) -> dict[str, int]:
    """Ids and ports of targets that moto registered by itself (Auto Scaling groups attach their instances that way)."""
    moto_group = get_backend("elbv2")[group.account][group.region].target_groups.get(group.arn)
    targets = list(moto_group.targets.values()) if moto_group is not None else []
    return {item["Id"]: int(item["Port"] or group.port) for item in targets}


def publish(snapshot: Snapshot, address_of: dict[str, str]) -> None:
    """Write into moto what only the data plane knows: each load balancer's address, and which load balancers use a target group."""
    for _, _, backend in backends():
        for balancer in list(backend.load_balancers.values()):
            if balancer.arn in address_of:
                balancer.dns_name = address_of[balancer.arn]
        for group in list(backend.target_groups.values()):
            if group.arn in snapshot.target_groups:
                group.load_balancer_arns = list(snapshot.target_groups[group.arn].load_balancers)
