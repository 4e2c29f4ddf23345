# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls behind verifying and pruning, against botocore's own model of them."""

from __future__ import annotations

import json
import typing as t

import boto3
import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._aws import (
    ecr,
    ecs,
    elbv2,
    events,
    iam,
    logs,
    scheduler,
    secretsmanager,
    ssm,
    sts,
)
from botocore.exceptions import ClientError
from botocore.stub import Stubber

ROLE = "arn:aws:iam::123456789012:role/team/app"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"


class Stubbed:
    def __init__(self, service: str) -> None:
        self.client = boto3.client(service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
        self.stub = Stubber(self.client)
        self.stub.activate()

    def answers(self, operation: str, answer: dict[str, t.Any], **expected: t.Any) -> None:
        self.stub.add_response(operation, answer, expected)

    def refuses(self, operation: str, code: str) -> None:
        self.stub.add_client_error(operation, code, "no")


@pytest.fixture
def aws() -> t.Iterator[t.Callable[[str], Stubbed]]:
    made: list[Stubbed] = []

    def service(name: str) -> Stubbed:
        made.append(Stubbed(name))
        return made[-1]

    yield service
    for stubbed in made:
        stubbed.stub.assert_no_pending_responses()


Aws = t.Callable[[str], Stubbed]


def test_every_page_of_the_revisions_is_read(aws: Aws) -> None:
    stubbed = aws("ecs")
    asked = {"familyPrefix": "api", "status": "ACTIVE", "sort": "DESC"}
    stubbed.answers("list_task_definitions", {"taskDefinitionArns": ["b"], "nextToken": "n"}, **asked)
    stubbed.answers("list_task_definitions", {"taskDefinitionArns": ["a"]}, **asked, nextToken="n")
    assert ecs.list_active_revisions(stubbed.client, "api") == ["b", "a"]


def test_clusters_services_tasks_and_instances(aws: Aws) -> None:
    stubbed = aws("ecs")
    stubbed.answers("list_clusters", {"clusterArns": ["c"]})
    stubbed.answers("list_services", {"serviceArns": ["s"]}, cluster="c", maxResults=100)
    stubbed.answers("list_tasks", {"taskArns": ["t"]}, cluster="c", family="api", desiredStatus="RUNNING")
    stubbed.answers("list_container_instances", {"containerInstanceArns": ["i"]}, cluster="c", status="ACTIVE")
    stubbed.answers(
        "describe_container_instances", {"containerInstances": [{"ec2InstanceId": "i-1"}]}, cluster="c", containerInstances=["i"]
    )
    stubbed.answers("deregister_task_definition", {}, taskDefinition="api:1")
    assert ecs.list_clusters(stubbed.client) == ["c"]
    assert ecs.list_services(stubbed.client, "c") == ["s"]
    assert ecs.list_running_tasks_of_family(stubbed.client, "c", "api") == ["t"]
    assert ecs.describe_container_instances(stubbed.client, "c") == [{"ec2InstanceId": "i-1"}]
    ecs.deregister_task_definition(stubbed.client, "api:1")


def test_rules_and_schedules(aws: Aws) -> None:
    bus, plans = aws("events"), aws("scheduler")
    bus.answers("list_event_buses", {"EventBuses": [{"Name": "default"}]})
    bus.answers("list_rule_names_by_target", {"RuleNames": ["r"], "NextToken": "n"}, TargetArn="c", EventBusName="default")
    bus.answers("list_rule_names_by_target", {"RuleNames": ["s"]}, TargetArn="c", EventBusName="default", NextToken="n")
    bus.answers("list_targets_by_rule", {"Targets": [{"Id": "1", "Arn": "c"}]}, Rule="r", EventBusName="default")
    assert events.list_event_buses(bus.client) == ["default"]
    assert events.list_rules_by_target(bus.client, "c", "default") == ["r", "s"]
    assert events.list_targets(bus.client, "r", "default") == [{"Id": "1", "Arn": "c"}]
    plans.answers("list_schedules", {"Schedules": [{"Name": "a"}], "NextToken": "n"})
    plans.answers("list_schedules", {"Schedules": [{"Name": "b"}]}, NextToken="n")
    plans.answers("get_schedule", {"Name": "a"}, GroupName="default", Name="a")
    assert [item["Name"] for item in scheduler.list_schedules(plans.client)] == ["a", "b"]
    assert scheduler.get_schedule(plans.client, "default", "a")["Name"] == "a"


def test_roles(aws: Aws) -> None:
    stubbed = aws("iam")
    role = {
        "Path": "/",
        "RoleName": "app",
        "RoleId": "A" * 16,
        "Arn": ROLE,
        "CreateDate": "2026-11-21",
        "AssumeRolePolicyDocument": '{"a": 1}',
    }
    stubbed.answers("get_role", {"Role": role}, RoleName="app")
    assert iam.trust_policy(stubbed.client, ROLE) == {"a": 1}
    stubbed.refuses("get_role", "NoSuchEntity")
    assert iam.trust_policy(stubbed.client, ROLE) is None
    stubbed.refuses("get_role", "AccessDenied")
    with pytest.raises(ClientError):
        iam.trust_policy(stubbed.client, ROLE)
    result = {"EvalActionName": "a:B", "EvalDecision": "implicitDeny"}
    stubbed.answers(
        "simulate_principal_policy", {"EvaluationResults": [result]}, PolicySourceArn=ROLE, ActionNames=["a:B"], ResourceArns=["r"]
    )
    assert iam.simulate(stubbed.client, ROLE, "a:B", "r") == "implicitDeny"


def test_secrets(aws: Aws) -> None:
    stubbed = aws("secretsmanager")
    stubbed.answers("describe_secret", {"ARN": SECRET}, SecretId="db")
    assert (secretsmanager.describe_secret(stubbed.client, "db") or {})["ARN"] == SECRET
    stubbed.answers("describe_secret", {"ARN": SECRET, "DeletedDate": "2026-11-21"}, SecretId="db")
    assert secretsmanager.describe_secret(stubbed.client, "db") is None
    stubbed.refuses("describe_secret", "ResourceNotFoundException")
    assert secretsmanager.describe_secret(stubbed.client, "db") is None
    stubbed.refuses("describe_secret", "AccessDeniedException")
    with pytest.raises(ClientError):
        secretsmanager.describe_secret(stubbed.client, "db")
    stubbed.answers("get_secret_value", {"SecretString": "x"}, SecretId=SECRET, VersionStage="s", VersionId="v" * 32)
    assert secretsmanager.get_secret_value(stubbed.client, SECRET, "s", "v" * 32) == {"SecretString": "x"}
    stubbed.refuses("get_secret_value", "ResourceNotFoundException")
    assert secretsmanager.get_secret_value(stubbed.client, SECRET) is None
    stubbed.answers("get_resource_policy", {"ResourcePolicy": "{}"}, SecretId=SECRET)
    assert secretsmanager.has_policy(stubbed.client, SECRET)


def test_a_parameter_is_not_decrypted(aws: Aws) -> None:
    stubbed = aws("ssm")
    stubbed.answers("get_parameters", {"Parameters": [{"Name": "/a"}]}, Names=["/a"], WithDecryption=False)
    stubbed.answers("get_parameters", {"InvalidParameters": ["/b"]}, Names=["/b"], WithDecryption=False)
    assert ssm.parameter_exists(stubbed.client, "/a")
    assert not ssm.parameter_exists(stubbed.client, "/b")


def test_images(aws: Aws) -> None:
    stubbed = aws("ecr")
    asked = {"registryId": "123456789012", "repositoryName": "api", "acceptedMediaTypes": list(ecr._MANIFEST_TYPES)}
    digest = "sha256:" + "0" * 64
    image = {"imageManifest": json.dumps({"config": {"digest": digest}})}
    stubbed.answers("batch_get_image", {"images": [image]}, **asked, imageIds=[{"imageTag": "1"}])
    assert ecr.image_manifest(stubbed.client, "123456789012", "api", "1", "") == {"config": {"digest": digest}}
    # With both, the digest says which image it is.
    stubbed.answers("batch_get_image", {"images": []}, **asked, imageIds=[{"imageDigest": digest}])
    assert ecr.image_manifest(stubbed.client, "123456789012", "api", "1", digest) is None
    stubbed.refuses("batch_get_image", "RepositoryNotFoundException")
    assert ecr.image_manifest(stubbed.client, "123456789012", "api", "1", "") is None
    stubbed.answers(
        "get_download_url_for_layer", {"downloadUrl": "https://x"}, registryId="123456789012", repositoryName="api", layerDigest=digest
    )
    assert ecr.download_url(stubbed.client, "123456789012", "api", digest) == "https://x"


def test_log_groups_and_target_groups(aws: Aws) -> None:
    stubbed, balancers, caller = aws("logs"), aws("elbv2"), aws("sts")
    stubbed.answers("describe_log_groups", {"logGroups": [{"logGroupName": "/a/b"}], "nextToken": "n"}, logGroupNamePrefix="/a", limit=50)
    stubbed.answers("describe_log_groups", {"logGroups": [{"logGroupName": "/a"}]}, logGroupNamePrefix="/a", limit=50, nextToken="n")
    assert logs.log_group_exists(stubbed.client, "/a")
    stubbed.answers("describe_log_groups", {"logGroups": [{"logGroupName": "/a/b"}]}, logGroupNamePrefix="/a", limit=50)
    assert not logs.log_group_exists(stubbed.client, "/a")
    balancers.answers("describe_target_groups", {"TargetGroups": [{"TargetType": "ip"}]}, TargetGroupArns=["g"])
    assert elbv2.describe_target_group(balancers.client, "g") == {"TargetType": "ip"}
    balancers.refuses("describe_target_groups", "TargetGroupNotFound")
    assert elbv2.describe_target_group(balancers.client, "g") is None
    caller.answers("get_caller_identity", {"Account": "123456789012"})
    assert sts.account(caller.client) == "123456789012"
