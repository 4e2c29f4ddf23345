"""Rollouts from start to end, stepped by hand: events, counts, order."""

from __future__ import annotations

import re

import pytest

from .fakes import Bench, Script, shapes


def test_first_deployment_reaches_steady_state() -> None:
    bench = Bench()
    bench.instance(0)
    bench.instance(1)
    created = bench.create()
    assert created["status"] == "ACTIVE"
    assert created["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    bench.run_until(bench.completed)
    assert shapes(bench.messages()) == [
        "has started 2 tasks: (task T) (task T).",
        "registered 2 targets in (target-group TG)",
        "(deployment ID) deployment completed.",
        "has reached a steady state.",
    ]
    service = bench.service()
    assert (service["runningCount"], service["pendingCount"], service["desiredCount"]) == (2, 0, 2)
    assert {task["startedBy"] for task in bench.tasks()} == {created["deployments"][0]["id"]}
    assert {task["availabilityZone"] for task in bench.tasks()} == {"eu-west-1a", "eu-west-1b"}


def test_rolling_update_goes_in_the_observed_order() -> None:
    bench = Bench()
    bench.ready()
    old = bench.service()["deployments"][0]["id"]
    start = len(bench.messages())
    answer = bench.update(taskDefinition=bench.definition("next"))
    new = answer["deployments"][0]["id"]
    assert new != old
    assert [d["status"] for d in answer["deployments"]] == ["PRIMARY", "ACTIVE"]
    assert answer["taskDefinition"].endswith("api:2")
    bench.run_until(bench.completed)
    assert shapes(bench.messages()[start:]) == [
        "has started 2 tasks: (task T) (task T).",
        "registered 2 targets in (target-group TG)",
        "has stopped 2 running tasks: (task T) (task T).",
        "deregistered 2 targets in (target-group TG)",
        "(service api, taskSet ID) has begun draining connections on 2 tasks.",
        "(deployment ID) deployment completed.",
        "has reached a steady state.",
    ]
    assert bench.service()["deployments"][0]["id"] == new


def test_supersession_stops_what_was_pending() -> None:
    bench = Bench()
    bench.agent.scripts["slow"] = Script(start_after=40)
    bench.ready()
    first = bench.service()["deployments"][0]["id"]
    second = bench.update(taskDefinition=bench.definition("slow"))["deployments"][0]["id"]
    bench.run(25)
    third = bench.update(taskDefinition=bench.definition("next"))["deployments"][0]["id"]
    assert [d["id"] for d in bench.service()["deployments"]] == [third, second, first]
    assert [d["status"] for d in bench.deployments()] == ["PENDING", "STOP_REQUESTED", "SUCCESSFUL"]
    bench.run_until(bench.completed)
    assert [d["status"] for d in bench.deployments()] == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]
    assert "stopped 2 pending tasks." in bench.messages()
    assert {task["startedBy"] for task in bench.tasks()} == {third}


def test_force_new_deployment_replaces_tasks_of_the_same_definition() -> None:
    bench = Bench()
    bench.ready()
    before = bench.service()["deployments"][0]
    bench.update(forceNewDeployment=True)
    bench.run_until(bench.completed)
    after = bench.service()["deployments"][0]
    assert after["id"] != before["id"]
    assert after["taskDefinition"] == before["taskDefinition"]


def test_what_does_and_does_not_start_a_deployment() -> None:
    bench = Bench()
    bench.ready()
    same = bench.service()["taskDefinition"]
    for change in (
        {"taskDefinition": same},
        {"desiredCount": 3},
        {"healthCheckGracePeriodSeconds": 30},
        {"deploymentConfiguration": {"maximumPercent": 150}},
        {"networkConfiguration": bench.network()},
        {"enableExecuteCommand": True},
    ):
        bench.update(**change)
        assert len(bench.deployments()) == 1, change
    assert bench.service()["deploymentConfiguration"]["minimumHealthyPercent"] == 100
    bench.run(60)
    bench.update(taskDefinition=bench.definition("next"))
    bench.update(taskDefinition=bench.service()["taskDefinition"])
    assert len(bench.deployments()) == 3
    bench.update(networkConfiguration={"awsvpcConfiguration": {"subnets": [bench.subnets[0].id], "securityGroups": [bench.group]}})
    assert len(bench.deployments()) == 4


