# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Task definitions: what differs and what does not, what is refused, and what a change makes of a template."""

from __future__ import annotations

import copy
import datetime
import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.arns import Names, Place
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.checks import problems
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.differences import diff_text, differences
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.errors import TaskDefinitionError
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.masking import MASK, looks_secret
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.normalise import normalise
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.reading import as_text, read_json, registrable
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.render import Changes, render

Data = dict[str, t.Any]
NAMES = Names(
    place=lambda: Place("aws-cn", "cn-north-1", "123456789012"),
    secret_arn={"db": "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:db-AbCdEf"}.get,
)


def definition(**container: t.Any) -> Data:
    return {
        "family": "web",
        "networkMode": "awsvpc",
        "containerDefinitions": [{"name": "app", "image": "registry.example/web:1", "memory": 128, **container}],
    }


# What a user writes, and what DescribeTaskDefinition makes of it: members filled in, lists in another order.
WRITTEN: Data = {
    "family": "web",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE", "EC2"],
    "cpu": "0.25 vCPU",
    "memory": "0.5GB",
    "containerDefinitions": [
        {
            "name": "app",
            "image": "registry.example/web:1",
            "portMappings": [{"containerPort": 8080}, {"containerPort": 9090}],
            "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
            "healthCheck": {"command": ["CMD", "/check"]},
            "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
        },
        {"name": "agent", "image": "registry.example/agent:1", "essential": False},
    ],
    "volumes": [{"name": "data"}],
}
DESCRIBED: Data = {
    "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7",
    "family": "web",
    "revision": 7,
    "status": "ACTIVE",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["EC2", "FARGATE"],
    "compatibilities": ["EC2", "FARGATE"],
    "requiresAttributes": [{"name": "ecs.capability.task-eni"}],
    "registeredAt": datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc),
    "registeredBy": "arn:aws:iam::123456789012:user/x",
    "cpu": "256",
    "memory": "512",
    "placementConstraints": [],
    "volumes": [{"name": "data", "host": {}}],
    "containerDefinitions": [
        {
            "name": "agent",
            "image": "registry.example/agent:1",
            "cpu": 0,
            "essential": False,
            "portMappings": [],
            "environment": [],
            "mountPoints": [],
            "volumesFrom": [],
            "systemControls": [],
        },
        {
            "name": "app",
            "image": "registry.example/web:1",
            "cpu": 0,
            "essential": True,
            "portMappings": [
                {"containerPort": 9090, "hostPort": 9090, "protocol": "tcp"},
                {"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"},
            ],
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "healthCheck": {"command": ["CMD", "/check"], "interval": 30, "timeout": 5, "retries": 3},
            "mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": False}],
            "volumesFrom": [],
            "systemControls": [],
        },
    ],
}


def test_what_ecs_fills_in_or_reorders_is_no_difference() -> None:
    assert differences(DESCRIBED, WRITTEN) == []
    assert normalise(normalise(DESCRIBED)) == normalise(DESCRIBED)


def test_bridge_mode_is_the_default_on_ec2_and_port_0_means_any() -> None:
    written = {"family": "w", "containerDefinitions": [{"name": "a", "image": "a", "portMappings": [{"containerPort": 80, "hostPort": 0}]}]}
    described = copy.deepcopy(written)
    described["networkMode"] = "bridge"
    described["containerDefinitions"][0]["portMappings"] = [{"containerPort": 80, "protocol": "tcp"}]
    assert differences(described, written) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"image": "registry.example/web:2"}, "image"),
        ({"cpu": 10}, "cpu"),
        ({"essential": False}, "essential"),
        ({"command": ["b", "a"]}, "command"),
        ({"environment": [{"name": "A", "value": ""}]}, "environment.A"),
        ({"secrets": [{"name": "S", "valueFrom": "arn"}]}, "secrets.S"),
        ({"memory": 129}, "memory"),
        ({"healthCheck": {"command": ["x"]}}, "healthCheck.command"),
        ({"aMemberOfNextYear": {"x": 1}}, "aMemberOfNextYear"),
    ],
)
def test_what_is_a_difference(change: Data, field: str) -> None:
    found = differences(definition(command=["a", "b"]), definition(**{"command": ["a", "b"], **change}))
    assert field in [item["field"] for item in found]
    assert {item["container"] for item in found} == {"app"}


def test_a_new_family_differs_in_everything() -> None:
    assert {item["field"] for item in differences(None, definition())} >= {"image", "family", "memory"}


