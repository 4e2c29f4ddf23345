"""Rollouts from start to end, stepped by hand: events, counts, order."""

from __future__ import annotations

import re

from .fakes import Bench


def shapes(messages: list[str]) -> list[str]:
    """Event texts with ids and ARNs taken out."""
    return [re.sub(r"ecs-svc/\d+", "ID", re.sub(r"[0-9a-f]{32}", "T", re.sub(r"arn:\S+(?=\))", "TG", text))) for text in messages]


def test_first_deployment_reaches_steady_state() -> None:
    bench = Bench()
    bench.instance(0)
    bench.instance(1)
    created = bench.create()
    assert created["status"] == "ACTIVE"
    assert created["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    bench.run_until(bench.completed)
    assert shapes(bench.messages()) == [
        "has started 2 tasks: (task T) (task T).",
        "registered 2 targets in (target-group TG)",
        "(deployment ID) deployment completed.",
        "has reached a steady state.",
    ]
    service = bench.service()
    assert (service["runningCount"], service["pendingCount"], service["desiredCount"]) == (2, 0, 2)
    assert {task["startedBy"] for task in bench.tasks()} == {created["deployments"][0]["id"]}
    assert {task["availabilityZone"] for task in bench.tasks()} == {"eu-west-1a", "eu-west-1b"}


def test_rolling_update_goes_in_the_observed_order() -> None:
    bench = Bench()
    bench.ready()
    old = bench.service()["deployments"][0]["id"]
    start = len(bench.messages())
    answer = bench.update(taskDefinition=bench.definition("next"))
    new = answer["deployments"][0]["id"]
    assert new != old
    assert [d["status"] for d in answer["deployments"]] == ["PRIMARY", "ACTIVE"]
    assert answer["taskDefinition"].endswith("api:2")
    bench.run_until(bench.completed)
    assert shapes(bench.messages()[start:]) == [
        "has started 2 tasks: (task T) (task T).",
        "registered 2 targets in (target-group TG)",
        "has stopped 2 running tasks: (task T) (task T).",
        "deregistered 2 targets in (target-group TG)",
        "(service api, taskSet ID) has begun draining connections on 2 tasks.",
        "(deployment ID) deployment completed.",
        "has reached a steady state.",
    ]
    assert bench.service()["deployments"][0]["id"] == new