def test_eni_exhaustion_and_stop_first_gets_past_it() -> None:
    bench = Bench()
    bench.ready(instances=1)
    bench.update(taskDefinition=bench.definition("next"))
    bench.run(120)
    refused = [message for message in bench.messages() if "was unable to place a task" in message]
    assert len(refused) == 1
    assert re.search(r'The closest matching \(container-instance [0-9a-f]{32}\) encountered error "RESOURCE:ENI"\.', refused[0])
    assert bench.service()["runningCount"] == 2
    bench.update(deploymentConfiguration={"minimumHealthyPercent": 50})
    lowest = 2
    for _ in range(300):
        bench.step()
        lowest = min(lowest, bench.service()["runningCount"])
    assert bench.completed()
    assert lowest == 1


def test_percentages_that_allow_nothing_say_so_once() -> None:
    bench = Bench()
    bench.ready(desired=3, deploymentConfiguration={"minimumHealthyPercent": 75, "maximumPercent": 125})
    bench.update(taskDefinition=bench.definition("next"))
    bench.run(600)
    text = (
        "was unable to stop or start tasks during a deployment because of the service deployment configuration. "
        "Update the minimumHealthyPercent or maximumPercent value and try again."
    )
    assert bench.messages().count(text) == 1
    bench.update(deploymentConfiguration={"maximumPercent": 150})
    bench.run_until(bench.completed)


def test_drain_comes_before_sigterm() -> None:
    bench = Bench()
    bench.balancing.delay = 60
    bench.ready(desired=1)
    old = bench.agent.handles[0]
    bench.update(taskDefinition=bench.definition("next"))
    bench.run_until(lambda: bool(bench.tasks("STOPPED")))
    bench.run(55)
    (task,) = bench.tasks("STOPPED")
    assert task["lastStatus"] == "DEACTIVATING"
    assert old.stop_calls == 0
    bench.run_until(lambda: bench.tasks("STOPPED")[0]["lastStatus"] == "STOPPED")
    assert old.stop_calls == 1
    (task,) = bench.tasks("STOPPED")
    assert task["stoppingAt"] < task["executionStoppedAt"] < task["stoppedAt"]
    assert (task["executionStoppedAt"] - task["stoppingAt"]).total_seconds() >= 60
    assert task["attachments"][0]["status"] == "DELETED"
    assert task["stoppedReason"] == f"Scaling activity initiated by (deployment {bench.service()['deployments'][0]['id']})"


def test_a_single_task_stays_until_its_successor_is_healthy() -> None:
    bench = Bench()
    bench.ready(desired=1)
    fewest, most = 1, 1

    def healthy() -> int:
        return sum(bench.balancing.health(*target).state == "healthy" for target in bench.balancing.targets)

    bench.update(taskDefinition=bench.definition("next"))
    while not bench.completed():
        bench.step()
        fewest, most = min(fewest, healthy()), max(most, len(bench.tasks()))
    assert (fewest, most) == (1, 2)


def test_scale_in_and_out() -> None:
    bench = Bench()
    bench.ready(desired=4)
    bench.update(desiredCount=2)
    bench.run(60)
    assert sorted(task["availabilityZone"] for task in bench.tasks()) == ["eu-west-1a", "eu-west-1b"]
    bench.update(desiredCount=0)
    bench.run(60)
    assert bench.tasks() == []
    bench.update(desiredCount=1)
    bench.run(60)
    assert bench.service()["runningCount"] == 1
    assert len(bench.deployments()) == 1


def test_without_load_balancer_a_task_counts_after_40_seconds() -> None:
    bench = Bench()
    bench.instance()
    bench.create(desired=1, balanced=False)
    bench.run_until(lambda: bench.service()["runningCount"] == 1)
    bench.run(35)
    assert not bench.completed()
    assert 5 <= bench.run_until(bench.completed) <= 40


