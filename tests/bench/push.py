# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pushes the same images to the same registry with our push, skopeo and crane, in turn, and writes `build/bench/push.json`.

The registry is Debian's docker-registry, started anew for every first push, with its content in RAM: over TLS on loopback, and
through an emulated WAN (50 ms a request, 40 MB/s a connection) in plain HTTP, where requests and bytes can be counted. Every
tool is a process, measured from its start to its end: wall time, CPU time, largest memory. A ratio is the median of ours
divided by that of the other: below 1 is faster. Ours is given three times: as such a process; `alone`, from when Python and the
modules are loaded, since that is what a push takes inside Ansible, which runs already; and as the whole Ansible task, between the
tasks before and after it, with the calls of ECR's API that it makes. What stands in for that API is as far away as the registry. The
peers make no such calls: they get in without a login.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import datetime
import hashlib
import http.server
import ipaddress
import json
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.bench import push_images
from tests.bench.push_wan import Distance
from tests.peers import ROOT, Certificate, NotThere, debian_package, distribution, go_tool

OURS = Path(__file__).with_name("push_ours.py")
MEASURED = Path(__file__).with_name("measured.py")
IN_RAM = "/dev/shm" if Path("/dev/shm").is_dir() else None
LATENCY = 0.05
RATE = 40_000_000
STEPS = ("cold", "no-op", "new tag")
TOOLS = ("ours", "ours, zlib", "skopeo", "crane")
REPOSITORY = "bench"
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
# Of the issue: the ratio to crane and to Debian's skopeo that is to be reached, by network, image, step and our tool.
GOALS: dict[tuple[str, str, str, str], tuple[float | None, float | None]] = {
    ("tls", "oci-8-layers", "cold", "ours"): (1.0, 0.5),
    ("wan", "oci-8-layers", "cold", "ours"): (0.6, 0.25),
    ("tls", "docker-archive", "cold", "ours"): (0.4, 0.5),
    ("tls", "docker-archive", "cold", "ours, zlib"): (0.7, 0.8),
    ("wan", "oci-8-layers", "no-op", "ours"): (0.5, None),
    ("wan", "docker-archive", "no-op", "ours"): (0.5, None),
}
AS_TASK = ("oci-8-layers", "docker-archive")
MOST_MEMORY = 64 * 1024 * 1024
REQUESTS = {"no-op": 1, "new tag": 3}


