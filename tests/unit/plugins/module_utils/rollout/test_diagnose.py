# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every text that is told apart, by its row: what ECS and the agent write, and the cause and weight that it has to get."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout.causes import HINTS, Weight
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout.diagnose import (
    event_finding,
    exit_words,
    is_dead_end,
    start_failure,
    stopped_task,
    targets_of,
)

H, R, T = Weight.HOPELESS, Weight.REPEATED, Weight.TRANSIENT
_IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/api:9"

START: list[tuple[str, str, Weight]] = [
    (
        f"CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref {_IMAGE}: {_IMAGE}: not found",
        "image_not_found",
        H,
    ),
    ("CannotPullImageManifestError: manifest unknown: Requested image not found", "image_not_found", H),
    (
        (
            "CannotPullContainerError: pull access denied for api, repository does not exist or may require authorization: server message: "
            "insufficient_scope"
        ),
        "image_not_found",
        H,
    ),
    (
        (
            "CannotPullContainerError: RepositoryNotFoundException: The repository with name 'api' does not exist in the registry. "
            "Check whether the image exists."
        ),
        "image_not_found",
        H,
    ),
    ("CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/amd64'", "image_platform_mismatch", H),
    ("CannotPullContainerError: no matching manifest for linux/arm64/v8 in the manifest list entries", "image_platform_mismatch", H),
    (
        (
            "CannotPullECRContainerError: AccessDeniedException: User: arn:aws:sts::1:assumed-role/x is not authorized to perform: "
            "ecr:GetAuthorizationToken on resource: *"
        ),
        "registry_denied",
        H,
    ),
    ("CannotPullContainerError: denied: requested access to the resource is denied", "registry_denied", H),
    ("CannotPullContainerError: Error response from daemon: no basic auth credentials", "registry_denied", H),
    (f"CannotPullContainerError: failed to resolve ref {_IMAGE}: unexpected status: 401 Unauthorized", "registry_denied", H),
    (f"CannotPullContainerError: failed to resolve ref {_IMAGE}: unexpected status: 403 Forbidden", "registry_denied", H),
    ("CannotPullContainerError: toomanyrequests: You have reached your pull rate limit.", "registry_rate_limited", T),
    ("CannotPullContainerError: write /var/lib/docker/tmp/x: no space left on device", "no_capacity", T),
    (f"CannotPullContainerError: failed to resolve ref {_IMAGE}: dial tcp 10.0.0.1:443: i/o timeout", "registry_unreachable", R),
    ("CannotPullContainerError: context canceled. Check your network configuration.", "registry_unreachable", R),
    ("CannotPullContainerError: request canceled while waiting for connection", "registry_unreachable", R),
    ("CannotPullContainerError: dial tcp: lookup x: no route to host", "registry_unreachable", R),
    (
        (
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve "
            "secrets from ssm: service call has been retried 1 time(s): AccessDeniedException: not authorized to perform: ssm:GetParameters"
        ),
        "secret_denied",
        H,
    ),
    (
        (
            "fetching secret data from AWS Secrets Manager in region eu-west-1: secret arn:aws:x: ResourceNotFoundException: "
            "Secrets Manager can't find the specified secret."
        ),
        "secret_not_found",
        H,
    ),
    ("fetching secret data from SSM Parameter Store in eu-west-1: invalid parameters: /none", "secret_not_found", H),
    ("fetching secret data from SSM Parameter Store in eu-west-1: ParameterNotFound", "secret_not_found", H),
    (
        "fetching secret data from AWS Secrets Manager in region eu-west-1: retrieved secret did not contain json key user",
        "secret_not_found",
        H,
    ),
    (
        "fetching secret data from AWS Secrets Manager in region eu-west-1: invalid character 'x' looking for beginning",
        "secret_not_found",
        H,
    ),
    ("fetching secret data from SSM Parameter Store in eu-west-1: RequestCanceled: dial tcp: i/o timeout", "registry_unreachable", R),
    ("fetching secret data from SSM Parameter Store in eu-west-1: unable to find execution role credentials", "role_unusable", H),
    ("ECS was unable to assume the role 'arn:aws:iam::1:role/x' that was provided for this task.", "role_unusable", H),
    (
        (
            "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create Cloudwatch log "
            "stream: ResourceNotFoundException: The specified log group does not exist."
        ),
        "log_group_missing",
        H,
    ),
    ("failed to initialize logging driver: failed to create Cloudwatch log stream: AccessDeniedException: x", "logs_denied", H),
    ("CannotStartContainerError: exec /server: exec format error", "exec_format", H),
    ('CannotStartContainerError: exec: "serve": executable file not found in $PATH: unknown', "entrypoint_missing", H),
    ('unable to start container process: exec: "/nope": stat /nope: no such file or directory: unknown', "entrypoint_missing", H),
    ('CannotStartContainerError: starting container process caused: exec: "/server": permission denied', "entrypoint_missing", H),
    ("OutOfMemoryError: Container killed due to memory usage", "out_of_memory", R),
    ("Timeout waiting for network interface provisioning to complete.", "no_capacity", T),
    ("Unable to attach network interface to unused device index", "no_capacity", T),
    ("DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s", "task_failed_to_start", R),
    ("HostConfigError: something else", "task_failed_to_start", R),
    # The other names that the agent has for an error, each with a text that says no more.
    ("CannotCreateContainerError: Error response from daemon: bad", "task_failed_to_start", R),
    ("CannotStartContainerError: Error response from daemon: bad", "task_failed_to_start", R),
    ("CannotStopContainerError: bad", "task_failed_to_start", R),
    ("CannotInspectContainerError: bad", "task_failed_to_start", R),
    ("CannotCreateVolumeError: bad", "task_failed_to_start", R),
    ("ContainerNetworkingError: bad", "task_failed_to_start", R),
    ("TaskDependencyError: bad", "task_failed_to_start", R),
    ("InvalidVolumeError: bad", "task_failed_to_start", R),
    ("CannotPullContainerAuthError: bad", "registry_denied", H),
    (
        (
            "CannotPullECRContainerError: User: arn:aws:sts::1:assumed-role/x is not authorized to perform: ecr:BatchGetImage on resource: "
            "x. The task can't pull the image. Check that the role has the permissions to pull images from the registry."
        ),
        "registry_denied",
        H,
    ),
    ("CannotPullContainerError: You have reached your pull rate limit.", "registry_rate_limited", T),
    (f"CannotPullContainerError: failed to resolve ref {_IMAGE}: context deadline exceeded", "registry_unreachable", R),
    (
        (
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve "
            "secret from asm: service call has been retried 1 time(s): ResourceNotFoundException"
        ),
        "secret_not_found",
        H,
    ),
    ("CannotStartContainerError: sts:AssumeRole was refused", "role_unusable", H),
]


