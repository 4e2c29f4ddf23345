# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which files of tests begin names files that are there."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_the_longest_files_are_there() -> None:
    tree = ast.parse((TESTS / "conftest.py").read_text())
    named = next(node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "LONGEST_FIRST")
    files = ast.literal_eval(named)
    assert len(files) > 5
    assert [name for name in files if not (TESTS.parent / name).is_file()] == []
