# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress for somebody at a terminal: lines in colour, and below them one that is written anew while something is waited for."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
import typing as t

from ansible import constants

# A pseudo terminal whose reader is a program gets plain lines, as does whoever asks for them.
_PLAIN = ("CI", "NO_COLOR", "AWX_HOST", "AWX_ISOLATED_DATA_DIR", "RUNNER_OMIT_EVENTS", "JENKINS_URL", "TF_BUILD")
_ERASE = "\r\x1b[2K"
_TICK_SECONDS = 1.0
_COLOURS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\s! "), "yellow"),
    (re.compile(r"\b(failed|timed_out|superseded): "), "red"),
    (re.compile(r" is (back and )?steady\b| ended well\b"), "green"),
)


def width(environment: t.Mapping[str, str], stream: t.Any) -> int:
    """Columns of the terminal that a person looks at; 0 when `stream` is none, or one that wants plain lines."""
    if constants.ANSIBLE_NOCOLOR or environment.get("TERM", "dumb") == "dumb" or any(environment.get(name) for name in _PLAIN):
        return 0
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError, AttributeError):
        # A stream that is closed, or not a file at all.
        return 0


# Ansible's own process loads an action before it forks the one that runs it, which has no terminal any more.
WIDTH = width(os.environ, sys.stdout)


def colour(line: str) -> str | None:
    """The colour that a line of progress has by its words, None for that of the terminal."""
    return next((name for pattern, name in _COLOURS if pattern.search(line)), None)


class Write(t.Protocol):
    """How something gets onto the screen, as `Display.display` takes it."""

    def __call__(self, msg: str, color: str | None = None, newline: bool = True, screen_only: bool = False) -> None: ...


class LiveLine:
    """Keeps one line below all others. It may be used by several threads; `close` takes the line away again."""

    def __init__(self, write: Write, columns: int, monotonic: t.Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._columns = columns
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._text = ""
        self._since = 0.0
        self._shown = False
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def show(self, text: str) -> None:
        """Let the line say this, and for how long already, until something else is shown. An empty text takes it away."""
        with self._lock:
            if text != self._text:
                self._text, self._since = text, self._monotonic()
            if not text:
                self._erase()
            self._draw()
        if text and self._thread is None:
            self._thread = threading.Thread(target=self._tick, name="live-line", daemon=True)
            self._thread.start()

    def line(self, text: str) -> None:
        """A line that stays, above the live one."""
        with self._lock:
            self._erase()
            self._write(text, color=colour(text))
            self._draw()

    def close(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._erase()
            self._text = ""

    def _tick(self) -> None:
        while not self._ended.wait(_TICK_SECONDS):
            with self._lock:
                self._draw()

    def _erase(self) -> None:
        if self._shown:
            self._write(_ERASE, newline=False, screen_only=True)
            self._shown = False

    def _draw(self) -> None:
        if not self._text:
            return
        elapsed = f", {self._monotonic() - self._since:.0f} s"
        # A line that reaches the edge would wrap, and then could not be taken back.
        room = max(1, self._columns - 1 - len(elapsed))
        text = self._text if len(self._text) <= room else f"{self._text[: room - 1]}…"
        self._write(f"{_ERASE}{text}{elapsed}", color="bright gray", newline=False, screen_only=True)
        self._shown = True
