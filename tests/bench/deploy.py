# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `deploy.yml` itself takes: with nothing to do, and beside the rollout of a release, for which ECS needs its own time.

Writes `build/bench/deploy.json`. In the same rounds the same deploys go through plain tasks of community.aws, skopeo and the AWS
CLI, where those are here. The exit code is 1 when a deploy takes longer than the project promises.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3
from verdict_peers import Peers
from verdict_platform import BUILDER, REGION, ROOT, local_aws

SPEED = 10
NO_OP_SECONDS = 6.0
OVERHEAD_SECONDS = 8.0
CLUSTER = "steadystate-local"
SERVICE = "steadystate-local-api"
# The platform's own repository takes no tag twice, which skopeo does not ask before it pushes.
PLAIN_REPOSITORY = "plain"


class Bench:
    def __init__(self, url: str, images: dict[str, Path], aws_cli: str | None) -> None:
        self.url, self.images, self._aws_cli = url, images, aws_cli

    def play(self, book: Path, *arguments: str, **variables: Any) -> tuple[float, str]:
        """Wall seconds of one `ansible-playbook`, and its output. A play that fails ends the bench."""
        environment = {
            **os.environ,
            "LOCAL_AWS_URL": self.url,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections"),
            "ANSIBLE_NOCOLOR": "1",
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(book), *arguments, "-e", json.dumps(variables)]
        began = time.monotonic()
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if ended.returncode:
            raise SystemExit(f"{book.name} failed:\n{ended.stdout}{ended.stderr}")
        return time.monotonic() - began, ended.stdout

    def ours(self, version: str) -> dict[str, float]:
        wall, output = self.play(
            ROOT / "playbooks/deploy.yml", "-i", "inventories/local", app_image_source=str(self.images[version]), app_image_tag=version
        )
        said = re.search(rf"{version} succeeded in ([\d.]+) s", output)
        if said is None:
            raise SystemExit(f"deploy.yml did not say that it succeeded:\n{output}")
        rollout = float(said.group(1))
        return {"wall": wall, "rollout": rollout, "overhead": wall - rollout}

    def theirs(self, version: str, definition: dict[str, Any]) -> float | None:
        if self._aws_cli is None:
            return None
        wall, _output = self.play(
            ROOT / "tests/bench/deploy_plain.yml",
            "-i",
            "localhost,",
            aws_cli=self._aws_cli,
            source=str(self.images[version]),
            tag=version,
            definition=definition,
            repository=PLAIN_REPOSITORY,
            family=SERVICE,
            service=SERVICE,
            cluster=CLUSTER,
            scratch=str(self.images[version].parent),
            aws_connection={"region": REGION, "endpoint_url": self.url, "access_key": "anything", "secret_key": "anything"},
        )
        return wall


def build(folder: Path, *versions: str) -> dict[str, Path]:
    for version in versions:
        subprocess.run(
            [sys.executable, str(BUILDER), "--version", version, "--output", str(folder / version)], check=True, capture_output=True
        )
    return {version: folder / version for version in versions}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    out = ROOT / "build/bench/deploy.json"
    aws_cli = None
    if shutil.which("skopeo"):
        place = ROOT / ".venv/bench-peers"
        Peers(place, str(Path(sys.executable).with_name("uv")), sys.executable)
        aws_cli = str(place / "bin/aws")
    releases: list[dict[str, float]] = []
    no_ops: list[dict[str, float]] = []
    plain: list[float] = []
    with tempfile.TemporaryDirectory() as scratch, local_aws(Path(scratch) / "aws", SPEED) as url:
        bench = Bench(url, build(Path(scratch), *(f"1.{number}.0" for number in range(rounds + 1))), aws_cli)
        bench.play(ROOT / "playbooks/provision.yml", "-i", "inventories/local")
        client("ecr", url).create_repository(repositoryName=PLAIN_REPOSITORY)
        first = bench.ours("1.0.0")
        for number in range(1, rounds + 1):
            # Each round another: ecs_taskdefinition takes an old revision for the newest where it is equal, and would deploy that.
            version = f"1.{number}.0"
            releases.append(bench.ours(version))
            no_ops.append(bench.ours(version))
            theirs = bench.theirs(version, running(url))
            if theirs is not None:
                plain.append(theirs)
            print(f"round {number}: release {releases[-1]}, no-op {no_ops[-1]['wall']:.1f} s, plain tasks {theirs}", flush=True)
    no_op, overhead = median(no_ops, "wall"), median(releases, "overhead")
    summary = {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "rounds": rounds,
        "first_deploy": first,
        "release": {"overhead": overhead, "goal": OVERHEAD_SECONDS, "rounds": releases},
        "no_op": {"wall": no_op, "goal": NO_OP_SECONDS, "rounds": no_ops},
        "plain_tasks_no_op": {"wall": statistics.median(plain), "rounds": plain} if plain else None,
        "no_op_over_plain_tasks": round(no_op / statistics.median(plain), 2) if plain else None,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(summary, indent=2) + "\n")
    print(f"no-op {no_op:.1f} s (at most {NO_OP_SECONDS:g}), overhead of a release {overhead:.1f} s (at most {OVERHEAD_SECONDS:g}): {out}")
    if plain:
        print(f"no-op over plain tasks: {summary['no_op_over_plain_tasks']}")
    return int(no_op > NO_OP_SECONDS or overhead > OVERHEAD_SECONDS)


def client(service: str, url: str) -> Any:
    return boto3.client(service, region_name=REGION, endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="b")


def running(url: str) -> dict[str, Any]:
    """The task definition that the service runs, as others keep it in a file."""
    ecs = client("ecs", url)
    service = ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
    definition: dict[str, Any] = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    return {key: definition[key] for key in ("containerDefinitions", "executionRoleArn", "taskRoleArn", "cpu", "memory")}


def median(rows: list[dict[str, float]], key: str) -> float:
    return statistics.median(row[key] for row in rows)


if __name__ == "__main__":
    sys.exit(main())
