# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The surveys are those of the playbooks and obey AWX's rules; the objects of AWX refer to each other and to playbooks that are there."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
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
