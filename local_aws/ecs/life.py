"""What each task needs next, looked at every second: PROVISIONING to STOPPED (ecs-facts.md 2.4).

The drain comes before SIGTERM: a task is told to stop only when its targets are unused.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable

from local_aws.clock import Clock
from local_aws.ecs import texts
from local_aws.ecs.constants import ENI_DETACH, STOPPED_VISIBLE
from local_aws.ecs.events import complain
from local_aws.ecs.imprint import Imprint
from local_aws.ecs.state import Service, Store, Target, Task
from local_aws.ecs.tasks import TaskMaker
from local_aws.ecs.watcher import Watcher
from local_aws.interfaces import Agent, AwsError, JsonObject, LoadBalancing, Permissions, TaskOrder

log = logging.getLogger(__name__)

REGISTER_ACTION = "elasticloadbalancing:RegisterTargets"


def address_of(store: Store, task: Task) -> str:
    """Where the task's targets are: its own interface, else the container instance."""
    if task.eni is not None:
        return task.eni.address
    instance = store.instances.get(task.instance_arn or "")
    return (instance.private_address if instance else None) or ""


class TaskLife:
    def __init__(
        self,
        store: Store,
        maker: TaskMaker,
        clock: Clock,
        agent: Agent,
        load_balancing: LoadBalancing,
        permissions: Permissions,
        imprint: Imprint,
    ) -> None:
        self._store = store
        self._maker = maker
        self._clock = clock
        self._agent = agent
        self._balancing = load_balancing
        self._permissions = permissions
        self._imprint = imprint

    def step(self) -> None:
        """One look at every task. Records change under the lock; doors are knocked at without it."""
        with self._store.lock:
            tasks = list(self._store.tasks.values())
        for task in tasks:
            with self._store.lock:
                work = self._next(task)
            for act in work:
                act()

    def _next(self, task: Task) -> list[Callable[[], None]]:
        if task.arn not in self._store.tasks:
            return []  # a reset came in between
        if task.status == "STOPPED":
            if task.stopped is not None and self._clock.time() - task.stopped > STOPPED_VISIBLE:
                self._store.tasks.pop(task.arn, None)
            return []
        return self._up(task) if task.live else self._down(task)

    def _up(self, task: Task) -> list[Callable[[], None]]:
        if task.status == "PROVISIONING" and task.instance_arn is not None and self._clock.time() >= task.due:
            if task.demand.eni and self._slots_short(task):
                self._maker.end(task, "TaskFailedToStart", texts.ENI_NO_SLOT)
                return []
            task.status = "PENDING"
            task.eni_attached = task.demand.eni
            task.version += 1
        if task.status == "PENDING" and not task.launching:
            task.launching = True
            order = self._order(task)
            return [lambda: self._launch(task, order)]
        if task.status == "ACTIVATING" and self._clock.time() >= task.due:
            return [lambda: self._activate(task)]
        return []

    def _down(self, task: Task) -> list[Callable[[], None]]:
        if task.status == "PROVISIONING" or (task.status == "PENDING" and not task.launching):
            self._deprovision(task)
            return []
        if task.status == "DEPROVISIONING":
            if self._clock.time() >= task.due:
                self._gone(task)
            return []
        if task.status in ("ACTIVATING", "RUNNING"):
            task.status = "DEACTIVATING"
            task.version += 1
            self._note_drain(task)
            return [lambda: self._deregister(task)]
        if task.host_lost:
            return [lambda: self._kill(task)]
        if task.agent_done:
            self._deprovision(task)
            return []
        if task.status == "DEACTIVATING":
            ended_itself = task.stop_code == "EssentialContainerExited"
            return [lambda: self._stop(task)] if ended_itself else [lambda: self._drained(task)]
        return [lambda: self._stop(task)]

    def _slots_short(self, task: Task) -> bool:
        """More interfaces on the instance than it has room for: only when the slot of a stopping task was given away early."""
        instance = self._store.instances[task.instance_arn or ""]
        held = sum(t.eni_attached and not t.eni_deleted for t in self._store.tasks_on(instance.arn))
        return held >= instance.eni_slots

    def _order(self, task: Task) -> TaskOrder:
        instance = self._store.instances[task.instance_arn or ""]
        return TaskOrder(
            task_arn=task.arn,
            task_definition=self._resolved(task),
            address=address_of(self._store, task),
            account=task.account,
            region=task.region,
            platform="linux/arm64" if instance.architecture == "arm64" else "linux/amd64",
            log_stream_suffix=task.id,
        )

    def _resolved(self, task: Task) -> JsonObject:
        """The definition with the digests that the deployment's first task found in place of tags (version consistency, 1.7)."""
        definition: JsonObject = copy.deepcopy(task.definition)
        service = self._store.services.get(task.service_arn or "")
        deployment = next((d for d in service.deployments if d.id == task.deployment_id), None) if service else None
        if deployment is None:
            return definition
        digests = {image["containerName"]: image["imageDigest"] for image in deployment.revision.images}
        for container in definition["containerDefinitions"]:
            digest = digests.get(container["name"])
            if digest and "@" not in container["image"] and container.get("versionConsistency") != "disabled":
                path, slash, last = container["image"].rpartition("/")
                container["image"] = f"{path}{slash}{last.partition(':')[0]}@{digest}"
        return definition

    def _launch(self, task: Task, order: TaskOrder) -> None:
        handle = self._agent.launch(order, Watcher(self._store, self._maker, self._clock, task))
        with self._store.lock:
            task.handle = handle

    def _activate(self, task: Task) -> None:
        """Register in the target groups, then RUNNING."""
        for target in task.targets:
            if target.registered:
                continue
            error = self._register(task, target)
            with self._store.lock:
                service = self._store.services.get(task.service_arn or "")
                if error is None:
                    target.registered = True
                    if service is not None:
                        service.registered[target.target_group] += 1
                elif service is not None:
                    complain(service, self._clock.now(), self._clock.time(), "register", texts.register_failed(target.target_group, error))
        with self._store.lock:
            if task.status == "ACTIVATING" and task.live and all(target.registered for target in task.targets):
                task.status = "RUNNING"
                task.started_at = self._clock.now()
                task.running_since = self._clock.time()
                task.version += 1

    def _register(self, task: Task, target: Target) -> str | None:
        """None, or the error for the event."""
        service = self._store.services.get(task.service_arn or "")
        role = service.settings.get("roleArn") if service else None
        if role:
            denial = self._permissions.denial(role, REGISTER_ACTION, target.target_group)
            if denial is not None:
                return denial
        try:
            self._balancing.register(target.target_group, address_of(self._store, task), target.port, task.zone)
        except AwsError as error:
            return error.message
        return None

    def _note_drain(self, task: Task) -> None:
        service: Service | None = self._store.services.get(task.service_arn or "")
        registered = [target for target in task.targets if target.registered]
        if service is None or not registered:
            return
        for target in registered:
            service.deregistered[target.target_group] += 1
        service.draining[task.deployment_id or ""] += 1

    def _deregister(self, task: Task) -> None:
        for target in task.targets:
            if not target.registered:
                continue
            try:
                self._balancing.deregister(target.target_group, address_of(self._store, task), target.port)
            except AwsError as error:
                log.info("deregistering %s from %s: %s", task.arn, target.target_group, error.message)
                target.registered = False

    def _drained(self, task: Task) -> None:
        """To STOPPING once no target of the task is in use."""
        for target in task.targets:
            if target.registered and self._in_use(task, target):
                return
        with self._store.lock:
            if task.status == "DEACTIVATING":
                task.status = "STOPPING"
                task.version += 1

    def _in_use(self, task: Task, target: Target) -> bool:
        try:
            return self._balancing.health(target.target_group, address_of(self._store, task), target.port).state != "unused"
        except AwsError:
            return False  # the target group was deleted under the service

    def _stop(self, task: Task) -> None:
        with self._store.lock:
            if task.stop_sent or task.handle is None or task.agent_done:
                return
            task.stop_sent = True
            handle = task.handle
        handle.stop()

    def _kill(self, task: Task) -> None:
        with self._store.lock:
            handle, task.handle = task.handle, None
            if task.status not in ("DEPROVISIONING", "STOPPED"):
                task.agent_done = True
                task.execution_stopped_at = task.execution_stopped_at or self._clock.now()
                self._deprovision(task)
        if handle is not None:
            handle.kill()

    def _deprovision(self, task: Task) -> None:
        task.status = "DEPROVISIONING"
        task.due = self._clock.time() + (ENI_DETACH if task.eni is not None and not task.host_lost else 0.0)
        task.version += 1

    def _gone(self, task: Task) -> None:
        if task.eni is not None:
            self._imprint.delete_interface(task.account, task.region, task.eni)
            task.eni_deleted = True
        task.status = "STOPPED"
        task.stopped_at = self._clock.now()
        task.stopped = self._clock.time()
        for container in task.containers.values():
            container.status = "STOPPED"
        task.version += 1
