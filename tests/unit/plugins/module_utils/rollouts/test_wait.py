# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judge at work: what ecs_service_wait says of good and bad releases, and what it puts back."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_service import VERB as SERVICE_VERB
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_service_wait import VERB
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import (
    CLUSTER,
    GROUP,
    SERVICE,
    Behaviour,
    FakeEcs,
    refused,
)
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.running import Stage
from botocore.exceptions import EndpointConnectionError

CRASH = Behaviour(
    running=1, healthy=None, stop=3, code="EssentialContainerExited", reason="Essential container in task exited", container={"exitCode": 1}
)
NO_IMAGE = Behaviour(
    running=None,
    stop=2,
    code="TaskFailedToStart",
    reason="CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref api:2: not found",
)
SICK = Behaviour(running=1, healthy=None, sick="Health checks failed with these codes: [503]")


def deploy(stage: Stage, arn: str) -> str:
    result = stage.run(SERVICE_VERB, name=SERVICE, cluster=CLUSTER, task_definition=arn)
    assert result["deployment_started"]
    return t.cast("str", result["deployment_id"])


@pytest.fixture
def good(ecs: FakeEcs) -> str:
    arn = ecs.define(1)
    ecs.begin(arn)
    return arn


def test_success_is_told_soon_after_ecs_completes(stage: Stage, ecs: FakeEcs, good: str) -> None:
    new = ecs.define(2)
    identity = deploy(stage, new)
    result = stage.on_service(VERB, deployment_id=identity, task_definition=new)
    completed = next(event["createdAt"] for event in ecs.service["events"] if f"{identity}) deployment completed" in event["message"])
    assert result["verdict"] == "succeeded"
    assert not result["changed"]
    assert result["deployment_id"] == identity
    assert result["cause"] is None
    assert (ecs.now - completed).total_seconds() <= 2.0
    assert (datetime.datetime.fromisoformat(result["decided_at"]) - completed).total_seconds() <= 2.0
    assert result["service"]["running_count"] == 2
    assert {row["task_definition"] for row in result["timeline"]["tasks"]} == {"api:1", "api:2"}
    assert all(row["healthy_at"] for row in result["timeline"]["tasks"] if row["task_definition"] == "api:2")
    assert result["api_calls"] == sum(result["api_calls_by_operation"].values()) > 3
    assert any("new 2/2 running" in line for line in stage.said)


def test_an_image_that_is_not_there_is_rolled_back_at_once(stage: Stage, ecs: FakeEcs, good: str) -> None:
    identity = deploy(stage, ecs.define(2, NO_IMAGE))
    failure = stage.failing(VERB, deployment_id=identity)
    result = failure.result
    assert result["verdict"] == "rolled_back", failure.message
    assert result["cause"] == "image_not_found"
    assert result["rolled_back_to"] == good
    assert result["seconds_to_verdict"] <= 15
    assert ecs.count("stop_service_deployment") == 1
    assert ecs.primary["taskDefinition"] == good
    assert ecs.primary["rolloutState"] == "COMPLETED"
    for words in ("image_not_found", "failed to resolve ref", "What to do: Push the image", "api:1 is back and steady"):
        assert words in failure.message


def test_a_crash_needs_a_second_try_and_brings_its_log(stage: Stage, ecs: FakeEcs, good: str) -> None:
    ecs.logs["ecs/app/"] = ["starting", "panic: DATABASE_URL is not set"]
    identity = deploy(stage, ecs.define(2, CRASH))
    failure = stage.failing(VERB, deployment_id=identity)
    assert failure.result["cause"] == "container_exited"
    assert failure.result["detail"] == {"exit_code": 1}
    assert failure.result["failed_container"] == "app"
    assert failure.result["log_tail"] == ["starting", "panic: DATABASE_URL is not set"]
    assert "panic: DATABASE_URL is not set" in failure.message
    made = [item for item in ecs.tasks if item["startedBy"] == identity]
    assert len(made) >= 4, "both tasks of the first wave fail together, which proves nothing: a second wave has to fail too"