@dataclass(frozen=True)
class Sample:
    wall: float
    cpu: float
    memory: int
    alone: float | None = None
    """Of `wall`, without the start of the interpreter."""
    requests: int | None = None
    """To the registry."""
    bytes_up: int | None = None
    calls: int | None = None
    """Of ECR's API."""


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def certificate(folder: Path) -> Certificate:
    """A certificate for 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(folder / "ca.crt", folder / "ca.key")
    made.certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    pem, unlocked = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    made.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, unlocked))
    return made


def measured(command: list[str], environment: dict[str, str]) -> Sample:
    """Run a process. Its own children count too. Raises with its words when it fails."""
    with tempfile.TemporaryFile() as words, tempfile.NamedTemporaryFile() as numbers:
        run = [sys.executable, "-I", "-S", str(MEASURED), numbers.name, *command]
        done = subprocess.run(run, stdout=words, stderr=subprocess.STDOUT, env={**os.environ, **environment}, check=False)
        words.seek(0)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{words.read().decode()}")
        alone = float(words.read()) if str(OURS) in command else None
        return Sample(**json.load(numbers), alone=alone)


class Bench:
    def __init__(self, folder: Path, images: dict[str, tuple[str, Path]]) -> None:
        self.folder = folder
        self.images = images
        self.tls = certificate(folder)
        self.registry = debian_package("docker-registry", "docker-registry")
        self.peers = {"skopeo": debian_package("skopeo", "skopeo")}
        try:
            self.peers["crane"] = go_tool("crane")
        except NotThere as why:
            print(f"Without crane: {why}", flush=True)
        self.tools = [tool for tool in TOOLS if tool.startswith("ours") or tool in self.peers]

    def command(self, tool: str, image: str, address: str, api: str, tag: str, secure: bool) -> list[str]:
        kind, path = self.images[image]
        if tool.startswith("ours"):
            compression = "zlib" if tool.endswith("zlib") else "auto"
            endpoint = f"{'https' if secure else 'http'}://{address}"
            trust = [str(self.tls.certificate)] if secure else []
            return [sys.executable, str(OURS), endpoint, api, REPOSITORY, str(path), tag, compression, *trust]
        if tool == "crane":
            return [self.peers["crane"], "push", *([] if secure else ["--insecure"]), str(path), f"{address}/{REPOSITORY}:{tag}"]
        verify = f"--dest-tls-verify={'true' if secure else 'false'}"
        return [self.peers["skopeo"], "copy", "--quiet", verify, f"{kind}:{path}", f"docker://{address}/{REPOSITORY}:{tag}"]

    @contextlib.contextmanager
    def surroundings(self, network: str) -> Iterator[Surroundings]:
        """A registry of its own, and what stands in for the API of ECR, both at the network's distance."""
        with contextlib.ExitStack() as stack:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-push-", dir=IN_RAM)))
            secure = network == "tls"
            address = stack.enter_context(distribution(self.registry, place, self.tls if secure else None))
            scheme = "https" if secure else "http"
            trust = ssl.create_default_context(cafile=self.tls.certificate)
            if secure:
                api = stack.enter_context(ecr_answering(f"{scheme}://{address}", f"{scheme}://{address}", trust))
                yield Surroundings(address, api)
                return
            registry = stack.enter_context(contextlib.closing(Distance(address, LATENCY, RATE)))
            near = stack.enter_context(ecr_answering(f"{scheme}://{address}", f"{scheme}://{registry.address}", trust))
            calls = stack.enter_context(contextlib.closing(Distance(near.removeprefix("http://"), LATENCY, RATE)))
            yield Surroundings(registry.address, f"http://{calls.address}", registry, calls)

    def one(self, tool: str, image: str, network: str) -> dict[str, Sample]:
        """All steps of one tool with one image, on a registry of its own."""
        with self.surroundings(network) as around:
            samples = {}
            for step, tag in zip(STEPS, ("1", "1", "2"), strict=True):
                command = self.command(tool, image, around.address, around.api, tag, network == "tls")
                found = measured(command, {"SSL_CERT_FILE": str(self.tls.certificate)})
                samples[step] = around.counted(found)
            return samples

    def ansible(self, image: str, network: str) -> dict[str, Task]:
        """The whole task in a playbook, for each step."""
        with self.surroundings(network) as around, tempfile.TemporaryDirectory(prefix="bench-push-") as folder:
            playbook, noted = Path(folder) / "play.yml", Path(folder) / "noted.json"
            playbook.write_text(json.dumps([_play(self.images[image][1], around.api, self.tls.certificate, noted)]))
            command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(playbook)]
            measured(command, {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"), "ANSIBLE_LOCALHOST_WARNING": "false"})
            found = json.loads(noted.read_text())
        # What a task that does nothing takes between the same two is not the push's.
        idle = found["idle"]["after"] - found["idle"]["before"]
        return {step: Task(found[step]["after"] - found[step]["before"] - idle, found[step]["requests"]) for step in STEPS}


@dataclass(frozen=True)
class Task:
    wall: float
    requests: int


@dataclass(frozen=True)
class Surroundings:
    address: str
    api: str
    registry: Distance | None = None
    calls: Distance | None = None

    def counted(self, sample: Sample) -> Sample:
        if self.registry is None or self.calls is None:
            return sample
        passed = self.registry.counted()
        return replace(sample, requests=passed.requests, bytes_up=passed.bytes_up, calls=self.calls.counted().requests)


def _play(source: Path, api: str, ca: Path, noted: Path) -> dict[str, Any]:
    now = "{{ now().timestamp() }}"

    def between(name: str, task: dict[str, Any]) -> list[dict[str, Any]]:
        key = name.replace("-", "_").replace(" ", "_")
        return [
            {"name": "Before", "ansible.builtin.set_fact": {f"before_{key}": now}},
            task,
            {
                "name": "After",
                "ansible.builtin.set_fact": {f"after_{key}": now, f"requests_{key}": "{{ pushed.requests | default(0) }}"},
            },
        ]

    def push(tag: str) -> dict[str, Any]:
        connection = {
            "region": "eu-west-1",
            "endpoint_url": api,
            "access_key": "bench-key",
            "secret_key": "bench-secret",
            "aws_ca_bundle": str(ca),
        }
        return {
            "name": "Push",
            "steadystate.ecs.ecr_image_push": {"source": str(source), "repository": REPOSITORY, "tags": [tag], **connection},
            "register": "pushed",
        }

    # The first use of the collection in a process imports boto3, once for all tasks of a play: a look that sends nothing comes first.
    warm = {**push("1"), "name": "Warm up", "check_mode": True}
    steps = dict(zip(STEPS, ("1", "1", "2"), strict=True))
    tasks = [warm, *between("idle", {"name": "Idle", "ansible.builtin.set_fact": {"nothing": 0}})]
    for step, tag in steps.items():
        tasks += between(step, push(tag))
    content = {
        name: {
            "before": f"{{{{ before_{key} | float }}}}",
            "after": f"{{{{ after_{key} | float }}}}",
            "requests": f"{{{{ requests_{key} | int }}}}",
        }
        for name in ("idle", *STEPS)
        for key in [name.replace("-", "_").replace(" ", "_")]
    }
    tasks.append(
        {
            "name": "Keep",
            "ansible.builtin.copy": {"dest": str(noted), "mode": "0600", "content": "{{ noted | to_json }}"},
            "vars": {"noted": content},
        }
    )
    own = {"ansible_python_interpreter": sys.executable}
    return {"name": "Bench", "hosts": "localhost", "connection": "local", "gather_facts": False, "vars": own, "tasks": tasks}


@contextlib.contextmanager
def ecr_answering(near: str, registry: str, trust: ssl.SSLContext) -> Iterator[str]:
    """The calls of ECR that a push makes, answered at once. They name `registry`, which is `near` at a distance."""

    def ask(path: str) -> tuple[str, bytes] | None:
        request = urllib.request.Request(f"{near}/v2/{REPOSITORY}/{path}", headers={"Accept": ", ".join(MANIFESTS)})
        try:
            with urllib.request.urlopen(request, context=trust) as answer:
                return str(answer.headers["Content-Type"]), answer.read()
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.NOT_FOUND:
                raise
            return None

    def images(asked: dict[str, Any]) -> dict[str, Any]:
        found, failures = [], []
        for wanted in asked["imageIds"]:
            manifest = ask(f"manifests/{wanted.get('imageTag') or wanted['imageDigest']}")
            if manifest is None:
                failures.append({"imageId": wanted, "failureCode": "ImageNotFound"})
                continue
            kind, content = manifest
            name = {**wanted, "imageDigest": digest_of(content)}
            found.append({"imageId": name, "imageManifest": content.decode(), "imageManifestMediaType": kind})
        return {"images": found, "failures": failures}

    def details(asked: dict[str, Any]) -> dict[str, Any]:
        listed = ask("tags/list")
        manifests = [ask(f"manifests/{tag}") for tag in json.loads(listed[1])["tags"] or []] if listed else []
        digests = {digest_of(manifest[1]) for manifest in manifests if manifest}
        return {"imageDetails": [{"imageDigest": digest, "imagePushedAt": time.time()} for digest in digests]}

    answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "DescribeRepositories": lambda asked: {
            "repositories": [{"repositoryName": REPOSITORY, "repositoryUri": f"{registry}/{REPOSITORY}", "registryId": "123456789012"}]
        },
        "GetAuthorizationToken": lambda asked: {
            "authorizationData": [{"authorizationToken": base64.b64encode(b"AWS:bench").decode(), "proxyEndpoint": registry}]
        },
        "DescribeImages": details,
        "BatchGetImage": images,
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Else the body waits until the headers have been acknowledged, which the other side puts off by 40 ms.
        disable_nagle_algorithm = True

        def log_message(self, *args: Any) -> None:
            """Nobody reads it."""

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            body = json.dumps(answers[self.headers["X-Amz-Target"].rpartition(".")[2]](asked)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


Samples = dict[str, dict[str, dict[str, dict[str, list[Sample]]]]]
Tasks = dict[tuple[str, str, str], list[Task]]


def measure(bench: Bench, rounds: int, networks: list[str]) -> tuple[Samples, Tasks]:
    """Samples by network, image, step and tool, and of the Ansible task by network, image and step. Who goes first changes each round."""
    samples: Samples = {}
    tasks: Tasks = {}
    for number in range(rounds):
        for network in networks:
            for image, (kind, _path) in bench.images.items():
                # Without anything to compress there is no difference between our two.
                tools = [tool for tool in bench.tools if kind == "docker-archive" or tool != "ours, zlib"]
                for tool in tools[number % len(tools) :] + tools[: number % len(tools)]:
                    for step, sample in bench.one(tool, image, network).items():
                        samples.setdefault(network, {}).setdefault(image, {}).setdefault(step, {}).setdefault(tool, []).append(sample)
                # What Ansible adds is the same whatever the image; the goals name these two.
                if image in AS_TASK:
                    for step, task in bench.ansible(image, network).items():
                        tasks.setdefault((network, image, step), []).append(task)
                print(f"round {number + 1} of {rounds}: {network}, {image}", flush=True)
    return samples, tasks


def shown(samples: list[Sample]) -> dict[str, Any]:
    walls = [sample.wall for sample in samples]
    result: dict[str, Any] = {
        "wall": round(statistics.median(walls), 4),
        "range": [round(min(walls), 4), round(max(walls), 4)],
        "cpu": round(statistics.median(sample.cpu for sample in samples), 4),
        "memory": max(sample.memory for sample in samples),
    }
    if samples[0].alone is not None:
        result["alone"] = round(statistics.median(sample.alone or 0.0 for sample in samples), 4)
    if samples[0].requests is not None:
        result["requests"] = max(sample.requests or 0 for sample in samples)
        result["bytes"] = max(sample.bytes_up or 0 for sample in samples)
        result["api_calls"] = max(sample.calls or 0 for sample in samples)
    return result


def report(samples: Samples, tasks: Tasks) -> dict[str, Any]:
    networks: dict[str, Any] = {}
    goals: list[dict[str, Any]] = []
    for network, by_image in samples.items():
        for image, by_step in by_image.items():
            for step, by_tool in by_step.items():
                tools = {tool: shown(found) for tool, found in by_tool.items()}
                ratios = {
                    f"{ours}{suffix} / {peer}": round(tools[ours][part] / tools[peer]["wall"], 3)
                    for ours in tools
                    if ours.startswith("ours")
                    for suffix, part in (("", "wall"), (" alone", "alone"))
                    for peer in tools
                    if not peer.startswith("ours")
                }
                networks.setdefault(network, {}).setdefault(image, {})[step] = {"tools": tools, "ratios": ratios}
                for ours in (tool for tool in tools if tool.startswith("ours")):
                    wanted = GOALS.get((network, image, step, ours), (None, None))
                    for peer, most in zip(("crane", "skopeo"), wanted, strict=True):
                        if most is not None and (ratio := ratios.get(f"{ours} alone / {peer}")) is not None:
                            goals.append(_goal(f"{network}, {image}, {step}: {ours} alone / {peer}", ratio, most))
                    # The interpreter is counted with the push: there is no push without one.
                    goals.append(_goal(f"{network}, {image}, {step}: memory of {ours}", tools[ours]["memory"], MOST_MEMORY))
                    if step in REQUESTS and "requests" in tools[ours]:
                        goals.append(_goal(f"{network}, {image}, {step}: requests of {ours}", tools[ours]["requests"], REQUESTS[step]))
    for (network, image, step), found in tasks.items():
        walls = [task.wall for task in found]
        entry: dict[str, Any] = {"wall": round(statistics.median(walls), 4), "range": [round(min(walls), 4), round(max(walls), 4)]}
        entry["requests"] = max(task.requests for task in found)
        shown_here = networks[network][image][step]
        peers = {peer: numbers for peer, numbers in shown_here["tools"].items() if not peer.startswith("ours")}
        entry["ratios"] = {f"task / {peer}": round(entry["wall"] / numbers["wall"], 3) for peer, numbers in peers.items()}
        shown_here["ansible_task"] = entry
        for peer, most in zip(("crane", "skopeo"), GOALS.get((network, image, step, "ours"), (None, None)), strict=True):
            if most is not None and peer in peers:
                goals.append(_goal(f"{network}, {image}, {step}: Ansible task / {peer}", entry["ratios"][f"task / {peer}"], most))
        if step in REQUESTS:
            goals.append(_goal(f"{network}, {image}, {step}: requests of the Ansible task", entry["requests"], REQUESTS[step]))
    return {"networks": networks, "goals": goals}


def _goal(what: str, found: float, most: float) -> dict[str, Any]:
    return {"what": what, "found": found, "most": most, "met": found <= most}


# The rows of the table for people: what it is called, then where it is found and which of our two it is about.
ROWS = (
    ("layout, TLS", "tls", "oci-8-layers", "cold", "ours"),
    ("layout, WAN", "wan", "oci-8-layers", "cold", "ours"),
    ("docker archive, TLS, isal", "tls", "docker-archive", "cold", "ours"),
    ("docker archive, TLS, zlib", "tls", "docker-archive", "cold", "ours, zlib"),
    ("docker archive, WAN, isal", "wan", "docker-archive", "cold", "ours"),
    ("100 small layers, TLS", "tls", "oci-100-layers", "cold", "ours"),
    ("100 small layers, WAN", "wan", "oci-100-layers", "cold", "ours"),
    ("Go binary, TLS", "tls", "go-binary", "cold", "ours"),
    ("Go binary, WAN", "wan", "go-binary", "cold", "ours"),
    ("layout again, WAN", "wan", "oci-8-layers", "no-op", "ours"),
    ("docker archive again, WAN", "wan", "docker-archive", "no-op", "ours"),
    ("new tag for a layout, WAN", "wan", "oci-8-layers", "new tag", "ours"),
    ("new tag for a docker archive, WAN", "wan", "docker-archive", "new tag", "ours"),
)


def table(result: dict[str, Any]) -> str:
    """What was found as a table in Markdown: medians in seconds, and the ratios that the goals are about."""
    peers = [peer for peer in ("crane", "skopeo") if peer in result["peers"]]
    titles = ["", "ours", "its process", "Ansible task", *peers, *(f"ours / {peer}" for peer in peers), "goals"]
    lines = [f"| {' | '.join(titles)} |", f"| --- |{' ---: |' * (len(titles) - 1)}"]
    for name, network, image, step, ours in ROWS:
        found = result["networks"].get(network, {}).get(image, {}).get(step)
        if found is None:
            continue
        tools, task = found["tools"], found.get("ansible_task") if ours == "ours" else None
        seconds = [tools[ours]["alone"], tools[ours]["wall"], task["wall"] if task else None, *(tools[peer]["wall"] for peer in peers)]
        ratios = [found["ratios"][f"{ours} alone / {peer}"] for peer in peers]
        goals = " and ".join(f"{most}" for most in GOALS.get((network, image, step, ours), ()) if most is not None)
        cells = [name, *("" if number is None else f"{number:.2f}" for number in (*seconds, *ratios)), goals]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def sizes(images: dict[str, tuple[str, Path]]) -> dict[str, int]:
    return {
        name: sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else path.stat().st_size
        for name, (_kind, path) in images.items()
    }


def version(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the images, 1 being about 400 MB (default %(default)s)")
    parser.add_argument("--networks", nargs="+", choices=["tls", "wan"], default=["tls", "wan"])
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench" / "push.json")
    parser.add_argument("--images", nargs="+", help="of these only (default: all)")
    options = parser.parse_args()
    images = push_images.make(ROOT / "build" / "bench" / "images", options.scale)
    chosen = options.images or list(images)
    if unknown := set(chosen) - set(images):
        parser.error(f"there is no image {', '.join(sorted(unknown))}; there are {', '.join(images)}")
    with tempfile.TemporaryDirectory(prefix="bench-push-") as place:
        bench = Bench(Path(place), images)
        # Compiled Python, the files of the images in the page cache: all that only the first run would pay for.
        for tool in bench.tools:
            bench.one(tool, "go-binary", "tls")
        bench.images = {name: bench.images[name] for name in chosen}
        samples, tasks = measure(bench, options.rounds, options.networks)
        result = {
            "rounds": options.rounds,
            "scale": options.scale,
            "cpus": os.cpu_count(),
            "image_bytes": sizes(images),
            "wan": {"seconds_per_request": LATENCY, "bytes_per_second_and_connection": RATE},
            "peers": {
                "registry": version([bench.registry, "--version"]),
                "skopeo": version([bench.peers["skopeo"], "--version"]),
                **(
                    {"crane": version(["go", "version", "-m", bench.peers["crane"]]).split("\tmod\t")[-1].split("\n")[0]}
                    if "crane" in bench.peers and shutil.which("go")
                    else {}
                ),
            },
            **report(samples, tasks),
        }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    options.output.with_suffix(".md").write_text(table(result))
    for network, by_image in result["networks"].items():
        for image, by_step in by_image.items():
            for step, found in by_step.items():
                walls = "  ".join(f"{tool} {numbers['wall']:.3f} s" for tool, numbers in found["tools"].items())
                print(f"{network:4} {image:15} {step:8} {walls}  {found['ratios']}")
                if task := found.get("ansible_task"):
                    numbers = f"{task['wall']:.3f} s, {task['requests']} requests"
                    print(f"{network:4} {image:15} {step:8} Ansible task {numbers}  {task['ratios']}")
    for goal in result["goals"]:
        if not goal["met"]:
            print(f"not met: {goal['what']} is {goal['found']}, to be at most {goal['most']}")
    print(f"written to {options.output}")


if __name__ == "__main__":
    main()
