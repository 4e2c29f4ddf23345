# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecs_service_autoscaling and servicediscovery_service against moto."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import ecs_service_autoscaling, servicediscovery_service

from .moto_account import empty_account
from .platform_stage import Stage

Data = dict[str, t.Any]
NIGHT = {"name": "night", "schedule": "cron(0 20 * * ? *)", "timezone": "Europe/Dublin", "min_capacity": 1}
SCALING: Data = {"cluster": "main", "service": "api", "min_capacity": 2, "max_capacity": 4, "cpu": 70, "memory": 75, "schedules": [NIGHT]}
RESOURCE = {"ServiceNamespace": "ecs", "ResourceId": "service/main/api", "ScalableDimension": "ecs:service:DesiredCount"}


@pytest.fixture
def stage() -> t.Iterator[Stage]:
    with empty_account():
        yield Stage()


@pytest.fixture
def service(stage: Stage) -> Stage:
    ecs = stage.client("ecs")
    ecs.create_cluster(clusterName="main")
    ecs.register_task_definition(family="api", containerDefinitions=[{"name": "api", "image": "i", "memory": 1}])
    ecs.create_service(cluster="main", serviceName="api", taskDefinition="api", desiredCount=2)
    return stage


def test_a_service_is_scaled_by_load_and_by_schedule(service: Stage) -> None:
    again = service.twice(ecs_service_autoscaling.VERB, **SCALING)
    assert again["service_exists"]
    assert again["policies"] == ["api-cpu", "api-memory"]
    assert again["schedules"] == ["api-schedule-night"]
    scaling = service.client("application-autoscaling")
    policies = {item["PolicyName"]: item for item in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]}
    cpu = policies["api-cpu"]["TargetTrackingScalingPolicyConfiguration"]
    assert (cpu["TargetValue"], cpu["ScaleInCooldown"], cpu["DisableScaleIn"]) == (70.0, 300, False)
    changed = service.run(ecs_service_autoscaling.VERB, **{**SCALING, "cpu": 60, "max_capacity": 6, "schedules": []})
    assert changed["diff"]["after"].splitlines() == ["scalable target MaxCapacity: 6", "policy api-cpu TargetValue: 60.0"]
    assert changed["diff"]["before"].splitlines()[-1] == "scheduled action api-schedule-night"
    assert scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"] == []


def test_what_is_not_wanted_any_more_goes_and_what_others_have_made_stays(service: Stage) -> None:
    service.run(ecs_service_autoscaling.VERB, **SCALING)
    scaling = service.client("application-autoscaling")
    metric = {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
    theirs = {"TargetValue": 50.0, "PredefinedMetricSpecification": metric}
    scaling.put_scaling_policy(
        PolicyName="theirs", **RESOURCE, PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=theirs
    )
    scaling.put_scheduled_action(ScheduledActionName="theirs", **RESOURCE, Schedule="rate(1 day)", ScalableTargetAction={"MinCapacity": 2})
    changed = service.run(ecs_service_autoscaling.VERB, **{**SCALING, "memory": None})
    assert changed["diff"] == {"before": "policy api-memory\n", "after": ""}
    names = {item["PolicyName"] for item in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]}
    assert names == {"api-cpu", "theirs"}
    actions = {item["ScheduledActionName"] for item in scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]}
    assert actions == {"api-schedule-night", "theirs"}


def test_requests_are_those_of_the_target_group_behind_the_load_balancer(service: Stage) -> None:
    elb, ec2 = service.client("elbv2"), service.client("ec2")
    options = {**SCALING, "requests_per_target": 500, "load_balancer": "shop", "target_group": "api"}
    with pytest.raises(VerbFailure, match="load_balancer: there is no shop"):
        service.run(ecs_service_autoscaling.VERB, **options)
    subnets = [item["SubnetId"] for item in ec2.describe_subnets()["Subnets"][:2]]
    elb.create_load_balancer(Name="shop", Subnets=subnets)
    with pytest.raises(VerbFailure, match="target_group: there is no api"):
        service.run(ecs_service_autoscaling.VERB, **options)
    assert service.writes == []
    told = service.run(ecs_service_autoscaling.VERB, check=True, **options)
    assert '"ResourceLabel": "shop/api"' in told["diff"]["after"], "check mode may come before what it names"
    elb.create_target_group(Name="api", Port=80, Protocol="HTTP", VpcId=ec2.describe_vpcs()["Vpcs"][0]["VpcId"], TargetType="ip")
    service.twice(ecs_service_autoscaling.VERB, **options)
    policies = service.client("application-autoscaling").describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    requests = next(item for item in policies if item["PolicyName"] == "api-requests")
    label = requests["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]["ResourceLabel"]
    assert label.startswith("app/shop/")
    assert "/targetgroup/api/" in label


def test_before_the_first_deploy_there_is_nothing_to_scale(stage: Stage) -> None:
    before = stage.run(ecs_service_autoscaling.VERB, **SCALING)
    assert (before["changed"], before["service_exists"], before["policies"]) == (False, False, [])
    assert "api does not exist yet" in stage.said[0]
    stage.client("ecs").create_cluster(clusterName="main")
    assert not stage.run(ecs_service_autoscaling.VERB, **SCALING)["service_exists"]
    assert stage.writes == []


def test_scaling_ends(service: Stage) -> None:
    service.run(ecs_service_autoscaling.VERB, **SCALING)
    service.twice(ecs_service_autoscaling.VERB, cluster="main", service="api", state="absent")
    assert service.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"min_capacity": -1}, "min_capacity: -1 is less than no task"),
        ({"max_capacity": 1}, "max_capacity: 1 is less than min_capacity, 2. Make it 2 or more"),
        ({"cpu": 0}, "cpu: 0 is no percentage to keep"),
        ({"memory": 101}, "memory: 101 is no percentage to keep"),
        ({"requests_per_target": 0, "load_balancer": "a", "target_group": "b"}, "requests_per_target: 0 is too few"),
        ({"scale_in_cooldown": -1}, "scale_in_cooldown: -1 s is less than no time"),
        ({"schedules": [{"name": "x", "schedule": "daily", "min_capacity": 1}]}, r"schedules\[0\] \(x\): 'daily' is no schedule"),
        ({"schedules": [NIGHT, NIGHT]}, r"schedules\[0\]: night is given twice"),
    ],
)
def test_scaling_that_cannot_be(service: Stage, change: Data, said: str) -> None:
    with pytest.raises(VerbFailure, match=said):
        service.run(ecs_service_autoscaling.VERB, **{**SCALING, **change})
    assert service.writes == []


