"""Launches tasks and keeps count of them."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Any

from local_aws.agent.account import Account
from local_aws.agent.roles import ExecutionRole
from local_aws.agent.task import TaskRun
from local_aws.clock import Clock
from local_aws.interfaces import JsonObject, Network, Permissions, Registry, Runtime, TaskOrder, TaskWatcher

_END_SECONDS = 15.0
"""Real seconds that killed tasks are given to be gone."""


class TaskAgent:
    """Implements Agent and Component; one for all container instances, as they differ in nothing that the agent does."""

    def __init__(
        self,
        clock: Clock,
        runtime: Runtime,
        network: Network,
        registry: Registry,
        permissions: Permissions,
        moto_lock: AbstractContextManager[Any] | None = None,
    ) -> None:
        """`moto_lock` is held around every use of moto's state; by default a lock of our own."""
        self._clock = clock
        self._runtime = runtime
        self._network = network
        self._registry = registry
        self._permissions = permissions
        self._moto_lock = moto_lock or threading.RLock()
        self._lock = threading.Lock()
        self._tasks: list[TaskRun] = []
        self.endpoint: str | None = None
        """local_aws's own URL, such as `http://127.0.0.1:4577`; tasks are told in AWS_ENDPOINT_URL how they reach it."""

    def launch(self, order: TaskOrder, watcher: TaskWatcher) -> TaskRun:
        account = Account(order.account, order.region, self._moto_lock)
        task_id = order.task_arn.rsplit("/", 1)[-1]
        role = ExecutionRole(self._permissions, order.task_definition.get("executionRoleArn") or None, task_id)
        run = TaskRun(order, watcher, self._clock, self._runtime, self._network, self._registry, account, role, self.endpoint)
        with self._lock:
            self._tasks = [task for task in self._tasks if not task.finished.is_set()]
            self._tasks.append(run)
        run.begin()
        return run

    def signal(self, task: str, container: str | None, number: int) -> list[str]:
        """Signal one container of a task (by ARN or id), or all; names of those that were running."""
        with self._lock:
            run = next((run for run in self._tasks if task in (run.order.task_arn, run.order.task_arn.rsplit("/", 1)[-1])), None)
        if run is None:
            return []
        names = [each["name"] for each in run.order.task_definition["containerDefinitions"]]
        return [name for name in names if container in (None, name) and run.signal(name, number)]

    def start(self) -> None:
        """Nothing to do before the first task."""

    def stop(self) -> None:
        """Kill every task and wait until nothing of it is left."""
        with self._lock:
            tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.kill()
        for task in tasks:
            task.finished.wait(_END_SECONDS)

    def reset(self) -> None:
        self.stop()

    def state(self) -> JsonObject:
        with self._lock:
            running = [task.order for task in self._tasks if not task.finished.is_set()]
        return {
            "runtime": self._runtime.name,
            "reason": self._runtime.reason,
            "tasks": [{"taskArn": order.task_arn, "address": order.address} for order in running],
        }
