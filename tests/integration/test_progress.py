# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody at a terminal sees of a task that waits, and what a pipe gets."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

from .conftest import PLAY_SECONDS, ROOT

COMMAND = [str(Path(sys.executable).with_name("ansible-playbook")), str(ROOT / "tests/integration/progress/playbook.yml")]
# A test run may itself be in CI, and may want plain output.
NOT_OURS = ("CI", "NO_COLOR", "ANSIBLE_NOCOLOR", "ANSIBLE_FORCE_COLOR", "AWX_HOST", "JENKINS_URL", "TF_BUILD")
ERASE = "\r\x1b[2K"
LINES = (
    "  [localhost] 12:00:00  new 0/2 running, 0 healthy; old 2; waiting for the image",
    "  [localhost] 12:00:02  ! container_exited: task 1",
    "  [localhost] 12:00:02  api:2 is steady after 2 s.",
)


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return {**kept, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections"), "TERM": "xterm", **more}


def on_a_terminal(**more: str) -> tuple[int, str]:
    """Run the play with a pseudo terminal of 100 columns for its output: its exit code, and all that was written."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with subprocess.Popen(
        COMMAND, cwd=ROOT, env=environment(**more), stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal
    ) as process:
        os.close(terminal)
        written = b""
        while True:
            try:
                part = os.read(controller, 65536)
            except OSError:
                # Linux's way of saying that the other end is closed.
                break
            if not part:
                break
            written += part
        os.close(controller)
        return process.wait(PLAY_SECONDS), written.decode().replace("\r\n", "\n")


def test_on_a_terminal_there_is_colour_and_a_line_that_lives() -> None:
    code, written = on_a_terminal()
    assert code == 2, written
    assert f"{LINES[0]}\n" in written
    assert f"\x1b[0;33m{LINES[1]}\x1b[0m\n" in written, "yellow"
    assert f"\x1b[0;32m{LINES[2]}\x1b[0m\n" in written, "green"
    live = [part.split("\x1b[0m")[0] for part in written.split(ERASE)[1:] if part.startswith("  [localhost] waiting for the image, ")]
    assert {f"  [localhost] waiting for the image, {seconds} s" for seconds in (0, 1, 2)} <= set(live)
    # Each of them is taken back before anything else is written.
    assert not [part for part in live if "\n" in part]
    assert "a line of the log" not in written, "no_log"
    assert "rolled_back, container_exited" in written


def test_a_terminal_that_a_program_reads_gets_plain_lines() -> None:
    _code, written = on_a_terminal(AWX_HOST="https://awx.example")
    assert all(f"{line}\n" in written for line in LINES), written
    assert ERASE not in written


def test_a_pipe_gets_plain_lines_even_with_colour() -> None:
    ended = subprocess.run(
        COMMAND, cwd=ROOT, env=environment(ANSIBLE_FORCE_COLOR="1"), capture_output=True, text=True, timeout=PLAY_SECONDS
    )
    assert all(f"{line}\n" in ended.stdout for line in LINES), ended.stdout
    assert ERASE not in ended.stdout
    assert "a line of the log" not in ended.stdout + ended.stderr
