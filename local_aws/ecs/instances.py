"""Container instances joining and leaving a cluster: the `ContainerInstances` door and what RegisterContainerInstance shares with it."""

from __future__ import annotations

from collections.abc import Mapping

from local_aws.clock import Clock
from local_aws.ecs import cloud, texts
from local_aws.ecs.constants import RESERVED_TCP_PORTS
from local_aws.ecs.definitions import AGENT_CAPABILITIES
from local_aws.ecs.state import Instance, Store, hex_id
from local_aws.ecs.tasks import TaskMaker
from local_aws.interfaces import InstanceFacts, TaskDemand


def standard_attributes(
    *, instance_type: str, zone: str, subnet_id: str, vpc_id: str, ami_id: str, architecture: str, custom: Mapping[str, str]
) -> dict[str, str | None]:
    """What an agent on Linux registers about itself and its instance."""
    attributes: dict[str, str | None] = dict.fromkeys(AGENT_CAPABILITIES)
    attributes.update(
        {
            "ecs.ami-id": ami_id,
            "ecs.availability-zone": zone,
            "ecs.cpu-architecture": architecture,
            "ecs.instance-type": instance_type,
            "ecs.os-family": "LINUX",
            "ecs.os-type": "linux",
            "ecs.subnet-id": subnet_id,
            "ecs.vpc-id": vpc_id,
        }
    )
    attributes.update(custom)
    return attributes


class InstanceBook:
    """Registers and removes container instances. Implements `ContainerInstances`."""

    def __init__(self, store: Store, maker: TaskMaker, clock: Clock) -> None:
        self._store = store
        self._maker = maker
        self._clock = clock

    def joined(self, facts: InstanceFacts) -> None:
        cluster = cloud.cluster(facts.account, facts.region, facts.cluster)
        with self._store.lock:
            for known in self._store.instances.values():
                if known.ec2_instance_id == facts.ec2_instance_id and known.status != "INACTIVE":
                    known.capacity_provider = facts.capacity_provider
                    known.version += 1
                    return
            arn = f"arn:aws:ecs:{facts.region}:{facts.account}:container-instance/{cluster.name}/{hex_id()}"
            self._store.instances[arn] = Instance(
                arn=arn,
                account=facts.account,
                region=facts.region,
                cluster=cluster.name,
                cluster_arn=cluster.arn,
                ec2_instance_id=facts.ec2_instance_id,
                zone=facts.zone,
                subnet_id=facts.subnet_id,
                architecture=facts.architecture,
                cpu=facts.cpu_units,
                memory=facts.memory_mib,
                tcp_ports=RESERVED_TCP_PORTS,
                udp_ports=frozenset(),
                eni_slots=facts.eni_slots,
                capacity_provider=facts.capacity_provider,
                attributes=standard_attributes(
                    instance_type=facts.instance_type,
                    zone=facts.zone,
                    subnet_id=facts.subnet_id,
                    vpc_id=facts.vpc_id,
                    ami_id=facts.ami_id,
                    architecture=facts.architecture,
                    custom=facts.attributes,
                ),
                registered_at=self._clock.now(),
                private_address=cloud.instance_address(facts.account, facts.region, facts.ec2_instance_id),
            )

    def left(self, ec2_instance_id: str) -> None:
        with self._store.lock:
            for instance in self._store.instances.values():
                if instance.ec2_instance_id == ec2_instance_id and instance.status != "INACTIVE":
                    self.remove(instance)

    def connect(self, ec2_instance_id: str, connected: bool) -> bool:
        """The agent's connection to ECS breaks or comes back; False when there is no such container instance."""
        with self._store.lock:
            for instance in self._store.instances.values():
                if instance.ec2_instance_id == ec2_instance_id and instance.status != "INACTIVE":
                    instance.agent_connected = connected
                    instance.version += 1
                    return True
        return False

    def remove(self, instance: Instance) -> None:
        """The host is gone: INACTIVE, and its tasks stop with it. The caller holds the lock."""
        instance.status = "INACTIVE"
        instance.agent_connected = False
        instance.version += 1
        for task in self._store.tasks_on(instance.arn):
            self._maker.lose_host(task, instance.ec2_instance_id)

    def forget(self, instance: Instance) -> None:
        """Deregistered: INACTIVE. Its service tasks are replaced; the containers are told to stop. The caller holds the lock."""
        instance.status = "INACTIVE"
        instance.version += 1
        for task in self._store.tasks_on(instance.arn):
            self._maker.end(task, "UserInitiated", texts.STOP_INSTANCE_DEREGISTERED)

    def waiting(self, account: str, region: str, capacity_provider: str) -> list[TaskDemand]:
        with self._store.lock:
            return [
                TaskDemand(task.demand.cpu, task.demand.memory, int(task.demand.eni))
                for task in self._store.tasks.values()
                if task.live
                and task.instance_arn is None
                and (task.account, task.region, task.capacity_provider) == (account, region, capacity_provider)
            ]

    def idle(self, account: str, region: str, capacity_provider: str) -> list[str]:
        with self._store.lock:
            return [
                instance.ec2_instance_id
                for instance in self._store.instances.values()
                if (instance.account, instance.region, instance.capacity_provider) == (account, region, capacity_provider)
                and instance.status != "INACTIVE"
                and not self._store.tasks_on(instance.arn)
            ]

    def runs_tasks(self, ec2_instance_id: str) -> bool:
        with self._store.lock:
            return any(
                self._store.tasks_on(instance.arn)
                for instance in self._store.instances.values()
                if instance.ec2_instance_id == ec2_instance_id and instance.status != "INACTIVE"
            )

    def drain(self, ec2_instance_id: str) -> None:
        with self._store.lock:
            for instance in self._store.instances.values():
                if instance.ec2_instance_id == ec2_instance_id and instance.status == "ACTIVE":
                    instance.status = "DRAINING"
                    instance.version += 1
