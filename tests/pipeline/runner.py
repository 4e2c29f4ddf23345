# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the `run:` steps of a workflow as a runner of GitHub does: their shell, their environment, their outputs, in their order.

Actions (`uses:`) are not run. What they leave behind, credentials in the environment and outputs, is given to `run_job`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
STEP_SECONDS = 900


@dataclass
class Job:
    """What became of a job: its steps' exit codes and output by name, its outputs, and its summary."""

    codes: dict[str, int] = field(default_factory=dict)
    text: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    @property
    def ok(self) -> bool:
        return not any(self.codes.values())


def _value(expression: str, context: Mapping[str, Any]) -> str:
    """The value of a path such as `vars.AWS_REGION`. Functions and operators are not needed in values, and refused."""
    found: Any = context
    for part in expression.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise KeyError(f"the workflow uses {expression}, which nothing sets")
        found = found[part]
    return str(found)


def filled(text: Any, context: Mapping[str, Any]) -> str:
    return EXPRESSION.sub(lambda match: _value(match[1], context), str(text))


def _pairs(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def run_job(
    workflow: Mapping[str, Any],
    name: str,
    folder: Path,
    scratch: Path,
    context: Mapping[str, Any],
    left_by_actions: Mapping[str, str],
    instead: Mapping[str, str],
) -> Job:
    """Run the job `name` in `folder`.

    `context` is what expressions see; outputs of steps are added to it. `left_by_actions` is added to the environment before the
    workflow's own, as actions do; `instead` wins over it: the few values that name places of the world outside.
    """
    job, said = Job(), workflow["jobs"][name]
    steps: dict[str, Any] = dict(context.get("steps", {}))
    seen = {**context, "steps": steps}
    scratch.mkdir(parents=True)
    summary = scratch / "summary"
    summary.touch()
    for number, step in enumerate(said["steps"]):
        if "run" not in step or (not job.ok and "if" not in step):
            continue
        # The one condition that the workflows use: also after a failure.
        assert step.get("if", "${{ !cancelled() }}") == "${{ !cancelled() }}"
        output = scratch / f"output-{number}"
        output.touch()
        script = scratch / f"step-{number}.sh"
        script.write_text(filled(step["run"], seen))
        layers = (workflow.get("env", {}), said.get("env", {}), step.get("env", {}))
        own = {key: filled(value, seen) for layer in layers for key, value in layer.items()}
        ended = subprocess.run(
            # What a runner uses where a step names no shell.
            ["bash", "-e", str(script)],
            cwd=folder,
            env={**os.environ, **left_by_actions, **own, **instead, "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
        job.codes[step["name"]] = ended.returncode
        job.text[step["name"]] = ended.stdout + ended.stderr
        sys.stdout.write(f"--- {name}: {step['name']} ({ended.returncode})\n{ended.stdout}{ended.stderr}\n")
        if "id" in step:
            steps[step["id"]] = {"outputs": _pairs(output)}
    job.summary = summary.read_text()
    if job.ok:
        job.outputs = {key: filled(value, seen) for key, value in said.get("outputs", {}).items()}
    return job
