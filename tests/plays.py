# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of an ansible-playbook that a test has run."""

from __future__ import annotations

import re
from dataclasses import dataclass

POLLING = "[defaults]\ninternal_poll_interval = 0.01\n"
"""An ansible.cfg as the repository's is in this: what waits for a module need not look a thousand times a second whether it has
ended."""


@dataclass
class Play:
    """One ansible-playbook: its exit code and its output, errors included."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        """How many tasks changed something, on all hosts together. Only a play that went well has an answer."""
        assert self.code == 0, self.output
        found = re.findall(r"changed=(\d+)", self.output)
        assert found, self.output
        return sum(map(int, found))
