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
    GROUP,
    SERVICE,
    Behaviour,
    FakeEcs,
    refused,
)
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.running import Stage
from botocore.exceptions import EndpointConnectionError


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


NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}}
OTHER_NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-2"], "securityGroups": ["sg-2", "sg-3"], "assignPublicIp": "DISABLED"}}
OTHER_GROUP = GROUP.replace("/api/", "/other/")


def test_two_steps_back_and_not_two_more(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    first, _second = two
    release(ecs, ecs.define(6))
    result = stage.on_service(VERB, steps=2)
    assert result["task_definition_arn"] == first
    assert result["why"].startswith("2 successful releases back from api:6, at ")
    assert ecs.primary["taskDefinition"] == first
    again = stage.on_service(VERB, steps=2)
    assert not again["changed"]
    assert "api:6 has been rolled back to api:1 already" in again["msg"]


def test_two_steps_back_from_a_deployment_that_still_goes(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    ecs.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=ecs.define(6, Behaviour(running=None)))
    result = stage.on_service(VERB, steps=2)
    assert result["task_definition_arn"] == two[0]
    assert ecs.count("stop_service_deployment") == 0, "ECS by itself goes one step only"


def test_more_steps_than_there_are(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    updates = ecs.count("update_service")
    failure = stage.failing(VERB, steps=2)
    assert "2 steps are wanted, and before api:5 ECS remembers only api:1 as successful" in failure.message
    assert "steps: 0" in stage.failing(VERB, steps=0).message
    assert ecs.count("update_service") == updates


def test_what_the_service_revision_held_goes_back_too(stage: Stage, ecs: FakeEcs) -> None:
    first, second = ecs.define(1), ecs.define(2)
    ecs.begin(first, balanced=True, networkConfiguration=NETWORK)
    ecs.groups[OTHER_GROUP] = True
    connect = {"enabled": True, "namespace": "shop"}
    ecs.update_service(
        cluster=CLUSTER,
        service=SERVICE,
        taskDefinition=second,
        networkConfiguration=OTHER_NETWORK,
        loadBalancers=[{"targetGroupArn": OTHER_GROUP, "containerName": "app", "containerPort": 8080}],
        serviceRegistries=[{"registryArn": "arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-1"}],
        capacityProviderStrategy=[{"capacityProvider": "spot", "weight": 1}],
        platformVersion="1.4.0",
        serviceConnectConfiguration=connect,
        volumeConfigurations=[{"name": "data"}],
    )
    ecs.primary["serviceConnectConfiguration"], ecs.primary["volumeConfigurations"] = connect, [{"name": "data"}]
    ecs.pass_time(30)
    assert ecs.primary["rolloutState"] == "COMPLETED"
    named = stage.on_service(VERB, check=True)
    result = stage.on_service(VERB)
    restored = [
        "capacity_provider_strategy",
        "load_balancers",
        "network_configuration",
        "service_connect_configuration",
        "service_registries",
        "volume_configurations",
    ]
    assert result["restored"] == named["restored"] == restored
    assert "; with its capacity_provider_strategy and load_balancers and " in result["why"]
    sent = [request for name, request in ecs.calls if name == "update_service"][-1]
    assert sent == {
        "cluster": CLUSTER,
        "service": SERVICE,
        "taskDefinition": first,
        "networkConfiguration": NETWORK,
        "loadBalancers": [{"targetGroupArn": GROUP, "containerName": "app", "containerPort": 8080}],
        # What has come since is taken away again.
        "serviceRegistries": [],
        "capacityProviderStrategy": [],
        "serviceConnectConfiguration": {"enabled": False},
        "volumeConfigurations": [],
    }
    assert OTHER_GROUP in result["diff"]["before"]
    assert OTHER_GROUP not in result["diff"]["after"]
    assert '"task_definition": "api:1"' in result["diff"]["after"]


def test_settings_that_are_the_same_are_not_sent(stage: Stage, ecs: FakeEcs) -> None:
    first, second = ecs.define(1), ecs.define(2)
    ecs.begin(first, balanced=True, networkConfiguration=NETWORK)
    release(ecs, second)
    assert stage.on_service(VERB)["restored"] == []
    assert [request for name, request in ecs.calls if name == "update_service"][-1].keys() == {"cluster", "service", "taskDefinition"}


def test_a_named_revision_brings_the_network_that_it_last_succeeded_with(stage: Stage, ecs: FakeEcs) -> None:
    first, second = ecs.define(1), ecs.define(2)
    ecs.begin(first, networkConfiguration=NETWORK)
    ecs.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=second, networkConfiguration=OTHER_NETWORK)
    ecs.pass_time(30)
    result = stage.on_service(VERB, task_definition="api:1")
    assert result["restored"] == ["network_configuration"]
    assert result["why"].startswith("as named; it last succeeded, at ")
    assert ecs.service["networkConfiguration"] == NETWORK
    never = ecs.define(3)
    assert stage.on_service(VERB, task_definition=never)["why"] == "as named; ECS remembers no successful deployment of it"


def test_a_rollback_that_aws_does_not_answer_about(stage: Stage, ecs: FakeEcs, two: tuple[str, str]) -> None:
    original, begin = ecs.describe_services, stage.clock.seconds

    def gone(**request: t.Any) -> dict[str, t.Any]:
        if stage.clock.seconds > begin + 4:
            raise EndpointConnectionError(endpoint_url="https://ecs.eu-west-1.amazonaws.com/")
        return original(**request)

    ecs.behaviours[two[0]] = Behaviour(healthy=None)
    ecs.describe_services = gone  # type: ignore[method-assign]  # the moment at which AWS goes away is what this test is about
    failure = stage.failing(VERB, timeout=60)
    assert (failure.result["verdict"], failure.result["cause"]) == ("timed_out", "aws_unreachable")
    assert "AWS has given no answer since 2026-11-21T12:" in failure.message
