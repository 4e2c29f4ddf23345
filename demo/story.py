"""The demo, step by step: what is run, what is shown, what has to be true."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from . import playbook
from .local import LocalAws
from .playbook import ROOT
from .prober import Prober, Tally
from .releases import LAST_GOOD_VERSION, RELEASES, Release

SPEED = 10.0
"""How much faster than AWS the delays of ECS, load balancer and Auto Scaling pass in the demo."""
SETTLE = 2.0
"""Seconds of traffic after a release has ended, so that what follows a verdict is counted with it."""
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class Broken(Exception):
    """The demo did not go as it has to; the text says where."""


def tell(line: str) -> None:
    print(line, flush=True)


def heading(text: str) -> None:
    tell(f"\n\033[1m=== {text}\033[0m" if sys.stdout.isatty() else f"\n=== {text}")


class Story:
    def __init__(self, build: Path, keep: bool) -> None:
        self._build = build
        self._keep = keep
        self._local = LocalAws(build, SPEED)
        self._rows: list[dict[str, Any]] = []
        self._began = time.monotonic()

    def tell_all(self) -> None:
        """Run everything. Raises `Broken` at the first thing that is not as it has to be; stops all it started, come what may."""
        self._build.mkdir(parents=True, exist_ok=True)
        stopped = False
        try:
            images = self._build_images()
            heading("AWS on this machine")
            self._local.start(self._keep)
            health = self._local.get("/_local/health")
            tell(f"{self._local.url}  speed {SPEED:g}  tasks run in: {health['runtime']['name']} ({health['runtime']['reason']})")
            provision = self._provision()
            self._ship(images)
            summary = self._summary(provision)
            if self._keep:
                url = self._service_url()
                tell(f"\nStill serving {LAST_GOOD_VERSION}: {url}\nStop it with: kill {self._local.pid}")
                stopped = True
            tell(f"\nWritten: {summary.relative_to(ROOT)}")
        finally:
            if not stopped:
                self._local.stop()

    def _build_images(self) -> dict[str, Path]:
        heading("Building the example service, one image for each release, with no container engine")
        architecture = ARCHITECTURES[platform.machine().lower()]
        images = {}
        for release in RELEASES:
            layout = self._build / "images" / release.version
            shutil.rmtree(layout, ignore_errors=True)
            command = [
                sys.executable,
                str(ROOT / "examples" / "go-service" / "build_image.py"),
                "--version",
                release.version,
                "--platform",
                f"linux/{architecture}",
                "--output",
                str(layout),
            ]
            started = time.monotonic()
            subprocess.run(command, check=True)
            tell(f"{release.version}  {time.monotonic() - started:.1f} s")
            images[release.version] = layout
        return images

    def _provision(self) -> dict[str, Any]:
        heading("Provisioning: network, load balancer, cluster, registry, roles")
        run = self._play("provision", {})
        if run.exit_code:
            raise Broken(f"provision.yml ended with exit code {run.exit_code}")
        calls = self._local.get("/_local/calls")["calls"]
        return {"seconds": round(run.seconds, 1), "tasks": run.tasks, "changed": run.changed, "api_calls": len(calls)}

    def _ship(self, images: dict[str, Path]) -> None:
        prober: Prober | None = None
        try:
            for release in RELEASES:
                heading(f"{release.version}: {release.story}")
                if prober:
                    prober.take()
                run = self._play(
                    "deploy",
                    {
                        "app_image_source": str(images[release.version]),
                        "app_image_tag": release.version,
                        "app_environment": dict(release.environment),
                    },
                )
                if prober is None:
                    prober = Prober(self._service_url() + "/health/ready", tell)
                    prober.start()
                time.sleep(SETTLE)
                self._judge(release, run, prober.take())
            if prober is None or self._answering() != LAST_GOOD_VERSION:
                raise Broken(f"the service answers with {self._answering()}, not with the last good version {LAST_GOOD_VERSION}")
        finally:
            if prober:
                prober.stop()

    def _judge(self, release: Release, run: playbook.Run, tally: Tally) -> None:
        wait = run.result_of("ecs_service_wait")
        row = {
            "release": release.version,
            "verdict": wait.get("verdict", "none"),
            "cause": wait.get("cause") or "",
            "seconds": round(float(wait.get("seconds", run.seconds)), 1),
            "requests": tally.requests,
            "failed_requests": tally.failed,
            "deploy_seconds": round(run.seconds, 1),
        }
        self._rows.append(row)
        if row["verdict"] != release.verdict or (release.causes and row["cause"] not in release.causes):
            raise Broken(
                f"{release.version} ended {row['verdict']} ({row['cause'] or 'no cause'}); "
                f"it has to end {release.verdict} ({' or '.join(sorted(release.causes)) or 'no cause'})"
            )
        if (run.exit_code == 0) != (release.verdict == "succeeded"):
            raise Broken(f"{release.version} ended {row['verdict']}, yet ansible-playbook's exit code was {run.exit_code}")
        if tally.failed:
            raise Broken(f"{release.version}: {tally.failed} of {tally.requests} requests failed: {dict(tally.failures)}")

    def _play(self, name: str, variables: dict[str, Any]) -> playbook.Run:
        return playbook.run(ROOT / "playbooks" / f"{name}.yml", self._local.url, self._build / "results.jsonl", variables)

    def _service_url(self) -> str:
        balancers = self._local.get("/_local/state")["elb"]["load_balancers"]
        urls = [listener["url"] for balancer in balancers for listener in balancer["listeners"] if listener["url"]]
        if not urls:
            raise Broken("no load balancer listens")
        return str(urls[0]).rstrip("/")

    def _answering(self) -> str:
        version, failure = Prober(self._service_url() + "/health/ready", tell).ask()
        return version or failure

    def _summary(self, provision: dict[str, Any]) -> Path:
        heading("What happened")
        columns = ("release", "verdict", "cause", "seconds", "requests", "failed_requests")
        table = [columns, *(tuple(str(row[column]) for column in columns) for row in self._rows)]
        widths = [max(len(line[index]) for line in table) for index in range(len(columns))]
        for line in table:
            tell("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        total = round(time.monotonic() - self._began, 1)
        tell(
            f"\nprovision: {provision['seconds']} s, {provision['tasks']} tasks, {provision['api_calls']} API calls; everything: {total} s"
        )
        path = self._build / "summary.json"
        path.write_text(json.dumps({"releases": self._rows, "provision": provision, "seconds": total}, indent=2) + "\n")
        return path
