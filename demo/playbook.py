"""Runs one of the collection's playbooks as a user would, and reads what its tasks returned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Run:
    exit_code: int
    seconds: float
    """Wall time of the whole `ansible-playbook` command."""
    results: tuple[dict[str, Any], ...]
    """`{action, at, result}` of each ended task of the collection, in order."""
    tasks: int
    changed: int

    def result_of(self, action: str) -> dict[str, Any]:
        """The last result of that module, for example `ecs_service_wait`; empty when it never ran."""
        return next((line["result"] for line in reversed(self.results) if line["action"] == action), {})


def run(play: Path, endpoint_url: str, results: Path, variables: Mapping[str, Any]) -> Run:
    """Run a playbook with the inventory `local` against the given endpoint. Output goes to the terminal."""
    results.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "LOCAL_AWS_URL": endpoint_url,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "demo" / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "demo_results",
        "DEMO_RESULTS": str(results),
    }
    if sys.stdout.isatty():
        environment["ANSIBLE_FORCE_COLOR"] = "1"
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        str(play),
        "-i",
        str(ROOT / "inventories" / "local"),
        "-e",
        json.dumps(dict(variables)),
    ]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        exit_code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    seconds = time.monotonic() - started
    lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    totals: dict[str, Any] = next((line for line in lines if "stats" in line), {"stats": {}, "tasks": 0})
    return Run(
        exit_code,
        seconds,
        tuple(line for line in lines if "action" in line),
        totals["tasks"],
        sum(host["changed"] for host in totals["stats"].values()),
    )
