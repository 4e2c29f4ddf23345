"""The API door in every wire protocol: boto3 against a real port, with handlers in front of moto."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.parsers
import botocore.serialize
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.clock import ScaledClock
from local_aws.control_plane.api import AwsApi
from local_aws.control_plane.moto_in_process import Moto
from local_aws.interfaces import AwsError, Call, JsonObject
from local_aws.server import Router, Server

REGION = "eu-west-1"


def nothing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [("Content-Length", "0")])
    return [b""]


class Aws:
    def __init__(self) -> None:
        self.api = AwsApi(Moto(), ScaledClock())
        self.server = Server(0, Router(self.api, nothing, nothing))
        self.server.start()

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.server.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    aws = Aws()
    yield aws
    aws.server.stop()
    aws.api.moto.reset()


ANSWERS: list[tuple[str, str, str, dict[str, Any], JsonObject]] = [
    ("ecs", "ListClusters", "list_clusters", {"maxResults": 3}, {"clusterArns": ["arn:a", "arn:b"]}),
    (
        "elbv2",
        "DescribeTargetGroups",
        "describe_target_groups",
        {"Names": ["a", "b"]},
        {"TargetGroups": [{"TargetGroupName": "a", "Port": 80}]},
    ),
    (
        "ec2",
        "DescribeVpcs",
        "describe_vpcs",
        {"Filters": [{"Name": "a", "Values": ["1", "2"]}]},
        {"Vpcs": [{"VpcId": "vpc-1", "IsDefault": True}]},
    ),
    (
        "route53",
        "ListHostedZonesByName",
        "list_hosted_zones_by_name",
        {"DNSName": "a.b"},
        {"DNSName": "a.b", "IsTruncated": False, "MaxItems": "1", "HostedZones": []},
    ),
    ("efs", "DescribeFileSystems", "describe_file_systems", {"MaxItems": 7}, {"Marker": "here"}),
    ("cloudwatch", "ListMetrics", "list_metrics", {"Namespace": "x"}, {"Metrics": [{"Namespace": "x", "MetricName": "m"}]}),
]


@pytest.mark.parametrize(("service", "action", "method", "params", "output"), ANSWERS, ids=[answer[0] for answer in ANSWERS])
def test_a_handler_gets_parsed_parameters_and_its_output_reaches_the_client(
    aws: Aws, service: str, action: str, method: str, params: dict[str, Any], output: JsonObject
) -> None:
    seen: list[Call] = []

    @aws.api.on(service, action)
    def answer(call: Call) -> JsonObject:
        seen.append(call)
        return output

    told = getattr(aws.client(service), method)(**params)
    [call] = seen
    assert (call.service, call.action, call.region, call.account, call.access_key) == (service, action, REGION, "123456789012", "test")
    assert call.params == params
    assert {key: told[key] for key in output} == output


@pytest.mark.parametrize(
    ("service", "action", "method", "params"),
    [
        ("ecs", "DescribeServices", "describe_services", {"services": ["x"]}),
        ("elbv2", "DescribeRules", "describe_rules", {}),
        ("ec2", "DescribeVolumes", "describe_volumes", {}),
        ("route53", "GetHostedZone", "get_hosted_zone", {"Id": "x"}),
        ("efs", "DescribeAccessPoints", "describe_access_points", {}),
        ("cloudwatch", "DescribeAlarms", "describe_alarms", {}),
    ],
    ids=["json", "query", "ec2", "rest-xml", "rest-json", "json-of-several"],
)
def test_an_error_reaches_the_client_with_code_message_and_status(
    aws: Aws, service: str, action: str, method: str, params: dict[str, Any]
) -> None:
    @aws.api.on(service, action)
    def refuse(call: Call) -> JsonObject:
        raise AwsError("SlowDown", "Too <many> & too fast", 429)

    with pytest.raises(ClientError) as refused:
        getattr(aws.client(service), method)(**params)
    told = refused.value.response
    assert (told["Error"]["Code"], told["Error"]["Message"]) == ("SlowDown", "Too <many> & too fast")
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 429


def cbor(aws: Aws, action: str, params: JsonObject) -> tuple[int, JsonObject]:
    """A call as the SDKs make it that speak Smithy RPC v2 CBOR to CloudWatch."""
    model = botocore.session.get_session().get_service_model("cloudwatch").operation_model(action)
    request = botocore.serialize.create_serializer("smithy-rpc-v2-cbor").serialize_to_request(params, model)
    headers = {**request["headers"], "Authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/monitoring/aws4_request, X=y"}
    sent = urllib.request.Request(aws.server.url + request["url_path"], data=request["body"], headers=dict(headers), method="POST")
    try:
        with urllib.request.urlopen(sent) as answer:
            status, told, body = answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        status, told, body = error.code, dict(error.headers), error.read()
    lowered = {name.lower(): value for name, value in told.items()}
    parser = botocore.parsers.create_parser("smithy-rpc-v2-cbor")
    return status, parser.parse({"status_code": status, "headers": lowered, "body": body}, model.output_shape)


def test_cbor_is_spoken_to_moto_and_to_handlers_alike(aws: Aws) -> None:
    status, _ = cbor(aws, "PutMetricData", {"Namespace": "cbor", "MetricData": [{"MetricName": "m", "Value": 1.5}]})
    assert status == 200
    status, told = cbor(aws, "ListDashboards", {})
    assert (status, told["DashboardEntries"]) == (200, [])

    @aws.api.on("cloudwatch", "GetDashboard")
    def dashboard(call: Call) -> JsonObject:
        if call.params["DashboardName"] == "none":
            raise AwsError("ResourceNotFound", "no such dashboard", 404)
        return {"DashboardName": call.params["DashboardName"], "DashboardBody": "{}"}

    status, told = cbor(aws, "GetDashboard", {"DashboardName": "d"})
    assert (status, told["DashboardName"], told["DashboardBody"]) == (200, "d", "{}")
    status, told = cbor(aws, "GetDashboard", {"DashboardName": "none"})
    assert (status, told["Error"]["Message"]) == (404, "no such dashboard")


def test_upstream_is_moto_and_can_be_amended(aws: Aws) -> None:
    @aws.api.on("ec2", "DescribeAvailabilityZones")
    def amended(call: Call) -> JsonObject:
        answer = call.upstream(call.params)
        answer["AvailabilityZones"] = answer["AvailabilityZones"][:1]
        return answer

    assert len(aws.client("ec2").describe_availability_zones()["AvailabilityZones"]) == 1


def test_upstream_raises_the_error_of_moto(aws: Aws) -> None:
    caught: list[AwsError] = []

    @aws.api.on("iam", "GetRole")
    def look(call: Call) -> JsonObject:
        try:
            return call.upstream(call.params)
        except AwsError as error:
            caught.append(error)
            raise

    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").get_role(RoleName="nobody")
    assert [(error.code, error.status) for error in caught] == [("NoSuchEntity", 404)]


def test_the_later_handler_goes_first_and_its_upstream_is_the_earlier_one(aws: Aws) -> None:
    @aws.api.on("ecs", "ListTaskDefinitionFamilies")
    def first(call: Call) -> JsonObject:
        return {"families": ["first"]}

    @aws.api.on("ecs", "ListTaskDefinitionFamilies")
    def second(call: Call) -> JsonObject:
        return {"families": [*call.upstream(call.params)["families"], "second"]}

    assert aws.client("ecs").list_task_definition_families()["families"] == ["first", "second"]


THROUGH: list[tuple[str, str, str, dict[str, Any], str]] = [
    ("ec2", "CreateSecurityGroup", "create_security_group", {"GroupName": "NAME", "Description": "d & <e>"}, "GroupId"),
    (
        "ec2",
        "RunInstances",
        "run_instances",
        {
            "ImageId": "ami-1",
            "MinCount": 1,
            "MaxCount": 1,
            "UserData": "#!/bin/sh\necho ECS_CLUSTER=a",
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "k", "Value": "v é"}]}],
        },
        "Instances",
    ),
    (
        "elbv2",
        "CreateTargetGroup",
        "create_target_group",
        {"Name": "NAME", "Protocol": "HTTP", "Port": 80, "VpcId": "VPC", "TargetType": "ip"},
        "TargetGroups",
    ),
    (
        "iam",
        "CreateRole",
        "create_role",
        {"RoleName": "NAME", "AssumeRolePolicyDocument": '{"Version": "2012-10-17", "Statement": []}'},
        "Role",
    ),
    ("logs", "CreateLogGroup", "create_log_group", {"logGroupName": "NAME"}, ""),
    ("ssm", "PutParameter", "put_parameter", {"Name": "NAME", "Value": "ü\n", "Type": "SecureString"}, "Version"),
    ("secretsmanager", "CreateSecret", "create_secret", {"Name": "NAME", "SecretBinary": b"\x00\xff"}, "Name"),
    ("route53", "CreateHostedZone", "create_hosted_zone", {"Name": "NAME.example.", "CallerReference": "NAME"}, "HostedZone"),
    ("ecr", "CreateRepository", "create_repository", {"repositoryName": "NAME", "imageTagMutability": "IMMUTABLE"}, "repository"),
]


def shape(value: Any) -> Any:
    """What two answers to the same question have in common: members and types, not ids and times."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value)


