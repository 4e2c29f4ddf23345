"""Starts and stops the local_aws process of the demo."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
READY_TIMEOUT = 30.0
STOP_TIMEOUT = 20.0
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    # SIGTERM and not SIGKILL: local_aws then stops its tasks and gives back its ports and mounts by itself.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LocalAws:
    def __init__(self, build: Path, speed: float, port: int = 0, options: Sequence[str] = ()) -> None:
        """With port 0 a free one is taken. `options` are further ones of local_aws's command line."""
        self._pid_file = build / "local_aws.pid"
        self._log = build / "local_aws.log"
        self._data = build / "local_aws"
        self._speed = speed
        self._port = port
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self, keep: bool) -> None:
        """Start on a free port and wait until it answers. With `keep` it outlives this process.

        Raises `RuntimeError` with the end of its log when it does not come up.
        """
        self.stop_kept()
        port = self._port or _free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [
            sys.executable,
            "-m",
            "local_aws",
            "--port",
            str(port),
            "--speed",
            str(self._speed),
            "--data",
            str(self._data),
            *self._options,
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                # Its own session: Ctrl-C reaches the demo alone, which then stops everything in order.
                start_new_session=True,
                preexec_fn=None if keep or sys.platform != "linux" else _die_with_parent,
            )
        self._pid_file.write_text(f"{self._process.pid}\n{self.url}\n")
        deadline = time.monotonic() + READY_TIMEOUT
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self.get("/_local/health")
                return
            time.sleep(0.05)
        raise RuntimeError(f"local_aws did not come up within {READY_TIMEOUT:.0f} s. The end of its log:\n{self._log.read_text()[-2000:]}")

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:  # noqa: S310 - always this machine's own loopback URL
            return json.load(answer)

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    def stop_kept(self) -> None:
        """Stop the process that an earlier start with `keep` left, if it is still the one in the file."""
        if not self._pid_file.exists():
            return
        pid_text, kept_url = self._pid_file.read_text().split()
        try:
            self.url = kept_url
            self.get("/_local/health")
        except OSError:
            self._pid_file.unlink()
            return
        pid = int(pid_text)
        print(f"Stopping the local_aws that an earlier demo left at {kept_url} (process {pid}).", flush=True)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_TIMEOUT
            while time.monotonic() < deadline:
                os.kill(pid, 0)
                time.sleep(0.1)
            os.kill(pid, signal.SIGKILL)
        self._pid_file.unlink()
