# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecs_service: what is sent, what is left alone, and which calls start a deployment."""

from __future__ import annotations

import copy
import types
import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import ecs_service
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs._service_drift import drift
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs._service_options import member_name
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs._shared import snake
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import (
    CLUSTER,
    GROUP,
    MODEL,
    SERVICE,
    Behaviour,
    FakeEcs,
    refused,
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


def older(operation: str, *path: str) -> t.Any:
    """The service model as if this member had not been invented yet."""

    def without(shape: t.Any, left: tuple[str, ...]) -> t.Any:
        members = dict(shape.members)
        if len(left) == 1:
            del members[left[0]]
        else:
            members[left[0]] = without(members[left[0]], left[1:])
        return types.SimpleNamespace(type_name="structure", members=members)

    shape = without(MODEL.operation_model(operation).input_shape, path)
    return types.SimpleNamespace(
        service_model=types.SimpleNamespace(operation_model=lambda _name: types.SimpleNamespace(input_shape=shape))
    )


def test_a_botocore_that_does_not_know_a_member_is_named(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    ecs.meta = older("UpdateService", "deploymentConfiguration", "deploymentCircuitBreaker", "resetOnHealthyTask")
    breaker = {"enable": True, "reset_on_healthy_task": False}
    said = r"deployment_configuration\.deployment_circuit_breaker\.reset_on_healthy_task: botocore [0-9.]+ does not know it.*1\.43\.106"
    with pytest.raises(VerbFailure, match=said):
        run(stage, deployment_configuration={"deployment_circuit_breaker": breaker})
    ecs.meta = older("UpdateService", "gatewayConnectors")
    with pytest.raises(VerbFailure, match=r"gateway_connectors: .*1\.44\.5"):
        run(stage, gateway_connectors=[{"port_name": "web"}])
    assert ecs.count("update_service") == 0


def test_every_member_of_create_and_update_is_an_option() -> None:
    """All but the names of cluster and service, and clientToken, for which the name of the service stands in."""

    def compare(where: str, shape: t.Any, options: dict[str, t.Any]) -> None:
        while shape.type_name == "list":
            shape = shape.member
        if shape.type_name != "structure" or not shape.members:
            return
        for member, below in shape.members.items():
            option = snake(member)
            if where == "" and option in ("cluster", "service", "service_name", "client_token"):
                continue
            assert option in options, f"{where}.{option}"
            if member == "networkConfiguration":
                below = below.members["awsvpcConfiguration"]
            if below.type_name in ("structure", "list") and option != "tags":
                compare(f"{where}.{option}", below, options[option].get("options", {}))

    for operation in ("CreateService", "UpdateService"):
        compare("", MODEL.operation_model(operation).input_shape, VERB.argument_spec)
        assert all(member_name(snake(member)) == member for member in MODEL.operation_model(operation).input_shape.members)


EVERYTHING: dict[str, t.Any] = {
    "task_definition": "api:1",
    "desired_count": 2,
    "capacity_provider_strategy": [{"capacity_provider": "main"}, {"capacity_provider": "spot", "weight": 3, "base": 1}],
    "platform_version": "LATEST",
    "network_configuration": {"subnets": ["subnet-a"], "security_groups": ["sg-1"], "assign_public_ip": False},
    "load_balancers": [
        {
            "target_group_arn": GROUP,
            "container_name": "app",
            "container_port": 8080,
            "advanced_configuration": {
                "alternate_target_group_arn": GROUP + "2",
                "production_listener_rule": "rule",
                "test_listener_rule": "test",
                "role_arn": "role",
            },
        }
    ],
    "service_registries": [{"registry_arn": "arn:registry", "container_name": "app", "container_port": 8080}],
    "service_connect_configuration": {
        "enabled": True,
        "namespace": "inner",
        "services": [
            {
                "port_name": "web",
                "client_aliases": [
                    {"port": 80, "dns_name": "web", "test_traffic_rules": {"header": {"name": "x-test", "value": {"exact": "1"}}}}
                ],
                "timeout": {"idle_timeout_seconds": 10},
                "tls": {"issuer_certificate_authority": {"aws_pca_authority_arn": "arn:pca"}, "kms_key": "key"},
            }
        ],
        "log_configuration": {
            "log_driver": "awslogs",
            "options": {"awslogs-group": "/proxy", "max_buffer": "4m"},
            "secret_options": [{"name": "token", "value_from": "arn:secret"}],
        },
        "access_log_configuration": {"format": "JSON"},
        "container_configurations": [{"log_level": "info"}],
    },
    "volume_configurations": [
        {
            "name": "data",
            "managed_ebs_volume": {
                "role_arn": "role",
                "size_in_gib": 10,
                "kms_key_id": "key",
                "tag_specifications": [{"resource_type": "volume", "tags": {"team": "web"}, "propagate_tags": "SERVICE"}],
            },
        }
    ],
    "vpc_lattice_configurations": [{"role_arn": "role", "target_group_arn": "arn:lattice", "port_name": "web"}],
    "gateway_connectors": [
        {"port_name": "web", "filters": {"access_types": ["PUBLIC"]}, "health_check": {"matcher": {"http_code": "200"}}}
    ],
    "monitoring": {"metric_configurations": [{"metric_names": ["CPUUtilization"], "resolution_seconds": 20}]},
    "deployment_configuration": {
        "maximum_percent": 200,
        "minimum_healthy_percent": 100,
        "strategy": "CANARY",
        "bake_time_in_minutes": 5,
        "deployment_circuit_breaker": {
            "enable": True,
            "reset_on_healthy_task": False,
            "threshold_configuration": {"type": "COUNT", "value": 4},
        },
        "alarms": {"alarm_names": ["b", "a"]},
        "lifecycle_hooks": [
            {
                "hook_target_arn": "arn:lambda",
                "role_arn": "arn:aws:iam::123456789012:role/hooks",
                "lifecycle_stages": ["POST_SCALE_UP", "PRE_SCALE_UP"],
                "hook_details": {"some_key": [1, {"other_key": True}]},
                "timeout_configuration": {"timeout_in_minutes": 3, "action": "ROLLBACK"},
            },
            {"target_type": "PAUSE", "lifecycle_stages": ["POST_SCALE_UP"]},
        ],
        "canary_configuration": {"canary_percent": 5.5, "canary_bake_time_in_minutes": 3},
    },
    "deployment_controller": {"type": "ECS"},
    "role": "ecsServiceRole",
    "health_check_grace_period_seconds": 30,
    "placement_constraints": [{"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}, {"type": "distinctInstance"}],
    "placement_strategy": [{"type": "spread", "field": "attribute:ecs.availability-zone"}, {"type": "binpack", "field": "memory"}],
    "availability_zone_rebalancing": "ENABLED",
    "enable_execute_command": True,
    "enable_ecs_managed_tags": True,
    "propagate_tags": "SERVICE",
    "scheduling_strategy": "REPLICA",
    "tags": {"team": "web"},
}


def test_all_options_at_once_make_a_valid_request_and_a_second_run_changes_nothing(stage: Stage, ecs: FakeEcs) -> None:
    ecs.define(1)
    # The fake holds what is sent against the API's own model.
    run(stage, **EVERYTHING)
    sent = next(request for name, request in ecs.calls if name == "create_service")
    # All but the launch type, which excludes a capacity provider strategy, and the token.
    assert set(MODEL.operation_model("CreateService").input_shape.members) - sent.keys() == {"launchType", "clientToken"}
    assert sent["volumeConfigurations"][0]["managedEBSVolume"]["sizeInGiB"] == 10
    assert sent["deploymentConfiguration"]["lifecycleHooks"][0]["hookDetails"] == {"some_key": [1, {"other_key": True}]}
    assert sent["serviceConnectConfiguration"]["logConfiguration"]["options"] == {"awslogs-group": "/proxy", "max_buffer": "4m"}
    ecs.service["roleArn"] = "arn:aws:iam::123456789012:role/ecsServiceRole"
    ecs.service["currentServiceRevisions"] = [{"arn": ecs.records[0]["targetServiceRevisionArn"]}]
    ecs.revision = {"gatewayConnectors": sent["gatewayConnectors"], "monitoring": sent["monitoring"]}
    assert not run(stage, **EVERYTHING)["changed"]
    assert ecs.count("update_service") == 0
    reordered = copy.deepcopy(EVERYTHING)
    for option in ("capacity_provider_strategy", "placement_constraints"):
        reordered[option].reverse()
    reordered["deployment_configuration"]["alarms"]["alarm_names"].reverse()
    reordered["deployment_configuration"]["lifecycle_hooks"].reverse()
    assert not run(stage, **reordered)["changed"]


def test_an_autoscaled_count_is_left_alone(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    ecs.service["desiredCount"] = 7
    ecs.scalable = {"MinCapacity": 2, "MaxCapacity": 10}
    for count in (2, 20):
        assert not run(stage, desired_count=count)["changed"]
    assert any("autoscaling keeps 7 tasks" in line for line in stage.said)
    ecs.scalable["SuspendedState"] = {"DynamicScalingInSuspended": True, "DynamicScalingOutSuspended": True}
    assert run(stage, desired_count=3)["changed"]
    assert ecs.service["desiredCount"] == 3
    ecs.scalable = None
    assert run(stage, desired_count=4)["changed"]
    asked = ecs.count("describe_scalable_targets")
    assert not run(stage, desired_count=4)["changed"]
    assert ecs.count("describe_scalable_targets") == asked, "a count that is right already is nobody's question"


def test_an_autoscaling_that_cannot_be_read_is_no_licence_to_reset_the_count(
    stage: Stage, ecs: FakeEcs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(**_request: t.Any) -> None:
        raise refused("AccessDeniedException", "no", "DescribeScalableTargets")

    ecs.begin(ecs.define(1))
    monkeypatch.setattr(ecs, "describe_scalable_targets", denied)
    with pytest.raises(VerbFailure, match="Allow application-autoscaling:DescribeScalableTargets"):
        run(stage, desired_count=9)
    assert ecs.service["desiredCount"] == 2


def test_another_deployment_is_waited_for(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    others = ecs.define(2)
    mine = ecs.define(3)
    theirs = run(stage, task_definition="api:2")["deployment_id"]
    result = run(stage, task_definition="api:3")
    assert result["previous_task_definition_arn"] == others
    assert result["task_definition_arn"] == mine
    assert ecs.records[1]["status"] == "SUCCESSFUL", "theirs came to its end first"
    assert any(f"waiting for another deployment of api: deployment {theirs} of api:2 is in progress since" in line for line in stage.said)


def test_after_waiting_what_differs_is_looked_at_again(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    ecs.define(2, Behaviour(stop=2, reason="x"))
    ecs.breaker = 3
    run(stage, task_definition="api:2", on_in_progress="fail")
    # Theirs fails and ECS goes back to api:1, which is what is wanted here.
    assert not run(stage, task_definition="api:1")["changed"]


def test_another_deployment_that_does_not_end_is_not_waited_for_for_ever(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    ecs.define(2, Behaviour(stop=2, reason="x"))
    ecs.define(3)
    run(stage, task_definition="api:2")
    with pytest.raises(VerbFailure, match=r"still after 60 s of waiting. Nothing was changed. Set on_in_progress to supersede"):
        run(stage, task_definition="api:3", timeout=60)
    assert ecs.count("update_service") == 1
    result = run(stage, task_definition="api:3", on_in_progress="supersede")
    assert result["deployment_started"]
    assert ecs.records[1]["status"] == "STOPPED"


def test_another_deployment_fails_the_call_when_asked_to(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    ecs.define(2)
    ecs.define(3)
    run(stage, task_definition="api:2")
    with pytest.raises(VerbFailure, match=r"of api:2 is in progress since .*Nothing was changed") as failure:
        run(stage, task_definition="api:3", on_in_progress="fail")
    assert failure.value.result["in_progress"]["id"] == ecs.primary["id"]
    # What starts no deployment disturbs nobody.
    assert run(stage, health_check_grace_period_seconds=9, on_in_progress="fail")["changed"]
    assert run(stage, check=True, task_definition="api:3")["deployment_started"]
    assert "It would be waited for first" in stage.warned[0]


def test_settings_of_another_strategy_are_dropped(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    ecs.service["deploymentConfiguration"] = {"strategy": "CANARY", "maximumPercent": 200, "canaryConfiguration": {"canaryPercent": 5.0}}
    run(stage, deployment_configuration={"strategy": "ROLLING"})
    sent = next(request for name, request in ecs.calls if name == "update_service")["deploymentConfiguration"]
    assert sent == {"strategy": "ROLLING", "maximumPercent": 200}


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("deployment_configuration", {"strategy": "ROLLING", "alarms": {"alarm_names": [], "enable": False, "rollback": False}}),
        ("deployment_configuration", {"early_success_criteria": {"enable": False}, "lifecycle_hooks": []}),
        ("deployment_configuration", {"deployment_circuit_breaker": {"enable": False, "rollback": False}}),
        ("service_connect_configuration", {"enabled": False}),
        ("service_registries", []),
        ("volume_configurations", []),
        ("vpc_lattice_configurations", []),
        ("gateway_connectors", []),
        ("placement_constraints", []),
        ("platform_version", "LATEST"),
        ("propagate_tags", "NONE"),
        ("enable_execute_command", False),
        ("health_check_grace_period_seconds", 0),
        ("scheduling_strategy", "REPLICA"),
        ("deployment_controller", {"type": "ECS"}),
    ],
)
def test_what_a_service_has_by_default_is_no_difference(stage: Stage, ecs: FakeEcs, option: str, given: t.Any) -> None:
    ecs.begin(ecs.define(1))
    assert not run(stage, **{option: given})["changed"]


DRIFTS: list[tuple[dict[str, t.Any], dict[str, t.Any], bool]] = [
    (
        {"placementStrategy": [{"type": "spread", "field": "instanceId"}]},
        {"placementStrategy": [{"type": "spread", "field": "host"}]},
        False,
    ),
    (
        {"placementStrategy": [{"type": "random"}, {"type": "spread", "field": "host"}]},
        {"placementStrategy": [{"type": "spread", "field": "host"}, {"type": "random"}]},
        True,
    ),
    (
        {"capacityProviderStrategy": [{"capacityProvider": "main", "weight": 1, "base": 0}]},
        {"capacityProviderStrategy": [{"capacityProvider": "arn:aws:ecs:x:1:capacity-provider/main", "weight": 1}]},
        False,
    ),
    (
        {"capacityProviderStrategy": [{"capacityProvider": "main", "weight": 1, "base": 0}]},
        {"capacityProviderStrategy": [{"capacityProvider": "main", "weight": 2}]},
        True,
    ),
    (
        {"loadBalancers": [{"targetGroupArn": "b", "containerName": "x", "containerPort": 1}]},
        {
            "loadBalancers": [
                {"targetGroupArn": "b", "containerName": "x", "containerPort": 1},
                {"targetGroupArn": "a", "containerName": "x", "containerPort": 1},
            ]
        },
        True,
    ),
    ({"deploymentConfiguration": {"alarms": {"alarmNames": ["a"]}}}, {"deploymentConfiguration": {"alarms": {"alarmNames": ["b"]}}}, True),
    (
        {"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}},
        {"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "resetOnHealthyTask": True}}},
        False,
    ),
    (
        {"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}},
        {"deploymentConfiguration": {"deploymentCircuitBreaker": {"thresholdConfiguration": {"type": "COUNT", "value": 3}}}},
        True,
    ),
    (
        {"platformVersion": "LATEST", "deployments": [{"status": "PRIMARY", "platformVersion": "1.4.0"}]},
        {"platformVersion": "1.4.0"},
        False,
    ),
    ({"deployments": [{"status": "PRIMARY", "platformVersion": "1.4.0"}]}, {"platformVersion": "1.3.0"}, True),
    (
        {
            "deployments": [
                {"status": "PRIMARY", "volumeConfigurations": [{"name": "d", "managedEBSVolume": {"iops": 1, "encrypted": False}}]}
            ]
        },
        {"volumeConfigurations": [{"name": "d", "managedEBSVolume": {"iops": 1}}]},
        False,
    ),
    (
        {"deployments": [{"status": "PRIMARY", "volumeConfigurations": [{"name": "d", "managedEBSVolume": {"iops": 1}}]}]},
        {"volumeConfigurations": [{"name": "d", "managedEBSVolume": {"iops": 2}}]},
        True,
    ),
]


@pytest.mark.parametrize(("service", "wanted", "differs"), DRIFTS)
def test_drift(service: dict[str, t.Any], wanted: dict[str, t.Any], differs: bool) -> None:
    assert set(drift(service, wanted)) == (set(wanted) if differs else set())


def test_a_revision_holds_what_the_service_does_not_show() -> None:
    wanted = {"monitoring": {"metricConfigurations": [{"metricNames": ["B", "A"], "resolutionSeconds": 20}]}}
    revision = {"monitoring": {"metricConfigurations": [{"metricNames": ["A", "B"], "resolutionSeconds": 20}]}}
    assert not drift({}, wanted, revision)
    assert drift({}, wanted, {})
