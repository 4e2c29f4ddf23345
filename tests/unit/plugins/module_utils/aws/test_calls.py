# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One function, one call: what is sent, against botocore's own model of the API, and what comes back."""

from __future__ import annotations

import typing as t

import boto3
import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._aws import ecr, ecs, elbv2, logs
from ansible_collections.steadystate.ecs.plugins.module_utils._aws.connection import CallCounter, client_factory
from ansible_collections.steadystate.ecs.plugins.module_utils._aws.failures import aws_failures, is_passing, is_throttling
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ParamValidationError
from botocore.stub import ANY, Stubber

_ARN = "arn:aws:ecs:eu-west-1:123456789012"


class Stubbed:
    def __init__(self, service: str) -> None:
        self.client = boto3.client(service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
        self.stub = Stubber(self.client)
        self.stub.activate()

    def answers(self, operation: str, answer: dict[str, t.Any], **expected: t.Any) -> None:
        self.stub.add_response(operation, answer, expected)

    def refuses(self, operation: str, code: str, message: str = "no") -> None:
        self.stub.add_client_error(operation, code, message)


@pytest.fixture
def aws() -> t.Iterator[Stubbed]:
    stubbed = Stubbed("ecs")
    yield stubbed
    stubbed.stub.assert_no_pending_responses()


def test_services_are_asked_for_ten_at_a_time(aws: Stubbed) -> None:
    names = [f"s{index}" for index in range(12)]
    for part in (names[:10], names[10:]):
        answer = {"services": [{"serviceName": name, "serviceArn": f"{_ARN}:service/main/{name}"} for name in part]}
        aws.answers("describe_services", answer, cluster="main", services=part)
    assert list(ecs.describe_services(aws.client, "main", names)) == names


def test_a_service_is_found_by_its_arn_and_with_its_tags(aws: Stubbed) -> None:
    arn = f"{_ARN}:service/main/api"
    aws.answers(
        "describe_services", {"services": [{"serviceName": "api", "serviceArn": arn}]}, cluster="main", services=[arn], include=["TAGS"]
    )
    service = ecs.describe_service(aws.client, "main", arn, tags=True)
    assert service is not None
    assert service["serviceName"] == "api"


def test_a_missing_service_is_none(aws: Stubbed) -> None:
    answer = {"services": [], "failures": [{"arn": "x", "reason": "MISSING"}]}
    aws.answers("describe_services", answer, cluster="main", services=["api"])
    assert ecs.describe_service(aws.client, "main", "api") is None


def test_service_writes(aws: Stubbed) -> None:
    service = {"service": {"serviceName": "api"}}
    aws.answers("create_service", service, cluster="main", serviceName="api", desiredCount=1)
    aws.answers("update_service", service, cluster="main", service="api", desiredCount=1)
    aws.answers("delete_service", service, cluster="main", service="api", force=True)
    assert ecs.create_service(aws.client, {"cluster": "main", "serviceName": "api", "desiredCount": 1})["serviceName"] == "api"
    assert ecs.update_service(aws.client, {"cluster": "main", "service": "api", "desiredCount": 1})["serviceName"] == "api"
    assert ecs.delete_service(aws.client, "main", "api", force=True)["serviceName"] == "api"


def test_tags(aws: Stubbed) -> None:
    aws.answers("tag_resource", {}, resourceArn="arn", tags=[{"key": "a", "value": "b"}])
    aws.answers("untag_resource", {}, resourceArn="arn", tagKeys=["a"])
    ecs.tag_resource(aws.client, "arn", [{"key": "a", "value": "b"}])
    ecs.untag_resource(aws.client, "arn", ["a"])


def test_task_definitions(aws: Stubbed) -> None:
    answer = {"taskDefinition": {"taskDefinitionArn": "arn", "family": "api"}, "tags": [{"key": "a", "value": "b"}]}
    aws.answers("describe_task_definition", answer, taskDefinition="api:1", include=["TAGS"])
    assert ecs.describe_task_definition(aws.client, "api:1", tags=True) == {**answer["taskDefinition"], "tags": answer["tags"]}
    aws.refuses("describe_task_definition", "ClientException", "Unable to describe task definition.")
    assert ecs.describe_task_definition(aws.client, "api:9") is None
    aws.refuses("describe_task_definition", "AccessDeniedException")
    with pytest.raises(ClientError):
        ecs.describe_task_definition(aws.client, "api:1")


def test_the_newest_active_revision(aws: Stubbed) -> None:
    expected = {"familyPrefix": "api", "status": "ACTIVE", "sort": "DESC", "maxResults": 1}
    aws.answers("list_task_definitions", {"taskDefinitionArns": ["arn:7"]}, **expected)
    aws.answers("list_task_definitions", {"taskDefinitionArns": []}, **expected)
    assert ecs.newest_active_revision(aws.client, "api") == "arn:7"
    assert ecs.newest_active_revision(aws.client, "api") is None


def test_registering(aws: Stubbed) -> None:
    container = {"name": "app", "image": "a:1"}
    aws.answers(
        "register_task_definition",
        {"taskDefinition": {"taskDefinitionArn": "arn", "revision": 1}},
        family="api",
        containerDefinitions=[container],
    )
    assert ecs.register_task_definition(aws.client, {"family": "api", "containerDefinitions": [container]})["revision"] == 1


def test_tasks_are_listed_by_page_and_described_by_the_hundred(aws: Stubbed) -> None:
    arns = [f"{_ARN}:task/main/{index}" for index in range(120)]
    common = {"cluster": "main", "serviceName": "api", "desiredStatus": "STOPPED"}
    aws.answers("list_tasks", {"taskArns": arns[:100], "nextToken": "more"}, **common)
    aws.answers("list_tasks", {"taskArns": arns[100:]}, nextToken="more", **common)
    listed = ecs.list_tasks(aws.client, "main", "api", "STOPPED")
    assert listed == arns
    for part in (arns[:100], arns[100:]):
        aws.answers("describe_tasks", {"tasks": [{"taskArn": arn} for arn in part]}, cluster="main", tasks=part)
    assert [task["taskArn"] for task in ecs.describe_tasks(aws.client, "main", listed)] == arns


def test_deployments_are_listed_by_page_without_a_paginator(aws: Stubbed) -> None:
    common = {"cluster": "main", "service": "api", "maxResults": 100}
    aws.answers("list_service_deployments", {"serviceDeployments": [{"serviceDeploymentArn": "2"}], "nextToken": "more"}, **common)
    aws.answers("list_service_deployments", {"serviceDeployments": [{"serviceDeploymentArn": "1"}]}, nextToken="more", **common)
    assert [item["serviceDeploymentArn"] for item in ecs.list_service_deployments(aws.client, "main", "api")] == ["2", "1"]


def test_records_and_revisions_are_described_twenty_at_a_time(aws: Stubbed) -> None:
    arns = [str(index) for index in range(21)]
    for part in (arns[:20], arns[20:]):
        aws.answers(
            "describe_service_deployments", {"serviceDeployments": [{"status": "SUCCESSFUL"}] * len(part)}, serviceDeploymentArns=part
        )
    assert len(ecs.describe_service_deployments(aws.client, arns)) == 21
    for part in (arns[:20], arns[20:]):
        aws.answers("describe_service_revisions", {"serviceRevisions": [{"taskDefinition": "x"}] * len(part)}, serviceRevisionArns=part)
    assert len(ecs.describe_service_revisions(aws.client, arns)) == 21


def test_stopping_asks_for_a_rollback(aws: Stubbed) -> None:
    aws.answers("stop_service_deployment", {"serviceDeploymentArn": "arn"}, serviceDeploymentArn="arn", stopType="ROLLBACK")
    ecs.stop_service_deployment(aws.client, "arn")


def test_capacity_providers(aws: Stubbed) -> None:
    aws.answers("describe_capacity_providers", {"capacityProviders": [{"name": "main"}]}, capacityProviders=["main"])
    assert ecs.describe_capacity_providers(aws.client, ["main"]) == [{"name": "main"}]


@pytest.mark.parametrize(
    ("request_", "unknown"),
    [
        ({"deploymentConfiguration": {"deploymentCircuitBreaker": {"rollback": True}}}, None),
        ({"loadBalancers": [{"targetGroupArn": "a"}, {"ofNextYear": 1}]}, ("loadBalancers", "ofNextYear")),
        ({"deploymentConfiguration": {"memberOfNextYear": 1}}, ("deploymentConfiguration", "memberOfNextYear")),
        ({"deploymentConfiguration": {"lifecycleHooks": [{"hookDetails": {"any": {"thing": 1}}}]}}, None),
    ],
)
def test_what_this_botocore_knows(aws: Stubbed, request_: dict[str, t.Any], unknown: tuple[str, ...] | None) -> None:
    assert ecs.unknown_member(aws.client, "UpdateService", request_) == unknown


def test_target_health() -> None:
    stubbed = Stubbed("elbv2")
    described = [{"Target": {"Id": "10.0.0.1"}, "TargetHealth": {"State": "healthy"}}]
    stubbed.answers("describe_target_health", {"TargetHealthDescriptions": described}, TargetGroupArn="arn")
    assert elbv2.describe_target_health(stubbed.client, "arn") == described
    stubbed.refuses("describe_target_health", "TargetGroupNotFound")
    assert elbv2.describe_target_health(stubbed.client, "arn") is None
    stubbed.refuses("describe_target_health", "AccessDenied")
    with pytest.raises(ClientError):
        elbv2.describe_target_health(stubbed.client, "arn")


def test_log_tail() -> None:
    stubbed = Stubbed("logs")
    expected = {"logGroupName": "g", "logStreamName": "s", "limit": 5, "startFromHead": False}
    stubbed.answers("get_log_events", {"events": [{"message": "one\n"}, {"message": "two"}]}, **expected)
    assert logs.tail(stubbed.client, "g", "s", 5) == ["one", "two"]
    stubbed.refuses("get_log_events", "ResourceNotFoundException")
    assert logs.tail(stubbed.client, "g", "s", 5) == []


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "the words"}}, "DescribeServices")