def test_an_unhealthy_task_is_replaced_before_it_is_stopped() -> None:
    bench = Bench()
    bench.ready()
    events = len(bench.messages())
    bench.agent.handles[0].script = Script(target="unhealthy")
    bench.run(200)
    assert shapes(bench.messages()[events:]) == [
        "has started 1 tasks: (task T). Amazon ECS replaced 1 tasks due to an unhealthy status.",
        "registered 1 targets in (target-group TG)",
        "(task T) (port 8080) is unhealthy in (target-group TG) due to (reason Health checks failed with these codes: [503]).",
        "has stopped 1 running tasks: (task T).",
        "deregistered 1 targets in (target-group TG)",
        "(service api, taskSet ID) has begun draining connections on 1 tasks.",
        "has reached a steady state.",
    ]


def test_a_draining_instance_is_emptied_within_the_percentages() -> None:
    bench = Bench()
    bench.ready(instances=3)
    instance = bench.tasks()[0]["containerInstanceArn"]
    bench.call("UpdateContainerInstancesState", containerInstances=[instance], status="DRAINING")
    lowest = 2
    for _ in range(200):
        bench.step()
        lowest = min(lowest, bench.service()["runningCount"])
    assert lowest == 2
    assert instance not in {task["containerInstanceArn"] for task in bench.tasks()}


def test_a_lost_instance_takes_its_tasks_along() -> None:
    bench = Bench()
    bench.ready(instances=2)
    lost = bench.room.store.instances[bench.tasks()[0]["containerInstanceArn"]]
    bench.instance()
    bench.room.left(lost.ec2_instance_id)
    bench.run(100)
    (gone,) = bench.tasks("STOPPED")
    assert (gone["stopCode"], gone["lastStatus"]) == ("TerminationNotice", "STOPPED")
    assert gone["stoppedReason"] == f"Host EC2 (instance {lost.ec2_instance_id}) terminated."
    assert bench.service()["runningCount"] == 2
    assert bench.service()["deployments"][0]["failedTasks"] == 0


def test_no_task_is_placed_where_the_agent_is_not_connected() -> None:
    bench = Bench()
    instance = bench.instance()
    assert bench.room.connect(instance, connected=False)
    bench.create(desired=1)
    bench.run(20)
    assert "doesn't have the agent connected. For more information" in bench.messages()[0]
    assert bench.room.connect(instance, connected=True)
    bench.run_until(bench.completed)
    assert not bench.room.connect("i-unknown", connected=True)


def test_tasks_wait_in_provisioning_for_a_capacity_provider() -> None:
    bench = Bench()
    provider = {"autoScalingGroupArn": "arn:aws:autoscaling:::group", "managedScaling": {"status": "ENABLED"}}
    bench.ecs.create_capacity_provider("grow", provider, None)
    bench.ecs.put_cluster_capacity_providers("main", ["grow"], [{"capacityProvider": "grow", "weight": 1}])
    bench.create(desired=2)
    bench.run(30)
    assert {task["lastStatus"] for task in bench.tasks()} == {"PROVISIONING"}
    assert bench.service()["pendingCount"] == 2
    (first, _) = bench.room.waiting("123456789012", "eu-west-1", "grow")
    assert (first.cpu_units, first.memory_mib, first.enis) == (256, 256, 1)
    bench.instance(capacity_provider="grow")
    bench.run_until(bench.completed)
    assert {task["capacityProviderName"] for task in bench.tasks()} == {"grow"}
    assert bench.room.idle("123456789012", "eu-west-1", "grow") == []


def test_waiting_for_a_capacity_provider_lets_old_tasks_go_down_to_the_minimum() -> None:
    bench = Bench()
    provider = {"autoScalingGroupArn": "arn:aws:autoscaling:::group", "managedScaling": {"status": "ENABLED"}}
    bench.ecs.create_capacity_provider("grow", provider, None)
    bench.ecs.put_cluster_capacity_providers("main", ["grow"], [{"capacityProvider": "grow", "weight": 1}])
    bench.instance(capacity_provider="grow")
    bench.create(desired=2, deploymentConfiguration={"minimumHealthyPercent": 50})
    bench.run_until(bench.completed)
    bench.update(taskDefinition=bench.definition("next"))
    bench.run_until(bench.completed)


