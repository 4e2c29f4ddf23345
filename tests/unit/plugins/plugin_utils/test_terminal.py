# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The line that lives below all others, what it writes, and who gets none."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
import time
import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.plugin_utils import _terminal
from ansible_collections.steadystate.ecs.plugins.plugin_utils._terminal import LiveLine, colour, width

ERASE = "\r\x1b[2K"


class Screen:
    def __init__(self) -> None:
        self.seconds = 100.0
        self.written: list[str] = []

    def write(self, msg: str, color: str | None = None, newline: bool = True, screen_only: bool = False) -> None:
        # What is taken back must not reach a log file, and must not end its line; what stays must do both.
        assert newline != msg.startswith("\r")
        assert screen_only != newline
        self.written.append(msg)

    def live(self, columns: int = 80) -> LiveLine:
        return LiveLine(self.write, columns, lambda: self.seconds)


def test_it_says_for_how_long_and_counts_on_while_the_text_is_the_same() -> None:
    screen = Screen()
    live = screen.live()
    live.show("waiting for a")
    screen.seconds += 4
    live.show("waiting for a")
    live.show("waiting for b")
    live.close()
    assert screen.written[:3] == [f"{ERASE}waiting for a, 0 s", f"{ERASE}waiting for a, 4 s", f"{ERASE}waiting for b, 0 s"]
    assert screen.written[-1] == ERASE


def test_a_line_that_stays_stands_above_it() -> None:
    screen = Screen()
    live = screen.live()
    live.line("first")
    live.show("waiting")
    live.line("second")
    live.show("")
    live.line("third")
    live.close()
    assert screen.written == ["first", f"{ERASE}waiting, 0 s", ERASE, "second", f"{ERASE}waiting, 0 s", ERASE, "third"]


def test_it_never_reaches_the_edge_of_the_terminal() -> None:
    screen = Screen()
    live = screen.live(columns=30)
    live.show("waiting for something with a long name")
    live.close()
    shown = screen.written[0].removeprefix(ERASE)
    assert len(shown) == 29
    assert shown.endswith("…, 0 s")


def test_it_ticks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_terminal, "_TICK_SECONDS", 0.01)
    screen = Screen()
    live = screen.live()
    live.show("waiting")
    screen.seconds += 7
    deadline = time.monotonic() + 20
    while f"{ERASE}waiting, 7 s" not in screen.written:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    live.close()
    ended = len(screen.written)
    time.sleep(0.05)
    assert len(screen.written) == ended


@pytest.fixture
def terminal() -> t.Iterator[t.TextIO]:
    controller, end = pty.openpty()
    with os.fdopen(end, "w") as stream:
        yield stream
    os.close(controller)


def test_a_terminal_has_a_width(terminal: t.TextIO) -> None:
    fcntl.ioctl(terminal.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", 24, 91, 0, 0))
    assert width({"TERM": "xterm"}, terminal) == 91
    plain = [{"TERM": "xterm", name: "1"} for name in ("CI", "NO_COLOR", "AWX_HOST", "RUNNER_OMIT_EVENTS")]
    for environment in ({"TERM": "dumb"}, {}, *plain):
        assert width(environment, terminal) == 0


def test_ansibles_own_setting_for_plain_output_counts(terminal: t.TextIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_terminal.constants, "ANSIBLE_NOCOLOR", True)
    assert width({"TERM": "xterm"}, terminal) == 0


def test_a_file_and_a_closed_stream_are_no_terminal(tmp_path: t.Any) -> None:
    with (tmp_path / "log").open("w") as log:
        assert width({"TERM": "xterm"}, log) == 0
    assert width({"TERM": "xterm"}, log) == 0
    assert width({"TERM": "xterm"}, None) == 0


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("[api] 12:00:00  ! image_not_found: task 1", "yellow"),
        ("[api] 12:00:00  failed: image_not_found: task 1", "red"),
        ("[api] 12:00:00  api:2 is steady after 30 s.", "green"),
        ("[api] 12:00:00  new 1/2 running, 0 healthy; old 2; waiting for x", None),
    ],
)
def test_colours(line: str, name: str | None) -> None:
    assert colour(line) == name
