# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs._at_once import at_once


def test_all_are_asked_before_any_has_answered() -> None:
    together = threading.Barrier(3, timeout=20)

    def ask(answer: str) -> str:
        together.wait()
        return answer

    assert at_once(lambda: ask("a"), lambda: ask("b"), lambda: ask("c")) == ["a", "b", "c"]


def test_the_first_failure_in_the_order_of_the_questions_is_raised_when_all_have_ended() -> None:
    begun, failing = threading.Barrier(3, timeout=20), threading.Event()
    ended = []

    def first() -> None:
        begun.wait()
        failing.set()
        raise ValueError("first")

    def second() -> None:
        begun.wait()
        raise KeyError("second")

    def third() -> None:
        begun.wait()
        assert failing.wait(20)
        time.sleep(0.05)
        ended.append("third")

    with pytest.raises(ValueError, match="first"):
        at_once(first, second, third)
    assert ended == ["third"]