def test_secret_values_are_masked_and_their_change_still_shows() -> None:
    before = definition(environment=[{"name": "DB_PASSWORD", "value": "old-one"}])
    after = definition(environment=[{"name": "DB_PASSWORD", "value": "new-one"}])
    found = differences(before, after)
    assert found == [{"container": "app", "field": "environment.DB_PASSWORD", "before": MASK, "after": MASK}]
    text = diff_text(before, after, "a", "b")
    assert "old-one" not in text["before"]
    assert "new-one" not in text["after"]
    assert text["before"] != text["after"]


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("DB_PASSWORD", "x", True),
        ("PASSWORD", "x", True),
        ("API_KEY", "x", True),
        ("GITHUB_TOKEN", "x", True),
        ("DATABASE_URL", "postgres://user:pw@db/app", True),
        ("ANYTHING", "AKIAIOSFODNN7EXAMPLE", True),
        ("KEY", "-----BEGIN RSA PRIVATE KEY-----", True),
        ("LOG_LEVEL", "info", False),
        ("DATABASE_URL", "postgres://db/app", False),
        ("SECRET_ARN", "arn:aws:x", False),
        ("TOKEN_TTL", "30", False),
        ("AUTHOR", "me", False),
        ("DB_PASSWORD", "", False),
    ],
)
def test_what_looks_like_a_secret(name: str, value: str, secret: bool) -> None:
    assert looks_secret(name, value) is secret


def test_a_description_becomes_registrable() -> None:
    plain = registrable({"taskDefinition": DESCRIBED, "tags": [{"key": "a", "value": "b"}]})
    assert (
        not {"taskDefinitionArn", "revision", "status", "registeredAt", "registeredBy", "requiresAttributes", "compatibilities"}
        & plain.keys()
    )
    assert plain["tags"] == [{"key": "a", "value": "b"}]
    assert plain["containerDefinitions"] == DESCRIBED["containerDefinitions"]


def test_values_get_the_type_that_the_api_wants() -> None:
    written = definition(
        memory="256",
        environment=[{"name": "A", "value": True}, {"name": "B", "value": 5}],
        portMappings=[{"containerPort": "80"}],
        dockerLabels={"n": 1},
        healthCheck={"command": ["x"], "interval": "5"},
    )
    written["cpu"] = 256
    container = registrable(written)["containerDefinitions"][0]
    assert registrable(written)["cpu"] == "256"
    assert container["memory"] == 256
    assert [item["value"] for item in container["environment"]] == ["true", "5"]
    assert container["portMappings"][0]["containerPort"] == 80
    assert container["dockerLabels"] == {"n": "1"}
    assert container["healthCheck"]["interval"] == 5


def test_texts_of_values() -> None:
    assert [as_text(value) for value in (None, False, 1.5, {"a": 1}, "x")] == ["", "false", "1.5", '{"a": 1}', "x"]


@pytest.mark.parametrize(
    ("text", "words"),
    [('{"a": 1,\n  "b" 2}', "file: line 2, column 7"), ("[]", "a mapping is needed"), ("", "line 1, column 1")],
)
def test_malformed_json_says_where(text: str, words: str) -> None:
    with pytest.raises(TaskDefinitionError, match=words):
        read_json(text, "file")


def app(template: Data, **changes: t.Any) -> Data:
    return t.cast("Data", render(template, Changes(containers={"app": changes}), NAMES)["containerDefinitions"][0])


def test_the_template_is_not_touched() -> None:
    template = definition(environment=[{"name": "A", "value": "1"}])
    before = copy.deepcopy(template)
    app(template, environment={"A": "2"}, image="x:1")
    assert template == before


def test_environment_is_merged_and_null_takes_out() -> None:
    template = definition(environment=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])
    assert app(template, environment={"A": 5, "B": None, "C": True})["environment"] == [
        {"name": "A", "value": "5"},
        {"name": "C", "value": "true"},
    ]


def test_secrets_are_merged() -> None:
    template = definition(secrets=[{"name": "A", "valueFrom": "x"}])
    arn = "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/y"
    assert app(template, secrets={"B": "/y"})["secrets"] == [{"name": "A", "valueFrom": "x"}, {"name": "B", "valueFrom": arn}]


def test_plain_members_are_replaced() -> None:
    container = app(
        definition(command=["a"]), command=["b"], entry_point=["c"], cpu="5", memory=200, memory_reservation=100, stop_timeout=9
    )
    assert (container["command"], container["entryPoint"], container["cpu"]) == (["b"], ["c"], 5)
    assert (container["memory"], container["memoryReservation"], container["stopTimeout"]) == (200, 100, 9)


