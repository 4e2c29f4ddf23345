# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/security.md says what each environment has switched on; this is what Ansible reads from its inventory and the roles' defaults."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text()
TABLE = TEXT.split("## Switched on for each environment")[1].split("\n## ")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines() if line.startswith("| ")]
ENVIRONMENTS = ROWS[0][2:]


def _defaults() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted((ROOT / "roles").glob("*/defaults/main.yml")):
        found.update(yaml.safe_load(path.read_text()) or {})
    return found


def _inventory(name: str) -> dict[str, Any]:
    """What the platform and the service of an environment say, the service last."""
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(ROOT / "inventories" / name)])
    variables = VariableManager(loader=loader, inventory=inventory)
    hosts = [host for group in ("platform", "services") for host in inventory.groups[group].get_hosts()]
    return {key: value for host in hosts for key, value in variables.get_vars(host=host).items()}


@pytest.fixture(scope="module")
def effective() -> dict[str, dict[str, Any]]:
    return {name: {**_defaults(), **_inventory(name)} for name in ENVIRONMENTS}


def test_the_table_has_every_environment() -> None:
    folders = {path.parent.name for path in (ROOT / "inventories").glob("*/hosts.yml")}
    assert set(ENVIRONMENTS) == folders


@pytest.mark.parametrize("row", ROWS[2:], ids=lambda row: row[1].strip("`"))
def test_a_row_says_what_is_so(effective: dict[str, dict[str, Any]], row: list[str]) -> None:
    variable = row[1].strip("`")
    assert dict(zip(ENVIRONMENTS, map(yaml.safe_load, row[2:]), strict=True)) == {name: effective[name][variable] for name in ENVIRONMENTS}


def test_what_is_on_everywhere_names_files_that_are_there() -> None:
    paths = re.findall(r"`((?:roles|plugins|examples)/[\w./-]+)`", TEXT)
    assert len(paths) > 8
    assert [path for path in paths if not (ROOT / path).exists()] == []
