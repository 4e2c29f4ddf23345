"""Every command and the play of README.md, run in order as they stand there, in a shell and on a local_aws of their own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
# Run by tests of their own: the demo by test_demo.py; `make test` by .ci/run, which is how this test itself was started.
ELSEWHERE = {"make demo", "make test"}
SERVER = "make local-aws"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]


def wait_for(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{url} did not answer")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The README's server, on a free port, and the settings that point its commands there and keep them out of the user's home."""
    assert SERVER in COMMANDS
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    home = tmp_path_factory.mktemp("home")
    server = subprocess.Popen(
        [*SERVER.split(), f"PORT={port}"],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for(f"{url}/_local/health", server)
        yield {
            **os.environ,
            "LOCAL_AWS_URL": url,
            "AWS_URL": url,
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "anything",
            "AWS_SECRET_ACCESS_KEY": "anything",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
        }
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.communicate(timeout=30)


def run(command: list[str], environment: dict[str, str]) -> None:
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, f"{command}\n{ran.stdout[-5000:]}\n{ran.stderr[-3000:]}"


def test_commands_and_play_do_what_the_readme_says(environment: dict[str, str], tmp_path: Path) -> None:
    script = [line for line in COMMANDS if line not in ELSEWHERE and line != SERVER]
    rollback = next(index for index, line in enumerate(script) if "rollback.yml" in line)
    preamble = [line for line in script if line.startswith(("source ", "export "))]
    run(["bash", "-euxc", "\n".join(script[:rollback])], environment)

    play = tmp_path / "ship.yml"
    play.write_text(blocks("yaml")[0].replace("source: build/", f"source: {ROOT}/build/"))
    run([str(ROOT / ".venv/bin/ansible-playbook"), str(play), "-e", "git_sha=0123abc"], environment)

    # Installed into a folder of the test's, not into the user's own collections.
    rest = [line.replace("--force", f"--force --no-deps -p {tmp_path}") for line in script[rollback:]]
    run(["bash", "-euxc", "\n".join([*preamble, *rest])], environment)
    assert (tmp_path / "ansible_collections/steadystate/ecs/plugins/modules/ecs_service_wait.py").exists()


def test_what_runs_elsewhere_is_really_in_the_readme() -> None:
    assert set(COMMANDS) >= ELSEWHERE
    assert "make test" in (ROOT / ".ci" / "run").read_text().splitlines()
