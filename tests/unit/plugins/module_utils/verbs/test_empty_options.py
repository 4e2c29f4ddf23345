# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No verb takes an empty text for an option that has to name something."""

from __future__ import annotations

import importlib
import pathlib
import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils import _verb
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Verb, VerbFailure, refuse_empty

PACKAGE = "ansible_collections.steadystate.ecs.plugins.module_utils._verbs"
NAMES = sorted(path.stem for path in (pathlib.Path(str(_verb.__file__)).parent / "_verbs").glob("[a-z]*.py"))


def verb(name: str) -> Verb:
    found: Verb = importlib.import_module(f"{PACKAGE}.{name}").VERB
    return found


def needed(of: Verb) -> list[str]:
    one_of = {option for group in of.required_one_of for option in group}
    return [
        option
        for option, settings in of.argument_spec.items()
        if settings["type"] in ("str", "path") and (settings.get("required") or option in one_of)
    ]


@pytest.mark.parametrize(("name", "option"), [(name, option) for name in NAMES for option in needed(verb(name))])
def test_an_empty_text_is_refused_with_the_name_of_the_option(name: str, option: str) -> None:
    with pytest.raises(VerbFailure, match=f"^{option}: this is '', which names nothing. Give it a value"):
        refuse_empty(verb(name), {option: ""})
    refuse_empty(verb(name), {option: "api"})


@pytest.mark.parametrize(
    ("name", "params", "path"),
    [
        ("ecs_service_info", {"services": ["api", ""]}, "services"),
        ("ecs_service_wait", {"services": [{"service": "api"}, {"service": ""}]}, "services.service"),
        ("ecs_service", {"load_balancers": [{"container_name": "", "target_group_arn": "x"}]}, "load_balancers.container_name"),
    ],
)
def test_inside_of_lists_and_mappings_too(name: str, params: dict[str, t.Any], path: str) -> None:
    with pytest.raises(VerbFailure, match=f"^{path}: this is"):
        refuse_empty(verb(name), params)


def test_what_may_be_empty_stays_so() -> None:
    refuse_empty(verb("ecs_deploy_lock"), {"name": "x", "purpose": "", "owner": ""})
    refuse_empty(verb("ecs_service_wait"), {"service": "api", "services": None, "probe_url": ""})
