# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose a resource is, in which order things go, and what happens while AWS holds some of them back."""

from __future__ import annotations

import functools
from typing import Any

import botocore.session
import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._aws.resources import list_all
from ansible_collections.steadystate.ecs.plugins.module_utils._platform.kinds import DATA, STAGES, Kind, Scope, has_tags, tags_of
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.environment_teardown import run
from botocore.exceptions import ClientError

SCOPE = Scope("shop", "dev")
TAGS = [{"Key": key, "Value": value} for key, value in SCOPE.tags.items()]
EVERY_KIND = [kind for stage in [*STAGES, DATA] for kind in stage]


def kind(name: str) -> Kind:
    return next(one for one in EVERY_KIND if one.name == name)


@pytest.mark.parametrize(
    "shape",
    [
        {"Tags": TAGS},
        {"tags": [{"key": tag["Key"], "value": tag["Value"]} for tag in TAGS]},
        {"tags": SCOPE.tags},
        {"Tags": [*TAGS, {"Key": "Name", "Value": "shop-dev"}]},
    ],
)
def test_tags_in_every_shape(shape: dict[str, Any]) -> None:
    assert has_tags(shape, SCOPE)


@pytest.mark.parametrize("missing", ["project", "environment", "managed-by"])
def test_one_tag_less_and_it_is_not_ours(missing: str) -> None:
    tags = {key: value for key, value in SCOPE.tags.items() if key != missing}
    assert not has_tags({"tags": tags}, SCOPE)
    assert not has_tags({"tags": {**tags, missing: "other"}}, SCOPE)


def test_no_tags() -> None:
    assert tags_of({}) == {}
    assert not has_tags({"Tags": None}, SCOPE)


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("dashboard", {"DashboardName": "shop-dev-eu"}),
        ("scaling of a service", {"ResourceId": "service/shop-dev-eu/api"}),
        ("image repository", {"repositoryName": "shop-dev-eu/api"}),
        ("security group", {"GroupName": "default", "Tags": TAGS}),
        ("route table", {"Associations": [{"Main": True}], "Tags": TAGS}),
    ],
)
def test_an_environment_of_a_longer_name_and_what_goes_with_a_vpc_are_left_alone(name: str, item: dict[str, Any]) -> None:
    assert not kind(name).own(item, SCOPE)


def test_protections_are_cleared_first() -> None:
    instances = [{"InstanceId": f"i-{number}", "ProtectedFromScaleIn": number < 51} for number in range(60)]
    calls = kind("Auto Scaling group").calls({"AutoScalingGroupName": "shop-dev", "Instances": instances}, SCOPE)
    assert [operation for operation, _ in calls] == ["set_instance_protection", "set_instance_protection", "delete_auto_scaling_group"]
    assert [name for _, call in calls[:2] for name in call["InstanceIds"]] == [f"i-{number}" for number in range(51)]
    assert all(len(call["InstanceIds"]) <= 50 for _, call in calls[:2])
    assert [operation for operation, _ in kind("load balancer").calls({"LoadBalancerArn": "arn"}, SCOPE)] == [
        "modify_load_balancer_attributes",
        "delete_load_balancer",
    ]


def test_rules_go_before_their_groups_and_policies_before_their_role() -> None:
    group = {"GroupId": "sg-1", "IpPermissions": [{"IpProtocol": "tcp"}], "IpPermissionsEgress": []}
    assert [operation for operation, _ in kind("security group").calls(group, SCOPE)] == [
        "revoke_security_group_ingress",
        "delete_security_group",
    ]
    role = {"RoleName": "r", "attached": [{"PolicyArn": "arn"}], "inline": ["p"], "profiles": [{"InstanceProfileName": "r"}]}
    assert [operation for operation, _ in kind("role").calls(role, SCOPE)] == [
        "remove_role_from_instance_profile",
        "delete_instance_profile",
        "detach_role_policy",
        "delete_role_policy",
        "delete_role",
    ]


@pytest.mark.parametrize(
    ("target", "ours"),
    [
        ("dualstack.shop-dev-1234567890.eu-west-1.elb.amazonaws.com.", True),
        ("shop-dev-1.eu-west-1.elb.amazonaws.com", True),
        ("internal-shop-dev-99.eu-west-1.elb.amazonaws.com.", True),
        ("shop-dev-eu-1234567890.eu-west-1.elb.amazonaws.com.", False),
        ("my-shop-dev-1234567890.eu-west-1.elb.amazonaws.com.", False),
        ("shop-prod-1234567890.eu-west-1.elb.amazonaws.com.", False),
    ],
)
def test_aliases_are_known_by_what_they_point_at(target: str, ours: bool) -> None:
    record = {"Name": "api.example.com.", "Type": "A", "AliasTarget": {"DNSName": target}}
    zone = {"Id": "/hostedzone/Z1", "records": [record, {"Name": "example.com.", "Type": "NS"}]}
    assert kind("alias in zone").own(zone, SCOPE) == ours
    if ours:
        [(operation, params)] = kind("alias in zone").calls(zone, SCOPE)
        assert operation == "change_resource_record_sets"
        assert params["ChangeBatch"]["Changes"] == [{"Action": "DELETE", "ResourceRecordSet": record}]


def error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "it is so"}}, operation)


