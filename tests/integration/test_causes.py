# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes that come from outside of the release: a permission that is taken away, a target group that goes, AWS that throttles every call.

A lifecycle hook that fails is not among them: local_aws models rolling deployments without hooks, and refuses a service that has one.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .conftest import Account
from .test_rough_weather import Service, control, microburst, serving

REGISTER = "elasticloadbalancing:RegisterTargets"


@dataclass
class Balanced:
    service: Service
    rule: str
    target_group: str


def hand(account: Account, path: str, **given: Any) -> None:
    request = urllib.request.Request(f"{account.facts['url']}/_local/{path}", method="POST", data=json.dumps(given).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


@pytest.fixture(scope="module")
def balanced(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    """A service whose tasks ECS registers with a role of the service's own, in a target group that nobody else uses."""
    elb, iam = account.client("elbv2"), account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="balancing", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="balancing", PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceRole")
    group = elb.create_target_group(
        Name="causes",
        Protocol="HTTP",
        Port=8080,
        VpcId=account.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"],
        TargetType="ip",
        HealthCheckPath="/health/ready",
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}])
    balancer = elb.describe_load_balancers(Names=["main"])["LoadBalancers"][0]["LoadBalancerArn"]
    rule = elb.create_rule(
        ListenerArn=elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]["ListenerArn"],
        Priority=20,
        Conditions=[{"Field": "path-pattern", "Values": ["/causes/*"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
    )["Rules"][0]["RuleArn"]
    load_balancers = [{"target_group_arn": group, "container_name": "api", "container_port": 8080}]
    folder = tmp_path_factory.mktemp("causes")
    with serving(account, folder, "causes", load_balancers=load_balancers, role=role) as service:
        yield Balanced(service, rule, group)


def test_a_permission_that_the_services_role_has_lost(account: Account, balanced: Balanced) -> None:
    hand(account, "permissions/deny", role="balancing", actions=[REGISTER])
    try:
        run = balanced.service.play(balanced.service.define({"LOG_LEVEL": "warn"})).end()
    finally:
        hand(account, "permissions/restore", role="balancing")
    wait = run["wait"]
    assert (wait["verdict"], wait["cause"]) == ("rolled_back", "role_unusable"), run.output
    assert f"is not authorized to perform: {REGISTER}" in wait["evidence"][0]
    assert wait["rolled_back_to"] == balanced.service.good


def test_all_calls_throttled_until_the_time_is_up(account: Account, balanced: Balanced, tmp_path: Path) -> None:
    # It must not be steady before the throttling has begun.
    new = balanced.service.never_healthy_yet()
    with microburst(account.facts["url"], tmp_path) as url:
        play = balanced.service.play(new, url, wait_timeout=8)
        play.until(play.said("waiting for"))
        throttling = {"code": "ThrottlingException", "status": 400, "message": "Rate exceeded"}
        control(url, "PATCH", "rules", [{"service": "*", "error": throttling}])
        run = play.end()
    wait = run["wait"]
    assert (wait["verdict"], wait["cause"]) == ("timed_out", "throttled"), run.output
    assert wait["evidence"][0].startswith("after 8 s: AWS has given no answer since 20")
    assert wait["evidence"][1].startswith("before that: new ")
    assert "Nothing was put back: nobody knows how the deployment stands." in wait["msg"]
    assert wait["throttled_calls"] >= 1
    assert balanced.service.primary_is(new), "ECS goes on by itself"


def test_a_target_group_that_is_deleted_under_a_deployment(account: Account, balanced: Balanced) -> None:
    play = balanced.service.play(balanced.service.never_healthy_yet())
    play.until(play.said("waiting for"))
    elb = account.client("elbv2")
    elb.delete_rule(RuleArn=balanced.rule)
    elb.delete_target_group(TargetGroupArn=balanced.target_group)
    run = play.end()
    wait = run["wait"]
    assert wait["cause"] == "target_group_missing", run.output
    assert wait["verdict"] in ("failed", "rolled_back")
    assert balanced.target_group in wait["evidence"][0]
    assert "Create it again" in wait["hint"]