@pytest.mark.parametrize(
    ("error", "passing", "throttling"),
    [
        (_error("ThrottlingException"), True, True),
        (_error("RequestLimitExceeded"), True, True),
        (_error("ServerException"), True, False),
        (_error("AccessDeniedException"), False, False),
        (_error("ExpiredTokenException"), False, False),
        (EndpointConnectionError(endpoint_url="http://x"), True, False),
        (ValueError("x"), False, False),
    ],
)
def test_what_passes_by_itself(error: Exception, passing: bool, throttling: bool) -> None:
    assert (is_passing(error), is_throttling(error)) == (passing, throttling)


@pytest.mark.parametrize(
    ("error", "words", "code"),
    [
        (
            _error("ClusterNotFoundException"),
            "cluster: there is no cluster shop-dev in region eu-west-1 of this account. Check its name, the region and the credentials.",
            "ClusterNotFoundException",
        ),
        (
            _error("AccessDeniedException"),
            "AWS refused DescribeServices: AccessDeniedException: the words",
            "AccessDeniedException",
        ),
        (NoCredentialsError(), "No AWS credentials were found", "NoCredentials"),
        (EndpointConnectionError(endpoint_url="http://x"), "AWS could not be reached", "EndpointConnectionError"),
        (
            ParamValidationError(report="Unknown parameter: x"),
            "was not sent: .*validation failed:\\nUnknown parameter: x",
            "ParamValidationError",
        ),
    ],
)
def test_errors_become_one_sentence(error: Exception, words: str, code: str) -> None:
    with pytest.raises(VerbFailure, match=words) as caught, aws_failures({"cluster": "shop-dev", "region": "eu-west-1"}):
        raise error
    assert caught.value.result["error_code"] == code


