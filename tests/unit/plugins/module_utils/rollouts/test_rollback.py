# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecs_service_rollback: where it goes, why, and when it does nothing."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_service_rollback import VERB
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import (
    CLUSTER,
    SERVICE,
    Behaviour,
    FakeEcs,
    refused,
)
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.running import Stage


def release(ecs: FakeEcs, arn: str) -> None:
    ecs.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=arn)
    ecs.pass_time(30)
    assert ecs.primary["rolloutState"] == "COMPLETED"


@pytest.fixture
def two(ecs: FakeEcs) -> tuple[str, str]:
    first, second = ecs.define(1), ecs.define(5)
    ecs.define(3)
    ecs.begin(first)
    release(ecs, second)
    return first, second


def test_it_goes_to_the_last_success_and_not_to_the_number_before(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    first, second = two
    result = stage.on_service(VERB)
    assert result["changed"]
    assert result["verdict"] == "succeeded"
    assert result["task_definition_arn"] == first
    assert result["previous_task_definition_arn"] == second
    assert "last deployment before the current one" in result["why"]
    assert ecs.primary["taskDefinition"] == first
    assert ecs.primary["rolloutState"] == "COMPLETED"


def test_a_second_run_changes_nothing(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    stage.on_service(VERB)
    updates = ecs.count("update_service")
    result = stage.on_service(VERB)
    assert not result["changed"]
    assert "rolled back to api:1 already" in result["msg"]
    assert ecs.count("update_service") == updates


def test_check_mode_names_the_target(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    updates = ecs.count("update_service")
    result = stage.on_service(VERB, check=True)
    assert result["changed"]
    assert result["msg"].startswith("Would roll back api: api:5 -> api:1")
    assert ecs.count("update_service") == updates


def test_a_deployment_that_still_goes_is_stopped_by_ecs(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    _first, second = two
    ecs.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=ecs.define(6, Behaviour(running=None)))
    result = stage.on_service(VERB)
    assert result["verdict"] == "succeeded"
    assert result["task_definition_arn"] == second
    assert ecs.count("stop_service_deployment") == 1


def test_to_a_named_revision(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    result = stage.on_service(VERB, task_definition="api:3")
    assert result["verdict"] == "succeeded"
    assert ecs.primary["taskDefinition"].endswith("api:3")
    assert not stage.on_service(VERB, task_definition="api:3")["changed"]


def test_a_deregistered_target_is_refused_with_the_way_out(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    ecs.definitions[two[0]]["status"] = "INACTIVE"
    failure = stage.failing(VERB)
    assert "INACTIVE" in failure.message
    assert "ecs_task_definition_render" in failure.message


def test_nothing_to_go_back_to(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    failure = stage.failing(VERB)
    assert "nothing to roll back to" in failure.message
    assert not failure.result["changed"]


def test_after_ecs_has_rolled_back_by_itself_there_is_nothing_to_do(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    ecs.breaker = 1
    crash = Behaviour(running=None, stop=2, code="TaskFailedToStart", reason="CannotPullContainerError: x: not found")
    ecs.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=ecs.define(6, crash))
    ecs.pass_time(40)
    assert ecs.records[0]["status"] == "ROLLBACK_SUCCESSFUL"
    result = stage.on_service(VERB)
    assert not result["changed"]
    assert "rolled back to api:5 already" in result["msg"]


def test_a_rollback_that_fails_says_why(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    ecs.behaviours[two[0]] = Behaviour(running=None, stop=2, code="TaskFailedToStart", reason="CannotPullContainerError: x: not found")
    failure = stage.failing(VERB)
    assert failure.result["verdict"] == "failed"
    assert failure.result["cause"] == "image_not_found"


def test_without_waiting(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    result = stage.on_service(VERB, wait=False)
    assert result["changed"]
    assert result["verdict"] is None
    assert result["deployment_id"] == ecs.primary["id"]


def test_a_service_that_is_not_there(stage: Stage) -> None:
    with pytest.raises(VerbFailure, match="there is no service api"):
        stage.on_service(VERB)


def test_a_history_that_may_not_be_read_is_said(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    def denied(**_request: t.Any) -> dict[str, t.Any]:
        raise refused("AccessDeniedException", "no", "ListServiceDeployments")

    ecs.list_service_deployments = denied  # type: ignore[method-assign]  # a narrow role
    failure = stage.failing(VERB)
    assert "Name a revision with task_definition" in failure.message
    assert "AccessDeniedException" in stage.warned[0]
