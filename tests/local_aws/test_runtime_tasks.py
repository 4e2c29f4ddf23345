"""Tasks of the example service, run through the ECS API: what a user sees of the agent's work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.local_aws.stack import ACCOUNT, CONTAINER, PATIENCE, REGION, REPOSITORY_NAME, Stack

REFERENCE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY_NAME}"


@pytest.fixture
def cluster(stack: Stack) -> Stack:
    return stack.build(instances=1)


def run(stack: Stack, task_definition: str) -> str:
    answer = stack.ecs.run_task(
        cluster=stack.name,
        taskDefinition=task_definition,
        launchType="EC2",
        networkConfiguration={"awsvpcConfiguration": {"subnets": stack.account.subnets, "securityGroups": [stack.account.group]}},
    )
    assert answer["failures"] == []
    return str(answer["tasks"][0]["taskArn"])


def reached(stack: Stack, arn: str, status: str, **container: str) -> dict[str, Any]:
    """The task once it has the status, and its container these fields."""

    def look() -> dict[str, Any] | None:
        (task,) = stack.ecs.describe_tasks(cluster=stack.name, tasks=[arn])["tasks"]
        (one,) = task["containers"]
        there = task["lastStatus"] == status and all(one.get(key) == value for key, value in container.items())
        return dict(task) if there else None

    task: dict[str, Any] = stack.aws.until(look, PATIENCE, f"{arn} is {status} {container}")
    return task


def only_container(task: Mapping[str, Any]) -> dict[str, Any]:
    (container,) = task["containers"]
    return dict(container)


def test_a_task_gets_its_secret_passes_its_health_check_and_stops_when_told(cluster: Stack) -> None:
    ssm = cluster.aws.client("ssm")
    name = f"/{cluster.name}/shutdown-delay"
    ssm.put_parameter(Name=name, Value="0s", Type="SecureString")
    cluster.aws.client("iam").put_role_policy(
        RoleName=cluster.account.execution_role.rpartition("/")[2],
        PolicyName="parameters",
        PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}]}',
    )
    definition = cluster.define(
        "1.0.0",
        container={
            "environment": [],
            "secrets": [{"name": "SHUTDOWN_DELAY", "valueFrom": name}],
            "healthCheck": {"command": ["CMD", "/server", "-healthcheck"], "interval": 5, "retries": 3},
        },
    )
    arn = run(cluster, definition)
    task = reached(cluster, arn, "RUNNING", healthStatus="HEALTHY")
    assert only_container(task)["imageDigest"].startswith("sha256:")
    assert len(only_container(task)["runtimeId"]) == 64
    cluster.ecs.stop_task(cluster=cluster.name, task=arn, reason="enough")
    stopped = reached(cluster, arn, "STOPPED")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "enough")
    assert only_container(stopped)["exitCode"] == 0
    assert any("stop" in line["msg"].lower() or "shut" in line["msg"].lower() for line in cluster.log_lines(stopped))


@pytest.mark.parametrize(
    ("image", "container", "task_reason", "container_reason"),
    [
        (f"{REFERENCE}:no-such-tag", {}, "Task failed to start", ": not found"),
        ("1.0.0", {"entryPoint": ["/nowhere"]}, "Task failed to start", 'exec: "/nowhere": stat /nowhere: no such file or directory'),
        (
            "1.0.0",
            {"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/none", "awslogs-region": REGION}}},
            "Task failed to start",
            "ResourceNotFoundException: The specified log group does not exist.",
        ),
        ("1.0.0", {"secrets": [{"name": "X", "valueFrom": "/none"}]}, "fetching secret data from SSM Parameter Store in eu-west-1: ", ""),
    ],
)
def test_a_task_that_cannot_start_says_why(
    cluster: Stack, image: str, container: dict[str, Any], task_reason: str, container_reason: str
) -> None:
    stopped = reached(cluster, run(cluster, cluster.define(image, container=container)), "STOPPED")
    assert stopped["stopCode"] == "TaskFailedToStart"
    assert task_reason in stopped["stoppedReason"]
    assert container_reason in only_container(stopped).get("reason", "")
    assert "exitCode" not in only_container(stopped)


@pytest.mark.parametrize(
    ("faults", "code", "reason"),
    [
        ({"FAULT_CRASH_AT_START": "3"}, 3, None),
        ({"FAULT_MEMORY_GROWTH": "200"}, 137, "OutOfMemoryError: Container killed due to memory usage"),
    ],
)
def test_a_task_that_dies_says_how(cluster: Stack, faults: dict[str, str], code: int, reason: str | None) -> None:
    stopped = reached(cluster, run(cluster, cluster.define("1.0.0", **faults)), "STOPPED")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("EssentialContainerExited", "Essential container in task exited")
    assert (only_container(stopped)["exitCode"], only_container(stopped).get("reason")) == (code, reason)
    assert only_container(stopped)["name"] == CONTAINER
