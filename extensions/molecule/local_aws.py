# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts or stops the local_aws that the scenarios share: `python local_aws.py start|stop`, at the address in AWS_URL."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from demo.local import LocalAws  # noqa: E402 - the checkout has to be on the path first

SPEED = 100.0


def main(word: str) -> None:
    build = ROOT / "build" / "molecule"
    build.mkdir(parents=True, exist_ok=True)
    local = LocalAws(build, SPEED, urlsplit(os.environ["AWS_URL"]).port or 0)
    if word == "start":
        local.start(keep=True)
    elif word == "stop":
        local.stop_kept()
    else:
        sys.exit(f"{word}: say start or stop")


if __name__ == "__main__":
    main(*sys.argv[1:])
