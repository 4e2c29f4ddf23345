# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a forecast reads, what it does when it may not, and what it does not pretend to know."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_rollout_forecast import VERB
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import FakeClock, FakeEcs, refused
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.running import Stage

Data = dict[str, t.Any]
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/api:2"
INSTANCE = "arn:aws:ecs:eu-west-1:123456789012:container-instance/main/one"


class Room(FakeEcs):
    """The fake service, with one container instance. A call named in `denied` is refused."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.meta.region_name = "eu-west-1"
        self.denied: set[str] = set()
        self.free = 1024
        self.provider: Data = {}
        self.default: list[Data] = []
        self.group: Data = {"MaxSize": 3, "Instances": [{}]}

    def _called(self, name: str, request: Data) -> None:
        super()._called(name, request)
        if name in self.denied:
            raise refused("AccessDeniedException", f"not authorized to {name}", name)

    def list_container_instances(self, **request: t.Any) -> Data:
        self._called("list_container_instances", request)
        return {"containerInstanceArns": [] if "never" in request.get("filter", "") else [INSTANCE]}

    def describe_container_instances(self, **request: t.Any) -> Data:
        self._called("describe_container_instances", request)
        resources = [{"name": "CPU", "integerValue": 2048}, {"name": "MEMORY", "integerValue": self.free}]
        attributes = [{"name": "ecs.instance-type", "value": "t3.medium"}, {"name": "ecs.cpu-architecture", "value": "x86_64"}]
        return {
            "containerInstances": [
                {
                    "containerInstanceArn": INSTANCE,
                    "ec2InstanceId": "i-1",
                    "agentConnected": True,
                    "registeredResources": resources,
                    "remainingResources": resources,
                    "attributes": attributes,
                    **self.provider,
                }
            ]
        }

    def describe_instance_types(self, **request: t.Any) -> Data:
        self._called("describe_instance_types", request)
        return {"InstanceTypes": [{"InstanceType": "t3.medium", "NetworkInfo": {"MaximumNetworkInterfaces": 4}}]}

    def describe_capacity_providers(self, **request: t.Any) -> Data:
        self._called("describe_capacity_providers", request)
        arn = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:1:autoScalingGroupName/group"
        details = {"autoScalingGroupArn": arn, "managedScaling": {"status": "ENABLED"}}
        return {"capacityProviders": [{"name": "cp", "autoScalingGroupProvider": details}]}

    def describe_clusters(self, **request: t.Any) -> Data:
        self._called("describe_clusters", request)
        return {"clusters": [{"status": "ACTIVE", "defaultCapacityProviderStrategy": self.default}]}

    def describe_auto_scaling_groups(self, **request: t.Any) -> Data:
        self._called("describe_auto_scaling_groups", request)
        return {"AutoScalingGroups": [self.group]}

    def batch_get_image(self, **request: t.Any) -> Data:
        self._called("batch_get_image", request)
        return {"images": []}

    def describe_log_groups(self, **request: t.Any) -> Data:
        self._called("describe_log_groups", request)
        return {"logGroups": [{"logGroupName": "/api"}]}


@pytest.fixture
def room(clock: FakeClock) -> Room:
    return Room(clock)


@pytest.fixture
def there(room: Room, clock: FakeClock) -> Stage:
    return Stage(room, clock)


def definition(**members: t.Any) -> Data:
    container = {"name": "app", "image": "registry.example/api:2", "memory": 128}
    return {"family": "api", "networkMode": "awsvpc", "containerDefinitions": [container], **members}


def test_a_release_that_arrives(room: Room, there: Stage) -> None:
    first = room.define(1)
    room.begin(first)
    result = there.on_service(VERB, definition=definition())
    assert (result["arrives"], result["changed"], result["notes"]) == (True, False, [])
    assert result["steps"][0]["on"] == {"i-1": 2}
    assert result["on_failure"]["task_definition_arn"] == first
    assert not result["on_failure"]["circuit_breaker"]
    assert result["lines"][0] == "api: api:1 -> a new revision of api"
    assert not [name for name, _request in room.calls if not name.startswith(("describe_", "list_"))]
    # Also in check mode, and with what runs already.
    again = there.on_service(VERB, check=True, task_definition="api:1")
    assert again["lines"][0] == "api: api:1 -> the same definition"
    assert (again["arrives"], again["different"]) == (True, False)


def test_what_may_not_be_read_is_named(room: Room, there: Stage) -> None:
    room.begin(room.define(1))
    room.denied = {"describe_instance_types", "describe_log_groups"}
    result = there.on_service(VERB, definition=definition())
    assert result["arrives"] is True
    (note,) = result["notes"]
    refusal = "describe_instance_types was refused: AccessDeniedException: not authorized to describe_instance_types"
    assert note == f"how many network interfaces the instances take: {refusal}"
    assert {item["result"] for item in result["checks"]} <= {"ok", "unknown"}


def test_without_room_it_fails_unless_told_otherwise(room: Room, there: Stage) -> None:
    room.begin(room.define(1))
    room.free = 200
    with pytest.raises(VerbFailure) as failure:
        there.on_service(VERB, definition=definition())
    assert "no_capacity: 1 of 2 tasks find room. i-1: 72 MiB of memory are free, and a task needs 128" in failure.value.message
    result = there.on_service(VERB, definition=definition(), fail=False)
    assert (result["arrives"], result["problems"][0]["permanent"]) == (False, False)
    assert result["seconds"]["at_least"] is None


def test_constraints_are_for_ecs_to_judge(room: Room, there: Stage) -> None:
    room.begin(room.define(1))
    never = [{"type": "memberOf", "expression": "attribute:never == true"}]
    result = there.on_service(VERB, definition=definition(placementConstraints=never), fail=False)
    assert "a placement constraint is not fulfilled" in result["problems"][0]["evidence"]


def test_a_capacity_provider_makes_room(room: Room, there: Stage) -> None:
    room.begin(room.define(1), launchType=None, capacityProviderStrategy=[{"capacityProvider": "cp", "weight": 1}])
    room.free, room.provider = 200, {"capacityProviderName": "cp"}
    result = there.on_service(VERB, definition=definition())
    assert (result["arrives"], result["capacity"]["instances_to_add"]) == (True, 1)
    assert "it would arrive, with 1 more instance of the capacity provider" in result["msg"]
    # Its group is at its end.
    room.group = {"MaxSize": 1, "Instances": [{}]}
    assert there.on_service(VERB, definition=definition(), fail=False)["arrives"] is False
    # It has nothing to show what it adds.
    room.provider = {}
    result = there.on_service(VERB, definition=definition())
    assert result["arrives"] is None
    assert any(note.startswith("what the capacity provider may add") for note in result["notes"])


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"schedulingStrategy": "DAEMON"}, "is a daemon"),
        ({"launchType": "FARGATE"}, "on no container instances of yours"),
        ({"deploymentController": {"type": "CODE_DEPLOY"}}, "made by CODE_DEPLOY"),
    ],
)
def test_what_is_not_played_through_is_not_told(room: Room, there: Stage, members: Data, why: str) -> None:
    room.begin(room.define(1), **members)
    result = there.on_service(VERB, definition=definition())
    assert (result["arrives"], result["steps"]) == (None, [])
    assert why in result["notes"][0]


def test_a_service_that_is_not_there_yet(room: Room, there: Stage) -> None:
    failure = there.failing(VERB, definition=definition())
    assert "desired_count: there is no service api in cluster main yet" in failure.message
    result = there.on_service(VERB, definition=definition(), desired_count=1)
    assert result["arrives"] is True
    assert result["lines"][0] == "api: a new revision of api, its first deploy"
    assert "nothing is put back" in result["on_failure"]["msg"]
    # By its cluster's capacity provider, which grows for it, or on what is there.
    room.default, room.provider, room.free = [{"capacityProvider": "cp"}], {"capacityProviderName": "cp"}, 200
    grown = there.on_service(VERB, definition=definition(), desired_count=2)
    assert (grown["arrives"], grown["capacity"]["instances_to_add"]) == (True, 1)
    assert there.on_service(VERB, definition=definition(), desired_count=2, launch_type="EC2", fail=False)["arrives"] is False


def test_an_image_that_is_missing_and_one_that_is_to_be_pushed(room: Room, there: Stage) -> None:
    room.begin(room.define(1))
    wanted = definition(containerDefinitions=[{"name": "app", "image": IMAGE, "memory": 128}])
    missing = there.on_service(VERB, definition=wanted, fail=False)
    assert (missing["arrives"], missing["failed_checks"]) == (False, 1)
    assert f"! image {IMAGE}: there is no such image" in missing["msg"]
    pending = there.on_service(VERB, definition=wanted, pending_images=[IMAGE])
    assert (pending["arrives"], pending["failed_checks"]) == (True, 0)


def test_a_timeout_that_cannot_be_met_and_a_rollback_that_is_gone(room: Room, there: Stage) -> None:
    first = room.define(1)
    room.begin(first)
    room.definitions[first]["status"] = "INACTIVE"
    result = there.on_service(VERB, definition=definition(), timeout=10, fail=False)
    assert [item["cause"] for item in result["problems"]] == ["timeout"]
    assert "api:1 cannot be put back, it is deregistered" in result["on_failure"]["msg"]
    assert result["on_failure"]["task_definition_arn"] is None
