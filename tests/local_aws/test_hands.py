"""/_local/*: looking, emptying, and faults whose consequences then follow by themselves."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_aws.conftest import LocalAws
from tests.local_aws.stack import Stack


def one_instance(stack: Stack) -> str:
    return str(stack.container_instances()[0]["ec2InstanceId"])


def test_health_names_runtime_and_components(aws: LocalAws) -> None:
    health = aws.hand("GET", "health")
    assert health["status"] == "ok"
    assert health["runtime"]["name"] in ("namespaces", "engine", "process")
    assert health["runtime"]["reason"]
    assert health["components"] == ["agent", "alarms", "capacity", "ecs", "elb", "registry"]
    assert health["speed"] == aws.speed


def test_the_index_names_every_hand(aws: LocalAws) -> None:
    with urllib.request.urlopen(f"{aws.url}/_local/", timeout=10) as answer:
        text = answer.read().decode()
    for hand in ("/_local/reset", "/_local/state", "/_local/instances/stop", "/_local/permissions/deny", "/_local/tasks/kill"):
        assert hand in text


def test_the_registry_answers_otherwise_until_a_reset(aws: LocalAws) -> None:
    before = aws.hand("GET", "registry/quirks")
    assert aws.hand("POST", "registry/quirks", manifests_per_second=10)["manifests_per_second"] == 10
    assert aws.hand("GET", "registry/quirks") == {**before, "manifests_per_second": 10}
    with pytest.raises(AssertionError, match="Name at least one quirk"):
        aws.hand("POST", "registry/quirks")
    assert aws.hand("POST", "registry/expire-tokens") == {"expired": True}
    aws.reset()
    assert aws.hand("GET", "registry/quirks") == before


def test_reset_empties_the_account_and_the_record_of_calls(aws: LocalAws) -> None:
    aws.client("ecs").create_cluster(clusterName="a")
    aws.client("ecr").create_repository(repositoryName="things")
    assert [(call["service"], call["action"]) for call in aws.hand("GET", "calls")["calls"]] == [
        ("ecs", "CreateCluster"),
        ("ecr", "CreateRepository"),
    ]
    assert aws.hand("GET", "calls?service=ecr")["calls"][0]["params"] == {"repositoryName": "things"}
    aws.reset()
    assert aws.hand("GET", "calls")["calls"] == []
    assert aws.client("ecs").list_clusters()["clusterArns"] == []
    assert aws.client("ecr").describe_repositories()["repositories"] == []


def test_the_record_of_calls_holds_no_secret_and_the_pushes_to_the_registry(aws: LocalAws) -> None:
    aws.reset()
    aws.client("ssm").put_parameter(Name="/shop/token", Value="hush-hush", Type="SecureString", Tags=[{"Key": "a", "Value": "shown"}])
    aws.client("secretsmanager").create_secret(Name="shop", SecretString="hush-hush")
    aws.client("ecr").create_repository(repositoryName="things")
    token = aws.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    request = urllib.request.Request(f"{aws.url}/v2/things/manifests/none", headers={"Authorization": f"Basic {token}"})
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request)
    calls = aws.hand("GET", "calls?access_key=test")["calls"]
    assert "hush-hush" not in str(calls)
    assert calls[0]["params"]["Tags"] == [{"Key": "a", "Value": "shown"}]
    assert [(call["service"], call["action"], call["params"], call["status"]) for call in calls[-1:]] == [
        ("ecr", "BatchGetImage", {"repositoryName": "things"}, 404)
    ]


@pytest.mark.parametrize(
    ("path", "given", "said"),
    [
        ("instances/stop", {}, "instance is missing"),
        ("instances/stop", {"instance": "i-00000000000000000"}, "InvalidInstanceID"),
        ("permissions/deny", {"role": "nobody", "actions": ["ecr:*"]}, "NoSuchEntity"),
        ("tasks/kill", {"task": "f" * 32}, "runs now"),
        ("agents/disconnect", {"instance": "i-1"}, "no container instance"),
        ("capacity/shrink", {"group": "none", "to": 1}, "no Auto Scaling group none"),
        ("registry/quirks", {"spelling": True}, "spelling is not a quirk. There are: patch_answers_created"),
        ("registry/quirks", {"sticky_range": "perhaps"}, "sticky_range='perhaps' is neither true nor false"),
        ("nothing", {"a": 1}, "is not known"),
    ],
)
def test_a_hand_says_what_is_wrong_with_a_request(aws: LocalAws, path: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        aws.hand("POST", path, **given)


def test_a_terminated_instance_takes_its_tasks_along_and_the_service_comes_back(stack: Stack) -> None:
    stack.build(instances=2)
    service, _ = stack.steady_service(stack.define("1.0.0"), 2)
    victim = one_instance(stack)
    stack.aws.hand("POST", "instances/stop", instance=victim, how="terminate")
    stack.aws.until(lambda: victim not in [each["ec2InstanceId"] for each in stack.container_instances()], 600, "the instance left")
    stack.aws.until(lambda: len(stack.container_instances()) == 2, 600, "its replacement joined")
    stack.aws.until(lambda: stack.target_states().count("healthy") == 2, 1200, f"two healthy targets again\n{service.story()}")


def test_a_killed_process_ends_its_task_with_137_and_is_replaced(stack: Stack) -> None:
    stack.build(instances=2)
    service, _ = stack.steady_service(stack.define("1.0.0"), 1)
    (before,) = service.tasks(status="RUNNING")
    told = stack.aws.hand("POST", "tasks/kill", task=before["taskArn"])
    assert told["containers"] == ["api"]

    def stopped() -> Any:
        (task,) = stack.ecs.describe_tasks(cluster=stack.name, tasks=[before["taskArn"]])["tasks"]
        return task if task["lastStatus"] == "STOPPED" else None

    task = stack.aws.until(stopped, 600, "the task is STOPPED")
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["containers"][0]["exitCode"] == 137
    stack.aws.until(lambda: service.describe()["runningCount"] == 1, 600, "another task runs")


@pytest.fixture
def pull_denied(stack: Stack) -> Iterator[Stack]:
    """A stack whose execution role may not pull; the role is the whole account's, so it gets the permission back."""
    role = stack.account.execution_role
    stack.aws.hand("POST", "permissions/deny", role=role, actions=["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"])
    yield stack
    with contextlib.suppress(AssertionError):  # the test has given it back already
        stack.aws.hand("POST", "permissions/restore", role=role)