def test_a_provider_without_scaling_and_instances_says_so() -> None:
    bench = Bench()
    bench.ecs.create_capacity_provider("still", {"autoScalingGroupArn": "arn:aws:autoscaling:::group"}, None)
    bench.ecs.put_cluster_capacity_providers("main", ["still"], [{"capacityProvider": "still", "weight": 1}])
    bench.create(desired=1)
    bench.run(30)
    assert bench.messages() == ["was unable to reach steady state. Reason: No Container Instances were found in your capacity provider."]


def test_first_reads_after_an_update_may_be_stale() -> None:
    bench = Bench(stale_reads=2)
    bench.ready()
    old = bench.service()["deployments"][0]["id"]
    new = bench.update(taskDefinition=bench.definition("next"))["deployments"][0]["id"]
    assert [bench.service()["deployments"][0]["id"] for _ in range(3)] == [old, old, new]


def test_a_deployment_runs_the_digest_that_its_first_task_found() -> None:
    bench = Bench()
    bench.ready(desired=1)
    bench.update(desiredCount=2)
    bench.run(60)
    images = [h.order.task_definition["containerDefinitions"][0]["image"] for h in bench.agent.handles]
    assert images[0].endswith("/api:good")
    assert images[1].endswith("/api@sha256:" + "a" * 64)
    arn = bench.deployments()[0]["targetServiceRevision"]["arn"]
    (revision,) = bench.call("DescribeServiceRevisions", serviceRevisionArns=[arn])["serviceRevisions"]
    assert revision["containerImages"] == [{"containerName": "api", "imageDigest": "sha256:" + "a" * 64, "image": images[0]}]
    assert "definition" not in revision


def test_early_success_completes_before_the_last_task() -> None:
    bench = Bench()
    bench.ready(
        desired=4,
        instances=6,
        deploymentConfiguration={
            "minimumHealthyPercent": 50,
            "earlySuccessCriteria": {"enable": True, "healthyPercent": 50, "sourceServiceRevisionCleanup": "DEFERRED"},
        },
    )
    bench.agent.scripts["next"] = Script(target="initial")
    bench.update(taskDefinition=bench.definition("next"))
    bench.run(20)
    for handle in bench.agent.handles[-4:-2]:
        handle.script = Script()
    bench.run_until(lambda: bench.service()["deployments"][0]["rolloutState"] == "COMPLETED")
    assert bench.service()["runningCount"] >= 4


def test_deleting_a_service_drains_it() -> None:
    bench = Bench()
    bench.ready()
    bench.call("DeleteService", service="api", force=True)
    assert bench.service()["status"] == "DRAINING"
    bench.run(120)
    assert bench.service()["status"] == "INACTIVE"
    assert bench.call("ListServices")["serviceArns"] == []
    bench.create()
    bench.run_until(bench.completed)
    assert len(bench.deployments()) == 1


def test_events_are_the_latest_hundred() -> None:
    bench = Bench()
    bench.ready()
    for desired in [3, 2] * 20:
        bench.update(desiredCount=desired)
        bench.run(40)
    events = bench.service()["events"]
    assert len(events) == 100
    times = [event["createdAt"] for event in events]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == 100


def test_service_metrics_every_minute() -> None:
    bench = Bench()
    bench.ready()
    bench.run(180)
    cpu = [value for name, dimensions, value in bench.metrics.values if name == "CPUUtilization"]
    memory = [value for name, dimensions, value in bench.metrics.values if name == "MemoryUtilization"]
    assert len(cpu) >= 2
    assert cpu[-1] == pytest.approx(40.0)
    assert memory[-1] == pytest.approx(25.0)
    assert bench.metrics.values[0][1] == {"ClusterName": "main", "ServiceName": "api"}
