# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks make of the answers of a survey, where all is text and what nobody answered is an empty string."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError, AnsibleFilterError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.template import Templar
from ansible.vars.manager import VariableManager
from ansible_collections.steadystate.ecs.plugins.filter.answers import answers

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = ROOT / "playbooks"
SPECS = sorted(PLAYBOOKS.glob("*.meta.yml"))
ROLE = yaml.safe_load((ROOT / "roles/app/meta/argument_specs.yml").read_text())["argument_specs"]
DEFAULTS = yaml.safe_load((ROOT / "roles/app/defaults/main.yml").read_text())
# Which option of the role an option of a playbook is for, where that is not told by its name.
OTHER_NAMES = {
    "deploy_floating_tag": "app_floating_tags",
    "promote_image": "app_image_source",
    "promote_profile": "app_image_profile",
    "forecast_fail": "app_forecast_fail",
    "rollback_to": "app_rollback_to",
    "rollback_steps": "app_rollback_steps",
}
DIGEST = f"sha256:{'0' * 64}"
PROMOTED = {"promote_image": f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop-dev/api@{DIGEST}", "app_image_tag": "1.4.0"}

OPTIONS = {
    "tag": {"type": "str", "required": True, "description": "What it is called."},
    "timeout": {"type": "int"},
    "verify": {"type": "bool"},
    "how": {"type": "str", "choices": ["wait", "fail"]},
    "tags": {"type": "list", "elements": "str"},
}


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"tag": "1.0.0"}, {"tag": "1.0.0"}),
        ({"tag": "1.0.0", "timeout": "", "verify": " ", "how": "", "tags": None}, {"tag": "1.0.0"}),
        ({"tag": "1.0.0", "timeout": "900"}, {"tag": "1.0.0", "timeout": 900}),
        ({"tag": "1.0.0", "timeout": 900}, {"tag": "1.0.0", "timeout": 900}),
        ({"tag": "1.0.0", "verify": "true"}, {"tag": "1.0.0", "verify": True}),
        ({"tag": "1.0.0", "verify": "false"}, {"tag": "1.0.0", "verify": False}),
        ({"tag": "1.0.0", "verify": False}, {"tag": "1.0.0", "verify": False}),
        ({"tag": "1.0.0", "timeout": 0}, {"tag": "1.0.0", "timeout": 0}),
        ({"tag": "1.0.0", "how": "fail"}, {"tag": "1.0.0", "how": "fail"}),
        ({"tag": "1.0.0", "tags": "a,b"}, {"tag": "1.0.0", "tags": ["a", "b"]}),
        ({"tag": 1.5}, {"tag": "1.5"}),
        ({"tag": "1.0.0", "awx_job_id": 7}, {"tag": "1.0.0"}),
    ],
)
def test_blank_is_unset_and_the_rest_has_its_type(given: dict[str, Any], taken: dict[str, Any]) -> None:
    assert answers(given, OPTIONS) == taken


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "tag is missing or empty: What it is called."),
        ({"tag": ""}, "tag is missing or empty: What it is called."),
        ({"tag": "1", "timeout": "soon"}, "timeout.*soon"),
        ({"tag": "1", "verify": "perhaps"}, "perhaps"),
        ({"tag": "1", "how": "later"}, "how must be one of: wait, fail, got: later"),
    ],
)
def test_what_cannot_be_used_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(AnsibleFilterError, match=said):
        answers(given, OPTIONS)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        answers({"timeout": "soon"}, OPTIONS)
    assert "tag is missing" in str(refused.value)
    assert "soon" in str(refused.value)


