# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is refused before anything is sent: field, value and way out, for EC2, Fargate and what both refuse."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.checks import problems
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.differences import differences
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.pruning import choose, family_of
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.reading import registrable

Data = dict[str, t.Any]


def container(name: str = "app", **members: t.Any) -> Data:
    return {"name": name, "image": "web:1", "memory": 128, **members}


def task(*containers: Data, **members: t.Any) -> Data:
    return {"family": "web", "containerDefinitions": list(containers) or [container()], **members}


def fargate(*containers: Data, **members: t.Any) -> Data:
    base = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
    return task(*containers, **{**base, **members})


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (fargate(networkMode="bridge"), "networkMode: Fargate needs awsvpc, this is bridge"),
        (fargate(networkMode=None), "networkMode: Fargate needs awsvpc, this is not set"),
        (fargate(cpu=None), "cpu: Fargate needs it"),
        (fargate(memory=None), "memory: Fargate needs it"),
        (fargate(cpu="300"), "cpu: Fargate has no task of 300 units"),
        (fargate(memory="4096"), "does not combine cpu 256 with memory 4096. It takes 512, 1024, 2048 MiB"),
        (fargate(cpu="1 vCPU", memory="1GB"), "does not combine cpu 1024 with memory 1024. It takes 2048 to 8192 in steps of 1024"),
        (fargate(cpu="8192", memory="17408"), "16384 to 61440 in steps of 4096"),
        (fargate(placementConstraints=[{"type": "memberOf"}]), "placementConstraints: Fargate does not take it"),
        (fargate(inferenceAccelerators=[{"deviceName": "x"}]), "inferenceAccelerators: Fargate"),
        (fargate(ipcMode="task"), "ipcMode: Fargate"),
        (fargate(pidMode="host"), "pidMode: Fargate takes task only, this is 'host'"),
        (fargate(ephemeralStorage={"sizeInGiB": 20}), "sizeInGiB is 21 to 200 on Fargate, this is 20"),
        (fargate(volumes=[{"name": "v", "host": {"sourcePath": "/v"}}]), "volumes: v: host.sourcePath: Fargate has no host"),
        (fargate(volumes=[{"name": "v", "dockerVolumeConfiguration": {"scope": "task"}}]), "dockerVolumeConfiguration: Fargate"),
        (fargate(container(privileged=True)), "privileged: Fargate runs no privileged container"),
        (fargate(container(dockerSecurityOptions=["x"])), "dockerSecurityOptions: Fargate"),
        (fargate(container(linuxParameters={"devices": [{"hostPath": "/d"}]})), "linuxParameters.devices: Fargate"),
        (fargate(container(linuxParameters={"maxSwap": 5})), "linuxParameters.maxSwap: Fargate"),
        (fargate(container(linuxParameters={"capabilities": {"add": ["NET_ADMIN"]}})), "adds SYS_PTRACE only, not NET_ADMIN"),
        (fargate(container(resourceRequirements=[{"type": "GPU", "value": "1"}])), "Fargate has no GPU"),
        (fargate(container(logConfiguration={"logDriver": "json-file"})), "awslogs, splunk, awsfirelens, this is json-file"),
        (
            fargate(container(logConfiguration={"logDriver": "awslogs", "options": {"awslogs-group": "/a", "awslogs-region": "r"}})),
            "needs the option awslogs-stream-prefix",
        ),
        (fargate(container(stopTimeout=300)), "stopTimeout: Fargate waits 120 s at most, this is 300"),
        (task(cpu="64", requiresCompatibilities=["EC2"]), "cpu: EC2 takes 128 to 196608 units for a task, this is 64"),
        (task(requiresCompatibilities=["EC2"], ephemeralStorage={"sizeInGiB": 30}), "ephemeralStorage: EC2 has none"),
        (task(networkMode="overlay"), "networkMode: 'overlay' is none of bridge, host, awsvpc, none"),
        (task(container(links=["a"]), networkMode="awsvpc"), "links: network mode awsvpc does not take it"),
        (task(container(extraHosts=[{}]), networkMode="awsvpc"), "extraHosts: network mode awsvpc"),
        (task(container(hostname="a"), networkMode="awsvpc"), "hostname: network mode awsvpc"),
        (task(container(links=["a"]), networkMode="host"), "links: network mode host"),
        (task(container(portMappings=[{"containerPort": 80}]), networkMode="none"), "in network mode none a container has no port"),
        (task(container(portMappings=[{"containerPort": 80, "hostPort": 81}]), networkMode="host"), "hostPort 81 is not containerPort 80"),
        (task(container(portMappings=[{"hostPort": 81}])), "containerPort is missing"),
        (task(container(portMappings=[{"containerPort": "http"}])), "containerPort 'http' is not a number"),
        (task(container(portMappings=[80])), "portMappings: a list of mappings with containerPort is needed, one item is a number"),
        (task(container(environment={"A": "b"})), "this is a mapping"),
        (task(container(environment=["A=b"])), "one item is a text"),
        (task(container(ulimits=["nofile"])), "ulimits: a list of mappings"),
        (task(container(mountPoints=["/data"])), "mountPoints: a list of mappings"),
        (task(container(dependsOn=["b"])), "dependsOn: a list of mappings"),
        (task(container(healthCheck="CMD true")), "healthCheck: a mapping is needed, this is a text"),
        (task(container(logConfiguration="awslogs")), "logConfiguration: a mapping is needed"),
        (task(container(logConfiguration={"logDriver": "awslogs", "options": ["a"]})), "logConfiguration: options: a mapping is needed"),
        (task(container(linuxParameters={"capabilities": "NET_ADMIN"})), "linuxParameters: capabilities: a mapping is needed"),
        (task(volumes=["data"]), "volumes: a list of mappings with name is needed, one item is a text"),
        (task(tags={"a": "b"}), "this is a mapping"),
        (task(t.cast("Data", "app")), "containerDefinitions: a list of mappings with name and image is needed"),
        ({"family": "web", "containerDefinitions": {"app": {}}}, "containerDefinitions: a list of mappings"),
        (
            task(
                container(portMappings=[{"containerPort": 80}]), container("b", portMappings=[{"containerPort": 80}]), networkMode="awsvpc"
            ),
            "container b: portMappings: port 80/tcp is taken by container app",
        ),
        (
            task(container(portMappings=[{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80}])),
            "port 80/tcp is taken by container app",
        ),
        (
            task(container(portMappings=[{"containerPort": 80, "name": "http"}, {"containerPort": 81, "name": "http"}])),
            "there is already a port named 'http'",
        ),
        (task(container(memory=2)), "memory: 2 MiB is below 4 MiB"),
        (task(container(memory="lots")), "memory: 'lots' is not a number of MiB"),
        (task(container(cpu="some")), "cpu: 'some' is not a number of CPU units"),
        (
            fargate(container(cpu=200), container("b", cpu=100)),
            "cpu: 256 units for the task are below what its containers ask for together, 300",
        ),
        (task(container(memory=400), container("b", memory=200), memory="0.5GB"), "memory: 512 MiB for the task is below"),
        (task(container(memory=600, memoryReservation=100), memory="512"), "memory: 600 MiB is above memory of the task, 512 MiB"),
        (task(memory="much"), "memory: 'much' is no size. It reads 512 or 0.5GB"),
        (task(cpu="fast"), "cpu: 'fast' is no size. It reads 256 or 0.25 vCPU"),
        (task(container(entryPoint="/bin/serve")), "entryPoint: a list of words"),
        (task(container(secrets=[{"name": "A", "valueFrom": "x"}, {"name": "A", "valueFrom": "y"}])), "secrets: A is set more than once"),
        (task(container(secrets=[{"name": "A", "valueFrom": "arn:aws:s3:::x"}])), "is neither an SSM parameter's name"),
        (task(container(healthCheck={"command": ["/check"]})), "begins with neither CMD"),
        (task(container(healthCheck={"command": "CMD /check"})), "begins with neither CMD"),
        (task(container(healthCheck={"command": ["CMD", "x"], "interval": 1})), "interval is 5 to 300, this is 1"),
        (task(container(healthCheck={"command": ["CMD", "x"], "retries": 11})), "retries is 1 to 10, this is 11"),
        (task(container(logConfiguration={"logDriver": "awslogs"})), "the driver awslogs needs the option awslogs-group"),
        (task(container(ulimits=[{"name": "nofile", "softLimit": 5, "hardLimit": 4}])), "softLimit 5 is above hardLimit 4"),
        (
            task(container(dependsOn=[{"containerName": "b", "condition": "HEALTHY"}]), container("b")),
            "HEALTHY needs a healthCheck in container b",
        ),
        (
            task(container(dependsOn=[{"containerName": "b", "condition": "SUCCESS"}]), container("b")),
            "SUCCESS waits for the end of container b, which is essential",
        ),
        (task(container(dependsOn=[{"containerName": "b", "condition": "READY"}]), container("b")), "condition 'READY' is none of"),
        (
            task(
                container("a", dependsOn=[{"containerName": "b", "condition": "START"}]),
                container("b", dependsOn=[{"containerName": "c", "condition": "START"}]),
                container("c", dependsOn=[{"containerName": "a", "condition": "START"}]),
            ),
            "dependsOn: the containers a -> b -> c -> a wait for each other",
        ),
        (task(container("a", dependsOn=[{"containerName": "a", "condition": "START"}])), "a -> a wait for each other"),
        (task(volumes=[{"name": "v"}, {"name": "v"}]), "volumes: there is more than one volume 'v'"),
        (task(tags=[{"key": f"k{n}", "value": ""} for n in range(51)]), "takes 50 tags, these are 51"),
        (task(tags=[{"key": "aws:x", "value": ""}]), "tags: aws:x"),
    ],
)
def test_what_is_refused(made: Data, words: str) -> None:
    found = problems(registrable(made))
    assert any(words in item for item in found), found


