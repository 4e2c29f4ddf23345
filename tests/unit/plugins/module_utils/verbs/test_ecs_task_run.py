# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecs_task_run: what is sent, what is watched, and how a task's end is judged."""

from __future__ import annotations

import importlib
import typing as t

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_task_run import VERB
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import (
    CLUSTER,
    SERVICE,
    FakeClock,
    FakeEcs,
    refused,
    validated,
)

ARN = "arn:aws:ecs:eu-west-1:123456789012:task/main/0123456789abcdef0123456789abcdef"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-a"], "securityGroups": ["sg-1"]}}


class OneTask(FakeEcs):
    """An ECS that runs one task by a script: (seconds since its start, what it shows from then on)."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.script: list[tuple[float, dict[str, t.Any]]] = [(0, {"lastStatus": "PENDING"}), (5, {"lastStatus": "RUNNING"})]
        self.lines: list[tuple[float, str]] = []
        self.no_room_until = 0.0
        self.started = 0.0
        self.stopped: str | None = None
        self.log_error: Exception | None = None

    def ends(self, after: float, code: int | None, reason: str = "Essential container in task exited", **container: t.Any) -> None:
        shown = {"name": "app", **({} if code is None else {"exitCode": code}), **container}
        stop_code = "EssentialContainerExited" if code is not None else "TaskFailedToStart"
        self.script.append((after, {"lastStatus": "STOPPED", "stoppedReason": reason, "stopCode": stop_code, "containers": [shown]}))

    def run_task(self, **request: t.Any) -> dict[str, t.Any]:
        self._called("run_task", request)
        validated("RunTask", request)
        if self.clock.seconds < self.no_room_until:
            return {"tasks": [], "failures": [{"arn": "i-1", "reason": "RESOURCE:MEMORY"}]}
        self.started = self.clock.seconds
        return {"tasks": [{"taskArn": ARN, "lastStatus": "PROVISIONING"}], "failures": []}

    def describe_tasks(self, **request: t.Any) -> dict[str, t.Any]:
        self._called("describe_tasks", request)
        age = self.clock.seconds - self.started
        task: dict[str, t.Any] = {"taskArn": ARN, "containers": [{"name": "app"}]}
        for begin, shown in self.script:
            if age >= begin:
                task.update(shown)
        if self.stopped is not None:
            task.update(lastStatus="STOPPED", stoppedReason=self.stopped, stopCode="UserInitiated")
        return {"tasks": [task]}

    def stop_task(self, **request: t.Any) -> dict[str, t.Any]:
        self._called("stop_task", request)
        self.stopped = request["reason"]
        return {}

    def get_log_events(self, **request: t.Any) -> dict[str, t.Any]:
        self._called("get_log_events", request)
        if self.log_error:
            raise self.log_error
        assert request["logStreamName"] == "ecs/app/0123456789abcdef0123456789abcdef"
        there = [line for moment, line in self.lines if self.clock.seconds - self.started >= moment]
        begin = int(request.get("nextToken", "f/0")[2:])
        page = there[begin : begin + 2]
        return {"events": [{"message": line + "\n"} for line in page], "nextForwardToken": f"f/{begin + len(page)}"}


class Stage:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.ecs = OneTask(self.clock)
        self.said: list[str] = []
        self.warned: list[str] = []
        self.old = self.ecs.define(1)
        self.new = self.ecs.define(2)
        self.ecs.begin(self.old, networkConfiguration=NETWORK)

    def run(self, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        validator = ArgumentSpecValidator(VERB.argument_spec, VERB.mutually_exclusive, required_one_of=VERB.required_one_of)
        result = validator.validate({"cluster": CLUSTER, "service": SERVICE, **options})
        assert not result.error_messages, result.error_messages
        context = Context(lambda _service: self.ecs, self.clock, self.said.append, self.warned.append, check_mode=check)
        return VERB.run(result.validated_parameters, context)

    def failing(self, **options: t.Any) -> VerbFailure:
        with pytest.raises(VerbFailure) as failure:
            self.run(**options)
        return failure.value

    def sent(self) -> dict[str, t.Any]:
        return next(request for name, request in self.ecs.calls if name == "run_task")


@pytest.fixture
def stage() -> Stage:
    return Stage()


def returned() -> set[str]:
    module = importlib.import_module("ansible_collections.steadystate.ecs.plugins.modules.ecs_task_run")
    return set(yaml.safe_load(module.RETURN))


def test_a_task_that_ends_well(stage: Stage) -> None:
    stage.ecs.lines = [(6, "one"), (6, "two"), (6, "three"), (9, "four")]
    stage.ecs.ends(10, 0)
    result = stage.run(task_definition="api:2", containers=[{"name": "app", "command": ["migrate"], "environment": {"A": 1}}], log_lines=3)
    assert result["changed"]
    assert result["exit_code"] == {"app": 0}
    assert result["log_tail"] == ["two", "three", "four"]
    assert (result["cause"], result["hint"], result["timed_out"]) == (None, None, False)
    assert result["stopped_reason"] == "Essential container in task exited"
    assert 10 <= result["seconds"] <= 16
    assert returned() <= result.keys()
    assert [line for line in stage.said if line.startswith("app | ")] == ["app | one", "app | two", "app | three", "app | four"]
    # As it ran, not at its end.
    assert stage.said.index("app | one") < stage.said.index("app | four")
    assert stage.sent() == {
        "cluster": CLUSTER,
        "taskDefinition": stage.new,
        "count": 1,
        "startedBy": "steadystate.ecs",
        "launchType": "EC2",
        "networkConfiguration": NETWORK,
        "overrides": {"containerOverrides": [{"name": "app", "command": ["migrate"], "environment": [{"name": "A", "value": "1"}]}]},
    }


def test_what_is_given_goes_before_what_the_service_has(stage: Stage) -> None:
    stage.ecs.ends(3, 0)
    stage.run(
        capacity_provider_strategy=[{"capacity_provider": "spot"}],
        network_configuration={"subnets": ["subnet-z"], "assign_public_ip": True},
        cpu="512",
        memory="1024",
        task_role_arn="role",
        group="jobs",
        tags={"a": "b"},
        propagate_tags="TASK_DEFINITION",
    )
    sent = stage.sent()
    assert sent["taskDefinition"] == stage.old, "the one that the service runs"
    assert sent["capacityProviderStrategy"] == [{"capacityProvider": "spot"}]
    assert "launchType" not in sent
    assert sent["networkConfiguration"] == {"awsvpcConfiguration": {"subnets": ["subnet-z"], "assignPublicIp": "ENABLED"}}
    assert sent["overrides"] == {"cpu": "512", "memory": "1024", "taskRoleArn": "role"}
    assert (sent["group"], sent["tags"], sent["propagateTags"]) == ("jobs", [{"key": "a", "value": "b"}], "TASK_DEFINITION")


def test_a_service_with_capacity_providers_hands_them_on(stage: Stage) -> None:
    strategy = [{"capacityProvider": "main", "weight": 1, "base": 0}]
    stage.ecs.service.update(capacityProviderStrategy=strategy)
    del stage.ecs.service["launchType"]
    stage.ecs.ends(3, 0)
    stage.run()
    assert stage.sent()["capacityProviderStrategy"] == strategy


def test_another_code_than_zero_fails_with_reason_and_log(stage: Stage) -> None:
    stage.ecs.lines = [(6, "cannot migrate")]
    stage.ecs.ends(8, 3)
    failure = stage.failing()
    assert failure.result["exit_code"] == {"app": 3}
    assert failure.result["cause"] == "container_exited"
    assert failure.result["changed"]
    assert "container app ended with code 3" in failure.message
    assert "Essential container in task exited" in failure.message
    assert "  cannot migrate" in failure.message
    assert "What to do: Read the last log lines" in failure.message


def test_a_container_that_never_ran_fails_with_the_cause_of_it(stage: Stage) -> None:
    stage.ecs.ends(2, None, "CannotPullContainerError: manifest unknown")
    failure = stage.failing()
    assert failure.result["cause"] == "image_not_found"
    assert "container app never ran" in failure.message


def test_the_named_containers_decide(stage: Stage) -> None:
    stage.ecs.definitions[stage.old]["containerDefinitions"].append({"name": "proxy", "essential": True})
    both = [{"name": "app", "exitCode": 0}, {"name": "proxy", "exitCode": 143}]
    stage.ecs.script.append((3, {"lastStatus": "STOPPED", "containers": both}))
    assert stage.run(containers=[{"name": "app"}])["exit_code"] == {"app": 0, "proxy": 143}
    assert "container proxy ended with code 143" in stage.failing().message


def test_time_is_up_and_the_task_is_stopped(stage: Stage) -> None:
    failure = stage.failing(timeout=30)
    assert failure.result["timed_out"]
    assert failure.result["cause"] == "timeout"
    assert failure.result["stopped_reason"] == "Stopped by ecs_task_run after its timeout of 30 s"
    assert "did not end within 30 s and was stopped" in failure.message
    assert stage.clock.seconds - stage.ecs.started < 40


def test_room_is_waited_for_but_not_for_ever(stage: Stage) -> None:
    stage.ecs.no_room_until = stage.clock.seconds + 30
    stage.ecs.ends(3, 0)
    assert stage.run()["exit_code"] == {"app": 0}
    assert sum("waiting for room: RESOURCE:MEMORY" in line for line in stage.said) == 1
    stage.ecs.no_room_until = 1e9
    failure = stage.failing()
    assert failure.result["cause"] == "no_capacity"
    assert not failure.result["changed"]
    assert "for 120 s: RESOURCE:MEMORY" in failure.message


def test_a_log_that_may_not_be_read_is_no_failure(stage: Stage) -> None:
    stage.ecs.log_error = refused("AccessDeniedException", "not authorized", "GetLogEvents")
    stage.ecs.ends(3, 0)
    assert stage.run()["log_tail"] == []
    assert len(stage.warned) == 1


def test_a_log_stream_that_is_not_there_yet(stage: Stage) -> None:
    stage.ecs.log_error = refused("ResourceNotFoundException", "", "GetLogEvents")
    stage.ecs.ends(3, 0)
    assert stage.run()["log_tail"] == []
    assert not stage.warned


def test_throttling_is_waited_out(stage: Stage) -> None:
    stage.ecs.ends(3, 0)
    plain, refusals = stage.ecs.describe_tasks, [refused("ThrottlingException", "slow down")] * 3

    def throttled(**request: t.Any) -> dict[str, t.Any]:
        if refusals:
            raise refusals.pop()
        return plain(**request)

    stage.ecs.describe_tasks = throttled  # type: ignore[method-assign]  # one answer of the fake is replaced
    assert stage.run()["exit_code"] == {"app": 0}


def test_check_mode_runs_nothing_and_still_refuses_what_cannot_be(stage: Stage) -> None:
    result = stage.run(check=True)
    assert result["changed"]
    assert result["task_arn"] is None
    assert returned() <= result.keys()
    assert stage.ecs.count("run_task") == 0
    with pytest.raises(VerbFailure, match="api:1 has no container web, only app"):
        stage.run(check=True, containers=[{"name": "web"}])
    with pytest.raises(VerbFailure, match="there is no task definition api:9"):
        stage.run(task_definition="api:9")
    with pytest.raises(VerbFailure, match="there is no service other"):
        stage.run(service="other")
