# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every change that can be made to a container and to a task, against the API's own list of members."""

from __future__ import annotations

import copy
import typing as t

import botocore.session
import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.arns import Names, Place
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.changes import CONTAINER_CHANGES, TASK_CHANGES
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.differences import differences
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.errors import TaskDefinitionError
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.normalise import normalise
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.reading import _BOOLEANS, _INTEGERS, DESCRIBE_ONLY, registrable
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.render import Changes, render
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.spelling import USER_KEYS, camel, snake

Data = dict[str, t.Any]
MODEL = botocore.session.get_session().get_service_model("ecs")
REGISTER = MODEL.operation_model("RegisterTaskDefinition").input_shape
DESCRIBED = MODEL.shape_for("TaskDefinition")
CONTAINER = MODEL.shape_for("ContainerDefinition")
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"


def no_name() -> Place:
    raise AssertionError("no name had to become an ARN")


NOTHING_ASKED = Names(place=no_name, secret_arn=lambda _name: pytest.fail("no secret had to be found"))
NAMES = Names(place=lambda: Place("aws", "eu-west-1", "123456789012"), secret_arn={"db": SECRET}.get)


def template(**container: t.Any) -> Data:
    return {"family": "web", "containerDefinitions": [{"name": "app", "image": "web:1", "memory": 128, **container}]}


def changed(start: Data, names: Names = NAMES, **changes: t.Any) -> Data:
    made = render(start, Changes(containers={"app": changes}), names)
    return t.cast("Data", made["containerDefinitions"][0])


def leaves(shape: t.Any, seen: frozenset[str] = frozenset()) -> t.Iterator[tuple[str, str]]:
    """Every member of a shape, however deep, with its type."""
    if shape.type_name == "list":
        yield from leaves(shape.member, seen)
    elif shape.type_name == "structure" and shape.name not in seen:
        for name, member in shape.members.items():
            inner = member
            while inner.type_name == "list":
                inner = inner.member
            yield name, inner.type_name
            yield from leaves(inner, seen | {shape.name})


def sample(shape: t.Any, name: str = "") -> t.Any:
    """A value for a shape with every member of it set."""
    if shape.type_name == "structure":
        return {key: sample(member, key) for key, member in shape.members.items()}
    if shape.type_name == "list":
        return [sample(shape.member, name)]
    if shape.type_name == "map":
        return {"someKey": "some_value"}
    return {"integer": 7, "long": 7, "boolean": True, "double": 0.5, "timestamp": "2026-11-21"}.get(shape.type_name, f"a {name}")


def test_what_only_a_description_has_is_what_the_model_says() -> None:
    assert set(DESCRIBED.members) - set(REGISTER.members) == DESCRIBE_ONLY


def test_every_member_of_a_description_goes_around_but_those() -> None:
    described = sample(DESCRIBED)
    expected = {key: value for key, value in described.items() if key not in DESCRIBE_ONLY}
    assert registrable({"taskDefinition": described, "tags": [{"key": "a", "value": "b"}]}) == {
        **expected,
        "tags": [{"key": "a", "value": "b"}],
    }
    assert registrable(described) == expected
    assert set(expected) | {"tags"} == set(REGISTER.members)


def test_every_member_survives_being_compared() -> None:
    described = sample(DESCRIBED)
    assert differences(described, registrable(described)) == []
    assert normalise(normalise(described)) == normalise(described)


def test_numbers_and_truths_are_what_the_model_says() -> None:
    types = dict(leaves(REGISTER))
    # Of a task these two are texts.
    types.update(cpu="integer", memory="integer")
    assert {name for name, kind in types.items() if kind in ("integer", "long")} - {"ignoredExitCodes"} == _INTEGERS
    assert {name for name, kind in types.items() if kind == "boolean"} == _BOOLEANS
    maps = {name for name, kind in types.items() if kind == "map"}
    assert maps == USER_KEYS


def test_texts_of_numbers_and_truths_become_them() -> None:
    start = template(
        essential="true",
        restartPolicy={"enabled": "True", "restartAttemptPeriod": "60"},
        linuxParameters={"tmpfs": [{"containerPath": "/t", "size": "64"}], "initProcessEnabled": "false"},
        environment=[{"name": "ESSENTIAL", "value": "true"}, {"name": "N", "value": None}],
    )
    container = registrable({**start, "ephemeralStorage": {"sizeInGiB": "30"}, "cpu": 256})["containerDefinitions"][0]
    assert container["essential"] is True
    assert container["restartPolicy"] == {"enabled": True, "restartAttemptPeriod": 60}
    assert container["linuxParameters"] == {"tmpfs": [{"containerPath": "/t", "size": 64}], "initProcessEnabled": False}
    assert [item["value"] for item in container["environment"]] == ["true", ""]


