# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Definitions on local_aws: what is looked at before a deploy, and which old revisions go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Account, Run

PARAMETER = "/verified/url"


@pytest.fixture
def stored(account: Account) -> Iterator[str]:
    """A parameter and a secret, and an execution role that may read both. Returns the secret's value."""
    ssm, secrets, iam = account.client("ssm"), account.client("secretsmanager"), account.client("iam")
    ssm.put_parameter(Name=PARAMETER, Value="postgres://x", Type="SecureString")
    secrets.create_secret(Name="verified/stripe", SecretString=json.dumps({"secret_key": "very-secret-indeed"}))
    statement = {"Effect": "Allow", "Action": ["ssm:GetParameters", "secretsmanager:GetSecretValue"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_role_policy(RoleName="execution", PolicyName="verified", PolicyDocument=policy)
    yield "very-secret-indeed"
    iam.delete_role_policy(RoleName="execution", PolicyName="verified")
    secrets.delete_secret(SecretId="verified/stripe", ForceDeleteWithoutRecovery=True)
    ssm.delete_parameter(Name=PARAMETER)


def results(run: Run) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for item in run["verify"]["checks"]:
        found.setdefault(item["result"], set()).add(item["check"])
    return found


SECRETS: dict[str, Any] = {"DATABASE_URL": PARAMETER, "STRIPE": {"secret": "verified/stripe", "key": "secret_key"}}


def test_a_definition_whose_tasks_can_run(account: Account, stored: str) -> None:
    run = account.play("definition.yml", secrets=SECRETS)
    assert run.code == 0, run.output
    assert results(run) == {
        "ok": {
            "cluster_architecture",
            "image",
            "image_architecture",
            "execution_role",
            "secret",
            "secret_access",
            "log_group",
            "load_balancer",
            "target_group",
        }
    }
    definition = run["render"]["task_definition"]
    assert definition["executionRoleArn"] == "arn:aws:iam::123456789012:role/execution"
    assert "taskRoleArn" not in definition
    values = {item["name"]: item["valueFrom"] for item in definition["containerDefinitions"][0]["secrets"]}
    assert values["DATABASE_URL"] == f"arn:aws:ssm:eu-west-1:123456789012:parameter{PARAMETER}"
    assert values["STRIPE"].startswith("arn:aws:secretsmanager:eu-west-1:123456789012:secret:verified/stripe-")
    assert values["STRIPE"].endswith(":secret_key::")
    assert stored not in run.output + json.dumps(run.results)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {
                "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/api:9.9.9",
                "task_role": "instances",
                "secrets": {"A": "/none"},
                "log_group": "/none",
                "container_port": 9,
            },
            {
                "image": "no such image",
                "task_role": "does not let ecs-tasks.amazonaws.com assume it",
                "secret": "no such SSM parameter",
                "secret_access": "do not allow ssm:GetParameters",
                "log_group": "no such log group",
                "load_balancer": "port 9 of container 'api', which maps 8080",
            },
        ),
        (
            {"image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/none:1", "execution_role": "nobody"},
            {"image": "no such repository", "execution_role": "no such role"},
        ),
        (
            {"architecture": "ARM64"},
            {
                "image_architecture": "the image is for amd64, and its tasks may be put on arm64",
                "cluster_architecture": "the definition asks for arm64",
            },
        ),
    ],
    ids=["image, secret, log group, port", "repository, role", "architecture"],
)
def test_all_that_is_missing_is_named_with_its_fix(account: Account, wrong: dict[str, Any], said: dict[str, str]) -> None:
    run = account.play("definition.yml", **wrong)
    assert run.code != 0
    failed = {item["check"]: item for item in run["verify"]["checks"] if item["result"] == "failed"}
    assert set(failed) == set(said), failed
    assert run["verify"]["failed_checks"] == len(said)
    assert all(words in failed[check]["message"] and failed[check]["fix"] for check, words in said.items()), failed
    assert all(words in run["verify"]["msg"] for words in said.values())


def test_a_secret_without_the_key(account: Account, stored: str) -> None:
    run = account.play("definition.yml", secrets={"STRIPE": {"secret": "verified/stripe", "key": "none"}})
    assert run.code != 0
    assert "the secret has no key 'none'" in run["verify"]["msg"]
    assert stored not in run.output


def test_a_secret_in_the_environment_is_refused_before_anything_is_sent(account: Account) -> None:
    run = account.play("definition.yml", environment_changes={"API_TOKEN": "hunter2"})
    assert run.code != 0
    assert "API_TOKEN looks like a secret" in run["render"]["msg"]
    assert "hunter2" not in run["render"]["msg"]


def test_old_revisions_that_nothing_uses_go(account: Account) -> None:
    client = account.client("ecs")
    cluster = client.describe_clusters(clusters=["main"])["clusters"][0]["clusterArn"]
    role = "arn:aws:iam::123456789012:role/execution"

    def register(level: int, *arguments: str, keep: int | None = None) -> Run:
        return account.play(
            "definition.yml", *arguments, family="pruned", environment_changes={"LEVEL": str(level)}, register_it=True, keep=keep
        )

    for level in range(1, 5):
        assert register(level).code == 0
    account.client("events").put_rule(Name="pruned-nightly", ScheduleExpression="rate(1 day)")
    target = {"TaskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/pruned:2", "TaskCount": 1}
    account.client("events").put_targets(
        Rule="pruned-nightly", Targets=[{"Id": "1", "Arn": cluster, "RoleArn": role, "EcsParameters": target}]
    )
    account.client("scheduler").create_schedule(
        Name="pruned-hourly",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": cluster, "RoleArn": role, "EcsParameters": {**target, "TaskDefinitionArn": target["TaskDefinitionArn"][:-1] + "3"}},
    )
    named = register(5, "--check", keep=1)
    assert named.code == 0, named.output
    assert named["register"]["pruned"] == ["pruned:1", "pruned:4"]
    run = register(5, keep=1)
    assert run.code == 0, run.output
    assert run["register"]["pruned"] == ["pruned:1", "pruned:4"]
    assert {item["revision"]: item["why"] for item in run["register"]["kept"]} == {
        "pruned:2": "the EventBridge rule pruned-nightly starts it",
        "pruned:3": "the schedule pruned-hourly starts it",
    }
    left = client.list_task_definitions(familyPrefix="pruned", status="ACTIVE")["taskDefinitionArns"]
    assert [arn.rsplit(":", 1)[-1] for arn in left] == ["2", "3", "5"]
    again = register(5, keep=1)
    assert not again["register"]["changed"]
