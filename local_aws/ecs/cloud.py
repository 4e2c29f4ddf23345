"""What the ECS room reads from moto's part of the control plane: clusters, task definitions, subnets, target groups."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from moto.backends import get_backend

from local_aws.interfaces import AwsError, JsonObject


def backend(service: str, account: str, region: str) -> Any:
    return get_backend(service)[account][region]  # type: ignore[call-overload]  # moto types only literal service names


@dataclass(frozen=True)
class Cluster:
    name: str
    arn: str
    providers: tuple[str, ...]
    default_strategy: tuple[JsonObject, ...]


def cluster(account: str, region: str, reference: str | None) -> Cluster:
    """The ACTIVE cluster of that name or ARN (`default` when not given). Raises ClusterNotFoundException."""
    name = (reference or "default").rsplit("/", 1)[-1]
    found = backend("ecs", account, region).clusters.get(name)
    if found is None or found.status != "ACTIVE":
        raise AwsError("ClusterNotFoundException", "Cluster not found.")
    return Cluster(name, found.arn, tuple(found.capacity_providers or ()), tuple(found.default_capacity_provider_strategy or ()))


def clusters(account: str, region: str) -> list[Any]:
    return list(backend("ecs", account, region).clusters.values())


def capacity_provider(account: str, region: str, name: str) -> JsonObject | None:
    """`{"name", "managed": bool}` of a capacity provider, None when there is none of that name or ARN."""
    providers = backend("ecs", account, region).capacity_providers
    found = providers.get(name.rsplit("/", 1)[-1])
    if found is None:
        return None
    details = getattr(found, "auto_scaling_group_provider", None) or {}
    scaling = details.get("managedScaling") or details.get("managed_scaling") or {}
    return {"name": found.name, "managed": scaling.get("status") == "ENABLED"}


def definition_record(account: str, region: str, reference: str, missing: str) -> Any:
    """moto's record of `family`, `family:revision` or an ARN. A bare family is its latest ACTIVE revision.

    Raises ClientException with the text `missing` when there is none.
    """
    families = backend("ecs", account, region).task_definitions
    family, _, revision = reference.rsplit("/", 1)[-1].partition(":")
    revisions = families.get(family, {})
    if revision:
        found = revisions.get(int(revision)) if revision.isdigit() else None
    else:
        active = [number for number, record in revisions.items() if record.status == "ACTIVE"]
        found = revisions[max(active)] if active else None
    if found is None:
        raise AwsError("ClientException", missing)
    return found


@dataclass(frozen=True)
class Subnet:
    id: str
    vpc_id: str
    zone: str
    cidr: str


def subnet(account: str, region: str, subnet_id: str) -> Subnet:
    """Raises the InvalidParameterException that CreateService gives for a subnet that does not exist."""
    zones = list(backend("ec2", account, region).subnets.values())
    found = next((subnets[subnet_id] for subnets in zones if subnet_id in subnets), None)
    if found is None:
        raise AwsError(
            "InvalidParameterException",
            f"Error retrieving subnet information for [{subnet_id}]: The subnet ID '{subnet_id}' does not exist "
            "(ErrorCode: InvalidSubnetID.NotFound)",
        )
    return Subnet(found.id, found.vpc_id, found.availability_zone, found.cidr_block)


def security_groups_exist(account: str, region: str, group_ids: list[str]) -> None:
    """Raises InvalidParameterException for the first security group that does not exist."""
    of_vpcs = list(backend("ec2", account, region).groups.values())
    for group_id in group_ids:
        if not any(group_id in groups for groups in of_vpcs):
            raise AwsError(
                "InvalidParameterException",
                f"Error retrieving security group information for [{group_id}]: The security group '{group_id}' does not exist "
                "(ErrorCode: InvalidGroup.NotFound)",
            )


def instance_address(account: str, region: str, instance_id: str) -> str | None:
    """Private address of an EC2 instance; None when moto has no such instance."""
    for reservation in list(backend("ec2", account, region).reservations.values()):
        for instance in reservation.instances:
            if instance.id == instance_id:
                return str(instance.private_ip)
    return None


def instance_type_facts(account: str, region: str, instance_type: str) -> JsonObject | None:
    """DescribeInstanceTypes' entry, from the real table that moto ships."""
    types = backend("ec2", account, region).describe_instance_types([instance_type])
    return types[0] if types else None


def target_group(account: str, region: str, arn: str) -> JsonObject | None:
    """`{"type", "attached"}` of a target group: its target type and whether a load balancer uses it. None when unknown."""
    elb = backend("elbv2", account, region)
    found = elb.target_groups.get(arn)
    if found is None:
        return None
    return {"type": found.target_type or "instance", "attached": bool(found.load_balancer_arns) or _in_a_listener(elb, arn)}


def _in_a_listener(elb: Any, arn: str) -> bool:
    # moto notes the load balancer when a listener or rule is created, not when one is modified.
    for balancer in list(elb.load_balancers.values()):
        for listener in balancer.listeners.values():
            actions = [*listener.default_actions, *(action for rule in listener.rules.values() for action in rule.actions)]
            if any(arn in str(action.data) for action in actions):
                return True
    return False


def fresh(value: Any) -> Any:
    """A copy that the caller may keep and change."""
    return copy.deepcopy(value)


def definition_families(account: str, region: str) -> dict[str, dict[int, Any]]:
    """moto's task definitions: family -> revision -> record."""
    return {family: dict(revisions) for family, revisions in backend("ecs", account, region).task_definitions.items()}
