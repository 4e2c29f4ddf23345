# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hands the results of the collection's own tasks to the demo, one JSON object a line, while the terminal shows the usual output."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: demo_results
type: notification
short_description: Writes the results of steadystate.ecs tasks as JSON lines
version_added: 0.1.0
description:
  - Appends to the file named by E(DEMO_RESULTS) a line for each ended task of the collection, and one for the play's totals.
options: {}
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "demo_results"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._path = Path(os.environ["DEMO_RESULTS"])
        self._tasks = 0

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._tasks += 1

    def v2_runner_on_ok(self, result: Any) -> None:
        self._keep(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._keep(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        hosts = {host: stats.summarize(host) for host in stats.processed}
        self._write({"stats": hosts, "tasks": self._tasks})

    def _keep(self, result: Any) -> None:
        action = result.task.action
        if action.startswith("steadystate.ecs."):
            self._write({"action": action.rsplit(".", 1)[1], "at": time.time(), "result": result.result})

    def _write(self, line: dict[str, Any]) -> None:
        with self._path.open("a") as lines:
            lines.write(json.dumps(line, default=str) + "\n")
