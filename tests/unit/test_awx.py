# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The surveys are those of the playbooks and obey AWX's rules; the objects of AWX refer to each other and to playbooks that are there."""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path
from typing import Any

import ansible
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROOT = Path(__file__).resolve().parents[2]
AWX = ROOT / "awx"
FILES = sorted((AWX / "surveys").glob("*.json"))


class _Loader(yaml.SafeLoader):
    """Reads what Ansible marks as no template as the text that it is."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))
OBJECTS = yaml.load((AWX / "objects.yml").read_text(), Loader=_Loader)
TEMPLATES = {template["name"]: template for template in OBJECTS["controller_templates"]}
KINDS = {"text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect"}


def _generator() -> Any:
    spec = importlib.util.spec_from_file_location("awx_surveys", AWX / "surveys.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = _generator()


def test_the_files_are_what_the_generator_writes() -> None:
    written = {path.stem: path.read_text() for path in FILES}
    assert written == {name: GENERATOR.text(survey) for name, survey in GENERATOR.surveys().items()}, "run: python awx/surveys.py"


def test_a_type_that_no_question_fits_is_refused() -> None:
    with pytest.raises(ValueError, match=r"tags: .* type dict"):
        GENERATOR.question("tags", {"type": "dict", "description": "Tags."})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_surveys_keep_the_rules_of_awx(path: Path) -> None:
    """Those that AWX's API checks when a survey is posted (JobTemplateSurveySpec._validate_spec_data)."""
    survey = json.loads(path.read_text())
    assert isinstance(survey["name"], str)
    assert isinstance(survey["description"], str)
    assert survey["spec"]
    variables = [item["variable"] for item in survey["spec"]]
    assert len(set(variables)) == len(variables)
    for item in survey["spec"]:
        assert item["type"] in KINDS
        assert isinstance(item["question_name"], str)
        assert item["question_name"]
        assert isinstance(item["required"], bool)
        assert all(isinstance(item[limit], int | None) for limit in ("min", "max"))
        if item["type"].startswith("multi"):
            assert item["choices"]
            assert item["default"] in ["", *item["choices"]]
        else:
            assert item["default"] == ""


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=list(TEMPLATES))
def test_templates_have_their_playbook_inventory_survey_and_variables(template: dict[str, Any]) -> None:
    playbook = ROOT / template["playbook"]
    assert playbook.is_file()
    assert (ROOT / "inventories" / template["inventory"] / "hosts.yml").is_file()
    # The survey of a template is that of its playbook.
    assert template.get("survey", playbook.stem) == playbook.stem
    assert "survey" not in template or (AWX / "surveys" / f"{playbook.stem}.json").is_file()
    options = yaml.safe_load(playbook.with_suffix(".meta.yml").read_text())["argument_specs"][playbook.stem]["options"]
    assert set(template.get("extra_vars", {})) <= set(options)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_survey_asks_for_what_the_playbook_takes_in_its_types_and_choices(path: Path) -> None:
    """From the two files alone, without what writes the one from the other."""
    options = yaml.safe_load((ROOT / "playbooks" / f"{path.stem}.meta.yml").read_text())["argument_specs"][path.stem]["options"]
    questions = {item["variable"]: item for item in json.loads(path.read_text())["spec"]}
    assert list(questions) == list(options)
    for name, item in questions.items():
        kind = options[name]["type"]
        choices = ["true", "false"] if kind == "bool" else options[name].get("choices", "")
        assert item["type"] == ("multiplechoice" if choices else {"int": "integer", "str": "text"}[kind]), name
        assert item["choices"] == choices, name
        assert item["required"] is options[name].get("required", False), name
        # Blank leaves what the inventory says, and that is the only default that a playbook has.
        assert (item["default"], "default" in options[name]) == ("", False), name


