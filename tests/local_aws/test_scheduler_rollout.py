"""A healthy rolling update behind a load balancer: what the API shows, in which order, in which words, and what clients notice."""

from __future__ import annotations

import re
from itertools import pairwise

from tests.local_aws.prober import Prober
from tests.local_aws.stack import DEPLOYMENT, PATIENCE, TASK, Stack, private_address, task_id, task_ids

STARTED = rf"has started (\d+) tasks: (?:{TASK} ?)+\."
REGISTERED = r"registered (\d+) targets in \(target-group arn:aws:elasticloadbalancing:[^)]+\)"
STOPPED = rf"has stopped (\d+) running tasks: (?:{TASK} ?)+\."
DEREGISTERED = r"deregistered (\d+) targets in \(target-group arn:aws:elasticloadbalancing:[^)]+\)"
DRAINING = r"has begun draining connections on (\d+) tasks\."
COMPLETED = rf"\(deployment {DEPLOYMENT}\) deployment completed\."
STEADY = r"has reached a steady state\."


def kinds(texts: list[str]) -> list[str]:
    """Each event's kind; fails for a text that a healthy rollout does not have."""
    known = {
        "started": STARTED,
        "registered": REGISTERED,
        "stopped": STOPPED,
        "deregistered": DEREGISTERED,
        "draining": DRAINING,
        "completed": COMPLETED,
        "steady": STEADY,
    }
    found = []
    for text in texts:
        matching = [kind for kind, pattern in known.items() if re.fullmatch(pattern, text)]
        assert matching, f"a text that a healthy rollout does not have: {text}"
        found += matching
    return found


def total(texts: list[str], pattern: str) -> int:
    return sum(int(match[1]) for text in texts if (match := re.fullmatch(pattern, text)))


def test_a_first_deployment_starts_registers_and_reaches_a_steady_state(stack: Stack) -> None:
    stack.build()
    service = stack.create_service(stack.define("1.0.0"), 2)
    first = service.primary()
    assert re.fullmatch(DEPLOYMENT, first["id"])
    assert (first["rolloutState"], first["rolloutStateReason"]) == ("IN_PROGRESS", f"ECS deployment {first['id']} in progress.")
    service.wait_completed(first["id"])
    service.wait_event(STEADY)

    texts = service.texts()
    assert list(dict.fromkeys(kinds(texts))) == ["started", "registered", "completed", "steady"]
    assert total(texts, STARTED) == 2
    assert total(texts, REGISTERED) == 2
    tasks = service.tasks()
    assert {name for text in texts for name in task_ids(text)} == {task_id(task) for task in tasks}
    for task in tasks:
        assert task["startedBy"] == first["id"]
        assert task["group"] == "service:api"
        assert task["launchType"] == "EC2"
        assert (task["lastStatus"], task["desiredStatus"]) == ("RUNNING", "RUNNING")
        assert task["pullStartedAt"] <= task["pullStoppedAt"] <= task["startedAt"]
        (attachment,) = task["attachments"]
        assert (attachment["type"], attachment["status"]) == ("ElasticNetworkInterface", "ATTACHED")
        (container,) = task["containers"]
        assert container["imageDigest"] == stack.account.push("1.0.0").partition("@")[2]
    assert sorted(stack.target_states()) == ["healthy", "healthy"]
    assert {task["availabilityZone"] for task in tasks} == {"eu-west-1a", "eu-west-1b"}


