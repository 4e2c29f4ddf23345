"""The API around services and tasks: shapes, refusals and their words, standalone tasks, container instances, tags."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_aws.interfaces import AwsError

from .fakes import ACCOUNT, REGION, Bench, Script


def refused(bench: Bench, code: str, action: str, **params: Any) -> str:
    with pytest.raises(AwsError) as caught:
        bench.call(action, **params)
    assert caught.value.code == code
    return caught.value.message


def service_params(bench: Bench, **more: Any) -> dict[str, Any]:
    return {
        "serviceName": "api",
        "taskDefinition": bench.definition("good"),
        "desiredCount": 1,
        "networkConfiguration": bench.network(),
        **more,
    }


def test_create_service_refusals() -> None:
    bench = Bench()
    invalid = "InvalidParameterException"
    base = service_params(bench)
    balancer = {"targetGroupArn": bench.target_group, "containerName": "api", "containerPort": 8080}
    assert refused(bench, "ClusterNotFoundException", "CreateService", **{**base, "cluster": "nope"}) == "Cluster not found."
    assert refused(bench, "ClientException", "CreateService", **{**base, "taskDefinition": "nope"}) == "TaskDefinition not found."
    without_network = {key: value for key, value in base.items() if key != "networkConfiguration"}
    assert refused(bench, invalid, "CreateService", **without_network) == (
        "Network Configuration must be provided when networkMode 'awsvpc' is specified."
    )
    lost = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    assert "The subnet ID 'subnet-1' does not exist" in refused(bench, invalid, "CreateService", **{**base, "networkConfiguration": lost})
    assert refused(bench, invalid, "CreateService", **base, loadBalancers=[{**balancer, "containerName": "web"}]) == (
        "The container web does not exist in the task definition."
    )
    assert refused(bench, invalid, "CreateService", **base, loadBalancers=[{**balancer, "containerPort": 81}]) == (
        "The container api did not have a container port 81 defined."
    )
    assert "Both maximumPercent and minimumHealthyPercent cannot be 100" in refused(
        bench, invalid, "CreateService", **base, deploymentConfiguration={"maximumPercent": 100}
    )
    assert "Remove one and try again." in refused(
        bench, invalid, "CreateService", **base, launchType="EC2", capacityProviderStrategy=[{"capacityProvider": "x"}]
    )
    assert refused(bench, "UnsupportedFeatureException", "CreateService", **base, launchType="FARGATE")
    assert refused(bench, "UnsupportedFeatureException", "CreateService", **base, deploymentConfiguration={"strategy": "CANARY"})
    bridge = bench.definition("good", family="bridge", mode="bridge")
    assert refused(bench, invalid, "CreateService", **{**base, "taskDefinition": bridge}) == (
        "Network Configuration is not valid for the given networkMode of this task definition."
    )


def test_a_target_group_needs_a_load_balancer_and_the_right_type() -> None:
    bench = Bench()
    bench.elb.target_groups[bench.target_group].load_balancer_arns.clear()
    balancers = [{"targetGroupArn": bench.target_group, "containerName": "api", "containerPort": 8080}]
    assert refused(bench, "InvalidParameterException", "CreateService", **service_params(bench, loadBalancers=balancers)) == (
        f"The target group with targetGroupArn {bench.target_group} does not have an associated load balancer."
    )
    bench.elb.target_groups[bench.target_group].target_type = "instance"
    message = refused(bench, "InvalidParameterException", "CreateService", **service_params(bench, loadBalancers=balancers))
    assert "has target type instance, which is incompatible with the awsvpc network mode" in message


def test_an_inactive_definition_cannot_be_used() -> None:
    bench = Bench()
    arn = bench.definition("good")
    bench.ecs.deregister_task_definition(arn)
    assert refused(bench, "ClientException", "CreateService", **service_params(bench, taskDefinition=arn)) == "TaskDefinition is inactive"
    assert refused(bench, "ClientException", "RunTask", taskDefinition=arn) == "TaskDefinition is inactive"


def test_creating_twice_is_idempotent_only_with_the_same_parameters() -> None:
    bench = Bench()
    params = service_params(bench)
    first = bench.call("CreateService", **params)["service"]
    assert bench.call("CreateService", **params)["service"]["deployments"][0]["id"] == first["deployments"][0]["id"]
    params["desiredCount"] = 2
    assert refused(bench, "InvalidParameterException", "CreateService", **params) == "Creation of service was not idempotent."


def test_service_errors() -> None:
    bench = Bench()
    assert refused(bench, "ServiceNotFoundException", "UpdateService", service="api", desiredCount=1) == "Service not found."
    bench.instance()
    bench.create(desired=1)
    assert refused(bench, "InvalidParameterException", "DeleteService", service="api") == (
        "The service cannot be stopped while it is scaled above 0."
    )
    bench.call("DeleteService", service="api", force=True)
    assert refused(bench, "ServiceNotActiveException", "UpdateService", service="api", desiredCount=1) == "Service was not ACTIVE."
    answer = bench.call("DescribeServices", services=["other"])
    assert answer["failures"] == [{"arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/main/other", "reason": "MISSING"}]


def test_a_created_service_shows_the_defaults() -> None:
    bench = Bench()
    service = bench.create(desired=1, deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}})
    assert service["deploymentConfiguration"] == {
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "strategy": "ROLLING",
        "deploymentCircuitBreaker": {
            "enable": True,
            "rollback": True,
            "resetOnHealthyTask": True,
            "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50},
        },
    }
    assert (service["launchType"], service["schedulingStrategy"], service["deploymentController"]) == ("EC2", "REPLICA", {"type": "ECS"})
    assert service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "DISABLED"
    assert service["availabilityZoneRebalancing"] == "ENABLED"
    assert service["deployments"][0]["id"].startswith("ecs-svc/")
    assert len(service["deployments"][0]["id"]) == len("ecs-svc/") + 19


def test_moto_services_see_the_service() -> None:
    bench = Bench()
    bench.create(desired=1)
    found, _ = bench.ecs.describe_services("main", ["api"])
    assert [record.arn for record in found] == [bench.service()["serviceArn"]]
    bench.call("DeleteService", service="api", force=True)
    bench.run(10)
    assert bench.ecs.describe_services("main", ["api"])[0] == []
    assert bench.call("DeleteService", service="api")["service"]["status"] == "INACTIVE"


def test_run_task_from_start_to_stop() -> None:
    bench = Bench()
    bench.instance()
    overrides = {"containerOverrides": [{"name": "api", "command": ["migrate"], "environment": [{"name": "TAG", "value": "once"}]}]}
    bench.agent.scripts["once"] = Script(exit_after=30, exit_code=0)
    answer = bench.call(
        "RunTask", taskDefinition=bench.definition("good"), networkConfiguration=bench.network(), overrides=overrides, startedBy="me"
    )
    (task,) = answer["tasks"]
    assert (task["lastStatus"], task["group"], task["startedBy"]) == ("PROVISIONING", "family:api", "me")
    bench.run(15)
    (running,) = bench.call("DescribeTasks", tasks=[task["taskArn"]])["tasks"]
    assert running["lastStatus"] == "RUNNING"
    assert bench.agent.handles[0].order.task_definition["containerDefinitions"][0]["command"] == ["migrate"]
    address = next(d["value"] for d in running["attachments"][0]["details"] if d["name"] == "privateIPv4Address")
    assert address.startswith("10.0.1.")
    assert bench.agent.handles[0].order.address == address
    bench.run(60)
    (ended,) = bench.call("DescribeTasks", tasks=[task["taskArn"]])["tasks"]
    assert (ended["lastStatus"], ended["stopCode"], ended["containers"][0]["exitCode"]) == ("STOPPED", "EssentialContainerExited", 0)
    assert bench.call("ListTasks", startedBy="me")["taskArns"] == []
    assert bench.call("ListTasks", startedBy="me", desiredStatus="STOPPED")["taskArns"] == [task["taskArn"]]
    bench.run(3700)
    assert bench.call("DescribeTasks", tasks=[task["taskArn"]])["failures"][0]["reason"] == "MISSING"


def test_run_task_failures() -> None:
    bench = Bench()
    params = {"taskDefinition": bench.definition("good"), "networkConfiguration": bench.network()}
    assert refused(bench, "InvalidParameterException", "RunTask", **params) == "No Container Instances were found in your cluster."
    bench.instance()
    answer = bench.call("RunTask", count=3, **params)
    assert len(answer["tasks"]) == 2
    (arn,) = bench.call("ListContainerInstances")["containerInstanceArns"]
    assert answer["failures"] == [{"arn": arn, "reason": "RESOURCE:ENI"}]
    assert "Count should be between 1 and 10." in refused(bench, "InvalidParameterException", "RunTask", count=11, **params)
    unknown = {"containerOverrides": [{"name": "web"}]}
    assert "Override for container named web" in refused(bench, "InvalidParameterException", "RunTask", overrides=unknown, **params)


def test_start_task_names_its_instance() -> None:
    bench = Bench()
    bench.instance()
    bench.instance(1)
    second = bench.call("ListContainerInstances")["containerInstanceArns"][1]
    params = {"taskDefinition": bench.definition("good"), "networkConfiguration": bench.network()}
    answer = bench.call("StartTask", containerInstances=[second, "gone"], **params)
    assert [task["containerInstanceArn"] for task in answer["tasks"]] == [second]
    assert answer["failures"] == [{"arn": "gone", "reason": "MISSING"}]


def test_stop_task() -> None:
    bench = Bench()
    bench.ready(desired=1)
    (task,) = bench.tasks()
    stopped = bench.call("StopTask", task=task["taskArn"], reason="try it")["task"]
    assert (stopped["desiredStatus"], stopped["stopCode"], stopped["stoppedReason"]) == ("STOPPED", "UserInitiated", "try it")
    bench.run(60)
    assert bench.service()["runningCount"] == 1
    assert bench.service()["deployments"][0]["failedTasks"] == 0
    assert refused(bench, "InvalidParameterException", "StopTask", task="0" * 32) == "The referenced task was not found."


def test_container_instances_show_what_tasks_take() -> None:
    bench = Bench()
    bench.instance()
    bench.create(desired=1)
    bench.run(30)
    (arn,) = bench.call("ListContainerInstances")["containerInstanceArns"]
    (shown,) = bench.call("DescribeContainerInstances", containerInstances=[arn])["containerInstances"]
    remaining = {item["name"]: item for item in shown["remainingResources"]}
    registered = {item["name"]: item for item in shown["registeredResources"]}
    assert (registered["CPU"]["integerValue"], remaining["CPU"]["integerValue"]) == (2048, 1792)
    assert (registered["MEMORY"]["integerValue"], remaining["MEMORY"]["integerValue"]) == (1900, 1644)
    assert remaining["PORTS"]["stringSetValue"] == ["22", "2375", "2376", "51678", "51679"]
    assert shown["runningTasksCount"] == 1
    names = {item["name"]: item.get("value") for item in shown["attributes"]}
    assert names["ecs.availability-zone"] == f"{REGION}a"
    assert "ecs.capability.task-eni" in names
    assert bench.call("ListContainerInstances", filter="attribute:ecs.instance-type == t3.small")["containerInstanceArns"] == [arn]
    assert bench.call("ListContainerInstances", filter="attribute:ecs.instance-type == m5.large")["containerInstanceArns"] == []
    bench.call("PutAttributes", attributes=[{"name": "stack", "value": "blue", "targetId": arn}])
    listed = bench.call("ListAttributes", targetType="container-instance", attributeName="stack")["attributes"]
    assert listed == [{"name": "stack", "value": "blue", "targetType": "container-instance", "targetId": arn}]
    assert refused(bench, "InvalidParameterException", "DeregisterContainerInstance", containerInstance=arn) == (
        "Found running tasks on the instance."
    )
    gone = bench.call("DeregisterContainerInstance", containerInstance=arn, force=True)["containerInstance"]
    assert gone["status"] == "INACTIVE"
    assert bench.call("ListContainerInstances")["containerInstanceArns"] == []


def test_an_instance_registers_itself_with_its_identity_document() -> None:
    bench = Bench()
    document = json.dumps({"instanceId": "i-1", "instanceType": "t3.small", "availabilityZone": f"{REGION}a", "imageId": "ami-1"})
    made = bench.call("RegisterContainerInstance", instanceIdentityDocument=document)["containerInstance"]
    registered = {item["name"]: item["integerValue"] for item in made["registeredResources"]}
    assert (registered["CPU"], registered["MEMORY"]) == (2048, 2048)
    assert bench.room.store.instances[made["containerInstanceArn"]].eni_slots == 2


def test_joining_again_only_brings_the_capacity_provider() -> None:
    bench = Bench()
    first = bench.instance(ec2_instance_id="i-1")
    bench.instance(ec2_instance_id=first, capacity_provider="grow")
    (arn,) = bench.call("ListContainerInstances")["containerInstanceArns"]
    assert bench.call("DescribeContainerInstances", containerInstances=[arn])["containerInstances"][0]["capacityProviderName"] == "grow"


def test_bridge_tasks_get_host_ports() -> None:
    bench = Bench()
    bench.instance()
    definition = bench.definition("good", family="bridge", mode="bridge")
    (task,) = bench.call("RunTask", taskDefinition=definition)["tasks"]
    bench.run(15)
    (running,) = bench.call("DescribeTasks", tasks=[task["taskArn"]])["tasks"]
    (binding,) = running["containers"][0]["networkBindings"]
    assert (binding["containerPort"], binding["protocol"]) == (8080, "tcp")
    assert binding["hostPort"] >= 32768
    fixed = bench.definition("good", family="fixed", mode="bridge", container={"portMappings": [{"containerPort": 80, "hostPort": 80}]})
    answer = bench.call("RunTask", taskDefinition=fixed, count=2)
    assert len(answer["tasks"]) == 1
    assert answer["failures"][0]["reason"] == "RESOURCE:PORTS"


def test_tags_of_services_and_what_tasks_inherit() -> None:
    bench = Bench()
    bench.instance()
    service = bench.create(desired=1, tags=[{"key": "team", "value": "shop"}], propagateTags="SERVICE")
    arn = service["serviceArn"]
    bench.call("TagResource", resourceArn=arn, tags=[{"key": "stage", "value": "dev"}])
    bench.call("UntagResource", resourceArn=arn, tagKeys=["team"])
    assert bench.call("ListTagsForResource", resourceArn=arn)["tags"] == [{"key": "stage", "value": "dev"}]
    assert "tags" not in bench.service()
    assert bench.call("DescribeServices", services=["api"], include=["TAGS"])["services"][0]["tags"] == [{"key": "stage", "value": "dev"}]
    bench.run(15)
    arns = bench.call("ListTasks")["taskArns"]
    assert bench.call("DescribeTasks", tasks=arns, include=["TAGS"])["tasks"][0]["tags"] == [{"key": "stage", "value": "dev"}]


def test_definitions_are_shown_with_what_ecs_fills_in() -> None:
    bench = Bench()
    reference = bench.definition("good")
    shown = bench.call("DescribeTaskDefinition", taskDefinition="api")["taskDefinition"]
    assert shown["taskDefinitionArn"] == reference
    container = shown["containerDefinitions"][0]
    assert container["portMappings"] == [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}]
    assert [container[key] for key in ("mountPoints", "volumesFrom", "systemControls")] == [[], [], []]
    assert (shown["cpu"], shown["memory"], shown["status"], shown["revision"]) == ("256", "256", "ACTIVE", 1)
    assert shown["compatibilities"] == ["EC2", "FARGATE"]
    assert {"name": "ecs.capability.task-eni"} in shown["requiresAttributes"]
    assert {"name": "com.amazonaws.ecs.capability.ecr-auth"} in shown["requiresAttributes"]
    second = bench.definition("next")
    assert bench.call("ListTaskDefinitions", familyPrefix="api", sort="DESC")["taskDefinitionArns"] == [second, reference]
    bench.ecs.deregister_task_definition(second)
    assert bench.call("DescribeTaskDefinition", taskDefinition="api")["taskDefinition"]["taskDefinitionArn"] == reference


def test_lists_come_in_pages() -> None:
    bench = Bench()
    bench.ready(desired=1)
    for _ in range(3):
        bench.update(forceNewDeployment=True)
    first = bench.call("ListServiceDeployments", service="api", maxResults=3)
    rest = bench.call("ListServiceDeployments", service="api", maxResults=3, nextToken=first["nextToken"])
    assert (len(first["serviceDeployments"]), len(rest["serviceDeployments"])) == (3, 1)
    assert "nextToken" not in rest
    successful = bench.call("ListServiceDeployments", service="api", status=["SUCCESSFUL"])["serviceDeployments"]
    assert [item["status"] for item in successful] == ["SUCCESSFUL"]
