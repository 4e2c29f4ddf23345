#!/usr/bin/env python3
"""Test the service: `go vet`, `go test -race` with a real PostgreSQL that is started for it, and the image that build_image.py makes.

Arguments go to `go test`.
The race detector needs a C compiler. The exit code is that of the first command that failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from build_image import BuildError, find_go, required_go
from tests.postgres import PostgresError, running

SOURCE = Path(__file__).resolve().parent
LIMIT = "300s"


def main(arguments: Sequence[str]) -> int:
    try:
        go = find_go(None, required_go((SOURCE / "go.mod").read_text()))
        with running() as database:
            environment = {**os.environ, "CGO_ENABLED": "1", "GOTOOLCHAIN": "local", "GOWORK": "off", "TEST_DATABASE_URL": database}
            for command in (
                [go, "vet", "-tags", "postgres", "./..."],
                [go, "test", "-race", "-tags", "postgres", "-timeout", LIMIT, *arguments, "./..."],
                [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests"],
            ):
                code = subprocess.run(command, cwd=SOURCE, env=environment, check=False).returncode
                if code != 0:
                    return code
    except (BuildError, PostgresError) as error:
        print(f"run_tests: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
