# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repository as a reader of the example would make it, the collection as it ships, and environments that are provisioned on local_aws."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVICE = ROOT / "examples" / "go-service"
REGION = "eu-west-1"
ACCOUNT = "123456789012"
START_SECONDS = 60
PLAY_SECONDS = 600
_PR_SET_PDEATHSIG = 1
# For quick rollouts, and room for both environments on few instances.
QUICK = {
    "alb_health_check_interval": 5,
    "alb_health_check_timeout": 2,
    "alb_unhealthy_threshold": 2,
    "alb_deregistration_delay": 5,
    "app_desired_count": 1,
    "app_task_definition_template": str(SERVICE / "task-definition.json"),
    "ecr_image_tag_mutability": "mutable",
}


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("aws")
    log = data / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local_aws", "--port", "0", "--speed", "10", "--data", str(data / "data")],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_parent,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
                yield found.group()
                return
            time.sleep(0.1)
        pytest.fail(f"local_aws did not start: {log.read_text()}")
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as it ships."""
    folder = tmp_path_factory.mktemp("built")
    command = [str(Path(sys.executable).with_name("ansible-galaxy")), "collection", "build", "--output-path", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (made,) = folder.glob("*.tar.gz")
    return made


@dataclass
class World:
    """The repository that the pipeline runs in, and the environment that its commands get on a machine of the pipeline's."""

    repository: Path
    environment: dict[str, str]

    def ansible(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("ansible-playbook")), *arguments]
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            command, cwd=self.repository, env=environment, capture_output=True, text=True, timeout=PLAY_SECONDS, check=False
        )


@pytest.fixture(scope="session")
def world(url: str, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    repository = folder / "repository"
    shutil.copytree(SERVICE, repository, ignore=shutil.ignore_patterns("build", "__pycache__"))
    shutil.copytree(ROOT / "inventories", repository / "inventories", symlinks=True)
    for name in ("dev", "prod"):
        # Beside the environment's own values, whose file of the same name is read first.
        values = repository / "inventories" / name / "host_vars" / "api.yml"
        values.parent.mkdir()
        values.write_text(yaml.safe_dump(QUICK, explicit_start=True))
    made = World(
        repository,
        {
            # What the action that gets credentials leaves, and in place of the internet's AWS the one of this machine.
            "AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLE00",
            "AWS_SECRET_ACCESS_KEY": "not-a-real-secret-key",
            "AWS_SESSION_TOKEN": "not-a-real-session-token",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_URL": url,
            "AWS_ENDPOINT_URL": url,
            "COLLECTION": str(archive),
            "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
    )
    command = [str(Path(sys.executable).with_name("ansible-galaxy")), "collection", "install", str(archive)]
    installed = subprocess.run(command, env={**os.environ, **made.environment}, capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    return made


@pytest.fixture(scope="session")
def dev_world(world: World) -> World:
    """With the environment dev provisioned."""
    return _provision(world, "dev")


@pytest.fixture(scope="session")
def both_worlds(dev_world: World) -> World:
    """With dev and prod provisioned."""
    return _provision(dev_world, "prod")


def _provision(world: World, name: str) -> World:
    provisioned = world.ansible("steadystate.ecs.provision", "-i", f"inventories/{name}")
    assert provisioned.returncode == 0, provisioned.stdout[-4000:] + provisioned.stderr[-2000:]
    return world


@pytest.fixture(scope="session")
def no_vulnerabilities(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of vulnerabilities in which there is none, in the format of vuln.go.dev."""
    folder = tmp_path_factory.mktemp("none")
    return _database(folder, {})


@pytest.fixture(scope="session")
def a_vulnerability(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database that says that net/http of every Go release lets a server be reached."""
    folder = tmp_path_factory.mktemp("one")
    return _database(
        folder,
        {
            "schema_version": "1.3.1",
            "id": "GO-2026-9999",
            "modified": "2026-11-01T00:00:00Z",
            "published": "2026-11-01T00:00:00Z",
            "summary": "Planted by a test",
            "details": "Planted by a test",
            "affected": [
                {
                    "package": {"name": "stdlib", "ecosystem": "Go"},
                    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
                    "ecosystem_specific": {"imports": [{"path": "net/http", "symbols": ["Server.Serve", "Server.ListenAndServe"]}]},
                }
            ],
            "references": [],
        },
    )


def _database(folder: Path, entry: dict[str, object]) -> str:
    modified = "2026-11-01T00:00:00Z"
    (folder / "index").mkdir()
    (folder / "ID").mkdir()
    vulnerabilities = [{"id": entry["id"], "modified": modified}] if entry else []
    modules = [{"path": "stdlib", "vulns": vulnerabilities}] if entry else []
    (folder / "index" / "db.json").write_text(json.dumps({"modified": modified}))
    (folder / "index" / "vulns.json").write_text(json.dumps(vulnerabilities))
    (folder / "index" / "modules.json").write_text(json.dumps(modules))
    if entry:
        (folder / "ID" / f"{entry['id']}.json").write_text(json.dumps(entry))
    return folder.as_uri()
