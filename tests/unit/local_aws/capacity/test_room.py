"""The room on real moto state: groups launch, instances join, waiting tasks make the group grow."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from moto.backends import get_backend

from local_aws.capacity.fleet import Fleet
from local_aws.capacity.room import CapacityRoom
from local_aws.control_plane.api import AwsApi
from local_aws.control_plane.gaps import close_gaps
from local_aws.control_plane.metrics import Metrics
from local_aws.control_plane.moto_in_process import Moto
from local_aws.control_plane.shortage import Shortage
from local_aws.interfaces import AwsError, InstanceFacts, TaskDemand

ACCOUNT, REGION = "123456789012", "eu-west-1"


class HandClock:
    """A clock that a test moves."""

    speed = 1.0
    seconds = 0.0

    def time(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> bool:
        raise AssertionError("the room's own threads are not started here")


class Cluster:
    """Takes the place of the ECS room."""

    def __init__(self) -> None:
        self.members: dict[str, InstanceFacts] = {}
        self.demand: list[TaskDemand] = []
        self.busy: set[str] = set()
        self.drained: list[str] = []

    def joined(self, facts: InstanceFacts) -> None:
        self.members[facts.ec2_instance_id] = facts

    def left(self, ec2_instance_id: str) -> None:
        del self.members[ec2_instance_id]

    def waiting(self, account: str, region: str, capacity_provider: str) -> list[TaskDemand]:
        return self.demand

    def idle(self, account: str, region: str, capacity_provider: str) -> list[str]:
        return [name for name, facts in self.members.items() if facts.capacity_provider == capacity_provider and name not in self.busy]

    def runs_tasks(self, ec2_instance_id: str) -> bool:
        return ec2_instance_id in self.busy

    def drain(self, ec2_instance_id: str) -> None:
        """Its tasks find room elsewhere at once."""
        self.drained.append(ec2_instance_id)
        self.busy.discard(ec2_instance_id)


class Setup:
    def __init__(self) -> None:
        self.moto, self.clock, self.cluster = Moto(), HandClock(), Cluster()
        self.api = AwsApi(self.moto, self.clock)
        self.shortage = Shortage(self.moto)
        close_gaps(self.api, self.shortage)
        self.room = CapacityRoom(self.clock, Fleet(self.moto), self.cluster, Metrics(self.moto, self.clock))
        self.room.refreshes.install(self.api)

    def ask(self, service: str, action: str, **params: Any) -> Any:
        return self.api.ask(service, action, params, ACCOUNT, REGION)

    def at(self, seconds: float) -> None:
        self.clock.seconds = seconds
        self.room.look()

    @property
    def group(self) -> Any:
        return get_backend("autoscaling")[ACCOUNT][REGION].autoscaling_groups["web"]

    def instances(self) -> list[dict[str, Any]]:
        """The group's instances as a client sees them."""
        (group,) = self.ask("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=["web"])["AutoScalingGroups"]
        return list(group["Instances"])

    def make_group(self, desired: int, protection: str = "DISABLED") -> None:
        self.ask("ecs", "CreateCluster", clusterName="web")
        script = "#!/bin/bash\necho ECS_CLUSTER=web >> /etc/ecs/ecs.config\n"
        self.ask(
            "ec2",
            "CreateLaunchTemplate",
            LaunchTemplateName="web",
            LaunchTemplateData={"ImageId": "ami-1", "InstanceType": "t3.small", "UserData": base64.b64encode(script.encode()).decode()},
        )
        subnets = [subnet["SubnetId"] for subnet in self.ask("ec2", "DescribeSubnets")["Subnets"][:2]]
        self.ask(
            "autoscaling",
            "CreateAutoScalingGroup",
            AutoScalingGroupName="web",
            MinSize=0,
            MaxSize=4,
            DesiredCapacity=desired,
            VPCZoneIdentifier=",".join(subnets),
            LaunchTemplate={"LaunchTemplateName": "web", "Version": "$Latest"},
            NewInstancesProtectedFromScaleIn=protection == "ENABLED",
        )
        self.ask(
            "ecs",
            "CreateCapacityProvider",
            name="cp",
            autoScalingGroupProvider={
                "autoScalingGroupArn": self.group.arn,
                "managedScaling": {"status": "ENABLED"},
                "managedTerminationProtection": protection,
            },
        )
        self.ask("ecs", "PutClusterCapacityProviders", cluster="web", capacityProviders=["cp"], defaultCapacityProviderStrategy=[])


@pytest.fixture
def setup() -> Iterator[Setup]:
    setup = Setup()
    yield setup
    setup.moto.reset()


def test_the_instances_of_a_group_join_with_the_facts_of_their_type(setup: Setup) -> None:
    setup.make_group(1)
    setup.at(0)
    setup.at(23)
    assert setup.cluster.members == {}
    setup.at(24)
    [facts] = setup.cluster.members.values()
    assert (facts.cluster, facts.instance_type, facts.cpu_units, facts.eni_slots) == ("web", "t3.small", 2048, 2)
    assert (facts.capacity_provider, facts.architecture, facts.ami_id) == ("cp", "x86_64", "ami-1")
    assert facts.subnet_id.startswith("subnet-")
    assert facts.vpc_id.startswith("vpc-")
    assert facts.zone.startswith(REGION)


def test_instances_are_spread_over_the_subnets(setup: Setup) -> None:
    setup.make_group(4)
    setup.at(0)
    setup.at(24)
    zones = sorted(facts.zone for facts in setup.cluster.members.values())
    assert zones == ["eu-west-1a", "eu-west-1a", "eu-west-1b", "eu-west-1b"]


def test_a_terminated_instance_leaves_and_its_replacement_joins(setup: Setup) -> None:
    setup.make_group(1)
    setup.at(0)
    setup.at(24)
    [first] = setup.cluster.members
    setup.ask("autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=first, ShouldDecrementDesiredCapacity=False)
    setup.at(30)
    setup.at(60)
    assert first not in setup.cluster.members
    assert len(setup.cluster.members) == 1


def test_an_instance_of_nobody_joins_too_when_its_user_data_says_so(setup: Setup) -> None:
    setup.ask("ecs", "CreateCluster", clusterName="lone")
    script = base64.b64encode(b"ECS_CLUSTER=lone").decode()
    setup.ask("ec2", "RunInstances", ImageId="ami-1", InstanceType="t4g.small", MinCount=1, MaxCount=1, UserData=script)
    setup.ask("ec2", "RunInstances", ImageId="ami-1", InstanceType="t4g.small", MinCount=1, MaxCount=1)
    setup.at(0)
    setup.at(24)
    [facts] = setup.cluster.members.values()
    assert (facts.cluster, facts.architecture, facts.capacity_provider) == ("lone", "arm64", None)


def test_a_cluster_that_does_not_exist_is_not_joined_until_it_does(setup: Setup) -> None:
    script = base64.b64encode(b"ECS_CLUSTER=later").decode()
    setup.ask("ec2", "RunInstances", ImageId="ami-1", InstanceType="t3.small", MinCount=1, MaxCount=1, UserData=script)
    setup.at(0)
    setup.at(60)
    assert setup.cluster.members == {}
    setup.ask("ecs", "CreateCluster", clusterName="later")
    setup.at(70)
    setup.at(94)
    assert len(setup.cluster.members) == 1


def test_waiting_tasks_make_an_empty_group_start_two_instances(setup: Setup) -> None:
    setup.make_group(0)
    setup.cluster.demand = [TaskDemand(256, 512, 1)]
    setup.room.scale()
    assert setup.group.desired_capacity == 2
    assert len(setup.group.instance_states) == 2
    setup.at(10)
    setup.room.scale()
    assert setup.group.desired_capacity == 2


def test_idle_instances_go_after_fifteen_minutes_and_busy_ones_stay(setup: Setup) -> None:
    setup.make_group(3, protection="ENABLED")
    setup.at(0)
    setup.at(24)
    setup.cluster.busy = set(list(setup.cluster.members)[1:2])
    setup.room.scale()
    assert [state.instance.id for state in setup.group.instance_states if state.protected_from_scale_in] == list(setup.cluster.busy)
    setup.clock.seconds = 24 + 15 * 60
    setup.room.scale()
    assert [state.instance.id for state in setup.group.instance_states] == list(setup.cluster.busy)
    assert setup.group.desired_capacity == 1


def test_a_group_replaces_an_instance_that_was_stopped(setup: Setup) -> None:
    setup.make_group(1)
    [state] = setup.group.instance_states
    setup.ask("ec2", "StopInstances", InstanceIds=[state.instance.id])
    setup.room._fleet.heal()
    [replacement] = setup.group.instance_states
    assert replacement.instance.id != state.instance.id
    assert replacement.instance.state == "running"


def test_a_group_goes_without_when_ec2_runs_out_and_catches_up_later(setup: Setup) -> None:
    setup.shortage.limit("t3.small", 1)
    setup.make_group(3)
    assert len(setup.group.instance_states) == 1
    setup.room._fleet.heal()
    assert len(setup.group.instance_states) == 1
    with pytest.raises(AwsError) as refused:
        setup.ask("ec2", "RunInstances", ImageId="ami-1", InstanceType="t3.small", MinCount=1, MaxCount=1)
    assert refused.value.code == "InsufficientInstanceCapacity"
    setup.shortage.limit("t3.small", None)
    setup.room._fleet.heal()
    assert len(setup.group.instance_states) == 3


def test_the_reservation_is_a_metric_that_clients_can_read(setup: Setup) -> None:
    setup.make_group(0)
    setup.cluster.demand = [TaskDemand(256, 512, 1)]
    setup.room.scale()
    metrics = setup.ask("cloudwatch", "ListMetrics", Namespace="AWS/ECS/ManagedScaling")["Metrics"]
    assert [metric["MetricName"] for metric in metrics] == ["CapacityProviderReservation"]


def _refreshes(setup: Setup) -> list[dict[str, Any]]:
    return list(setup.ask("autoscaling", "DescribeInstanceRefreshes", AutoScalingGroupName="web")["InstanceRefreshes"])


def test_a_refresh_replaces_what_an_older_version_of_the_template_has_made(setup: Setup) -> None:
    setup.make_group(2, protection="ENABLED")
    setup.at(0)
    setup.at(24)
    old = set(setup.cluster.members)
    setup.cluster.busy = set(old)
    setup.ask(
        "ec2",
        "CreateLaunchTemplateVersion",
        LaunchTemplateName="web",
        SourceVersion="$Latest",
        LaunchTemplateData={"InstanceType": "t3.medium"},
    )
    versions = {item["InstanceId"]: item["LaunchTemplate"]["Version"] for item in setup.instances()}
    assert versions == dict.fromkeys(old, "1")
    preferences = {
        "MinHealthyPercentage": 100,
        "MaxHealthyPercentage": 110,
        "InstanceWarmup": 60,
        "SkipMatching": True,
        "ScaleInProtectedInstances": "Refresh",
    }
    started = setup.ask("autoscaling", "StartInstanceRefresh", AutoScalingGroupName="web", Preferences=preferences)
    with pytest.raises(AwsError, match="already in progress"):
        setup.ask("autoscaling", "StartInstanceRefresh", AutoScalingGroupName="web")
    sizes = []
    for moment in range(26, 400, 2):
        setup.at(moment)
        sizes.append(len(setup.group.instance_states))
    (refresh,) = _refreshes(setup)
    assert (refresh["InstanceRefreshId"], refresh["Status"], refresh["PercentageComplete"]) == (
        started["InstanceRefreshId"],
        "Successful",
        100,
    )
    assert set(setup.cluster.drained) == old
    assert (min(sizes), max(sizes)) == (2, 3)
    assert [(item["LaunchTemplate"]["Version"], item["InstanceType"]) for item in setup.instances()] == [("2", "t3.medium")] * 2
    assert not old & {item["InstanceId"] for item in setup.instances()}
    assert {facts.instance_type for facts in setup.cluster.members.values()} == {"t3.medium"}, "with the user data of the source version"


def test_a_refresh_can_be_cancelled_once(setup: Setup) -> None:
    setup.make_group(1)
    setup.ask("autoscaling", "StartInstanceRefresh", AutoScalingGroupName="web")
    setup.ask("autoscaling", "CancelInstanceRefresh", AutoScalingGroupName="web")
    assert [item["Status"] for item in _refreshes(setup)] == ["Cancelled"]
    with pytest.raises(AwsError, match="No in progress or pending"):
        setup.ask("autoscaling", "CancelInstanceRefresh", AutoScalingGroupName="web")
    with pytest.raises(AwsError, match="name not found"):
        setup.ask("autoscaling", "StartInstanceRefresh", AutoScalingGroupName="none")
