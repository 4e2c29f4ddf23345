"""Releases that cannot work, and how ECS puts the last good deployment back."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.local_aws.stack import DEPLOYMENT, PATIENCE, Service, Stack, task_id

LONG = 3 * PATIENCE
"""For the circuit breaker, which waits longer and longer between failed starts."""

STEADY = r"has reached a steady state\."


def watch_rollback(service: Service, bad: str, good: str, limit: float = LONG) -> dict[str, Any]:
    """Wait until the good deployment is PRIMARY and COMPLETED again; the bad one as it was last seen, once it had FAILED."""
    failed: dict[str, Any] = {}

    def back() -> bool:
        deployments = {item["id"]: item for item in service.describe()["deployments"]}
        if bad in deployments and deployments[bad]["rolloutState"] == "FAILED":
            failed.update(deployments[bad])
            assert deployments[good]["status"] == "PRIMARY"
        primary = next(item for item in deployments.values() if item["status"] == "PRIMARY")
        if failed and primary["id"] == good and primary["rolloutState"] == "IN_PROGRESS":
            failed["while_rolling_back"] = primary["rolloutStateReason"]
        return bool(failed and primary["id"] == good and primary["rolloutState"] == "COMPLETED" and bad not in deployments)

    service.stack.aws.until(back, limit, f"{bad} rolled back to {good}")
    return failed


def ordered(texts: list[str], *patterns: str) -> None:
    """Fails unless the texts hold matches of the patterns in this order."""
    at = -1
    for pattern in patterns:
        found = next((number for number, text in enumerate(texts) if number > at and re.search(pattern, text)), None)
        assert found is not None, f"nothing like {pattern!r} after event {at} of:\n" + "\n".join(texts)
        at = found


@pytest.mark.parametrize(("desired", "threshold"), [(1, 3), (4, 3)])
def test_the_breaker_rolls_back_a_release_that_crashes_at_start(stack: Stack, desired: int, threshold: int) -> None:
    stack.build()
    good_definition = stack.define("1.0.0")
    service, good = stack.steady_service(good_definition, desired)
    good_tasks = {task_id(task) for task in service.tasks(good)}
    before = service.last_event_at()
    bad_definition = stack.define("2.0.0", FAULT_CRASH_AT_START="3")
    bad = service.update(taskDefinition=bad_definition)

    last_seen = watch_rollback(service, bad, good)
    assert last_seen["status"] == "ACTIVE"
    assert last_seen["rolloutStateReason"] == "ECS deployment circuit breaker: tasks failed to start."
    assert last_seen["failedTasks"] >= threshold
    assert last_seen["while_rolling_back"] == f"ECS deployment circuit breaker: rolling back to deploymentId {good}."

    service.wait_event(STEADY, before)
    texts = service.texts(before)
    ordered(
        texts,
        r"has started \d+ tasks: ",
        rf"^\(deployment {bad}\) deployment failed: tasks failed to start\.$",
        rf"^rolling back to deployment {good}\.$",
        rf"^\(deployment {good}\) deployment completed\.$",
        STEADY,
    )
    assert f"(deployment {bad}) deployment completed." not in texts
    events = service.events(before)
    failed_at = next(event.at for event in events if "deployment failed" in event.text)
    rolled_at = next(event.at for event in events if event.text.startswith("rolling back"))
    assert 0 <= (rolled_at - failed_at).total_seconds() < 0.01

    bad_tasks = service.tasks(bad)
    assert len(bad_tasks) >= threshold
    for task in bad_tasks:
        assert task["lastStatus"] == "STOPPED"
        if task["stopCode"] != "ServiceSchedulerInitiated":
            assert (task["stopCode"], task["stoppedReason"]) == ("EssentialContainerExited", "Essential container in task exited")
            assert task["containers"][0]["exitCode"] == 3
    assert {task_id(task) for task in service.tasks(good, "RUNNING")} == good_tasks, "the good tasks were never touched"
    lines = stack.log_lines(next(task for task in bad_tasks if task["stopCode"] == "EssentialContainerExited"))
    assert lines[-1]["setting"] == "FAULT_CRASH_AT_START"

    after = service.describe()
    assert after["taskDefinition"] == good_definition
    assert (after["runningCount"], after["pendingCount"]) == (desired, 0)
    newest, oldest = service.service_deployments()
    assert newest["status"] == "ROLLBACK_SUCCESSFUL"
    assert newest["statusReason"] == "Service deployment rolled back because the circuit breaker threshold was exceeded."
    assert newest["deploymentCircuitBreaker"]["status"] == "TRIGGERED"
    assert newest["deploymentCircuitBreaker"]["threshold"] == threshold
    assert newest["deploymentCircuitBreaker"]["failureCount"] >= threshold
    assert newest["rollback"]["serviceRevisionArn"] == oldest["targetServiceRevision"]["arn"]
    assert service.revision(newest["targetServiceRevision"]["arn"])["taskDefinition"] == bad_definition


def test_failing_health_checks_of_the_load_balancer_roll_a_release_back(stack: Stack) -> None:
    stack.build()
    service, good = stack.steady_service(stack.define("1.0.0"), 1)
    before = service.last_event_at()
    bad = service.update(taskDefinition=stack.define("2.0.0", FAULT_NEVER_READY="true"))

    last_seen = watch_rollback(service, bad, good)
    assert last_seen["rolloutStateReason"] == "ECS deployment circuit breaker: tasks failed to start."
    service.wait_event(STEADY, before)
    target_group = re.escape(stack.target_group)
    ordered(
        service.texts(before),
        r"has started 1 tasks: ",
        rf"registered 1 targets in \(target-group {target_group}\)",
        rf"^\(task [0-9a-f]{{32}}\) \(port 8080\) is unhealthy in \(target-group {target_group}\) "
        r"due to \(reason Health checks failed with these codes: \[503\]\)\.$",
        rf"^\(deployment {bad}\) deployment failed: tasks failed to start\.$",
        rf"^rolling back to deployment {good}\.$",
        rf"^\(deployment {good}\) deployment completed\.$",
    )
    unhealthy = [task for task in service.tasks(bad) if task.get("stoppedReason", "").startswith("Task failed")]
    assert len(unhealthy) >= 3
    for task in unhealthy:
        assert task["stopCode"] == "ServiceSchedulerInitiated"
        assert task["stoppedReason"] == f"Task failed ELB health checks in (target-group {stack.target_group})"
    assert service.service_deployments()[0]["status"] == "ROLLBACK_SUCCESSFUL"


def test_failing_container_health_checks_roll_a_release_back(stack: Stack) -> None:
    stack.build()
    check = {"command": ["CMD", "/server", "-healthcheck"], "interval": 5, "timeout": 2, "retries": 2, "startPeriod": 0}
    service, good = stack.steady_service(stack.define("1.0.0", container={"healthCheck": check}), 1, balanced=False)
    (task,) = service.tasks(good)
    assert task["healthStatus"] == "HEALTHY"
    assert task["containers"][0]["healthStatus"] == "HEALTHY"
    before = service.last_event_at()
    bad = service.update(taskDefinition=stack.define("2.0.0", container={"healthCheck": check}, FAULT_NEVER_READY="true"))

    watch_rollback(service, bad, good)
    ordered(
        service.texts(before),
        r"^\(task [0-9a-f]{32}\) failed container health checks\.$",
        rf"^\(deployment {bad}\) deployment failed: tasks failed to start\.$",
        rf"^rolling back to deployment {good}\.$",
    )
    unhealthy = [task for task in service.tasks(bad) if task.get("stoppedReason") == "Task failed container health checks"]
    assert len(unhealthy) >= 3
    assert {task["stopCode"] for task in unhealthy} == {"ServiceSchedulerInitiated"}


def test_an_image_that_is_not_there_fails_with_the_words_of_the_pull(stack: Stack) -> None:
    stack.build()
    service, good = stack.steady_service(stack.define("1.0.0"), 1, balanced=False)
    image = stack.account.push("1.0.0").partition("@")[0] + ":9.9.9"
    before = service.last_event_at()
    bad = service.update(taskDefinition=stack.define(image))
    watch_rollback(service, bad, good)
    ordered(
        service.texts(before),
        rf"^\(deployment {bad}\) deployment failed: tasks failed to start\.$",
        rf"^rolling back to deployment {good}\.$",
    )
    for task in service.tasks(bad):
        if task["stopCode"] == "ServiceSchedulerInitiated":
            continue
        assert task["stopCode"] == "TaskFailedToStart"
        assert "startedAt" not in task
        said = " ".join([task["stoppedReason"], *(container.get("reason", "") for container in task["containers"])])
        assert "CannotPull" in said
        assert "9.9.9" in said
        assert "not found" in said


def test_without_a_completed_deployment_there_is_nothing_to_roll_back_to(stack: Stack) -> None:
    stack.build()
    service = stack.create_service(stack.define("2.0.0", FAULT_CRASH_AT_START="1"), 1, balanced=False)
    first = service.primary()["id"]
    stack.aws.until(lambda: service.primary()["rolloutState"] == "FAILED", LONG, "the only deployment failed")
    primary = service.primary()
    assert primary["id"] == first
    assert primary["rolloutStateReason"] == "ECS deployment circuit breaker: tasks failed to start."
    (only,) = service.service_deployments()
    assert only["status"] == "ROLLBACK_FAILED"
    assert only["statusReason"] == "No rollback candidate was found to run the rollback."
    assert not [text for text in service.texts() if re.search(rf"rolling back to deployment {DEPLOYMENT}", text)]
    assert service.describe()["runningCount"] == 0


def test_without_breaker_a_release_that_never_starts_stays_in_progress_and_is_throttled(stack: Stack) -> None:
    stack.build()
    service, good = stack.steady_service(stack.define("1.0.0"), 1, balanced=False, breaker=False)
    before = service.last_event_at()
    bad = service.update(taskDefinition=stack.define(stack.account.push("1.0.0").partition("@")[0] + ":9.9.9"))
    service.wait_event(r"is unable to consistently start tasks successfully\. For more information", before, LONG)
    primary = service.primary()
    assert (primary["id"], primary["rolloutState"]) == (bad, "IN_PROGRESS")
    assert len(service.tasks(good, "RUNNING")) == 1
    assert service.service_deployments()[0]["status"] == "IN_PROGRESS"


def test_an_alarm_that_goes_off_rolls_a_release_back(stack: Stack) -> None:
    stack.build()
    cloudwatch = stack.aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        Namespace="Shop",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    service, good = stack.steady_service(stack.define("1.0.0"), 1, balanced=False)
    service.update(
        deploymentConfiguration={
            "minimumHealthyPercent": 100,
            "maximumPercent": 200,
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True},
        }
    )
    before = service.last_event_at()
    bad = service.update(taskDefinition=stack.define("2.0.0", FAULT_ERROR_RATE="1"))
    stack.aws.until(lambda: [task for task in service.tasks(bad) if task["lastStatus"] == "RUNNING"], PATIENCE, "the new task runs")
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "Errors", "Value": 50}])

    watch_rollback(service, bad, good)
    ordered(
        service.texts(before),
        rf"^\(deployment {bad}\) deployment failed: alarm detected\.$",
        rf"^rolling back to deployment {good}\.$",
        rf"^\(deployment {good}\) deployment completed\.$",
    )
    newest = service.service_deployments()[0]
    assert newest["status"] == "ROLLBACK_SUCCESSFUL"
    assert newest["alarms"]["triggeredAlarmNames"] == ["errors"]
