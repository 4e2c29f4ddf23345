# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The deploying jobs of the example's pipeline for GitLab, line by line as they stand there, against local_aws.

Their credentials are what a GitLab job has: an ID token in a file, and a role. botocore exchanges them by itself.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ACCOUNT, REGION, SERVICE, World

PIPELINE = yaml.safe_load((SERVICE / ".gitlab-ci.yml").read_text())
COMMIT = "c" * 40
JOB_SECONDS = 900


def merged(name: str) -> dict[str, Any]:
    """A job with what it extends: mappings are merged, all else is replaced, as GitLab does it."""

    def over(below: Any, above: Any) -> Any:
        if not (isinstance(below, dict) and isinstance(above, dict)):
            return above
        return {
            key: over(below[key], above[key]) if key in below and key in above else {**below, **above}[key] for key in {**below, **above}
        }

    said = PIPELINE[name]
    return dict(over(merged(said["extends"]), said)) if "extends" in said else dict(said)


def run(world: World, name: str, folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    job = merged(name)
    predefined = {
        "CI_COMMIT_SHA": COMMIT,
        "CI_PIPELINE_ID": "7",
        "CI_PROJECT_DIR": str(folder / "project"),
        "GITLAB_USER_LOGIN": "octocat",
        # The settings of the environment, and the token that `id_tokens` asks for.
        "AWS_REGION": REGION,
        "AWS_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/deploy",
        "AWS_REGISTRY": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
        **dict.fromkeys(job["id_tokens"], "not.a.token"),
    }
    outside = {key: value for key, value in world.environment.items() if not key.endswith(("_KEY", "_KEY_ID", "_SESSION_TOKEN"))}
    environment = {**os.environ, **predefined}
    for key, value in {**PIPELINE["variables"], **job.get("variables", {})}.items():
        environment[key] = re.sub(r"\$(\w+)", lambda match: environment[match[1]], value)
    environment.update(outside, **given)
    # GitLab joins both lists in one shell that ends at the first failure; what comes after has a shell of its own.
    script = "\n".join(["set -eo pipefail", *job["before_script"], *job["script"]])
    after = "\n".join(job["after_script"])
    ended = subprocess.run(
        ["bash", "-c", script], cwd=world.repository, env=environment, capture_output=True, text=True, timeout=JOB_SECONDS, check=False
    )
    token = Path(environment["AWS_WEB_IDENTITY_TOKEN_FILE"])
    assert token.stat().st_mode & 0o077 == 0
    subprocess.run(["bash", "-c", after], cwd=world.repository, env=environment, check=True)
    assert not token.exists()
    return ended


def test_dev_and_then_prod_by_the_same_digest(both_worlds: World, tmp_path: Path) -> None:
    world = both_worlds
    dev = run(world, "dev", tmp_path / "dev")
    assert dev.returncode == 0, dev.stdout + dev.stderr
    assert f"steadystate-dev-api {COMMIT} succeeded" in dev.stdout
    # What the next stage gets, from the report that GitLab reads.
    handed_on = dict(
        line.split("=", 1) for line in (world.repository / merged("dev")["artifacts"]["reports"]["dotenv"]).read_text().splitlines()
    )
    prod = run(world, "prod", tmp_path / "prod", **handed_on)
    assert prod.returncode == 0, prod.stdout + prod.stderr
    assert f"steadystate-prod-api {COMMIT} succeeded" in prod.stdout
    assert f"steadystate-prod/api@{handed_on['IMAGE'].partition('@')[2]}" in prod.stdout


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_jobs_that_deploy_are_kept_apart_and_never_cut_off(name: str) -> None:
    job = merged(name)
    assert job["resource_group"] == name == job["environment"]
    assert job["interruptible"] is False
    assert merged("prod")["rules"][0]["when"] == "manual"


@pytest.mark.parametrize("name", ["test", "scan"])
def test_the_jobs_of_a_merge_request_are_those_of_the_workflow_for_github(name: str) -> None:
    """Which are run as they stand there, in test_github.py."""
    steps = yaml.safe_load((SERVICE / ".github/workflows/test.yml").read_text())["jobs"][name]["steps"]
    lines = [line for step in steps for line in step.get("run", "").splitlines()]
    assert [line for entry in PIPELINE[name]["script"] for line in entry.splitlines()] == lines
