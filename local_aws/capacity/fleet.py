"""Reads instances, Auto Scaling groups and capacity providers out of moto, and changes group sizes in it. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.backends import get_backend

from local_aws.capacity.instance_types import offer_of
from local_aws.capacity.refresh import Group
from local_aws.capacity.scaling import Limits, Room
from local_aws.capacity.user_data import agent_settings, decode
from local_aws.control_plane.moto_in_process import Moto
from local_aws.interfaces import InstanceFacts


@dataclass(frozen=True)
class ManagedGroup:
    """An Auto Scaling group under a capacity provider that a cluster uses, with managed scaling on."""

    account: str
    region: str
    cluster: str
    provider: str
    group: str
    instance_ids: tuple[str, ...]
    room: Room
    limits: Limits
    protects: bool
    """managedTerminationProtection is on: an instance that runs a task must not be taken by a scale-in."""


class Fleet:
    def __init__(self, moto: Moto) -> None:
        self._moto = moto

    def running(self) -> dict[str, InstanceFacts]:
        """Every running EC2 instance, by id, whose user data names a cluster that exists."""
        found: dict[str, InstanceFacts] = {}
        with self._moto.lock:
            for account, regions in list(get_backend("ec2").items()):
                for region, backend in list(regions.items()):
                    clusters = get_backend("ecs")[account][region].clusters
                    for reservation in backend.reservations.values():
                        for instance in reservation.instances:
                            facts = self._facts(account, region, instance, clusters) if instance.state == "running" else None
                            if facts is not None:
                                found[instance.id] = facts
        return found

    def _facts(self, account: str, region: str, instance: Any, clusters: Any) -> InstanceFacts | None:
        settings = agent_settings(decode(str(instance.user_data) if instance.user_data else None))
        if settings is None or settings.cluster not in clusters:
            return None
        offer = offer_of(instance.instance_type)
        return InstanceFacts(
            account=account,
            region=region,
            cluster=settings.cluster,
            ec2_instance_id=instance.id,
            instance_type=instance.instance_type,
            zone=str(instance.placement.zone),
            subnet_id=str(instance.subnet_id),
            vpc_id=str(instance.vpc_id),
            ami_id=str(instance.image_id),
            cpu_units=offer.cpu_units,
            memory_mib=offer.memory_mib - settings.reserved_memory_mib,
            architecture=offer.architecture,
            eni_slots=offer.eni_slots,
            capacity_provider=self._provider_of(account, region, clusters[settings.cluster], getattr(instance, "autoscaling_group", None)),
            attributes=settings.attributes,
        )

    def _provider_of(self, account: str, region: str, cluster: Any, group: Any) -> str | None:
        if group is None:
            return None
        providers = get_backend("ecs")[account][region].capacity_providers
        for name in cluster.capacity_providers or []:
            provider = providers.get(name)
            if provider is not None and _names_group(provider.auto_scaling_group_provider["autoScalingGroupArn"], group):
                return str(name)
        return None

    def managed_groups(self) -> list[ManagedGroup]:
        """The groups whose size ECS manages."""
        found = []
        with self._moto.lock:
            for account, regions in list(get_backend("ecs").items()):
                for region, backend in list(regions.items()):
                    groups = get_backend("autoscaling")[account][region].autoscaling_groups.values()
                    for cluster in backend.clusters.values():
                        for name in cluster.capacity_providers or []:
                            details = (
                                backend.capacity_providers[name].auto_scaling_group_provider if name in backend.capacity_providers else None
                            )
                            if details is None or details["managedScaling"]["status"] != "ENABLED":
                                continue
                            group = next((group for group in groups if _names_group(details["autoScalingGroupArn"], group)), None)
                            if group is not None:
                                found.append(_managed(account, region, cluster.name, name, group, details))
        return found

    def heal(self) -> None:
        """What Auto Scaling's health checks do: an instance that no longer runs is replaced, and a launch that failed is tried again."""
        with self._moto.lock:
            for regions in list(get_backend("autoscaling").values()):
                for backend in list(regions.values()):
                    for group in list(backend.autoscaling_groups.values()):
                        if group.suspended_processes:
                            continue
                        for instance_id in [state.instance.id for state in group.instance_states if state.instance.state != "running"]:
                            backend.terminate_instance(instance_id, False)
                        if len(group.active_instances()) < (group.desired_capacity or 0):
                            group.set_desired_capacity(group.desired_capacity)

    def grow(self, group: ManagedGroup, desired: int) -> None:
        with self._moto.lock:
            get_backend("autoscaling")[group.account][group.region].set_desired_capacity(group.group, desired)

    def shrink(self, group: ManagedGroup, instance_ids: list[str]) -> None:
        """Terminate these instances and lower the desired capacity with each."""
        with self._moto.lock:
            backend = get_backend("autoscaling")[group.account][group.region]
            for instance_id in instance_ids:
                backend.terminate_instance(instance_id, True)

    def protect(self, group: ManagedGroup, busy: set[str]) -> None:
        """Scale-in protection on for the instances that run tasks, off for the others."""
        with self._moto.lock:
            live = get_backend("autoscaling")[group.account][group.region].autoscaling_groups.get(group.group)
            for state in live.instance_states if live is not None else []:
                state.protected_from_scale_in = state.instance.id in busy

    def has_group(self, account: str, region: str, name: str) -> bool:
        with self._moto.lock:
            return name in get_backend("autoscaling")[account][region].autoscaling_groups

    def group(self, account: str, region: str, name: str, busy: Callable[[str], bool]) -> Group | None:
        """The group as an instance refresh sees it; None when it is gone. `busy` says of an EC2 id whether tasks run there."""
        with self._moto.lock:
            group = get_backend("autoscaling")[account][region].autoscaling_groups.get(name)
            if group is None:
                return None
            desired, states = int(group.desired_capacity or 0), list(group.instance_states)
            ids = tuple(state.instance.id for state in states)
            protected = frozenset(state.instance.id for state in states if state.protected_from_scale_in)
        return Group(desired, ids, protected, frozenset(item for item in ids if busy(item)))

    def instance_ids(self, account: str, region: str, name: str, only_outdated: bool) -> list[str]:
        """The group's instances, or those of them that another version of its launch template has made."""
        with self._moto.lock:
            group = get_backend("autoscaling")[account][region].autoscaling_groups[name]
            template = group.ec2_launch_template
            current = template.get_version(group.launch_template_version).number if template is not None else None
            return [
                state.instance.id
                for state in group.instance_states
                if not only_outdated or current is None or (state.launch_template or {}).get("Version") != str(current)
            ]

    def drains(self, account: str, region: str, name: str) -> bool:
        """Whether a capacity provider of the group moves tasks before an instance is terminated."""
        with self._moto.lock:
            group = get_backend("autoscaling")[account][region].autoscaling_groups.get(name)
            providers = get_backend("ecs")[account][region].capacity_providers.values()
            return group is not None and any(
                _names_group(item.auto_scaling_group_provider["autoScalingGroupArn"], group)
                and item.auto_scaling_group_provider.get("managedDraining", "ENABLED") == "ENABLED"
                for item in providers
            )

    def launch(self, account: str, region: str, name: str, count: int) -> None:
        """Start instances above the desired capacity."""
        with self._moto.lock:
            group = get_backend("autoscaling")[account][region].autoscaling_groups[name]
            group.replace_autoscaling_group_instances(count, group.get_propagated_tags())

    def terminate(self, account: str, region: str, name: str, instance_id: str) -> None:
        """Terminate an instance; the desired capacity stays, so that another is started where one is missing then."""
        with self._moto.lock:
            backend = get_backend("autoscaling")[account][region]
            if any(state.instance.id == instance_id for state in backend.autoscaling_groups[name].instance_states):
                backend.terminate_instance(instance_id, False)


def _names_group(arn_or_name: str, group: Any) -> bool:
    return arn_or_name in (group.arn, group.name) or arn_or_name.endswith(f"autoScalingGroupName/{group.name}")


def _managed(account: str, region: str, cluster: str, provider: str, group: Any, details: Any) -> ManagedGroup:
    offer = offer_of(group.instance_type)
    settings = agent_settings(decode(str(group.user_data) if group.user_data else None))
    reserved = settings.reserved_memory_mib if settings is not None else 0
    scaling = details["managedScaling"]
    return ManagedGroup(
        account=account,
        region=region,
        cluster=cluster,
        provider=provider,
        group=group.name,
        instance_ids=tuple(state.instance.id for state in group.instance_states),
        room=Room(offer.cpu_units, offer.memory_mib - reserved, offer.eni_slots),
        limits=Limits(
            minimum=int(group.min_size),
            maximum=int(group.max_size),
            target_capacity=int(scaling["targetCapacity"]),
            minimum_step=int(scaling["minimumScalingStepSize"]),
            maximum_step=int(scaling["maximumScalingStepSize"]),
            warm_up_seconds=int(scaling["instanceWarmupPeriod"]),
        ),
        protects=details["managedTerminationProtection"] == "ENABLED",
    )
