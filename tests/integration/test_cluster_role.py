# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role ecs_cluster on local_aws: an empty account, a second run, and a change that reaches the instances."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from .conftest import REGION, Account

PATIENCE = 120


@pytest.fixture(scope="module")
def empty(url: str, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """An account with nothing called shop in it but an instance profile. Other files of tests may have been in it before."""
    session = boto3.session.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="not-a-real-secret-key", region_name=REGION)

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=url)

    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    client("iam").create_role(RoleName="shop-instance", AssumeRolePolicyDocument=json.dumps(trust))
    client("iam").create_instance_profile(InstanceProfileName="shop-instance")
    client("iam").add_role_to_instance_profile(InstanceProfileName="shop-instance", RoleName="shop-instance")
    return Account({"region": REGION, "url": url}, tmp_path_factory.mktemp("plays"), client)


def _options(account: Account) -> dict[str, Any]:
    subnets = account.client("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    groups = account.client("ec2").describe_security_groups(GroupNames=["default"])["SecurityGroups"]
    return {
        "role": "ecs_cluster",
        "ecs_cluster_name": "shop",
        "ecs_cluster_subnet_ids": [item["SubnetId"] for item in subnets][:2],
        "ecs_cluster_security_group_ids": [groups[0]["GroupId"]],
        "ecs_cluster_instance_profile": "shop-instance",
        "ecs_cluster_min_size": 2,
        "ecs_cluster_max_size": 4,
        "ecs_cluster_eni_trunking": True,
        "ecs_cluster_agent_options": {"ECS_IMAGE_PULL_BEHAVIOR": "prefer-cached"},
        "ecs_cluster_refresh_instance_warmup": 24,
        "ecs_cluster_refresh_max_healthy_percentage": 150,
        "ecs_cluster_tags": {"environment": "test"},
    }


def _until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, what
        time.sleep(0.3)


def _container_instances(account: Account) -> list[dict[str, Any]]:
    ecs = account.client("ecs")
    arns = ecs.list_container_instances(cluster="shop")["containerInstanceArns"]
    found: list[dict[str, Any]] = (
        ecs.describe_container_instances(cluster="shop", containerInstances=arns)["containerInstances"] if arns else []
    )
    return found


def test_a_cluster_from_nothing_and_again_and_then_changed(empty: Account) -> None:
    options = _options(empty)
    checked = empty.play("role.yml", "--check", "--diff", **options)
    assert checked.changed == 4
    assert "container instances shop (absent)" in checked.output
    assert empty.client("ecs").describe_clusters(clusters=["shop"])["clusters"] == []
    assert empty.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=["shop"])["AutoScalingGroups"] == []

    made = empty.play("role.yml", **options)
    assert made.changed == 5
    fact = made["fact"]
    assert fact["cluster_arn"].endswith(":cluster/shop")
    assert (fact["capacity_provider"], fact["refresh"]) == ("shop", None)
    assert fact["group_arn"].endswith("autoScalingGroupName/shop")
    cluster = empty.client("ecs").describe_clusters(clusters=["shop"], include=["SETTINGS", "TAGS"])["clusters"][0]
    assert cluster["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert cluster["tags"] == [{"key": "environment", "value": "test"}]
    assert cluster["defaultCapacityProviderStrategy"] == [{"capacityProvider": "shop", "weight": 1, "base": 0}]
    ec2, ssm = empty.client("ec2"), empty.client("ssm")
    template = ec2.describe_launch_template_versions(LaunchTemplateName="shop", Versions=["$Default"])["LaunchTemplateVersions"][0]
    image = ssm.get_parameter(Name="/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id")["Parameter"]["Value"]
    assert template["LaunchTemplateData"]["ImageId"] == image
    user_data = base64.b64decode(template["LaunchTemplateData"]["UserData"]).decode().splitlines()
    assert "ECS_CLUSTER=shop" in user_data
    assert "ECS_IMAGE_PULL_BEHAVIOR=prefer-cached" in user_data
    settings = empty.client("ecs").list_account_settings(name="awsvpcTrunking", effectiveSettings=True)["settings"]
    assert settings[0]["value"] == "enabled"
    _until(lambda: len(_container_instances(empty)) == 2, "two instances join")
    first = {item["ec2InstanceId"]: item["capacityProviderName"] for item in _container_instances(empty)}
    assert set(first.values()) == {"shop"}

    assert empty.play("role.yml", **options).changed == 0
    assert empty.play("role.yml", "--check", **options).changed == 0

    larger = {**options, "ecs_cluster_instance_type": "t3.medium"}
    assert empty.play("role.yml", "--check", **larger).changed == 1
    assert empty.play("role.yml", **larger).changed == 1
    ended = empty.play("role.yml", **larger, ecs_cluster_refresh_wait=PATIENCE)
    assert ended.changed == 0
    (refresh,) = empty.client("autoscaling").describe_instance_refreshes(AutoScalingGroupName="shop")["InstanceRefreshes"]
    assert refresh["Preferences"]["MaxHealthyPercentage"] == 150
    group = empty.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=["shop"])["AutoScalingGroups"][0]
    assert [item["InstanceType"] for item in group["Instances"]] == ["t3.medium"] * 2
    assert not first.keys() & {item["InstanceId"] for item in group["Instances"]}


