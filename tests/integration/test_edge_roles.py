# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles in front of a service on local_aws, all in one play: from nothing, again, in check mode, after drift, with wrong input."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from .conftest import REGION, Account


@pytest.fixture(scope="module")
def edge(url: str, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """A hosted zone, the default VPC, and a cluster with a service that runs no task."""
    session = boto3.session.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="not-a-real-secret-key", region_name=REGION)

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=url)

    ec2, ecs = client("ec2"), client("ecs")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [item["SubnetId"] for item in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]][:2]
    group = ec2.create_security_group(GroupName="edge", Description="edge", VpcId=vpc)["GroupId"]
    visible = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "edge"}
    client("wafv2").create_web_acl(Name="edge", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visible)
    client("route53").create_hosted_zone(Name="edge.test", CallerReference="edge")
    ecs.create_cluster(clusterName="edge")
    ecs.register_task_definition(family="edge-web", containerDefinitions=[{"name": "web", "image": "web", "memory": 32}])
    ecs.create_service(cluster="edge", serviceName="web", taskDefinition="edge-web", desiredCount=0)
    facts = {"region": REGION, "url": url, "vpc": vpc, "subnets": subnets, "security_group": group}
    return Account(facts, tmp_path_factory.mktemp("edge"), client)


def test_from_nothing_and_again(edge: Account) -> None:
    told = edge.play("edge.yml", "--check", "--diff")
    assert told.changed > 0
    for line in (
        "+certificate for edge.test",
        "load balancer edge is missing",
        "+target group edge-web",
        "+alarm web/cpu",
        "+topic edge-alarms",
    ):
        assert line in told.output, told.output
    # Other files of tests may have been in this account before.
    groups = [item["TargetGroupName"] for item in edge.client("elbv2").describe_target_groups()["TargetGroups"]]
    assert "edge-web" not in groups, "check mode makes nothing"
    made = edge.play("edge.yml")
    assert made.changed > 0
    assert made["acm"]["status"] == "issued"
    assert made["alb"]["url"] == f"https://{made['alb']['dns_name']}"
    elb = edge.client("elbv2")
    listeners = {item["Port"]: item for item in elb.describe_listeners(LoadBalancerArn=made["alb"]["arn"])["Listeners"]}
    assert listeners[80]["DefaultActions"][0]["RedirectConfig"]["StatusCode"] == "HTTP_301"
    assert listeners[443]["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert listeners[443]["DefaultActions"][0]["Type"] == "fixed-response"
    assert [item["Priority"] for item in elb.describe_rules(ListenerArn=listeners[443]["ListenerArn"])["Rules"]] == ["10", "default"]
    attributes = {
        item["Key"]: item["Value"] for item in elb.describe_load_balancer_attributes(LoadBalancerArn=made["alb"]["arn"])["Attributes"]
    }
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    in_front = edge.client("wafv2").get_web_acl_for_resource(ResourceArn=made["alb"]["arn"])["WebACL"]["Name"]
    assert in_front == "edge"
    group = elb.describe_target_groups(Names=["edge-web"])["TargetGroups"][0]["TargetGroupArn"]
    attributes = {item["Key"]: item["Value"] for item in elb.describe_target_group_attributes(TargetGroupArn=group)["Attributes"]}
    assert (attributes["slow_start.duration_seconds"], attributes["stickiness.enabled"]) == ("30", "true")
    alarms = edge.client("cloudwatch").describe_alarms()["MetricAlarms"]
    ours = {item["AlarmName"]: item["AlarmActions"] for item in alarms if item["AlarmName"].startswith(("edge/", "web/"))}
    assert sorted(ours) == [
        "edge/load-balancer-5xx", "web/below-desired", "web/cpu", "web/memory", "web/target-5xx", "web/unhealthy-targets",
    ]  # fmt: skip
    assert all(actions == [made["observability"]["topic_arn"]] for actions in ours.values())
    scaling = edge.client("application-autoscaling")
    assert len(scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId="service/edge/web")["ScalingPolicies"]) == 3
    again = edge.play("edge.yml")
    assert again.changed == 0, again.output
    assert again["alb"] == made["alb"]


def test_drift_is_told_in_check_mode_and_put_right(edge: Account) -> None:
    elb = edge.client("elbv2")
    balancer = elb.describe_load_balancers(Names=["edge"])["LoadBalancers"][0]["LoadBalancerArn"]
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "90"}])
    plain = next(item for item in elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"] if item["Port"] == 80)
    elb.modify_listener(
        ListenerArn=plain["ListenerArn"], DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]
    )
    edge.client("logs").put_retention_policy(logGroupName="/ecs/edge/web", retentionInDays=30)
    told = edge.play("edge.yml", "--check", "--diff")
    # The attribute, once by the early look and once by the later one, the listener, and the log group.
    assert told.changed == 4, told.output
    for line in ("idle_timeout.timeout_seconds: 90 -> 60", "+listener 80 default", "+log group /ecs/edge/web retention: 7"):
        assert line in told.output, told.output
    assert edge.play("edge.yml").changed == 3
    assert edge.play("edge.yml", "--check").changed == 0


def test_wrong_values_are_refused_before_the_first_change(edge: Account) -> None:
    calls = len(edge.client("elbv2").describe_load_balancers()["LoadBalancers"])
    run = edge.play(
        "edge.yml",
        acm_domain_name="edge.test",
        alb_name="a-name-that-is-longer-than-thirty-two-characters",
        alb_idle_timeout=0,
        alb_services=[{"target_group": "edge_web"}, {"target_group": "edge-web", "paths": ["/a"]}],
    )
    assert run.code != 0
    for said in (
        "alb_name: a-name-that-is-longer-than-thirty-two-characters is no name for a load balancer. Use at most 32",
        "alb_idle_timeout: 0 is out of range. Use 1 to 4000 seconds.",
        "alb_services: edge-web has hosts or paths but no priority. Give it one.",
        "alb_services: edge_web is no name for a target group.",
    ):
        assert said in run.output, run.output
    assert len(edge.client("elbv2").describe_load_balancers()["LoadBalancers"]) == calls


def test_a_web_acl_that_nobody_has_made_is_refused(edge: Account) -> None:
    run = edge.play("edge.yml", alb_web_acl="nobody")
    assert run.code != 0
    assert "alb_web_acl: there is no regional web ACL nobody in this account" in run.output
