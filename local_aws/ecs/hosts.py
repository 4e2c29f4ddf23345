"""Container instances as placement sees them now: what is registered less what tasks hold (ecs-facts.md 5, optimistic release)."""

from __future__ import annotations

from local_aws.ecs.constants import ENI_HELD_UNTIL_DETACHED
from local_aws.ecs.demand import architecture_of
from local_aws.ecs.placement import Host, Wish
from local_aws.ecs.state import Instance, Store, Task
from local_aws.interfaces import JsonObject


def holds_resources(task: Task) -> bool:
    """CPU, memory and ports are free as soon as the task is told to stop."""
    return task.live


def holds_eni(task: Task) -> bool:
    if not task.demand.eni or task.status == "STOPPED":
        return False
    return task.live or (ENI_HELD_UNTIL_DETACHED and not task.eni_deleted)


def hosts_for(store: Store, cluster_arn: str, group: str) -> list[Host]:
    """A view of every registered container instance of the cluster; `group` is what tasks of the same kind are counted by."""
    return [host_of(store, instance, group) for instance in store.cluster_instances(cluster_arn)]


def host_of(store: Store, instance: Instance, group: str) -> Host:
    tasks = store.tasks_on(instance.arn)
    holding = [task for task in tasks if holds_resources(task)]
    return Host(
        arn=instance.arn,
        attributes=instance.attributes,
        zone=instance.zone,
        subnet_id=instance.subnet_id,
        architecture=instance.architecture,
        cpu=instance.cpu - sum(task.demand.cpu for task in holding),
        memory=instance.memory - sum(task.demand.memory for task in holding),
        tcp_ports=set(instance.tcp_ports).union(*(task.demand.tcp_ports for task in holding), *(_given(t, "tcp") for t in holding)),
        udp_ports=set(instance.udp_ports).union(*(task.demand.udp_ports for task in holding), *(_given(t, "udp") for t in holding)),
        eni_free=instance.eni_slots - sum(holds_eni(task) for task in tasks),
        active=instance.status == "ACTIVE",
        connected=instance.agent_connected,
        capacity_provider=instance.capacity_provider,
        own_tasks=sum(task.group == group for task in holding),
    )


def _given(task: Task, protocol: str) -> set[int]:
    return {port for (_, _, used), port in task.host_ports.items() if used == protocol}


def wish_of(task: Task, zones: frozenset[str] | None) -> Wish:
    constraints: list[JsonObject] = [*task.definition.get("placementConstraints", []), *task.constraints]
    return Wish(
        demand=task.demand,
        requires=task.definition.get("requiresAttributes", ()),
        architecture=architecture_of(task.definition),
        zones=zones,
        constraints=constraints,
        strategy=task.strategy,
        capacity_provider=task.capacity_provider,
    )
