"""The service scheduler: every tick it looks at every ACTIVE service, asks `reconcile` what to do, and does it to the records.

What tasks then need (agent, targets) is TaskLife's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from local_aws.clock import Clock
from local_aws.ecs import breaker, cloud, deployments, texts
from local_aws.ecs.constants import ALARM_BAKE, COMPLETION_LAG, HEALTHY_AFTER_RUNNING, PROVISIONING_TASKS_PER_CLUSTER
from local_aws.ecs.events import complain, resolved, say, say_steady
from local_aws.ecs.imprint import Imprint
from local_aws.ecs.life import address_of
from local_aws.ecs.placement import Outcome
from local_aws.ecs.reconcile import Decisions, DeploymentView, Snapshot, Start, TaskView, reconcile
from local_aws.ecs.state import Deployment, Service, Store, Target, Task, hex_id
from local_aws.ecs.strategy import next_provider
from local_aws.ecs.tasks import TaskMaker, new_targets, subnets_and_groups
from local_aws.interfaces import Alarms, AwsError, JsonObject, LoadBalancing, TargetHealth


@dataclass
class Observed:
    """What other rooms said just before the tick."""

    targets: dict[tuple[str, str], TargetHealth] = field(default_factory=dict)
    """By task ARN and target group."""
    alarms: dict[str, list[str]] = field(default_factory=dict)
    """Service ARN -> names in ALARM."""


class Scheduler:
    def __init__(
        self, store: Store, maker: TaskMaker, clock: Clock, load_balancing: LoadBalancing, alarms: Alarms, imprint: Imprint
    ) -> None:
        self._store = store
        self._maker = maker
        self._clock = clock
        self._balancing = load_balancing
        self._alarms = alarms
        self._imprint = imprint

    def tick(self) -> None:
        """One look at every service."""
        observed = self._observe()
        with self._store.lock:
            self._place_waiting()
            for service in list(self._store.services.values()):
                if service.status == "ACTIVE":
                    self._look(service, observed)
                elif service.status == "DRAINING":
                    self._empty(service)

    def _observe(self) -> Observed:
        observed = Observed()
        with self._store.lock:
            watched = [
                (task.arn, address_of(self._store, task), target)
                for task in self._store.tasks.values()
                if task.running
                for target in task.targets
            ]
            alarmed = [
                (service.arn, service.account, service.region, deployments.alarm_settings(service)["alarmNames"])
                for service in self._store.services.values()
                if service.status == "ACTIVE"
                and deployments.alarm_settings(service)["enable"]
                and service.primary.rollout_state == "IN_PROGRESS"
            ]
        for arn, address, target in watched:
            observed.targets[arn, target.target_group] = self._target_health(arn, target, address)
        for arn, account, region, names in alarmed:
            observed.alarms[arn] = self._alarms.in_alarm(account, region, names)
        return observed

    def _target_health(self, arn: str, target: Target, address: str) -> TargetHealth:
        try:
            return self._balancing.health(target.target_group, address, target.port)
        except AwsError as error:
            self._complain_about(arn, texts.target_health_failed(target.target_group, error.message))
            return TargetHealth("unused", error.code, error.message)

    def _complain_about(self, task_arn: str, text: str) -> None:
        with self._store.lock:
            task = self._store.tasks.get(task_arn)
            service = self._store.services.get(task.service_arn or "") if task else None
            if service is not None:
                complain(service, self._clock.now(), self._clock.time(), "target-health", text)

    def _place_waiting(self) -> None:
        """Tasks in PROVISIONING without a place, for which a capacity provider may have found room meanwhile."""
        for task in list(self._store.tasks.values()):
            if task.live and task.status == "PROVISIONING" and task.instance_arn is None:
                outcome = self._maker.find_place(task)
                if outcome.host is not None:
                    self._maker.settle(task, self._store.instances[outcome.host.arn])

    def _empty(self, service: Service) -> None:
        """A deleted service: INACTIVE once its last task is gone."""
        self._flush(service)
        if all(task.status == "STOPPED" for task in self._store.tasks_of(service)):
            service.status = "INACTIVE"
            self._imprint.forget_service(service)
            service.deployments = []

    def _look(self, service: Service, observed: Observed) -> None:
        now, time = self._clock.now(), self._clock.time()
        self._note_alarms_at_start(service, observed)
        deployments.advance(self._store, service, now)
        self._flush(service)
        self._account(service)
        views = [self._view(service, task, observed) for task in self._store.live_tasks_of(service)]
        if self._detect_failure(service, observed):
            views = [self._view(service, task, observed) for task in self._store.live_tasks_of(service)]
        decisions = reconcile(self._snapshot(service, views))
        self._apply(service, decisions)
        if decisions.dead_end:
            complain(service, now, time, "configuration", texts.DEAD_END)
        if self._settled(service, decisions) and self._baked(service):
            deployments.complete(service, now)
        deployments.prune(self._store, service)
        if decisions.steady and service.primary.rollout_state == "COMPLETED":
            say_steady(service, now, time)
        elif decisions.starts or decisions.stops:
            service.steady_since = None

    def _note_alarms_at_start(self, service: Service, observed: Observed) -> None:
        """An alarm that is in ALARM when the deployment starts switches alarms off for that deployment (2.8)."""
        entry = service.current
        if entry is not None and entry.status == "PENDING" and observed.alarms.get(service.arn):
            entry.deployment.alarms_ignored = True
            entry.alarm_status = "DISABLED"

    def _flush(self, service: Service) -> None:
        """Say what happened to targets since the last tick, as one line per target group."""
        now = self._clock.now()
        for group, count in service.registered.items():
            say(service, now, texts.registered(count, group))
            resolved(service, "register")
        for group, count in service.deregistered.items():
            say(service, now, texts.deregistered(count, group))
        for deployment_id, count in service.draining.items():
            say(service, now, texts.draining(count), task_set=deployment_id)
        service.registered.clear()
        service.deregistered.clear()
        service.draining.clear()

    def _account(self, service: Service) -> None:
        """Count the failures among tasks that stopped since the last tick, and delay the next start where that is due."""
        by_id = {deployment.id: deployment for deployment in service.deployments}
        for task in self._store.tasks_of(service):
            deployment = by_id.get(task.deployment_id or "")
            if deployment is None:
                continue
            if task.started_at is not None and not deployment.reached_running:
                deployment.reached_running = True
                deployment.failure_streak = 0
            if task.live or task.accounted:
                continue
            task.accounted = True
            service.steady_since = None
            health_failure = task.stop_code == "ServiceSchedulerInitiated" and not (task.stopped_reason or "").startswith("Scaling")
            if not breaker.counts_as_failure(task.stop_code, task.started_at is not None, task.healthy_once, health_failure):
                continue
            deployment.failed_tasks += 1
            deployment.failure_count += 1
            if task.started_at is None:
                self._throttle(service, deployment, task)

    def _throttle(self, service: Service, deployment: Deployment, task: Task) -> None:
        if task.batch <= deployment.failed_batch:
            return
        deployment.failed_batch = task.batch
        deployment.failure_streak += 1
        delay = breaker.retry_delay(deployment.failure_streak)
        if delay:
            deployment.next_start = self._clock.time() + delay
            complain(service, self._clock.now(), self._clock.time(), "throttle", texts.UNABLE_TO_START)

    def _detect_failure(self, service: Service, observed: Observed) -> bool:
        """Circuit breaker, then alarms: the first to trigger wins."""
        primary = service.primary
        entry = service.current
        now = self._clock.now()
        if primary.rollout_state != "IN_PROGRESS" or entry is None or entry.status not in ("IN_PROGRESS", "ROLLBACK_IN_PROGRESS"):
            return False
        settings = deployments.breaker_settings(service)
        if settings["enable"]:
            entry.threshold = breaker.threshold(settings, service.desired)
            if primary.failure_count >= entry.threshold:
                deployments.fail(self._store, service, "breaker", now)
                return True
        names = observed.alarms.get(service.arn)
        if names and not primary.alarms_ignored:
            entry.triggered_alarms = names
            deployments.fail(self._store, service, "alarm", now)
            return True
        return False

    def _settled(self, service: Service, decisions: Decisions) -> bool:
        """The PRIMARY deployment is fulfilled, and has been for as long as ECS takes to say so."""
        primary = service.primary
        if not decisions.fulfilled or decisions.starts or decisions.stops:
            primary.fulfilled_since = None
            return False
        if primary.fulfilled_since is None:
            primary.fulfilled_since = self._clock.time()
        return self._clock.time() - primary.fulfilled_since >= COMPLETION_LAG

    def _baked(self, service: Service) -> bool:
        """The alarms' bake time is over (or there is nothing to bake for)."""
        settings = deployments.alarm_settings(service)
        primary = service.primary
        if not settings["enable"] or primary.alarms_ignored:
            return True
        if primary.bake_until is None:
            minutes = service.settings["deploymentConfiguration"].get("bakeTimeInMinutes")
            primary.bake_until = self._clock.time() + (ALARM_BAKE if minutes is None else minutes * 60)
        return self._clock.time() >= primary.bake_until

    def _view(self, service: Service, task: Task, observed: Observed) -> TaskView:
        instance = self._store.instances.get(task.instance_arn or "")
        health = self._health(service, task, observed)
        if health == "healthy" and not task.healthy_once:
            task.healthy_once = True
            self._reset_failures(service, task)
        return TaskView(
            id=task.arn,
            deployment=task.deployment_id or "",
            zone=task.zone or "",
            running=task.running,
            health=health,
            created=task.created,
            draining=instance is not None and instance.status == "DRAINING",
            placed=instance is not None,
        )

    def _reset_failures(self, service: Service, task: Task) -> None:
        """A task became healthy: by default that ends the count of consecutive failures."""
        for deployment in service.deployments:
            if deployment.id == task.deployment_id and deployment.rollout_state != "FAILED":
                deployment.failed_tasks = 0
                deployment.next_start = 0.0
                if deployments.breaker_settings(service).get("resetOnHealthyTask", True):
                    deployment.failure_count = 0
        resolved(service, "throttle")

    def _health(self, service: Service, task: Task, observed: Observed) -> str:
        """`healthy`, `unhealthy` (grace period over) or `waiting` (2.3)."""
        if not task.running or task.running_since is None:
            return "waiting"
        checked = any(c.checked and c.essential for c in task.containers.values())
        age = self._clock.time() - task.running_since
        in_grace = age < service.settings.get("healthCheckGracePeriodSeconds", 0)
        container = task.health_status
        targets = [observed.targets.get((task.arn, target.target_group)) for target in task.targets]
        for target, seen in zip(task.targets, targets, strict=True):
            target.health = seen
        if container == "UNHEALTHY" or any(seen is not None and seen.state == "unhealthy" for seen in targets):
            return "waiting" if in_grace else "unhealthy"
        if checked and container != "HEALTHY":
            return "waiting"
        if task.targets:
            return "healthy" if all(seen is not None and seen.state == "healthy" for seen in targets) else "waiting"
        return "healthy" if checked or age >= HEALTHY_AFTER_RUNNING else "waiting"

    def _snapshot(self, service: Service, views: list[TaskView]) -> Snapshot:
        configuration = service.settings["deploymentConfiguration"]
        early = configuration.get("earlySuccessCriteria") or {}
        time = self._clock.time()
        return Snapshot(
            desired=service.desired,
            minimum_percent=configuration["minimumHealthyPercent"],
            maximum_percent=configuration["maximumPercent"],
            deployments=[
                DeploymentView(
                    id=deployment.id,
                    primary=deployment is service.primary,
                    rollout=deployment.rollout_state,
                    want=deployment.want,
                    may_start=time >= deployment.next_start,
                    trusted=not deployment.superseded,
                    blocked=deployment.placement_blocked,
                )
                for deployment in service.deployments
            ],
            tasks=views,
            early_success_percent=early.get("healthyPercent") if early.get("enable") else None,
            deferred_cleanup=early.get("sourceServiceRevisionCleanup") == "DEFERRED",
        )

    def _apply(self, service: Service, decisions: Decisions) -> None:
        by_id = {deployment.id: deployment for deployment in service.deployments}
        for start in decisions.starts:
            self._start(service, by_id[start.deployment], start)
        self._stop(service, decisions, by_id)

    def _start(self, service: Service, deployment: Deployment, start: Start) -> None:
        deployment.batches += 1
        placed: list[str] = []
        failure: Outcome | None = None
        for _ in range(start.count):
            task = self._new_task(service, deployment)
            outcome = self._maker.find_place(task)
            if outcome.host is not None:
                self._store.tasks[task.arn] = task
                self._maker.settle(task, self._store.instances[outcome.host.arn])
                placed.append(task.id)
            elif task.capacity_provider is not None and self._may_wait(service, task):
                self._store.tasks[task.arn] = task
                placed.append(task.id)
            else:
                failure = outcome
                break
        now, time = self._clock.now(), self._clock.time()
        deployment.placement_blocked = failure is not None
        if placed:
            say(service, now, texts.started(placed, min(start.unhealthy_replaced, len(placed))))
            resolved(service, "configuration")
        if failure is None:
            resolved(service, "placement")
        elif deployment.revision.config.get("capacityProviderStrategy") and not failure.refusals:
            complain(service, now, time, "placement", texts.PROVIDER_EMPTY)
        else:
            complain(service, now, time, "placement", texts.unplaceable(failure.detail))

    def _may_wait(self, service: Service, task: Task) -> bool:
        """Whether the task may stay in PROVISIONING: its capacity provider scales, and not too many wait already."""
        provider = cloud.capacity_provider(service.account, service.region, task.capacity_provider or "")
        if provider is None or not provider["managed"]:
            return False
        waiting = sum(t.cluster_arn == service.cluster_arn and t.live and t.instance_arn is None for t in self._store.tasks.values())
        if waiting < PROVISIONING_TASKS_PER_CLUSTER:
            return True
        complain(service, self._clock.now(), self._clock.time(), "limit", texts.PROVISIONING_LIMIT)
        return False

    def _new_task(self, service: Service, deployment: Deployment) -> Task:
        config = deployment.revision.config
        subnets, groups = subnets_and_groups(config.get("networkConfiguration"))
        definition: JsonObject = cloud.fresh(deployment.revision.config["definition"])
        return self._maker.new(
            f"arn:aws:ecs:{service.region}:{service.account}:task/{service.cluster}/{hex_id()}",
            service.cluster,
            service.cluster_arn,
            service.account,
            service.region,
            f"service:{service.name}",
            definition,
            launch_type=config.get("launchType"),
            capacity_provider=self._provider(service, config),
            started_by=deployment.id,
            service_arn=service.arn,
            deployment_id=deployment.id,
            batch=deployment.batches,
            subnets=subnets,
            security_groups=groups,
            constraints=tuple(service.settings.get("placementConstraints", ())),
            strategy=tuple(service.settings.get("placementStrategy", ())),
            targets=new_targets(config.get("loadBalancers", ())),
            tags=self._propagated(service, definition),
            execute_command=service.settings.get("enableExecuteCommand", False),
        )

    def _provider(self, service: Service, config: Mapping[str, object]) -> str | None:
        strategy = config.get("capacityProviderStrategy")
        if not isinstance(strategy, list) or not strategy:
            return None
        return next_provider(strategy, [t.capacity_provider for t in self._store.live_tasks_of(service)])

    def _propagated(self, service: Service, definition: JsonObject) -> list[JsonObject]:
        source = service.settings.get("propagateTags", "NONE")
        tags: list[JsonObject] = (
            list(service.tags) if source == "SERVICE" else list(definition.get("tags", ())) if source == "TASK_DEFINITION" else []
        )
        if service.settings.get("enableECSManagedTags"):
            tags += [
                {"key": "aws:ecs:serviceName", "value": service.name},
                {"key": "aws:ecs:clusterName", "value": service.cluster},
            ]
        return tags

    def _stop(self, service: Service, decisions: Decisions, by_id: Mapping[str, Deployment]) -> None:
        """End tasks, and say so: unhealthy ones with why, then how many running and pending ones were stopped."""
        now = self._clock.now()
        running: list[str] = []
        pending = 0
        for stop in decisions.stops:
            task = self._store.tasks[stop.task]
            deployment = by_id[task.deployment_id or ""]
            if stop.cause == "old":
                deployment.want = max(0, deployment.want - 1)
            if task.running:
                running.append(task.id)
            else:
                pending += 1
            if stop.cause == "unhealthy":
                self._maker.end(task, "ServiceSchedulerInitiated", self._explain(service, task))
            else:
                self._maker.end(task, "ServiceSchedulerInitiated", texts.scaling_activity(service.primary.id))
        if running:
            say(service, now, texts.stopped_running(running))
        if pending:
            say(service, now, texts.stopped_pending(pending))

    def _explain(self, service: Service, task: Task) -> str:
        """Say why the task is unhealthy; returns its stoppedReason."""
        now = self._clock.now()
        for target in task.targets:
            if target.health is not None and target.health.state == "unhealthy":
                why = target.health.description or "Health checks failed"
                if task.eni is not None:
                    text = texts.target_unhealthy(task.id, target.port, target.target_group, why)
                else:
                    instance = self._store.instances[task.instance_arn or ""]
                    text = texts.instance_target_unhealthy(instance.ec2_instance_id, target.port, target.target_group, why)
                say(service, now, text)
                return texts.elb_health(target.target_group)
        say(service, now, texts.container_unhealthy(task.id))
        return texts.STOP_CONTAINER_HEALTH
