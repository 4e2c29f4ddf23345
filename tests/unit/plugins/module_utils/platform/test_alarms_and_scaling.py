# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of alarms and of autoscaling is a difference."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._platform import alarms, scaling
from ansible_collections.steadystate.ecs.plugins.module_utils._platform.differences import in_words

Data = dict[str, t.Any]
ALARM: Data = {
    "name": "shop-5xx",
    "namespace": "AWS/ApplicationELB",
    "metric": "HTTPCode_ELB_5XX_Count",
    "dimensions": {"LoadBalancer": "app/shop/1"},
    "statistic": "Sum",
    "period": 60,
    "evaluation_periods": 2,
    "threshold": 5,
    "comparison": "GreaterThanOrEqualToThreshold",
    "alarm_actions": ["b", "a", "a"],
}


def _query(name: str, *dimensions: str, **more: t.Any) -> Data:
    pairs = [{"Name": key, "Value": key.lower()} for key in dimensions]
    metric = {"Namespace": "ECS/ContainerInsights", "MetricName": name, "Dimensions": pairs}
    return {"Id": name.lower(), "ReturnData": False, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average", **more}}


def test_a_request_says_everything_a_put_would_reset() -> None:
    assert alarms.request(ALARM) == {
        "AlarmName": "shop-5xx",
        "AlarmDescription": "",
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": ["a", "b"],
        "InsufficientDataActions": [],
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 2,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "missing",
        "Statistic": "Sum",
        "Namespace": "AWS/ApplicationELB",
        "MetricName": "HTTPCode_ELB_5XX_Count",
        "Dimensions": [{"Name": "LoadBalancer", "Value": "app/shop/1"}],
        "Period": 60,
    }
    assert alarms.request({**ALARM, "statistic": "p99"})["ExtendedStatistic"] == "p99"
    assert "Statistic" not in alarms.request({**ALARM, "statistic": "p99"})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"AlarmActions": ["b", "a"]}, []),
        # What AWS leaves out where it is the default.
        ({"DatapointsToAlarm": None, "TreatMissingData": None, "OKActions": None}, []),
        ({"Threshold": 5}, []),
        ({"Threshold": 10.0}, ["alarm shop-5xx Threshold: 10.0 -> 5.0"]),
        ({"ActionsEnabled": False}, ["alarm shop-5xx ActionsEnabled: false -> true"]),
        ({"AlarmActions": []}, ['alarm shop-5xx AlarmActions: [] -> ["a", "b"]']),
        ({"StateValue": "ALARM", "AlarmArn": "arn"}, []),
    ],
)
def test_alarms(change: Data, expected: list[str]) -> None:
    request = alarms.request(ALARM)
    assert in_words(alarms.changes({**request, **change}, request)) == expected


def test_an_alarm_that_is_missing_or_about_something_else() -> None:
    request = alarms.request(ALARM)
    assert in_words(alarms.changes(None, request)) == ["alarm shop-5xx is missing"]
    expression = alarms.request({**ALARM, "metrics": [_query("Running", "A")]})
    assert in_words(alarms.changes(expression, request)) == ["alarm shop-5xx on an expression -> alarm shop-5xx"]
    assert in_words(alarms.changes(request, expression)) == ["alarm shop-5xx on HTTPCode_ELB_5XX_Count -> alarm shop-5xx"]


def test_expressions_are_compared_without_their_order() -> None:
    sum_of_both = {"Id": "e", "Expression": "desired - running", "Label": "missing"}
    wanted = alarms.request({**ALARM, "metrics": [sum_of_both, _query("Running", "A", "B"), _query("Desired", "A", "B")]})
    shown = [_query("Desired", "B", "A", Unit=None), _query("Running", "B", "A"), {**sum_of_both, "ReturnData": True, "Period": None}]
    assert not alarms.changes({**wanted, "Metrics": shown}, wanted)
    assert alarms.changes({**wanted, "Metrics": [*shown[:2], {**shown[2], "Expression": "desired"}]}, wanted)


