# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of the example service, each built once for all workers of a run. Tests only read them."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILDER = ROOT / "examples" / "go-service" / "build_image.py"


def example_images(factory: pytest.TempPathFactory, versions: Sequence[str]) -> dict[str, Path]:
    """OCI layouts by version."""
    own = factory.getbasetemp()
    # A worker of pytest-xdist has a folder of its own inside of the run's.
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "example-images"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for version in versions:
            if not (folder / version).exists():
                command = [sys.executable, str(BUILDER), "--version", version, "--output", str(folder / version)]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stderr
    return {version: folder / version for version in versions}
