"""Making tasks and giving them their place: address, host ports, targets. The caller holds the store's lock."""

from __future__ import annotations

from collections.abc import Sequence

from local_aws.clock import Clock
from local_aws.ecs import cloud, texts
from local_aws.ecs.constants import ENI_ATTACH, FIRST_DYNAMIC_PORT, LAST_DYNAMIC_PORT
from local_aws.ecs.demand import containers_of, demand_of
from local_aws.ecs.hosts import hosts_for, wish_of
from local_aws.ecs.imprint import Imprint
from local_aws.ecs.placement import Outcome, place
from local_aws.ecs.state import Instance, Store, Target, Task
from local_aws.interfaces import JsonObject


def subnets_and_groups(network: JsonObject | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    awsvpc = (network or {}).get("awsvpcConfiguration") or {}
    return tuple(awsvpc.get("subnets") or ()), tuple(awsvpc.get("securityGroups") or ())


class TaskMaker:
    """Creates task records and places them."""

    def __init__(self, store: Store, clock: Clock, imprint: Imprint) -> None:
        self._store = store
        self._clock = clock
        self._imprint = imprint

    def new(
        self, arn: str, cluster: str, cluster_arn: str, account: str, region: str, group: str, definition: JsonObject, **more: object
    ) -> Task:
        """A task that has no place yet and is not in the store. `definition` has the overrides applied already."""
        task = Task(
            arn=arn,
            account=account,
            region=region,
            cluster=cluster,
            cluster_arn=cluster_arn,
            definition_arn=definition["taskDefinitionArn"],
            definition=definition,
            overrides={},
            demand=demand_of(definition),
            group=group,
            created_at=self._clock.now(),
            created=self._clock.time(),
            containers=containers_of(definition),
        )
        for name, value in more.items():
            setattr(task, name, value)
        return task

    def zones_of(self, task: Task) -> frozenset[str] | None:
        """Availability zones of the task's subnets; None for a task without an address of its own."""
        if not task.demand.eni:
            return None
        return frozenset(cloud.subnet(task.account, task.region, subnet_id).zone for subnet_id in task.subnets)

    def find_place(self, task: Task) -> Outcome:
        return place(wish_of(task, self.zones_of(task)), hosts_for(self._store, task.cluster_arn, task.group))

    def settle(self, task: Task, instance: Instance) -> None:
        """Give the task its container instance, and with it an interface or host ports."""
        task.instance_arn = instance.arn
        task.zone = instance.zone
        task.capacity_provider = task.capacity_provider or (None if task.launch_type else instance.capacity_provider)
        task.version += 1
        if task.demand.eni:
            subnet_id = self._subnet_in(task, instance.zone)
            task.eni = self._imprint.create_interface(task.account, task.region, subnet_id, list(task.security_groups), task.arn)
            task.due = self._clock.time() + ENI_ATTACH
        else:
            self._give_ports(task, instance)
            task.due = self._clock.time()
        for target in task.targets:
            if task.demand.eni:
                continue
            given = [
                port
                for (name, container_port, _), port in task.host_ports.items()
                if (name, container_port) == (target.container, target.port)
            ]
            target.port = given[0] if given else target.port

    def _subnet_in(self, task: Task, zone: str) -> str:
        known: Sequence[cloud.Subnet] = [cloud.subnet(task.account, task.region, subnet_id) for subnet_id in task.subnets]
        return next((subnet.id for subnet in known if subnet.zone == zone), task.subnets[0])

    def _give_ports(self, task: Task, instance: Instance) -> None:
        used = set(instance.tcp_ports) | set(instance.udp_ports)
        for other in self._store.tasks_on(instance.arn):
            used |= set(other.host_ports.values()) | other.demand.tcp_ports | other.demand.udp_ports
        mode = task.definition.get("networkMode")
        if mode not in ("bridge", "host"):
            return
        for container in task.definition["containerDefinitions"]:
            for mapping in container.get("portMappings", []):
                inside = int(mapping["containerPort"])
                outside = int(mapping.get("hostPort") or (inside if mode == "host" else 0))
                if not outside:
                    outside = next(port for port in range(FIRST_DYNAMIC_PORT, LAST_DYNAMIC_PORT + 1) if port not in used)
                    used.add(outside)
                task.host_ports[container["name"], inside, mapping.get("protocol", "tcp")] = outside

    def end(self, task: Task, code: str, reason: str) -> None:
        """Tell a task to stop. Nothing changes for one that is stopping already."""
        if not task.live:
            return
        now = self._clock.now()
        task.desired_status = "STOPPED"
        task.stop_code = code
        task.stopped_reason = reason
        task.stopping_at = now
        task.version += 1

    def lose_host(self, task: Task, ec2_instance_id: str) -> None:
        """The machine under the task is gone."""
        self.end(task, "TerminationNotice", texts.host_gone(ec2_instance_id))
        task.host_lost = True


def new_targets(load_balancers: Sequence[JsonObject]) -> list[Target]:
    return [
        Target(entry["targetGroupArn"], entry["containerName"], int(entry["containerPort"]))
        for entry in load_balancers
        if entry.get("targetGroupArn")
    ]