def test_a_rolling_update_says_what_it_does_in_ecs_words_and_order(stack: Stack) -> None:
    stack.build()
    service, first = stack.steady_service(stack.define("1.0.0"), 2)
    old = {task_id(task): task for task in service.tasks()}
    before = service.last_event_at()
    definition = stack.define("2.0.0")
    second = service.update(taskDefinition=definition)

    during = service.describe()
    assert during["taskDefinition"] == definition
    shown = {item["id"]: item for item in during["deployments"]}
    assert shown[second]["status"] == "PRIMARY"
    assert (shown[second]["rolloutState"], shown[second]["rolloutStateReason"]) == ("IN_PROGRESS", f"ECS deployment {second} in progress.")
    assert shown[first]["status"] == "ACTIVE"
    assert (shown[first]["rolloutState"], shown[first]["rolloutStateReason"]) == ("COMPLETED", f"ECS deployment {first} completed.")

    service.wait_completed(second)
    service.wait_event(STEADY, before)
    events = service.events(before)
    texts = [event.text for event in events]
    order = kinds(texts)

    assert list(dict.fromkeys(order)) == ["started", "registered", "stopped", "deregistered", "draining", "completed", "steady"]
    assert order[-2:] == ["completed", "steady"]
    assert texts[-2] == f"(deployment {second}) deployment completed."
    assert (events[-1].at - events[-2].at).total_seconds() < 0.01
    assert [total(texts, pattern) for pattern in (STARTED, REGISTERED, STOPPED, DEREGISTERED, DRAINING)] == [2, 2, 2, 2, 2]
    assert {event.task_set for event in events if re.fullmatch(DRAINING, event.text)} == {first}
    started = {name for text in texts if re.fullmatch(STARTED, text) for name in task_ids(text)}
    stopped = {name for text in texts if re.fullmatch(STOPPED, text) for name in task_ids(text)}
    assert stopped == set(old)
    assert all(earlier.at <= later.at for earlier, later in pairwise(events))

    after = service.describe()
    assert [item["id"] for item in after["deployments"]] == [second]
    assert (after["runningCount"], after["pendingCount"], after["desiredCount"]) == (2, 0, 2)
    assert after["deployments"][0]["rolloutStateReason"] == f"ECS deployment {second} completed."
    assert {task_id(task) for task in service.tasks(second)} == started
    newest, oldest = service.service_deployments()
    assert (newest["status"], oldest["status"]) == ("SUCCESSFUL", "SUCCESSFUL")
    revision = service.revision(newest["targetServiceRevision"]["arn"])
    assert revision["taskDefinition"] == definition
    assert revision["containerImages"] == [
        {"containerName": "api", "image": stack.account.push("2.0.0"), "imageDigest": stack.account.push("2.0.0").partition("@")[2]}
    ]
    assert [item["arn"] for item in newest["sourceServiceRevisions"]] == [oldest["targetServiceRevision"]["arn"]]

    stack.aws.until(lambda: len(service.tasks(first, "STOPPED")) == 2, PATIENCE, "the old tasks have stopped")
    stack.aws.until(lambda: all(task["lastStatus"] == "STOPPED" for task in service.tasks(first)), PATIENCE, "they show STOPPED")
    for task in service.tasks(first):
        assert task["stopCode"] == "ServiceSchedulerInitiated"
        assert task["stoppedReason"] == f"Scaling activity initiated by (deployment {second})"
        assert task["containers"][0]["exitCode"] == 0, "it stopped gracefully within its stopTimeout"
        assert task["attachments"][0]["status"] == "DELETED"
        assert private_address(task) == private_address(old[task_id(task)])
        assert task["stoppingAt"] <= task["executionStoppedAt"] <= task["stoppedAt"]


def test_clients_notice_nothing_of_a_rolling_update_at_desired_2(stack: Stack) -> None:
    stack.build()
    service, _ = stack.steady_service(stack.define("1.0.0"), 2)
    with Prober(stack.url) as prober:
        stack.aws.until(lambda: len(prober.answers) > 20, PATIENCE, "traffic flows before the update")
        second = service.update(taskDefinition=stack.define("2.0.0"))
        service.wait_completed(second)
        drained = len(prober.answers)
        stack.aws.until(
            lambda: not [task for task in service.tasks() if task["lastStatus"] not in ("RUNNING", "STOPPED")], PATIENCE, "drained"
        )
        stack.aws.until(lambda: len(prober.answers) > drained + 20, PATIENCE, "traffic flows after the update")
    assert prober.failed() == []
    assert prober.versions() == ["1.0.0", "2.0.0"]
    first_new = next(number for number, answer in enumerate(prober.answers) if answer.version == "2.0.0")
    last_old = max(number for number, answer in enumerate(prober.answers) if answer.version == "1.0.0")
    assert first_new < last_old, "for a while both versions answered"
    assert prober.answers[-1].version == "2.0.0"


def test_a_drained_task_finishes_its_requests_before_it_gets_sigterm(stack: Stack) -> None:
    latency = 2.5  # real seconds, since the service does not know of the clock's speed
    stack.build(deregistration_delay=int(2 * latency * stack.aws.speed))
    service, first = stack.steady_service(stack.define("1.0.0", FAULT_LATENCY=f"{latency}s"), 2)
    old = service.tasks(first)
    before = service.last_event_at()
    with Prober(stack.url, workers=8, pause=0.1) as prober:
        stack.aws.until(lambda: len(prober.answers) >= 8, PATIENCE, "every worker has had an answer")
        second = service.update(taskDefinition=stack.define("2.0.0", FAULT_LATENCY=f"{latency}s"))
        drain = service.wait_event(r"has begun draining", before).at.timestamp()
        service.wait_completed(second)
        stack.aws.until(lambda: all(task["lastStatus"] == "STOPPED" for task in service.tasks(first)), PATIENCE, "the old tasks stopped")
    assert prober.failed() == []
    assert prober.seen(lambda answer: answer.version == "1.0.0" and answer.started < drain < answer.ended), (
        "a request that was in flight when the drain began was still answered by the old task"
    )
    for task in old:
        lines = stack.log_lines(task)
        terminated = next(number for number, line in enumerate(lines) if line["msg"].startswith("stopping"))
        answered = [number for number, line in enumerate(lines) if line["msg"] == "request"]
        assert max(answered) < terminated, "SIGTERM came when no request was left"
        assert lines[-1]["msg"] == "stopped"


def test_a_forced_deployment_replaces_every_task_with_the_same_definition(stack: Stack) -> None:
    stack.build()
    definition = stack.define("1.0.0")
    service, first = stack.steady_service(definition, 1)
    assert service.update(taskDefinition=definition) == first, "the same definition, already deployed, is no deployment"
    second = service.update(forceNewDeployment=True)
    assert second != first
    service.wait_completed(second)
    (task,) = service.tasks(second, "RUNNING")
    assert task["taskDefinitionArn"] == definition
    (cluster,) = stack.ecs.describe_clusters(clusters=[stack.name])["clusters"]
    assert cluster["activeServicesCount"] == 1