@pytest.mark.parametrize(("service", "action", "method", "params", "member"), THROUGH, ids=[row[1] for row in THROUGH])
def test_a_handler_that_only_asks_upstream_changes_nothing(
    aws: Aws, service: str, action: str, method: str, params: dict[str, Any], member: str
) -> None:
    client = aws.client(service)
    vpc = aws.client("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]

    def named(name: str) -> dict[str, Any]:
        return {key: value.replace("NAME", name).replace("VPC", vpc) if isinstance(value, str) else value for key, value in params.items()}

    plain = getattr(client, method)(**named("plain"))
    aws.api.on(service, action)(lambda call: call.upstream(call.params))
    through = getattr(client, method)(**named("through"))
    assert shape(through) == shape(plain)
    assert not member or member in through


def test_user_data_survives_the_way_through(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    aws.api.on("ec2", "RunInstances")(lambda call: call.upstream(call.params))
    instance = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, UserData="ECS_CLUSTER=a")["Instances"][0]["InstanceId"]
    attribute = ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")["UserData"]["Value"]
    assert attribute == "RUNTX0NMVVNURVI9YQ=="


def test_calls_are_recorded_with_their_parameters_and_without_secrets(aws: Aws) -> None:
    aws.api.calls.clear()
    aws.client("ssm").describe_parameters(MaxResults=5)
    aws.client("secretsmanager").create_secret(Name="recorded", SecretString="hush")
    with pytest.raises(ClientError):
        aws.client("iam").get_user(UserName="nobody")
    listed = aws.api.calls.listed()
    assert [(call["service"], call["action"], call["error"]) for call in listed] == [
        ("ssm", "DescribeParameters", None),
        ("secretsmanager", "CreateSecret", None),
        ("iam", "GetUser", "NoSuchEntity"),
    ]
    assert listed[0]["params"] == {"MaxResults": 5}
    assert "hush" not in str(listed)


def test_an_operation_that_nobody_has_is_said_to_be_missing(aws: Aws) -> None:
    with pytest.raises(ClientError, match="local_aws and moto have no ecs:DescribeDaemon") as missing:
        aws.client("ecs").describe_daemon(daemonArn="arn:aws:ecs:eu-west-1:123456789012:daemon/a/b")
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_objects_of_s3_pass_through_unread(aws: Aws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="things", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="things", Key="a/b c", Body=b"\x00\x01" * 1000)
    assert s3.get_object(Bucket="things", Key="a/b c")["Body"].read() == b"\x00\x01" * 1000
    assert s3.head_object(Bucket="things", Key="a/b c")["ContentLength"] == 2000


def test_handlers_for_actions_that_do_not_exist_are_found_out(aws: Aws) -> None:
    api = AwsApi(Moto(), ScaledClock())
    api.on("ecs", "CreateNothing")(lambda call: {})
    with pytest.raises(Exception, match="CreateNothing"):
        api.verify()