def _module(name: str) -> dict[str, Any]:
    """The documentation of a module of awx.awx, which comes with the PyPI package `ansible` and is held to equal its argument spec."""
    modules = Path(ansible.__file__).parents[1] / "ansible_collections/awx/awx/plugins/modules"
    for node in ast.parse((modules / f"{name}.py").read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            found: dict[str, Any] = yaml.safe_load(ast.literal_eval(node.value))
            return found
    raise AssertionError(f"awx.awx.{name} has no documentation")


def _spec(options: dict[str, Any]) -> dict[str, Any]:
    rules = ("type", "elements", "choices", "required", "aliases")
    spec = {name: {rule: option[rule] for rule in rules if rule in option} for name, option in options.items()}
    for name, option in options.items():
        inner = option.get("suboptions")
        # The documentation says what is in a list of nodes' names without saying that they are mappings.
        if inner and all("type" in item for item in inner.values()):
            spec[name]["options"] = _spec(inner)
    return spec


def _given() -> list[tuple[str, str, dict[str, Any]]]:
    """What `awx/apply.yml` gives to each module for each object: the module, the object's name, and the options."""
    loader = DataLoader()
    (play,) = loader.load_from_file(str(AWX / "apply.yml"), trusted_as_template=True)
    objects = loader.load_from_file(str(AWX / "objects.yml"), trusted_as_template=True)
    loader.set_basedir(str(AWX))
    found = []
    for task in play["tasks"]:
        (module,) = (key for key in task if key.startswith("awx.awx."))
        items = Templar(loader=loader, variables=objects).template(task["loop"])
        for item in items:
            templar = Templar(loader=loader, variables={**objects, "item": item, **task.get("vars", {})})
            found.append((module.removeprefix("awx.awx."), item["name"], templar.template(task[module])))
    return found


def _said(value: Any) -> Any:
    """Without the options that were left out, all the way down."""
    if isinstance(value, dict):
        return {key: _said(item) for key, item in value.items() if item is not None}
    return [_said(item) for item in value] if isinstance(value, list) else value


GIVEN = _given()


@pytest.mark.parametrize(("module", "name", "options"), GIVEN, ids=[f"{module}: {name}" for module, name, _options in GIVEN])
def test_an_object_reaches_its_module_as_the_module_takes_it(module: str, name: str, options: dict[str, Any]) -> None:
    found = ArgumentSpecValidator(_spec(_module(module)["options"])).validate(options)
    assert not found.error_messages
    # What is a text here would be turned into a list or a boolean there; that it is one already shows that nothing was mistaken.
    assert _said(found.validated_parameters) == _said(options)


def test_jobs_have_the_credentials_of_their_inventory_and_failures_are_told() -> None:
    templates = {name: options for module, name, options in GIVEN if module == "job_template"}
    credentials = {name for module, name, _options in GIVEN if module == "credential"}
    told = {name for module, name, _options in GIVEN if module == "notification_template"}
    for name, options in templates.items():
        assert options["credentials"] == [f"AWS {options['inventory']}"], name
        assert set(options["credentials"]) <= credentials
        # Whatever changes what runs, or compares it, says when it fails.
        changes = any(word in options["playbook"] for word in ("deploy", "promote", "rollback")) or name.startswith("drift")
        assert options["notification_templates_error"] == (["releases"] if changes else []), name
        # A job that only compares succeeds when it has found something.
        assert options["notification_templates_success"] == (["releases"] if name.startswith("drift") else []), name
    (ship,) = (options for module, _name, options in GIVEN if module == "workflow_job_template")
    assert ship["notification_templates_approvals"] == ["releases"]
    assert told == {"releases"}


def test_what_is_told_is_json() -> None:
    (options,) = (options for module, _name, options in GIVEN if module == "notification_template")
    for message in options["messages"].values():
        assert set(json.loads(message["body"])) == {"text"}


def test_a_forecast_can_change_nothing() -> None:
    found = [template for template in TEMPLATES.values() if template["playbook"].endswith("forecast.yml")]
    assert {template["inventory"] for template in found} == {"dev", "prod"}
    assert all(template["job_type"] == "check" for template in found)


def test_what_removes_asks_first_and_is_not_there_for_prod() -> None:
    removing = [template for template in TEMPLATES.values() if "teardown" in template["playbook"]]
    assert [template["inventory"] for template in removing] == ["dev"]
    (question,) = (item for item in GENERATOR.surveys()["teardown"]["spec"] if item["variable"] == "teardown_environment")
    assert question["required"]


def test_the_workflow_refers_to_nodes_and_templates_that_are_there() -> None:
    (workflow,) = OBJECTS["controller_workflows"]
    nodes = {node["identifier"]: node for node in workflow["simplified_workflow_nodes"]}
    for node in nodes.values():
        assert ("approval" in node) != (node.get("unified_job_template") in TEMPLATES)
        assert {*node.get("success_nodes", []), *node.get("failure_nodes", [])} <= set(nodes)
    # Nothing reaches prod without an approval, and what fails in dev is put back.
    assert [name for name, node in nodes.items() if "promote" in node.get("success_nodes", [])] == ["approve"]
    assert all(nodes[name]["failure_nodes"] == ["rollback"] for name in ("deploy", "verify"))


def test_schedules_run_templates_that_change_nothing() -> None:
    for schedule in OBJECTS["controller_schedules"]:
        assert TEMPLATES[schedule["unified_job_template"]]["job_type"] == "check"


def test_what_a_step_takes_is_what_a_deploy_hands_on() -> None:
    tasks = (ROOT / "playbooks/tasks/deployed.yml").read_text()
    handed_on = {f"steadystate_{name}" for name in yaml.safe_load(tasks)[0]["vars"]["result"]}
    taken = {
        name
        for template in TEMPLATES.values()
        for value in template.get("extra_vars", {}).values()
        for name in value.split()
        if "_" in name
    }
    assert taken == {"steadystate_image", "steadystate_revision", "steadystate_verdict"}
    assert taken <= handed_on


def test_the_workflow_reaches_the_module_as_it_takes_it() -> None:
    """What `awx/apply.yml` makes of the nodes; the module's own documentation shows this form."""
    (play,) = yaml.safe_load((AWX / "apply.yml").read_text())
    (task,) = (task for task in play["tasks"] if "awx.awx.workflow_job_template" in task)
    item = OBJECTS["controller_workflows"][0] | {"organization": "Default"}
    nodes = Templar(loader=DataLoader(), variables={"item": item}).template(trust_as_template(task["vars"]["nodes"]))
    found = {node["identifier"]: node for node in nodes}
    assert list(found) == [node["identifier"] for node in item["simplified_workflow_nodes"]]
    assert found["deploy"] == {
        "identifier": "deploy",
        "unified_job_template": {"type": "job_template", "name": "deploy dev", "organization": {"name": "Default"}},
        "related": {"success_nodes": [{"identifier": "verify"}], "failure_nodes": [{"identifier": "rollback"}]},
    }
    assert found["approve"]["unified_job_template"] == {"type": "workflow_approval", "name": "Promote to prod", "timeout": 86400}
