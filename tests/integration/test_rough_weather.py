# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deploys in rough weather: two at once, killed on the way, credentials that expire, every third call throttled."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import LOG_GROUP, PLAY_SECONDS, REGION, ROOT, START_SECONDS, Account, Run, _die_with_parent

CRASH = {"FAULT_CRASH_AT_START": "3"}
THROTTLED_SHARE = 0.3


class Play:
    """One ansible-playbook under way, in a process group of its own."""

    def __init__(self, account: Account, folder: Path, service: str, revision: str, url: str | None = None, **options: Any) -> None:
        self._results = folder / f"results-{time.monotonic_ns()}.json"
        self._log = folder / f"log-{time.monotonic_ns()}"
        facts = {**account.facts, "url": url or account.facts["url"]}
        variables = {"account": facts, "service": service, "revision": revision, "results": str(self._results), **options}
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(ROOT / "tests/integration/playbooks/release.yml")]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, "-e", json.dumps(variables)],
                cwd=ROOT,
                env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections"), "ANSIBLE_NOCOLOR": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def said(self, words: str) -> Callable[[], bool]:
        return lambda: words in self.output

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PLAY_SECONDS
        while not condition():
            assert self._process.poll() is None, f"it ended before that: {self.output}"
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL to it and to all that it has started: nothing of it can tidy up."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def end(self) -> Run:
        code = self._process.wait(PLAY_SECONDS)
        assert self._results.exists(), self.output
        return Run(code, self.output, json.loads(self._results.read_text()))


class Service:
    """A service of the test's own, steady on a good revision."""

    def __init__(self, account: Account, folder: Path, name: str, **options: Any) -> None:
        """`options` are those of the playbook besides."""
        self.account, self.folder, self.name, self.options = account, folder, name, options
        self.ecs = account.client("ecs")
        self.good = self.define()
        run = self.play(self.good).end()
        assert run.code == 0, run.output

    def define(self, environment: dict[str, str] | None = None, **container: Any) -> str:
        """Register a revision of the service; its ARN."""
        answer = self.ecs.register_task_definition(
            family=self.name,
            networkMode="awsvpc",
            requiresCompatibilities=["EC2"],
            cpu="256",
            memory="256",
            executionRoleArn=self.account.facts["execution_role"],
            containerDefinitions=[
                {
                    "name": "api",
                    "image": self.account.facts["pushed"],
                    "essential": True,
                    "portMappings": [{"containerPort": 8080}],
                    "environment": [
                        {"name": name, "value": value} for name, value in {"SHUTDOWN_DELAY": "0s", **(environment or {})}.items()
                    ],
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {"awslogs-group": LOG_GROUP, "awslogs-region": REGION, "awslogs-stream-prefix": self.name},
                    },
                    **container,
                }
            ],
        )
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def never_healthy_yet(self) -> str:
        """A revision whose deployment stays under way: its container is neither healthy nor unhealthy for a long time."""
        check = {"command": ["CMD", "/server", "-healthcheck=ready"], "interval": 300, "timeout": 5, "retries": 3, "startPeriod": 300}
        return self.define({"FAULT_SLOW_START": "1h"}, healthCheck=check)

    def play(self, revision: str, url: str | None = None, **options: Any) -> Play:
        return Play(self.account, self.folder, self.name, revision, url, **self.options, **options)

    def describe(self) -> dict[str, Any]:
        return dict(self.ecs.describe_services(cluster="main", services=[self.name])["services"][0])

    def primary_is(self, revision: str) -> bool:
        return any(item["status"] == "PRIMARY" and item["taskDefinition"] == revision for item in self.describe()["deployments"])

    def stands_on(self, revision: str) -> None:
        """Nothing half-done: one deployment, complete, of this revision, and no task of any other."""
        (only,) = self.describe()["deployments"]
        assert (only["taskDefinition"], only["rolloutState"], only["runningCount"]) == (revision, "COMPLETED", 2)
        tasks = self.ecs.list_tasks(cluster="main", serviceName=self.name, desiredStatus="RUNNING")["taskArns"]
        assert {task["taskDefinitionArn"] for task in self.ecs.describe_tasks(cluster="main", tasks=tasks)["tasks"]} == {revision}
        under_way = self.ecs.list_service_deployments(cluster="main", service=self.name, status=["PENDING", "IN_PROGRESS"])
        assert not under_way["serviceDeployments"]


@pytest.fixture
def service(account: Account, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Service]:
    with serving(account, tmp_path, request.node.name.removeprefix("test_").replace("_", "-")) as made:
        yield made


