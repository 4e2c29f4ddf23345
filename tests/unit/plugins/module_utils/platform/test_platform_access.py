# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies, roles, repositories and secrets: what differs from what is wanted, as tables."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._platform import policies, repositories, roles, secrets, tags


def policy(**statement: t.Any) -> dict[str, t.Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (policy(Action="a:B", Resource="*"), policy(Action=["a:B"], Resource=["*"]), True),
        (policy(Action=["a:B", "a:C"], Resource="*"), policy(Action=["a:C", "a:B"], Resource="*"), True),
        (policy(Action="a:B", Resource="x"), policy(Action="a:B", Resource="y"), False),
        (policy(Principal={"AWS": "1"}), policy(Principal={"AWS": ["1"]}), True),
        (policy(Principal={"AWS": "1"}), policy(Principal={"Service": "1"}), False),
        (policy(Condition={"Bool": {"k": True}}), policy(Condition={"Bool": {"k": ["true"]}}), True),
        (policy(Condition={"StringLike": {"k": "a"}}), policy(Condition={"StringEquals": {"k": "a"}}), False),
        ({"Version": "1", "Statement": {"Action": "a"}}, {"Version": "1", "Statement": [{"Action": "a"}]}, True),
        (None, {}, True),
        (None, policy(Action="a:B"), False),
    ],
)
def test_policies_are_compared_as_aws_reads_them(one: t.Any, other: t.Any, same: bool) -> None:
    assert policies.same(one, other) is same


def test_a_policy_is_sent_without_spaces_and_shown_in_order() -> None:
    document = policy(Action=["b", "a"])
    assert " " not in policies.text(document)
    assert json.loads(policies.text(document)) == document
    assert policies.readable(document).index('"a"') < policies.readable(document).index('"b"')
    assert policies.readable(None) == ""


def test_tags_are_texts_and_only_those_that_differ_are_set() -> None:
    assert tags.pairs({"a": 1, "b": None}) == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    assert tags.missing({"a": "1", "other": "x"}, {"a": 1, "b": 2}) == {"b": "2"}
    assert tags.mapping([{"Key": "a", "Value": "1"}, {"Key": "b"}, {"Key": "aws:x", "Value": "s"}]) == {"a": "1", "b": ""}
    assert tags.mapping([{"key": "a", "value": "1"}], "key", "value") == {"a": "1"}
    assert tags.put_and_gone({"a": "1", "other": "x"}, {"a": 1, "b": 2}) == ({"b": "2"}, ["other"])


NOW = roles.Role("api", policy(Action="x"), "text", 3600, "", ["arn:p/one"], {"own": policy(Action="a")}, {"k": "v"}, True)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (NOW, []),
        (roles.Role("api"), []),
        (roles.Role("api", trust=policy(Action="y")), ["trust policy"]),
        (roles.Role("api", description="other"), ["description or session duration"]),
        (roles.Role("api", max_session_duration=7200), ["description or session duration"]),
        (roles.Role("api", boundary="arn:b"), ["permissions boundary"]),
        (roles.Role("api", managed=["arn:p/two"]), ["managed policy two is attached", "managed policy one is detached"]),
        (roles.Role("api", managed=[]), ["managed policy one is detached"]),
        (roles.Role("api", inline={"own": policy(Action=["a"])}), []),
        (roles.Role("api", inline={"new": policy(Action="a")}), ["policy new is written", "policy own is deleted"]),
        (roles.Role("api", tags={"k": "w", "n": ""}), ["tag k", "tag n"]),
    ],
)
def test_a_role_differs_in_what_is_wanted_and_nothing_else(wanted: roles.Role, words: list[str]) -> None:
    assert roles.compare(NOW, wanted).words("api") == words


def test_a_role_that_is_missing_is_created_with_everything() -> None:
    assert roles.compare(None, NOW).words("api") == [
        "role api is created",
        "managed policy one is attached",
        "policy own is written",
        "instance profile",
    ]
    assert roles.shown(None) == {}
    assert roles.shown(roles.after(None, NOW)) == roles.shown(NOW)
    assert roles.shown(roles.after(NOW, roles.Role("api", tags={"n": "1"}))) == {**roles.shown(NOW), "tags": {"k": "v", "n": "1"}}


def test_lifecycle_rules_protect_by_priority_and_count_any_image_last() -> None:
    rules = repositories.lifecycle(20, 7, ["deployed-*", "keep-*"], 10)["rules"]
    assert [rule["rulePriority"] for rule in rules] == [1, 2, 3, 4]
    # Of several patterns in one rule an image must match all: each has a rule of its own.
    assert [rule["selection"].get("tagPatternList") for rule in rules] == [None, ["deployed-*"], ["keep-*"], None]
    assert [rule["selection"]["countNumber"] for rule in rules] == [7, 10, 10, 20]
    assert [rule["selection"]["tagStatus"] for rule in rules] == ["untagged", "tagged", "tagged", "any"]
    assert all(rule["action"] == {"type": "expire"} for rule in rules)
    assert repositories.lifecycle(0, 0, [], 10) == {}
    assert [rule["selection"]["tagStatus"] for rule in repositories.lifecycle(5, 0, [], 10)["rules"]] == ["any"]


