# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names become ARNs, in every partition."""

from __future__ import annotations

import typing as t

import botocore.session
import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.arns import (
    Names,
    Place,
    SecretReference,
    account_in,
    parse_value_from,
    partition_of,
    role_arn,
    secret_value_from,
)
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.errors import TaskDefinitionError

SECRET = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:db-AbCdEf"
NAMES = Names(place=lambda: Place("aws-us-gov", "us-gov-west-1", "123456789012"), secret_arn={"db": SECRET}.get)


def test_the_partition_of_every_region_that_botocore_knows() -> None:
    session = botocore.session.get_session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("ecs", partition):
            assert partition_of(region) == partition, region


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("/shop/url", "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/shop/url"),
        ("url", "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/url"),
        ({"parameter": "/shop/url"}, "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/shop/url"),
        ("arn:aws:ssm:eu-west-1:123456789012:parameter/x", "arn:aws:ssm:eu-west-1:123456789012:parameter/x"),
        (f"{SECRET}:key::", f"{SECRET}:key::"),
        ({"secret": "db"}, SECRET),
        ({"secret": SECRET}, SECRET),
        ({"secret": "db", "key": "password"}, f"{SECRET}:password::"),
        ({"secret": "db", "version_stage": "AWSPREVIOUS"}, f"{SECRET}::AWSPREVIOUS:"),
        ({"secret": SECRET, "key": "k", "version_id": "v1"}, f"{SECRET}:k::v1"),
    ],
)
def test_what_a_secret_comes_from(wish: t.Any, expected: str) -> None:
    assert secret_value_from(wish, NAMES, "field") == expected


@pytest.mark.parametrize(
    "wish",
    [
        "",
        5,
        {},
        {"secret": "db", "parameter": "x"},
        {"secret": "none"},
        {"parameter": "x", "key": "k"},
        {"secret": "db", "kye": "k"},
        {"secret": f"{SECRET}:key::", "key": "k"},
        "arn:aws:s3:::bucket/key",
        "a name with blanks",
    ],
)
def test_what_no_secret_can_come_from(wish: t.Any) -> None:
    with pytest.raises(TaskDefinitionError, match=r"^field: "):
        secret_value_from(wish, NAMES, "field")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/a", SecretReference("ssm", "/a")),
        ("arn:aws:ssm:eu-west-1:1:parameter/a", SecretReference("ssm", "arn:aws:ssm:eu-west-1:1:parameter/a", region="eu-west-1")),
        (SECRET, SecretReference("secretsmanager", SECRET, region="us-gov-west-1")),
        (f"{SECRET}:k:s:v", SecretReference("secretsmanager", SECRET, "k", "s", "v", "us-gov-west-1")),
        ("arn:aws:s3:::bucket", None),
        ("", None),
    ],
)
def test_what_a_value_from_means(text: str, expected: SecretReference | None) -> None:
    assert parse_value_from(text) == expected


@pytest.mark.parametrize("name", ["a b", "arn:aws:iam::123456789012:user/x", "arn:nonsense"])
def test_what_is_no_role(name: str) -> None:
    with pytest.raises(TaskDefinitionError):
        role_arn(name, NAMES, "task_role")


def test_the_account_is_that_of_the_definition_and_never_of_a_secret() -> None:
    assert account_in({"taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/a:1"}) == "123456789012"
    assert account_in({"taskRoleArn": "arn:aws:iam::210987654321:role/a"}) == "210987654321"
    assert account_in({"containerDefinitions": [{"secrets": [{"valueFrom": SECRET}]}]}) is None