@contextlib.contextmanager
def serving(account: Account, folder: Path, name: str, **options: Any) -> Iterator[Service]:
    """A service that is steady, and is gone afterwards."""
    if "pushed" not in account.facts:
        account.facts["pushed"] = account.play("push.yml")["push"]["image"]
    made = Service(account, folder, name, **options)
    yield made
    made.ecs.delete_service(cluster="main", service=name, force=True)
    deadline = time.monotonic() + START_SECONDS
    # Its tasks hold the instances' last network interfaces, which the next test needs.
    while made.ecs.list_tasks(cluster="main", serviceName=name)["taskArns"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@contextlib.contextmanager
def microburst(upstream: str, folder: Path) -> Iterator[str]:
    """The failure proxy of that name in front of local_aws; its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("microburst")), "--host", "127.0.0.1", "--port", str(port), "--upstream", upstream]
    with (folder / "microburst.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, preexec_fn=_die_with_parent)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                control(url, "GET", "health")
                break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None, (folder / "microburst.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def control(url: str, method: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        f"{url}/_microburst/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def test_two_deploys_at_once_one_supersedes_the_other(service: Service) -> None:
    first, second = service.never_healthy_yet(), service.define({"LOG_LEVEL": "warn"})
    losing = service.play(first)
    losing.until(losing.said("waiting for"))
    winner = service.play(second).end()
    loser = losing.end()
    assert (winner.code, winner["wait"]["verdict"]) == (0, "succeeded"), winner.output
    assert loser.code != 0
    assert (loser["wait"]["verdict"], loser["wait"]["cause"]) == ("superseded", "superseded"), loser.output
    assert winner["wait"]["deployment_id"] in loser["wait"]["msg"]
    assert loser["wait"]["rollback"] is None
    service.stands_on(second)


def test_killed_after_the_update_and_run_again(service: Service) -> None:
    new = service.define({"LOG_LEVEL": "warn"})
    play = service.play(new)
    play.until(lambda: service.primary_is(new))
    play.kill()
    again = service.play(new).end()
    assert (again.code, again["wait"]["verdict"]) == (0, "succeeded"), again.output
    assert not again["service"]["deployment_started"]
    service.stands_on(new)


def test_killed_while_it_waits_and_run_again(service: Service) -> None:
    bad = service.never_healthy_yet()
    play = service.play(bad)
    play.until(play.said("waiting for"))
    play.kill()
    assert service.primary_is(bad)
    new = service.define({"LOG_LEVEL": "warn"})
    again = service.play(new).end()
    assert (again.code, again["wait"]["verdict"]) == (0, "succeeded"), again.output
    service.stands_on(new)


def test_killed_while_it_puts_back_and_run_again(service: Service) -> None:
    bad = service.define(CRASH)
    play = service.play(bad)
    play.until(play.said("putting back"))
    play.kill()
    again = service.play(bad).end()
    assert again.code != 0
    assert (again["wait"]["verdict"], again["wait"]["cause"]) == ("rolled_back", "container_exited"), again.output
    assert again["wait"]["rolled_back_to"] == service.good
    service.stands_on(service.good)


def test_credentials_that_expire_while_it_waits(service: Service, tmp_path: Path) -> None:
    new = service.never_healthy_yet()
    with microburst(service.account.facts["url"], tmp_path) as url:
        play = service.play(new, url)
        play.until(play.said("waiting for"))
        expired = {"code": "ExpiredTokenException", "status": 400, "message": "The security token included in the request is expired"}
        control(url, "PATCH", "rules", [{"service": "*", "error": expired}])
        run = play.end()
    assert run.code != 0
    wait = run["wait"]
    assert wait["verdict"] is None
    assert wait["error_code"] == "ExpiredTokenException"
    assert wait["deployment_id"] == run["service"]["deployment_id"]
    assert "The deployment goes on unwatched; run this again to watch on." in wait["msg"]
    assert service.primary_is(new)


def test_nearly_every_third_call_throttled(service: Service, tmp_path: Path) -> None:
    new, bad = service.define({"LOG_LEVEL": "warn"}), service.define(CRASH)
    with microburst(service.account.facts["url"], tmp_path) as url:
        throttling = {"code": "ThrottlingException", "status": 400, "message": "Rate exceeded"}
        control(url, "PATCH", "rules", [{"service": "*", "probability": THROTTLED_SHARE, "error": throttling}])
        good_run = service.play(new, url).end()
        assert (good_run.code, good_run["wait"]["verdict"]) == (0, "succeeded"), good_run.output
        service.stands_on(new)
        bad_run = service.play(bad, url).end()
        assert len(control(url, "GET", "fired")) >= 5
    assert (bad_run["wait"]["verdict"], bad_run["wait"]["cause"]) == ("rolled_back", "container_exited"), bad_run.output
    assert bad_run["wait"]["detail"]["exit_code"] == 3
    service.stands_on(new)
