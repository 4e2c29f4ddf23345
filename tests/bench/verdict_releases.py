# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The releases of the verdict bench: what is wrong with each, and what the judge has to say about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from verdict_platform import DESIRED, REGISTRY, Platform

Changes = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """One release of one service that runs well before it."""

    name: str
    cause: str | None
    """What the verdict has to name; None for a release that is good."""
    deterministic: bool = False
    """Whether one look at the evidence is enough, so that the cause must be named at once."""
    top: Callable[[Platform], Changes] = field(default=lambda platform: {})
    container: Callable[[Platform], Changes] = field(default=lambda platform: {})
    environment: dict[str, str] = field(default_factory=dict)
    service: Callable[[Platform, str], Changes] = field(default=lambda platform, name: {})
    """Options of ecs_service that only this release has."""
    first: Callable[[Platform, str], Changes] = field(default=lambda platform, name: {})
    """Options that the service has from the start."""
    balanced: bool = False
    cluster: str = "bench"
    force_only: bool = False
    """No new revision: the same one is deployed again."""
    meanwhile: Callable[[Platform, str], None] | None = None
    """What happens to the release from outside, again and again from its start to its verdict."""
    detail: dict[str, Any] = field(default_factory=dict)
    """What the result's detail has to hold."""
    by_playbook: bool = False
    """Deployed through ansible-playbook; the others run the same verbs inside the bench's process."""
    peers: bool = False
    """Judged by the other tools too."""
    limit: int = 240
    """Seconds that the deployment may take."""


def _secret(kind: str, key: str = "") -> Callable[[Platform], Changes]:
    return lambda platform: {"secrets": [{"name": "TOKEN", "valueFrom": platform.secrets[kind] + key}]}


def _no_log_group(platform: Platform) -> Changes:
    options = {"awslogs-group": "/ecs/nowhere", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "x"}
    return {"logConfiguration": {"logDriver": "awslogs", "options": options}}


def _breaker(platform: Platform, name: str) -> Changes:
    limits = {"minimum_healthy_percent": 100, "maximum_percent": 200}
    return {"deployment_configuration": {**limits, "deployment_circuit_breaker": {"enable": True, "rollback": True}}}


def _alarmed(platform: Platform, name: str) -> Changes:
    platform.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="bench",
        MetricName=name,
        Statistic="Maximum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    limits = {"minimum_healthy_percent": 100, "maximum_percent": 200, "bake_time_in_minutes": 0}
    configuration = {**limits, "alarms": {"alarm_names": [name], "enable": True, "rollback": True}}
    # Within the grace period the slow start says nothing: the alarm is the only evidence.
    return {"deployment_configuration": configuration, "health_check_grace_period_seconds": 300}


def _errors_appear(platform: Platform, name: str) -> None:
    # They are the new tasks' doing. An alarm that is on before its deployment has begun says nothing to ECS.
    service = platform.client("ecs").describe_services(cluster="bench", services=[name])["services"][0]
    if not next(item for item in service["deployments"] if item["status"] == "PRIMARY")["runningCount"]:
        return
    datum = {"MetricName": name, "Value": 9.0, "StorageResolution": 1}
    platform.client("cloudwatch").put_metric_data(Namespace="bench", MetricData=[datum])


def _no_steps(platform: Platform, name: str) -> Changes:
    # ECS refuses 100 and 100 by itself; with two tasks, these leave as little room.
    return {"deployment_configuration": {"minimum_healthy_percent": 75, "maximum_percent": 125}}


def _wrong_path(platform: Platform, name: str) -> Changes:
    balancer = {"target_group_arn": platform.target_group(f"{name}-404", "/nowhere"), "container_name": "api", "container_port": 8080}
    return {"load_balancers": [balancer]}


def _grace(platform: Platform, name: str) -> Changes:
    return {"health_check_grace_period_seconds": 60}


def _growing(platform: Platform, name: str) -> Changes:
    # An empty launch type would be EC2's own scheduler, which asks nobody for instances.
    return {"launch_type": None, "capacity_provider_strategy": [{"capacity_provider": "grow", "weight": 1}], "desired_count": DESIRED}


def _only_on_other_instances(platform: Platform) -> Changes:
    return {"placementConstraints": [{"type": "memberOf", "expression": "attribute:ecs.instance-type == p4d.24xlarge"}]}


RELEASES: tuple[Release, ...] = (
    Release(
        "image-tag-missing",
        "image_not_found",
        True,
        container=lambda platform: {"image": f"{REGISTRY}/api:9.9.9"},
        by_playbook=True,
        peers=True,
    ),
    Release("repository-missing", "image_not_found", True, container=lambda platform: {"image": f"{REGISTRY}/nobody:1.0.0"}),
    Release("wrong-platform", "image_platform_mismatch", True, container=lambda platform: {"image": platform.images["other-processor"]}),
    Release("pull-denied", "registry_denied", True, top=lambda platform: {"executionRoleArn": platform.roles["blind"]}),
    Release("secret-missing", "secret_not_found", True, container=_secret("missing"), peers=True),
    Release("secret-denied", "secret_denied", True, container=_secret("locked")),
    Release("secret-json-key-missing", "secret_not_found", True, container=_secret("json", ":absent::")),
    Release("log-group-missing", "log_group_missing", True, container=_no_log_group),
    Release("entry-point-missing", "entrypoint_missing", True, container=lambda platform: {"entryPoint": ["/nothing"]}),
    Release("exec-format-error", "exec_format", True, container=lambda platform: {"image": platform.images["mislabelled"]}),
    Release(
        "crash-at-start",
        "container_exited",
        environment={"FAULT_CRASH_AT_START": "3"},
        detail={"exit_code": 3},
        by_playbook=True,
        peers=True,
    ),
    Release(
        "crash-with-breaker",
        "container_exited",
        environment={"FAULT_CRASH_AT_START": "4"},
        first=_breaker,
        detail={"exit_code": 4},
        peers=True,
    ),
    Release("out-of-memory", "out_of_memory", environment={"FAULT_MEMORY_GROWTH": "400"}),
    Release(
        "container-unhealthy",
        "container_unhealthy",
        container=lambda platform: {"healthCheck": {"command": ["CMD", "/nothing"], "interval": 5, "timeout": 2, "retries": 2}},
    ),
    Release("target-answers-503", "target_unhealthy", environment={"FAULT_NEVER_READY": "true"}, balanced=True, peers=True),
    Release("target-path-404", "target_unhealthy", service=_wrong_path, balanced=True),
    Release(
        "too-big",
        "no_capacity",
        True,
        top=lambda platform: {"memory": "131072"},
        detail={"resource": "memory", "permanent": True},
        peers=True,
    ),
    Release("missing-attribute", "no_capacity", True, top=_only_on_other_instances, detail={"permanent": True}),
    Release("dead-end", "deployment_dead_end", True, service=_no_steps),
    Release("alarm", "alarm", environment={"FAULT_SLOW_START": "60s"}, first=_alarmed, balanced=True, meanwhile=_errors_appear),
    Release("plain", None, container=lambda platform: {"image": platform.images["1.1.0"]}, balanced=True, by_playbook=True, peers=True),
    Release("slow-start-in-grace", None, environment={"FAULT_SLOW_START": "20s"}, first=_grace, balanced=True, peers=True),
    Release("forced-again", None, balanced=True, force_only=True),
    Release("scale-out", None, container=lambda platform: {"image": platform.images["1.1.0"]}, cluster="grow", first=_growing, limit=400),
)
