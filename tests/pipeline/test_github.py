# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every `run:` step of the example's workflows, as it stands there, in the example's repository and against local_aws."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from .conftest import ACCOUNT, REGION, SERVICE, World
from .runner import Job, run_job


def _load(path: Path) -> Any:
    """A file of the example as a module: its folder `tests` bears the name of this one's."""
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


POSTGRES = _load(SERVICE / "tests" / "postgres.py")
WORKFLOWS = SERVICE / ".github" / "workflows"
TEST = yaml.safe_load((WORKFLOWS / "test.yml").read_text())
DEPLOY = yaml.safe_load((WORKFLOWS / "deploy.yml").read_text())
GOOD, BAD = "a" * 40, "b" * 40
CONTEXT = {"vars": {"AWS_REGION": REGION}, "steps": {"aws": {"outputs": {"aws-account-id": ACCOUNT}}}}


def job(world: World, workflow: dict[str, Any], name: str, scratch: Path, commit: str = GOOD, **more: Any) -> Job:
    # A fresh checkout.
    shutil.rmtree(world.repository / "build", ignore_errors=True)
    needs = {"needs": more.pop("needs", {})}
    context = {**CONTEXT, **needs, "github": {"sha": commit, "actor": "octocat"}}
    places = {key: world.environment[key] for key in ("COLLECTION", "PATH")}
    return run_job(workflow, name, world.repository, scratch, context, world.environment, {**places, **more})


def service(world: World, environment: str) -> dict[str, Any]:
    ecs = boto3.client(
        "ecs", endpoint_url=world.environment["AWS_URL"], region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b"
    )
    (found,) = ecs.describe_services(cluster=f"steadystate-{environment}", services=[f"steadystate-{environment}-api"])["services"]
    definition = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]
    return {"image": definition["containerDefinitions"][0]["image"], "states": [item["rolloutState"] for item in found["deployments"]]}


def test_the_tests_of_a_pull_request(world: World, tmp_path: Path) -> None:
    with POSTGRES.running() as database:
        ended = job(world, TEST, "test", tmp_path / "test", TEST_DATABASE_URL=database)
    assert ended.ok, ended.text
    assert list(ended.codes) == [step["name"] for step in TEST["jobs"]["test"]["steps"] if "run" in step]


def test_the_scan_of_a_pull_request(world: World, tmp_path: Path, no_vulnerabilities: str, a_vulnerability: str) -> None:
    ended = job(world, TEST, "scan", tmp_path / "good", VULNERABILITIES=no_vulnerabilities)
    assert ended.ok, ended.text
    assert (world.repository / "build/files/server").is_file()
    found = job(world, TEST, "scan", tmp_path / "bad", VULNERABILITIES=a_vulnerability)
    assert found.codes == {"Known vulnerabilities in the code": 1}
    assert "GO-2026-9999" in found.text["Known vulnerabilities in the code"]


@pytest.fixture(scope="module")
def dev(dev_world: World, tmp_path_factory: pytest.TempPathFactory) -> Job:
    ended = job(dev_world, DEPLOY, "dev", tmp_path_factory.mktemp("dev") / "run")
    assert ended.ok, ended.text
    return ended


def test_a_push_is_deployed_to_dev_by_digest(world: World, dev: Job) -> None:
    assert re.fullmatch(rf"{ACCOUNT}\.dkr\.ecr\.{REGION}\.amazonaws\.com/steadystate-dev/api@sha256:[0-9a-f]{{64}}", dev.outputs["image"])
    assert service(world, "dev") == {"image": dev.outputs["image"], "states": ["COMPLETED"]}
    ecr = boto3.client(
        "ecr", endpoint_url=world.environment["AWS_URL"], region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b"
    )
    (image,) = ecr.describe_images(repositoryName="steadystate-dev/api", imageIds=[{"imageTag": GOOD}])["imageDetails"]
    assert dev.outputs["image"].endswith(image["imageDigest"])
    # The role adds one that keeps what was deployed from expiring.
    assert {GOOD, "latest"} <= set(image["imageTags"])
    assert "Succeeded: steadystate-dev-api" in dev.summary


def test_dev_is_promoted_to_prod_by_the_same_digest(both_worlds: World, dev: Job, tmp_path: Path) -> None:
    ended = job(both_worlds, DEPLOY, "prod", tmp_path / "run", needs={"dev": {"outputs": dev.outputs}})
    assert ended.ok, ended.text
    runs = service(both_worlds, "prod")
    assert runs["states"] == ["COMPLETED"]
    assert runs["image"].partition("@")[2] == dev.outputs["image"].partition("@")[2]
    assert "steadystate-prod/api@" in runs["image"]
    assert "Succeeded: steadystate-prod-api" in ended.summary


def test_a_bad_push_fails_its_job_with_the_cause_in_the_summary_and_the_last_good_release_runs(
    world: World, dev: Job, tmp_path: Path
) -> None:
    template = json.loads((SERVICE / "task-definition.json").read_text())
    template["containerDefinitions"][0]["environment"].append({"name": "FAULT_CRASH_AT_START", "value": "3"})
    broken = tmp_path / "task-definition.json"
    broken.write_text(json.dumps(template))
    values = world.repository / "inventories/dev/host_vars/api.yml"
    before = values.read_text()
    values.write_text(yaml.safe_dump({**yaml.safe_load(before), "app_task_definition_template": str(broken)}, explicit_start=True))
    try:
        ended = job(world, DEPLOY, "dev", tmp_path / "run", BAD)
    finally:
        values.write_text(before)
    assert ended.codes["Deploy, watch, and put back if it fails"] != 0
    assert ended.codes["Summary"] == 0
    assert "exit code 3" in ended.summary
    assert ended.outputs == {}
    assert service(world, "dev") == {"image": dev.outputs["image"], "states": ["COMPLETED"]}
