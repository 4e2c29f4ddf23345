# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container instances: which options are refused, and what counts as a difference between what is there and what is wanted."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._platform import instances
from ansible_collections.steadystate.ecs.plugins.module_utils._platform.members import diff_of, differences

PARAMS: dict[str, t.Any] = {
    "name": "shop",
    "subnet_ids": ["subnet-b", "subnet-a"],
    "security_group_ids": ["sg-2", "sg-1"],
    "instance_profile": "shop-instance",
    "instance_types": ["t3.small"],
    "architecture": "x86_64",
    "user_data": "#!/bin/bash\necho ECS_CLUSTER=shop >> /etc/ecs/ecs.config\n",
    "metadata_hop_limit": 1,
    "volume_device": "/dev/xvda",
    "volume_size": 30,
    "volume_kms_key_id": None,
    "detailed_monitoring": False,
    "min_size": 1,
    "max_size": 2,
    "on_demand_base": 0,
    "on_demand_percentage": 100,
    "spot_allocation_strategy": "price-capacity-optimized",
    "capacity_rebalance": False,
    "protect_from_scale_in": True,
    "refresh_max_healthy_percentage": 110,
    "tags": {"environment": "prod"},
}


def _type(name: str, mib: int = 2048, architectures: tuple[str, ...] = ("x86_64",)) -> dict[str, t.Any]:
    return {
        "InstanceType": name,
        "MemoryInfo": {"SizeInMiB": mib},
        "ProcessorInfo": {"SupportedArchitectures": list(architectures)},
    }


@pytest.mark.parametrize(
    ("changed", "types", "words"),
    [
        ({}, [_type("t3.small")], []),
        ({"instance_types": ["t3.micro"]}, [_type("t3.micro", 1024)], ["instance_types: t3.micro has 1 GiB", "Use t3.small or larger"]),
        ({"instance_types": ["t4g.small"]}, [_type("t4g.small", 2048, ("arm64",))], ["instance_types: t4g.small is not x86_64"]),
        ({"instance_types": ["t9.huge"]}, None, ["instance_types: t9.huge", "does not know"]),
        ({"min_size": 3}, [_type("t3.small")], ["max_size: 2 is less than min_size, 3"]),
        ({"min_size": -1}, [_type("t3.small")], ["min_size: -1 is negative"]),
        ({"volume_size": 8}, [_type("t3.small")], ["volume_size: 8 GiB"]),
        ({"refresh_max_healthy_percentage": 100}, [_type("t3.small")], ["refresh_max_healthy_percentage: 100", "from 101 to 200"]),
        ({"on_demand_percentage": 101}, [_type("t3.small")], ["on_demand_percentage: 101"]),
    ],
)
def test_what_cannot_be_is_refused_with_field_value_and_fix(
    changed: dict[str, t.Any], types: list[dict[str, t.Any]] | None, words: list[str]
) -> None:
    text = " ".join(instances.problems({**PARAMS, **changed}, types))
    assert bool(text) == bool(words)
    for word in words:
        assert word in text


def test_the_template_asks_for_imdsv2_and_an_encrypted_volume() -> None:
    data = instances.template_data(PARAMS, "ami-1")
    assert data["MetadataOptions"] == {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert data["IamInstanceProfile"] == {"Name": "shop-instance"}
    arn = "arn:aws:iam::123456789012:instance-profile/shop"
    assert instances.template_data({**PARAMS, "instance_profile": arn}, "ami-1")["IamInstanceProfile"] == {"Arn": arn}


def _template_changes(found: dict[str, t.Any], wanted: dict[str, t.Any]) -> list[str]:
    return [item["field"] for item in differences(instances.comparable_template(found), instances.wanted_template(found, wanted))]


def test_what_aws_adds_and_orders_otherwise_is_no_difference() -> None:
    wanted = instances.template_data({**PARAMS, "tags": {"a": "1", "b": "2"}}, "ami-1")
    found = {
        **wanted,
        "SecurityGroupIds": ["sg-2", "sg-1"],
        "MetadataOptions": {**wanted["MetadataOptions"], "InstanceMetadataTags": "disabled"},
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {**wanted["BlockDeviceMappings"][0]["Ebs"], "Throughput": 125}}],
        "TagSpecifications": [
            {"ResourceType": item["ResourceType"], "Tags": item["Tags"][::-1]} for item in wanted["TagSpecifications"][::-1]
        ],
        "NetworkInterfaces": [],
    }
    assert _template_changes(found, wanted) == []


def test_what_somebody_changed_by_hand_is_a_difference() -> None:
    wanted = instances.template_data(PARAMS, "ami-1")
    assert _template_changes({**wanted, "KeyName": "mine"}, wanted) == ["KeyName"]
    assert _template_changes({**wanted, "ImageId": "ami-0"}, wanted) == ["ImageId"]
    other = {**wanted, "MetadataOptions": {**wanted["MetadataOptions"], "HttpTokens": "optional"}}
    assert _template_changes(other, wanted) == ["MetadataOptions.HttpTokens"]
    tagged = {**wanted, "TagSpecifications": [{"ResourceType": "volume", "Tags": [{"Key": "x", "Value": "y"}]}]}
    assert _template_changes(tagged, wanted) == ["TagSpecifications.volume.tags", "TagSpecifications.network-interface"]


