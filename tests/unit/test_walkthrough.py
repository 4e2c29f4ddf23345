# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file, option and test that docs/walkthrough.md names exists, and every test is run by a target of the Makefile."""

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
REFERENCE = re.compile(r"`((?:docs|examples|extensions|inventories|local_aws|playbooks|plugins|roles|tests)(?:/[\w./-]+)?)(?:::(\w+))?`")
# What stands in brackets behind a file: an option, with its value or without, or a few words of the file.
DETAILS = re.compile(r"`([\w./-]*/[\w./-]+)` \(([^()]*`[^()]*)\)")
RUNS = {
    "tests/unit/": "tests/unit",
    "tests/integration/": "tests/integration",
    "tests/local_aws/": "tests/local_aws",
    "tests/environments/": "tests/environments",
    "tests/pipeline/test_github.py": "tests/pipeline/test_github.py",
    "tests/pipeline/test_gitlab.py": "tests/pipeline/test_gitlab.py",
    "extensions/molecule/": "molecule test",
    "examples/go-service/": "run_tests.py",
}
"""What the Makefile says that runs the tests of a place."""

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])


def test_there_are_rows_for_every_section() -> None:
    assert len(ROWS) > 100
    assert [section for section in TEXT.split("\n## ")[1:] if "| --- |" not in section] == []


@each_row
def test_what_a_row_names_exists(row: list[str]) -> None:
    said, here, shown = row
    assert said
    assert here
    assert shown
    assert all(REFERENCE.fullmatch(word) for word in re.findall(r"`[^`]+`", shown)), shown
    for path, test in REFERENCE.findall(here + shown):
        assert (ROOT / path).exists(), path
        if test:
            assert re.search(rf"^\s*(def|func) {test}\b", (ROOT / path).read_text(), re.MULTILINE), f"{path}: {test}"


@each_row
def test_what_a_file_is_named_for_stands_in_it(row: list[str]) -> None:
    for path, details in DETAILS.findall(row[1]):
        for detail in re.findall(r"`([^`]+)`", details):
            assert detail in (ROOT / path).read_text(), f"{path}: {detail}"


@each_row
def test_what_shows_it_is_one_test_that_a_target_of_the_makefile_runs(row: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for path, test in REFERENCE.findall(row[2]):
        started_by = [words for place, words in RUNS.items() if path.startswith(place)]
        assert started_by, f"{path} is no test that anything runs"
        assert started_by[0] in makefile
        # A verification of Molecule is one test as a whole; everything else has several, and one of them is meant.
        assert path.endswith("/verify.yml") or test.lower().startswith("test"), path
