# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file and every test that docs/walkthrough.md names exists, and every row names both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "walkthrough.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| what"))
]
REFERENCE = re.compile(r"`([\w./-]*/[\w./-]+|inventories)(?:::(\w+))?`")


def test_there_are_rows_for_every_section() -> None:
    assert len(ROWS) > 40
    assert [section for section in TEXT.split("\n## ")[1:] if "| --- |" not in section] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_what_a_row_names_exists(row: list[str]) -> None:
    said, here, shown = row
    assert said
    assert REFERENCE.search(here), "where it is"
    assert REFERENCE.search(shown), "which test shows it"
    for path, test in REFERENCE.findall(here + shown):
        assert (ROOT / path).exists(), path
        if test:
            assert re.search(rf"^\s*(def|func) {test}\b", (ROOT / path).read_text(), re.MULTILINE), f"{path}: {test}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_what_shows_it_is_run_by_a_target_of_the_makefile(row: list[str]) -> None:
    runs = {
        "tests/unit/": "tests/unit",
        "tests/integration/": "tests/integration",
        "tests/local_aws/": "tests/local_aws",
        "tests/environments/": "tests/environments",
        "tests/permissions/": "tests/permissions",
        "extensions/molecule/": "molecule test",
        "examples/go-service/": "run_tests.py",
    }
    makefile = (ROOT / "Makefile").read_text()
    for path, _ in REFERENCE.findall(row[2]):
        started_by = [word for prefix, word in runs.items() if path.startswith(prefix)]
        assert started_by, f"{path} is no test that anything runs"
        assert started_by[0] in makefile