TARGET = {"MinCapacity": 2, "MaxCapacity": 4, "SuspendedState": {"DynamicScalingInSuspended": False}}
SCHEDULES = [
    {"name": "night", "schedule": "cron(0 20 * * ? *)", "min_capacity": 1},
    {"name": "day", "schedule": "rate(1 day)", "min_capacity": 2},
]


@pytest.mark.parametrize(
    ("found", "schedules", "expected"),
    [
        (TARGET, [], []),
        (None, [], ["scalable target 2 to 4 tasks is missing"]),
        ({**TARGET, "MaxCapacity": 9}, [], ["scalable target MaxCapacity: 9 -> 4"]),
        ({**TARGET, "MinCapacity": 1}, [], ["scalable target MinCapacity: 1 -> 2"]),
        # The night has set it, and the morning will set it back.
        ({**TARGET, "MinCapacity": 1}, SCHEDULES, []),
        ({**TARGET, "MinCapacity": 3}, SCHEDULES, ["scalable target MinCapacity: 3 -> 2"]),
    ],
)
def test_a_limit_that_a_schedule_has_set_is_left_alone(found: Data | None, schedules: list[Data], expected: list[str]) -> None:
    limits = scaling.limits(found, 2, 4, scaling.actions("api", schedules).values())
    assert in_words(scaling.target_changes(found, limits, {"DynamicScalingInSuspended": False})) == expected


def test_what_is_suspended_counts() -> None:
    changes = scaling.target_changes(TARGET, {"MinCapacity": 2, "MaxCapacity": 4}, {"DynamicScalingInSuspended": True})
    assert in_words(changes)[0].startswith("scalable target suspended:")


def test_policies() -> None:
    wanted = scaling.policies("api", {"cpu": 70, "requests": 500}, "app/shop/1/targetgroup/api/1", (60, 300), scale_in=True)
    assert wanted["api-cpu"] == {
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        "ScaleOutCooldown": 60,
        "ScaleInCooldown": 300,
        "DisableScaleIn": False,
    }
    assert wanted["api-requests"]["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "ALBRequestCountPerTarget",
        "ResourceLabel": "app/shop/1/targetgroup/api/1",
    }
    assert wanted.keys() < scaling.policy_names("api")
    policy = wanted["api-cpu"]
    shown = {key: value for key, value in policy.items() if key not in ("ScaleInCooldown", "DisableScaleIn")}
    assert not scaling.policy_change("api-cpu", {"TargetTrackingScalingPolicyConfiguration": shown}, policy)
    assert in_words(scaling.policy_change("api-cpu", None, policy))[0].endswith("is missing")
    other = {"TargetTrackingScalingPolicyConfiguration": {**shown, "TargetValue": 50.0}}
    assert in_words(scaling.policy_change("api-cpu", other, policy)) == ["policy api-cpu TargetValue: 50.0 -> 70.0"]


def test_scheduled_actions() -> None:
    wanted = scaling.actions("api", SCHEDULES)
    assert list(wanted) == ["api-schedule-night", "api-schedule-day"]
    night = wanted["api-schedule-night"]
    assert night == {"Schedule": "cron(0 20 * * ? *)", "Timezone": "UTC", "ScalableTargetAction": {"MinCapacity": 1}}
    assert not scaling.action_change("n", {key: value for key, value in night.items() if key != "Timezone"}, night)
    assert in_words(scaling.action_change("n", {**night, "Timezone": "Europe/Dublin"}, night)) == [
        "scheduled action n Timezone: Europe/Dublin -> UTC"
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, ""),
        ({"schedule": "at(2026-12-24T18:00:00)"}, ""),
        ({"schedule": "every day"}, "'every day' is no schedule"),
        ({"schedule": "cron()"}, "is no schedule"),
        ({"min_capacity": None}, "says neither"),
        ({"min_capacity": 3, "max_capacity": 2}, "min_capacity 3 is more than max_capacity 2"),
    ],
)
def test_schedules_that_cannot_be(change: Data, fault: str) -> None:
    said = scaling.schedule_fault({**SCHEDULES[0], **change})
    assert fault in said
    assert bool(fault) == bool(said)
