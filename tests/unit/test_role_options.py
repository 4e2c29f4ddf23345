"""Every option of a role is used by a test, and the few that no play of a test can show reach the module that they are for."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
TESTS = ("tests", "extensions/molecule", "demo", "examples")


# How long to wait, for whom, and who reads: shown by the tests of the modules, not by plays, in which nothing takes that long and local_aws
# knows everybody.
HANDED_ON = [
    ("acm/certificate", "acm_wait_timeout", 4321, "steadystate.ecs.acm_certificate", "wait_timeout"),
    ("alb/wait", "alb_wait_timeout", 4321, "steadystate.ecs.alb_info", "wait_timeout"),
    ("app/push", "app_image_profile", "builds", "steadystate.ecs.ecr_image_push", "source_profile"),
    ("app/service", "app_on_in_progress", "supersede", "steadystate.ecs.ecs_service", "on_in_progress"),
    ("network/vpc", "network_wait_timeout", 4321, "steadystate.ecs.vpc_network", "finish_timeout"),
    ("secrets/restart", "secrets_timeout", 4321, "steadystate.ecs.ecs_service_wait", "timeout"),
]


@cache
def _given() -> dict[str, list[str]]:
    """By option: what follows it, up to a comma, wherever a test gives it a value, in YAML, in JSON, or as an argument."""
    named = re.compile(rf"\b((?:{'|'.join(role.name for role in ROLES)})_\w+)\"?\s*[:=](?!=)[ \t]*([^,\n]*)")
    found: dict[str, list[str]] = {}
    for path in (path for folder in TESTS for kind in ("py", "yml", "json") for path in (ROOT / folder).rglob(f"*.{kind}")):
        for option, value in named.findall(path.read_text()):
            found.setdefault(option, []).append(value)
    return found


def _is(text: str, default: Any) -> bool:
    """Whether what stands in a test is the default. A list of several items is cut at its first comma, and is none."""
    try:
        return bool(yaml.safe_load(text.rstrip(",)}")) == default)
    except yaml.YAMLError:
        return False


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_option_has_a_test_with_another_value_than_its_default(role: Path) -> None:
    entries = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"].values()
    options = {name: option for entry in entries for name, option in entry["options"].items()}
    untested = [
        name
        for name, option in options.items()
        if all("default" in option and _is(value, option["default"]) for value in _given().get(name, []))
    ]
    # Most belong into a play that is run already, the role's scenario of molecule or one of tests/integration, which then asks AWS.
    assert not sorted(set(untested) - {row[1] for row in HANDED_ON})


@pytest.mark.parametrize(("tasks", "option", "value", "module", "argument"), HANDED_ON, ids=[row[1] for row in HANDED_ON])
def test_an_option_reaches_its_module(tasks: str, option: str, value: Any, module: str, argument: str) -> None:
    role, _, name = tasks.partition("/")
    loader = DataLoader()
    found = loader.load_from_file(str(ROOT / "roles" / role / "tasks" / f"{name}.yml"), trusted_as_template=True)
    (arguments,) = [task[module] for task in found if module in task]
    assert Templar(loader=loader, variables={option: value}).template(arguments[argument]) == value
