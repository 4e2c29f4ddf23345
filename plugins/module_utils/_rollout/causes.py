# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fixed words for why a rollout does not get there, each with what to do about it."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, field


class Weight(enum.Enum):
    """How much one finding says about the rollout."""

    HOPELESS = "hopeless"
    """The same input gives the same result: trying again is of no use."""
    REPEATED = "repeated"
    """Chance until it has happened to several tasks."""
    TRANSIENT = "transient"
    """Passes by itself, or may: waited out, and named while it lasts."""


@dataclass(frozen=True)
class Finding:
    """One thing seen that speaks against the rollout, with the words of ECS as evidence."""

    cause: str
    weight: Weight
    evidence: str
    task: str | None = None
    container: str | None = None
    detail: dict[str, t.Any] = field(default_factory=dict)


HINTS: dict[str, str] = {
    "image_not_found": "Push the image, or correct the tag or digest in the task definition. Check that the repository exists in this "
    "region and account.",
    "image_platform_mismatch": "The image has no variant for the processor of the container instances. Build it for their platform, "
    "or as a multi-platform image.",
    "registry_denied": "Let the execution role (or the instance role) pull: ecr:GetAuthorizationToken, ecr:BatchGetImage, "
    "ecr:GetDownloadUrlForLayer, and check the repository's policy.",
    "registry_unreachable": "The container instance cannot reach AWS or the registry. Check the routes of its subnet: a NAT "
    "gateway, or the VPC endpoints of ECR, S3 and what holds the secrets, and their security groups.",
    "registry_rate_limited": "The registry limits pulls. Pull through an ECR pull-through cache, or log in to the registry.",
    "secret_not_found": "Create the parameter, the secret or its JSON key, or correct valueFrom in the task definition's secrets.",
    "secret_denied": "Let the execution role read it: ssm:GetParameters or secretsmanager:GetSecretValue, and kms:Decrypt for a key of "
    "your own.",
    "role_unusable": "Check that the role exists, that its trust policy lets ecs-tasks.amazonaws.com assume it (ecs.amazonaws.com for the "
    "role of the service itself), and that it may do what is named above.",
    "log_group_missing": "Create the log group that the task definition's awslogs-group names, or set awslogs-create-group to true.",
    "logs_denied": "Let the execution role write logs: logs:CreateLogStream and logs:PutLogEvents.",
    "entrypoint_missing": "The command or entry point is not in the image, or may not be executed. Check command, entryPoint and "
    "the file's mode.",
    "exec_format": "The program is built for another processor than that of the container instance. Build the image for their platform.",
    "container_exited": "Read the container's last log lines above; the program ends by itself soon after its start.",
    "out_of_memory": "The container needs more memory than it may use. Raise memory in the task definition, or find what uses it.",
    "container_unhealthy": "The container's own health check fails. Run its command inside the container, and check interval, retries and "
    "startPeriod.",
    "target_unhealthy": "The load balancer's health check fails. Check its path, port and expected codes, the security group "
    "between the two, and health_check_grace_period_seconds for a slow start.",
    "target_group_missing": "The target group of the service is gone. Create it again, or give the service another one with "
    "load_balancers.",
    "no_capacity": "No container instance has room for the task. Add instances, lower cpu or memory, or use a capacity provider "
    "with managed scaling.",
    "deployment_dead_end": "With these percentages ECS may neither start a new task nor stop an old one. Raise maximum_percent or lower "
    "minimum_healthy_percent.",
    "alarm": "A CloudWatch alarm of the deployment fired. Look at its metric over the time of the rollout.",
    "circuit_breaker": "Tasks failed one after another until ECS gave up. Look at the service's events and stopped tasks.",
    "lifecycle_hook": "A lifecycle hook of the deployment failed. Look at the hook's own log.",
    "task_failed_to_start": "ECS could not start the task. The text above is all that it says.",
    "superseded": "Another deployment took over. See who else deploys this service: a pipeline, a person or infrastructure as code.",
    "stopped": "Somebody stopped this deployment. See who else works on this service.",
    "service_gone": "The service was deleted while it was deploying.",
    "throttled": "AWS limits the calls of this account. Wait, or ask for a higher limit.",
    "aws_unreachable": "AWS could not be asked. Check the network of the machine that runs Ansible, its proxy and endpoint_url, and the "
    "health of AWS in this region.",
    "timeout": "The rollout was still going when the time was up. Raise timeout if it only needs longer.",
}


def hint(cause: str) -> str:
    return HINTS[cause]
