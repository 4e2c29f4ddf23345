"""The ECS room: puts its parts together, answers for ECS at the API, and keeps the scheduler going."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Any

from local_aws.clock import Clock
from local_aws.ecs.api_clusters import ClustersApi
from local_aws.ecs.api_definitions import DefinitionsApi
from local_aws.ecs.api_deployments import DeploymentsApi
from local_aws.ecs.api_instances import InstancesApi
from local_aws.ecs.api_services import ServicesApi
from local_aws.ecs.api_tags import TagsApi
from local_aws.ecs.api_tasks import TasksApi
from local_aws.ecs.constants import LIFE_STEP, METRICS_PERIOD, TICK
from local_aws.ecs.imprint import Imprint
from local_aws.ecs.instances import InstanceBook
from local_aws.ecs.life import TaskLife
from local_aws.ecs.scheduler import Scheduler
from local_aws.ecs.state import Store
from local_aws.ecs.tasks import TaskMaker
from local_aws.ecs.ticker import Ticker
from local_aws.ecs.usage import MetricsDoor, Usage
from local_aws.interfaces import Agent, Alarms, Api, InstanceFacts, JsonObject, LoadBalancing, Permissions, TaskDemand


class EcsRoom:
    """Implements `Component` and `ContainerInstances`.

    `moto_lock` is what must be held to change moto's state. `stale_reads` is how many DescribeServices answers after an UpdateService
    still show the service as it was before (0: none).
    """

    def __init__(
        self,
        clock: Clock,
        api: Api,
        agent: Agent,
        load_balancing: LoadBalancing,
        alarms: Alarms,
        metrics: MetricsDoor,
        permissions: Permissions,
        stale_reads: int = 0,
        moto_lock: AbstractContextManager[Any] | None = None,
    ) -> None:
        self.store = Store()
        self._imprint = Imprint(moto_lock or threading.RLock())
        maker = TaskMaker(self.store, clock, self._imprint)
        self._book = InstanceBook(self.store, maker, clock)
        self._life = TaskLife(self.store, maker, clock, agent, load_balancing, permissions, self._imprint)
        self._scheduler = Scheduler(self.store, maker, clock, load_balancing, alarms, self._imprint)
        self._usage = Usage(self.store, clock, metrics)
        self.ticker = Ticker(
            clock,
            LIFE_STEP,
            [(LIFE_STEP, self._life.step), (TICK, self._scheduler.tick), (METRICS_PERIOD, self._usage.publish)],
        )
        for part in (
            ServicesApi(self.store, maker, clock, self._imprint, stale_reads),
            TasksApi(self.store, maker, clock),
            DeploymentsApi(self.store, clock),
            InstancesApi(self.store, self._book, clock),
            DefinitionsApi(clock),
            ClustersApi(self.store),
            TagsApi(self.store),
        ):
            part.add_to(api)

    def start(self) -> None:
        self.ticker.start()

    def stop(self) -> None:
        """Stops the scheduler, then kills what it still runs."""
        self.ticker.stop()
        self._kill_all()

    def reset(self) -> None:
        self._kill_all()
        with self.store.lock:
            self.store.clear()

    def _kill_all(self) -> None:
        with self.store.lock:
            handles = [task.handle for task in self.store.tasks.values() if task.handle is not None and not task.agent_done]
            for task in self.store.tasks.values():
                if task.eni is not None and not task.eni_deleted:
                    self._imprint.delete_interface(task.account, task.region, task.eni)
        for handle in handles:
            handle.kill()

    def state(self) -> JsonObject:
        with self.store.lock:
            return {
                "services": {
                    service.arn: {
                        "status": service.status,
                        "desired": service.desired,
                        "deployments": [[d.id, d.status, d.rollout_state, d.failure_count] for d in service.deployments],
                    }
                    for service in self.store.services.values()
                },
                "tasks": {
                    task.arn: {
                        "status": task.status,
                        "desired": task.desired_status,
                        "instance": task.instance_arn,
                        "reason": task.stopped_reason,
                    }
                    for task in self.store.tasks.values()
                },
                "container_instances": {i.arn: {"ec2": i.ec2_instance_id, "status": i.status} for i in self.store.instances.values()},
            }

    def joined(self, facts: InstanceFacts) -> None:
        self._book.joined(facts)

    def left(self, ec2_instance_id: str) -> None:
        self._book.left(ec2_instance_id)

    def connect(self, ec2_instance_id: str, connected: bool) -> bool:
        """See `InstanceBook.connect`; for the hands."""
        return self._book.connect(ec2_instance_id, connected)

    def waiting(self, account: str, region: str, capacity_provider: str) -> list[TaskDemand]:
        return self._book.waiting(account, region, capacity_provider)

    def idle(self, account: str, region: str, capacity_provider: str) -> list[str]:
        return self._book.idle(account, region, capacity_provider)

    def runs_tasks(self, ec2_instance_id: str) -> bool:
        return self._book.runs_tasks(ec2_instance_id)

    def drain(self, ec2_instance_id: str) -> None:
        self._book.drain(ec2_instance_id)