def test_a_failing_health_check_names_the_codes(stage: Stage, ecs: FakeEcs) -> None:
    first = ecs.define(1)
    ecs.begin(first, balanced=True)
    identity = deploy(stage, ecs.define(2, SICK))
    failure = stage.failing(VERB, deployment_id=identity)
    assert failure.result["cause"] == "target_unhealthy"
    assert failure.result["verdict"] == "rolled_back"
    assert "[503]" in failure.message


def test_within_the_grace_period_an_unhealthy_target_is_no_evidence(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1), balanced=True, healthCheckGracePeriodSeconds=600)
    identity = deploy(stage, ecs.define(2, SICK))
    failure = stage.failing(VERB, deployment_id=identity, timeout=60, on_failure="report")
    assert failure.result["verdict"] == "timed_out"
    assert failure.result["cause"] == "target_unhealthy"


def test_a_target_group_that_is_gone(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1), balanced=True)
    identity = deploy(stage, ecs.define(2, Behaviour(healthy=None)))
    del ecs.groups[GROUP]
    failure = stage.failing(VERB, deployment_id=identity, on_failure="report")
    assert failure.result["cause"] == "target_group_missing"
    assert failure.result["verdict"] == "failed"
    assert failure.result["rolled_back_to"] is None
    assert ecs.count("stop_service_deployment") == 0


def test_the_breakers_own_rollback_is_watched_to_its_end_and_is_a_failure(stage: Stage, ecs: FakeEcs, good: str) -> None:
    ecs.breaker = 2
    identity = deploy(stage, ecs.define(2, CRASH))
    failure = stage.failing(VERB, deployment_id=identity, on_failure="report")
    assert failure.result["verdict"] == "rolled_back"
    assert failure.result["cause"] == "container_exited", "the tasks say more than the breaker does"
    assert failure.result["rolled_back_to"] == good
    assert any("circuit breaker" in item for item in failure.result["evidence"])
    assert ecs.primary["rolloutState"] == "COMPLETED"
    assert ecs.count("stop_service_deployment") == 0


def test_when_ecs_cannot_stop_it_the_last_successful_revision_is_deployed(stage: Stage, ecs: FakeEcs, good: str) -> None:
    ecs.stoppable = False
    identity = deploy(stage, ecs.define(2, NO_IMAGE))
    failure = stage.failing(VERB, deployment_id=identity)
    assert failure.result["verdict"] == "rolled_back"
    assert failure.result["rolled_back_to"] == good
    assert [request["taskDefinition"] for name, request in ecs.calls if name == "update_service"][-1] == good


def test_a_first_deployment_has_nowhere_to_go_back_to(stage: Stage, ecs: FakeEcs) -> None:
    bad = ecs.define(1, NO_IMAGE)
    made = stage.run(SERVICE_VERB, name=SERVICE, cluster=CLUSTER, task_definition=bad, desired_count=2)
    failure = stage.failing(VERB, deployment_id=made["deployment_id"])
    assert failure.result["verdict"] == "failed"
    assert failure.result["rolled_back_to"] is None
    assert "Nothing was put back" in failure.message


def test_a_deployment_of_somebody_else_supersedes(stage: Stage, ecs: FakeEcs, good: str) -> None:
    identity = deploy(stage, ecs.define(2, Behaviour(healthy=None)))
    ecs.pass_time(5)
    seen = stage.clock.seconds
    other = ecs.define(3)
    original = ecs.describe_services

    def later(**request: t.Any) -> dict[str, t.Any]:
        if ecs.clock.seconds > seen + 4 and ecs.primary["id"] == identity:
            ecs._new_deployment(other)
        return original(**request)

    ecs.describe_services = later  # type: ignore[method-assign]  # the moment of the other deploy is what this test is about
    failure = stage.failing(VERB, deployment_id=identity)
    assert failure.result["verdict"] == "superseded"
    assert failure.result["cause"] == "superseded"
    assert ecs.count("stop_service_deployment") == 0, "what belongs to somebody else is not rolled back"
    assert "Put back" not in failure.message


