# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecs_service: what is sent, what is left alone, and which calls start a deployment."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import ecs_service
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import (
    CLUSTER,
    GROUP,
    SERVICE,
    Behaviour,
    FakeEcs,
)
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.running import Stage

VERB = ecs_service.VERB


def run(stage: Stage, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return stage.run(VERB, check, name=SERVICE, cluster=CLUSTER, **options)


FULL: dict[str, t.Any] = {
    "desired_count": 2,
    "capacity_provider_strategy": [{"capacity_provider": "main", "weight": 1}],
    "network_configuration": {"subnets": ["subnet-b", "subnet-a"], "security_groups": ["sg-1"]},
    "load_balancers": [{"target_group_arn": GROUP, "container_name": "app", "container_port": 8080}],
    "deployment_configuration": {
        "maximum_percent": 200,
        "minimum_healthy_percent": 100,
        "deployment_circuit_breaker": {"enable": True},
    },
    "health_check_grace_period_seconds": 30,
    "placement_strategy": [{"type": "spread", "field": "attribute:ecs.availability-zone"}],
    "availability_zone_rebalancing": "DISABLED",
    "enable_execute_command": True,
    "enable_ecs_managed_tags": True,
    "propagate_tags": "SERVICE",
    "scheduling_strategy": "REPLICA",
    "tags": {"team": "web"},
}


@pytest.fixture(autouse=True)
def every_member_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake has no service model; feature detection has a test of its own."""
    monkeypatch.setattr(ecs_service.ecs, "supports", lambda *_path: True)


def test_a_new_service_is_created_and_the_second_run_changes_nothing(stage: Stage, ecs: FakeEcs) -> None:
    ecs.define(1)
    first = run(stage, task_definition="api:1", **FULL)
    assert first["changed"]
    assert first["deployment_started"]
    assert first["deployment_id"] == ecs.primary["id"]
    assert first["service_deployment_arn"] == ecs.records[0]["serviceDeploymentArn"]
    request = next(sent for name, sent in ecs.calls if name == "create_service")
    assert request["deploymentConfiguration"]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert request["networkConfiguration"] == {"awsvpcConfiguration": {"subnets": ["subnet-b", "subnet-a"], "securityGroups": ["sg-1"]}}
    assert request["tags"] == [{"key": "team", "value": "web"}]
    assert "launchType" not in request
    again = {**FULL, "network_configuration": {"subnets": ["subnet-a", "subnet-b"], "security_groups": ["sg-1"]}}
    second = run(stage, task_definition=first["task_definition_arn"], **again)
    assert not second["changed"]
    assert not second["deployment_started"]
    assert second["deployment_id"] == first["deployment_id"]
    assert ecs.count("update_service") == 0


@pytest.mark.parametrize(
    ("missing", "options"),
    [("task_definition and desired_count", {}), ("desired_count", {"task_definition": "api:1"})],
)
def test_what_a_new_service_needs_is_said(stage: Stage, missing: str, options: dict[str, t.Any]) -> None:
    with pytest.raises(VerbFailure, match=f"pass {missing}"):
        run(stage, **options)


def test_check_mode_creates_nothing(stage: Stage, ecs: FakeEcs) -> None:
    ecs.define(1)
    result = run(stage, check=True, task_definition="api:1", desired_count=1)
    assert result["changed"]
    assert not ecs.service


def test_a_new_revision_starts_a_deployment_and_leaves_the_rest_alone(stage: Stage, ecs: FakeEcs) -> None:
    old = ecs.define(1)
    ecs.begin(old)
    ecs.service["desiredCount"] = 7
    new = ecs.define(2)
    result = run(stage, task_definition="api:2")
    assert result["deployment_started"]
    assert result["task_definition_arn"] == new
    assert result["previous_task_definition_arn"] == old
    request = next(sent for name, sent in ecs.calls if name == "update_service")
    assert request == {"cluster": CLUSTER, "service": SERVICE, "taskDefinition": "api:2"}
    assert "api:1" in result["diff"]["before"]
    assert "api:2" in result["diff"]["after"]
    assert ecs.service["desiredCount"] == 7


def test_check_mode_says_what_would_start(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    ecs.define(2)
    result = run(stage, check=True, task_definition="api:2")
    assert result["changed"]
    assert result["deployment_started"]
    assert ecs.count("update_service") == 0
    quiet = run(stage, check=True, desired_count=5)
    assert quiet["changed"]
    assert not quiet["deployment_started"]


def test_a_scheduler_setting_starts_no_deployment(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    result = run(stage, health_check_grace_period_seconds=60)
    assert result["changed"]
    assert not result["deployment_started"]
    assert result["previous_task_definition_arn"] is None
    assert not run(stage, health_check_grace_period_seconds=60)["changed"]


def test_members_of_the_deployment_configuration_that_were_not_named_are_sent_again(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    ecs.service["deploymentConfiguration"] = {
        "maximumPercent": 150,
        "minimumHealthyPercent": 50,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
    }
    run(stage, deployment_configuration={"maximum_percent": 200})
    sent = next(request for name, request in ecs.calls if name == "update_service")["deploymentConfiguration"]
    assert sent == {
        "maximumPercent": 200,
        "minimumHealthyPercent": 50,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
    }


def test_force_starts_a_deployment_of_the_same_revision(stage: Stage, ecs: FakeEcs) -> None:
    arn = ecs.define(1)
    ecs.begin(arn)
    before = ecs.primary["id"]
    result = run(stage, task_definition="api:1", force_new_deployment=True)
    assert result["deployment_started"]
    assert result["deployment_id"] != before
    assert result["task_definition_arn"] == arn


def test_a_revision_that_ecs_gave_up_on_is_tried_again(stage: Stage, ecs: FakeEcs) -> None:
    ecs.define(1, Behaviour(running=None))
    run(stage, task_definition="api:1", desired_count=1)
    ecs.primary["rolloutState"] = "FAILED"
    result = run(stage, task_definition="api:1")
    assert result["deployment_started"]
    assert next(request for name, request in ecs.calls if name == "update_service")["forceNewDeployment"] is True


def test_a_revision_that_is_being_deployed_is_not_deployed_again(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    ecs.define(2)
    first = run(stage, task_definition="api:2")
    second = run(stage, task_definition="api:2")
    assert not second["changed"]
    assert second["deployment_id"] == first["deployment_id"]


def test_after_a_rollback_by_ecs_the_primary_is_the_truth(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    ecs.define(2)
    ecs.service["taskDefinition"] = ecs.define(2)
    assert run(stage, task_definition="api:2")["deployment_started"]


def test_launch_type_cannot_be_changed(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    with pytest.raises(VerbFailure, match="launchType is EC2 and cannot be changed to FARGATE"):
        run(stage, launch_type="FARGATE")


def test_tags_are_added_and_purged_only_when_asked(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1), tags=[{"key": "old", "value": "1"}, {"key": "aws:created", "value": "x"}])
    assert run(stage, tags={"team": "web"})["changed"]
    assert {item["key"] for item in ecs.service["tags"]} == {"old", "team", "aws:created"}
    assert not run(stage, tags={"team": "web"})["changed"]
    assert run(stage, tags={"team": "web"}, purge_tags=True)["changed"]
    assert {item["key"] for item in ecs.service["tags"]} == {"team", "aws:created"}


def test_absent_drains_and_waits_until_it_is_gone(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    result = run(stage, state="absent")
    assert result["changed"]
    assert ecs.service["status"] == "INACTIVE"
    assert [name for name, _request in ecs.calls if name in ("update_service", "delete_service")] == ["update_service", "delete_service"]
    assert not run(stage, state="absent")["changed"]


def test_absent_in_check_mode_deletes_nothing(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    assert run(stage, check=True, state="absent")["changed"]
    assert ecs.service["status"] == "ACTIVE"


def test_a_boto3_that_does_not_know_a_member_is_named(stage: Stage, ecs: FakeEcs, monkeypatch: pytest.MonkeyPatch) -> None:
    ecs.begin(ecs.define(1))
    monkeypatch.setattr(ecs_service.ecs, "supports", lambda _client, _operation, *path: "resetOnHealthyTask" not in path)
    breaker = {"enable": True, "reset_on_healthy_task": False}
    with pytest.raises(VerbFailure, match=r"does not know deploymentCircuitBreaker\.resetOnHealthyTask"):
        run(stage, deployment_configuration={"deployment_circuit_breaker": breaker})
