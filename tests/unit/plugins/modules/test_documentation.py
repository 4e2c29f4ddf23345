# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each verb's documentation says what its argument spec does: options, types, defaults, choices, down to the last suboption."""

from __future__ import annotations

import importlib
import pathlib
import typing as t

import pytest
import yaml
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible_collections.steadystate.ecs.plugins.module_utils._aws.connection import CONNECTION_SPEC

PACKAGE = "ansible_collections.steadystate.ecs.plugins"
PLUGINS = pathlib.Path(__file__).resolve().parents[4] / "plugins"
NAMES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py") if path.stem != "__init__")


def _documentation(name: str) -> dict[str, t.Any]:
    """What the module says, with the options of its fragments; those of the connection are no verb's own."""
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    documentation: dict[str, t.Any] = yaml.safe_load(module.DOCUMENTATION)
    for reference in documentation.get("extends_documentation_fragment", []):
        fragment = reference.removeprefix("steadystate.ecs.").split(".")[0]
        if fragment != "_aws":
            text = importlib.import_module(f"{PACKAGE}.doc_fragments.{fragment}").ModuleDocFragment.DOCUMENTATION
            documentation["options"].update(yaml.safe_load(text)["options"])
    return documentation


def _compare(where: str, documented: dict[str, t.Any], spec: dict[str, t.Any]) -> None:
    assert documented.keys() == spec.keys(), where
    for name, option in spec.items():
        said, place = documented[name], f"{where}.{name}"
        assert said["type"] == option["type"], place
        assert said.get("default") == option.get("default"), place
        assert said.get("choices") == option.get("choices"), place
        assert said.get("elements") == option.get("elements"), place
        assert bool(said.get("required")) == bool(option.get("required")), place
        assert said.get("aliases", []) == option.get("aliases", []), place
        assert said["description"], place
        _compare(place, said.get("suboptions", {}), option.get("options", {}))


@pytest.mark.parametrize("name", NAMES)
def test_options_are_the_argument_spec(name: str) -> None:
    verb = importlib.import_module(f"{PACKAGE}.module_utils._verbs.{name}").VERB
    assert verb.name == name
    _compare(name, _documentation(name)["options"], verb.argument_spec)


def test_the_connection_options_are_the_fragment() -> None:
    fragment = importlib.import_module(f"{PACKAGE}.doc_fragments._aws").ModuleDocFragment.DOCUMENTATION
    _compare("_aws", yaml.safe_load(fragment)["options"], CONNECTION_SPEC)


@pytest.mark.parametrize("name", NAMES)
def test_examples_use_the_module_by_its_full_name_and_its_own_options(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    verb = importlib.import_module(f"{PACKAGE}.module_utils._verbs.{name}").VERB
    options = _documentation(name)["options"].keys() | (CONNECTION_SPEC.keys() if verb.needs_aws else set())
    tasks = yaml.safe_load(module.EXAMPLES)
    used = [task[f"steadystate.ecs.{name}"] for task in tasks if f"steadystate.ecs.{name}" in task]
    assert used
    for arguments in used:
        assert arguments.keys() <= options


@pytest.mark.parametrize("name", NAMES)
def test_return_values_are_described(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    for key, value in yaml.safe_load(module.RETURN).items():
        assert value["description"], key
        assert value["returned"], key
        assert value["type"], key


@pytest.mark.parametrize("name", NAMES)
def test_module_and_action_run_the_same_verb_and_belong_to_the_group(name: str) -> None:
    verb = importlib.import_module(f"{PACKAGE}.module_utils._verbs.{name}").VERB
    assert importlib.import_module(f"{PACKAGE}.modules.{name}").VERB is verb
    assert importlib.import_module(f"{PACKAGE}.action.{name}").ActionModule.VERB is verb
    runtime = yaml.safe_load((PLUGINS.parent / "meta" / "runtime.yml").read_text())
    # The group brings connection options, which a verb that needs no AWS would refuse.
    assert (name in runtime["action_groups"]["aws"]) == verb.needs_aws
    fragments = _documentation(name).get("extends_documentation_fragment", [])
    assert ("steadystate.ecs._aws" in fragments) == verb.needs_aws


def test_the_collection_under_test_is_this_checkout() -> None:
    assert AnsibleCollectionConfig.collection_finder is not None
    verbs = importlib.import_module(f"{PACKAGE}.module_utils._verb")
    assert pathlib.Path(str(verbs.__file__)).resolve().is_relative_to(PLUGINS)
