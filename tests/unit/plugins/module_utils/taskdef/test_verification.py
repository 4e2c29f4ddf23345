# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is judged before a deploy, from plain facts."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef import verification
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.verification import EcrImage

Data = dict[str, t.Any]
_DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b:1", EcrImage("123456789012", "eu-west-1", "a/b", "1", "")),
        (f"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a@{_DIGEST}", EcrImage("123456789012", "cn-north-1", "a", "", _DIGEST)),
        (f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:1@{_DIGEST}", EcrImage("123456789012", "eu-west-1", "a", "1", _DIGEST)),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/a", EcrImage("123456789012", "us-gov-west-1", "a", "latest", "")),
        ("123456789012.dkr-ecr.eu-west-1.on.aws/a:1", EcrImage("123456789012", "eu-west-1", "a", "1", "")),
        ("public.ecr.aws/nginx/nginx:1", None),
        ("nginx", None),
        ("ghcr.io/a/b:1", None),
    ],
)
def test_images_in_ecr(image: str, expected: EcrImage | None) -> None:
    assert verification.ecr_image(image) == expected


def test_the_architectures_of_an_index() -> None:
    def entry(architecture: str, system: str = "linux") -> Data:
        return {"platform": {"architecture": architecture, "os": system}}

    manifest = {"manifests": [entry("amd64"), entry("arm64"), entry("unknown", "unknown"), entry("s390x", "windows"), {}]}
    assert verification.index_architectures(manifest) == {"amd64", "arm64"}
    assert verification.index_architectures({"config": {}}) is None


@pytest.mark.parametrize(
    ("definition", "instances", "expected"),
    [
        ({"runtimePlatform": {"cpuArchitecture": "ARM64"}}, {"x86_64"}, {"arm64"}),
        ({"runtimePlatform": {}}, {"x86_64", "arm64"}, {"amd64", "arm64"}),
        ({"requiresCompatibilities": ["FARGATE"]}, set(), {"amd64"}),
        ({}, set(), set()),
    ],
)
def test_what_tasks_may_be_put_on(definition: Data, instances: set[str], expected: set[str]) -> None:
    assert verification.wanted_architectures(definition, instances) == expected


@pytest.mark.parametrize(
    ("has", "wanted", "result"),
    [
        ({"amd64"}, {"amd64"}, "ok"),
        ({"amd64", "arm64"}, {"arm64"}, "ok"),
        ({"amd64"}, {"amd64", "arm64"}, "failed"),
        ({"amd64"}, set(), "unknown"),
    ],
)
def test_architectures(has: set[str], wanted: set[str], result: str) -> None:
    judged = verification.judge_architecture("a", has, wanted)
    assert judged["result"] == result
    assert bool(judged["fix"]) == (result == "failed")


@pytest.mark.parametrize(
    ("platform", "instances", "result"),
    [
        ({}, {"x86_64"}, None),
        ({"cpuArchitecture": "ARM64"}, {"arm64"}, "ok"),
        ({"cpuArchitecture": "ARM64"}, {"x86_64"}, "failed"),
        ({"cpuArchitecture": "ARM64"}, set(), "unknown"),
    ],
)
def test_what_the_cluster_has(platform: Data, instances: set[str], result: str | None) -> None:
    judged = verification.judge_instances({"runtimePlatform": platform}, instances, "main")
    assert (judged and judged["result"]) == result


def trust(effect: str = "Allow", principal: t.Any = None, action: t.Any = "sts:AssumeRole", **more: t.Any) -> Data:
    return {
        "Effect": effect,
        "Principal": {"Service": "ecs-tasks.amazonaws.com"} if principal is None else principal,
        "Action": action,
        **more,
    }