def test_stale_reads_after_the_update_are_not_believed(stage: Stage, ecs: FakeEcs, good: str) -> None:
    ecs.stale_reads = 6
    new = ecs.define(2)
    identity = deploy(stage, new)
    result = stage.on_service(VERB, deployment_id=identity, task_definition=new)
    assert result["verdict"] == "succeeded"
    assert ecs.stale_reads == 0
    assert any("reads may lag behind" in line for line in stage.said)


def test_without_an_id_the_wanted_definition_is_waited_for_through_stale_reads(stage: Stage, ecs: FakeEcs, good: str) -> None:
    ecs.stale_reads = 3
    new = ecs.define(2)
    identity = deploy(stage, new)
    result = stage.on_service(VERB, task_definition=new)
    assert result["deployment_id"] == identity
    assert result["verdict"] == "succeeded"


def test_a_deployment_that_never_shows_up(stage: Stage, ecs: FakeEcs, good: str) -> None:
    failure = stage.failing(VERB, deployment_id="ecs-svc/7")
    assert failure.result["verdict"] == "superseded"
    assert stage.clock.seconds < 60 + 60


def test_a_steady_service_is_a_success_at_once(stage: Stage, ecs: FakeEcs, good: str) -> None:
    before = stage.clock.seconds
    assert stage.on_service(VERB)["verdict"] == "succeeded"
    assert stage.clock.seconds - before < 1


def test_no_tasks_wanted_proves_nothing_and_says_so(stage: Stage, ecs: FakeEcs) -> None:
    ecs = stage.ecs
    ecs._desired = 0
    ecs.begin(ecs.define(1))
    result = stage.on_service(VERB)
    assert result["verdict"] == "succeeded"
    assert "nothing is proved" in stage.warned[0]


def test_time_is_up(stage: Stage, ecs: FakeEcs, good: str) -> None:
    identity = deploy(stage, ecs.define(2, Behaviour(running=None)))
    failure = stage.failing(VERB, deployment_id=identity, timeout=45)
    assert failure.result["verdict"] == "timed_out"
    assert failure.result["cause"] == "timeout"
    assert failure.result["rolled_back_to"] == good
    assert 45 <= failure.result["seconds_to_verdict"] <= 47


def test_the_percentages_are_a_dead_end_from_the_first_look(stage: Stage, ecs: FakeEcs, good: str) -> None:
    ecs.service["deploymentConfiguration"] = {"maximumPercent": 100, "minimumHealthyPercent": 100}
    identity = deploy(stage, ecs.define(2, Behaviour(tasks=False)))
    failure = stage.failing(VERB, deployment_id=identity, on_failure="report")
    assert failure.result["cause"] == "deployment_dead_end"
    assert failure.result["seconds_to_verdict"] < 3


_NO_ROOM = (
    "was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 1) "
)


def test_want_of_room_is_waited_out_when_the_cluster_can_grow(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1), capacityProviderStrategy=[{"capacityProvider": "main"}])
    bad = Behaviour(tasks=False, events=(f"{_NO_ROOM}has insufficient memory available.",))
    identity = deploy(stage, ecs.define(2, bad))
    failure = stage.failing(VERB, deployment_id=identity, timeout=300, on_failure="report")
    assert failure.result["verdict"] == "timed_out"
    assert failure.result["cause"] == "no_capacity"
    assert failure.result["detail"] == {"resource": "memory"}
    assert any("no_capacity" in line for line in stage.said)


def test_want_of_room_without_scaling_is_given_up_after_a_while(stage: Stage, ecs: FakeEcs, good: str) -> None:
    bad = Behaviour(tasks=False, events=(f"{_NO_ROOM}has insufficient CPU units available.",))
    identity = deploy(stage, ecs.define(2, bad))
    failure = stage.failing(VERB, deployment_id=identity, on_failure="report")
    assert failure.result["verdict"] == "failed"
    assert failure.result["cause"] == "no_capacity"
    assert 60 <= failure.result["seconds_to_verdict"] <= 75


