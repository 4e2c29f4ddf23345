"""Writes which role ran when, and the API calls that modules of amazon.aws report, for `python -m tests.permissions`."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: role_times
type: notification
short_description: Writes which role ran when
description:
  - A line of JSON for each result, with role, action, start, end and reported calls, in the file named by ROLE_TIMES.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "role_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._file = Path(os.environ["ROLE_TIMES"]).open("a")  # noqa: SIM115 - open until the play ends
        self._started: dict[str, float] = {}

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._started[task._uuid] = time.time()

    def _write(self, result: Any) -> None:
        task = result._task
        found = [result._result, *(item for item in result._result.get("results", []) if isinstance(item, dict))]
        line = {
            "role": task._role.get_name().rpartition(".")[2] if task._role else "playbook",
            "action": task.action,
            "start": self._started.get(task._uuid, 0.0),
            "end": time.time(),
            "calls": sorted({call for item in found for call in item.get("resource_actions", [])}),
        }
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write(result)
