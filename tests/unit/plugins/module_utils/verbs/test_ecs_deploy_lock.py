# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecs_deploy_lock: who gets it, who is told, and what of somebody else is taken away."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_deploy_lock import VERB, keep, parse
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import FakeClock, refused

NAME = "/steadystate/locks/main/api"


class FakeStore:
    """Parameter Store: creating what exists is refused. `before` runs ahead of the named call, as if another process came in between."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.writes = 0
        self.before: dict[str, t.Callable[[], t.Any]] = {}

    def _between(self, call: str) -> None:
        action = self.before.pop(call, None)
        if action:
            action()

    def put_parameter(self, **request: t.Any) -> dict[str, t.Any]:
        self._between("replace" if request["Overwrite"] else f"create {request['Name']}")
        if not request["Overwrite"] and request["Name"] in self.values:
            raise refused("ParameterAlreadyExists", "The parameter already exists.", "PutParameter")
        self.values[request["Name"]] = request["Value"]
        self.writes += 1
        return {"Version": 1}

    def get_parameter(self, **request: t.Any) -> dict[str, t.Any]:
        self._between(f"read {request['Name']}")
        if request["Name"] not in self.values:
            raise refused("ParameterNotFound", "", "GetParameter")
        return {"Parameter": {"Value": self.values[request["Name"]]}}

    def delete_parameter(self, **request: t.Any) -> dict[str, t.Any]:
        if self.values.pop(request["Name"], None) is None:
            raise refused("ParameterNotFound", "", "DeleteParameter")
        self.writes += 1
        return {}


class Stage:
    def __init__(self) -> None:
        self.store, self.clock = FakeStore(), FakeClock()
        self.said: list[str] = []
        self.warned: list[str] = []

    def run(self, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        validated = ArgumentSpecValidator(VERB.argument_spec).validate({"name": NAME, **options})
        assert not validated.error_messages
        context = Context(lambda _service: self.store, self.clock, self.said.append, self.warned.append, check_mode=check)
        return VERB.run(validated.validated_parameters, context)

    @property
    def holder(self) -> str:
        return parse(self.store.values[NAME]).owner


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize("seconds", [0, -5])
def test_a_lock_that_would_be_none_is_refused(stage: Stage, seconds: int) -> None:
    with pytest.raises(VerbFailure, match=f"expires_in: a lock of {seconds} s would be none"):
        stage.run(expires_in=seconds)
    assert not stage.store.values


def test_one_takes_it_and_the_other_is_told_who_has_it_since_when(stage: Stage) -> None:
    mine = stage.run(owner="blue", purpose="1.1.0")
    assert (mine["changed"], mine["held"], mine["broken"]) == (True, True, None)
    stage.clock.seconds += 60
    said = r"is held by blue \(1\.1\.0\) since 2026-11-21T12:00:00\+00:00, until 2026-11-21T13:00:00\+00:00 at the latest\. Nothing"
    with pytest.raises(VerbFailure, match=said) as failure:
        stage.run(owner="green")
    assert failure.value.result["lock"] == {
        "owner": "blue",
        "run_id": mine["run_id"],
        "taken_at": "2026-11-21T12:00:00+00:00",
        "expires_at": "2026-11-21T13:00:00+00:00",
        "purpose": "1.1.0",
    }
    assert stage.run(state="absent", run_id=mine["run_id"])["changed"]
    assert not stage.run(state="absent", run_id=mine["run_id"])["changed"]
    assert stage.run(owner="green")["held"]


def test_somebody_elses_lock_is_not_released(stage: Stage) -> None:
    stage.run(owner="blue")
    for identity in ("another", None):
        result = stage.run(state="absent", run_id=identity)
        assert not result["changed"]
        assert result["lock"]["owner"] == "blue"
    assert len(stage.warned) == 2
    assert not stage.run(state="absent", break_owner="green")["changed"]
    assert stage.run(state="absent", break_owner="blue")["broken"]["owner"] == "blue"
    assert not stage.store.values


def test_a_lock_is_broken_only_by_its_owners_name(stage: Stage) -> None:
    stage.run(owner="blue")
    with pytest.raises(VerbFailure, match="is held by blue"):
        stage.run(owner="green", break_owner="red")
    result = stage.run(owner="green", break_owner="blue")
    assert result["broken"]["owner"] == "blue"
    assert stage.holder == "green"
    assert list(stage.store.values) == [NAME], "the second parameter is gone again"
    assert "as break_owner says" in stage.warned[0]


def test_an_expired_lock_is_replaced_and_named(stage: Stage) -> None:
    stage.run(owner="blue", expires_in=100)
    stage.clock.seconds += 99
    with pytest.raises(VerbFailure):
        stage.run(owner="green")
    stage.clock.seconds += 1
    assert stage.run(owner="green")["broken"]["owner"] == "blue"
    assert "of blue since" in stage.warned[0]
    assert "had expired" in stage.warned[0]


def test_of_two_that_find_it_expired_one_gets_it(stage: Stage) -> None:
    stage.run(owner="dead", expires_in=1)
    stage.clock.seconds += 5
    # Green comes in when red has read the dead lock and is about to claim the right to replace it.
    stage.store.before[f"create {NAME}.breaking"] = lambda: stage.run(owner="green")
    with pytest.raises(VerbFailure, match="is held by green"):
        stage.run(owner="red")
    assert stage.holder == "green"


def test_while_one_replaces_it_another_does_not(stage: Stage) -> None:
    stage.run(owner="dead", expires_in=1)
    stage.clock.seconds += 5

    def red() -> None:
        with pytest.raises(VerbFailure, match="is held by green"):
            stage.run(owner="red", wait=10)

    def claim() -> None:
        # Green holds the right to replace it, and red tries the same at this moment, until green is done.
        stage.store.values[f"{NAME}.breaking"] = json.dumps(
            {"owner": "green", "run_id": "1", "taken_at": stage.clock.now(), "expires_at": stage.clock.now() + 100}
        )
        stage.store.before[f"read {NAME}.breaking"] = lambda: stage.store.values.update({NAME: stage.store.values.pop(f"{NAME}.breaking")})

    claim()
    red()
    assert stage.holder == "green"


def test_a_replacing_that_died_is_cleared_away(stage: Stage) -> None:
    stage.run(owner="dead", expires_in=1)
    stage.store.values[f"{NAME}.breaking"] = stage.store.values[NAME]
    stage.clock.seconds += 61
    assert stage.run(owner="green")["held"]
    assert list(stage.store.values) == [NAME]


def test_a_lock_may_be_waited_for(stage: Stage) -> None:
    mine = stage.run(owner="blue")
    begin = stage.clock.seconds
    with pytest.raises(VerbFailure):
        stage.run(owner="green", wait=90)
    assert stage.clock.seconds - begin == pytest.approx(90, abs=4)
    # Said at once, and each half minute.
    assert 3 <= sum("waiting for the deploy lock" in line for line in stage.said) <= 4
    stage.store.before[f"read {NAME}"] = lambda: stage.run(state="absent", run_id=mine["run_id"])
    assert stage.run(owner="green", wait=90)["held"]


def test_the_same_run_keeps_its_lock_and_gives_it_new_time(stage: Stage) -> None:
    stage.run(owner="blue", run_id="7", expires_in=100)
    writes = stage.store.writes
    assert not stage.run(owner="blue", run_id="7", expires_in=100)["changed"]
    assert stage.store.writes == writes
    stage.clock.seconds += 60
    renewed = stage.run(owner="blue", run_id="7", expires_in=100)
    assert renewed["changed"]
    assert parse(stage.store.values[NAME]).expires_at == stage.clock.now() + 100
    assert parse(stage.store.values[NAME]).taken_at == stage.clock.now() - 60


def test_check_mode_writes_nothing(stage: Stage) -> None:
    assert stage.run(check=True)["held"]
    assert not stage.store.values
    mine = stage.run(owner="blue", expires_in=50)
    writes = stage.store.writes
    with pytest.raises(VerbFailure):
        stage.run(check=True, owner="green")
    assert stage.run(check=True, owner="green", break_owner="blue")["broken"]["owner"] == "blue"
    assert stage.run(check=True, state="absent", run_id=mine["run_id"])["changed"]
    assert stage.store.writes == writes


def test_what_is_no_lock_of_ours_is_somebody_elses_for_ever(stage: Stage) -> None:
    stage.store.values[NAME] = "keep out"
    with pytest.raises(VerbFailure, match="not a lock that this module has written"):
        stage.run(owner="green")
    assert stage.run(owner="green", break_owner="unknown")["held"]


def test_without_an_owner_the_user_and_host_are_named(stage: Stage) -> None:
    assert "@" in stage.run()["lock"]["owner"]


def keep_while(stage: Stage, seconds: float, run_id: str, expires_in: int = 100) -> float:
    """Keep the lock while Ansible lives for so many seconds. Returns how long the keeping took."""
    begin = stage.clock.seconds
    context = Context(lambda _service: stage.store, stage.clock, stage.said.append, stage.warned.append)
    keep({"name": NAME, "expires_in": expires_in}, run_id, context, lambda: stage.clock.seconds - begin < seconds)
    return stage.clock.seconds - begin


def test_a_kept_lock_outlasts_its_time_and_is_released_when_ansible_is_gone(stage: Stage) -> None:
    run_id = stage.run(owner="blue", expires_in=100)["run_id"]
    seen: list[float] = []
    stage.store.before["replace"] = lambda: seen.append(stage.clock.seconds)
    assert keep_while(stage, 500, run_id) == pytest.approx(500, abs=2)
    assert seen
    assert not stage.store.values


def test_a_lock_that_was_released_or_broken_is_not_kept(stage: Stage) -> None:
    run_id = stage.run(owner="blue")["run_id"]
    stage.run(owner="green", break_owner="blue")
    assert keep_while(stage, 500, run_id) < 25
    assert keep_while(stage, 0, run_id) == 0
    assert stage.holder == "green"


def test_keeping_ends_with_the_lock_when_aws_does_not_answer(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = stage.run(owner="blue")["run_id"]

    def unreachable(**_request: t.Any) -> None:
        raise refused("ExpiredTokenException", "", "GetParameter")

    monkeypatch.setattr(stage.store, "get_parameter", unreachable)
    assert keep_while(stage, 5, run_id) == pytest.approx(100, abs=2)
