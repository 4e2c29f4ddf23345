"""A rollout that somebody interferes with: a newer deployment, a stop, a change of the count."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.stack import PATIENCE, Service, Stack, task_id

SLOW = "600s"
"""A slow start, in real seconds: never over within a test."""


def newest_deployment_arn(service: Service) -> str:
    return str(service.service_deployments()[0]["serviceDeploymentArn"])


def status_of(service: Service, arn: str) -> dict[str, Any]:
    return next(item for item in service.service_deployments() if item["serviceDeploymentArn"] == arn)


def test_a_newer_deployment_supersedes_one_that_is_rolling(stack: Stack) -> None:
    stack.build()
    service, first = stack.steady_service(stack.define("1.0.0"), 2)
    before = service.last_event_at()
    second = service.update(taskDefinition=stack.define("2.0.0", FAULT_SLOW_START=SLOW))
    superseded = newest_deployment_arn(service)
    stack.aws.until(lambda: len(service.tasks(second)) == 2, PATIENCE, "the second deployment has tasks")
    third = service.update(taskDefinition=stack.define("2.0.0"))

    shown = {item["id"]: item for item in service.describe()["deployments"]}
    assert shown[third]["status"] == "PRIMARY"
    assert shown[second]["status"] == "ACTIVE"
    assert status_of(service, superseded)["status"] in ("STOP_REQUESTED", "STOPPED")
    service.wait_completed(third)
    assert [item["id"] for item in service.describe()["deployments"]] == [third]
    stack.aws.until(lambda: status_of(service, superseded)["status"] == "STOPPED", PATIENCE, "the superseded one is STOPPED")
    assert [item["status"] for item in service.service_deployments()] == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]
    texts = service.texts(before)
    assert f"(deployment {third}) deployment completed." in texts
    assert not [text for text in texts if second in text and "completed" in text]
    assert not [text for text in texts if "rolling back" in text or "failed" in text]
    stack.aws.until(
        lambda: all(task["lastStatus"] == "STOPPED" for deployment in (first, second) for task in service.tasks(deployment)),
        PATIENCE,
        "the tasks of both older deployments have stopped",
    )
    for task in service.tasks(second):
        assert task["stoppedReason"] == f"Scaling activity initiated by (deployment {third})"


def test_stop_service_deployment_goes_back_to_the_old_deployment(stack: Stack) -> None:
    stack.build()
    definition = stack.define("1.0.0")
    service, first = stack.steady_service(definition, 2, breaker=False)
    old = {task_id(task) for task in service.tasks(first)}
    before = service.last_event_at()
    second = service.update(taskDefinition=stack.define("2.0.0", FAULT_SLOW_START=SLOW))
    arn = newest_deployment_arn(service)
    assert status_of(service, arn)["status"] in ("PENDING", "IN_PROGRESS")
    stack.aws.until(lambda: len(service.tasks(second)) == 2, PATIENCE, "the new deployment has tasks")

    answer = stack.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    assert answer["serviceDeploymentArn"] == arn
    assert status_of(service, arn)["status"] in ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL")
    stack.aws.until(lambda: status_of(service, arn)["status"] == "ROLLBACK_SUCCESSFUL", PATIENCE, "the rollback is over")

    service.wait_completed(first)
    after = service.describe()
    assert after["taskDefinition"] == definition
    assert {task_id(task) for task in service.tasks(first, "RUNNING")} == old
    rolled_back = status_of(service, arn)
    assert service.revision(rolled_back["rollback"]["serviceRevisionArn"])["taskDefinition"] == definition
    assert rolled_back["finishedAt"] >= rolled_back["startedAt"]
    texts = service.texts(before)
    assert f"rolling back to deployment {first}." in texts
    assert f"(deployment {second}) deployment completed." not in texts

    with pytest.raises(ClientError) as refused:
        stack.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    assert refused.value.response["Error"]["Code"] == "ConflictException"
    with pytest.raises(ClientError) as unknown:
        stack.ecs.stop_service_deployment(serviceDeploymentArn=arn[:-3] + "xyz", stopType="ROLLBACK")
    assert unknown.value.response["Error"]["Code"] == "ServiceDeploymentNotFoundException"


def test_the_count_changes_without_a_deployment(stack: Stack) -> None:
    stack.build()
    service, first = stack.steady_service(stack.define("1.0.0"), 1)
    before = service.last_event_at()
    assert service.update(desiredCount=3) == first
    stack.aws.until(lambda: service.describe()["runningCount"] == 3, PATIENCE, "three tasks run")
    service.wait_event(r"has reached a steady state\.", before)
    grown = service.last_event_at()
    assert service.update(desiredCount=1) == first
    event = service.wait_event(r"^has stopped 2 running tasks: ", grown)
    assert event.task_set is None
    stack.aws.until(lambda: len(service.tasks(status="RUNNING")) == 1, PATIENCE, "one task is left")
    assert [item["id"] for item in service.describe()["deployments"]] == [first]
    assert len(service.service_deployments()) == 1


def test_a_deleted_service_drains_and_is_gone(stack: Stack) -> None:
    stack.build()
    service, first = stack.steady_service(stack.define("1.0.0"), 1)
    with pytest.raises(ClientError) as refused:
        stack.ecs.delete_service(cluster=stack.name, service=service.name)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    deleted = stack.ecs.delete_service(cluster=stack.name, service=service.name, force=True)["service"]
    assert deleted["status"] == "DRAINING"
    stack.aws.until(lambda: service.describe()["status"] == "INACTIVE", PATIENCE, "the service is INACTIVE")
    stack.aws.until(lambda: stack.target_states() == [], PATIENCE, "its target is gone")
    assert not [task for task in service.tasks(first) if not re.fullmatch("STOPPED|DEPROVISIONING|STOPPING", task["lastStatus"])]
