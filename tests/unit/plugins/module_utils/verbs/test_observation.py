# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alarms, dashboards, topics and log groups against moto."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import (
    cloudwatch_alarms,
    cloudwatch_dashboard,
    cloudwatch_log_groups,
    sns_topic,
)

from .moto_account import empty_account
from .platform_stage import Stage

Data = dict[str, t.Any]
ALARM: Data = {
    "name": "shop-cpu",
    "namespace": "AWS/ECS",
    "metric": "CPUUtilization",
    "threshold": 80,
    "dimensions": {"ClusterName": "shop"},
}
QUERY: Data = {
    "name": "shop-below",
    "threshold": 1,
    "metrics": [
        {"Id": "missing", "Expression": "desired - running", "ReturnData": True},
        *(
            {
                "Id": name,
                "ReturnData": False,
                "MetricStat": {"Metric": {"Namespace": "ECS/ContainerInsights", "MetricName": name}, "Period": 60, "Stat": "Average"},
            }
            for name in ("desired", "running")
        ),
    ],
}


@pytest.fixture
def stage() -> t.Iterator[Stage]:
    with empty_account():
        yield Stage()


def test_alarms_are_kept_together(stage: Stage) -> None:
    options = {"alarms": [ALARM, QUERY], "tags": {"project": "shop"}, "purge_prefix": "shop-"}
    again = stage.twice(cloudwatch_alarms.VERB, **options)
    assert sorted(again["alarms"]) == ["shop-below", "shop-cpu"]
    cloudwatch = stage.client("cloudwatch")
    found = {item["AlarmName"]: item for item in cloudwatch.describe_alarms()["MetricAlarms"]}
    assert cloudwatch.list_tags_for_resource(ResourceARN=found["shop-cpu"]["AlarmArn"])["Tags"] == [{"Key": "project", "Value": "shop"}]
    changed = {**options, "alarms": [{**ALARM, "threshold": 90}, QUERY], "tags": {"project": "store"}}
    done = stage.run(cloudwatch_alarms.VERB, **changed)
    assert done["diff"]["after"].splitlines() == [
        "alarm shop-cpu Threshold: 90.0",
        "alarm shop-cpu tag project: store",
        "alarm shop-below tag project: store",
    ]
    assert not stage.run(cloudwatch_alarms.VERB, **changed)["changed"]


def test_alarms_that_are_not_wanted_any_more_go_where_asked(stage: Stage) -> None:
    stage.run(cloudwatch_alarms.VERB, alarms=[ALARM, QUERY, {**ALARM, "name": "other-cpu"}])
    assert not stage.run(cloudwatch_alarms.VERB, alarms=[ALARM])["changed"]
    told = stage.run(cloudwatch_alarms.VERB, check=True, alarms=[ALARM], purge_prefix="shop-")
    assert (told["removed"], stage.writes) == (["shop-below"], [])
    assert stage.run(cloudwatch_alarms.VERB, alarms=[ALARM], purge_prefix="shop-")["changed"]
    left = [item["AlarmName"] for item in stage.client("cloudwatch").describe_alarms()["MetricAlarms"]]
    assert sorted(left) == ["other-cpu", "shop-cpu"]
    assert stage.run(cloudwatch_alarms.VERB, alarms=[], purge_prefix="shop-")["removed"] == ["shop-cpu"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"metric": None}, "is on one metric, with namespace and metric, or on an expression"),
        ({"metrics": QUERY["metrics"]}, "Give one of both"),
        ({"datapoints_to_alarm": 2}, "datapoints_to_alarm, 2, is not between 1 and evaluation_periods, 1"),
        ({"name": "x" * 256}, "has 256 characters. Use at most 255"),
        ({"name": "else"}, "does not begin with purge_prefix, 'shop-'"),
    ],
)
def test_alarms_that_cannot_be(stage: Stage, change: Data, said: str) -> None:
    with pytest.raises(VerbFailure, match=said):
        stage.run(
            cloudwatch_alarms.VERB,
            alarms=[{**ALARM, **change}],
            **({"purge_prefix": "shop-"} if "name" in change and change["name"] == "else" else {}),
        )
    with pytest.raises(VerbFailure, match="this name is given twice"):
        stage.run(cloudwatch_alarms.VERB, alarms=[ALARM, ALARM])
    assert stage.writes == []


