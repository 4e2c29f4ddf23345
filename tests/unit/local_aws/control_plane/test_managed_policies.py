"""AWS's own policies are those of moto, and what is done to them in one account is not seen in another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from unittest import mock

import pytest
from moto.iam.models import IAMBackend

from local_aws.control_plane import managed_policies

ARN = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


@pytest.fixture(scope="module", autouse=True)
def two_accounts() -> Iterator[tuple[IAMBackend, IAMBackend]]:
    with (
        mock.patch.dict("os.environ", MOTO_IAM_LOAD_MANAGED_POLICIES="true"),
        mock.patch.object(IAMBackend, "_init_aws_policies", managed_policies._copies),
    ):
        yield IAMBackend("aws", "111111111111"), IAMBackend("aws", "222222222222")


def test_they_are_those_of_moto(two_accounts: tuple[IAMBackend, IAMBackend]) -> None:
    policies = two_accounts[0].managed_policies
    assert len(policies) > 1000
    assert {policy.account_id for policy in policies.values()} == {"111111111111"}
    document = json.loads(policies[ARN].versions[0].document)
    assert "ecr:BatchGetImage" in document["Statement"][0]["Action"]


def test_what_happens_to_one_is_not_seen_in_another_account(two_accounts: tuple[IAMBackend, IAMBackend]) -> None:
    here, there = (account.managed_policies[ARN] for account in two_accounts)
    here.attachment_count += 1
    here.tags["who"] = {"Key": "who", "Value": "us"}
    here.versions[0].is_default = False
    here.versions.append(here.versions[0])
    assert (there.attachment_count, there.tags, len(there.versions), there.versions[0].is_default) == (0, {}, 1, True)


def test_other_partitions_have_their_own() -> None:
    assert ARN.replace("arn:aws:", "arn:aws-cn:") in IAMBackend("aws-cn", "111111111111").managed_policies
