"""EC2 capacity seen from outside: what instances register, and a capacity provider that makes its group grow from nothing."""

from __future__ import annotations

import base64
from typing import Any

from tests.local_aws.conftest import LocalAws
from tests.local_aws.stack import PATIENCE, Stack


def resources(instance: dict[str, Any], which: str) -> dict[str, Any]:
    return {each["name"]: each["integerValue"] if each["type"] == "INTEGER" else each["stringSetValue"] for each in instance[which]}


def test_instances_register_what_their_type_has(stack: Stack) -> None:
    stack.build(instance_type="t3.small", instances=2)
    instances = stack.container_instances()
    for instance in instances:
        registered = resources(instance, "registeredResources")
        assert registered["CPU"] == 2048
        assert 1900 <= registered["MEMORY"] < 2048
        assert {"22", "2375", "2376", "51678", "51679"} <= set(registered["PORTS"])
        attributes = {each["name"]: each.get("value") for each in instance["attributes"]}
        assert attributes["ecs.instance-type"] == "t3.small"
        assert attributes["ecs.cpu-architecture"] == "x86_64"
        assert attributes["ecs.vpc-id"] == stack.account.vpc
        assert attributes["ecs.subnet-id"] in stack.account.subnets
    zones = {each.get("value") for instance in instances for each in instance["attributes"] if each["name"] == "ecs.availability-zone"}
    assert zones == {"eu-west-1a", "eu-west-1b"}


def test_a_capacity_provider_starts_two_instances_for_a_service_on_an_empty_group(stack: Stack) -> None:
    stack.build(instances=0)
    provider_name = f"on-demand-{stack.name}"
    group = stack.aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[stack.name])["AutoScalingGroups"][0]
    provider = stack.ecs.create_capacity_provider(
        name=provider_name,
        autoScalingGroupProvider={"autoScalingGroupArn": group["AutoScalingGroupARN"], "managedScaling": {"status": "ENABLED"}},
    )["capacityProvider"]
    assert provider["autoScalingGroupProvider"]["managedScaling"]["instanceWarmupPeriod"] == 300
    strategy = [{"capacityProvider": provider_name, "weight": 1}]
    stack.ecs.put_cluster_capacity_providers(
        cluster=stack.name, capacityProviders=[provider_name], defaultCapacityProviderStrategy=strategy
    )
    stack.ecs.create_service(
        cluster=stack.name,
        serviceName="api",
        taskDefinition=stack.define("1.0.0"),
        desiredCount=1,
        capacityProviderStrategy=strategy,
        networkConfiguration={"awsvpcConfiguration": {"subnets": stack.account.subnets, "securityGroups": [stack.account.group]}},
    )
    seen: set[str] = set()

    def running() -> bool:
        (service,) = stack.ecs.describe_services(cluster=stack.name, services=["api"])["services"]
        arns = stack.ecs.list_tasks(cluster=stack.name, serviceName="api")["taskArns"]
        seen.update(task["lastStatus"] for task in (stack.ecs.describe_tasks(cluster=stack.name, tasks=arns)["tasks"] if arns else []))
        return bool(service["runningCount"] == 1)

    try:
        stack.aws.until(running, PATIENCE, "the service runs")
    finally:
        stack.ecs.delete_service(cluster=stack.name, service="api", force=True)
    assert "PROVISIONING" in seen
    instances = stack.container_instances()
    assert len(instances) == 2
    assert {instance["capacityProviderName"] for instance in instances} == {provider_name}


def test_a_graviton_type_is_arm_and_its_image_exists(aws: LocalAws) -> None:
    name = "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id"
    image_id = aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    (image,) = aws.client("ec2").describe_images(ImageIds=[image_id])["Images"]
    assert image["Architecture"] == "arm64"
    aws.client("ecs").create_cluster(clusterName="arm")
    aws.client("ec2").run_instances(
        ImageId=image_id,
        InstanceType="t4g.small",
        MinCount=1,
        MaxCount=1,
        UserData="#!/bin/sh\necho ECS_CLUSTER=arm >> /etc/ecs/ecs.config",
    )
    ecs = aws.client("ecs")
    (arn,) = aws.until(lambda: ecs.list_container_instances(cluster="arm")["containerInstanceArns"], 120, "it joined")
    (instance,) = ecs.describe_container_instances(cluster="arm", containerInstances=[arn])["containerInstances"]
    attributes = {each["name"]: each.get("value") for each in instance["attributes"]}
    assert attributes["ecs.cpu-architecture"] == "arm64"
    assert attributes["ecs.ami-id"] == image_id


def test_bottlerocket_has_images_too_and_its_settings_are_read(aws: LocalAws) -> None:
    image_id = aws.client("ssm").get_parameter(Name="/aws/service/bottlerocket/aws-ecs-2/x86_64/latest/image_id")["Parameter"]["Value"]
    (image,) = aws.client("ec2").describe_images(ImageIds=[image_id])["Images"]
    assert image["Architecture"] == "x86_64"
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName="rocket")
    data = base64.b64encode(b'[settings.ecs]\ncluster = "rocket"\n').decode()
    template = {"ImageId": image_id, "InstanceType": "t3.micro", "UserData": data}
    aws.client("ec2").create_launch_template(LaunchTemplateName="rocket", LaunchTemplateData=template)
    aws.client("ec2").run_instances(LaunchTemplate={"LaunchTemplateName": "rocket"}, MinCount=1, MaxCount=1)
    aws.until(lambda: ecs.list_container_instances(cluster="rocket")["containerInstanceArns"], 120, "it joined")


def test_an_instance_refresh_with_managed_draining_loses_no_task(stack: Stack) -> None:
    stack.build(instance_type="t3.medium", instances=2)
    autoscaling = stack.aws.client("autoscaling")

    def group() -> dict[str, Any]:
        return dict(autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[stack.name])["AutoScalingGroups"][0])

    stack.ecs.create_capacity_provider(
        name=f"drained-{stack.name}",
        autoScalingGroupProvider={"autoScalingGroupArn": group()["AutoScalingGroupARN"], "managedDraining": "ENABLED"},
    )
    service, _ = stack.steady_service(stack.define("1.0.0"), 2)
    old = {instance["InstanceId"] for instance in group()["Instances"]}
    stack.aws.client("ec2").create_launch_template_version(
        LaunchTemplateName=stack.name, SourceVersion="$Latest", LaunchTemplateData={"InstanceType": "t3a.medium"}
    )
    preferences = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150, "InstanceWarmup": 40, "SkipMatching": True}
    autoscaling.start_instance_refresh(AutoScalingGroupName=stack.name, Preferences=preferences)
    fewest = 2

    def refreshed() -> bool:
        nonlocal fewest
        healthy = stack.target_states().count("healthy")
        fewest = min(fewest, healthy)
        return bool(
            autoscaling.describe_instance_refreshes(AutoScalingGroupName=stack.name)["InstanceRefreshes"][0]["Status"] == "Successful"
        )

    stack.aws.until(refreshed, PATIENCE, f"the instances are replaced\n{service.story()}")
    assert fewest == 2
    assert [instance["InstanceType"] for instance in group()["Instances"]] == ["t3a.medium"] * 2
    assert not old & {instance["InstanceId"] for instance in group()["Instances"]}
    tasks = service.tasks(status="RUNNING")
    assert len([task for task in tasks if task["lastStatus"] == "RUNNING"]) == 2