def test_user_data_is_shown_as_text() -> None:
    assert instances.comparable_template(instances.template_data(PARAMS, "ami-1"))["UserData"] == PARAMS["user_data"]
    assert instances.comparable_template({"UserData": "H4sI?"})["UserData"] == "H4sI?"


def _found_group(wanted: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    request = instances.group_request(wanted)
    tags = instances.group_tag_list("shop", wanted["tags"])
    return {**request, "Tags": [*tags, {"Key": "AmazonECSManaged", "Value": "", "PropagateAtLaunch": True}], "Instances": [], **more}


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({}, []),
        ({"max_size": 5}, ["max_size"]),
        ({"subnet_ids": ["subnet-a"]}, ["subnet_ids"]),
        ({"protect_from_scale_in": False}, ["protect_from_scale_in"]),
        ({"tags": {"environment": "dev"}}, ["tags"]),
        ({"tags": {}}, ["tags"]),
        ({"instance_types": ["t3.small", "t3a.small"]}, ["launch.types", "launch.distribution.OnDemandBaseCapacity"]),
    ],
)
def test_the_group_is_compared_by_what_the_options_say(changed: dict[str, t.Any], fields: list[str]) -> None:
    found = instances.seen_group(_found_group(instances.wanted_group(PARAMS, hold=False)))
    seen = [item["field"] for item in differences(found, instances.wanted_group({**PARAMS, **changed}, hold=False))]
    assert seen[: len(fields)] == fields
    assert bool(seen) == bool(fields)


def test_mixed_instances_are_found_as_they_were_asked_for() -> None:
    params = {**PARAMS, "instance_types": ["t3.small", "t3a.small"], "on_demand_base": 1, "on_demand_percentage": 50}
    wanted = instances.wanted_group(params, hold=False)
    assert "LaunchTemplate" not in instances.group_request(wanted)
    assert differences(instances.seen_group(_found_group(wanted)), wanted) == []
    assert [item["field"] for item in differences(instances.seen_group(_found_group(wanted)), instances.wanted_group(PARAMS, False))] == [
        "launch.types"
    ]


def test_a_group_on_hold_has_no_instance() -> None:
    assert instances.wanted_group(PARAMS, hold=True)["min_size"] == 0


def test_outdated_is_what_another_version_template_or_type_has_made() -> None:
    def made(name: str, version: str | None, kind: str = "t3.small", state: str = "InService", template: str = "shop") -> dict[str, t.Any]:
        made_by = {"LaunchTemplateName": template, "Version": version} if version else None
        return {"InstanceId": name, "LaunchTemplate": made_by, "InstanceType": kind, "LifecycleState": state}

    group = {
        "Instances": [
            made("i-current", "3"),
            made("i-older", "2"),
            made("i-leaving", "2", state="Terminating:Wait"),
            made("i-other-type", "3", "m5.large"),
            made("i-other-template", "3", template="hand-made"),
            made("i-none", None),
        ]
    }
    assert instances.outdated(group, "shop", 3, ["t3.small"]) == ["i-none", "i-older", "i-other-template", "i-other-type"]
    assert "i-current" in instances.outdated(group, "shop", None, ["t3.small"])


@pytest.mark.parametrize(
    ("status", "active"), [("Pending", True), ("InProgress", True), ("Baking", True), ("Successful", False), ("Failed", False)]
)
def test_only_a_refresh_that_goes_on_is_active(status: str, active: bool) -> None:
    assert (instances.active_refresh([{"Status": status}]) is not None) == active


def test_tags_are_compared_as_a_whole_and_other_members_by_what_is_wanted() -> None:
    assert differences({"tags": {"a": "1", "b": "2"}, "more": 1}, {"tags": {"a": "1"}}) == [
        {"field": "tags", "before": {"a": "1", "b": "2"}, "after": {"a": "1"}}
    ]
    assert differences({"a": [1, 2]}, {"a": [1, 3]}) == [{"field": "a[1]", "before": 2, "after": 3}]
    assert differences({"a": [1]}, {"a": [1, 3]}) == [{"field": "a", "before": [1], "after": [1, 3]}]


def test_a_diff_has_only_what_changes() -> None:
    diff = diff_of("group shop", [{"field": "max_size", "before": 2, "after": 4}])
    assert diff["before"] == '{\n  "max_size": 2\n}\n'
    assert diff["after"] == '{\n  "max_size": 4\n}\n'
    assert diff_of("group shop", [{"field": "max_size", "before": None, "after": 4}], is_new=True)["before"] == ""
