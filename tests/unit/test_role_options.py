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


@cache
def _words_of_tests() -> frozenset[str]:
    files = [path for folder in TESTS for kind in ("py", "yml", "json") for path in (ROOT / folder).rglob(f"*.{kind}")]
    return frozenset(word for path in files for word in re.findall(r"\w+", path.read_text()))


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_option_has_a_test(role: Path) -> None:
    entries = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"].values()
    options = {name for entry in entries for name in entry["options"]}
    # A test that names an option gives it a value other than the default, and asks AWS what became of it. Most belong into a play that is
    # run already: the role's scenario of molecule, or tests/integration.
    assert not sorted(options - _words_of_tests())


# How long to wait, and for whom: shown by the tests of the modules, not by plays, in which nothing takes that long.
HANDED_ON = [
    ("acm/certificate", "acm_wait_timeout", 4321, "steadystate.ecs.acm_certificate", "wait_timeout"),
    ("alb/wait", "alb_wait_timeout", 4321, "steadystate.ecs.alb_info", "wait_timeout"),
    ("app/service", "app_on_in_progress", "supersede", "steadystate.ecs.ecs_service", "on_in_progress"),
    ("network/vpc", "network_wait_timeout", 4321, "steadystate.ecs.vpc_network", "finish_timeout"),
    ("secrets/restart", "secrets_timeout", 4321, "steadystate.ecs.ecs_service_wait", "timeout"),
]


@pytest.mark.parametrize(("tasks", "option", "value", "module", "argument"), HANDED_ON, ids=[row[1] for row in HANDED_ON])
def test_an_option_reaches_its_module(tasks: str, option: str, value: Any, module: str, argument: str) -> None:
    role, _, name = tasks.partition("/")
    loader = DataLoader()
    found = loader.load_from_file(str(ROOT / "roles" / role / "tasks" / f"{name}.yml"), trusted_as_template=True)
    (arguments,) = [task[module] for task in found if module in task]
    assert Templar(loader=loader, variables={option: value}).template(arguments[argument]) == value
