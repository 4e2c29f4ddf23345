# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judge before single snapshots: which id, which state, which record decides."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout.judge import Done, Failed, Going, Judge, Judgement, Snapshot, Wanted
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout.pace import pause, throttled_pause

BIRTH = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.timezone.utc)
OURS, OLD, OTHER = "ecs-svc/2", "ecs-svc/1", "ecs-svc/3"


def at(seconds: float) -> datetime.datetime:
    return BIRTH + datetime.timedelta(seconds=seconds)


def deployment(identity: str, status: str = "PRIMARY", state: str | None = "IN_PROGRESS", **more: t.Any) -> dict[str, t.Any]:
    number = int(identity[-1])
    return {
        "id": identity,
        "status": status,
        "rolloutState": state,
        "taskDefinition": f"arn/web:{number}",
        "createdAt": at(number * 100),
        "updatedAt": at(number * 100 + 50),
        "desiredCount": 2,
        "runningCount": 0,
        "pendingCount": 0,
        **more,
    }


def service(*deployments: dict[str, t.Any], events: tuple[str, ...] = (), **more: t.Any) -> dict[str, t.Any]:
    return {
        "status": "ACTIVE",
        "desiredCount": 2,
        "deployments": list(deployments),
        "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 100},
        "events": [{"id": str(index), "createdAt": at(250), "message": text} for index, text in enumerate(events)],
        **more,
    }


def judge_one(shown: dict[str, t.Any] | None, seconds: float = 0.0, **more: t.Any) -> Judgement:
    return Judge(Wanted(OURS, "web:2")).look(Snapshot(seconds, shown, **more))


def test_completed_with_our_id_and_definition_is_success() -> None:
    assert isinstance(judge_one(service(deployment(OURS, state="COMPLETED"))), Done)


def test_old_tasks_that_still_run_after_an_early_success_are_named() -> None:
    done = judge_one(service(deployment(OURS, state="COMPLETED"), deployment(OLD, "ACTIVE", "COMPLETED", runningCount=1)))
    assert isinstance(done, Done)
    assert "1 tasks of older deployments" in done.note


def test_the_right_id_with_another_definition_is_not_ours() -> None:
    failed = Judge(Wanted(OURS, "web:9")).look(Snapshot(0, service(deployment(OURS, state="COMPLETED"))))
    assert isinstance(failed, Failed)
    assert failed.superseded


def test_two_deployments_of_one_definition_are_told_apart_by_id() -> None:
    """With force-new-deployment both carry the same ARN."""
    old = deployment(OLD, "PRIMARY", "COMPLETED", taskDefinition="arn/web:2")
    assert isinstance(judge_one(service(old)), Going)


@pytest.mark.parametrize(
    ("shown", "cause"),
    [
        (
            service(deployment(OURS, state="FAILED", rolloutStateReason="ECS deployment circuit breaker: tasks failed to start.")),
            "circuit_breaker",
        ),
        (service(deployment(OURS, state="FAILED", rolloutStateReason="ECS deployment failed: alarm detected.")), "alarm"),
        (
            service(deployment(OLD), deployment(OURS, "ACTIVE", "FAILED", rolloutStateReason="ECS deployment circuit breaker: x")),
            "circuit_breaker",
        ),
        (
            service(deployment(OLD, state="COMPLETED"), events=(f"(service web) (deployment {OURS}) deployment failed: alarm detected.",)),
            "alarm",
        ),
        (
            service(
                deployment(OLD, state="COMPLETED"), events=(f"(service web) (deployment {OURS}) deployment failed: tasks failed to start.",)
            ),
            "circuit_breaker",
        ),
        (None, "service_gone"),
        (service(status="INACTIVE"), "service_gone"),
        (service(status="DRAINING"), "service_gone"),
    ],
)
def test_failures_that_ecs_itself_shows(shown: dict[str, t.Any] | None, cause: str) -> None:
    failed = judge_one(shown)
    assert isinstance(failed, Failed)
    assert failed.cause == cause
    assert failed.hint


