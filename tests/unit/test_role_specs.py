"""The argument specifications of every role say what its defaults, tasks and metadata do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).resolve().parents[2] / "roles").iterdir() if path.is_dir())
TYPES: dict[str, type | tuple[type, ...]] = {"str": str, "path": str, "int": int, "bool": bool, "list": list, "dict": dict, "float": float}

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.exists() else None


def _entries(role: Path) -> dict[str, Any]:
    return _load(role / "meta" / "argument_specs.yml")["argument_specs"]


def _all_options(options: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every option with its path, those inside others too."""
    found = []
    for name, option in options.items():
        found.append((path + name, option))
        found += _all_options(option.get("options") or {}, f"{path}{name}.")
    return found


def test_there_are_roles() -> None:
    assert ROLES


@each_role
def test_defaults_are_those_of_the_specification(role: Path) -> None:
    defaults = _load(role / "defaults" / "main.yml") or {}
    specified: dict[str, list[Any]] = {}
    for entry in _entries(role).values():
        for name, option in entry["options"].items():
            if "default" in option:
                specified.setdefault(name, []).append(option["default"])
    assert {name: [value] * len(specified.get(name, [None])) for name, value in defaults.items()} == specified


@each_role
def test_every_option_is_either_required_or_has_a_default(role: Path) -> None:
    for entry_name, entry in _entries(role).items():
        for name, option in entry["options"].items():
            assert bool(option.get("required")) != ("default" in option), f"{entry_name}: {name}"


@each_role
def test_every_option_is_described_and_typed(role: Path) -> None:
    for entry_name, entry in _entries(role).items():
        assert all(entry[member] for member in ("short_description", "description", "author")), entry_name
        for name, option in _all_options(entry["options"]):
            assert option.get("description"), f"{entry_name}: {name}"
            assert option["type"] in TYPES, f"{entry_name}: {name}"
            if option["type"] == "list":
                assert option.get("elements") in TYPES, f"{entry_name}: {name}"
            if "default" in option:
                # Null is no value: the option then leaves alone what there is, and says so.
                told = option["default"] is None and "V(null)" in str(option["description"])
                assert told or isinstance(option["default"], TYPES[option["type"]]), f"{entry_name}: {name}"
                assert told or option["default"] in option.get("choices", [option["default"]]), f"{entry_name}: {name}"


@each_role
def test_every_option_bears_the_name_of_its_role(role: Path) -> None:
    for entry in _entries(role).values():
        assert all(name.startswith(f"{role.name}_") for name in entry["options"])


@each_role
def test_every_entry_point_has_its_tasks(role: Path) -> None:
    assert not [name for name in _entries(role) if not (role / "tasks" / f"{name}.yml").exists()]


@each_role
def test_every_variable_of_the_role_that_is_used_is_specified(role: Path) -> None:
    options = {name for entry in _entries(role).values() for name in entry["options"]}
    text = "".join(
        re.sub(r"^\s*#.*$|^\s*- name:.*$", "", path.read_text(), flags=re.MULTILINE)
        for folder in ("tasks", "vars", "templates")
        for path in sorted((role / folder).glob("*"))
    )
    used = set(re.findall(rf"(?<![\w.'/-]){role.name}_\w+\b(?!:)", text)) - {f"{role.name}_result"}
    assert used == options


@each_role
def test_every_role_has_metadata_and_a_readme(role: Path) -> None:
    assert _load(role / "meta" / "main.yml")["galaxy_info"]["description"]
    readme = (role / "README.md").read_text()
    assert f"steadystate.ecs.{role.name}" in readme