@pytest.mark.parametrize(
    ("setting", "exceptions", "sent"),
    [
        ("immutable", [], {"imageTagMutability": "IMMUTABLE"}),
        ("mutable", [], {"imageTagMutability": "MUTABLE"}),
        (
            "immutable",
            ["latest"],
            {
                "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
                "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "latest"}],
            },
        ),
    ],
)
def test_tags_that_may_move_are_exceptions(setting: str, exceptions: list[str], sent: dict[str, t.Any]) -> None:
    assert repositories.mutability(setting, exceptions) == sent


SHOWN = repositories.shown(
    {
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True},
        "lifecycle_policy": {"rules": [1]},
        "tags": {"a": "1"},
    }
)


@pytest.mark.parametrize(
    ("changed", "changes"),
    [
        ({}, []),
        ({"tag_mutability": "MUTABLE"}, ["tag_mutability"]),
        ({"tag_exceptions": ["latest"]}, ["tag_mutability"]),
        ({"scan_on_push": False}, ["scan_on_push"]),
        ({"lifecycle_policy": {}}, ["lifecycle_policy"]),
        ({"policy": policy(Action="a")}, ["policy"]),
        ({"tags": {"a": "1", "b": "2"}}, ["tags"]),
    ],
)
def test_a_repository_differs_in_what_is_wanted(changed: dict[str, t.Any], changes: list[str]) -> None:
    assert repositories.changes(SHOWN, {**SHOWN, **changed}) == changes
    assert repositories.changes({}, SHOWN) == ["repository", "lifecycle_policy"]


GENERATE = {"length": 20, "alphabet": "hex", "key": None}


@pytest.mark.parametrize(
    ("entry", "has", "value"),
    [
        ({"value": "a"}, None, "a"),
        ({"value": "a"}, "a", None),
        ({"value": "a"}, "b", "a"),
        ({"values": {"u": "a", "n": 1}}, '{"n": 1, "u": "a"}', None),
        ({"values": {"u": "a"}}, "no json", '{"u": "a"}'),
        ({"values": {"u": "a"}}, '["u"]', '{"u": "a"}'),
        ({"generate": GENERATE}, "whatever is there", None),
        ({"values": {"u": "a"}, "generate": {**GENERATE, "key": "p"}}, '{"u": "a", "p": "kept"}', None),
        ({"values": {"u": "b"}, "generate": {**GENERATE, "key": "p"}}, '{"u": "a", "p": "kept"}', '{"u": "b", "p": "kept"}'),
    ],
)
def test_a_value_is_written_only_when_it_differs(entry: dict[str, t.Any], has: str | None, value: str | None) -> None:
    assert secrets.wanted(entry, has) == value


def test_generated_values_are_new_each_time_and_of_the_alphabet() -> None:
    first, second = (secrets.wanted({"generate": GENERATE}, None) or "" for _ in range(2))
    assert first != second
    assert len(first) == 20
    assert set(first) <= set("0123456789abcdef")
    rotated = secrets.wanted({"values": {"u": "a"}, "generate": {**GENERATE, "key": "p"}, "rotate": True}, '{"u": "a", "p": "old"}')
    assert json.loads(rotated or "")["p"] != "old"
    assert secrets.wanted({"generate": GENERATE, "rotate": True}, "old") not in ("old", None)
    assert not set(secrets.ALPHABETS["printable"]) & set("\"'`\\$/@ ")


PARAMETER = ("/shop/url", "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/url")
SECRET = ("shop/db", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-AbCdEf")


@pytest.mark.parametrize(
    ("value_from", "which", "reads"),
    [
        ("/shop/url", PARAMETER, True),
        ("shop/url", PARAMETER, True),
        (PARAMETER[1], PARAMETER, True),
        ("/shop/url2", PARAMETER, False),
        (PARAMETER[1] + "2", PARAMETER, False),
        (SECRET[1], SECRET, True),
        (SECRET[1].rpartition("-")[0], SECRET, True),
        (SECRET[1] + ":password::", SECRET, True),
        (SECRET[1] + ":password:AWSCURRENT:", SECRET, True),
        (SECRET[1] + ":password:AWSPREVIOUS:", SECRET, False),
        (SECRET[1] + ":password::0123", SECRET, False),
        (SECRET[1], PARAMETER, False),
    ],
)
def test_who_reads_a_secret(value_from: str, which: tuple[str, str], reads: bool) -> None:
    assert secrets.reads(value_from, *which) is reads


def test_secrets_are_named_in_variables_log_options_and_credentials() -> None:
    container = {
        "secrets": [{"name": "A", "valueFrom": "a"}],
        "logConfiguration": {"secretOptions": [{"name": "B", "valueFrom": "b"}]},
        "repositoryCredentials": {"credentialsParameter": "c"},
    }
    assert secrets.references({"containerDefinitions": [container, {"name": "plain"}]}) == ["a", "b", "c"]