def test_our_deployment_that_steps_aside_for_an_older_one_is_rolled_back() -> None:
    judge = Judge(Wanted(OURS))
    assert isinstance(judge.look(Snapshot(0, service(deployment(OURS), deployment(OLD, "ACTIVE", "COMPLETED")))), Going)
    failed = judge.look(Snapshot(1, service(deployment(OLD), deployment(OURS, "ACTIVE"))))
    assert isinstance(failed, Failed)
    assert failed.rolling_back_to == OLD
    assert not failed.superseded


def test_our_deployment_that_steps_aside_for_a_newer_one_is_superseded() -> None:
    judge = Judge(Wanted(OURS))
    judge.look(Snapshot(0, service(deployment(OURS))))
    failed = judge.look(Snapshot(1, service(deployment(OTHER), deployment(OURS, "ACTIVE"))))
    assert isinstance(failed, Failed)
    assert failed.superseded


def test_one_read_without_our_deployment_is_not_believed() -> None:
    judge = Judge(Wanted(OURS))
    judge.look(Snapshot(0, service(deployment(OURS))))
    stale = service(deployment(OLD, state="COMPLETED"))
    assert isinstance(judge.look(Snapshot(1, stale)), Going)
    assert isinstance(judge.look(Snapshot(2, service(deployment(OURS)))), Going)
    assert isinstance(judge.look(Snapshot(3, stale)), Going)
    assert isinstance(judge.look(Snapshot(4, stale)), Going)
    gone = judge.look(Snapshot(5, stale))
    assert isinstance(gone, Failed)
    assert gone.rolling_back_to == OLD


