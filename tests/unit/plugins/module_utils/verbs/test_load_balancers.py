# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""alb_info and elb_attributes against moto: what is missing, what differs, and nothing that does not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import alb_info, elb_attributes
from moto import mock_aws

from .platform_stage import Stage

Data = dict[str, t.Any]
RULE: Data = {
    "Priority": 10,
    "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}}],
    "Actions": [{"Type": "forward", "TargetGroupName": "api"}],
}


@pytest.fixture
def stage() -> t.Iterator[Stage]:
    with mock_aws():
        yield Stage()


def wanted(**change: t.Any) -> Data:
    listener = {"Port": 80, "Protocol": "HTTP", "DefaultActions": [{"Type": "forward", "TargetGroupName": "web"}], "Rules": [RULE]}
    balancer = {
        "name": "shop",
        "scheme": "internet-facing",
        "listeners": [listener],
        "attributes": {"idle_timeout.timeout_seconds": 60},
        "tags": {"project": "shop"},
        "web_acl": "",
        **change,
    }
    groups = [
        {
            "name": name,
            "target_type": "ip",
            "port": 8080,
            "health_check_path": "/health",
            "attributes": {"deregistration_delay.timeout_seconds": 30},
            "tags": {"service": name},
        }
        for name in ("web", "api")
    ]
    return {"load_balancer": balancer, "target_groups": groups}


def build(stage: Stage) -> dict[str, str]:
    """The load balancer that is wanted, made with boto3."""
    ec2, elb = stage.client("ec2"), stage.client("elbv2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [item["SubnetId"] for item in ec2.describe_subnets()["Subnets"][:2]]
    arns = {}
    for name in ("web", "api"):
        tags = [{"Key": "service", "Value": name}]
        request = {"Name": name, "Port": 8080, "Protocol": "HTTP", "VpcId": vpc, "TargetType": "ip", "HealthCheckPath": "/health"}
        arns[name] = elb.create_target_group(**request, Tags=tags)["TargetGroups"][0]["TargetGroupArn"]
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "30"}
        elb.modify_target_group_attributes(TargetGroupArn=arns[name], Attributes=[delay])
    tags = [{"Key": "project", "Value": "shop"}]
    arns["shop"] = elb.create_load_balancer(Name="shop", Subnets=subnets, Scheme="internet-facing", Tags=tags)["LoadBalancers"][0][
        "LoadBalancerArn"
    ]
    forward = [{"Type": "forward", "TargetGroupArn": arns["web"]}]
    idle = {"Key": "idle_timeout.timeout_seconds", "Value": "60"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=arns["shop"], Attributes=[idle])
    arns["listener"] = elb.create_listener(LoadBalancerArn=arns["shop"], Port=80, Protocol="HTTP", DefaultActions=forward)["Listeners"][0][
        "ListenerArn"
    ]
    conditions = [{"Field": "path-pattern", "Values": ["/api/*"]}]
    actions = [{"Type": "forward", "TargetGroupArn": arns["api"]}]
    elb.create_rule(ListenerArn=arns["listener"], Priority=10, Conditions=conditions, Actions=actions)
    return arns


def test_in_an_empty_account_everything_is_missing(stage: Stage) -> None:
    found = stage.run(alb_info.VERB, **wanted())
    balancer = found["load_balancer"]
    assert (found["differs"], found["changed"], stage.writes) == (True, False, [])
    assert (balancer["arn"], balancer["state"], balancer["new_ports"]) == ("", "absent", [80])
    assert balancer["differences"] == ["load balancer shop is missing"]
    assert balancer["listener_differences"][0].startswith("listener 80: ")
    assert balancer["rule_differences"][0].startswith("listener 80 rule 10: ")
    assert not balancer["web_acl_differs"]
    assert [group["differences"] for group in found["target_groups"].values()] == [
        ["target group web is missing"],
        ["target group api is missing"],
    ]
    assert "target group web is missing" in stage.said


