"""What the ECS room leaves in moto's state for other AWS services to see: tasks' network interfaces, and which services exist."""

from __future__ import annotations

import ipaddress
from contextlib import AbstractContextManager
from typing import Any

from local_aws.ecs import cloud
from local_aws.ecs.state import Eni, Service, hex_id
from local_aws.interfaces import AwsError

RESERVED_ADDRESSES = 4
"""A subnet's first four addresses belong to AWS (network, router, DNS, future use), as does its last one."""


class Imprint:
    """Writes to moto's backends, holding moto's lock: its state is not safe for threads."""

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        self._lock = lock
        self._last_offset: dict[str, int] = {}
        """Subnet id -> where in the subnet the last address was taken."""

    def create_interface(self, account: str, region: str, subnet_id: str, group_ids: list[str], task_arn: str) -> Eni:
        """A network interface with a free address of the subnet, visible in DescribeNetworkInterfaces. AwsError when all are taken."""
        with self._lock:
            ec2 = cloud.backend("ec2", account, region)
            record = ec2.get_subnet(subnet_id)
            used = {address for eni in ec2.enis.values() if eni.subnet.id == subnet_id for address in _addresses(eni)}
            used |= set(getattr(record, "_subnet_ips", {}))
            address = self._free_address(subnet_id, record.cidr_block, used)
            eni = ec2.create_network_interface(
                subnet=record,
                private_ip_address=address,
                group_ids=group_ids,
                description=f"arn:aws:ecs:{region}:{account}:attachment/{hex_id()}",
                tags={"aws:ecs:taskArn": task_arn},
            )
            eni.status = "in-use"
            return Eni(eni.id, hex_id(), subnet_id, eni.mac_address, address, getattr(eni, "private_dns_name", None) or None)

    def _free_address(self, subnet_id: str, cidr: str, used: set[str]) -> str:
        """The next address of the subnet that nobody has: not at once the one given back last."""
        network = ipaddress.ip_network(cidr)
        usable = network.num_addresses - RESERVED_ADDRESSES - 1
        for step in range(1, usable + 1):
            offset = (self._last_offset.get(subnet_id, -1) + step) % usable
            address = str(network[RESERVED_ADDRESSES + offset])
            if address not in used:
                self._last_offset[subnet_id] = offset
                return address
        raise AwsError(
            "InvalidParameterException", "The subnet does not have enough free addresses (ErrorCode: InsufficientFreeAddressesInSubnet)"
        )

    def delete_interface(self, account: str, region: str, eni: Eni) -> None:
        with self._lock:
            cloud.backend("ec2", account, region).enis.pop(eni.id, None)

    def note_service(self, service: Service) -> None:
        """moto's Application Auto Scaling and tagging APIs ask moto's ECS whether a service exists: give it one of that name."""
        with self._lock:
            ecs = cloud.backend("ecs", service.account, service.region)
            ecs.services[f"{service.cluster}:{service.name}"] = MotoService(service)

    def forget_service(self, service: Service) -> None:
        with self._lock:
            ecs = cloud.backend("ecs", service.account, service.region)
            ecs.services.pop(f"{service.cluster}:{service.name}", None)


class MotoService:
    """As much of moto's own service record as its other services read."""

    def __init__(self, service: Service) -> None:
        self.arn = self.physical_resource_id = service.arn
        self.name = service.name
        self.cluster_name = service.cluster
        self.cluster_arn = service.cluster_arn
        self.task_sets: list[Any] = []
        self._service = service

    @property
    def tags(self) -> list[dict[str, Any]]:
        return self._service.tags

    @property
    def desired_count(self) -> int:
        return self._service.desired


def _addresses(eni: Any) -> list[str]:
    return [eni.private_ip_address, *(item["PrivateIpAddress"] for item in eni.private_ip_addresses)]
