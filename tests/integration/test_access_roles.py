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
KEY = ARN.format("kms", "key/12345678-1234-1234-1234-123456789012")
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
THUMBPRINT = "990f4193972f2becf12ddeda5237f9c952f20d9e"
TASK_POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::shop/*"]}]}
OPTIONS: dict[str, Any] = {
    "secrets_tags": {"project": "access"},
    "secrets_entries": [
        {"name": "/access/url", "value": HUSH},
        {"name": "access/db", "store": "secretsmanager", "values": {"user": "app"}, "generate": {"key": "password"}},
    ],
    "ecr_name": "access/api",
    "ecr_tag_exceptions": ["latest"],
    "ecr_encryption": "KMS",
    "ecr_kms_key": KEY,
    "ecr_expire_untagged_days": 3,
    "ecr_protected_tags": ["release-*"],
    "ecr_keep_protected": 4,
    "ecr_pull_accounts": ["210987654321"],
    "ecr_tags": {"project": "access"},
    "ecr_cache_rules": [{"prefix": "public", "upstream_url": "public.ecr.aws"}],
    "iam_instance_name": "access-instance",
    "iam_service_name": "access-api",
    "iam_service_repositories": ["access/api", "arn:aws:ecr:eu-west-1:210987654321:repository/base"],
    "iam_service_log_groups": ["/ecs/access/api"],
    "iam_service_kms_keys": [KEY],
    "iam_service_task_policy": TASK_POLICY,
    "iam_service_exec": True,
    "more_secrets": ["/access/url", ARN.format("secretsmanager", "secret:other-AbCdEf:key:AWSCURRENT:")],
    "secrets_cluster": "main",
    "ci_oidc_name": "access-provision",
    "ci_oidc_entry": "provision",
    "ci_oidc_prefix": "access",
    "ci_oidc_provider": "gitlab",
    "ci_oidc_url": "https://gitlab.example.com",
    "ci_oidc_thumbprints": [THUMBPRINT],
    "ci_oidc_repository": "shop/platform",
    "ci_oidc_branches": ["main"],
    "ci_oidc_git_tags": ["v*"],
    "ci_oidc_permissions_boundary": BOUNDARY,
}


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
    assert (again.code, again.changed) == (0, 0), again.output
    check = account.play("access.yml", "--check", "--diff", **OPTIONS)
    assert (check.code, check.changed) == (0, 0), check.output
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
        "kms:Decrypt": [KEY],
    }
    assert iam.list_attached_role_policies(RoleName="access-api-execution")["AttachedPolicies"] == []
    assert sorted(iam.list_role_policies(RoleName="access-api-task")["PolicyNames"]) == ["exec", "task"]
    assert iam.get_role_policy(RoleName="access-api-task", PolicyName="task")["PolicyDocument"] == TASK_POLICY
    trust = iam.get_role(RoleName="access-api-task")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    assert made["iam"]["task_role_arn"] == "arn:aws:iam::123456789012:role/access-api-task"


def test_only_the_jobs_named_are_trusted(account: Account, made: Run) -> None:
    iam = account.client("iam")
    assert made["ci"]["provider_arn"] == "arn:aws:iam::123456789012:oidc-provider/gitlab.example.com"
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=made["ci"]["provider_arn"])["ThumbprintList"] == [THUMBPRINT]
    role = iam.get_role(RoleName="access-provision")["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    subjects = [f"project_path:shop/platform:ref_type:{kind}:ref:{name}" for kind, name in (("branch", "main"), ("tag", "v*"))]
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Federated": made["ci"]["provider_arn"]},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {"gitlab.example.com:aud": "https://gitlab.example.com"},
                "StringLike": {"gitlab.example.com:sub": subjects},
            },
        }
    ]


def test_the_repository_is_as_it_was_asked_for(account: Account, made: Run) -> None:
    ecr = account.client("ecr")
    (repository,) = ecr.describe_repositories(repositoryNames=["access/api"])["repositories"]
    assert made["ecr"]["arn"] == repository["repositoryArn"]
    assert repository["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": KEY}
    rules = json.loads(ecr.get_lifecycle_policy(repositoryName="access/api")["lifecyclePolicyText"])["rules"]
    selections = {rule["selection"].get("tagPatternList", [rule["selection"]["tagStatus"]])[0]: rule["selection"] for rule in rules}
    assert selections["release-*"]["countNumber"] == 4
    assert (selections["untagged"]["countUnit"], selections["untagged"]["countNumber"]) == ("days", 3)


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
        assert re.search(r"changed=0\b", run.output)
