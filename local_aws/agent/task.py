"""One task on its container instance: a thread that takes it from the pull to the end.

Everything that happens (a container ended, its health changed, somebody wants the task stopped) comes to that thread through one
queue, and all reports go out from it: they are in order, and no lock is held while somebody else's code runs.
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from local_aws.agent import definition, dependencies, health, logs, metadata, secrets
from local_aws.agent.account import Account
from local_aws.agent.dependencies import Progress, Unresolvable
from local_aws.agent.identity import Identity
from local_aws.agent.outward import WaysOut, host_ports
from local_aws.agent.roles import ExecutionRole
from local_aws.clock import Clock
from local_aws.interfaces import (
    HOST_NAME,
    ContainerSpec,
    Image,
    Network,
    PullError,
    Registry,
    RunningContainer,
    Runtime,
    Sandbox,
    StartError,
    TaskOrder,
    TaskWatcher,
)

log = logging.getLogger("local_aws.agent")

FAILED_TO_START = "Task failed to start"
"""stoppedReason where the cause stands with the container (ecs-facts.md 4.1)."""
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
SHORTEST_STOP = 3.0
"""Real seconds between SIGTERM and SIGKILL at any speed: a process here takes its real time to end what it does."""


class _Stopped(Exception):
    """The task is to end before all its containers have started; the text is its stoppedReason, None when somebody asked for it."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason)
        self.reason = reason


