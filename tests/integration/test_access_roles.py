# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles ecr, secrets, iam and ci_oidc on local_aws: check mode, a second run, wrong input, and what is granted."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .conftest import Account, Run

HUSH = "postgres://app:hush-hush@db/app"
ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
OPTIONS: dict[str, Any] = {
    "secrets_tags": {"project": "access"},
    "secrets_entries": [
        {"name": "/access/url", "value": HUSH},
        {"name": "access/db", "store": "secretsmanager", "values": {"user": "app"}, "generate": {"key": "password"}},
    ],
    "ecr_name": "access/api",
    "ecr_tag_exceptions": ["latest"],
    "ecr_pull_accounts": ["210987654321"],
    "ecr_tags": {"project": "access"},
    "ecr_cache_rules": [{"prefix": "public", "upstream_url": "public.ecr.aws"}],
    "iam_instance_name": "access-instance",
    "iam_service_name": "access-api",
    "iam_service_repositories": ["access/api", "arn:aws:ecr:eu-west-1:210987654321:repository/base"],
    "iam_service_log_groups": ["/ecs/access/api"],
    "iam_service_exec": True,
    "more_secrets": ["/access/url", ARN.format("secretsmanager", "secret:other-AbCdEf:key:AWSCURRENT:")],
    "secrets_cluster": "main",
    "ci_oidc_name": "access-provision",
    "ci_oidc_entry": "provision",
    "ci_oidc_prefix": "access",
    "ci_oidc_provider": "gitlab",
    "ci_oidc_repository": "shop/platform",
    "ci_oidc_branches": ["main"],
}


# What writes the results for the test down is a change.
UNCHANGED = 1


def actions(policy: dict[str, Any]) -> dict[str, list[str]]:
    """Resources by the first action of each statement."""
    return {statement["Action"][0]: statement["Resource"] for statement in policy["Statement"]}


@pytest.fixture(scope="module")
def made(account: Account) -> Run:
    """The roles once in check mode on an account that has none of it, and once for real."""
    foretold = account.play("access.yml", "--check", "--diff", "-vvv", **OPTIONS)
    assert foretold.code == 0, foretold.output
    assert HUSH not in foretold.output
    assert not [role for role in account.client("iam").list_roles()["Roles"] if role["RoleName"].startswith("access-")]
    run = account.play("access.yml", "--diff", "-vvv", **OPTIONS)
    assert run.code == 0, run.output
    assert foretold.changed == run.changed, "check mode tells the truth"
    return run


def test_a_second_run_changes_nothing_and_no_secret_is_shown(account: Account, made: Run) -> None:
    password = json.loads(account.client("secretsmanager").get_secret_value(SecretId="access/db")["SecretString"])["password"]
    again = account.play("access.yml", "--diff", "-vvv", **OPTIONS)
    assert (again.code, again.changed) == (0, UNCHANGED), again.output
    check = account.play("access.yml", "--check", "--diff", **OPTIONS)
    assert (check.code, check.changed) == (0, UNCHANGED), check.output
    for run in (made, again, check):
        assert password not in run.output
        assert HUSH not in run.output
    assert account.client("ssm").get_parameter(Name="/access/url", WithDecryption=True)["Parameter"]["Value"] == HUSH
    assert made["restarted"] == []


def test_the_execution_role_may_use_what_is_named(account: Account, made: Run) -> None:
    iam = account.client("iam")
    secret = account.client("secretsmanager").describe_secret(SecretId="access/db")["ARN"]
    assert actions(iam.get_role_policy(RoleName="access-api-execution", PolicyName="execution")["PolicyDocument"]) == {
        "ecr:GetAuthorizationToken": ["*"],
        "ecr:BatchCheckLayerAvailability": [
            ARN.format("ecr", "repository/access/api"),
            "arn:aws:ecr:eu-west-1:210987654321:repository/base",
        ],
        "logs:CreateLogStream": [ARN.format("logs", "log-group:/ecs/access/api:log-stream:*")],
        "ssm:GetParameters": [ARN.format("ssm", "parameter/access/url")],
        "secretsmanager:GetSecretValue": [secret, ARN.format("secretsmanager", "secret:other-AbCdEf")],
    }
    assert iam.list_attached_role_policies(RoleName="access-api-execution")["AttachedPolicies"] == []
    assert iam.list_role_policies(RoleName="access-api-task")["PolicyNames"] == ["exec"]
    trust = iam.get_role(RoleName="access-api-task")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    assert made["iam"]["task_role_arn"] == "arn:aws:iam::123456789012:role/access-api-task"


def test_only_the_jobs_named_are_trusted(account: Account, made: Run) -> None:
    assert made["ci"]["provider_arn"] == "arn:aws:iam::123456789012:oidc-provider/gitlab.com"
    statement = account.client("iam").get_role(RoleName="access-provision")["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement == [
        {
            "Effect": "Allow",
            "Principal": {"Federated": made["ci"]["provider_arn"]},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {"gitlab.com:aud": "https://gitlab.com"},
                "StringLike": {"gitlab.com:sub": ["project_path:shop/platform:ref_type:branch:ref:main"]},
            },
        }
    ]


def test_wrong_input_is_refused_with_field_value_and_fix(account: Account) -> None:
    jobs = {"ci_oidc_name": "a", "ci_oidc_entry": "provision", "ci_oidc_prefix": "a"}
    wrong: list[tuple[dict[str, Any], list[str]]] = [
        ({"ecr_name": "access", "ecr_pull_accounts": ["123"]}, ["ecr_pull_accounts: 123 is no number of an account. Use 12 digits"]),
        ({"iam_service_name": "a" * 55}, ["has 55 characters. Use 54 at most"]),
        ({**jobs, "ci_oidc_repository": "shop/api"}, ["nobody is trusted. Name a branch"]),
        (
            {
                **jobs,
                "ci_oidc_repository": "shop/*",
                "ci_oidc_provider": "gitlab",
                "ci_oidc_environments": ["prod*"],
                "ci_oidc_subjects": ["repo:*"],
            },
            [
                "ci_oidc_repository: shop/* is no repository. Give owner/name",
                "ci_oidc_environments: the subject of a token of GitLab names no environment",
                "ci_oidc_environments: prod* is a pattern",
                "ci_oidc_subjects: repo:* matches the repositories of others",
            ],
        ),
    ]
    for options, said in wrong:
        run = account.play("access.yml", **options)
        text = re.sub(r"\s+", " ", run.output)
        assert run.code != 0
        assert not [sentence for sentence in said if sentence not in text], run.output
        assert re.search(rf"changed={UNCHANGED}\b", run.output)
