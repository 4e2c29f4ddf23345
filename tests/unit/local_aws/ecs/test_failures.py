"""Rollouts that go wrong: circuit breaker, alarms, throttle, rollback, StopServiceDeployment."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from local_aws.ecs import texts
from local_aws.interfaces import AwsError

from .fakes import Bench, Script, shapes

BREAKER: dict[str, Any] = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
NOT_FOUND = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref api:bad: not found"
UNABLE = "is unable to consistently start tasks successfully. " + texts.TROUBLESHOOTING
PULL_FAILS = Script(pull_error=NOT_FOUND)


def over(bench: Bench) -> bool:
    return bench.deployments()[0]["status"] in ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")


def broken(script: Script, desired: int, container: dict[str, Any] | None = None, **more: Any) -> tuple[Bench, str, str, int]:
    """A steady service that was just updated to a bad release: the bench, both deployment ids, how many events there were."""
    bench = Bench()
    bench.agent.scripts["bad"] = script
    bench.ready(desired=desired, deploymentConfiguration=BREAKER, **more)
    good = bench.service()["deployments"][0]["id"]
    events = len(bench.messages())
    answer = bench.update(taskDefinition=bench.definition("bad", container=container or {}))
    return bench, good, answer["deployments"][0]["id"], events


def test_breaker_at_desired_1() -> None:
    bench, good, bad, events = broken(PULL_FAILS, 1)
    bench.run_until(lambda: bench.service()["deployments"][0]["id"] == good)
    primary, failed = bench.service()["deployments"]
    assert (primary["status"], primary["rolloutState"]) == ("PRIMARY", "IN_PROGRESS")
    assert primary["rolloutStateReason"] == f"ECS deployment circuit breaker: rolling back to deploymentId {good}."
    assert (failed["id"], failed["status"], failed["rolloutState"], failed["failedTasks"]) == (bad, "ACTIVE", "FAILED", 3)
    assert failed["rolloutStateReason"] == "ECS deployment circuit breaker: tasks failed to start."
    assert bench.service()["taskDefinition"].endswith("api:1")
    bench.run_until(lambda: over(bench))
    bench.run(10)
    assert shapes(bench.messages()[events:]) == [
        "has started 1 tasks: (task T).",
        "has started 1 tasks: (task T).",
        UNABLE,
        "has started 1 tasks: (task T).",
        "(deployment ID) deployment failed: tasks failed to start.",
        "rolling back to deployment ID.",
        "(deployment ID) deployment completed.",
        "has reached a steady state.",
    ]
    record = bench.deployments()[0]
    assert record["status"] == "ROLLBACK_SUCCESSFUL"
    assert record["statusReason"] == "Service deployment rolled back because the circuit breaker threshold was exceeded."
    assert record["rollback"]["serviceRevisionArn"] == record["sourceServiceRevisions"][0]["arn"]
    assert record["deploymentCircuitBreaker"] == {"status": "TRIGGERED", "failureCount": 3, "threshold": 3}
    assert [d["id"] for d in bench.service()["deployments"]] == [good]
    dead = [task for task in bench.tasks("STOPPED") if task["startedBy"] == bad]
    assert len(dead) == 3
    assert {(task["stopCode"], task["stoppedReason"]) for task in dead} == {("TaskFailedToStart", NOT_FOUND)}


def test_breaker_at_desired_4_fails_in_the_first_wave() -> None:
    bench, good, _, _ = broken(PULL_FAILS, 4)
    seconds = bench.run_until(lambda: over(bench))
    assert seconds < 60
    assert bench.deployments()[0]["deploymentCircuitBreaker"]["failureCount"] == 4
    assert bench.service()["deployments"][0]["id"] == good
    assert bench.service()["runningCount"] == 4


def test_crash_after_running_counts_before_it_was_healthy() -> None:
    bench, good, bad, _ = broken(Script(exit_after=12), 2)
    bench.run_until(lambda: over(bench))
    assert bench.service()["deployments"][0]["id"] == good
    assert UNABLE not in bench.messages()
    dead = [task for task in bench.tasks("STOPPED") if task["startedBy"] == bad]
    assert {(t["stopCode"], t["stoppedReason"], t["containers"][0]["exitCode"]) for t in dead} == {
        ("EssentialContainerExited", "Essential container in task exited", 1)
    }
    assert bench.service()["deployments"][0]["id"] == good


def test_crash_at_start_is_throttled() -> None:
    bench, good, bad, _ = broken(Script(exit_after=4), 1)
    bench.run_until(lambda: over(bench))
    dead = [task for task in bench.tasks("STOPPED") if task["startedBy"] == bad]
    assert len(dead) == 3
    assert {task["stopCode"] for task in dead} == {"EssentialContainerExited"}
    assert not any("startedAt" in task for task in dead)
    assert UNABLE in bench.messages()
    assert bench.service()["deployments"][0]["id"] == good


def test_failed_load_balancer_health_checks_roll_back() -> None:
    bench, good, bad, _ = broken(Script(target="unhealthy"), 1)
    bench.run_until(lambda: over(bench))
    assert bench.service()["deployments"][0]["id"] == good
    text = f"is unhealthy in (target-group {bench.target_group}) due to (reason Health checks failed with these codes: [503])."
    assert sum(text in message for message in bench.messages()) == 3
    dead = [task for task in bench.tasks("STOPPED") if task["startedBy"] == bad]
    assert {(t["stopCode"], t["stoppedReason"]) for t in dead} == {
        ("ServiceSchedulerInitiated", f"Task failed ELB health checks in (target-group {bench.target_group})")
    }


def test_grace_period_keeps_unhealthy_tasks() -> None:
    bench, _, bad, _ = broken(Script(target="unhealthy"), 1, healthCheckGracePeriodSeconds=200)
    bench.run(190)
    assert [task["startedBy"] for task in bench.tasks("STOPPED")] == []
    bench.run(60)
    assert [task["startedBy"] for task in bench.tasks("STOPPED")] == [bad]


def test_failed_container_health_checks_roll_back() -> None:
    bench, good, bad, _ = broken(Script(container_health="UNHEALTHY"), 2, container={"healthCheck": {"command": ["CMD", "x"]}})
    bench.run_until(lambda: over(bench))
    assert bench.service()["deployments"][0]["id"] == good
    dead = [task for task in bench.tasks("STOPPED") if task["startedBy"] == bad]
    assert {task["stoppedReason"] for task in dead} == {"Task failed container health checks"}
    assert sum("failed container health checks." in message for message in bench.messages()) >= 3


def test_first_deployment_has_nothing_to_roll_back_to() -> None:
    bench = Bench()
    bench.agent.scripts["bad"] = PULL_FAILS
    bench.instance()
    created = bench.create("bad", 4, deploymentConfiguration=BREAKER)
    bench.run_until(lambda: over(bench))
    record = bench.deployments()[0]
    assert (record["status"], record["statusReason"]) == ("ROLLBACK_FAILED", "No rollback candidate was found to run the rollback.")
    bench.run(600)
    (primary,) = bench.service()["deployments"]
    assert (primary["id"], primary["rolloutState"]) == (created["deployments"][0]["id"], "FAILED")
    assert bench.tasks() == []


def test_breaker_without_rollback_stops_the_deployment() -> None:
    bench = Bench()
    bench.agent.scripts["bad"] = PULL_FAILS
    bench.ready(desired=4, deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": False}})
    bench.update(taskDefinition=bench.definition("bad"))
    bench.run_until(lambda: over(bench))
    assert bench.deployments()[0]["status"] == "STOPPED"
    failed, serving = bench.service()["deployments"]
    assert (failed["status"], failed["rolloutState"], serving["status"], serving["runningCount"]) == ("PRIMARY", "FAILED", "ACTIVE", 4)


def test_without_breaker_the_rollout_goes_on_for_ever_with_growing_delays() -> None:
    bench = Bench()
    bench.agent.scripts["bad"] = PULL_FAILS
    bench.ready()
    bench.update(taskDefinition=bench.definition("bad"))
    starts = []
    for second in range(5000):
        known = len(bench.agent.handles)
        bench.step()
        if len(bench.agent.handles) > known:
            starts.append(second)
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert gaps == sorted(gaps)
    assert gaps[-1] > 1600
    assert bench.deployments()[0]["status"] == "IN_PROGRESS"
    assert bench.service()["deployments"][0]["failedTasks"] == 2 * len(starts)


def test_updating_the_service_ends_the_delay() -> None:
    bench = Bench()
    bench.agent.scripts["bad"] = PULL_FAILS
    bench.ready()
    bench.update(taskDefinition=bench.definition("bad"))
    bench.run(60)
    known = len(bench.agent.handles)
    bench.run(60)
    assert len(bench.agent.handles) == known
    bench.update(healthCheckGracePeriodSeconds=5)
    bench.run(20)
    assert len(bench.agent.handles) > known


def test_reset_on_healthy_task_false_counts_for_ever() -> None:
    settings = {"enable": True, "rollback": True, "resetOnHealthyTask": False, "thresholdConfiguration": {"type": "COUNT", "value": 2}}
    bench = Bench()
    bench.ready(deploymentConfiguration={"deploymentCircuitBreaker": settings})
    bench.agent.scripts["next"] = Script(target="unhealthy")
    bench.update(taskDefinition=bench.definition("next"))
    bench.run(15)
    bench.agent.handles[-1].script = Script()
    bench.run_until(lambda: over(bench))
    assert bench.deployments()[0]["deploymentCircuitBreaker"]["failureCount"] == 2
    assert bench.deployments()[0]["status"] == "ROLLBACK_SUCCESSFUL"


def test_a_rollback_can_fail_itself() -> None:
    bench, good, _, _ = broken(Script(target="unhealthy"), 1)
    bench.agent.scripts["good"] = PULL_FAILS
    bench.run_until(lambda: bench.service()["deployments"][0]["id"] == good)
    bench.agent.handles[0].end(1)
    bench.run_until(lambda: over(bench))
    assert bench.deployments()[0]["status"] == "ROLLBACK_FAILED"
    assert bench.service()["deployments"][0]["rolloutState"] == "FAILED"


ALARMS: dict[str, Any] = {"alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}, "bakeTimeInMinutes": 2}


def test_an_alarm_during_the_bake_time_rolls_back() -> None:
    bench = Bench()
    bench.ready(deploymentConfiguration=ALARMS)
    good = bench.service()["deployments"][0]["id"]
    bench.update(taskDefinition=bench.definition("next"))
    bench.run(100)
    assert bench.deployments()[0]["status"] == "IN_PROGRESS"
    assert bench.service()["runningCount"] == 2
    bench.alarms.ringing = ["errors"]
    bench.run_until(lambda: over(bench))
    record = bench.deployments()[0]
    assert record["status"] == "ROLLBACK_SUCCESSFUL"
    assert record["alarms"] == {"status": "TRIGGERED", "alarmNames": ["errors"], "triggeredAlarmNames": ["errors"]}
    assert any(message.endswith("deployment failed: alarm detected.") for message in bench.messages())
    assert bench.service()["deployments"][0]["id"] == good


def test_an_alarm_that_rang_before_is_ignored() -> None:
    bench = Bench()
    bench.ready(deploymentConfiguration=ALARMS)
    bench.alarms.ringing = ["errors"]
    bench.update(taskDefinition=bench.definition("next"))
    bench.run_until(lambda: over(bench))
    assert bench.deployments()[0]["status"] == "SUCCESSFUL"
    assert bench.deployments()[0]["alarms"]["status"] == "DISABLED"


def test_stop_service_deployment_rolls_back_without_any_breaker() -> None:
    bench = Bench()
    bench.agent.scripts["slow"] = Script(start_after=400)
    bench.ready()
    good = bench.service()["deployments"][0]["id"]
    events = len(bench.messages())
    bench.update(taskDefinition=bench.definition("slow"))
    bench.run(25)
    arn = bench.deployments()[0]["serviceDeploymentArn"]
    assert bench.call("StopServiceDeployment", serviceDeploymentArn=arn, stopType="ROLLBACK") == {"serviceDeploymentArn": arn}
    assert bench.deployments()[0]["status"] == "ROLLBACK_REQUESTED"
    bench.run_until(lambda: over(bench))
    bench.run(10)
    assert bench.deployments()[0]["status"] == "ROLLBACK_SUCCESSFUL"
    assert shapes(bench.messages()[events:]) == [
        "has started 2 tasks: (task T) (task T).",
        "rolling back to deployment ID.",
        "stopped 2 pending tasks.",
        "(deployment ID) deployment completed.",
        "has reached a steady state.",
    ]
    assert bench.service()["deployments"][0]["id"] == good
    with pytest.raises(AwsError, match="ROLLBACK_SUCCESSFUL") as refused:
        bench.call("StopServiceDeployment", serviceDeploymentArn=arn)
    assert refused.value.code == "ConflictException"


def test_stopping_is_accepted_in_every_open_state() -> None:
    bench, _, _, _ = broken(Script(target="unhealthy"), 1)
    arn = bench.deployments()[0]["serviceDeploymentArn"]
    seen = set()
    while not over(bench):
        seen.add(bench.deployments()[0]["status"])
        bench.call("StopServiceDeployment", serviceDeploymentArn=arn)
        bench.step()
    assert seen == {"PENDING", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"}
    assert bench.deployments()[0]["status"] == "ROLLBACK_SUCCESSFUL"


def test_unknown_service_deployment() -> None:
    bench = Bench()
    with pytest.raises(AwsError) as refused:
        bench.call("StopServiceDeployment", serviceDeploymentArn="arn:aws:ecs:eu-west-1:1:service-deployment/a/b/c")
    assert refused.value.code == "ServiceDeploymentNotFoundException"