def test_a_task_larger_than_every_instance_is_told_at_once(stage: Stage, ecs: FakeEcs, good: str) -> None:
    event = (
        "was unable to place a task because no container instance met all of its requirements. The closest matching container-instance "
        "0123 has insufficient memory available."
    )
    identity = deploy(stage, ecs.define(2, Behaviour(tasks=False, events=(event,)), memory=65536))
    ecs.instances = [{"cpu": 2048, "memory": 3900}, {"cpu": 4096, "memory": 7800}]
    failure = stage.failing(VERB, deployment_id=identity)
    assert failure.result["cause"] == "no_capacity"
    assert failure.result["detail"] == {"resource": "memory", "permanent": True, "needed": 65536, "largest": 7800}
    assert failure.result["seconds_to_verdict"] <= 10
    assert ecs.count("describe_container_instances") == 1


def test_instances_that_may_not_be_read_make_no_certainty(stage: Stage, ecs: FakeEcs, good: str) -> None:
    event = "was unable to place a task because no container instance met all of its requirements. It has insufficient memory available."
    identity = deploy(stage, ecs.define(2, Behaviour(tasks=False, events=(event,)), memory=65536))
    failure = stage.failing(VERB, deployment_id=identity)
    assert failure.result["detail"] == {"resource": "memory"}
    assert failure.result["seconds_to_verdict"] >= 60


def test_budgets_are_the_users(stage: Stage, ecs: FakeEcs, good: str) -> None:
    identity = deploy(stage, ecs.define(2, CRASH))
    failure = stage.failing(VERB, deployment_id=identity, budgets={"container_exited": 6})
    assert failure.result["cause"] == "container_exited"
    crashed = [row for row in failure.result["timeline"]["tasks"] if row["deployment_id"] == identity and row["stopped_reason"]]
    assert len(crashed) >= 6
    assert "budgets.container_exited: 0" in stage.failing(VERB, budgets={"container_exited": 0}).message


def test_throttling_is_waited_out_and_counted(stage: Stage, ecs: FakeEcs, good: str) -> None:
    new = ecs.define(2)
    identity = deploy(stage, new)
    original, failing = ecs.list_tasks, [refused("ThrottlingException", "Rate exceeded") for _ in range(4)]

    def throttled(**request: t.Any) -> dict[str, t.Any]:
        if failing:
            raise failing.pop()
        return original(**request)

    ecs.list_tasks = throttled  # type: ignore[method-assign]  # the service answers slowly for a while
    result = stage.on_service(VERB, deployment_id=identity)
    assert result["verdict"] == "succeeded"
    assert result["throttled_calls"] == 4
    assert sum("waiting for AWS to answer" in line for line in stage.said) == 1


def unanswered(ecs: FakeEcs, error: Exception, start: float, end: float = 1e9) -> None:
    """From one second of the test to another, no read of the service is answered."""
    original = ecs.describe_services

    def gone(**request: t.Any) -> dict[str, t.Any]:
        if start < ecs.clock.seconds < end:
            raise error
        return original(**request)

    ecs.describe_services = gone  # type: ignore[method-assign]  # the moment at which AWS goes away is what these tests are about


NO_NETWORK = EndpointConnectionError(endpoint_url="https://ecs.eu-west-1.amazonaws.com/")


