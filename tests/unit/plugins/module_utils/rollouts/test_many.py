# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many services in one task: each judged by itself, all read ten at a time."""

from __future__ import annotations

import collections
import threading
import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import ecs_service_wait
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs._many import watch_many
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import CLUSTER, SERVICE, FakeClock, FakeEcs
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.running import Stage
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.test_wait import NO_IMAGE

SERVICES = 50
_REAL_SECONDS = 30.0


class SharedClock(FakeClock):
    """Time passes only when everybody sleeps, and then to the moment at which the first wakes."""

    def __init__(self) -> None:
        super().__init__()
        self.sharers = 0
        self._sleeping: list[float] = []
        self._changed = threading.Condition()

    def sleep(self, seconds: float) -> None:
        if not self.sharers:
            super().sleep(seconds)
            return
        with self._changed:
            until = self.seconds + max(seconds, 0.001)
            self._sleeping.append(until)
            self._advance()
            while self.seconds < until:
                assert self._changed.wait(_REAL_SECONDS), "the others never slept"
            self._sleeping.remove(until)

    def leave(self) -> None:
        with self._changed:
            self.sharers -= 1
            self._advance()

    def _advance(self) -> None:
        waiting = [until for until in self._sleeping if until > self.seconds]
        if waiting and len(waiting) == self.sharers:
            self.seconds = min(waiting)
            self._changed.notify_all()


class Fleet:
    """A client over many services, each an ECS of its own."""

    def __init__(self, clock: SharedClock, number: int) -> None:
        self.clock = clock
        self.members = {f"{SERVICE}-{index}": FakeEcs(clock) for index in range(number)}
        self.reads: list[tuple[float, tuple[str, ...]]] = []
        self._lock = threading.RLock()
        for index, member in enumerate(self.members.values()):
            member._number = 1000 + 100_000 * index

    def __getattr__(self, name: str) -> t.Any:
        def call(**request: t.Any) -> t.Any:
            with self._lock:
                return getattr(self._member(request), name)(**{**request, **({"service": SERVICE} if "service" in request else {})})

        return call

    def _member(self, request: dict[str, t.Any]) -> FakeEcs:
        named = request.get("service") or request.get("serviceName")
        if named:
            return self.members[named]
        wanted = str(request)
        for member in self.members.values():
            arns = [record[key] for record in member.records for key in ("serviceDeploymentArn", "targetServiceRevisionArn")]
            if any(f"'{arn}'" in wanted for arn in (*arns, *member.definitions)):
                return member
        raise AssertionError(f"whose is {request}?")

    def describe_services(self, **request: t.Any) -> t.Any:
        with self._lock:
            self.reads.append((self.clock.seconds, tuple(request["services"])))
            found = []
            for name in request["services"]:
                shown = self.members[name].describe_services(services=[SERVICE])["services"]
                found.extend({**item, "serviceName": name} for item in shown)
            return {"services": found}

    def describe_tasks(self, **request: t.Any) -> t.Any:
        with self._lock:
            return {"tasks": [task for member in self.members.values() for task in member.describe_tasks(**request)["tasks"]]}


@pytest.fixture
def fleet() -> Fleet:
    clock = SharedClock()
    fleet = Fleet(clock, SERVICES)
    for index, member in enumerate(fleet.members.values()):
        # All begin at the same moment, and have seen only a minute pass.
        clock.seconds = 0.0
        # A revision is found by its ARN: each service has numbers of its own.
        member.begin(member.define(10 * index + 1))
    return fleet


def watch(fleet: Fleet, broken: t.Collection[str] = (), check: bool = False) -> tuple[dict[str, t.Any], list[str]]:
    items = []
    for index, (name, member) in enumerate(fleet.members.items()):
        new = member.define(10 * index + 2, *((NO_IMAGE,) if name in broken else ()))
        member.update_service(service=SERVICE, taskDefinition=new)
        items.append({"service": name, "deployment_id": member.primary["id"], "task_definition": new})
    said: list[str] = []
    context = Context(client=lambda _service: fleet, clock=fleet.clock, progress=said.append, warn=said.append, check_mode=check)
    fleet.clock.sharers = len(items)

    def one(params: dict[str, t.Any], own: Context) -> dict[str, t.Any]:
        try:
            return ecs_service_wait.run(params, own)
        finally:
            fleet.clock.leave()

    defaults = {name: option.get("default") for name, option in ecs_service_wait.ARGUMENT_SPEC.items()}
    return watch_many({**defaults, "cluster": CLUSTER, "services": items}, context, one), said


def test_fifty_services_cost_one_call_for_ten_and_poll(fleet: Fleet) -> None:
    result, said = watch(fleet)
    assert {row["name"]: row["verdict"] for row in result["services"]} == dict.fromkeys(fleet.members, "succeeded")
    at_once = collections.Counter(fleet.reads)
    assert set(at_once.values()) == {1}
    by_moment = collections.Counter(moment for moment, _names in fleet.reads)
    assert max(by_moment.values()) == SERVICES / 10
    assert all(len(names) <= 10 for _moment, names in fleet.reads)
    assert result["api_calls_by_operation"]["describe_services"] == len(fleet.reads)
    assert result["api_calls"] == sum(result["api_calls_by_operation"].values())
    assert any(line.startswith(f"{SERVICE}-7: ") and "new 2/2 running" in line for line in said)


def test_one_bad_service_of_fifty_is_put_back_and_the_others_arrive(fleet: Fleet) -> None:
    with pytest.raises(VerbFailure) as raised:
        watch(fleet, broken=[f"{SERVICE}-3"])
    rows = {row["name"]: row for row in raised.value.result["services"]}
    assert (rows[f"{SERVICE}-3"]["verdict"], rows[f"{SERVICE}-3"]["cause"]) == ("rolled_back", "image_not_found")
    assert {row["verdict"] for name, row in rows.items() if name != f"{SERVICE}-3"} == {"succeeded"}
    assert f"1 of {SERVICES} services failed: {SERVICE}-3" in raised.value.message
    assert "failed to resolve ref" in raised.value.message
    assert raised.value.result["changed"]


def test_check_mode_looks_once_at_each(fleet: Fleet) -> None:
    result, _said = watch(fleet, check=True)
    assert result["verdict"] is None
    assert "new 0/2 running" in result["msg"]
    assert {row["verdict"] for row in result["services"]} == {None}


def test_a_service_named_twice_is_refused(stage: Stage) -> None:
    with pytest.raises(VerbFailure, match="api is named more than once"):
        watch_many({"cluster": CLUSTER, "services": [{"service": "api"}, {"service": "api"}]}, t.cast("Context", None), lambda _p, _c: {})


def test_an_empty_list_of_services_is_refused(stage: Stage) -> None:
    with pytest.raises(VerbFailure, match="services: the list is empty"):
        stage.run(ecs_service_wait.VERB, cluster=CLUSTER, services=[])
