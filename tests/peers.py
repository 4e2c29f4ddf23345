# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registries and clients that other people wrote, installed or built on demand, for tests and measurements beside ours."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GO_TOOLS = ROOT / "build" / "go-tools"
GO_PACKAGES = {
    "crane": "github.com/google/go-containerregistry/cmd/crane@v0.22.1",
    "registry": "github.com/distribution/distribution/v3/cmd/registry@v3.1.2",
}
START_SECONDS = 60


class NotThere(Exception):
    """A program of others that is neither here nor to be had; the text says what to do."""


@dataclass(frozen=True)
class Certificate:
    certificate: Path
    key: Path


def debian_package(command: str, package: str) -> str:
    """The path of a command, its package installed by apt-get where that can be done. Raises `NotThere`."""
    if found := shutil.which(command):
        return found
    install = ["apt-get", "install", "--yes", "--no-install-recommends", "-qq", package]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise NotThere(f"{command} is not on PATH. Install it, for example: sudo {' '.join(install)}")
    print(f"==> Installing the system package {package}", flush=True)
    done = subprocess.run(
        install,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    found = shutil.which(command)
    if done.returncode or found is None:
        raise NotThere(f"{' '.join(install)} failed:\n{done.stdout}")
    return found


def go_tool(name: str) -> str:
    """The path of a Go program from `GO_PACKAGES`: on PATH, or built into build/go-tools. Raises `NotThere`."""
    if name != "registry" and (found := shutil.which(name)):
        return found
    built = GO_TOOLS / name
    if built.exists():
        return str(built)
    go = shutil.which("go") or str(ROOT / ".venv" / "go")
    if not Path(go).exists():
        raise NotThere(f"Go is needed to build {name}.")
    print(f"==> Building {GO_PACKAGES[name]} into {GO_TOOLS.relative_to(ROOT)}", flush=True)
    GO_TOOLS.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [go, "install", GO_PACKAGES[name]], env={**os.environ, "GOBIN": str(GO_TOOLS)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotThere(f"{name} could not be built:\n{done.stderr}")
    return str(built)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(command: list[str], port: int, log: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a server until the end of the block; its host and port, once it listens."""
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})})
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{command[0]} did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def distribution(command: str, folder: Path, tls: Certificate | None = None) -> Iterator[str]:
    """The registry of the distribution project, whichever of its versions the command is, with its content in `folder`."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "version: 0.1",
        "log: {level: error, accesslog: {disabled: true}}",
        f"storage: {{filesystem: {{rootdirectory: {folder / 'data'}}}}}",
        "http:",
        f"  addr: 127.0.0.1:{port}",
        "  secret: not-secret",
        *([f"  tls: {{certificate: {tls.certificate}, key: {tls.key}}}"] if tls else []),
        "validation: {disabled: false, manifests: {urls: {allow: ['^https://example\\.com/']}}}",
    ]
    config = folder / "config.yml"
    config.write_text("\n".join(lines) + "\n")
    # Both would otherwise send traces to a collector that is not there.
    with serving([command, "serve", str(config)], port, folder / "log", {"OTEL_TRACES_EXPORTER": "none"}) as address:
        yield address


@contextlib.contextmanager
def crane_registry(command: str, folder: Path) -> Iterator[str]:
    """The registry inside go-containerregistry, with its blobs in `folder`."""
    port = free_port()
    (folder / "data").mkdir(parents=True, exist_ok=True)
    serve = [command, "registry", "serve", "--address", f"127.0.0.1:{port}", "--disk", str(folder / "data")]
    with serving(serve, port, folder / "log") as address:
        yield address