def test_a_dashboard_is_compared_as_data(stage: Stage) -> None:
    body = {"widgets": [{"type": "text", "properties": {"markdown": "# Shop"}, "x": 0, "y": 0, "width": 24, "height": 2}]}
    stage.twice(cloudwatch_dashboard.VERB, name="shop", body=body)
    turned = {"widgets": [dict(reversed(body["widgets"][0].items()))]}
    assert not stage.run(cloudwatch_dashboard.VERB, name="shop", body=turned)["changed"]
    changed = stage.run(cloudwatch_dashboard.VERB, name="shop", body={"widgets": []})
    assert "# Shop" in changed["diff"]["before"]
    assert "# Shop" not in changed["diff"]["after"]
    stage.twice(cloudwatch_dashboard.VERB, name="shop", state="absent")


@pytest.mark.parametrize(
    ("options", "said"),
    [({"name": "a b", "body": {"widgets": []}}, "name: 'a b' is no name"), ({"name": "a", "body": {}}, "body: it has no list of widgets")],
)
def test_dashboards_that_cannot_be(stage: Stage, options: Data, said: str) -> None:
    with pytest.raises(VerbFailure, match=said):
        stage.run(cloudwatch_dashboard.VERB, **options)


def test_a_topic_with_encryption_and_subscriptions(stage: Stage) -> None:
    mail = {"protocol": "email", "endpoint": "ops@example.com"}
    options = {"name": "shop", "display_name": "Shop", "kms_key_id": "alias/shop", "subscriptions": [mail], "tags": {"project": "shop"}}
    arn = stage.twice(sns_topic.VERB, **options)["arn"]
    sns = stage.client("sns")
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (attributes["DisplayName"], attributes["KmsMasterKeyId"]) == ("Shop", "alias/shop")
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="me@example.com")
    assert not stage.run(sns_topic.VERB, **options)["changed"], "what people subscribe to by themselves stays"
    assert not stage.run(sns_topic.VERB, name="shop")["changed"], "what is left out stays as it is"
    changed = stage.run(sns_topic.VERB, **{**options, "kms_key_id": "", "tags": {"project": "store"}})
    assert changed["diff"]["before"] == "topic shop KmsMasterKeyId: alias/shop\ntopic shop tag project: shop\n"
    assert not stage.run(sns_topic.VERB, **{**options, "kms_key_id": "", "tags": {"project": "store"}})["changed"]
    assert stage.run(sns_topic.VERB, name="shop", state="absent")["changed"]
    assert not stage.run(sns_topic.VERB, name="shop", state="absent")["changed"]


def test_a_topic_is_found_by_its_whole_name(stage: Stage) -> None:
    stage.run(sns_topic.VERB, name="my-shop")
    assert stage.run(sns_topic.VERB, check=True, name="shop")["changed"]
    with pytest.raises(VerbFailure, match="name: 'a b' is no name of a topic"):
        stage.run(sns_topic.VERB, name="a b")


def test_log_groups_keep_their_lines_as_long_as_is_said(stage: Stage) -> None:
    logs = stage.client("logs")
    for name, days in (("/ecs/shop/api-extra", 30), ("/ecs/shop/ever", None)):
        logs.create_log_group(logGroupName=name, tags={"project": "shop"})
        if days:
            logs.put_retention_policy(logGroupName=name, retentionInDays=days)
    names = ["/ecs/shop/api", "/ecs/shop/api-extra", "/ecs/shop/ever"]
    options = {"log_groups": [{"name": name, "retention": 7, "tags": {"project": "shop"}} for name in names]}
    assert stage.run(cloudwatch_log_groups.VERB, check=True, **options)["diff"] == {
        "before": "log group /ecs/shop/api-extra retention: 30\n",
        "after": "log group /ecs/shop/api\nlog group /ecs/shop/api-extra retention: 7\nlog group /ecs/shop/ever retention: 7\n",
    }
    assert stage.twice(cloudwatch_log_groups.VERB, **options)["log_groups"] == names
    found = {item["logGroupName"]: item["retentionInDays"] for item in logs.describe_log_groups()["logGroups"]}
    assert found == dict.fromkeys(names, 7)
    stage.twice(cloudwatch_log_groups.VERB, log_groups=[{"name": names[0], "tags": {"project": "store"}}])
    with pytest.raises(VerbFailure, match=r"log_groups\[0\]\.retention: 8 days cannot be kept\. Use one of 1, 3, 5, 7"):
        stage.run(cloudwatch_log_groups.VERB, log_groups=[{"name": "a", "retention": 8}])