def test_what_is_as_wanted_differs_in_nothing(stage: Stage) -> None:
    arns = build(stage)
    found = stage.run(alb_info.VERB, **wanted())
    assert not found["differs"], stage.said
    assert stage.said == []
    balancer = found["load_balancer"]
    assert balancer["arn"] == arns["shop"]
    assert balancer["label"] == arns["shop"].split(":loadbalancer/")[1]
    assert balancer["dns_name"].endswith("elb.amazonaws.com")
    assert balancer["zone_id"]
    assert balancer["state"] in ("provisioning", "active")
    assert [balancer[key] for key in ("differences", "listener_differences", "rule_differences", "new_ports")] == [[], [], [], []]
    assert (balancer["attributes"], balancer["web_acl_differs"]) == ({}, False)
    web = found["target_groups"]["web"]
    assert (web["arn"], web["label"]) == (arns["web"], arns["web"].rsplit(":", 1)[1])
    assert web["load_balancer_arns"] == [arns["shop"]]
    assert (web["differences"], web["fixed_differences"], web["attributes"]) == ([], [], {})


def test_what_somebody_has_changed_is_named(stage: Stage) -> None:
    arns = build(stage)
    elb = stage.client("elbv2")
    elb.modify_load_balancer_attributes(LoadBalancerArn=arns["shop"], Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "90"}])
    elb.modify_target_group(TargetGroupArn=arns["web"], HealthCheckPath="/")
    elb.modify_target_group_attributes(
        TargetGroupArn=arns["api"], Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "300"}]
    )
    elb.modify_listener(ListenerArn=arns["listener"], DefaultActions=[{"Type": "forward", "TargetGroupArn": arns["api"]}])
    elb.create_rule(
        ListenerArn=arns["listener"],
        Priority=5,
        Conditions=[{"Field": "host-header", "Values": ["x.example.com"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": arns["api"]}],
    )
    found = stage.run(alb_info.VERB, **wanted())
    assert found["load_balancer"]["attributes"] == {"idle_timeout.timeout_seconds": "60"}
    assert len(found["load_balancer"]["listener_differences"]) == 1
    assert found["load_balancer"]["rule_differences"][0].endswith("is not wanted")
    assert found["target_groups"]["web"]["differences"] == ["target group web health_check_path: / -> /health"]
    assert found["target_groups"]["api"]["attributes"] == {"deregistration_delay.timeout_seconds": "30"}


def test_the_firewall_in_front_is_compared_by_its_name(stage: Stage) -> None:
    arns = build(stage)
    visible = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    acl = stage.client("wafv2").create_web_acl(Name="guard", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visible)
    assert stage.run(alb_info.VERB, **wanted(web_acl="guard"))["load_balancer"]["web_acl_differs"]
    stage.client("wafv2").associate_web_acl(WebACLArn=acl["Summary"]["ARN"], ResourceArn=arns["shop"])
    assert not stage.run(alb_info.VERB, **wanted(web_acl="guard"))["load_balancer"]["web_acl_differs"]
    assert stage.run(alb_info.VERB, **wanted(web_acl=""))["load_balancer"]["web_acl_differs"]
    assert not stage.run(alb_info.VERB, **wanted(web_acl=None))["differs"]


def test_target_groups_alone(stage: Stage) -> None:
    found = stage.run(alb_info.VERB, target_groups=[{"name": "nobody"}])
    assert found["load_balancer"] is None
    assert found["target_groups"]["nobody"]["arn"] == ""


@pytest.mark.parametrize(
    ("listener", "said"),
    [
        ({"Port": 80}, r"load_balancer\.listeners\[0\]: has no Protocol, DefaultActions"),
        ({"Port": 443, "Protocol": "HTTPS", "DefaultActions": []}, "HTTPS needs Certificates"),
    ],
)
def test_listeners_that_cannot_be(stage: Stage, listener: Data, said: str) -> None:
    with pytest.raises(VerbFailure, match=said):
        stage.run(alb_info.VERB, load_balancer={"name": "shop", "listeners": [listener]})


def test_any_attribute_can_be_set(stage: Stage) -> None:
    arns = build(stage)
    again = stage.twice(elb_attributes.VERB, arn=arns["web"], attributes={"slow_start.duration_seconds": 60, "stickiness.enabled": True})
    assert again["attributes"]["slow_start.duration_seconds"] == "60"
    stage.twice(elb_attributes.VERB, arn=arns["shop"], attributes={"deletion_protection.enabled": True})
    with pytest.raises(VerbFailure, match="arn: 'arn:aws:ecs:eu-west-1:1:cluster/x' is no ARN of a load balancer"):
        stage.run(elb_attributes.VERB, arn="arn:aws:ecs:eu-west-1:1:cluster/x", attributes={"a": "b"})