@pytest.mark.parametrize("name", sorted({name for name, _kind in leaves(REGISTER)}))
def test_every_member_can_be_spelled_both_ways(name: str) -> None:
    assert camel(snake(name)) == name
    assert camel(name) == name


def test_every_member_of_a_container_can_be_changed() -> None:
    named = {camel(name) for name in CONTAINER_CHANGES}
    assert set(CONTAINER.members) - {"name"} <= named


def test_every_member_of_a_task_can_be_changed_or_is_for_members() -> None:
    named = {camel(name) for name in TASK_CHANGES} | {"taskRoleArn", "executionRoleArn", "containerDefinitions"}
    assert set(REGISTER.members) - named == {"proxyConfiguration", "inferenceAccelerators", "trustedExecutionConfiguration"}


VALUES = [
    ("image", "web:2", "image", "web:2"),
    ("cpu", "64", "cpu", 64),
    ("memory", "256", "memory", 256),
    ("memory_reservation", 64, "memoryReservation", 64),
    ("start_timeout", 30, "startTimeout", 30),
    ("stop_timeout", 60, "stopTimeout", 60),
    ("essential", True, "essential", True),
    ("user", "1000:1000", "user", "1000:1000"),
    ("working_directory", "/srv", "workingDirectory", "/srv"),
    ("hostname", "web", "hostname", "web"),
    ("readonly_root_filesystem", True, "readonlyRootFilesystem", True),
    ("privileged", False, "privileged", False),
    ("interactive", True, "interactive", True),
    ("pseudo_terminal", True, "pseudoTerminal", True),
    ("disable_networking", True, "disableNetworking", True),
    ("version_consistency", "disabled", "versionConsistency", "disabled"),
    ("command", ["sh", "-c", "echo hi = there"], "command", ["sh", "-c", "echo hi = there"]),
    ("entry_point", ["/bin/serve"], "entryPoint", ["/bin/serve"]),
    ("links", ["db"], "links", ["db"]),
    ("dns_servers", ["10.0.0.2"], "dnsServers", ["10.0.0.2"]),
    ("dns_search_domains", ["internal"], "dnsSearchDomains", ["internal"]),
    ("docker_security_options", ["no-new-privileges"], "dockerSecurityOptions", ["no-new-privileges"]),
    ("credential_specs", ["credentialspec:arn"], "credentialSpecs", ["credentialspec:arn"]),
    ("extra_hosts", [{"hostname": "a", "ip_address": "10.0.0.1"}], "extraHosts", [{"hostname": "a", "ipAddress": "10.0.0.1"}]),
    ("volumes_from", [{"source_container": "a", "read_only": True}], "volumesFrom", [{"sourceContainer": "a", "readOnly": True}]),
    ("system_controls", [{"namespace": "net.a", "value": "1"}], "systemControls", [{"namespace": "net.a", "value": "1"}]),
    ("resource_requirements", [{"type": "GPU", "value": "1"}], "resourceRequirements", [{"type": "GPU", "value": "1"}]),
    ("repository_credentials", {"credentials_parameter": SECRET}, "repositoryCredentials", {"credentialsParameter": SECRET}),
    ("restart_policy", {"enabled": True, "ignored_exit_codes": [0]}, "restartPolicy", {"enabled": True, "ignoredExitCodes": [0]}),
    (
        "firelens_configuration",
        {"type": "fluentbit", "options": {"config_file": "x"}},
        "firelensConfiguration",
        {"type": "fluentbit", "options": {"config_file": "x"}},
    ),
    (
        "health_check",
        {"command": ["CMD", "/check"], "start_period": 5},
        "healthCheck",
        {"command": ["CMD", "/check"], "startPeriod": 5},
    ),
    (
        "linux_parameters",
        {"init_process_enabled": True, "capabilities": {"drop": ["ALL"]}, "tmpfs": [{"container_path": "/t", "size": 64}]},
        "linuxParameters",
        {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}, "tmpfs": [{"containerPath": "/t", "size": 64}]},
    ),
    ("port_mappings", [8080], "portMappings", [{"containerPort": 8080}]),
    (
        "port_mappings",
        [{"container_port": 80, "host_port": 8080, "app_protocol": "http2"}],
        "portMappings",
        [{"containerPort": 80, "hostPort": 8080, "appProtocol": "http2"}],
    ),
    ("ulimits", {"nofile": 1024}, "ulimits", [{"name": "nofile", "softLimit": 1024, "hardLimit": 1024}]),
    ("ulimits", {"core": {"soft": 1, "hard": -1}}, "ulimits", [{"name": "core", "softLimit": 1, "hardLimit": -1}]),
    ("ulimits", [{"name": "cpu", "soft_limit": 1, "hard_limit": 2}], "ulimits", [{"name": "cpu", "softLimit": 1, "hardLimit": 2}]),
    ("environment_files", ["arn:aws:s3:::b/a.env"], "environmentFiles", [{"value": "arn:aws:s3:::b/a.env", "type": "s3"}]),
    ("docker_labels", {"team": "web", "traefik.rule": "Query(`k=v`)"}, "dockerLabels", {"team": "web", "traefik.rule": "Query(`k=v`)"}),
    ("members", {"aMemberOfNextYear": {"x_y": 1}}, "aMemberOfNextYear", {"x_y": 1}),
    (
        "log_configuration",
        {"log_driver": "awslogs", "options": {"awslogs-group": "/a", "awslogs-datetime-format": "%Y=%m"}},
        "logConfiguration",
        {"logDriver": "awslogs", "options": {"awslogs-group": "/a", "awslogs-datetime-format": "%Y=%m"}},
    ),
]


