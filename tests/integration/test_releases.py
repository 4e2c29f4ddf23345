# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verbs from real playbooks, on local_aws with tasks that really run: good releases, bad ones, and the way back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Account, Run


@pytest.fixture(scope="module")
def first(account: Account) -> str:
    """ARN of the revision that 1.0.0 is deployed with, which also is the first deploy of all."""
    run = account.deploy("1.0.0")
    assert run.code == 0, run.output
    assert run["wait"]["verdict"] == "succeeded"
    arn: str = run["register"]["task_definition_arn"]
    return arn


@pytest.fixture
def good(account: Account, first: str) -> str:
    """The service is steady on the revision of 1.0.0, deployed again when the test before has left another one."""
    services = account.client("ecs").describe_services(cluster="main", services=["api"])["services"]
    states = [(item["taskDefinition"], item["rolloutState"]) for service in services for item in service["deployments"]]
    if states == [(first, "COMPLETED")] and services[0]["status"] == "ACTIVE":
        return first
    run = account.deploy("1.0.0")
    assert run.code == 0, run.output
    arn: str = run["register"]["task_definition_arn"]
    return arn


def running_revisions(account: Account) -> set[str]:
    ecs = account.client("ecs")
    tasks = ecs.list_tasks(cluster="main", serviceName="api", desiredStatus="RUNNING")["taskArns"]
    return {task["taskDefinitionArn"] for task in ecs.describe_tasks(cluster="main", tasks=tasks)["tasks"]}


def test_a_second_run_and_check_mode_change_nothing(account: Account, good: str) -> None:
    run = account.deploy("1.0.0")
    assert run.code == 0
    assert not any(run[step]["changed"] for step in ("push", "render", "register", "service", "wait"))
    run = account.deploy("1.1.0", "--check", "--diff", environment_changes={"API_TOKEN": "hunter2"}, allow_plain=["API_TOKEN"])
    assert run.code == 0, run.output
    assert run["service"]["deployment_started"]
    assert "+  image: " in run.output
    assert "hunter2" not in run.output
    assert running_revisions(account) == {good}


def network(account: Account) -> dict[str, Any]:
    found: dict[str, Any] = account.client("ecs").describe_services(cluster="main", services=["api"])["services"][0]["networkConfiguration"]
    return found


def test_a_good_release_and_the_way_back(account: Account, good: str) -> None:
    before = network(account)
    run = account.deploy("1.1.0", subnets=account.facts["subnets"][:1])
    assert run.code == 0, run.output
    wait = run["wait"]
    assert (wait["verdict"], wait["cause"]) == ("succeeded", None)
    assert wait["service"]["running_count"] == 2
    assert wait["deployment_id"] == run["service"]["deployment_id"]
    assert "is steady after" in run.output
    assert any(row["healthy_at"] for row in wait["timeline"]["tasks"])
    assert running_revisions(account) == {run["register"]["task_definition_arn"]}
    assert network(account) != before

    named = account.play("rollback.yml", "--check")
    assert named["rollback"]["task_definition_arn"] == good
    back = account.play("rollback.yml")
    assert back.code == 0, back.output
    assert back["rollback"]["verdict"] == "succeeded"
    assert running_revisions(account) == {good}
    assert back["rollback"]["restored"] == ["network_configuration"]
    assert network(account) == before
    again = account.play("rollback.yml")
    assert not again["rollback"]["changed"]


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("crash at start", {"environment_changes": {"FAULT_CRASH_AT_START": "3"}}, "container_exited"),
    ("crash at start, breaker on", {"environment_changes": {"FAULT_CRASH_AT_START": "3"}, "breaker": True}, "container_exited"),
    ("never ready", {"environment_changes": {"FAULT_NEVER_READY": "true"}}, "target_unhealthy"),
    ("missing image", {"image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/api:9.9.9"}, "image_not_found"),
    ("missing secret", {"secrets": {"DATABASE_URL": "arn:aws:ssm:eu-west-1:123456789012:parameter/none"}}, "secret_denied"),
]


@pytest.mark.parametrize(("variables", "cause"), [(variables, cause) for _name, variables, cause in BAD], ids=[row[0] for row in BAD])
def test_a_bad_release_is_explained_and_put_back(account: Account, good: str, variables: dict[str, Any], cause: str) -> None:
    run = account.deploy("1.1.0", **variables)
    wait = run["wait"]
    assert run.code != 0
    assert (wait["verdict"], wait["cause"]) == ("rolled_back", cause), run.output
    assert wait["rolled_back_to"] == good
    assert wait["evidence"]
    assert f"What to do: {wait['hint']}" in wait["msg"]
    assert running_revisions(account) == {good}
    if cause == "container_exited":
        assert wait["detail"]["exit_code"] == 3
        assert any("a crash at start was asked for" in line for line in wait["log_tail"])


def test_a_slow_start_within_its_grace_period_is_waited_for(account: Account, good: str) -> None:
    run = account.deploy("1.1.0", environment_changes={"FAULT_SLOW_START": "4s"}, grace=90)
    assert run.code == 0, run.output


def test_time_is_up_and_the_service_is_put_back(account: Account, good: str) -> None:
    run = account.deploy("1.1.0", environment_changes={"FAULT_SLOW_START": "300s"}, grace=900, wait_timeout=6)
    assert run.code != 0
    assert run["wait"]["verdict"] == "timed_out"
    assert run["wait"]["rolled_back_to"] == good
    assert running_revisions(account) == {good}


def test_the_service_goes_away(account: Account, good: str) -> None:
    run: Run = account.play("remove.yml")
    assert run.code == 0, run.output
    assert run["wait"]["verdict"] == "succeeded"
    assert run["removed"]["changed"]
    assert not run["removed_again"]["changed"]
    services = account.client("ecs").describe_services(cluster="main", services=["api"])["services"]
    assert [item["status"] for item in services] in ([], ["INACTIVE"]), json.dumps(services, default=str)