@pytest.mark.parametrize(
    ("error", "cause", "words"),
    [
        (NO_NETWORK, "aws_unreachable", "EndpointConnectionError: Could not connect to the endpoint URL"),
        (refused("ThrottlingException", "Rate exceeded"), "throttled", "ThrottlingException: Rate exceeded"),
    ],
)
def test_aws_that_goes_away_is_named_with_since_when_and_what_is_known(
    stage: Stage, ecs: FakeEcs, good: str, error: Exception, cause: str, words: str
) -> None:
    identity = deploy(stage, ecs.define(2, Behaviour(healthy=None)))
    unanswered(ecs, error, stage.clock.seconds + 10)
    failure = stage.failing(VERB, deployment_id=identity, timeout=120)
    assert (failure.result["verdict"], failure.result["cause"]) == ("timed_out", cause)
    since = datetime.datetime.fromisoformat(failure.result["evidence"][0].split("no answer since ")[1].split(",")[0])
    assert 105 <= (datetime.datetime.fromisoformat(failure.result["decided_at"]) - since).total_seconds() <= 110
    assert words in failure.result["evidence"][0]
    assert failure.result["evidence"][1] == "before that: new 2/2 running, 2 healthy; old 2; waiting for the old tasks to be told to stop"
    assert "Nothing was put back: nobody knows how the deployment stands." in failure.message
    assert failure.result["rollback"] is None
    assert ecs.count("stop_service_deployment") == 0
    assert ecs.count("update_service") == 1, "only the deploy itself"


def test_what_was_found_before_aws_went_away_is_told_too(stage: Stage, ecs: FakeEcs, good: str) -> None:
    identity = deploy(stage, ecs.define(2, CRASH))
    unanswered(ecs, NO_NETWORK, stage.clock.seconds + 9)
    failure = stage.failing(VERB, deployment_id=identity, timeout=60)
    assert failure.result["cause"] == "aws_unreachable"
    assert "Essential container in task exited (exit code 1)" in failure.result["evidence"][2]


def test_aws_that_comes_back_in_time_is_no_failure(stage: Stage, ecs: FakeEcs, good: str) -> None:
    identity = deploy(stage, ecs.define(2))
    unanswered(ecs, NO_NETWORK, stage.clock.seconds + 2, stage.clock.seconds + 70)
    assert stage.on_service(VERB, deployment_id=identity)["verdict"] == "succeeded"
    assert sum("AWS answers again, after" in line for line in stage.said) == 1


def test_putting_back_that_is_cut_off_says_so(stage: Stage, ecs: FakeEcs, good: str) -> None:
    identity = deploy(stage, ecs.define(2, NO_IMAGE))
    ecs.behaviours[good] = Behaviour(healthy=None)
    unanswered(ecs, NO_NETWORK, stage.clock.seconds + 14)
    failure = stage.failing(VERB, deployment_id=identity, timeout=60)
    assert (failure.result["verdict"], failure.result["cause"]) == ("failed", "image_not_found")
    assert "AWS has given no answer since" in failure.message


def test_where_there_is_a_terminal_the_live_line_takes_the_place_of_the_heartbeat(stage: Stage, ecs: FakeEcs, good: str) -> None:
    identity = deploy(stage, ecs.define(2, Behaviour(running=None)))
    stage.live = []
    stage.failing(VERB, deployment_id=identity, timeout=120, on_failure="report")
    assert not any("still waiting" in line for line in stage.said)
    assert "waiting for the image to be pulled and the containers to start" in stage.live
    assert stage.live[-1] == "", "it goes away at the end"


def test_a_rollback_of_its_own_brings_the_network_back_as_well(stage: Stage, ecs: FakeEcs) -> None:
    networks = [{"awsvpcConfiguration": {"subnets": [f"subnet-{number}"]}} for number in (1, 2)]
    first = ecs.define(1)
    ecs.begin(first, networkConfiguration=networks[0])
    ecs.stoppable = False
    ecs.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=ecs.define(2, NO_IMAGE), networkConfiguration=networks[1])
    failure = stage.failing(VERB)
    assert failure.result["rolled_back_to"] == first
    assert ecs.service["networkConfiguration"] == networks[0]


