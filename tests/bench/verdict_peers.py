# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same releases through fabfuel's ecs-deploy and through `aws ecs wait services-stable`."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

from verdict_platform import KEYS, Platform

FABFUEL = "fabfuel ecs-deploy"
WAITER = "aws ecs wait services-stable"
TOOLS = (FABFUEL, WAITER)
PACKAGES = ("ecs-deploy", "awscli")
MOST_SECONDS = 150
"""Neither tool gets longer: with its own limits (300 s and 600 s) the bench would take the better part of an hour."""
FABFUEL_TIMEOUT = 90
"""Instead of 300 s. What it does not find out by itself it calls failed after this time, and then it rolls back."""


class Peers:
    """A virtual environment of their own, since the AWS CLI pins another botocore than ours."""

    def __init__(self, place: Path, uv: str, python: str) -> None:
        self._bin = place / "bin"
        if not (self._bin / "ecs").exists() or not (self._bin / "aws").exists():
            subprocess.run([uv, "venv", "--quiet", "--allow-existing", "--python", python, str(place)], check=True)
            subprocess.run([uv, "pip", "install", "--quiet", "--python", str(self._bin / "python"), *PACKAGES], check=True)

    def versions(self) -> dict[str, str]:
        code = "from importlib.metadata import version as v; import sys; print(*(v(name) for name in sys.argv[1:]))"
        said = subprocess.run([str(self._bin / "python"), "-c", code, *PACKAGES], check=True, capture_output=True, text=True)
        return dict(zip(PACKAGES, said.stdout.split(), strict=True))

    def judge(self, tool: str, platform: Platform, cluster: str, service: str, revision: str) -> dict[str, Any]:
        """Deploy `revision` and let the tool judge it: its verdict, None when it had none in time, and the seconds that took."""
        began = time.monotonic()
        if tool == FABFUEL:
            arguments = ["ecs", "deploy", cluster, service, "--task", revision, "--no-deregister", "--rollback", "--no-diff"]
            arguments += ["--timeout", str(FABFUEL_TIMEOUT)]
        else:
            platform.client("ecs").update_service(cluster=cluster, service=service, taskDefinition=revision)
            arguments = ["aws", "ecs", "wait", "services-stable", "--cluster", cluster, "--services", service]
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": platform.url,
            "AWS_ACCESS_KEY_ID": KEYS["access_key"],
            "AWS_SECRET_ACCESS_KEY": KEYS["secret_key"],
            "AWS_DEFAULT_REGION": KEYS["region"],
        }
        process = subprocess.Popen(
            [str(self._bin / arguments[0]), *arguments[1:]],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            output, _ = process.communicate(timeout=MOST_SECONDS)
            verdict = "succeeded" if process.returncode == 0 else "failed"
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            verdict = None
        said = [line.strip() for line in output.splitlines() if line.strip(" .")]
        return {"verdict": verdict, "seconds": round(time.monotonic() - began, 1), "said": said[-6:]}
