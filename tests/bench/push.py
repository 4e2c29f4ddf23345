# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pushes one image side by side with skopeo: same layout, same registry (local_aws), same run, in turn.

Writes `build/bench/push.json`. Each ratio is our seconds divided by skopeo's: below 1 is faster. Ours is the verb as an
action runs it, inside a process that is there already, with the calls to AWS that it makes; skopeo's is its process, which
is given its password.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import gzip
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from ansible.plugins.loader import init_plugin_loader

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-west-1"
KEYS = {"region": REGION, "access_key": "bench-key", "secret_key": "bench-secret"}
LAYERS = (30_000_000, 25_000_000, 20_000_000, 15_000_000, 8_000_000, 1_500_000, 400_000, 2_000)
CASES = ("cold", "no-op", "new tag")


def make_layout(path: Path) -> None:
    """An image of about 100 MB. Its layers are gzip streams, or skopeo would compress them on the way, and pay for it."""
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    source = random.Random(1)

    def blob(data: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    contents = [source.randbytes(size) for size in LAYERS]
    layers = [blob(gzip.compress(content, compresslevel=0, mtime=0), "layer.v1.tar+gzip") for content in contents]
    diff_ids = [f"sha256:{hashlib.sha256(content).hexdigest()}" for content in contents]
    config = {"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(json.dumps(config).encode(), "config.v1+json"),
        "layers": layers,
    }
    entry = blob(json.dumps(manifest).encode(), "manifest.v1+json")
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))


@contextlib.contextmanager
def local_aws(data: Path) -> Iterator[str]:
    """Runs local_aws on a free port for as long as the block lasts; its URL."""
    command = [sys.executable, "-m", "local_aws", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if " ready at " in line:
                yield line.split(" ready at ")[1].split()[0]
                break
        else:
            raise SystemExit("local_aws did not start")
    finally:
        process.terminate()
        process.wait(30)


class Bench:
    def __init__(self, url: str, layout: Path) -> None:
        from ansible_collections.steadystate.ecs.plugins.module_utils._aws.connection import client_factory
        from ansible_collections.steadystate.ecs.plugins.module_utils._clock import SystemClock
        from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context
        from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecr_image_push import VERB

        self._verb, self._context, self._factory, self._clock = VERB, Context, client_factory, SystemClock()
        self._layout = layout
        self._connection = {**KEYS, "endpoint_url": url, "validate_certs": True, "aws_ca_bundle": None}
        self._ecr = boto3.client(
            "ecr",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id=KEYS["access_key"],
            aws_secret_access_key=KEYS["secret_key"],
        )
        authorization = self._ecr.get_authorization_token()["authorizationData"][0]
        self._credentials = base64.b64decode(authorization["authorizationToken"]).decode()
        self._host = authorization["proxyEndpoint"].partition("://")[2]

    def repository(self, name: str) -> None:
        self._ecr.create_repository(repositoryName=name)

    def digest(self, repository: str, tag: str) -> str:
        found = self._ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
        return str(found["imageDetails"][0]["imageDigest"])

    def ours(self, repository: str, tag: str) -> float:
        params = {name: option.get("default") for name, option in self._verb.argument_spec.items()}
        params.update(self._connection, source=str(self._layout), repository=repository, tags=[tag])
        started = time.monotonic()
        context = self._context(self._factory(params), self._clock, progress=lambda line: None, warn=lambda line: None)
        self._verb.run(params, context)
        return time.monotonic() - started

    def skopeo(self, repository: str, tag: str) -> float:
        command = ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"--dest-creds={self._credentials}"]
        started = time.monotonic()
        subprocess.run([*command, f"oci:{self._layout}", f"docker://{self._host}/{repository}:{tag}"], check=True)
        return time.monotonic() - started


def measure(bench: Bench, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds by case and tool. The tool that goes first changes from round to round."""
    seconds: dict[str, dict[str, list[float]]] = {case: {"ours": [], "skopeo": []} for case in CASES}
    for number in range(rounds):
        tools = {"ours": bench.ours, "skopeo": bench.skopeo}
        for name, push in list(tools.items())[:: 1 if number % 2 else -1]:
            repository = f"{name}-{number}"
            bench.repository(repository)
            seconds["cold"][name].append(push(repository, "1.0"))
            seconds["no-op"][name].append(push(repository, "1.0"))
            seconds["new tag"][name].append(push(repository, "2.0"))
        digests = {bench.digest(f"{name}-{number}", tag) for name in tools for tag in ("1.0", "2.0")}
        if len(digests) != 1:
            raise SystemExit(f"the tools pushed different images: {digests}")
    return seconds


def report(seconds: dict[str, dict[str, list[float]]], rounds: int) -> dict[str, Any]:
    cases = {}
    for case, by_tool in seconds.items():
        middle = {name: statistics.median(values) for name, values in by_tool.items()}
        spread = {name: [round(min(values), 4), round(max(values), 4)] for name, values in by_tool.items()}
        ratio = middle["ours"] / middle["skopeo"]
        cases[case] = {**{name: round(value, 4) for name, value in middle.items()}, "ratio": round(ratio, 3), "ranges": spread}
    version = subprocess.run(["skopeo", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    return {"image_bytes": sum(LAYERS), "layers": len(LAYERS), "rounds": rounds, "cpus": os.cpu_count(), "peer": version, "cases": cases}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench" / "push.json")
    options = parser.parse_args()
    if shutil.which("skopeo") is None:
        raise SystemExit("skopeo is needed beside us: apt-get install skopeo")
    init_plugin_loader([str(ROOT / "build" / "collections")])
    with tempfile.TemporaryDirectory(prefix="bench-push-") as place:
        layout = Path(place) / "layout"
        make_layout(layout)
        with local_aws(Path(place) / "data") as url:
            bench = Bench(url, layout)
            bench.repository("warm-up")
            bench.ours("warm-up", "1")
            bench.skopeo("warm-up", "1")
            result = report(measure(bench, options.rounds), options.rounds)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    print(f"{result['peer']}, {sum(LAYERS) / 1e6:.0f} MB in {len(LAYERS)} layers, median of {options.rounds}")
    print(f"{'':10}{'ours':>9}{'skopeo':>9}{'ratio':>8}")
    for case, numbers in result["cases"].items():
        print(f"{case:10}{numbers['ours']:8.3f}s{numbers['skopeo']:8.3f}s{numbers['ratio']:8.2f}")
    print(f"written to {options.output.relative_to(ROOT) if options.output.is_relative_to(ROOT) else options.output}")


if __name__ == "__main__":
    main()