@pytest.mark.parametrize(
    "made",
    [
        fargate(),
        fargate(cpu=".5 vcpu", memory="4 GB"),
        fargate(cpu="16384", memory="122880"),
        fargate(cpu="32768", memory="249856"),
        fargate(container(linuxParameters={"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}, "initProcessEnabled": True})),
        fargate(requiresCompatibilities=["EC2", "FARGATE"], ephemeralStorage={"sizeInGiB": 21}),
        task(requiresCompatibilities=["EC2"], networkMode="host", cpu="128"),
        task(container(memory=None, memoryReservation=64), networkMode="none"),
        task(container(memory=None), memory="512"),
        task(container(memory=600), container("b", memory=10), memory="1 GB"),
        task(container(portMappings=[{"containerPort": 80}, {"containerPort": 80, "protocol": "udp"}]), networkMode="awsvpc"),
        task(container(portMappings=[{"containerPort": 80, "hostPort": 0}, {"containerPortRange": "81-90"}])),
        task(container(portMappings=[{"containerPort": 80}]), container("b", portMappings=[{"containerPort": 80}])),
        task(container(links=["b"]), container("b")),
        task(
            container(dependsOn=[{"containerName": "b", "condition": "SUCCESS"}, {"containerName": "c", "condition": "HEALTHY"}]),
            container("b", essential=False),
            container("c", healthCheck={"command": ["CMD-SHELL", "exit 0"], "startPeriod": 0}),
        ),
        task(container(ulimits=[{"name": "core", "softLimit": 5, "hardLimit": -1}])),
        task(container(cpu=200), container("b", cpu=100), cpu="256"),
        task(container(command=[], entryPoint=[])),
        task(container(logConfiguration={"logDriver": "awslogs", "options": {"awslogs-group": "/a"}})),
    ],
)
def test_what_is_accepted(made: Data) -> None:
    assert problems(registrable(made)) == []


# What was written, and what DescribeTaskDefinition says of it.
SAME: list[tuple[str, Data, Data]] = [
    (
        "what Fargate fills in",
        fargate(container(portMappings=[{"containerPort": 80}])),
        fargate(
            container(
                cpu=0,
                essential=True,
                portMappings=[{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
                environment=[],
                mountPoints=[],
                volumesFrom=[],
                systemControls=[],
            ),
            status="ACTIVE",
            revision=3,
            volumes=[],
            placementConstraints=[],
            compatibilities=["EC2", "FARGATE"],
        ),
    ),
    (
        "an EFS volume with nothing said",
        task(volumes=[{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]),
        task(
            networkMode="bridge",
            volumes=[
                {"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/", "transitEncryption": "DISABLED"}}
            ],
        ),
    ),
    (
        "a Docker volume",
        task(volumes=[{"name": "v", "dockerVolumeConfiguration": {"scope": "task", "driver": "local"}}]),
        task(
            volumes=[{"name": "v", "host": {}, "dockerVolumeConfiguration": {"scope": "task", "autoprovision": False, "driver": "local"}}]
        ),
    ),
    (
        "lists without an order",
        task(
            container(
                linuxParameters={"capabilities": {"add": ["B", "A"], "drop": []}, "devices": [], "tmpfs": []},
                logConfiguration={
                    "logDriver": "x",
                    "options": {},
                    "secretOptions": [{"name": "b", "valueFrom": "1"}, {"name": "a", "valueFrom": "2"}],
                },
                volumesFrom=[{"sourceContainer": "b"}],
                ulimits=[{"name": "nproc", "softLimit": 1, "hardLimit": 1}, {"name": "core", "softLimit": 1, "hardLimit": 1}],
            )
        ),
        task(
            container(
                linuxParameters={"capabilities": {"add": ["A", "B"]}},
                logConfiguration={"logDriver": "x", "secretOptions": [{"name": "a", "valueFrom": "2"}, {"name": "b", "valueFrom": "1"}]},
                volumesFrom=[{"sourceContainer": "b", "readOnly": False}],
                ulimits=[{"name": "core", "softLimit": 1, "hardLimit": 1}, {"name": "nproc", "softLimit": 1, "hardLimit": 1}],
            )
        ),
    ),
    ("texts of numbers", task(container(memory="128", cpu="0")), task(container(cpu=0))),
    ("sizes of the task", task(cpu="0.25 vCPU", memory="0.5 GB"), task(cpu="256", memory="512")),
    (
        "tags in another order",
        task(tags=[{"key": "b", "value": "1"}, {"key": "a", "value": "2"}]),
        task(tags=[{"key": "a", "value": "2"}, {"key": "b", "value": "1"}]),
    ),
]


@pytest.mark.parametrize(("what", "written", "described"), SAME, ids=[row[0] for row in SAME])
def test_what_ecs_makes_of_it_is_no_difference(what: str, written: Data, described: Data) -> None:
    assert differences(described, written) == [], what


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        (task(volumes=[{"name": "v"}]), task(volumes=[{"name": "v", "dockerVolumeConfiguration": {"scope": "task"}}]), "volumes"),
        (
            task(container(healthCheck={"command": ["CMD", "a"]})),
            task(container(healthCheck={"command": ["CMD", "a"], "retries": 4})),
            "healthCheck.retries",
        ),
        (
            task(container(environmentFiles=[{"value": "a"}, {"value": "b"}])),
            task(container(environmentFiles=[{"value": "b"}, {"value": "a"}])),
            "environmentFiles",
        ),
        (task(runtimePlatform={"cpuArchitecture": "ARM64"}), task(), "runtimePlatform.cpuArchitecture"),
        (task(executionRoleArn="a"), task(executionRoleArn="b"), "executionRoleArn"),
        (task(networkMode="host"), task(networkMode="awsvpc"), "networkMode"),
        (task(ephemeralStorage={"sizeInGiB": 30}), task(ephemeralStorage={"sizeInGiB": 40}), "ephemeralStorage"),
        (task(container(), container("b")), task(container()), "image"),
    ],
)
def test_what_is_a_difference(before: Data, after: Data, field: str) -> None:
    assert field in {item["field"] for item in differences(before, after)}


ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/api:"


@pytest.mark.parametrize(
    ("keep", "used", "gone", "kept"),
    [
        (5, {}, [], {}),
        (9, {}, [], {}),
        (2, {}, ["1", "2", "3"], {}),
        (2, {"api:2": "x"}, ["1", "3"], {"2": "x"}),
        (2, {ARN + "3": "y", "api:5": "z"}, ["1", "2"], {"3": "y"}),
        (0, {}, ["1", "2", "3", "4"], {}),
    ],
)
def test_which_revisions_go(keep: int, used: dict[str, str], gone: list[str], kept: dict[str, str]) -> None:
    chosen = choose([f"{ARN}{number}" for number in (5, 4, 3, 2, 1)], keep, used)
    assert list(chosen.gone) == [ARN + number for number in gone]
    assert chosen.kept == {ARN + number: why for number, why in kept.items()}


def test_the_family_of_a_reference() -> None:
    assert [family_of(text) for text in (ARN + "5", "api:5", "api", "")] == ["api", "api", "api", ""]
