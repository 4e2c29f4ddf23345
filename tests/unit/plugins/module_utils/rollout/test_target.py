# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a rollback goes, by the history that ECS shows."""

from __future__ import annotations

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout.target import Past, choose


def history(text: str) -> list[Past]:
    """`S2 R3 S1`: successful 2, rolled back 3, successful 1; newest first."""
    words = {"S": "SUCCESSFUL", "R": "ROLLBACK_SUCCESSFUL", "F": "ROLLBACK_FAILED", "X": "STOPPED", "I": "IN_PROGRESS"}
    return [Past(words[item[0]], f"web:{item[1:]}") for item in text.split()]


@pytest.mark.parametrize(
    ("current", "past", "target"),
    [
        ("web:2", "S2 S1", "web:1"),
        ("web:7", "S7 S3", "web:3"),  # numbers between were never deployed
        ("web:2", "S2 S2 S1", "web:1"),  # a forced deployment of the same revision
        ("web:4", "S4 R3 S2 S1", "web:2"),  # 3 failed: it is no place to go to
        ("web:4", "S4 X3 F3 S2", "web:2"),
        ("web:2", "S2 S1 S2 S1", "web:1"),  # deployed again after a rollback
        ("web:1", "S1 S3", "web:3"),  # 1 never ran before 3 did: this was no way back
    ],
)
def test_after_a_completed_deployment(current: str, past: str, target: str) -> None:
    assert choose(current, True, history(past)).task_definition == target


@pytest.mark.parametrize(
    ("current", "past"),
    [
        ("web:1", "S1 S2 S1"),  # rolled back from 2 to 1
        ("web:1", "S1 S2 S1 S0"),
        ("web:2", "R3 S2 S1"),  # ECS went back by itself
    ],
)
def test_what_has_been_rolled_back_already(current: str, past: str) -> None:
    found = choose(current, True, history(past))
    assert found.already_there
    assert found.task_definition is None


@pytest.mark.parametrize(("past", "target"), [("I3 S2 S1", "web:2"), ("I3 R4 S2", "web:2"), ("I3 S3 S2", "web:2")])
def test_while_a_deployment_goes_the_last_success_is_the_place(past: str, target: str) -> None:
    assert choose("web:3", False, history(past)).task_definition == target


def test_what_was_noted_before_is_used_when_history_is_silent() -> None:
    assert choose("web:3", False, [], saved="web:2").task_definition == "web:2"
    assert choose("web:3", True, [], saved="web:2").task_definition == "web:2"


@pytest.mark.parametrize("completed", [True, False])
def test_nowhere_to_go(completed: bool) -> None:
    found = choose("web:1", completed, history("S1"))
    assert found.task_definition is None
    assert not found.already_there
