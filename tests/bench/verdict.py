# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deploys broken and good releases on local_aws in real time, has them judged, and checks every verdict.

Writes `build/bench/verdict.json`. Each release is a service of its own that runs well before it; several run at the same
time. The releases marked so go through ansible-playbook, the others through the same verbs inside this process. Some are
then deployed again, on services of their own, through tools that others use. The exit code is 1 when a verdict is wrong or
comes too late.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible.plugins.loader import init_plugin_loader
from verdict_peers import FABFUEL_TIMEOUT, MOST_SECONDS, TOOLS, Peers
from verdict_platform import DESIRED, KEYS, ROOT, Platform, build_layouts, local_aws
from verdict_releases import RELEASES, Release

NAMED_WITHIN = 10.0
"""Seconds from the first stopped task or refused call to the name of a deterministic cause."""
REPORTED_WITHIN = 2.0
"""Seconds from ECS's own completion to our success."""
_FIRST_STEADY_SECONDS = 180.0
_MEANWHILE_SECONDS = 2.0
# What the collection calls a failure of the release, whoever put the service back.
_BAD = ("failed", "rolled_back")


class Service:
    """One service, steady on the good version, and one release of it."""

    def __init__(self, platform: Platform, release: Release, name: str) -> None:
        self.platform, self.release, self.name = platform, release, name
        self._ecs = platform.client("ecs")
        first: dict[str, Any] = {
            "name": name,
            "cluster": release.cluster,
            "desired_count": DESIRED,
            "launch_type": "EC2",
            "network_configuration": {"subnets": platform.subnets, "security_groups": [platform.group]},
            "availability_zone_rebalancing": "DISABLED",
            "deployment_configuration": {"minimum_healthy_percent": 100, "maximum_percent": 200},
        }
        if release.balanced:
            group = platform.target_group(name)
            first["load_balancers"] = [{"target_group_arn": group, "container_name": "api", "container_port": 8080}]
        self.good = platform.define(name, {}, {}, {})
        platform.verb("ecs_service", **{**first, **release.first(platform, name)}, task_definition=self.good)
        deadline = time.monotonic() + _FIRST_STEADY_SECONDS
        while not self.is_well(self.good):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not become steady on its good version: {self.describe()['events'][:3]}")
            time.sleep(0.5)
        self.revision = self.good
        if not release.force_only:
            self.revision = platform.define(name, release.top(platform), release.container(platform), release.environment)

    def describe(self) -> dict[str, Any]:
        found = self._ecs.describe_services(cluster=self.release.cluster, services=[self.name])["services"]
        return dict(found[0])

    def is_well(self, revision: str) -> bool:
        """Whether the PRIMARY deployment of this revision is complete and as many of its tasks run as are wanted."""
        service = self.describe()
        primary = next(item for item in service["deployments"] if item["status"] == "PRIMARY")
        complete = primary["rolloutState"] == "COMPLETED" and primary["taskDefinition"] == revision
        return bool(complete and primary["runningCount"] == service["desiredCount"] == service["runningCount"])

    def completed_at(self) -> datetime.datetime:
        """When ECS itself called the newest deployment done."""
        briefs = self._ecs.list_service_deployments(cluster=self.release.cluster, service=self.name)["serviceDeployments"]
        at: datetime.datetime = max(briefs, key=lambda brief: brief["createdAt"])["finishedAt"]
        return at

    def remove(self) -> None:
        self._ecs.delete_service(cluster=self.release.cluster, service=self.name, force=True)

    def deploy(self, folder: Path) -> dict[str, Any]:
        """Update and wait, through ansible-playbook or in process; what the wait returned, `msg` included."""
        if self.release.by_playbook:
            return self._by_playbook(folder)
        options = {"task_definition": self.revision, **self.release.service(self.platform, self.name)}
        if self.release.force_only:
            options["force_new_deployment"] = True
        updated = self.platform.verb("ecs_service", name=self.name, cluster=self.release.cluster, **options)
        with self._meanwhile():
            try:
                return self.platform.verb(
                    "ecs_service_wait",
                    service=self.name,
                    cluster=self.release.cluster,
                    deployment_id=updated["deployment_id"],
                    task_definition=self.revision,
                    timeout=self.release.limit,
                )
            except self.platform.failure as failure:
                return {"msg": failure.message, **failure.result}

    @contextmanager
    def _meanwhile(self) -> Iterator[None]:
        happens = self.release.meanwhile
        if happens is None:
            yield
            return
        over = threading.Event()

        def go_on() -> None:
            while not over.wait(_MEANWHILE_SECONDS):
                happens(self.platform, self.name)

        with ThreadPoolExecutor(1) as side:
            going = side.submit(go_on)
            try:
                yield
            finally:
                over.set()
                going.result()

    def _by_playbook(self, folder: Path) -> dict[str, Any]:
        results = folder / f"{self.name}.json"
        variables = {
            "connection": {**KEYS, "endpoint_url": self.platform.url},
            "service": self.name,
            "cluster": self.release.cluster,
            "task_definition": self.revision,
            "limit": self.release.limit,
            "results": str(results),
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(ROOT / "tests/bench/verdict.yml")]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections"), "ANSIBLE_NOCOLOR": "1"}
        ended = subprocess.run(
            [*command, "-e", json.dumps(variables)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if not results.exists():
            raise RuntimeError(ended.stdout + ended.stderr)
        returned: dict[str, Any] = json.loads(results.read_text())["wait"]
        return returned


def first_evidence(result: Mapping[str, Any]) -> datetime.datetime | None:
    """The first moment at which something spoke against the release: a task being stopped, or ECS unable to place or to move."""
    moments = [
        row["stopping_at"] or row["stopped_at"]
        for row in result["timeline"]["tasks"]
        if row["deployment_id"] == result["deployment_id"] and row["stopped_reason"] and (row["stopping_at"] or row["stopped_at"])
    ]
    refusals = ("unable to place", "because of the service deployment configuration")
    moments += [event["at"] for event in result["timeline"]["events"] if any(words in event["message"] for words in refusals)]
    return min(map(datetime.datetime.fromisoformat, moments), default=None)


def judged(platform: Platform, release: Release, folder: Path) -> dict[str, Any]:
    """Deploy one release through the collection; its row of the result, with what is wrong about the verdict."""
    service = Service(platform, release, release.name)
    result = service.deploy(folder)
    verdict, decided = result.get("verdict"), datetime.datetime.fromisoformat(result["decided_at"])
    evidence = first_evidence(result)
    row: dict[str, Any] = {
        "release": release.name,
        "expected": release.cause or "succeeded",
        "verdict": verdict,
        "cause": result["cause"],
        "detail": result["detail"],
        "seconds_to_verdict": result["seconds_to_verdict"],
        "seconds_from_first_evidence": None if evidence is None else round((decided - evidence).total_seconds(), 2),
        "seconds_until_back_on_good": result["seconds"] if release.cause else None,
        "api_calls": result["api_calls"],
        "api_calls_by_operation": result["api_calls_by_operation"],
        "through": "ansible-playbook" if release.by_playbook else "in process",
        "evidence": result["evidence"],
        "msg": result["msg"],
    }
    if release.cause is None:
        row["seconds_after_ecs_completed"] = round((decided - service.completed_at()).total_seconds(), 2)
    row["wrong"] = _complaints(release, service, row)
    service.remove()
    print(f"  {release.name}: {verdict} {row['cause'] or ''}", flush=True)
    return row


def _complaints(release: Release, service: Service, row: Mapping[str, Any]) -> list[str]:
    wrong = []
    if release.cause is None:
        if row["verdict"] != "succeeded":
            wrong.append(f"a good release was called {row['verdict']}: {row['cause']}")
        elif row["seconds_after_ecs_completed"] > REPORTED_WITHIN:
            wrong.append(f"success was reported {row['seconds_after_ecs_completed']} s after ECS's own completion")
        if not service.is_well(service.revision):
            wrong.append("the service does not run the new revision")
        return wrong
    if row["verdict"] not in _BAD:
        wrong.append(f"a bad release was called {row['verdict']}")
    if row["cause"] != release.cause:
        wrong.append(f"the cause was called {row['cause']}")
    missing = {key: value for key, value in release.detail.items() if row["detail"].get(key) != value}
    if missing:
        wrong.append(f"the detail lacks {missing}")
    late = row["seconds_from_first_evidence"]
    if release.deterministic and late is not None and late > NAMED_WITHIN:
        wrong.append(f"the cause was named {late} s after the first evidence")
    if release.deterministic and late is None and row["seconds_to_verdict"] > NAMED_WITHIN:
        wrong.append(f"the cause was named {row['seconds_to_verdict']} s after the start, with no evidence before")
    if not service.is_well(service.good):
        wrong.append("the service is not back on its good version")
    return wrong


def by_peer(platform: Platform, peers: Peers, tool: str, release: Release) -> dict[str, Any]:
    service = Service(platform, release, f"{release.name}-{'fab' if tool == TOOLS[0] else 'aws'}")
    answer = peers.judge(tool, platform, release.cluster, service.name, service.revision)
    print(f"  {release.name}: {answer['verdict'] or 'no verdict'} by {tool}", flush=True)
    right = answer["verdict"] == ("failed" if release.cause else "succeeded")
    service.remove()
    return {"release": release.name, "tool": tool, **answer, "right": right}


def run(platform: Platform, releases: list[Release], peers: Peers | None, parallel: int, folder: Path) -> dict[str, Any]:
    """The tools of others have lanes of their own: they do little but wait."""
    with ThreadPoolExecutor(parallel) as lanes, ThreadPoolExecutor(parallel) as other_lanes:
        # The longest first, so that they do not end alone.
        ordered = sorted(releases, key=lambda release: -release.limit)
        ours = {release.name: lanes.submit(judged, platform, release, folder) for release in ordered}
        theirs: list[Future[dict[str, Any]]] = []
        if peers is not None:
            pairs = [(tool, release) for release in releases if release.peers for tool in TOOLS]
            theirs = [other_lanes.submit(by_peer, platform, peers, tool, release) for tool, release in pairs]
        rows = [_told(release.name, ours[release.name].result) for release in releases]
        return {"releases": rows, "peers": [_told("peer", future.result) for future in theirs]}


def _told(name: str, result: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return result()
    except Exception:
        # The other releases go on, and this one's failure counts.
        return {"release": name, "verdict": None, "wrong": ["the bench itself failed"], "error": traceback.format_exc()}


def show(result: Mapping[str, Any]) -> None:
    print(f"{'release':25}{'verdict':13}{'cause':26}{'to verdict':>11}{'evidence':>10}{'back':>8}{'calls':>7}")
    for row in result["releases"]:
        numbers = [row.get(key) for key in ("seconds_to_verdict", "seconds_from_first_evidence", "seconds_until_back_on_good")]
        cells = ["" if number is None else f"{number:.1f}" for number in numbers]
        print(
            f"{row['release']:25}{row['verdict'] or '-':13}{row.get('cause') or '-':26}{cells[0]:>11}{cells[1]:>10}{cells[2]:>8}"
            f"{row.get('api_calls', ''):>7}" + "".join(f"\n    WRONG: {words}" for words in row["wrong"])
        )
        if "error" in row:
            print(row["error"])
    for row in result["peers"]:
        if "error" in row:
            print(f"a tool could not be run: {row['error']}")
            continue
        words = row["verdict"] or f"no verdict in {MOST_SECONDS} s"
        print(f"{row['release']:25}{row['tool']:32}{words:26}{row['seconds']:8.1f}  {'right' if row['right'] else 'WRONG'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="names of releases, comma separated")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--parallel", type=int, default=10)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench" / "verdict.json")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [release.name for release in RELEASES]
    releases = [release for release in RELEASES if release.name in wanted]
    init_plugin_loader([str(ROOT / "build" / "collections")])
    began = time.monotonic()
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    peers = None
    if not options.no_peers:
        if uv is None:
            raise SystemExit("uv is needed to install the other tools: it is in .venv after any make target, or use --no-peers")
        peers = Peers(ROOT / "build" / "bench" / "peers", uv, sys.executable)
    with tempfile.TemporaryDirectory(prefix="bench-verdict-") as place:
        folder = Path(place)
        with local_aws(folder / "data", options.speed) as url:
            platform = Platform(url)
            platform.make(build_layouts(folder))
            result = run(platform, releases, peers, options.parallel, folder)
    bad = [row for row in result["releases"] if row["wrong"]]
    result = {
        "speed": options.speed,
        "cpus": os.cpu_count(),
        "parallel": options.parallel,
        "seconds": round(time.monotonic() - began),
        "wrong": len(bad),
        "limits": {
            "named_within": NAMED_WITHIN,
            "reported_within": REPORTED_WITHIN,
            "peers_most_seconds": MOST_SECONDS,
            "fabfuel_timeout": FABFUEL_TIMEOUT,
        },
        "peer_versions": peers.versions() if peers else {},
        "peer_releases": "a subset, since these tools need minutes where they say nothing; seconds of fabfuel include its own rollback",
        **result,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2, default=str) + "\n")
    show(result)
    print(f"{len(result['releases']) - len(bad)} of {len(result['releases'])} right, in {result['seconds']} s; {options.output}")
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