class Account:
    """What every client reads and deletes from: items by list operation. `held` is how often a VPC says that it is in use."""

    def __init__(self, held: int = 0) -> None:
        self.items: dict[str, list[dict[str, Any]]] = {
            "describe_vpcs": [{"VpcId": "vpc-1", "Tags": TAGS}, {"VpcId": "vpc-2", "Tags": [{"Key": "environment", "Value": "prod"}]}],
            "describe_subnets": [{"SubnetId": "subnet-1", "Tags": TAGS}],
            "describe_repositories": [{"repositoryName": "shop-dev/api", "repositoryArn": "arn"}],
            "describe_nat_gateways": [{"NatGatewayId": "nat-1", "State": "deleted", "Tags": TAGS}],
        }
        self.held = held
        self.deleted: list[str] = []

    def client(self, service: str) -> Account:
        return self

    def can_paginate(self, operation: str) -> bool:
        return False

    def __getattr__(self, operation: str) -> Any:
        def answer(**params: Any) -> dict[str, Any]:
            if operation.startswith(("describe_", "list_")):
                members = [one.member for one in EVERY_KIND if one.operation == operation]
                # Operations that are no kind's own are about one item: nothing here has such details.
                return {members[0]: self.items.get(operation, [])} if members else {}
            if operation == "delete_vpc" and self.held:
                self.held -= 1
                raise error("DependencyViolation", operation)
            self.deleted.append(operation)
            gone = set(params.values())
            for name, items in self.items.items():
                self.items[name] = [item for item in items if not gone & {value for value in item.values() if isinstance(value, str)}]
            return {}

        return answer


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def teardown(account: Account, check: bool = False, **options: Any) -> tuple[dict[str, Any], list[str]]:
    lines: list[str] = []
    context = Context(account.client, Clock(), lines.append, lines.append, check_mode=check, diff_mode=True)
    params = {"project": "shop", "environment": "dev", "remove_data": False, "timeout": 60, **options}
    return run(params, context), lines


def test_pages_are_read_to_the_end_where_botocore_has_no_paginator() -> None:
    class Client:
        def can_paginate(self, operation: str) -> bool:
            return False

        def describe_capacity_providers(self, **params: Any) -> dict[str, Any]:
            at = int(params.get("nextToken", "0"))
            assert params["include"] == ["TAGS"]
            return {"capacityProviders": [{"name": f"p{at}"}], **({"nextToken": str(at + 1)} if at < 2 else {})}

    found = list_all(Client(), "describe_capacity_providers", "capacityProviders", {"include": ["TAGS"]})
    assert [item["name"] for item in found] == ["p0", "p1", "p2"]


@functools.cache
def client_of(service: str) -> Any:
    return botocore.session.get_session().create_client(service, region_name="eu-west-1")


@pytest.mark.parametrize("one", EVERY_KIND, ids=lambda one: one.name)
def test_every_operation_and_its_parameters_are_botocores(one: Kind) -> None:
    client = client_of(one.service)
    assert callable(getattr(client, one.operation))
    example = {
        **dict.fromkeys(("Arn", "arn", "repositoryArn", "AlarmArn", "TopicArn", "CertificateArn", "LoadBalancerArn"), "arn:aws:x:::y"),
        **dict.fromkeys(("Name", "Id", "RoleName", "InternetGatewayId", "ScalableDimension", "name", "GroupId"), "x/y"),
        one.title: "arn:aws:ecs:eu-west-1:123456789012:service/shop-dev/api",
    }
    calls = [*one.calls(example, SCOPE), (one.operation, one.params(SCOPE))]
    calls += [(detail.operation, detail.params(example)) for detail in one.details]
    for operation, params in calls:
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
        assert params.keys() <= model.input_shape.members.keys(), operation
        assert set(model.input_shape.required_members) <= params.keys(), operation
    for detail in one.details:
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[detail.operation])
        assert detail.member in model.output_shape.members, detail.operation
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[one.operation])
    assert one.member in model.output_shape.members


def test_all_goes_but_the_data_and_what_others_have() -> None:
    account = Account()
    result, _ = teardown(account)
    assert result["changed"]
    assert [(row["kind"], row["name"]) for row in result["removed"]] == [("subnet", "subnet-1"), ("VPC", "vpc-1")]
    assert result["kept"] == [{"kind": "image repository", "name": "shop-dev/api"}]
    assert account.deleted == ["delete_subnet", "delete_vpc"]
    assert [item["VpcId"] for item in account.items["describe_vpcs"]] == ["vpc-2"]
    assert result["diff"]["before"] == "subnet subnet-1\nVPC vpc-1\n"
    again, _ = teardown(account)
    assert (again["changed"], again["removed"], again["diff"]["before"]) == (False, [], "")


def test_check_mode_says_the_same_and_removes_nothing() -> None:
    account = Account()
    result, _ = teardown(account, check=True)
    assert [row["name"] for row in result["removed"]] == ["subnet-1", "vpc-1"]
    assert account.deleted == []


def test_data_goes_when_told() -> None:
    account = Account()
    result, _ = teardown(account, remove_data=True)
    assert result["kept"] == []
    assert result["removed"][-1] == {"kind": "image repository", "name": "shop-dev/api"}


def test_what_is_held_back_is_tried_again() -> None:
    account = Account(held=3)
    result, lines = teardown(account)
    assert result["changed"]
    assert account.deleted[-1] == "delete_vpc"
    assert any("waiting for VPC vpc-1 to go: DependencyViolation: it is so" in line for line in lines)


def test_what_does_not_go_in_time_is_named_with_what_aws_says() -> None:
    with pytest.raises(VerbFailure, match=r"VPC vpc-1\. AWS says: DependencyViolation: it is so\. Run this again") as failure:
        teardown(Account(held=10_000))
    assert failure.value.result["removed"] == [{"kind": "subnet", "name": "subnet-1"}]


@pytest.mark.parametrize("options", [{"project": ""}, {"environment": "*"}, {"environment": "dev/eu"}, {"timeout": 0}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(VerbFailure, match=next(iter(options))):
        teardown(Account(), **options)