def test_a_namespace_and_a_service_in_it(stage: Stage) -> None:
    space = {"namespace": "shop.internal", "vpc_id": "vpc-1", "tags": {"project": "shop"}}
    assert stage.twice(servicediscovery_service.VERB, **space)["namespace_id"].startswith("ns-")
    options = {"namespace": "shop.internal", "name": "api", "tags": {"service": "api"}}
    made = stage.twice(servicediscovery_service.VERB, **options)
    assert made["arn"].endswith(made["service_id"])
    cloud_map = stage.client("servicediscovery")
    found = cloud_map.get_service(Id=made["service_id"])["Service"]
    assert found["DnsConfig"]["DnsRecords"] == [{"Type": "A", "TTL": 10}]
    assert found["HealthCheckCustomConfig"] == {"FailureThreshold": 1}
    changed = {**options, "ttl": 60, "tags": {"service": "api", "team": "web"}}
    assert stage.run(servicediscovery_service.VERB, check=True, **changed)["diff"]["after"].splitlines() == [
        'service api records: [{"TTL": 60, "Type": "A"}]',
        "service api tag team: web",
    ]
    assert stage.run(servicediscovery_service.VERB, **changed)["changed"]
    assert not stage.run(servicediscovery_service.VERB, **changed)["changed"]
    with pytest.raises(VerbFailure, match="record_type: the service api has records of type A, which Cloud Map cannot change to SRV"):
        stage.run(servicediscovery_service.VERB, **options, record_type="SRV")
    stage.twice(servicediscovery_service.VERB, namespace="shop.internal", name="api", state="absent")
    stage.twice(servicediscovery_service.VERB, namespace="shop.internal", state="absent")
    assert cloud_map.list_namespaces()["Namespaces"] == []


def test_check_mode_of_a_service_whose_namespace_is_missing_too(stage: Stage) -> None:
    told = stage.run(servicediscovery_service.VERB, check=True, namespace="shop.internal", vpc_id="vpc-1", name="api")
    assert told["diff"]["after"].splitlines() == ["namespace shop.internal in vpc-1", "service api in shop.internal"]
    assert told["arn"] == ""
    assert stage.writes == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"namespace": "internal"}, "namespace: 'internal' has no dot"),
        ({"namespace": "shop.internal", "name": "a b"}, "name: 'a b.shop.internal' is no name"),
        ({"namespace": "shop.internal"}, "vpc_id: the namespace shop.internal does not exist"),
        ({"namespace": "shop.internal", "ttl": -1}, "ttl: -1 s is no time to live"),
    ],
)
def test_discovery_that_cannot_be(stage: Stage, options: Data, said: str) -> None:
    with pytest.raises(VerbFailure, match=said):
        stage.run(servicediscovery_service.VERB, **options)
    assert stage.writes == []


def test_an_operation_that_fails_or_does_not_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Data] = [
        {"Status": "PENDING", "Type": "CREATE_NAMESPACE"},
        {"Status": "FAIL", "Type": "CREATE_NAMESPACE", "ErrorCode": "ACCESS_DENIED", "ErrorMessage": "no"},
    ]
    options = {"namespace": "shop.internal", "vpc_id": "vpc-1"}
    monkeypatch.setattr(servicediscovery_service.cloud_map, "operation", lambda _client, _id: answers.pop(0))
    with pytest.raises(VerbFailure, match="could not finish CREATE_NAMESPACE: ACCESS_DENIED: no"):
        stage.run(servicediscovery_service.VERB, **options)
    monkeypatch.setattr(servicediscovery_service.cloud_map, "operation", lambda _client, _id: {"Status": "PENDING"})
    monkeypatch.setattr(servicediscovery_service.cloud_map, "find_namespace", lambda _client, _name: None)
    monkeypatch.setattr(servicediscovery_service.cloud_map, "create_private_namespace", lambda _client, _request: "op")
    with pytest.raises(VerbFailure, match="timeout: Cloud Map has not finished the operation within 10 s"):
        stage.run(servicediscovery_service.VERB, **options, timeout=10)