class TaskRun:
    """Implements TaskHandle."""

    def __init__(
        self,
        order: TaskOrder,
        watcher: TaskWatcher,
        clock: Clock,
        runtime: Runtime,
        network: Network,
        registry: Registry,
        account: Account,
        role: ExecutionRole,
        endpoint: str | None = None,
    ) -> None:
        self.order = order
        self._watcher = watcher
        self._clock = clock
        self._runtime = runtime
        self._network = network
        self._registry = registry
        self._account = account
        self._role = role
        self._endpoint = endpoint
        self._task_id = order.task_arn.rsplit("/", 1)[-1]
        self._definitions: dict[str, Mapping[str, Any]] = {c["name"]: c for c in order.task_definition["containerDefinitions"]}
        self._start_timeouts = {name: float(c["startTimeout"]) for name, c in self._definitions.items() if c.get("startTimeout")}
        self._progress = {name: Progress() for name in self._definitions}
        self._reported_end: set[str] = set()
        self._running: dict[str, RunningContainer] = {}
        self._ended: dict[str, threading.Event] = {}
        self._images: dict[str, Image] = {}
        self._specs: dict[str, ContainerSpec] = {}
        self._identity = Identity(order, self._clock)
        self._ways_out: WaysOut | None = None
        self._sandbox: Sandbox | None = None
        self._events: queue.Queue[tuple[str, str, Any]] = queue.Queue()
        self._stopping = False
        self._killed = threading.Event()
        self.finished = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"task-{self._task_id[:12]}", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._events.put(("stop", "", None))

    def kill(self) -> None:
        self._killed.set()
        self._events.put(("stop", "", None))

    def signal(self, container: str, number: int) -> bool:
        """Signal a container's first process behind the agent's back, as a crash would; False when it does not run."""
        running = self._running.get(container)
        if running is None or self._ended[container].is_set():
            return False
        running.signal(number)
        return True

    def usage(self) -> tuple[float, int]:
        containers = list(self._running.values())
        return sum(c.cpu_seconds() for c in containers), sum(c.memory_bytes() for c in containers)

    def _run(self) -> None:
        reason: str | None = None
        try:
            try:
                self._prepare()
                self._start_and_watch()
            except _Stopped as stopped:
                reason = stopped.reason
            self._stop_all()
        except Exception as error:  # a defect of ours must end the task with a reason, not leave it running for ever
            log.exception("task %s", self._task_id)
            reason = f"local_aws could not run the task: {error!r}"
        finally:
            self._clear()
            for name in self._definitions:
                self._report_end(name, self._progress[name].exit_code, None)
            self._watcher.task_stopped(reason)
            self.finished.set()

    def _clear(self) -> None:
        self._network.detach(self.order.address)
        if self._ways_out is not None:
            self._ways_out.close()
        if self._sandbox is not None:
            try:
                self._sandbox.close()
            except OSError:  # the report that the task has ended must go out all the same
                log.exception("what task %s left could not be removed", self._task_id)
        for event in self._ended.values():
            event.set()

    def _prepare(self) -> None:
        """All that comes before the first container: images, secrets, environment files, the sandbox."""
        self._pull()
        self._leave_if_asked()
        try:
            secret_values = secrets.fetch(list(self._definitions.values()), self._account, self._role)
            files = {name: definition.environment_files(c, self._account, self._role) for name, c in self._definitions.items()}
        except (secrets.SecretError, definition.EnvironmentFileError) as error:
            raise _Stopped(str(error)) from error
        for name, container in self._definitions.items():
            variables = definition.environment(container, files[name], secret_values.get(name, {}), self._agent_variables(name))
            try:
                self._specs[name] = definition.container_spec(container, self.order.task_definition, self._images[name], variables)
            except StartError as error:
                self._fail(name, str(error), error)
        self._leave_if_asked()
        self._sandbox = self._runtime.sandbox(self._task_id, self.order.address)
        self._network.attach(self.order.address, self._sandbox)
        self._ways_out = WaysOut(self._sandbox)
        self._ways_out.serve(metadata.ADDRESS, metadata.PORT, lambda connection: metadata.serve(connection, self._identity.answer))
        for port in host_ports(value for spec in self._specs.values() for value in spec.environment.values()):
            self._ways_out.to_host(port)

    def _agent_variables(self, name: str) -> dict[str, str]:
        variables = {"AWS_EXECUTION_ENV": "AWS_ECS_EC2", **self._identity.variables(name)}
        if self._endpoint is not None:  # the one thing that a task on real AWS is not told
            variables["AWS_ENDPOINT_URL"] = f"http://{HOST_NAME}:{urlsplit(self._endpoint).port}"
        return variables

    def _pull(self) -> None:
        self._watcher.pull_started()
        for name, container in self._definitions.items():
            try:
                self._images[name] = self._registry.pull(container["image"], self.order.platform, self._role.denial)
            except PullError as error:
                self._fail(name, str(error), error)
        self._watcher.pull_stopped()

    def _fail(self, name: str, text: str, error: Exception) -> None:
        """A container that will never start ends the task. Raises _Stopped."""
        self._report_end(name, None, text)
        if self._definitions[name].get("essential", True):
            raise _Stopped(FAILED_TO_START) from error
        if not any(c.get("essential", True) for n, c in self._definitions.items() if n not in self._reported_end):
            raise _Stopped(FAILED_TO_START) from error

    def _leave_if_asked(self) -> None:
        while True:
            try:
                kind, _name, _value = self._events.get_nowait()
            except queue.Empty:
                return
            if kind == "stop":
                raise _Stopped(None)

    def _start_and_watch(self) -> None:
        """Start containers as their dependencies allow, until the task is to stop."""
        while not self._stopping:
            for name in list(self._definitions):
                progress = self._progress[name]
                if progress.started or progress.ended or self._stopping:
                    continue
                try:
                    ready = dependencies.may_start(self._definitions[name], self._progress, self._start_timeouts, self._clock.time())
                except Unresolvable as error:
                    self._report_end(name, None, f"TaskDependencyError: {error}")
                    raise _Stopped(None if self._all_essential_started() else FAILED_TO_START) from error
                if ready:
                    self._start(name)
                    self._drain_events()
            if self._stopping:
                break
            if all(progress.ended for progress in self._progress.values()):
                break
            self._wait_for_event()

    def _all_essential_started(self) -> bool:
        return all(self._progress[name].started for name, c in self._definitions.items() if c.get("essential", True))

    def _start(self, name: str) -> None:
        container = self._definitions[name]
        if self._sandbox is None:
            raise RuntimeError("a container is started before its sandbox")
        try:
            line, named = logs.writer(container, self._account, self._role, self.order.log_stream_suffix)
            running = self._sandbox.start(self._specs[name], line)
        except StartError as error:
            self._fail(name, str(error), error)
            return
        progress = self._progress[name]
        progress.started = True
        progress.started_at = self._clock.time()
        self._running[name] = running
        self._identity.started(name, running.runtime_id, self._images[name].digest)
        self._ended[name] = threading.Event()
        self._watcher.container_started(name, self._images[name].digest, running.runtime_id)
        threading.Thread(target=self._await_end, args=(name, running), name=f"wait-{name}", daemon=True).start()
        check = health.parse(container.get("healthCheck"))
        if check is not None:
            threading.Thread(target=self._watch_health, args=(name, check, running), name=f"health-{name}", daemon=True).start()
        try:
            named(running.runtime_id)
        except StartError as error:
            log.warning("output of %s is lost: %s", name, error)

    def _await_end(self, name: str, running: RunningContainer) -> None:
        status = running.wait()
        self._ended[name].set()
        self._events.put(("ended", name, status))

    def _watch_health(self, name: str, check: health.HealthCheck, running: RunningContainer) -> None:
        health.watch(check, running, self._clock, self._ended[name], lambda status: self._events.put(("health", name, status)))

    def _drain_events(self) -> None:
        while True:
            try:
                self._handle(self._events.get_nowait())
            except queue.Empty:
                return

    def _wait_for_event(self, deadline: float | None = None) -> bool:
        """Handle the next event; False when `deadline` (real, monotonic) or the next startTimeout came first."""
        if deadline is None and not self._stopping:
            moment = dependencies.next_deadline(self._progress, self._start_timeouts) if self._waiting() else None
            if moment is not None:
                deadline = time.monotonic() + max(0.0, (moment - self._clock.time()) / self._clock.speed) + 0.01
        try:
            event = self._events.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return False
        self._handle(event)
        return True

    def _waiting(self) -> bool:
        return any(not progress.started and not progress.ended for progress in self._progress.values())

    def _handle(self, event: tuple[str, str, Any]) -> None:
        kind, name, value = event
        if kind == "stop":
            self._stopping = True
        elif kind == "health":
            if not self._progress[name].ended:
                self._progress[name].health = value
                self._watcher.container_health(name, value)
        else:
            self._running.pop(name, None)
            self._report_end(name, value.code, OUT_OF_MEMORY if value.out_of_memory else None)
            if self._definitions[name].get("essential", True):
                self._stopping = True

    def _report_end(self, name: str, exit_code: int | None, reason: str | None) -> None:
        if name in self._reported_end:
            return
        self._reported_end.add(name)
        progress = self._progress[name]
        progress.ended = True
        progress.exit_code = exit_code
        self._watcher.container_stopped(name, exit_code, reason)

    def _stop_all(self) -> None:
        """SIGTERM, then SIGKILL after each container's stopTimeout, in reverse dependency order."""
        self._stopping = True
        deadlines: dict[str, float] = {}
        while self._running:
            if self._killed.is_set():
                for running in self._running.values():
                    running.signal(signal.SIGKILL)
                deadlines = {name: float("inf") for name in self._running}
            for name in dependencies.may_stop(list(self._definitions.values()), list(self._running)):
                if name not in deadlines:
                    self._running[name].signal(definition.stop_signal(self._images[name]))
                    seconds = max(definition.stop_timeout(self._definitions[name]) / self._clock.speed, SHORTEST_STOP)
                    deadlines[name] = time.monotonic() + seconds
            for name, deadline in deadlines.items():
                if name in self._running and time.monotonic() >= deadline:
                    self._running[name].signal(signal.SIGKILL)
                    deadlines[name] = float("inf")
            soonest = min((deadline for name, deadline in deadlines.items() if name in self._running), default=float("inf"))
            self._wait_for_event(None if soonest == float("inf") else soonest)