def facts(playbook: str, extra: dict[str, Any], inventory: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the playbook's first tasks set for the service `api` of the inventory `local`, with these extra variables."""
    loader = DataLoader()
    hosts = InventoryManager(loader=loader, sources=[str(ROOT / "inventories/local")])
    variables = VariableManager(loader=loader, inventory=hosts)
    variables._extra_vars = extra
    host = hosts.get_host("api")
    host.vars.update(inventory or {})
    play = Playbook.load(str(PLAYBOOKS / f"{playbook}.yml"), variable_manager=variables, loader=loader).get_plays()[0]
    tasks = {task.name: task for block in play.compile() for task in block.get_tasks()}
    seen = variables.get_vars(play=play, host=host, task=tasks["Read what was asked for"])
    read = Templar(loader=loader, variables=seen).template(tasks["Read what was asked for"].args)
    seen = variables.get_vars(play=play, host=host, task=tasks["Take what was asked for"]) | read
    return dict(Templar(loader=loader, variables=seen).template(tasks["Take what was asked for"].args))


IMAGE = {"app_image_source": "build/image", "app_image_tag": "1.4.0"}
BLANK = {
    playbook.name.removesuffix(".meta.yml"): dict.fromkeys(
        (name for spec in yaml.safe_load(playbook.read_text())["argument_specs"].values() for name in spec["options"]), ""
    )
    for playbook in SPECS
}


@pytest.mark.parametrize(
    ("playbook", "extra", "inventory", "set_to"),
    [
        ("deploy", IMAGE, {}, IMAGE),
        ("deploy", BLANK["deploy"] | IMAGE, {}, IMAGE),
        # Blank stays what the inventory says.
        (
            "deploy",
            BLANK["deploy"] | IMAGE,
            {"app_timeout": 1200, "app_verify": False, "app_floating_tags": ["edge"]},
            IMAGE | {"app_timeout": 1200, "app_verify": False, "app_floating_tags": ["edge"]},
        ),
        (
            "deploy",
            BLANK["deploy"] | IMAGE | {"deploy_timeout": "600", "deploy_verify": "false", "deploy_floating_tag": "latest"},
            {"app_timeout": 1200},
            IMAGE | {"app_timeout": 600, "app_verify": False, "app_floating_tags": ["latest"]},
        ),
        (
            "promote",
            BLANK["promote"] | PROMOTED,
            {},
            {"app_image_source": f"docker://{PROMOTED['promote_image']}", "app_image_digest": DIGEST, "app_image_tag": "1.4.0"},
        ),
        (
            "forecast",
            BLANK["forecast"] | IMAGE | {"forecast_timeout": "60", "forecast_fail": "false"},
            {"app_forecast_fail": True},
            IMAGE | {"app_timeout": 60, "app_forecast_fail": False},
        ),
        ("rollback", {}, {}, {}),
        ("rollback", BLANK["rollback"], {"app_timeout": 1200}, {"app_timeout": 1200}),
        ("rollback", BLANK["rollback"] | {"rollback_steps": "2"}, {}, {"app_rollback_steps": 2}),
        # By the role's own names, as on a command line.
        ("rollback", {"app_rollback_to": "api:3"}, {}, {"app_rollback_to": "api:3"}),
    ],
)
def test_the_playbooks_take_answers_over(playbook: str, extra: dict[str, Any], inventory: dict[str, Any], set_to: dict[str, Any]) -> None:
    taken = facts(playbook, extra, inventory)
    assert taken == {name: DEFAULTS.get(name) for name in taken} | set_to


@pytest.mark.parametrize(
    ("playbook", "extra", "said"),
    [
        ("deploy", BLANK["deploy"], "app_image_source is missing or empty"),
        ("deploy", IMAGE | {"deploy_timeout": "long"}, "deploy_timeout"),
        ("promote", BLANK["promote"], "promote_image is missing or empty"),
        ("rollback", {"rollback_steps": "all"}, "rollback_steps"),
    ],
)
def test_the_playbooks_refuse_what_they_cannot_use(playbook: str, extra: dict[str, Any], said: str) -> None:
    with pytest.raises(AnsibleError) as refused:
        facts(playbook, extra)
    assert said in str(refused.value) + str(refused.value.__cause__)


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.name)
def test_every_playbook_has_its_specification_and_every_option_is_used_and_as_the_role_says(spec: Path) -> None:
    name = spec.name.removesuffix(".meta.yml")
    said = yaml.safe_load(spec.read_text())["argument_specs"]
    assert list(said) == [name]
    playbook = (PLAYBOOKS / f"{name}.yml").read_text()
    role = ROLE[name if name in ("forecast", "rollback") else "main"]["options"]
    for option, rules in said[name]["options"].items():
        # What has to be given needs no turning into what it is when it is a text.
        taken = rf"\b(answers\.)?{option}\b" if rules.get("required") and rules["type"] == "str" else rf"\banswers\.{option}\b"
        assert re.search(taken, playbook), f"{option} is asked for and not used"
        # What is not asked stays what inventory and role say: a default here would win over both.
        assert "default" not in rules, option
        # What the role has nothing to do with is the playbook's own.
        if name not in ("deploy", "forecast", "promote", "rollback") or option == "rollback_after":
            continue
        there = role[OTHER_NAMES.get(option, option.replace(f"{name}_", "app_", 1))]
        assert {"path": "str"}.get(there["type"], there["type"]) == rules["type"] or option in OTHER_NAMES, option
        assert there.get("choices") == rules.get("choices"), option
        assert bool(rules.get("required")) == bool(there.get("required")), option


def test_every_playbook_has_a_specification() -> None:
    assert {path.stem for path in PLAYBOOKS.glob("*.yml") if not path.name.endswith(".meta.yml")} == set(BLANK)