def test_log_options_are_merged_while_the_driver_stays() -> None:
    template = definition(logConfiguration={"logDriver": "awslogs", "options": {"awslogs-group": "/a", "mode": "blocking"}})
    assert app(template, log_configuration={"options": {"awslogs-group": "/b"}})["logConfiguration"] == {
        "logDriver": "awslogs",
        "options": {"awslogs-group": "/b", "mode": "blocking"},
    }
    assert app(template, log_configuration={"log_driver": "json-file"})["logConfiguration"] == {"logDriver": "json-file"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"web": {"image": "x"}}, "there is no container 'web' in the definition. There is: app."),
        ({"app": {"imaeg": "x"}}, "'imaeg' cannot be changed here"),
        ({"app": {"environment": ["A"]}}, "a mapping from name to value"),
        ({"app": {"log_configuration": {"options": {"a": "b"}}}}, "log_driver is needed"),
        ({"app": {"log_configuration": {"driver": "b"}}}, "not driver"),
        ({"app": {"log_configuration": {"log_driver": "b", "options": ["a"]}}}, "options: a mapping from name to value"),
        ({"app": {"image": "Registry/API"}}, "is no image reference"),
    ],
)
def test_what_render_refuses(changes: dict[str, Data], words: str) -> None:
    with pytest.raises(TaskDefinitionError, match=words):
        render(definition(), Changes(containers=changes), NAMES)


def test_a_template_of_another_shape_is_refused_before_it_is_changed() -> None:
    template = definition()
    template["containerDefinitions"][0]["environment"] = {"PASSWORD": "hunter2"}
    with pytest.raises(TaskDefinitionError, match="container app: environment: a list of mappings with name and value") as raised:
        render(template, Changes(containers={"app": {"environment": {"A": "b"}}}), NAMES)
    assert "hunter2" not in str(raised.value.problems)


def test_a_null_change_changes_nothing() -> None:
    assert app(definition(), image=None)["image"] == "registry.example/web:1"


def test_unknown_members_pass_through() -> None:
    assert render({**definition(thing={"x": 1}), "other": 2}, Changes(), NAMES)["other"] == 2


_DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "nginx:1.27",
        "library/nginx",
        "localhost:5000/a/b:c",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/api:1.0.0",
        f"registry.example/api@{_DIGEST}",
        f"registry.example/api:1@{_DIGEST}",
        "a__b/c-d.e:f",
    ],
)
def test_good_images(image: str) -> None:
    assert problems(definition(image=image)) == []


@pytest.mark.parametrize("image", ["", "API", "a b", "api:", "api:a:b", "api@sha256:12", "https://x/y", "-a", "a//b"])
def test_bad_images(image: str) -> None:
    assert [problem for problem in problems(definition(image=image)) if "image" in problem]


def _with(**members: t.Any) -> Data:
    return {**definition(), **members}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (_with(family=None), "family: missing"),
        (_with(family="a b"), "family: 'a b'"),
        (_with(containerDefinitions=[]), "at least one container"),
        (_with(containerDefinitions=["x"]), "containerDefinitions: a list of mappings"),
        (_with(containerDefinitions=[{"image": "a"}]), "containerDefinitions[0].name: missing"),
        (_with(containerDefinitions=definition()["containerDefinitions"] * 2), "there is already a container 'app'"),
        (definition(essential=False), "must be essential"),
        (definition(memory=100, memoryReservation=200), "memory: 100 MiB is below memoryReservation, 200 MiB"),
        (definition(memory=None), "set memory or memoryReservation"),
        (definition(portMappings=[{"containerPort": 80, "hostPort": 81}]), "hostPort 81 is not containerPort 80"),
        (definition(portMappings=[{"containerPort": 70000}]), "not between 1 and 65535"),
        (definition(environment=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]), "A is set more than once"),
        (definition(environment=[{"name": "A", "value": "1"}], secrets=[{"name": "A", "valueFrom": "x"}]), "in environment and in secrets"),
        (definition(mountPoints=[{"sourceVolume": "v", "containerPath": "/v"}]), "there is no volume 'v'"),
        (definition(dependsOn=[{"containerName": "db", "condition": "START"}]), "there is no container 'db'"),
        (definition(command="serve"), "a list of words is needed"),
        ({**definition(memory=600), "memory": "512"}, "512 MiB for the task is below"),
    ],
)
def test_what_is_wrong_is_named(made: Data, words: str) -> None:
    assert any(words in problem for problem in problems(registrable(made))), problems(registrable(made))


def test_every_problem_is_named_at_once() -> None:
    assert len(problems(definition(image="A", memory=10, memoryReservation=20))) == 2
