"""Deployments and service deployments of one service: how they start, are superseded, complete, fail and roll back.

Works on the records only; the caller holds the store's lock. State machine: ecs-facts.md 1.6, rollback: 2.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from local_aws.ecs import breaker, texts
from local_aws.ecs.events import say
from local_aws.ecs.state import Deployment, Revision, Service, ServiceDeployment, Store, hex_id, long_number
from local_aws.interfaces import JsonObject

STARTERS = (
    "taskDefinition",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "capacityProviderStrategy",
    "platformVersion",
)
"""UpdateService inputs that start a deployment (1.4), besides forceNewDeployment. They make up a service revision."""


def needs_deployment(service: Service, params: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether an update with these parameters, leading to this revision configuration, starts a deployment."""
    if params.get("forceNewDeployment"):
        return True
    primary = service.primary
    if any(config.get(key) != primary.revision.config.get(key) for key in STARTERS):
        return True
    return "taskDefinition" in params and primary.rollout_state != "COMPLETED"


def breaker_settings(service: Service) -> JsonObject:
    found: JsonObject = service.settings["deploymentConfiguration"].get("deploymentCircuitBreaker") or {"enable": False, "rollback": False}
    return found


def alarm_settings(service: Service) -> JsonObject:
    found: JsonObject = service.settings["deploymentConfiguration"].get("alarms") or {"enable": False, "rollback": False, "alarmNames": []}
    return found


def entry_of(service: Service, deployment: Deployment) -> ServiceDeployment | None:
    return next((entry for entry in service.history if entry.deployment is deployment), None)


def begin(store: Store, service: Service, config: JsonObject, now: datetime) -> Deployment:
    """Start a deployment of a new revision; one that is still going is superseded."""
    revision = Revision(
        arn=f"{service.arn.replace(':service/', ':service-revision/', 1)}/{long_number()}",
        service_arn=service.arn,
        cluster_arn=service.cluster_arn,
        created_at=now,
        config=config,
    )
    store.revisions[revision.arn] = revision
    deployment = Deployment(f"ecs-svc/{long_number()}", revision, now, now, service.desired)
    deployment.rollout_reason = texts.in_progress(deployment.id)
    sources = [older.revision for older in service.deployments if any(t.deployment_id == older.id for t in store.live_tasks_of(service))]
    for older in service.deployments:
        _demote(store, service, older, now)
    service.deployments.insert(0, deployment)
    entry = ServiceDeployment(
        arn=f"{service.arn.replace(':service/', ':service-deployment/', 1)}/{hex_id()[:21]}",
        service_arn=service.arn,
        cluster_arn=service.cluster_arn,
        created_at=now,
        updated_at=now,
        deployment=deployment,
        sources=sources,
        configuration=dict(service.settings["deploymentConfiguration"]),
    )
    entry.threshold = breaker.threshold(breaker_settings(service), service.desired)
    if not breaker_settings(service)["enable"]:
        entry.breaker_status = "DISABLED"
    if not alarm_settings(service)["enable"]:
        entry.alarm_status = "DISABLED"
    service.history.insert(0, entry)
    service.steady_since = None
    service.problems.clear()
    return deployment


def _demote(store: Store, service: Service, older: Deployment, now: datetime) -> None:
    """A deployment that a newer one replaces: it keeps what it runs until that is no longer needed."""
    if older.status == "PRIMARY":
        older.status = "ACTIVE"
        older.updated_at = now
        older.superseded = not older.completed_once
        older.want = 0 if older.superseded else sum(task.deployment_id == older.id for task in store.live_tasks_of(service))
    if older.rolling_back:
        older.rolling_back = False
    for entry in service.history:
        if entry.over:
            continue
        if entry.status == "ROLLBACK_IN_PROGRESS":
            move(entry, "ROLLBACK_FAILED", now, texts.STOPPED_SUPERSEDED)
        elif entry.status == "PENDING":
            move(entry, "STOPPED", now, texts.STOPPED_SUPERSEDED)
        elif entry.status != "STOP_REQUESTED":
            move(entry, "STOP_REQUESTED", now, texts.STOPPED_SUPERSEDED)


def move(entry: ServiceDeployment, status: str, now: datetime, reason: str | None = None) -> None:
    """Bring a service deployment to its next status, with the timestamps that go with it."""
    entry.status = status
    entry.updated_at = now
    if reason is not None:
        entry.status_reason = reason
    if status == "IN_PROGRESS":
        entry.started_at = now
    if status == "STOPPED":
        entry.stopped_at = now
    if entry.over:
        entry.finished_at = now
        if entry.breaker_status == "MONITORING":
            entry.breaker_status = "MONITORING_COMPLETE"
        if entry.alarm_status == "MONITORING":
            entry.alarm_status = "MONITORING_COMPLETE"


def complete(service: Service, now: datetime) -> None:
    """The PRIMARY deployment has succeeded (or the rollback to it has)."""
    primary = service.primary
    primary.rollout_state = "COMPLETED"
    primary.rollout_reason = texts.completed(primary.id)
    primary.updated_at = now
    primary.completed_once = True
    primary.failed_tasks = primary.failure_count = 0
    primary.fulfilled_since = primary.bake_until = None
    if primary in service.last_completed:
        service.last_completed.remove(primary)
    service.last_completed.append(primary)
    if primary.rolling_back:
        primary.rolling_back = False
        for entry in service.history:
            if entry.status == "ROLLBACK_IN_PROGRESS":
                move(entry, "ROLLBACK_SUCCESSFUL", now)
    else:
        entry_now = entry_of(service, primary)
        if entry_now is not None and not entry_now.over:
            move(entry_now, "SUCCESSFUL", now)
    say(service, now, texts.deployment_completed(primary.id))