def test_clients_are_made_once_for_each_service() -> None:
    factory = client_factory({"region": "eu-west-1", "endpoint_url": "http://127.0.0.1:9", "access_key": "a", "secret_key": "b"})
    assert factory("ecs") is factory("ecs")
    assert factory("ecs").meta.endpoint_url == "http://127.0.0.1:9"
    assert factory("logs").meta.region_name == "eu-west-1"


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(VerbFailure, match=r"profile: .*nobody"):
        client_factory({"region": "eu-west-1", "profile": "nobody"})("ecs")


@pytest.mark.parametrize("url", ["nonsense", "127.0.0.1:4577", "http://"])
def test_an_endpoint_that_is_no_url_is_named(url: str) -> None:
    with pytest.raises(VerbFailure, match=f"endpoint_url: '{url}' is no URL"):
        client_factory({"region": "eu-west-1", "endpoint_url": url, "access_key": "a", "secret_key": "b"})("ecs")


def test_calls_are_counted(aws: Stubbed) -> None:
    counter = CallCounter(lambda _service: aws.client)
    aws.answers("list_tasks", {"taskArns": []}, cluster="main", serviceName="api", desiredStatus="RUNNING")
    ecs.list_tasks(counter("ecs"), "main", "api", "RUNNING")
    assert counter.calls == {"list_tasks": 1}
    assert counter.total == 1
    assert counter("ecs").meta.region_name == "eu-west-1"


def test_images_are_looked_for_by_name_a_hundred_at_a_time() -> None:
    aws = Stubbed("ecr")
    digest = "sha256:" + "1" * 64
    names = ["there", digest, "gone", "encrypted", *(f"tag{number}" for number in range(98))]
    ids = [{"imageDigest": name} if name == digest else {"imageTag": name} for name in names]
    image = {"imageManifest": "{}", "imageManifestMediaType": "text/plain"}
    where = {"repositoryName": "api", "acceptedMediaTypes": ANY}
    missing = [{"imageId": {"imageTag": name}, "failureCode": "ImageNotFound"} for name in ("gone", *names[4:100])]
    lost = {"imageId": {"imageTag": "encrypted"}, "failureCode": "KmsError"}
    found = [{**image, "imageId": {"imageTag": "there", "imageDigest": digest}}, {**image, "imageId": {"imageDigest": digest}}]
    aws.answers("batch_get_image", {"images": found, "failures": [*missing, lost]}, **where, imageIds=ids[:100])
    aws.answers("batch_get_image", {"images": [], "failures": []}, **where, imageIds=ids[100:])
    named = ecr.named_images(aws.client, None, "api", names)
    aws.stub.assert_no_pending_responses()
    assert named["there"] == named[digest] == ecr.ImageManifest(digest, "text/plain", b"{}")
    assert [name for name, image in named.items() if image is None] == ["gone", *names[4:100]]
    assert not {"encrypted", *names[100:]} & set(named)


@pytest.mark.parametrize("code", ["RepositoryNotFoundException", "AccessDeniedException"])
def test_where_images_may_not_be_looked_for_none_is_known(code: str) -> None:
    aws = Stubbed("ecr")
    aws.refuses("batch_get_image", code)
    assert ecr.named_images(aws.client, "123456789012", "api", ["1.0"]) == {}
