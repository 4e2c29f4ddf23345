# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that the example's workflows keep, and that actionlint does not look for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "go-service"
WORKFLOWS = {path.name: yaml.safe_load(path.read_text()) for path in sorted((EXAMPLE / ".github/workflows").glob("*.yml"))}
JOBS = [(file, name, job) for file, workflow in WORKFLOWS.items() for name, job in workflow["jobs"].items()]
STEPS = [(file, name, step) for file, name, job in JOBS for step in job.get("steps", [])]
DEPLOYING = [job for _, name, job in JOBS if name in ("dev", "prod")]


def test_every_action_is_pinned_by_a_commit_that_names_its_release() -> None:
    lines = [line for file in WORKFLOWS for line in (EXAMPLE / ".github/workflows" / file).read_text().splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.search(r"uses: (\./\.github/workflows/\w+\.yml|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$", line), line


def test_one_action_has_one_release_everywhere() -> None:
    used = {step["uses"] for _, _, step in STEPS if "uses" in step}
    assert len(used) == len({action.partition("@")[0] for action in used})


def test_nothing_may_do_more_than_read_unless_it_deploys() -> None:
    for workflow in WORKFLOWS.values():
        assert workflow["permissions"] == {"contents": "read"}
    for _, name, job in JOBS:
        assert job.get("permissions") == ({"contents": "read", "id-token": "write"} if name in ("dev", "prod") else None)


def test_the_checkout_leaves_no_token_behind() -> None:
    for _, _, step in STEPS:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_no_secret_is_used_and_no_expression_stands_in_a_script() -> None:
    """An expression in a script is code that whoever names a branch can write; in `env` it is text."""
    assert not [file for file in WORKFLOWS if "secrets." in (EXAMPLE / ".github/workflows" / file).read_text()]
    assert not [step["run"] for _, _, step in STEPS if "${{" in step.get("run", "")]


@pytest.mark.parametrize("job", DEPLOYING, ids=["dev", "prod"])
def test_deploys_are_kept_apart_never_cut_off_and_report_when_they_fail(job: dict[str, Any]) -> None:
    assert job["concurrency"] == {"group": f"deploy-{job['environment']}", "cancel-in-progress": False}
    assert job["timeout-minutes"]
    summary = next(step for step in job["steps"] if step.get("name") == "Summary")
    assert summary["if"] == "${{ !cancelled() }}"


def test_pull_requests_are_tested_and_main_is_tested_and_deployed() -> None:
    # YAML 1.1 reads the key `on` as true.
    starts = {file: workflow[True] for file, workflow in WORKFLOWS.items()}
    assert starts == {
        "deploy.yml": {"push": {"branches": ["main"]}},
        "test.yml": {"pull_request": {"branches": ["main"]}, "workflow_call": None},
    }
    jobs = WORKFLOWS["deploy.yml"]["jobs"]
    assert jobs["test"] == {"uses": "./.github/workflows/test.yml"}
    assert (jobs["dev"]["needs"], jobs["prod"]["needs"]) == ("test", "dev")


def test_one_version_of_go_is_meant_everywhere() -> None:
    found = re.search(r"^go (\d+\.\d+)", (EXAMPLE / "go.mod").read_text(), re.MULTILINE)
    assert found
    setups = [step for _, _, step in STEPS if step.get("uses", "").startswith("actions/setup-go@")]
    assert len(setups) == 3
    assert all(step["with"] == {"go-version-file": "go.mod"} for step in setups)
    dockerfile = (EXAMPLE / "Dockerfile").read_text()
    assert re.findall(r"^ARG GO_VERSION=(\S+)", dockerfile, re.MULTILINE) == [found[1]]
    assert "golang:${GO_VERSION} " in dockerfile
    assert yaml.safe_load((EXAMPLE / ".gitlab-ci.yml").read_text())["test"]["image"] == f"golang:{found[1]}"


def test_every_variable_that_a_playbook_gets_is_one_that_it_asks_for() -> None:
    texts = [step["run"] for _, _, step in STEPS if "run" in step]
    gitlab = yaml.safe_load((EXAMPLE / ".gitlab-ci.yml").read_text())
    texts += [line for name in ("dev", "prod") for line in gitlab[name]["script"]]
    plays = [(found[1], text) for text in texts if (found := re.search(r"ansible-playbook steadystate\.ecs\.(\w+)", text))]
    assert sorted(name for name, _ in plays) == ["deploy", "deploy", "promote", "promote"]
    for name, text in plays:
        specification = yaml.safe_load((EXAMPLE.parents[1] / "playbooks" / f"{name}.meta.yml").read_text())
        options = specification["argument_specs"][name]["options"]
        given = set(re.findall(r'-e "(\w+)=', text))
        assert given <= set(options)
        assert {option for option, rules in options.items() if rules.get("required")} <= given
