# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks as AWX runs them: ansible-runner, a private data directory, an inventory that is a program, answers of surveys as extra
variables, credentials in the environment, and the installed collection. What one job hands on is what the next one gets."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import ansible_runner
import boto3
import pytest
import yaml

from tests.example_images import example_images
from tests.plays import POLLING

from .conftest import REGION, ROOT, World

SURVEYS = ROOT / "awx" / "surveys"
NAME = "steadystate-dev-api"
LOCK = f"/steadystate/locks/steadystate-dev/{NAME}"
IMAGES = ("1.0.0", "1.1.0")


@dataclass
class Job:
    """One job: how it ended, its events, and what it hands on."""

    status: str
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def output(self) -> str:
        return "\n".join(event.get("stdout", "") for event in self.events)

    @property
    def artifacts(self) -> dict[str, Any]:
        (last,) = [event for event in self.events if event["event"] == "playbook_on_stats"]
        found: dict[str, Any] = last["event_data"]["artifact_data"]
        return found


def blank(playbook: str) -> dict[str, str]:
    """The survey of a playbook as it arrives when nobody answers anything."""
    return {item["variable"]: "" for item in json.loads((SURVEYS / f"{playbook}.json").read_text())["spec"]}


@pytest.fixture(scope="module")
def beside() -> Iterator[ThreadPoolExecutor]:
    """For what need not wait for each other."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def building(beside: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> Future[dict[str, str]]:
    """The images, while they are built."""

    def build() -> dict[str, str]:
        return {version: str(layout) for version, layout in example_images(tmp_path_factory, IMAGES).items()}

    return beside.submit(build)


@pytest.fixture(scope="module")
def launch(world: World, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Job]:
    folder = tmp_path_factory.mktemp("awx")
    numbers = itertools.count()
    listed = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-inventory")), "-i", "inventories/dev", "--list"],
        cwd=world.repository,
        env={**os.environ, **world.environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    def run(
        playbook: str, extra: dict[str, Any], cancel: Callable[[list[dict[str, Any]]], bool] = lambda events: False, check: bool = False
    ) -> Job:
        private = folder / f"{playbook}-{next(numbers)}"
        for part in ("project/playbooks", "inventory", "env"):
            (private / part).mkdir(parents=True)
        (private / "project/playbooks" / f"{playbook}.yml").write_text(f"---\n- import_playbook: steadystate.ecs.{playbook}\n")
        (private / "hosts.json").write_text(listed)
        # A project may bring one along.
        (private / "project/ansible.cfg").write_text(POLLING)
        program = private / "inventory/hosts"
        program.write_text(f"#!{sys.executable}\nprint(open({str(private / 'hosts.json')!r}).read())\n")
        program.chmod(0o700)
        given = {"awx_job_id": 7, "awx_user_name": "operator", "awx_inventory_name": "dev", **extra}
        (private / "env/extravars").write_text(json.dumps(given))
        (private / "env/envvars").write_text(json.dumps({key: value for key, value in world.environment.items() if key != "COLLECTION"}))
        (private / "env/settings").write_text(json.dumps({"suppress_ansible_output": True, "pexpect_timeout": 1}))
        if check:
            (private / "env/cmdline").write_text("--check")
        job = Job("")

        def keep(event: dict[str, Any]) -> bool:
            job.events.append(event)
            return True

        ended = ansible_runner.run(
            private_data_dir=str(private),
            playbook=f"playbooks/{playbook}.yml",
            event_handler=keep,
            cancel_callback=lambda: cancel(job.events),
            quiet=True,
        )
        job.status = ended.status
        for secret in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            assert world.environment[secret] not in json.dumps(job.events)
        return job

    return run


def release(images: dict[str, str], version: str, **answers: Any) -> dict[str, Any]:
    return {**blank("deploy"), "app_image_source": images[version], "app_image_tag": version, **answers}


def client(world: World, service: str) -> Any:
    return boto3.client(
        service, endpoint_url=world.environment["AWS_URL"], region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b"
    )


def runs(world: World) -> str:
    (found,) = client(world, "ecs").describe_services(cluster="steadystate-dev", services=[NAME])["services"]
    return str(found["taskDefinition"]).split("/")[-1]


@pytest.fixture(scope="module")
def provisioned(launch: Callable[..., Job], building: Future[dict[str, str]]) -> Job:
    """The environment, built by a job while the images are built."""
    return launch("provision", {})


@pytest.fixture(scope="module")
def images(provisioned: Job, building: Future[dict[str, str]]) -> dict[str, str]:
    assert provisioned.status == "successful", provisioned.output
    return building.result(300)


@pytest.fixture(scope="module")
def foretold(launch: Callable[..., Job], images: dict[str, str]) -> Job:
    """What the first deploy would do, asked before it, in check mode as its template does."""
    answers = {**blank("forecast"), "app_image_source": images["1.0.0"], "app_image_tag": "1.0.0"}
    return launch("forecast", answers, check=True)


@pytest.fixture(scope="module")
def first(launch: Callable[..., Job], images: dict[str, str], foretold: Job) -> Job:
    return launch("deploy", release(images, "1.0.0", deploy_verify="true", deploy_lock_wait="60"))


def test_an_environment_is_provisioned(world: World, provisioned: Job) -> None:
    assert provisioned.status == "successful", provisioned.output
    clusters = client(world, "ecs").describe_clusters(clusters=["steadystate-dev"])["clusters"]
    assert [cluster["status"] for cluster in clusters] == ["ACTIVE"]
    hosts = {event["event_data"].get("host") for event in provisioned.events if event["event"] == "runner_on_ok"}
    assert hosts == {"dev", "api"}


def test_what_a_deploy_would_do_is_foretold(foretold: Job, first: Job) -> None:
    assert foretold.status == "successful", foretold.output
    assert "it would arrive" in foretold.output
    forecast = foretold.artifacts["steadystate_forecast"]["api"]
    assert (forecast["arrives"], forecast["problems"], forecast["failed_checks"]) == (True, [], 0)
    # The image was not pushed for it, and is the one that was deployed then.
    assert forecast["image"] == first.artifacts["steadystate_image"]


def test_a_deploy_shows_its_progress_as_it_happens_and_hands_its_result_on(world: World, first: Job) -> None:
    assert first.status == "successful", first.output
    assert first.artifacts["steadystate_verdict"] == "succeeded"
    assert first.artifacts["steadystate_revision"] == runs(world)
    assert first.artifacts["steadystate_image"].endswith(first.artifacts["steadystate_digest"])
    assert first.artifacts["steadystate_services"]["api"]["verdict"] == "succeeded"
    progress = [
        event for event in first.events if event["event"] == "verbose" and "[api]" in event["stdout"] and "running" in event["stdout"]
    ]
    assert len(progress) >= 2
    times = [datetime.fromisoformat(event["created"]) for event in progress]
    assert times == sorted(times)
    assert times[0] < times[-1] < datetime.fromisoformat(first.events[-1]["created"])


def test_a_failed_deploy_hands_on_why_and_the_rollback_branch_leaves_what_is_back(
    world: World, launch: Callable[..., Job], images: dict[str, str], first: Job
) -> None:
    failed = launch("deploy", release(images, "1.1.0", app_environment={"FAULT_CRASH_AT_START": "3"}))
    assert failed.status == "failed"
    assert failed.artifacts["steadystate_verdict"] == "rolled_back", failed.output
    assert failed.artifacts["steadystate_cause"] == "container_exited"
    # As the node of the workflow gets it: the artifacts, and the template's own variable that reads one of them.
    branch = {**failed.artifacts, "rollback_after": failed.artifacts["steadystate_verdict"]}
    back = launch("rollback", branch)
    assert back.status == "successful", back.output
    assert runs(world) == first.artifacts["steadystate_revision"]


def test_a_deploy_is_verified_and_what_does_not_pass_is_put_back(
    world: World, launch: Callable[..., Job], images: dict[str, str], first: Job, beside: ThreadPoolExecutor
) -> None:
    second = launch("deploy", release(images, "1.1.0"))
    assert second.status == "successful", second.output
    good = {**second.artifacts, "status_revision": second.artifacts["steadystate_revision"]}
    looks = [beside.submit(launch, "status", extra) for extra in (good, {"status_revision": first.artifacts["steadystate_revision"]})]
    verified, refused = (look.result() for look in looks)
    assert verified.status == "successful", verified.output
    assert refused.status == "failed"
    assert "has to run and be steady" in refused.output
    back = launch("rollback", {**blank("rollback"), "rollback_after": second.artifacts["steadystate_verdict"]})
    assert back.status == "successful", back.output
    assert runs(world) == first.artifacts["steadystate_revision"]


def test_a_job_that_is_cancelled_leaves_no_lock_and_ecs_goes_on_until_it_is_told_to_go_back(
    world: World, launch: Callable[..., Job], images: dict[str, str], first: Job
) -> None:
    def watching(events: list[dict[str, Any]]) -> bool:
        return any("waiting for" in event.get("stdout", "") for event in events)

    cancelled = launch("deploy", release(images, "1.1.0", app_environment={"FAULT_SLOW_START": "120s"}), watching)
    assert cancelled.status == "canceled", cancelled.output
    ssm = client(world, "ssm")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            ssm.get_parameter(Name=LOCK)
        except ssm.exceptions.ParameterNotFound:
            break
        time.sleep(0.5)
    else:
        pytest.fail(f"{LOCK} is still held")
    # ECS goes on with what it was told, until somebody says otherwise.
    (service,) = client(world, "ecs").describe_services(cluster="steadystate-dev", services=[NAME])["services"]
    states = {item["status"]: (item["taskDefinition"].split("/")[-1], item["rolloutState"]) for item in service["deployments"]}
    assert states["PRIMARY"][1] == "IN_PROGRESS"
    assert states["ACTIVE"] == (first.artifacts["steadystate_revision"], "COMPLETED")
    # A job that was cancelled hands nothing on.
    back = launch("rollback", blank("rollback"))
    assert back.status == "successful", back.output
    assert runs(world) == first.artifacts["steadystate_revision"]


def test_an_execution_environment_can_be_built_and_has_what_the_collection_needs(archive: Path, tmp_path: Path) -> None:
    builder = str(Path(sys.executable).with_name("ansible-builder"))
    context = tmp_path / "context"
    made = subprocess.run(
        [builder, "create", "--file", str(ROOT / "execution-environment.yml"), "--context", str(context)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    wanted = {item["name"] for item in yaml.safe_load((context / "_build/requirements.yml").read_text())["collections"]}
    assert wanted == {"steadystate.ecs", "amazon.aws", "community.aws"}
    unpacked = tmp_path / "collections/ansible_collections/steadystate/ecs"
    unpacked.mkdir(parents=True)
    with tarfile.open(archive) as built:
        built.extractall(unpacked, filter="data")
    found = subprocess.run([builder, "introspect", str(tmp_path / "collections")], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    needed = {line.split(" ")[0] for line in yaml.safe_load(found.stdout)["python"]}
    assert needed == {"boto3>=1.35.0", "botocore>=1.35.0"}
