# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every cause by its name, from what ECS shows to the end of the judge; and the ways in which a rollout only looks as if it were fine.

The second half has a test for each row of what breaks deploy tools: the stock waiter, the circuit breaker, automatic rollbacks.
"""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout.causes import HINTS
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout.judge import Done, Failed, Going, Judge, Judgement, Snapshot, Wanted
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollout.test_judge import (
    OLD,
    OTHER,
    OURS,
    at,
    deployment,
    service,
)

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/0"
EXIT = {"stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited"}


def stopped(number: int = 1, reason: str = "", **more: t.Any) -> dict[str, t.Any]:
    """A task of our deployment that ended; the second and third were begun after the first had."""
    return {
        "taskArn": f"arn/task/{number}",
        "startedBy": OURS,
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "createdAt": at(200 + 10 * number),
        "startedAt": at(201 + 10 * number),
        "stoppedAt": at(205 + 10 * number),
        "stopCode": "TaskFailedToStart",
        "stoppedReason": reason,
        "containers": [{"name": "app"}],
        **more,
    }


def repeatedly(times: int = 2, **more: t.Any) -> Snapshot:
    return Snapshot(0, service(deployment(OURS)), tuple(stopped(number, **more) for number in range(1, times + 1)))


def shown(*deployments: dict[str, t.Any], **more: t.Any) -> Snapshot:
    """One look at a service with these deployments; `record` is the service deployment of ours."""
    return Snapshot(0, service(*(deployments or (deployment(OURS),)), **more))


def told(event: str) -> Snapshot:
    return shown(events=(f"(service web) {event}",))


def recorded(status: str, reason: str, **more: t.Any) -> Snapshot:
    record = {"status": status, "statusReason": reason, **more}
    return Snapshot(0, service(deployment(OURS)), service_deployment=record)


def sick(number: int) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """A running task, and the target of it that is unhealthy."""
    address = f"10.0.0.{number}"
    details = [{"name": "privateIPv4Address", "value": address}]
    task = {
        "taskArn": f"arn/task/{number}",
        "startedBy": OURS,
        "lastStatus": "RUNNING",
        "desiredStatus": "RUNNING",
        "createdAt": at(210),
        "attachments": [{"type": "ElasticNetworkInterface", "details": details}],
    }
    return task, {"Target": {"Id": address, "Port": 80}, "TargetHealth": {"State": "unhealthy", "Description": "Request timed out"}}


def unhealthy_targets(tasks: int) -> Snapshot:
    pairs = [sick(number) for number in range(1, tasks + 1)]
    return Snapshot(0, service(deployment(OURS)), tuple(task for task, _ in pairs), {GROUP: [target for _, target in pairs]})


DEAD_END = {"maximumPercent": 100, "minimumHealthyPercent": 100}
PLACE = "was unable to place a task because no container instance met all of its requirements."
PULL = "CannotPullContainerError: "
SECRET = "fetching secret data from SSM Parameter Store in eu-west-1: "

FAILING: dict[str, Snapshot] = {
    "image_not_found": repeatedly(1, reason=f"{PULL}manifest unknown"),
    "image_platform_mismatch": repeatedly(1, reason=f"{PULL}no matching manifest for linux/arm64"),
    "registry_denied": repeatedly(1, reason=f"{PULL}no basic auth credentials"),
    "registry_unreachable": repeatedly(3, reason=f"{PULL}dial tcp 10.0.0.1:443: i/o timeout"),
    "secret_not_found": repeatedly(1, reason=f"{SECRET}invalid parameters: /none"),
    "secret_denied": repeatedly(1, reason=f"{SECRET}AccessDeniedException"),
    "role_unusable": repeatedly(1, reason="ECS was unable to assume the role 'x' that was provided for this task."),
    "log_group_missing": repeatedly(1, reason="CannotStartContainerError: The specified log group does not exist."),
    "logs_denied": repeatedly(1, reason="CannotStartContainerError: not authorized to perform: logs:CreateLogStream"),
    "entrypoint_missing": repeatedly(1, reason='CannotStartContainerError: exec: "serve": executable file not found in $PATH'),
    "exec_format": repeatedly(1, reason="CannotStartContainerError: exec /server: exec format error"),
    "container_exited": repeatedly(containers=[{"name": "app", "exitCode": 1}], **EXIT),
    "out_of_memory": repeatedly(containers=[{"name": "app", "exitCode": 137, "reason": "OutOfMemoryError: killed"}], **EXIT),
    "container_unhealthy": repeatedly(stopCode="ServiceSchedulerInitiated", reason="Task failed container health checks"),
    "target_unhealthy": unhealthy_targets(2),
    "target_group_missing": Snapshot(0, service(deployment(OURS)), targets={GROUP: None}),
    "no_capacity": told(f"{PLACE} Reason: No Container Instances were found in your cluster."),
    "deployment_dead_end": shown(deployment(OURS), deployment(OLD, "ACTIVE", runningCount=2), deploymentConfiguration=DEAD_END),
    "alarm": recorded("ROLLBACK_IN_PROGRESS", "", alarms={"status": "TRIGGERED", "triggeredAlarmNames": ["errors"]}),
    "circuit_breaker": recorded("ROLLBACK_IN_PROGRESS", "", deploymentCircuitBreaker={"status": "TRIGGERED"}),
    "lifecycle_hook": recorded(
        "ROLLBACK_IN_PROGRESS",
        "Service deployment rolled back because PRE_SCALE_UP lifecycle hook(s) failed. Lifecycle hook target x returned FAILED status.",
    ),
    "task_failed_to_start": repeatedly(reason="HostConfigError: bad"),
    "superseded": shown(deployment(OTHER), deployment(OURS, "ACTIVE")),
    "stopped": recorded("STOPPED", "Service deployment was stopped by a user."),
    "service_gone": shown(status="DRAINING"),
}
# Waited out, and named while they last.
PASSING: dict[str, Snapshot] = {
    "registry_rate_limited": repeatedly(3, reason=f"{PULL}toomanyrequests: You have reached your pull rate limit."),
    "throttled": told("operations are being throttled on ELB. Will try again later."),
    "no_capacity": told("was unable to place a task. Reason: Capacity is unavailable at this time."),
    "task_failed_to_start": told("is unable to consistently start tasks successfully."),
}
# What only the watch over several looks can know.
OF_THE_WATCH = {"timeout", "aws_unreachable"}


def look(snapshot: Snapshot, again: bool = False) -> Judgement:
    return Judge(Wanted(OURS, "web:2"), again=again).look(snapshot)


@pytest.mark.parametrize("cause", FAILING)
def test_a_cause_is_named_with_evidence_and_hint(cause: str) -> None:
    failed = look(FAILING[cause])
    assert isinstance(failed, Failed)
    assert failed.cause == cause
    assert failed.evidence
    assert all(failed.evidence)
    assert failed.hint == HINTS[cause]
    assert failed.superseded == (cause == "superseded")


@pytest.mark.parametrize("cause", PASSING)
def test_what_passes_by_itself_is_waited_out_and_named(cause: str) -> None:
    judge = Judge(Wanted(OURS, "web:2"))
    going = judge.look(PASSING[cause])
    assert isinstance(going, Going)
    assert going.news[0].startswith(f"{cause}: ")
    found = judge.best_finding()
    assert found is not None
    assert found.cause == cause


def test_no_cause_is_without_its_row() -> None:
    assert FAILING.keys() | PASSING.keys() | OF_THE_WATCH == HINTS.keys()


@pytest.mark.parametrize(
    "cause", ["registry_unreachable", "container_exited", "out_of_memory", "container_unhealthy", "task_failed_to_start"]
)
def test_what_may_be_chance_is_not_believed_the_first_time(cause: str) -> None:
    first = FAILING[cause].tasks[0]
    assert isinstance(look(Snapshot(0, service(deployment(OURS)), (first,))), Going)
    assert isinstance(look(unhealthy_targets(1)), Going)


def test_no_instances_are_waited_for_where_scaling_may_bring_some() -> None:
    snapshot = FAILING["no_capacity"]
    assert isinstance(look(Snapshot(0, snapshot.service, growable=True)), Going)


@pytest.mark.parametrize("stop_code", ["UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"])
def test_tasks_that_others_ended_are_no_evidence(stop_code: str) -> None:
    tasks = tuple(stopped(number, "x", stopCode=stop_code, containers=[{"name": "app", "exitCode": 137}]) for number in (1, 2, 3, 4))
    judge = Judge(Wanted(OURS, "web:2"))
    assert isinstance(judge.look(Snapshot(0, service(deployment(OURS)), tasks)), Going)
    assert judge.best_finding() is None


def test_tasks_of_another_deployment_are_no_evidence() -> None:
    tasks = tuple(stopped(number, f"{PULL}manifest unknown", startedBy=OLD) for number in (1, 2, 3))
    assert isinstance(look(Snapshot(0, service(deployment(OURS)), tasks)), Going)


# What the stock waiter takes for stable.


def test_nothing_runs_and_nothing_is_wanted_which_proves_nothing() -> None:
    done = look(shown(deployment(OURS, state="COMPLETED", desiredCount=0), desiredCount=0))
    assert isinstance(done, Done)
    assert "nothing is proved about the image" in done.note


def test_one_deployment_with_all_of_its_tasks_is_not_yet_complete() -> None:
    """The stock waiter says stable here, some 25 seconds before ECS itself does."""
    tasks = tuple(
        {"taskArn": f"arn/task/{number}", "startedBy": OURS, "lastStatus": "RUNNING", "desiredStatus": "RUNNING"} for number in (1, 2)
    )
    going = look(Snapshot(0, service(deployment(OURS, runningCount=2), runningCount=2), tasks))
    assert isinstance(going, Going)
    assert going.waiting_for == "ECS to declare the deployment complete"
    assert going.close, "and then soon"


def test_a_read_from_before_the_update_is_not_believed() -> None:
    assert isinstance(look(shown(deployment(OLD, state="COMPLETED", runningCount=2), runningCount=2)), Going)


def test_steady_on_the_old_revision_after_an_automatic_rollback() -> None:
    """Everything looks fine again: only the events, or the record of the deployment, still tell."""
    old = deployment(OLD, state="COMPLETED", runningCount=2)
    event = f"(service web) (deployment {OURS}) deployment failed: tasks failed to start."
    by_event = look(shown(old, events=(event,), runningCount=2))
    by_record = look(Snapshot(0, service(old, runningCount=2), service_deployment={"status": "ROLLBACK_SUCCESSFUL"}))
    for failed in (by_event, by_record):
        assert isinstance(failed, Failed)
        assert failed.rolling_back_to == OLD


# What the circuit breaker leaves behind.


def test_a_breaker_with_nothing_to_go_back_to_leaves_the_failed_deployment_in_place() -> None:
    own = deployment(OURS, state="FAILED", rolloutStateReason="ECS deployment circuit breaker: tasks failed to start.")
    record = {"status": "ROLLBACK_FAILED", "statusReason": "No rollback candidate was found to run the rollback."}
    failed = look(Snapshot(0, service(own), service_deployment=record))
    assert isinstance(failed, Failed)
    assert (failed.cause, failed.rolling_back_to, failed.ours_is_primary) == ("circuit_breaker", None, True)
    assert "No rollback candidate was found to run the rollback." in failed.evidence


def test_the_old_deployment_is_promoted_again_under_its_old_id() -> None:
    reason = f"ECS deployment circuit breaker: rolling back to deploymentId {OLD}."
    old = deployment(OLD, state="IN_PROGRESS", rolloutStateReason=reason, runningCount=2)
    failed = look(
        shown(old, deployment(OURS, "ACTIVE", "FAILED", rolloutStateReason="ECS deployment circuit breaker: tasks failed to start."))
    )
    assert isinstance(failed, Failed)
    assert (failed.cause, failed.rolling_back_to) == ("circuit_breaker", OLD)
    # And that one is judged by its second life: it goes, and then is complete.
    back = Judge(Wanted(OLD, "web:1"), again=True)
    assert isinstance(back.look(shown(old)), Going)
    assert isinstance(back.look(shown({**old, "rolloutState": "COMPLETED"})), Done)


def test_a_rollback_can_itself_fail() -> None:
    tasks = tuple(stopped(number, f"{PULL}manifest unknown", startedBy=OLD) for number in (1, 2))
    failed = Judge(Wanted(OLD, "web:1"), again=True).look(Snapshot(0, service(deployment(OLD)), tasks))
    assert isinstance(failed, Failed)
    assert failed.cause == "image_not_found"


def test_a_rollback_that_finds_no_room_says_so() -> None:
    judge = Judge(Wanted(OLD, "web:1"), again=True)
    event = f"(service web) {PLACE} The closest matching (container-instance 1) has insufficient memory available."
    crowded = shown(deployment(OLD), events=(event,))
    assert isinstance(judge.look(crowded), Going)
    failed = judge.look(Snapshot(90, crowded.service))
    assert isinstance(failed, Failed)
    assert failed.cause == "no_capacity"


def test_exits_after_running_count_although_ecs_does_not_count_them() -> None:
    """`failedTasks` goes back to 0 with the first task that runs for a moment, and the breaker waits for ever."""
    snapshot = FAILING["container_exited"]
    assert isinstance(look(Snapshot(0, service(deployment(OURS, failedTasks=0)), snapshot.tasks)), Failed)