@pytest.mark.parametrize("status", ["ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "STOPPED"])
def test_the_record_of_our_deployment_may_say_it_first(status: str) -> None:
    assert isinstance(judge_one(service(deployment(OURS)), service_deployment={"status": status}), Failed)


def test_the_record_names_alarms_and_hooks() -> None:
    alarms = {"status": "ROLLBACK_IN_PROGRESS", "alarms": {"triggeredAlarmNames": ["errors-high"]}}
    failed = judge_one(service(deployment(OURS)), service_deployment=alarms)
    assert isinstance(failed, Failed)
    assert failed.cause == "alarm"
    assert "errors-high" in failed.evidence[0]
    hook = {"status": "ROLLBACK_IN_PROGRESS", "statusReason": "Service deployment rolled back because X lifecycle hook(s) failed."}
    failed = judge_one(service(deployment(OURS)), service_deployment=hook)
    assert isinstance(failed, Failed)
    assert failed.cause == "lifecycle_hook"


def _stopped(number: int, owner: str = OURS, created: float = 210.0, stopped: float = 215.0, **more: t.Any) -> dict[str, t.Any]:
    return {
        "taskArn": f"arn/task/{number}",
        "startedBy": owner,
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "createdAt": at(created),
        "startedAt": at(created + 1),
        "stoppedAt": at(stopped),
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": "app", "exitCode": 1}],
        **more,
    }


_WAVE = (_stopped(1), _stopped(2, created=211))


@pytest.mark.parametrize(
    ("tasks", "failed"),
    [
        (_WAVE, False),  # one wave, one passing reason
        ((*_WAVE, _stopped(3, created=220, stopped=225)), True),  # the second try failed as well
        ((_stopped(1), _stopped(3, owner=OLD, created=220, stopped=225)), False),  # not ours
        ((_stopped(1), _stopped(2, created=220, stopped=225, containers=[{"name": "app", "exitCode": 2}])), False),  # two different ends
        ((_stopped(1, stopped=900), _stopped(2, created=901, stopped=1500)), False),  # each worked for minutes
        ((_stopped(1, created=100, stopped=150), _stopped(2)), False),  # before our deployment began
    ],
)
def test_exits_count_when_a_second_try_ends_alike(tasks: tuple[dict[str, t.Any], ...], failed: bool) -> None:
    assert isinstance(judge_one(service(deployment(OURS)), tasks=tasks), Failed) is failed


def test_more_is_needed_while_other_tasks_of_the_revision_are_well() -> None:
    well = {"taskArn": "arn/task/9", "startedBy": OURS, "lastStatus": "RUNNING", "desiredStatus": "RUNNING"}
    tasks = (well, *_WAVE, _stopped(3, created=220, stopped=225))
    assert isinstance(judge_one(service(deployment(OURS, runningCount=1)), tasks=tasks), Going)
    assert isinstance(judge_one(service(deployment(OURS, runningCount=1)), tasks=(*tasks, _stopped(4, created=230, stopped=235))), Failed)


def test_a_budget_can_be_widened() -> None:
    tasks = (*_WAVE, _stopped(3, created=220, stopped=225))
    judge = Judge(Wanted(OURS), budgets={"container_exited": 5})
    assert isinstance(judge.look(Snapshot(0, service(deployment(OURS)), tasks)), Going)


NO_MEMORY = (
    "(service web) was unable to place a task because no container instance met all of its requirements. "
    "The closest matching container-instance 0123 has insufficient memory available."
)


@pytest.mark.parametrize(
    ("largest", "growable", "at_once"),
    [({"memory": 4000}, False, True), ({"memory": 8192}, False, False), ({}, False, False), ({"memory": 4000}, True, False)],
    ids=["larger than every instance", "fits an empty one", "not known", "other instances may come"],
)
def test_a_task_larger_than_every_instance_is_hopeless_at_once(largest: dict[str, int], growable: bool, at_once: bool) -> None:
    judge = Judge(Wanted(OURS, needs={"cpu": 256, "memory": 8192}))
    judgement = judge.look(Snapshot(0.0, service(deployment(OURS), events=(NO_MEMORY,)), growable=growable, largest=largest))
    assert isinstance(judgement, Failed) == at_once
    if isinstance(judgement, Failed):
        assert judgement.cause == "no_capacity"
        assert judgement.finding is not None
        assert judgement.finding.detail == {"resource": "memory", "permanent": True, "needed": 8192, "largest": 4000}
        assert "the task needs 8192 MiB of memory; the largest container instance offers 4000" in judgement.evidence[0]


def test_failures_before_a_rollback_prove_nothing_about_it() -> None:
    judge = Judge(Wanted(OLD), ignore=["arn/task/1"], again=True)
    tasks = (_stopped(1, owner=OLD, created=190, stopped=195), _stopped(2, owner=OLD, created=110, stopped=120))
    assert isinstance(judge.look(Snapshot(0, service(deployment(OLD)), tasks)), Going)
    assert judge.best_finding() is None


def test_events_before_our_deployment_prove_nothing() -> None:
    text = "(service web) was unable to place a task because no container instance met all of its requirements."
    shown = service(deployment(OURS), events=(text,))
    shown["events"][0]["createdAt"] = at(150)
    judge = Judge(Wanted(OURS))
    judge.look(Snapshot(0, shown))
    assert judge.best_finding() is None


def test_without_a_rollout_state_the_counts_decide() -> None:
    running = deployment(OURS, state=None, runningCount=2)
    assert isinstance(judge_one(service(running)), Done)
    assert isinstance(judge_one(service(running, deployment(OLD, "ACTIVE", None, runningCount=1))), Going)


@pytest.mark.parametrize(
    ("status", "words"),
    [("PROVISIONING", "network interface"), ("PENDING", "image to be pulled"), ("ACTIVATING", "registered with the load balancer")],
)
def test_it_says_what_is_waited_for(status: str, words: str) -> None:
    task = {"taskArn": "arn/task/1", "startedBy": OURS, "lastStatus": status, "desiredStatus": "RUNNING"}
    going = judge_one(service(deployment(OURS, pendingCount=1)), tasks=(task,))
    assert isinstance(going, Going)
    assert words in going.waiting_for
    assert going.line == "new 0/2 running, 0 healthy; 1 starting; old 0"


def test_a_container_health_check_is_waited_for() -> None:
    task = {"taskArn": "arn/task/1", "startedBy": OURS, "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "healthStatus": "UNKNOWN"}
    judge = Judge(Wanted(OURS, health_checked=True))
    going = judge.look(Snapshot(0, service(deployment(OURS, runningCount=1)), (task,)))
    assert isinstance(going, Going)
    assert "health checks of the container" in going.waiting_for
    assert not going.close


def test_the_pace() -> None:
    assert pause(close=True, unchanged=500) <= 1.0
    assert pause(close=False, unchanged=0) < pause(close=False, unchanged=60) < pause(close=False, unchanged=600)
    assert [throttled_pause(times) for times in (1, 2, 3, 9)] == [2.0, 4.0, 8.0, 20.0]