def test_credentials_that_expire_end_the_wait_and_name_the_deployment(stage: Stage, ecs: FakeEcs, good: str) -> None:
    identity = deploy(stage, ecs.define(2, Behaviour(healthy=None)))
    original, begin = ecs.describe_services, stage.clock.seconds

    def expired(**request: t.Any) -> dict[str, t.Any]:
        if stage.clock.seconds > begin + 5:
            raise refused("ExpiredTokenException", "The security token included in the request is expired", "DescribeServices")
        return original(**request)

    ecs.describe_services = expired  # type: ignore[method-assign]  # the moment at which they expire is what this test is about
    failure = stage.failing(VERB, deployment_id=identity)
    assert "ExpiredTokenException" in failure.message
    assert "unwatched" in failure.message
    assert failure.result["deployment_id"] == identity
    assert failure.result["verdict"] is None


def test_a_rollback_that_is_refused_does_not_hide_the_diagnosis(stage: Stage, ecs: FakeEcs, good: str) -> None:
    ecs.stoppable = False
    identity = deploy(stage, ecs.define(2, NO_IMAGE))

    def inactive(**_request: t.Any) -> dict[str, t.Any]:
        raise refused("ClientException", "TaskDefinition is inactive", "UpdateService")

    ecs.update_service = inactive  # type: ignore[method-assign]  # somebody deregistered the old revision
    failure = stage.failing(VERB, deployment_id=identity)
    assert (failure.result["verdict"], failure.result["cause"]) == ("failed", "image_not_found")
    assert "AWS refused UpdateService: ClientException: TaskDefinition is inactive" in failure.message


def test_ecs_that_is_faster_with_its_own_rollback_is_left_to_it(stage: Stage, ecs: FakeEcs, good: str) -> None:
    identity = deploy(stage, ecs.define(2, NO_IMAGE))

    def too_late(**_request: t.Any) -> dict[str, t.Any]:
        ecs._go_back("ROLLBACK_IN_PROGRESS", "Service deployment rolled back because the circuit breaker threshold was exceeded.")
        raise refused("ConflictException", "The deployment is rolling back.", "StopServiceDeployment")

    ecs.stop_service_deployment = too_late  # type: ignore[method-assign]  # both acted in the same second
    failure = stage.failing(VERB, deployment_id=identity)
    assert failure.result["verdict"] == "rolled_back", failure.message
    assert ecs.count("update_service") == 1, "only the deploy itself"


def test_a_service_that_is_not_there(stage: Stage) -> None:
    with pytest.raises(VerbFailure, match="there is no service api"):
        stage.on_service(VERB)


def test_check_mode_looks_once(stage: Stage, ecs: FakeEcs, good: str) -> None:
    deploy(stage, ecs.define(2, NO_IMAGE))
    ecs.pass_time(8)
    before = stage.clock.seconds
    result = stage.on_service(VERB, check=True)
    assert result["verdict"] == "failed"
    assert result["cause"] == "image_not_found"
    assert not result["changed"]
    assert stage.clock.seconds == before
    assert ecs.count("stop_service_deployment") == 0


def test_a_quiet_wait_makes_few_calls_and_still_shows_life(stage: Stage, ecs: FakeEcs, good: str) -> None:
    identity = deploy(stage, ecs.define(2, Behaviour(running=None)))
    failure = stage.failing(VERB, deployment_id=identity, timeout=600, on_failure="report")
    assert failure.result["api_calls_by_operation"]["describe_services"] < 180
    beats = [line for line in stage.said if "still waiting" in line]
    assert 30 <= len(beats) <= 42


def test_a_rollback_that_fails_too_is_reported_as_such(stage: Stage, ecs: FakeEcs, good: str) -> None:
    ecs.stoppable = False
    identity = deploy(stage, ecs.define(2, NO_IMAGE))
    ecs.behaviours[good] = NO_IMAGE
    failure = stage.failing(VERB, deployment_id=identity)
    assert failure.result["verdict"] == "failed"
    assert failure.result["rolled_back_to"] is None
    assert "failed too: image_not_found" in failure.message
