"""What an instance type offers to ECS, from the table of real EC2 types that moto ships."""

from __future__ import annotations

from dataclasses import dataclass

CPU_UNITS_OF_VCPU = 1024
KERNEL_MIB = 24
KERNEL_SHARE = 0.0223
"""What Docker reports is less than the type's memory. Fitted to two real ones: t2.small 1978 of 2048 MiB, m4.large 7985 of 8192 [I]."""


@dataclass(frozen=True)
class Offer:
    cpu_units: int
    memory_mib: int
    """What an agent registers with no ECS_RESERVED_MEMORY."""
    architecture: str
    """x86_64 or arm64."""
    eni_slots: int
    """Network interfaces of the default card, less the instance's own (ecs-facts.md 5)."""


def offer_of(instance_type: str) -> Offer:
    """Raises KeyError for a type that EC2 did not have when the table was made."""
    # Reading the table takes a second, which the start of local_aws need not wait for.
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    known = INSTANCE_TYPES[instance_type]
    network = known["NetworkInfo"]
    cards = network.get("NetworkCards", [])
    default_card = network.get("DefaultNetworkCardIndex", 0)
    interfaces = next(
        (card["MaximumNetworkInterfaces"] for card in cards if card["NetworkCardIndex"] == default_card),
        network["MaximumNetworkInterfaces"],
    )
    memory = int(known["MemoryInfo"]["SizeInMiB"])
    return Offer(
        cpu_units=CPU_UNITS_OF_VCPU * int(known["VCpuInfo"]["DefaultVCpus"]),
        memory_mib=memory - KERNEL_MIB - int(memory * KERNEL_SHARE),
        architecture="arm64" if "arm64" in known["ProcessorInfo"]["SupportedArchitectures"] else "x86_64",
        eni_slots=int(interfaces) - 1,
    )
