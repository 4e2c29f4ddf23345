# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# ruff: noqa: N803 - the names of boto3's arguments

"""ecs_cluster, ecs_capacity_provider, ecs_account_setting and ecs_instance_group: what they ask AWS for, and what they refuse."""

from __future__ import annotations

import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, Verb, VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import (
    ecs_account_setting,
    ecs_capacity_provider,
    ecs_cluster,
    ecs_instance_group,
)
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import FakeClock, refused

Data = dict[str, t.Any]
GROUP = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:0:autoScalingGroupName/shop"


class FakeAws:
    """ECS, EC2 and Auto Scaling as these verbs use them. `writes` names every call that changes something."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.clusters: dict[str, Data] = {}
        self.providers: dict[str, Data] = {}
        self.settings = {"awsvpcTrunking": "disabled", "containerInsights": "disabled"}
        self.groups: dict[str, Data] = {}
        self.versions: list[Data] = []
        self.default = 1
        self.refreshes: list[Data] = []
        self.busy = 0
        self.unknown_profile = 0
        self.writes: list[str] = []
        self.said: list[str] = []
        self.warned: list[str] = []

    def run(self, verb: Verb, check_mode: bool = False, **options: t.Any) -> Data:
        validated = ArgumentSpecValidator(verb.argument_spec, required_if=verb.required_if, required_by=verb.required_by).validate(options)
        assert not validated.error_messages
        context = Context(lambda service: self, self.clock, self.said.append, self.warned.append, check_mode=check_mode, diff_mode=True)
        return verb.run(validated.validated_parameters, context)

    def describe_clusters(self, clusters: list[str], include: list[str]) -> Data:
        return {"clusters": [self.clusters[name] for name in clusters if name in self.clusters]}

    def create_cluster(self, **request: t.Any) -> Data:
        self.writes.append("create_cluster")
        cluster = {
            "clusterName": request["clusterName"],
            "clusterArn": f"arn:{request['clusterName']}",
            "status": "ACTIVE",
            "settings": request.get("settings", []),
            "tags": request.get("tags", []),
            "capacityProviders": [],
            "defaultCapacityProviderStrategy": [],
        }
        self.clusters[request["clusterName"]] = cluster
        return {"cluster": cluster}

    def update_cluster_settings(self, cluster: str, settings: list[Data]) -> Data:
        self.writes.append("update_cluster_settings")
        self.clusters[cluster]["settings"] = settings
        return {}

    def put_cluster_capacity_providers(
        self, cluster: str, capacityProviders: list[str], defaultCapacityProviderStrategy: list[Data]
    ) -> Data:
        if self.busy:
            self.busy -= 1
            raise refused("UpdateInProgressException", "The specified cluster is in a busy state.")
        self.writes.append("put_cluster_capacity_providers")
        self.clusters[cluster]["capacityProviders"] = capacityProviders
        self.clusters[cluster]["defaultCapacityProviderStrategy"] = defaultCapacityProviderStrategy
        return {}

    def describe_capacity_providers(self, capacityProviders: list[str], include: list[str]) -> Data:
        return {"capacityProviders": [self.providers[name] for name in capacityProviders if name in self.providers]}

    def create_capacity_provider(self, **request: t.Any) -> Data:
        self.writes.append("create_capacity_provider")
        self.providers[request["name"]] = {"status": "ACTIVE", "capacityProviderArn": "arn:provider", **request}
        return {"capacityProvider": self.providers[request["name"]]}

    def update_capacity_provider(self, name: str, autoScalingGroupProvider: Data) -> Data:
        self.writes.append("update_capacity_provider")
        assert "autoScalingGroupArn" not in autoScalingGroupProvider, "it cannot be changed, and botocore refuses it"
        self.providers[name]["autoScalingGroupProvider"].update(autoScalingGroupProvider)
        return {"capacityProvider": self.providers[name]}

    def delete_capacity_provider(self, capacityProvider: str) -> Data:
        self.writes.append("delete_capacity_provider")
        self.providers[capacityProvider]["status"] = "INACTIVE"
        return {}

    def tag_resource(self, resourceArn: str, tags: list[Data]) -> Data:
        self.writes.append(f"tag_resource {sorted(tag['key'] for tag in tags)}")
        return {}

    def untag_resource(self, resourceArn: str, tagKeys: list[str]) -> Data:
        self.writes.append(f"untag_resource {tagKeys}")
        return {}

    def list_account_settings(self, effectiveSettings: bool, nextToken: str | None = None) -> Data:
        assert effectiveSettings
        names = sorted(self.settings)
        if nextToken is None:
            return {"settings": [{"name": names[0], "value": self.settings[names[0]]}], "nextToken": "more"}
        return {"settings": [{"name": name, "value": self.settings[name]} for name in names[1:]]}

    def put_account_setting_default(self, name: str, value: str) -> Data:
        self.writes.append(f"put_account_setting_default {name}={value}")
        self.settings[name] = value
        return {}

    def describe_instance_types(self, InstanceTypes: list[str]) -> Data:
        kinds = {"t3.small": 2048, "t3.medium": 4096, "t3.micro": 1024}
        if not set(InstanceTypes) <= set(kinds):
            raise refused("InvalidInstanceType", "The following supplied instance types do not exist")
        return {
            "InstanceTypes": [
                {
                    "InstanceType": name,
                    "MemoryInfo": {"SizeInMiB": kinds[name]},
                    "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
                }
                for name in InstanceTypes
            ]
        }

    def get_parameter(self, Name: str) -> Data:
        if Name != "/image":
            raise refused("ParameterNotFound", "")
        return {"Parameter": {"Value": "ami-1"}}

    def describe_launch_template_versions(self, LaunchTemplateName: str, Versions: list[str]) -> Data:
        if not self.versions:
            raise refused("InvalidLaunchTemplateName.NotFoundException", "")
        number = len(self.versions)
        newest = {"VersionNumber": number, "DefaultVersion": number == self.default, "LaunchTemplateData": self.versions[-1]}
        return {"LaunchTemplateVersions": [newest]}

    def create_launch_template(self, **request: t.Any) -> Data:
        self.writes.append("create_launch_template")
        self.versions.append(request["LaunchTemplateData"])
        return {"LaunchTemplate": {"LatestVersionNumber": 1}}

    def create_launch_template_version(self, **request: t.Any) -> Data:
        self.writes.append("create_launch_template_version")
        self.versions.append(request["LaunchTemplateData"])
        return {"LaunchTemplateVersion": {"VersionNumber": len(self.versions)}}

    def modify_launch_template(self, LaunchTemplateName: str, DefaultVersion: str) -> Data:
        self.writes.append("modify_launch_template")
        self.default = int(DefaultVersion)
        return {}

    def describe_auto_scaling_groups(self, AutoScalingGroupNames: list[str]) -> Data:
        return {"AutoScalingGroups": [self.groups[name] for name in AutoScalingGroupNames if name in self.groups]}

    def create_auto_scaling_group(self, **request: t.Any) -> Data:
        if self.unknown_profile:
            self.unknown_profile -= 1
            raise refused("ValidationError", "Invalid IAM Instance Profile name")
        self.writes.append("create_auto_scaling_group")
        self.groups[request["AutoScalingGroupName"]] = {"AutoScalingGroupARN": GROUP, "Tags": [], "Instances": [], **request}
        self._fill(request["AutoScalingGroupName"])
        return {}

    def update_auto_scaling_group(self, **request: t.Any) -> Data:
        self.writes.append("update_auto_scaling_group")
        self.groups[request["AutoScalingGroupName"]].update(request)
        self._fill(request["AutoScalingGroupName"])
        return {}

    def _fill(self, name: str) -> None:
        group = self.groups[name]
        while len(group["Instances"]) < group["MinSize"]:
            group["Instances"].append(
                {
                    "InstanceId": f"i-{len(group['Instances'])}",
                    "InstanceType": "t3.small",
                    "LifecycleState": "InService",
                    "LaunchTemplate": {"LaunchTemplateName": name, "Version": str(len(self.versions))},
                }
            )

    def describe_instance_refreshes(self, AutoScalingGroupName: str) -> Data:
        for item in self.refreshes:
            if item["Status"] in ("Pending", "InProgress") and self.clock.seconds > item["until"]:
                item["Status"] = item["ends_as"]
        return {"InstanceRefreshes": self.refreshes}

    def start_instance_refresh(self, AutoScalingGroupName: str, Preferences: Data) -> Data:
        self.writes.append(f"start_instance_refresh {Preferences['ScaleInProtectedInstances']}")
        refresh = {"InstanceRefreshId": "r-1", "Status": "Pending", "until": self.clock.seconds + 60, "ends_as": "Successful"}
        self.refreshes.insert(0, refresh)
        return {"InstanceRefreshId": "r-1"}


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def _cluster(aws: FakeAws, **options: t.Any) -> Data:
    return aws.run(ecs_cluster.VERB, **{"name": "shop", "container_insights": "enabled", "tags": {"environment": "prod"}, **options})


def test_a_cluster_is_made_once(aws: FakeAws) -> None:
    checked = _cluster(aws, check_mode=True)
    assert (checked["changed"], checked["cluster"], aws.writes) == (True, None, [])
    made = _cluster(aws)
    assert made["changed"]
    assert made["cluster"]["tags"] == {"environment": "prod"}
    again = _cluster(aws)
    assert (again["changed"], again["differences"]) == (False, [])
    assert aws.writes == ["create_cluster"]


def test_settings_and_tags_of_a_cluster_are_changed_each_by_its_call(aws: FakeAws) -> None:
    _cluster(aws)
    changed = _cluster(aws, container_insights="enhanced")
    assert changed["differences"] == [{"field": "container_insights", "before": "enabled", "after": "enhanced"}]
    _cluster(aws, container_insights="enhanced", tags={"owner": 7})
    assert aws.writes[1:] == ["update_cluster_settings", "tag_resource ['owner']", "untag_resource ['environment']"]


def test_what_is_left_out_of_a_cluster_stays(aws: FakeAws) -> None:
    _cluster(aws)
    assert not aws.run(ecs_cluster.VERB, name="shop")["changed"]


def test_an_account_setting_is_set_where_it_differs(aws: FakeAws) -> None:
    result = aws.run(ecs_account_setting.VERB, settings={"awsvpcTrunking": True, "containerInsights": "disabled"})
    assert result["differences"] == [{"field": "awsvpcTrunking", "before": "disabled", "after": "enabled"}]
    assert aws.writes == ["put_account_setting_default awsvpcTrunking=enabled"]
    assert not aws.run(ecs_account_setting.VERB, settings={"awsvpcTrunking": "enabled"})["changed"]


def test_an_unknown_account_setting_is_refused_with_those_that_there_are(aws: FakeAws) -> None:
    with pytest.raises(VerbFailure, match=r"settings: ECS has no account setting trunking\. It has awsvpcTrunking"):
        aws.run(ecs_account_setting.VERB, settings={"trunking": "enabled"})


def _provider(aws: FakeAws, **options: t.Any) -> Data:
    whole = {"name": "shop", "auto_scaling_group": "shop", "cluster": "shop", "weight": 1, **options}
    return aws.run(ecs_capacity_provider.VERB, **whole)


def _with_group(aws: FakeAws, protects: bool = True) -> None:
    aws.groups["shop"] = {"AutoScalingGroupName": "shop", "AutoScalingGroupARN": GROUP, "NewInstancesProtectedFromScaleIn": protects}
    _cluster(aws)
    aws.writes.clear()


def test_a_capacity_provider_is_made_and_given_to_the_cluster_once(aws: FakeAws) -> None:
    _with_group(aws)
    assert _provider(aws, check_mode=True)["changed"]
    assert aws.writes == []
    assert _provider(aws)["changed"]
    assert aws.writes == ["create_capacity_provider", "put_cluster_capacity_providers"]
    details = aws.providers["shop"]["autoScalingGroupProvider"]
    assert (details["managedTerminationProtection"], details["managedDraining"]) == ("ENABLED", "ENABLED")
    assert aws.clusters["shop"]["defaultCapacityProviderStrategy"] == [{"capacityProvider": "shop", "weight": 1, "base": 0}]
    assert not _provider(aws)["changed"]


def test_other_capacity_providers_of_the_cluster_stay(aws: FakeAws) -> None:
    _with_group(aws)
    theirs = [{"capacityProvider": "FARGATE", "weight": 2, "base": 1}]
    aws.clusters["shop"].update(capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=theirs)
    _provider(aws)
    assert aws.clusters["shop"]["capacityProviders"] == ["FARGATE", "shop"]
    assert aws.clusters["shop"]["defaultCapacityProviderStrategy"][:1] == theirs
    _provider(aws, weight=3)
    assert [item["weight"] for item in aws.clusters["shop"]["defaultCapacityProviderStrategy"]] == [2, 3]
    aws.run(ecs_capacity_provider.VERB, name="shop", cluster="shop", state="absent")
    assert aws.clusters["shop"]["capacityProviders"] == ["FARGATE"]
    assert aws.clusters["shop"]["defaultCapacityProviderStrategy"] == theirs
    assert not aws.run(ecs_capacity_provider.VERB, name="shop", cluster="shop", state="absent")["changed"]


def test_a_change_of_its_settings_is_one_call(aws: FakeAws) -> None:
    _with_group(aws)
    _provider(aws)
    aws.writes.clear()
    changed = _provider(aws, target_capacity=80, managed_draining=False)
    assert [item["field"] for item in changed["differences"]] == ["managed_scaling.targetCapacity", "managed_draining"]
    assert aws.writes == ["update_capacity_provider"]


def test_a_busy_cluster_is_waited_for(aws: FakeAws) -> None:
    _with_group(aws)
    aws.busy = 2
    assert _provider(aws)["changed"]
    assert len(aws.said) == 2
    aws.busy = 10_000
    with pytest.raises(VerbFailure, match="cluster: shop was busy"):
        _provider(aws, weight=2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target_capacity": 0}, "target_capacity: 0 is not between 1 and 100"),
        ({"minimum_scaling_step": 5, "maximum_scaling_step": 2}, "minimum_scaling_step: 5 is more than"),
        ({"managed_scaling": False}, "managed_termination_protection: ECS protects instances only"),
        ({"auto_scaling_group": "other"}, "auto_scaling_group: there is no Auto Scaling group other"),
        ({"cluster": "other"}, "cluster: there is no active cluster other"),
    ],
)
def test_a_capacity_provider_that_cannot_be_is_refused(aws: FakeAws, options: Data, words: str) -> None:
    _with_group(aws)
    with pytest.raises(VerbFailure, match=words):
        _provider(aws, **options)
    assert aws.writes == []


def test_protection_needs_a_group_that_protects(aws: FakeAws) -> None:
    _with_group(aws, protects=False)
    with pytest.raises(VerbFailure, match="managed_termination_protection: the Auto Scaling group shop does not protect"):
        _provider(aws)
    assert aws.writes == []


def test_a_capacity_provider_keeps_its_group(aws: FakeAws) -> None:
    _with_group(aws)
    _provider(aws)
    with pytest.raises(VerbFailure, match="auto_scaling_group: the capacity provider shop is that of shop"):
        _provider(aws, auto_scaling_group="other")


def _instances(aws: FakeAws, **options: t.Any) -> Data:
    whole = {
        "name": "shop",
        "subnet_ids": ["subnet-a"],
        "security_group_ids": ["sg-1"],
        "instance_profile": "shop",
        "instance_types": ["t3.small"],
        "image_parameter": "/image",
        "user_data": "#!/bin/sh\n",
        "min_size": 2,
        "max_size": 4,
        **options,
    }
    return aws.run(ecs_instance_group.VERB, **whole)


def test_a_group_and_its_template_are_made_once(aws: FakeAws) -> None:
    checked = _instances(aws, check_mode=True)
    assert (checked["changed"], checked["group_arn"], aws.writes) == (True, None, [])
    made = _instances(aws)
    assert (made["changed"], made["group_arn"], made["image_id"], made["launch_template_version"]) == (True, GROUP, "ami-1", 1)
    assert aws.writes == ["create_launch_template", "create_auto_scaling_group"]
    again = _instances(aws)
    assert (again["changed"], again["outdated_instances"], again["refresh"]) == (False, [], None)


def test_no_instance_starts_before_the_cluster_has_its_capacity_provider(aws: FakeAws) -> None:
    held = _instances(aws, cluster="shop", capacity_provider="shop")
    assert held["held"]
    assert aws.groups["shop"]["Instances"] == []
    _cluster(aws)
    aws.clusters["shop"]["capacityProviders"] = ["shop"]
    started = _instances(aws, cluster="shop", capacity_provider="shop")
    assert (started["held"], started["changed"], len(aws.groups["shop"]["Instances"])) == (False, True, 2)
    aws.clusters["shop"]["capacityProviders"] = []
    assert not _instances(aws, cluster="shop", capacity_provider="shop")["held"], "instances that are there are not taken away"


def test_a_change_of_the_template_starts_one_refresh(aws: FakeAws) -> None:
    _instances(aws)
    aws.writes.clear()
    checked = _instances(aws, check_mode=True, instance_types=["t3.medium"])
    assert [item["field"] for item in checked["differences"]] == ["launch_template.data.InstanceType", "outdated_instances"]
    assert aws.writes == []
    changed = _instances(aws, volume_size=50)
    assert (changed["launch_template_version"], changed["outdated_instances"]) == (2, ["i-0", "i-1"])
    assert (changed["refresh"]["status"], aws.default) == ("Pending", 2)
    assert aws.writes == ["create_launch_template_version", "modify_launch_template", "start_instance_refresh Refresh"]
    again = _instances(aws, volume_size=50)
    assert (again["changed"], again["refresh"]["id"]) == (False, "r-1")
    assert aws.writes[3:] == []


def test_a_new_version_that_was_left_behind_becomes_the_default(aws: FakeAws) -> None:
    _instances(aws)
    aws.versions.append(aws.versions[0])
    result = _instances(aws, refresh=False)
    assert [item["field"] for item in result["differences"]] == ["launch_template.is_default"]
    assert (aws.default, len(aws.versions)) == (2, 2)


def test_without_refresh_a_warning_says_what_stays(aws: FakeAws) -> None:
    _instances(aws)
    result = _instances(aws, volume_size=50, refresh=False)
    assert result["refresh"] is None
    assert "2 instances were made before" in aws.warned[0]


def test_a_refresh_is_waited_for_when_asked_and_its_failure_is_told(aws: FakeAws) -> None:
    _instances(aws)
    assert _instances(aws, volume_size=50, refresh_wait=600)["refresh"]["status"] == "Successful"
    with pytest.raises(VerbFailure, match="refresh_wait: the refresh of the instances of shop was at 0 % after 10 s"):
        _instances(aws, volume_size=60, refresh_wait=10)
    aws.refreshes[0].update(ends_as="Failed", StatusReason="An instance failed its health check.")
    with pytest.raises(VerbFailure, match=r"ended as Failed: An instance failed its health check\."):
        _instances(aws, volume_size=60, refresh_wait=600)


def test_a_new_instance_profile_is_waited_for(aws: FakeAws) -> None:
    aws.unknown_profile = 3
    assert _instances(aws)["changed"]
    assert aws.said == ["waiting until EC2 knows the instance profile"] * 3
    del aws.groups["shop"]
    aws.unknown_profile = 10_000
    with pytest.raises(VerbFailure, match="instance_profile: EC2 did not know the instance profile"):
        _instances(aws)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"instance_types": ["t3.micro"]}, "instance_types: t3.micro has 1 GiB of memory"),
        ({"instance_types": ["t3.tiny"]}, "instance_types: t3.tiny has a type that EC2 does not know"),
        ({"image_parameter": "/none"}, "image_parameter: there is no parameter /none"),
    ],
)
def test_instances_that_cannot_be_are_refused_before_anything_is_made(aws: FakeAws, options: Data, words: str) -> None:
    with pytest.raises(VerbFailure, match=words):
        _instances(aws, **options)
    assert aws.writes == []