@pytest.mark.parametrize(
    ("statements", "trusted"),
    [
        (trust(), True),
        (
            [trust(principal={"Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]}, action=["sts:TagSession", "sts:AssumeRole"])],
            True,
        ),
        ([trust(Condition={"StringEquals": {"aws:SourceAccount": "1"}})], True),
        ([trust(principal={"Service": "ecs.amazonaws.com"})], False),
        ([trust(principal={"AWS": "*"})], False),
        ([trust(action="sts:TagSession")], False),
        ([trust(), trust("Deny")], False),
        ([trust("Deny", principal={"Service": "ec2.amazonaws.com"}), trust()], True),
        ([], False),
    ],
)
def test_who_a_role_trusts(statements: t.Any, trusted: bool) -> None:
    assert verification.trusts_tasks({"Statement": statements}) is trusted
    judged = verification.judge_role("task_role", "arn:aws:iam::1:role/x", {"Statement": statements})
    assert judged["result"] == ("ok" if trusted else "failed")


def test_a_role_that_is_not_there() -> None:
    assert verification.judge_role("task_role", "arn:aws:iam::1:role/x", None)["message"] == "there is no such role"


ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:1"


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        ({"containerDefinitions": [{"image": ECR}]}, None),
        ({"containerDefinitions": [{"image": ECR}], "requiresCompatibilities": ["FARGATE"]}, "Fargate pulls"),
        (
            {"containerDefinitions": [{"logConfiguration": {"logDriver": "awslogs"}}], "requiresCompatibilities": ["FARGATE"]},
            "Fargate writes",
        ),
        ({"containerDefinitions": [{"secrets": [{"name": "a"}]}]}, "reads the secrets"),
        ({"containerDefinitions": [{"repositoryCredentials": {"credentialsParameter": "x"}}]}, "registry's credentials"),
        ({"containerDefinitions": [{"secrets": [{"name": "a"}]}], "executionRoleArn": "x"}, None),
    ],
)
def test_when_an_execution_role_is_needed(definition: Data, why: str | None) -> None:
    needed = verification.needs_execution_role(definition)
    assert (why in needed) if why and needed else needed is why


@pytest.mark.parametrize(
    ("mode", "group", "result", "words"),
    [
        ("awsvpc", {"TargetType": "ip", "LoadBalancerArns": ["x"]}, "ok", "traffic-port"),
        ("awsvpc", {"TargetType": "instance", "LoadBalancerArns": ["x"]}, "failed", "awsvpc needs ip"),
        ("bridge", {"TargetType": "instance", "LoadBalancerArns": ["x"]}, "ok", ""),
        (None, {"TargetType": "ip", "LoadBalancerArns": ["x"]}, "failed", "bridge needs instance"),
        ("awsvpc", {"TargetType": "ip", "LoadBalancerArns": []}, "failed", "no load balancer"),
        ("awsvpc", {"TargetType": "ip", "LoadBalancerArns": ["x"], "HealthCheckPort": "8080"}, "ok", ""),
        ("awsvpc", {"TargetType": "ip", "LoadBalancerArns": ["x"], "HealthCheckPort": "9"}, "unknown", "port 9, which no container maps"),
        ("awsvpc", None, "failed", "no such target group"),
    ],
)
def test_target_groups(mode: str | None, group: Data | None, result: str, words: str) -> None:
    definition = {"networkMode": mode, "containerDefinitions": [{"name": "app", "portMappings": [{"containerPort": 8080}]}]}
    entry = {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/api/0123"}
    judged = verification.judge_target_group(definition, entry, group)
    assert (judged["result"], judged["subject"]) == (result, "api")
    assert words in judged["message"]


@pytest.mark.parametrize(("name", "port", "result"), [("app", 8080, "ok"), ("app", 80, "failed"), ("web", 8080, "failed")])
def test_where_a_load_balancer_sends_to(name: str, port: int, result: str) -> None:
    definition = {"containerDefinitions": [{"name": "app", "portMappings": [{"containerPort": 8080}]}]}
    assert verification.judge_load_balancer(definition, {"containerName": name, "containerPort": port})["result"] == result


def test_what_the_containers_refer_to() -> None:
    logging = {"logDriver": "awslogs", "options": {"awslogs-group": "/a"}, "secretOptions": [{"name": "T", "valueFrom": "y"}]}
    definition = {
        "containerDefinitions": [
            {"name": "a", "secrets": [{"name": "S", "valueFrom": "x"}], "logConfiguration": logging},
            {"name": "b", "secrets": [{"name": "S", "valueFrom": "x"}], "logConfiguration": {"logDriver": "splunk"}},
        ]
    }
    assert verification.secret_uses(definition) == {"x": ["a.S", "b.S"], "y": ["a.T"]}
    assert list(verification.log_groups(definition)) == ["/a"]
