# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render and register: where a definition comes from, and when a revision is made."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_task_definition import VERB as REGISTER
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_task_definition_render import VERB as RENDER
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import CLUSTER, SERVICE, FakeEcs
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.running import Stage

TEMPLATE: dict[str, t.Any] = {
    "family": "api",
    "networkMode": "awsvpc",
    "containerDefinitions": [
        {"name": "app", "image": "registry.example/api:1", "memory": 128, "portMappings": [{"containerPort": 8080}]},
    ],
}


def test_from_a_mapping(stage: Stage, ecs: FakeEcs) -> None:
    result = stage.run(RENDER, template=TEMPLATE, containers={"app": {"image": "registry.example/api:2"}})
    assert not result["changed"]
    assert result["different"]
    assert result["task_definition"]["containerDefinitions"][0]["image"] == "registry.example/api:2"
    assert not ecs.calls


@pytest.mark.parametrize("entries", [[{"name": "app", "cpu": "64"}], {"app": {"cpu": "64"}}])
def test_changes_as_a_list_or_by_name(stage: Stage, entries: t.Any) -> None:
    result = stage.run(RENDER, template=TEMPLATE, containers=entries)
    assert result["task_definition"]["containerDefinitions"][0]["cpu"] == 64


@pytest.mark.parametrize(
    ("containers", "words"),
    [
        ([{"image": "a"}], "needs the name"),
        ([{"name": "app"}, {"name": "app"}], "listed twice"),
        ("app", "a list of mappings"),
        ({"web": {"image": "a"}}, "There is: app"),
    ],
)
def test_changes_that_make_no_sense(stage: Stage, containers: t.Any, words: str) -> None:
    with pytest.raises(VerbFailure, match=words):
        stage.run(RENDER, template=TEMPLATE, containers=containers)


def test_from_a_json_file(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "definition.json"
    path.write_text('{"family": "api", "containerDefinitions": [{"name": "app", "image": "a:1", "memory": 64}]}')
    assert stage.run(RENDER, template_file=str(path), family="other")["task_definition"]["family"] == "other"


def test_from_a_yaml_file(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "definition.yml"
    path.write_text("family: api\ncontainerDefinitions:\n  - {name: app, image: 'a:1', memory: 64}\n")
    assert stage.run(RENDER, template_file=str(path))["task_definition"]["family"] == "api"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", '{"family": "x",\n "containerDefinitions": [,]}', "line 2, column 27"),
        ("a.yml", "family: x\ncontainerDefinitions: [\n", "line 3, column 1"),
        ("b.yml", "- family", "a mapping is needed"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(stage: Stage, tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(VerbFailure, match=words):
        stage.run(RENDER, template_file=str(tmp_path / name))


def test_a_missing_file(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(VerbFailure, match="cannot be read"):
        stage.run(RENDER, template_file=str(tmp_path / "none.json"))


def test_from_what_the_service_runs(stage: Stage, ecs: FakeEcs) -> None:
    ecs.define(1)
    ecs.begin(ecs.define(2))
    result = stage.run(RENDER, service=SERVICE, cluster=CLUSTER, containers={"app": {"memory": 256}})
    assert result["source"] == "api:2"
    assert "revision" not in result["task_definition"]
    assert result["differences"] == [{"container": "app", "field": "memory", "before": 128, "after": 256}]


def test_from_a_revision_that_is_not_there(stage: Stage) -> None:
    with pytest.raises(VerbFailure, match="there is no task definition api:9"):
        stage.run(RENDER, task_definition="api:9")


def test_registering_twice_makes_one_revision(stage: Stage, ecs: FakeEcs) -> None:
    first = stage.run(REGISTER, definition=TEMPLATE)
    assert first["changed"]
    assert first["revision"] == 1
    ecs.definitions[first["task_definition_arn"]]["containerDefinitions"][0].update(cpu=0, essential=True, environment=[])
    second = stage.run(REGISTER, definition=TEMPLATE)
    assert not second["changed"]
    assert second["task_definition_arn"] == first["task_definition_arn"]
    assert ecs.count("register_task_definition") == 1


def test_check_mode_registers_nothing_and_shows_the_difference(stage: Stage, ecs: FakeEcs) -> None:
    stage.run(REGISTER, definition=TEMPLATE)
    changed = {**TEMPLATE, "containerDefinitions": [{**TEMPLATE["containerDefinitions"][0], "image": "registry.example/api:2"}]}
    result = stage.run(REGISTER, check=True, definition=changed)
    assert result["changed"]
    assert result["task_definition_arn"] is None
    assert "image: registry.example/api:1" in result["diff"]["before"]
    assert "image: registry.example/api:2" in result["diff"]["after"]
    assert ecs.count("register_task_definition") == 1


def test_a_definition_that_ecs_would_refuse_is_not_sent(stage: Stage, ecs: FakeEcs) -> None:
    with pytest.raises(VerbFailure, match="image: missing"):
        stage.run(REGISTER, definition={"family": "api", "containerDefinitions": [{"name": "app", "memory": 64}]})
    assert not ecs.calls


def test_no_secret_value_is_shown(stage: Stage) -> None:
    stage.run(REGISTER, definition=TEMPLATE)
    secret = [{"name": "DB_PASSWORD", "value": "hunter2"}]
    changed = {**TEMPLATE, "containerDefinitions": [{**TEMPLATE["containerDefinitions"][0], "environment": secret}]}
    with pytest.raises(VerbFailure, match="DB_PASSWORD looks like a secret") as failure:
        stage.run(REGISTER, definition=changed)
    result = stage.run(REGISTER, definition=changed, allow_plain=["DB_PASSWORD"])
    assert "hunter2" not in failure.value.message + str(failure.value.result)
    assert "hunter2" not in str(result["diff"]) + str(result["differences"]) + "".join(stage.said)


def test_a_member_that_botocore_does_not_know_is_registered_and_pointed_out(stage: Stage, ecs: FakeEcs) -> None:
    container = {**TEMPLATE["containerDefinitions"][0], "newGauge": {"level": 3}}
    rendered = stage.run(RENDER, template={**TEMPLATE, "containerDefinitions": [container]})
    result = stage.run(REGISTER, definition=rendered["task_definition"])
    assert result["task_definition"]["containerDefinitions"][0]["newGauge"] == {"level": 3}
    sent = next(request for name, request in ecs.calls if name == "register_task_definition")
    assert sent["containerDefinitions"][0]["newGauge"] == {"level": 3}
    assert stage.warned[0].startswith("containerDefinitions.newGauge: botocore ")
    assert not stage.run(REGISTER, definition=rendered["task_definition"])["changed"]
