"""What the agent reports about one task, written into its record (implements `TaskWatcher`)."""

from __future__ import annotations

from local_aws.clock import Clock
from local_aws.ecs import texts
from local_aws.ecs.constants import ACTIVATION
from local_aws.ecs.state import Store, Task
from local_aws.ecs.tasks import TaskMaker


class Watcher:
    def __init__(self, store: Store, maker: TaskMaker, clock: Clock, task: Task) -> None:
        self._store = store
        self._maker = maker
        self._clock = clock
        self._task = task

    def pull_started(self) -> None:
        with self._store.lock:
            self._task.pull_started_at = self._task.pull_started_at or self._clock.now()

    def pull_stopped(self) -> None:
        with self._store.lock:
            self._task.pull_stopped_at = self._clock.now()

    def container_started(self, name: str, image_digest: str, runtime_id: str) -> None:
        with self._store.lock:
            container = self._task.containers[name]
            container.started = True
            container.status = "RUNNING"
            container.image_digest = image_digest
            container.runtime_id = runtime_id
            self._task.version += 1
            self._note_digest(name, container.image, image_digest)
            self._activate_when_up()

    def _activate_when_up(self) -> None:
        """Every container has started; one that ran first and ended well (dependsOn COMPLETE) counts as well."""
        containers = self._task.containers.values()
        up = all(c.started or c.status == "STOPPED" for c in containers) and any(c.status == "RUNNING" for c in containers)
        if up and self._task.live and self._task.status == "PENDING":
            self._task.status = "ACTIVATING"
            self._task.due = self._clock.time() + ACTIVATION

    def _note_digest(self, name: str, image: str, digest: str) -> None:
        """The first task of a deployment fixes which digest the whole deployment runs (1.7)."""
        service = self._store.services.get(self._task.service_arn or "")
        if service is None:
            return
        for deployment in service.deployments:
            if deployment.id == self._task.deployment_id and not any(i["containerName"] == name for i in deployment.revision.images):
                deployment.revision.images.append({"containerName": name, "imageDigest": digest, "image": image})

    def container_health(self, name: str, status: str) -> None:
        with self._store.lock:
            self._task.containers[name].health = status
            self._task.version += 1

    def container_stopped(self, name: str, exit_code: int | None, reason: str | None) -> None:
        with self._store.lock:
            container = self._task.containers[name]
            container.status = "STOPPED"
            container.exit_code = exit_code
            container.reason = reason
            self._task.version += 1
            if container.essential and container.started:
                self._maker.end(self._task, "EssentialContainerExited", texts.STOP_ESSENTIAL)
            else:
                self._activate_when_up()

    def task_stopped(self, failed_to_start: str | None) -> None:
        with self._store.lock:
            task = self._task
            if failed_to_start is not None:
                self._maker.end(task, "TaskFailedToStart", failed_to_start)
            else:
                self._maker.end(task, "EssentialContainerExited", texts.STOP_ESSENTIAL)
            for container in task.containers.values():
                container.status = "STOPPED"
            task.agent_done = True
            task.execution_stopped_at = self._clock.now()
            task.version += 1
