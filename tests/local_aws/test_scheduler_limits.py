"""Rollouts that have no room: network interfaces, CPU, and the deployment configuration itself."""

from __future__ import annotations

import re

from tests.local_aws.stack import PATIENCE, Stack, task_id

DEAD_END = (
    "was unable to stop or start tasks during a deployment because of the service deployment configuration. "
    "Update the minimumHealthyPercent or maximumPercent value and try again."
)
STEADY = r"has reached a steady state\."
A_WHILE = 60.0
"""Long enough for several looks of the scheduler at the service."""


def instance_id(stack: Stack) -> str:
    (instance,) = stack.container_instances()
    return str(instance["containerInstanceArn"]).rpartition("/")[2]


def test_a_t3_small_has_no_network_interface_left_for_a_third_task(stack: Stack) -> None:
    stack.build(instance_type="t3.small", instances=1)
    service, first = stack.steady_service(stack.define("1.0.0"), 2)
    old = {task_id(task) for task in service.tasks(first)}
    before = service.last_event_at()
    second = service.update(taskDefinition=stack.define("2.0.0"))

    event = service.wait_event(r"was unable to place a task", before)
    assert event.text == (
        "was unable to place a task because no container instance met all of its requirements. "
        f'The closest matching (container-instance {instance_id(stack)}) encountered error "RESOURCE:ENI". '
        "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
    )
    stack.let_pass(A_WHILE)
    assert service.primary()["id"] == second
    assert service.primary()["rolloutState"] == "IN_PROGRESS"
    assert {task_id(task) for task in service.tasks(status="RUNNING")} == old, "no task stops while none can start"
    assert len([text for text in service.texts(before) if "unable to place" in text]) == 1, "the same trouble is said once"

    # Less than two healthy tasks allowed: one old task makes room for a new one, and the rollout goes on.
    service.update(deploymentConfiguration={"minimumHealthyPercent": 50, "maximumPercent": 200})
    service.wait_completed(second)
    texts = service.texts(before)
    assert [text for text in texts if re.match(r"has stopped 1 running tasks", text)]
    assert {task["startedBy"] for task in service.tasks(status="RUNNING")} == {second}


def test_a_task_that_is_too_large_says_which_resource_is_missing(stack: Stack) -> None:
    stack.build(instance_type="t3.small", instances=1)
    service = stack.create_service(stack.define("1.0.0"), 1, balanced=False)
    service.wait_completed(service.primary()["id"])
    before = service.last_event_at()
    large = stack.ecs.register_task_definition(
        family="large",
        networkMode="awsvpc",
        requiresCompatibilities=["EC2"],
        cpu="4096",
        memory="256",
        executionRoleArn=stack.account.execution_role,
        containerDefinitions=[{"name": "api", "image": stack.account.push("1.0.0"), "essential": True}],
    )["taskDefinition"]["taskDefinitionArn"]
    service.update(taskDefinition=large)
    event = service.wait_event(r"was unable to place a task", before)
    assert f"The closest matching (container-instance {instance_id(stack)}) has insufficient CPU units available." in event.text


def test_a_cluster_without_instances_says_so(stack: Stack) -> None:
    stack.build(instances=0)
    service = stack.create_service(stack.define("1.0.0"), 1, balanced=False)
    event = service.wait_event(r"was unable to place a task")
    assert event.text.startswith(
        "was unable to place a task because no container instance met all of its requirements. "
        "Reason: No Container Instances were found in your cluster."
    )
    assert service.tasks() == []
    # Instances that come later are used.
    stack.resize(1)
    service.wait_completed(service.primary()["id"])
    service.wait_event(STEADY)


def test_percentages_that_allow_neither_a_start_nor_a_stop_are_a_dead_end(stack: Stack) -> None:
    stack.build()
    # 75 % of 2 rounds up to 2, 125 % of 2 rounds down to 2.
    service, first = stack.steady_service(stack.define("1.0.0"), 2, balanced=False, minimum=75, maximum=125)
    old = {task_id(task) for task in service.tasks(first)}
    before = service.last_event_at()
    second = service.update(taskDefinition=stack.define("2.0.0"))

    assert service.wait_event(r"was unable to stop or start tasks", before).text == DEAD_END
    stack.let_pass(A_WHILE)
    assert service.primary()["rolloutState"] == "IN_PROGRESS"
    assert service.tasks(second) == []
    assert {task_id(task) for task in service.tasks(status="RUNNING")} == old
    assert service.texts(before).count(DEAD_END) == 1, "the same trouble is said once"

    same = service.update(deploymentConfiguration={"minimumHealthyPercent": 75, "maximumPercent": 150})
    assert same == second, "a deployment configuration starts no deployment"
    service.wait_completed(second)


def test_with_maximum_100_a_task_stops_before_its_successor_starts(stack: Stack) -> None:
    stack.build()
    service, first = stack.steady_service(stack.define("1.0.0"), 2, balanced=False, minimum=50, maximum=100)
    before = service.last_event_at()
    second = service.update(taskDefinition=stack.define("2.0.0"))
    most = fewest = 2

    def done() -> bool:
        nonlocal most, fewest
        live = len(service.tasks(status="RUNNING"))
        most, fewest = max(most, live), min(fewest, live)
        return service.completed(second)

    stack.aws.until(done, PATIENCE, f"{second} is completed")
    assert most == 2
    assert fewest == 1
    texts = service.texts(before)
    order = [("stop" if "has stopped" in text else "start") for text in texts if re.match(r"has (stopped|started)", text)]
    assert order == ["stop", "start", "stop", "start"]
    assert {task["startedBy"] for task in service.tasks(first)} == {first}


def test_a_task_that_dies_is_replaced_outside_any_deployment(stack: Stack) -> None:
    stack.build()
    service, first = stack.steady_service(stack.define("1.0.0"), 2)
    before = service.last_event_at()
    victim = service.tasks(first)[0]
    stack.ecs.stop_task(cluster=stack.name, task=victim["taskArn"], reason="a drill")
    service.wait_event(STEADY, before)
    stack.aws.until(
        lambda: next(task for task in service.tasks() if task["taskArn"] == victim["taskArn"])["lastStatus"] == "STOPPED",
        PATIENCE,
        "the stopped task shows STOPPED",
    )
    stopped = next(task for task in service.tasks() if task["taskArn"] == victim["taskArn"])
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "a drill")
    assert [text for text in service.texts(before) if text.startswith("has started 1 tasks: ")]
    assert {task["startedBy"] for task in service.tasks(status="RUNNING")} == {first}
    assert service.primary()["id"] == first
    assert len(service.tasks(status="RUNNING")) == 2
