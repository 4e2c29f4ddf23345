# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecs_service_network_info: what is asked for, what comes back, and how all that is missing is said at once."""

from __future__ import annotations

import typing as t

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_service_network_info import VERB
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import FakeClock
from botocore.stub import Stubber

ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/0a1b2c3d4e5f6071"
ASKED = {"subnet_tags": {"environment": "dev", "tier": "private"}, "security_groups": ["api"], "target_group": "api"}


class Aws:
    """EC2 and load balancing by a script: what has to be asked in this order, against botocore's model, and what is answered."""

    def __init__(self) -> None:
        self.clients = {
            name: boto3.client(name, "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b") for name in ("ec2", "elbv2")
        }
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        for stub in self.stubs.values():
            stub.activate()

    def has_subnets(self, *subnets: tuple[str, str], **tags: str) -> None:
        answer = {"Subnets": [{"SubnetId": name, "VpcId": vpc} for name, vpc in subnets]}
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
        self.stubs["ec2"].add_response("describe_subnets", answer, {"Filters": filters})

    def has_groups(self, asked: list[str], vpc: str, **groups: str) -> None:
        answer = {"SecurityGroups": [{"GroupName": name, "GroupId": group} for name, group in groups.items()]}
        filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": asked}]
        self.stubs["ec2"].add_response("describe_security_groups", answer, {"Filters": filters})

    def has_target_group(self, name: str) -> None:
        self.stubs["elbv2"].add_response("describe_target_groups", {"TargetGroups": [{"TargetGroupArn": ARN}]}, {"Names": [name]})

    def lacks_target_group(self) -> None:
        self.stubs["elbv2"].add_client_error("describe_target_groups", "TargetGroupNotFound")

    def find(self, **options: t.Any) -> dict[str, t.Any]:
        validated = ArgumentSpecValidator(VERB.argument_spec).validate(options)
        assert not validated.error_messages
        said: list[str] = []
        context = Context(self.clients.__getitem__, FakeClock(), said.append, said.append)
        try:
            return VERB.run(validated.validated_parameters, context)
        finally:
            for stub in self.stubs.values():
                stub.assert_no_pending_responses()


def test_what_is_found_is_in_the_form_that_a_service_takes() -> None:
    aws = Aws()
    aws.has_subnets(("subnet-b", "vpc-1"), ("subnet-a", "vpc-1"), environment="dev", tier="private")
    aws.has_groups(["web", "api"], "vpc-1", api="sg-1", web="sg-2")
    aws.has_target_group("api")
    assert aws.find(**{**ASKED, "security_groups": ["web", "api", "web"]}) == {
        "changed": False,
        "vpc_id": "vpc-1",
        "subnets": ["subnet-a", "subnet-b"],
        "security_groups": ["sg-2", "sg-1"],
        "target_group_arn": ARN,
    }


def test_a_service_with_no_load_balancer_asks_for_none() -> None:
    aws = Aws()
    aws.has_subnets(("subnet-a", "vpc-1"), tier="private")
    aws.has_groups(["api"], "vpc-1", api="sg-1")
    assert aws.find(subnet_tags={"tier": "private"}, security_groups=["api"])["target_group_arn"] is None


def test_all_that_is_missing_is_said_at_once() -> None:
    aws = Aws()
    aws.has_subnets(("subnet-a", "vpc-1"), environment="dev", tier="private")
    aws.has_groups(["api"], "vpc-1")
    aws.lacks_target_group()
    with pytest.raises(VerbFailure) as failure:
        aws.find(**ASKED)
    assert failure.value.result["missing"] == [
        "security_groups: there is no security group api in vpc-1.",
        "target_group: there is no target group api.",
    ]
    assert failure.value.message.endswith("Provision the platform first.")


def test_without_subnets_no_security_group_can_be_looked_for() -> None:
    aws = Aws()
    aws.has_subnets(environment="dev", tier="private")
    aws.has_target_group("api")
    with pytest.raises(VerbFailure) as failure:
        aws.find(**ASKED)
    assert failure.value.result["missing"] == ["subnet_tags: there is no subnet with environment=dev, tier=private."]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subnet_tags": {}}, "subnet_tags: without a tag, every subnet of the region would be meant. Name at least one."),
        ({"security_groups": []}, "security_groups: name at least one."),
    ],
)
def test_what_would_mean_everything_or_nothing_is_refused(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(VerbFailure) as failure:
        Aws().find(**{**ASKED, **options})
    assert failure.value.message == message


def test_subnets_of_two_networks_are_refused_by_name() -> None:
    aws = Aws()
    aws.has_subnets(("subnet-a", "vpc-2"), ("subnet-b", "vpc-1"), environment="dev", tier="private")
    with pytest.raises(VerbFailure, match=r"subnet_tags: .*several VPCs \(vpc-1, vpc-2\)"):
        aws.find(**ASKED)