def test_a_permission_taken_away_fails_the_pull_with_the_sentence_of_iam(pull_denied: Stack) -> None:
    stack = pull_denied.build(instances=1)
    service = stack.create_service(stack.define("1.0.0"), 1, balanced=False, breaker=False)

    def failed() -> Any:
        return next(
            (task for task in service.tasks() if task.get("stopCode") == "TaskFailedToStart" and task["lastStatus"] == "STOPPED"), None
        )

    task = stack.aws.until(failed, 600, "a task failed to start")
    # The cause is told by the task or by its container (ecs-facts.md 4.2).
    told = f"{task['stoppedReason']} {task['containers'][0].get('reason')}"
    assert "is not authorized to perform: ecr:BatchGetImage" in told
    assert "with an explicit deny in an identity-based policy" in told
    stack.aws.hand("POST", "permissions/restore", role=stack.account.execution_role)
    stack.aws.until(lambda: service.describe()["runningCount"] == 1, 1800, "the service runs once the permission is back")


def test_a_disconnected_agent_gets_no_tasks_until_it_is_back(stack: Stack) -> None:
    stack.build(instances=1)
    instance = one_instance(stack)
    stack.aws.hand("POST", "agents/disconnect", instance=instance)
    assert [each["agentConnected"] for each in stack.container_instances()] == [False]
    service = stack.create_service(stack.define("1.0.0"), 1, balanced=False)
    service.wait_event("unable to place a task")
    stack.aws.hand("POST", "agents/connect", instance=instance)
    stack.aws.until(lambda: service.describe()["runningCount"] == 1, 1200, "the task is placed")


def test_a_type_that_runs_out_takes_instances_and_refuses_new_ones(stack: Stack) -> None:
    stack.build(instances=2)
    told = stack.aws.hand("POST", "capacity/limit", instance_type="c5.4xlarge", at_most=1)
    assert len(told["terminated"]) == 1
    stack.aws.until(lambda: len(stack.container_instances()) == 1, 600, "one instance left")
    stack.aws.hand("POST", "capacity/limit", instance_type="c5.4xlarge", at_most=None)
    stack.aws.until(lambda: len(stack.container_instances()) == 2, 600, "the group caught up")


def test_a_group_that_may_hold_less_does(stack: Stack) -> None:
    stack.build(instances=2)
    assert stack.aws.hand("POST", "capacity/shrink", group=stack.name, to=1)["DesiredCapacity"] == 1
    stack.aws.until(lambda: len(stack.container_instances()) == 1, 600, "one instance left")