@pytest.mark.parametrize(("text", "cause", "weight"), START)
def test_why_a_task_could_not_start(text: str, cause: str, weight: Weight) -> None:
    assert start_failure(text) == (cause, weight)


def _task(code: str, reason: str, *containers: dict[str, t.Any], status: str = "STOPPED") -> dict[str, t.Any]:
    return {
        "taskArn": "arn:aws:ecs:eu-west-1:1:task/main/0123456789abcdef",
        "lastStatus": status,
        "stopCode": code,
        "stoppedReason": reason,
        "containers": [{"name": f"c{index}", **container} for index, container in enumerate(containers)],
    }


_GROUP = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/api/0"
_EXIT = "Essential container in task exited"


@pytest.mark.parametrize(
    ("task", "cause", "container", "detail"),
    [
        (_task("EssentialContainerExited", _EXIT, {"exitCode": 1}), "container_exited", "c0", {"exit_code": 1}),
        (_task("EssentialContainerExited", _EXIT, {"exitCode": 0}), "container_exited", "c0", {"exit_code": 0}),
        (_task("EssentialContainerExited", _EXIT, {"exitCode": 139}), "container_exited", "c0", {"exit_code": 139, "signal": 11}),
        # The others of the task are killed by ECS when the first one ends.
        (_task("EssentialContainerExited", _EXIT, {"exitCode": 137}, {"exitCode": 2}), "container_exited", "c1", {"exit_code": 2}),
        # Killed, and not for its memory: the stop timeout had expired.
        (_task("EssentialContainerExited", _EXIT, {"exitCode": 137}), "container_exited", "c0", {"exit_code": 137, "signal": 9}),
        (
            _task("EssentialContainerExited", _EXIT, {"exitCode": 143}, {"exitCode": 0}),
            "container_exited",
            "c0",
            {"exit_code": 143, "signal": 15},
        ),
        (
            _task("EssentialContainerExited", _EXIT, {"exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}),
            "out_of_memory",
            "c0",
            {"exit_code": 137},
        ),
        (_task("ServiceSchedulerInitiated", f"Task failed ELB health checks in (target-group {_GROUP})", {}), "target_unhealthy", None, {}),
        (
            _task("ServiceSchedulerInitiated", "Task failed container health checks", {}, {"healthStatus": "UNHEALTHY"}),
            "container_unhealthy",
            "c1",
            {},
        ),
        # The reason may sit on just one container, the task saying nothing.
        (
            _task("TaskFailedToStart", "Task failed to start", {}, {"reason": "CannotPullImageManifestError: manifest unknown"}),
            "image_not_found",
            "c1",
            {},
        ),
        (_task("TaskFailedToStart", "CannotPullContainerError: x: not found", {}), "image_not_found", None, {}),
    ],
)
def test_stopped_tasks(task: dict[str, t.Any], cause: str, container: str | None, detail: dict[str, t.Any]) -> None:
    finding = stopped_task(task)
    assert finding is not None
    assert (finding.cause, finding.container, finding.detail) == (cause, container, detail)
    assert finding.task == "0123456789abcdef"
    assert "01234567" in finding.evidence


@pytest.mark.parametrize(
    "task",
    [
        _task("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/1)", {"exitCode": 137}),
        _task("EssentialContainerExited", "Scaling activity initiated by (deployment ecs-svc/1)", {"exitCode": 143}),
        _task("UserInitiated", "Task stopped by user", {"exitCode": 137}),
        _task("SpotInterruption", "Your Spot Task was interrupted.", {}),
        _task("TerminationNotice", "x", {}),
        _task("InfrastructureHealth", "x", {}),
        _task("", "", {}, status="RUNNING"),
        # The exit code is not known yet: the next look has it.
        _task("EssentialContainerExited", _EXIT, {}, status="DEPROVISIONING"),
    ],
)
def test_what_is_no_evidence(task: dict[str, t.Any]) -> None:
    assert stopped_task(task) is None


_PLACE = "(service api) was unable to place a task because no container instance met all of its requirements."
_NEAR = f"{_PLACE} The closest matching (container-instance 3f4de1c5)"


@pytest.mark.parametrize(
    ("message", "cause", "weight", "resource"),
    [
        (f"{_PLACE} Reason: No Container Instances were found in your cluster.", "no_capacity", R, "instances"),
        (f"{_NEAR} has insufficient CPU units available. For more information, see the Guide.", "no_capacity", R, "cpu"),
        (f"{_NEAR} has insufficient memory available.", "no_capacity", R, "memory"),
        (f"{_NEAR} is already using a port required by your task.", "no_capacity", R, "port"),
        (f"{_NEAR} is missing an attribute required by your task.", "no_capacity", H, "attribute"),
        (f'{_NEAR} encountered error "RESOURCE:ENI".', "no_capacity", R, "eni"),
        (f'{_NEAR} encountered error "RESOURCE:MEMORY".', "no_capacity", R, "memory"),
        (f'{_NEAR} encountered error "AGENT".', "no_capacity", T, "agent"),
        (f"{_NEAR} doesn't have the agent connected.", "no_capacity", T, "agent"),
        (f'{_NEAR} encountered error "RESOURCE:CPU".', "no_capacity", R, "cpu"),
        (f'{_NEAR} encountered error "RESOURCE:PORTS".', "no_capacity", R, "port"),
        (f'{_NEAR} encountered error "ATTRIBUTE".', "no_capacity", H, "attribute"),
        (f'{_NEAR} encountered error "LOCATION".', "no_capacity", H, "location"),
        (
            "(service api) was unable to place a task. Reason: You've reached the limit on the number of tasks you can run concurrently",
            "no_capacity",
            T,
            None,
        ),
        (
            "(service api) was unable to place tasks in your cluster because the tasks provisioning capacity limit was exceeded.",
            "no_capacity",
            T,
            "instances",
        ),
        (
            "(service api) could not launch 2 tasks for deployment ecs-svc/1. Capacity is unavailable at this time.",
            "no_capacity",
            T,
            None,
        ),
        (f'{_NEAR} encountered error "MemberOf placement constraint unsatisfied."', "no_capacity", H, "constraint"),
        (
            (
                "(service api) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a "
                "different availability zone."
            ),
            "no_capacity",
            T,
            None,
        ),
        ("(service api) was unable to place a task. Reason: Internal error.", "no_capacity", T, None),
        (
            "(service api) was unable to reach steady state. Reason: No Container Instances were found in your capacity provider.",
            "no_capacity",
            T,
            "instances",
        ),
    ],
)
def test_placement_events(message: str, cause: str, weight: Weight, resource: str | None) -> None:
    finding = event_finding(message)
    assert finding is not None
    assert (finding.cause, finding.weight, finding.detail.get("resource")) == (cause, weight, resource)


@pytest.mark.parametrize(
    ("message", "cause", "weight"),
    [
        (
            (
                "(service api) was unable to stop or start tasks during a deployment because of the service deployment configuration. "
                "Update the minimumHealthyPercent or maximumPercent value and try again."
            ),
            "deployment_dead_end",
            H,
        ),
        (
            f"(service api, taskSet ecs-svc/1) (task 1) is not healthy in (target-group {_GROUP}) due to TARGET GROUP IS NOT FOUND",
            "target_group_missing",
            H,
        ),
        (
            f"(service api) failed to register targets in (target-group {_GROUP}) with (error TargetGroupNotFoundException)",
            "target_group_missing",
            H,
        ),
        (
            (
                "(service api) failed to register targets in target-group x with (error User: arn:aws:sts::1:assumed-role/ecs/s is not "
                "authorized to perform: elasticloadbalancing:RegisterTargets)"
            ),
            "role_unusable",
            H,
        ),
        ("(service api) failed to register targets in (target-group x) with (error Service Unavailable)", "target_group_missing", R),
        (
            "(service api) the IAM permissions policies are misconfigured or changed; ECS can no longer maintain the service.",
            "role_unusable",
            H,
        ),
        ("(service api) the IAM trust relationship of the service-linked role was changed.", "role_unusable", H),
        (
            "(service api) is unable to consistently start tasks successfully. For more information, see the Troubleshooting section.",
            "task_failed_to_start",
            T,
        ),
        ("(service api) operations are being throttled on ELB. Will try again later.", "throttled", T),
        ("(service api) failed to launch a task with (error ECS was unable to assume the role 'x').", "role_unusable", H),
        ("(service api) was unable to place a task. Reason: CannotPullContainerError: x: not found", "image_not_found", H),
        (
            "(service api) was unable to place a task. Reason: ResourceInitializationError: retrieve secrets from ssm: AccessDenied",
            "secret_denied",
            H,
        ),
    ],
)
def test_other_events(message: str, cause: str, weight: Weight) -> None:
    finding = event_finding(message)
    assert finding is not None
    assert (finding.cause, finding.weight) == (cause, weight)


@pytest.mark.parametrize(
    "message",
    [
        "(service api) has reached a steady state.",
        "(service api) has started 2 tasks: (task a) (task b).",
        "(service api) has started 1 tasks: (task a). Amazon ECS replaced 1 tasks due to an unhealthy status.",
        f"(service api) registered 2 targets in (target-group {_GROUP})",
        f"(service api) deregistered 1 targets in (target-group {_GROUP})",
        "(service api, taskSet ecs-svc/1) has begun draining connections on 1 tasks.",
        "(service api) has stopped 1 running tasks: (task a).",
        "(service api) (deployment ecs-svc/1) deployment completed.",
        "(service api) rolling back to deployment ecs-svc/1.",
        "(service api) is not AZ balanced with 2 tasks in eu-west-1a. AZ Rebalancing in progress.",
    ],
)
def test_ordinary_events_say_nothing(message: str) -> None:
    assert event_finding(message) is None


@pytest.mark.parametrize(
    ("desired", "minimum", "maximum", "stuck"),
    [
        (1, 100, 200, False),
        (1, 100, 100, True),
        (1, 0, 100, False),
        (2, 75, 100, True),
        (2, 50, 100, False),
        (3, 100, 125, True),
        (4, 100, 125, False),
        (0, 100, 100, False),
        (2, None, None, False),
    ],
)
def test_dead_end_arithmetic(desired: int, minimum: int | None, maximum: int | None, stuck: bool) -> None:
    configuration = {"maximumPercent": maximum, "minimumHealthyPercent": minimum}
    assert is_dead_end({"desiredCount": desired, "deploymentConfiguration": configuration}) is stuck


def test_a_daemon_has_no_dead_end() -> None:
    service = {
        "desiredCount": 1,
        "schedulingStrategy": "DAEMON",
        "deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 100},
    }
    assert not is_dead_end(service)


def test_targets_are_found_by_address_or_by_instance_and_port() -> None:
    awsvpc = {"attachments": [{"type": "ElasticNetworkInterface", "details": [{"name": "privateIPv4Address", "value": "10.0.0.5"}]}]}
    bridge = {"containers": [{"networkBindings": [{"hostPort": 32768}]}]}
    targets = {"g": [{"Target": {"Id": "10.0.0.5", "Port": 80}}, {"Target": {"Id": "i-1", "Port": 32768}}]}
    assert targets_of(awsvpc, targets)["g"] == targets["g"][0]
    assert targets_of(bridge, targets)["g"] == targets["g"][1]
    assert targets_of({}, targets)["g"] is None


def test_every_cause_that_a_table_names_has_a_hint() -> None:
    assert {cause for _text, cause, _weight in START} <= HINTS.keys()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended by itself"),
        (1, ""),
        (3, ""),
        (125, "runtime failed"),
        (126, "cannot be executed"),
        (127, "not found"),
        (134, "aborted"),
        (137, "killed"),
        (139, "segmentation fault"),
        (143, "SIGTERM"),
        (None, ""),
    ],
)
def test_exit_codes_are_put_into_words(code: int | None, words: str) -> None:
    assert words in exit_words(code)
    assert bool(exit_words(code)) == bool(words)


def test_what_no_instance_will_ever_have_is_permanent() -> None:
    said = "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching "
    missing = event_finding(f"{said}container-instance 0123 is missing an attribute required by your task.")
    short = event_finding(f"{said}container-instance 0123 has insufficient memory available.")
    assert missing is not None
    assert missing.detail == {"resource": "attribute", "permanent": True}
    assert short is not None
    assert short.detail == {"resource": "memory"}