def rollback_candidate(service: Service) -> Deployment | None:
    """The most recent deployment that completed, other than the PRIMARY one."""
    return next((d for d in reversed(service.last_completed) if d is not service.primary), None)


def fail(store: Store, service: Service, why: str, now: datetime) -> None:
    """Failure detection fired: `why` is `breaker` or `alarm`. Rolls back where that method is set to."""
    failed = service.primary
    entry = next((e for e in service.history if not e.over), None)
    settings = breaker_settings(service) if why == "breaker" else alarm_settings(service)
    event = texts.DEPLOYMENT_FAILED_TASKS if why == "breaker" else texts.DEPLOYMENT_FAILED_ALARM
    failed.rollout_state = "FAILED"
    failed.rollout_reason = texts.BREAKER_FAILED if why == "breaker" else texts.ALARM_FAILED
    failed.updated_at = now
    service.steady_since = None
    say(service, now, texts.deployment_failed(failed.id, event))
    if entry is not None:
        if why == "breaker":
            entry.breaker_status = "TRIGGERED"
        else:
            entry.alarm_status = "TRIGGERED"
    if failed.rolling_back:
        failed.rolling_back = False
        if entry is not None:
            move(entry, "ROLLBACK_FAILED", now)
        return
    if not settings["rollback"]:
        if entry is not None:
            move(entry, "STOP_REQUESTED", now, texts.STOPPED_BREAKER if why == "breaker" else texts.STOPPED_ALARM)
        return
    roll_back(store, service, why, now)


def roll_back(store: Store, service: Service, why: str, now: datetime) -> None:
    """Promote the last completed deployment again, with its own id. `why` is `breaker`, `alarm` or `user`."""
    failed = service.primary
    entry = next((e for e in service.history if not e.over), None)
    good = rollback_candidate(service)
    reason = {"breaker": texts.ROLLED_BACK_BREAKER, "alarm": texts.ROLLED_BACK_ALARM, "user": texts.ROLLED_BACK_USER}[why]
    if good is None:
        if entry is not None:
            if why != "user":
                move(entry, "ROLLBACK_IN_PROGRESS", now)
            move(entry, "ROLLBACK_FAILED", now, texts.NO_CANDIDATE)
        if why == "user":
            failed.rollout_state = "FAILED"
            failed.rollout_reason = texts.USER_FAILED
        return
    if why == "user":
        failed.rollout_state = "FAILED"
        failed.rollout_reason = texts.USER_FAILED
    failed.status = "ACTIVE"
    failed.want = 0
    failed.superseded = True
    failed.updated_at = now
    if good in service.deployments:
        service.deployments.remove(good)
    service.deployments.insert(0, good)
    good.status = "PRIMARY"
    good.want = service.desired
    good.rollout_state = "IN_PROGRESS"
    rollout_text = {"breaker": texts.breaker_rolling_back, "alarm": texts.alarm_rolling_back, "user": texts.user_rolling_back}[why]
    good.rollout_reason = rollout_text(good.id)
    good.updated_at = now
    good.rolling_back = True
    good.superseded = False
    good.failed_tasks = good.failure_count = good.failure_streak = 0
    good.next_start = 0.0
    good.reached_running = False
    good.alarms_ignored = True
    good.fulfilled_since = good.bake_until = None
    service.steady_since = None
    say(service, now, texts.rolling_back(good.id))
    if entry is not None:
        move(entry, "ROLLBACK_IN_PROGRESS", now, reason)
        entry.rollback = {"reason": reason, "startedAt": now, "serviceRevisionArn": good.revision.arn}


def prune(store: Store, service: Service) -> None:
    """Entries leave `deployments[]` once they are empty and want nothing, which may be before the PRIMARY one is complete (1.5).

    A failed one stays until the rollback is complete: it is usually seen for a minute or two (2.7).
    """
    occupied = {task.deployment_id for task in store.live_tasks_of(service)}
    kept = [service.primary]
    for deployment in service.deployments[1:]:
        wanted = deployment.rollout_state == "FAILED" or (deployment.want > 0 and not deployment.superseded)
        if deployment.id in occupied or (wanted and service.primary.rollout_state != "COMPLETED"):
            kept.append(deployment)
        else:
            deployment.status = "INACTIVE"
    service.deployments = kept


def advance(store: Store, service: Service, now: datetime) -> None:
    """The steps of service deployments that only wait for the next look of the scheduler."""
    for entry in service.history:
        if entry.status == "PENDING":
            move(entry, "IN_PROGRESS", now)
        elif entry.status == "STOP_REQUESTED":
            move(entry, "STOPPED", now)
        elif entry.status == "ROLLBACK_REQUESTED":
            if entry.deployment is service.primary:
                roll_back(store, service, "user", now)
            else:
                move(entry, "STOPPED", now)