@pytest.mark.parametrize(("option", "value", "member", "expected"), VALUES, ids=[f"{row[0]}-{index}" for index, row in enumerate(VALUES)])
def test_a_container_is_changed(option: str, value: t.Any, member: str, expected: t.Any) -> None:
    assert changed(template(), NOTHING_ASKED, **{option: value})[member] == expected


def test_every_change_of_a_container_is_in_a_test() -> None:
    elsewhere = {name for name in CONTAINER_CHANGES if name.startswith(("environment", "secrets", "docker_labels"))}
    assert set(CONTAINER_CHANGES) == {row[0] for row in VALUES} | elsewhere | {"mount_points", "depends_on"}


def test_mounts_and_dependencies() -> None:
    changes = Changes(
        containers={
            "app": {
                "mount_points": [{"source_volume": "data", "container_path": "/data", "read_only": True}],
                "depends_on": [{"container_name": "db", "condition": "START"}],
            }
        },
        added={"db": {"image": "db:1", "memory": 64}},
        task={"volumes": [{"name": "data", "efs_volume_configuration": {"file_system_id": "fs-1", "root_directory": "/"}}]},
    )
    made = render(template(), changes, NOTHING_ASKED)
    assert made["containerDefinitions"][0]["mountPoints"] == [{"sourceVolume": "data", "containerPath": "/data", "readOnly": True}]
    assert made["containerDefinitions"][0]["dependsOn"] == [{"containerName": "db", "condition": "START"}]
    assert made["volumes"] == [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/"}}]


START = {
    "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    "secrets": [{"name": "S", "valueFrom": "/s"}, {"name": "T", "valueFrom": "/t"}],
    "dockerLabels": {"a": "1", "b": "2"},
}


@pytest.mark.parametrize(
    ("changes", "member", "expected"),
    [
        ({"environment_mode": "replace", "environment": {"C": 3}}, "environment", [{"name": "C", "value": "3"}]),
        ({"environment_mode": "replace"}, "environment", None),
        ({"environment_mode": "merge", "environment": {"A": ""}}, "environment", [{"name": "A", "value": ""}, START["environment"][1]]),
        ({"environment_remove": ["A", "none"]}, "environment", [START["environment"][1]]),
        ({"environment_remove": ["A"], "environment": {"A": "9"}}, "environment", [START["environment"][1], {"name": "A", "value": "9"}]),
        ({"environment": {"A": True, "B": None}}, "environment", [{"name": "A", "value": "true"}]),
        ({"secrets_mode": "replace", "secrets": {"U": SECRET}}, "secrets", [{"name": "U", "valueFrom": SECRET}]),
        ({"secrets_remove": ["S"]}, "secrets", [START["secrets"][1]]),
        ({"secrets": {"S": None}}, "secrets", [START["secrets"][1]]),
        ({"docker_labels": {"a": None, "c": 3}}, "dockerLabels", {"b": "2", "c": "3"}),
        ({"docker_labels_mode": "replace", "docker_labels": {"c": "3"}}, "dockerLabels", {"c": "3"}),
        ({"docker_labels_remove": ["a"]}, "dockerLabels", {"b": "2"}),
    ],
)
def test_merge_replace_and_remove(changes: Data, member: str, expected: t.Any) -> None:
    start = template(**copy.deepcopy(START))
    assert changed(start, NOTHING_ASKED, **changes).get(member) == expected
    assert start == template(**START)


TASK_VALUES = [
    ("family", "other", "family", "other"),
    ("cpu", "512", "cpu", "512"),
    ("memory", "1024", "memory", "1024"),
    ("network_mode", "host", "networkMode", "host"),
    ("pid_mode", "task", "pidMode", "task"),
    ("ipc_mode", "none", "ipcMode", "none"),
    ("task_role", "app", "taskRoleArn", "arn:aws:iam::123456789012:role/app"),
    ("execution_role", "team/execution", "executionRoleArn", "arn:aws:iam::123456789012:role/team/execution"),
    ("execution_role", "arn:aws:iam::999999999999:role/x", "executionRoleArn", "arn:aws:iam::999999999999:role/x"),
    ("execution_role", "", "executionRoleArn", None),
    ("requires_compatibilities", ["EC2"], "requiresCompatibilities", ["EC2"]),
    ("runtime_platform", {"cpu_architecture": "ARM64", "operating_system_family": None}, "runtimePlatform", {"cpuArchitecture": "ARM64"}),
    ("volumes", [{"name": "v", "host": {"source_path": "/v"}}], "volumes", [{"name": "v", "host": {"sourcePath": "/v"}}]),
    (
        "volumes",
        [{"name": "v", "docker_volume_configuration": {"driver_opts": {"o_o": "1"}}}],
        "volumes",
        [{"name": "v", "dockerVolumeConfiguration": {"driverOpts": {"o_o": "1"}}}],
    ),
    (
        "placement_constraints",
        [{"type": "memberOf", "expression": "attribute:x == y"}],
        "placementConstraints",
        [{"type": "memberOf", "expression": "attribute:x == y"}],
    ),
    ("ephemeral_storage", 30, "ephemeralStorage", {"sizeInGiB": 30}),
    ("enable_fault_injection", True, "enableFaultInjection", True),
    ("tags", {"team": "web", "n": 1}, "tags", [{"key": "team", "value": "web"}, {"key": "n", "value": "1"}]),
    ("members", {"proxyConfiguration": {"containerName": "app"}}, "proxyConfiguration", {"containerName": "app"}),
    ("members", {"executionRoleArn": None}, "executionRoleArn", None),
]


@pytest.mark.parametrize(("option", "value", "member", "expected"), TASK_VALUES)
def test_a_task_is_changed(option: str, value: t.Any, member: str, expected: t.Any) -> None:
    start = {**template(), "executionRoleArn": "arn:aws:iam::123456789012:role/old"}
    assert render(start, Changes(task={option: value}), NAMES).get(member) == expected


def test_every_change_of_a_task_is_in_that_test() -> None:
    assert {row[0] for row in TASK_VALUES} == set(TASK_CHANGES)


def test_containers_are_added_replaced_and_taken_out() -> None:
    start = {**template(), "containerDefinitions": [*template()["containerDefinitions"], {"name": "old", "image": "old:1", "memory": 64}]}
    changes = Changes(added={"side": {"image": "side:1", "memory": 64, "essential": False}}, removed=["old", "never"])
    made = render(start, changes, NOTHING_ASKED)
    assert [item["name"] for item in made["containerDefinitions"]] == ["app", "side"]
    assert made["containerDefinitions"][1] == {"name": "side", "image": "side:1", "memory": 64, "essential": False}
    assert render(made, changes, NOTHING_ASKED) == made


def test_a_container_that_others_wait_for_cannot_be_taken_out() -> None:
    start = template(dependsOn=[{"containerName": "db", "condition": "START"}])
    start["containerDefinitions"].append({"name": "db", "image": "db:1", "memory": 64})
    with pytest.raises(TaskDefinitionError, match="there is no container 'db'"):
        render(start, Changes(removed=["db"]), NOTHING_ASKED)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"enviroment": {}}, "Is environment meant"),
        ({"zzz": 1}, "is set with members"),
        ({"command": "serve --port 8080"}, "a list of words"),
        ({"mount_points": {"a": "b"}}, "mount_points: a list is needed"),
        ({"health_check": ["CMD"]}, "health_check: a mapping is needed"),
        ({"environment_mode": "append"}, "merge or replace"),
        ({"environment_remove": "A"}, "a list of names"),
        ({"port_mappings": 80}, "a list of ports"),
        ({"environment_files": "x"}, "a list of ARNs"),
        ({"docker_labels": ["a"]}, "a mapping from name to value"),
        ({"members": ["a"]}, "a mapping from name to value"),
        ({"secrets": {"A": {"secret": "none"}}}, "there is no Secrets Manager secret 'none'"),
        ({"image": "A", "memory": 1}, "memory: 1 MiB"),
    ],
)
def test_changes_that_make_no_sense(changes: Data, words: str) -> None:
    with pytest.raises(TaskDefinitionError, match=words):
        changed(template(), **changes)


def test_every_wrong_change_is_named_at_once() -> None:
    with pytest.raises(TaskDefinitionError) as raised:
        render(template(), Changes(containers={"app": {"a": 1, "command": "x"}, "web": {}}, task={"task_role": "a b"}), NAMES)
    assert len(raised.value.problems) == 4