def test_a_cluster_that_cannot_be_is_refused_before_the_first_change(empty: Account) -> None:
    wrong = {
        "ecs_cluster_name": "refused",
        "ecs_cluster_instance_type": "t3.micro",
        "ecs_cluster_capacity_provider": "ecs-shop",
        "ecs_cluster_agent_options": {"cluster": "x"},
    }
    refused = empty.play("role.yml", **{**_options(empty), **wrong})
    assert refused.code != 0
    said = re.sub(r"\s+", " ", refused.output)
    for words in (
        "ecs_cluster_instance_type: t3.micro has 1 GiB of memory or less",
        "ecs_cluster_capacity_provider: ecs-shop begins with",
        "ecs_cluster_agent_options: cluster is no option of the ECS agent",
    ):
        assert words in said
    assert empty.client("ecs").describe_clusters(clusters=["refused"])["clusters"] == []


def test_security_groups_hold_what_is_wanted_and_nothing_else(empty: Account) -> None:
    ec2 = empty.client("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    options = {
        "role": "security_groups",
        "entries": ["main", "service"],
        "security_groups_name": "shop",
        "security_groups_vpc_id": vpc,
        "security_groups_alb_cidrs": ["198.51.100.0/24"],
        "security_groups_alb_egress_cidrs": ["10.0.0.0/16"],
        "security_groups_service_name": "shop-api",
        "security_groups_service_port": 8080,
        "security_groups_service_egress": [{"ports": [443], "cidrs": ["0.0.0.0/0"]}],
    }
    assert empty.play("role.yml", "--check", "--diff", **options).changed == 2
    made = empty.play("role.yml", **options)
    assert made.changed == 2
    groups = {item["GroupName"]: item for item in ec2.describe_security_groups()["SecurityGroups"]}
    assert made["fact"] == {"alb_id": groups["shop-alb"]["GroupId"], "instance_id": groups["shop-instance"]["GroupId"]}
    for rules, cidr in (("IpPermissions", "198.51.100.0/24"), ("IpPermissionsEgress", "10.0.0.0/16")):
        assert [each["CidrIp"] for rule in groups["shop-alb"][rules] for each in rule["IpRanges"]] == [cidr]
    assert groups["shop-instance"]["IpPermissions"] == []
    assert [rule["FromPort"] for rule in groups["shop-instance"]["IpPermissionsEgress"]] == [443]
    (rule,) = groups["shop-api"]["IpPermissions"]
    assert (rule["FromPort"], [pair["GroupId"] for pair in rule["UserIdGroupPairs"]], rule["IpRanges"]) == (
        8080,
        [groups["shop-alb"]["GroupId"]],
        [],
    )
    assert [rule["FromPort"] for rule in groups["shop-api"]["IpPermissionsEgress"]] == [443]
    ec2.authorize_security_group_ingress(
        GroupId=groups["shop-api"]["GroupId"], CidrIp="0.0.0.0/0", IpProtocol="tcp", FromPort=22, ToPort=22
    )
    assert empty.play("role.yml", **options).changed == 1
    assert empty.play("role.yml", "--check", **options).changed == 0
