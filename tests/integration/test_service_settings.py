# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecs_service with many settings on local_aws: a second run changes nothing, drift is shown, an autoscaled count is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Account

DEFINITION = {
    "family": "settings",
    "networkMode": "bridge",
    "containerDefinitions": [{"name": "app", "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/api:none", "memory": 32}],
}
# No task is wanted: this is about the service, not about what it runs.
SETTINGS: dict[str, Any] = {
    "task_definition": "settings:1",
    "desired_count": 0,
    "launch_type": "EC2",
    "deployment_configuration": {
        "maximum_percent": 150,
        "minimum_healthy_percent": 50,
        "strategy": "ROLLING",
        "deployment_circuit_breaker": {
            "enable": True,
            "rollback": True,
            "reset_on_healthy_task": False,
            "threshold_configuration": {"type": "COUNT", "value": 4},
        },
        "alarms": {"alarm_names": ["b", "a"], "rollback": False},
        "bake_time_in_minutes": 1,
        "early_success_criteria": {"enable": True, "healthy_percent": 60, "source_service_revision_cleanup": "DEFERRED"},
    },
    "placement_constraints": [{"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}, {"type": "distinctInstance"}],
    "placement_strategy": [{"type": "spread", "field": "attribute:ecs.availability-zone"}, {"type": "binpack", "field": "MEMORY"}],
    "availability_zone_rebalancing": "DISABLED",
    "enable_execute_command": True,
    "enable_ecs_managed_tags": True,
    "propagate_tags": "SERVICE",
    "scheduling_strategy": "REPLICA",
    "deployment_controller": {"type": "ECS"},
    "tags": {"team": "web", "empty": ""},
    "purge_tags": True,
}


@pytest.fixture(scope="module")
def settings(account: Account) -> Iterator[Account]:
    run = account.play("service.yml", definition=DEFINITION, options=SETTINGS)
    assert run.code == 0, run.output
    assert run["service"]["changed"]
    yield account
    gone = account.play("service.yml", options={"state": "absent"})
    assert gone.code == 0, gone.output
    assert gone["service"]["changed"]
    assert not account.play("service.yml", options={"state": "absent"})["service"]["changed"]


def described(account: Account) -> dict[str, Any]:
    answer = account.client("ecs").describe_services(cluster="main", services=["settings"], include=["TAGS"])
    service: dict[str, Any] = answer["services"][0]
    return service


def test_a_second_run_changes_nothing_and_a_run_with_less_leaves_the_rest_alone(settings: Account) -> None:
    before = described(settings)
    assert before["deploymentConfiguration"]["deploymentCircuitBreaker"]["thresholdConfiguration"] == {"type": "COUNT", "value": 4}
    for options in (SETTINGS, {}, {"task_definition": "settings:1"}, {"deployment_configuration": {"maximum_percent": 150}}):
        run = settings.play("service.yml", "--diff", options=options)
        assert run.code == 0, run.output
        assert not run["service"]["changed"], run.output
    after = described(settings)
    assert [item["id"] for item in after["deployments"]] == [item["id"] for item in before["deployments"]]
    # What ECS itself moves on meanwhile: the first deployment comes to its end.
    moving = {"events", "deployments", "currentServiceDeployment"}
    assert {key: after[key] for key in after.keys() - moving} == {key: before[key] for key in before.keys() - moving}


def test_drift_is_shown_and_put_right_without_a_deployment(settings: Account) -> None:
    ecs = settings.client("ecs")
    deployment = described(settings)["deployments"][0]["id"]
    ecs.update_service(cluster="main", service="settings", enableExecuteCommand=False, propagateTags="NONE")
    ecs.tag_resource(resourceArn=described(settings)["serviceArn"], tags=[{"key": "stray", "value": "1"}])
    run = settings.play("service.yml", "--check", "--diff", options=SETTINGS)
    assert run["service"]["changed"]
    assert not run["service"]["deployment_started"]
    for line in (
        '-  "enableExecuteCommand": false',
        '+  "enableExecuteCommand": true',
        '+  "propagateTags": "SERVICE"',
        '-    "stray": "1"',
    ):
        assert line in run.output, run.output
    assert not described(settings)["enableExecuteCommand"], "check mode changes nothing"
    assert settings.play("service.yml", options=SETTINGS)["service"]["changed"]
    assert described(settings)["deployments"][0]["id"] == deployment
    assert {item["key"] for item in described(settings)["tags"]} == {"team", "empty"}
    assert not settings.play("service.yml", options=SETTINGS)["service"]["changed"]


def test_a_count_that_autoscaling_owns_is_left_alone(settings: Account) -> None:
    scaling = settings.client("application-autoscaling")
    target = {"ServiceNamespace": "ecs", "ResourceId": "service/main/settings", "ScalableDimension": "ecs:service:DesiredCount"}
    scaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=5)
    try:
        run = settings.play("service.yml", options={**SETTINGS, "desired_count": 1})
        assert run.code == 0, run.output
        assert not run["service"]["changed"]
        assert "autoscaling keeps 0 tasks (between 0 and 5)" in run.output
        assert described(settings)["desiredCount"] == 0
    finally:
        scaling.deregister_scalable_target(**target)
