# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forecasts on local_aws, and the deploys that follow them: what was foretold is what happens."""

from __future__ import annotations

from typing import Any

from .conftest import Account, Run

NAME = "foretold"


def service(account: Account) -> dict[str, Any]:
    found: list[dict[str, Any]] = account.client("ecs").describe_services(cluster="main", services=[NAME])["services"]
    return found[0] if found else {}


def whole(run: Run) -> dict[str, Any]:
    """The forecast, with every member that its documentation promises."""
    found = run["forecast"]
    assert {"arrives", "problems", "steps", "most_tasks", "capacity", "seconds", "on_failure", "checks", "failed_checks"} <= set(found)
    assert {"different", "differences", "notes", "lines", "msg"} <= set(found)
    assert not found["changed"]
    return found


def test_what_is_foretold_is_what_happens(account: Account) -> None:
    ecs = account.client("ecs")
    run = account.play("forecast.yml", "--check", exists=False, deploy=False, pushed_before=False)
    before = whole(run)
    assert run.code == 0, run.output
    assert before["arrives"] is True
    assert not service(account)
    # Nothing is there to be put back, and the image is only to be pushed.
    assert before["on_failure"]["task_definition_arn"] is None
    assert before["failed_checks"] == 0

    first = account.play("forecast.yml", exists=False)
    assert first.code == 0, first.output
    found = whole(first)
    assert {item["result"] for item in found["checks"] if item["check"] == "image"} == {"ok"}
    assert (found["arrives"], [(step["start"], step["stop"]) for step in found["steps"]]) == (True, [(2, 0)])
    assert first["wait"]["verdict"] == "succeeded"

    # Another size, which fits beside what runs: two start, and when they are healthy the two old ones stop.
    second = account.play("forecast.yml", cpu=512)
    assert second.code == 0, second.output
    found = whole(second)
    assert [(step["start"], step["stop"], step["tasks"]) for step in found["steps"]] == [(2, 0, 4), (0, 2, 2)]
    assert sum(found["steps"][0]["on"].values()) == 2
    assert found["capacity"]["fits_now"] == 2
    assert found["capacity"]["instances"] == 3
    assert found["capacity"]["instances_to_add"] == 0
    assert found["seconds"]["at_least"] <= found["seconds"]["likely"]
    assert len(found["seconds"]["past"]) == 1
    assert found["on_failure"]["task_definition_arn"] == first["register"]["task_definition_arn"]
    assert found["different"]
    assert {item["field"] for item in found["differences"]} == {"cpu"}
    assert not found["notes"], found["notes"]
    assert second["wait"]["verdict"] == "succeeded"

    # Larger than every instance: foretold, and so it is.
    third = account.play("forecast.yml", cpu=4096)
    found = whole(third)
    assert found["arrives"] is False
    (problem,) = found["problems"]
    assert (problem["cause"], problem["permanent"]) == ("no_capacity", True)
    assert "a task needs 4096 CPU units, and the largest container instance offers 2048" in problem["evidence"]
    assert third.code != 0
    assert third["wait"]["cause"] == "no_capacity", third.output
    assert third["wait"]["rolled_back_to"] == found["on_failure"]["task_definition_arn"] == second["register"]["task_definition_arn"]

    # Percentages with which nothing may start and nothing may stop.
    fourth = account.play("forecast.yml", cpu=256, minimum=100, maximum=149)
    found = whole(fourth)
    assert [item["cause"] for item in found["problems"]] == ["deployment_dead_end"]
    assert found["steps"] == []
    assert fourth["wait"]["cause"] == "deployment_dead_end", fourth.output
    ecs.update_service(cluster="main", service=NAME, desiredCount=0)
    ecs.delete_service(cluster="main", service=NAME, force=True)
