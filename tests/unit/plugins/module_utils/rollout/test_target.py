# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a rollback goes, by the history that ECS shows."""

from __future__ import annotations

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout.target import Past, choose, named


def history(text: str) -> list[Past]:
    """`S2 R3 S1`: successful 2, rolled back 3, successful 1; newest first. `B` is being rolled back at this moment."""
    words = {
        "S": "SUCCESSFUL",
        "R": "ROLLBACK_SUCCESSFUL",
        "F": "ROLLBACK_FAILED",
        "X": "STOPPED",
        "I": "IN_PROGRESS",
        "B": "ROLLBACK_IN_PROGRESS",
    }
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


def test_while_ecs_goes_back_by_itself_a_rollback_does_not_go_one_too_far() -> None:
    # The old deployment is PRIMARY and in progress again.
    found = choose("web:2", False, history("B3 S2 S1"))
    assert found.already_there
    assert "web:3 is being rolled back to web:2 already" in found.why
    assert choose("web:2", False, history("B3 S2 S1"), steps=2).task_definition == "web:1"
    # It has only just begun, and the failed one still is PRIMARY.
    assert choose("web:3", False, history("B3 S2 S1")).task_definition == "web:2"


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


@pytest.mark.parametrize(
    ("current", "completed", "past", "steps", "target"),
    [
        ("web:9", True, "S9 S7 S4 S2", 1, "web:7"),
        ("web:9", True, "S9 S7 S4 S2", 2, "web:4"),
        ("web:9", True, "S9 S7 S4 S2", 3, "web:2"),
        ("web:9", True, "S9 S9 S7 S7 S4", 2, "web:4"),  # a revision counts once, however often it was deployed
        ("web:9", True, "S9 R8 S7 F6 X5 S4", 2, "web:4"),  # what failed is no step
        ("web:9", False, "I9 S7 S4 S2", 2, "web:4"),  # from a deployment that still goes
        ("web:7", True, "S7 S9 S7 S4 S2", 2, "web:4"),  # one step has been gone already
        ("web:4", True, "S4 S9 S7 S4 S2", 3, "web:2"),  # two have, at once
        ("web:4", True, "S4 S7 S9 S7 S4 S2", 3, "web:2"),  # two have, one after the other
        ("web:7", True, "R9 S7 S4", 2, "web:4"),  # ECS has gone the first one by itself
        ("web:10", True, "S10 S7 S9 S7 S4", 2, "web:4"),  # 9 was gone back from: it is no place to go to
        ("web:7", True, "S7 S4 S7 S2", 2, "web:2"),  # 7 was deployed anew, and not gone back to
    ],
)
def test_some_steps_back(current: str, completed: bool, past: str, steps: int, target: str) -> None:
    assert choose(current, completed, history(past), steps=steps).task_definition == target


@pytest.mark.parametrize(
    ("current", "past", "steps"), [("web:4", "S4 S9 S7 S4", 2), ("web:4", "S4 S9 S7 S4", 1), ("web:4", "S4 S7 S9 S7 S4 S2", 2)]
)
def test_steps_that_have_been_gone_are_not_gone_again(current: str, past: str, steps: int) -> None:
    found = choose(current, True, history(past), steps=steps)
    assert found.already_there
    assert found.task_definition is None
    assert "web:9 has been rolled back to web:4 already" in found.why


def test_more_steps_than_are_remembered_names_those_that_are() -> None:
    found = choose("web:9", True, history("S9 S7 S4"), saved="web:8", steps=3)
    assert (found.task_definition, found.already_there) == (None, False)
    assert "web:7, web:4" in found.why


def test_the_service_revision_of_the_target_comes_with_it() -> None:
    past = [Past("SUCCESSFUL", "web:2", revision={"n": 3}), Past("SUCCESSFUL", "web:1", revision={"n": 2}), Past("SUCCESSFUL", "web:1")]
    assert choose("web:2", True, past).revision == {"n": 2}
    assert choose("web:2", True, past[:1], saved="web:1").revision == {}


def test_a_named_target_takes_what_it_last_succeeded_with() -> None:
    past = [
        Past("ROLLBACK_SUCCESSFUL", "arn/web:3", revision={"n": 3}),
        Past("SUCCESSFUL", "arn/web:3", finished="noon", revision={"n": 2}),
    ]
    assert named("web:3", past).revision == {"n": 2}
    assert "succeeded, at noon" in named("web:3", past).why
    assert (named("web:4", past).task_definition, named("web:4", past).revision) == ("web:4", {})
