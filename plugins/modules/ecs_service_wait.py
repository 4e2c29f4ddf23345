#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_service_wait
version_added: 0.1.0
short_description: Wait for a deployment of an Amazon ECS service and explain its failure
description:
  - Judges one deployment by its ID. It has succeeded when it is the service's PRIMARY deployment, ECS calls it COMPLETED and
    it carries the right task definition. A deployment that was rolled back is a failure, however steady the service looks.
  - Names a cause as soon as the evidence is there, from stopped tasks, containers, target health and events,
    and does not wait for a circuit breaker when trying again is of no use.
  - On such a failure it has ECS roll the service back, watches that to its end, and then fails with one report.
  - Prints what changes as it happens, when the task is for the local host.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  service:
    description:
      - Name of the service. One of O(service) and O(services) is needed.
    type: str
  services:
    description:
      - Several services of the cluster, watched at the same time and each judged by itself. The task ends when the last one is decided,
        and fails when one of them failed.
      - They are read ten at a time, so that many services need few calls.
      - Each is returned in RV(services), and RV(verdict) is V(succeeded) only when all succeeded.
    type: list
    elements: dict
    suboptions:
      service:
        description: Name of the service.
        type: str
        required: true
      deployment_id:
        description: As O(deployment_id), for this service.
        type: str
      task_definition:
        description: As O(task_definition), for this service.
        type: str
  deployment_id:
    description:
      - The deployment to wait for, RV(steadystate.ecs.ecs_service#module:deployment_id) of M(steadystate.ecs.ecs_service).
        The PRIMARY one when not given.
    type: str
  task_definition:
    description:
      - The task definition that the deployment has to carry, as C(family:revision) or an ARN.
    type: str
  timeout:
    description:
      - How many seconds the deployment may take. A rollback may take as long again.
    type: int
    default: 900
  on_failure:
    description:
      - V(rollback) puts the last successful revision back. V(report) leaves the service as it is.
      - Either way, the task fails. A rollback that ECS has begun by itself is watched to its end in both cases.
    type: str
    choices: [rollback, report]
    default: rollback
  log_lines:
    description:
      - How many of the failed container's last log lines to report, when it logs with C(awslogs). V(0) for none.
    type: int
    default: 20
  budgets:
    description:
      - After how many failed tasks a cause that may be chance counts as the release's fault, for each such cause.
        Two more are needed while other tasks of the same revision are well.
      - Causes that are certain from one look, such as V(image_not_found), have no budget.
    type: dict
    suboptions:
      container_exited:
        description: Tasks whose container ended with the same exit code, one of them begun after another had failed. V(2) when not given.
        type: int
      out_of_memory:
        description: Tasks whose container was killed for its use of memory. V(2) when not given.
        type: int
      container_unhealthy:
        description: Tasks that failed the health check of a container. V(2) when not given.
        type: int
      target_unhealthy:
        description: Tasks that failed the health check of the load balancer. V(2) when not given.
        type: int
      task_failed_to_start:
        description: Tasks that ECS could not start for a reason that has no name of its own. V(2) when not given.
        type: int
      registry_unreachable:
        description: Tasks whose instance could not reach AWS or the registry. V(3) when not given.
        type: int
  probe_url:
    description:
      - A URL of the service to ask all the while, from where the task runs, to see the rollout as a user does.
      - An answer with a status from 200 to 299 counts; redirects are not followed. Failed requests change no verdict.
    type: str
  probe_interval:
    description:
      - Seconds between two requests, 0.05 to 60.
    type: float
    default: 0.5
  probe_version_key:
    description:
      - Key of the answer's JSON that says which version answered. Dots lead deeper, as in C(build.version).
    type: str
    default: version
seealso:
  - module: steadystate.ecs.rollout_report
  - module: steadystate.ecs.ecs_service
  - module: steadystate.ecs.ecs_service_rollback
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._cluster
attributes:
  check_mode:
    support: full
    details: Looks once and says how it stands.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: A deployment that has succeeded is found succeeded again.
  action:
    support: full
"""

EXAMPLES = r"""
- name: Wait for the deployment
  steadystate.ecs.ecs_service_wait:
    service: api
    cluster: main
    deployment_id: "{{ deployed.deployment_id }}"
    task_definition: "{{ registered.task_definition_arn }}"
    timeout: 600

- name: Wait for several services at the same time
  steadystate.ecs.ecs_service_wait:
    cluster: main
    services:
      - service: api
        deployment_id: "{{ api_deployed.deployment_id }}"
      - service: worker
        deployment_id: "{{ worker_deployed.deployment_id }}"
"""

RETURN = r"""
services:
  description: Of each service, its C(name), whether it C(failed), and what is returned for a single one.
  returned: when O(services) is given
  type: list
  elements: dict
  sample: [{"name": "api", "failed": false, "verdict": "succeeded", "cause": null}]
verdict:
  description:
    - How it ended, one of V(succeeded), V(failed), V(rolled_back), V(superseded) and V(timed_out).
    - V(timed_out) with the cause V(aws_unreachable) or V(throttled) means that AWS gave no answer at the end. Then nobody knows how the
      deployment stands, and nothing is put back.
    - Nothing in check mode while the deployment is still going.
  returned: always, once the service was found
  type: str
  sample: rolled_back
cause:
  description: Why, in one of the fixed words, for example V(image_not_found) or V(target_unhealthy). Nothing on success.
  returned: always, once the service was found
  type: str
  sample: container_exited
evidence:
  description: What ECS and the load balancer say about it.
  returned: always, except in check mode
  type: list
  elements: str
  sample: ["task 0f9de17a container api: Essential container in task exited (exit code 1)"]
detail:
  description:
    - Numbers behind the cause, such as C(exit_code), C(signal) or the C(resource) that is short, with C(permanent) when no
      instance of the cluster will ever have it.
  returned: always, except in check mode
  type: dict
  sample: {"exit_code": 1}
hint:
  description: What to do about it.
  returned: always, except in check mode
  type: str
  sample: Read the container's last log lines above; the program ends by itself soon after its start.
failed_task:
  description: ID of the task that showed the cause.
  returned: always, except in check mode
  type: str
  sample: 0f9de17a6c5c4a8d9a0f5b3b7e2f9c11
failed_container:
  description: Its container that failed.
  returned: always, except in check mode
  type: str
  sample: api
log_tail:
  description: The last lines that it logged.
  returned: always, except in check mode
  type: list
  elements: str
  sample: ["panic: DATABASE_URL is not set"]
deployment_id:
  description: The deployment that was judged.
  returned: always, once the service was found
  type: str
  sample: ecs-svc/1234567890123456789
task_definition_arn:
  description: Its task definition.
  returned: always, once the service was found
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/api:13
service_deployment_arn:
  description: ARN of its record, when ECS named it.
  returned: always, except in check mode
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:service-deployment/main/api/AbCdEfGhIjKlMnOpQrStU
rolled_back_to:
  description: The task definition that was put back and is steady.
  returned: always, except in check mode
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/api:12
rollback:
  description: How putting back went, when it was tried.
  returned: always, except in check mode
  type: dict
  contains:
    task_definition_arn:
      description: Where it went. Nothing when there was nowhere to go.
      type: str
      sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/api:12
    deployment_id:
      description: The deployment of it.
      type: str
      sample: ecs-svc/1234567890123456788
    steady:
      description: Whether it arrived.
      type: bool
      sample: true
    msg:
      description: The same in words.
      type: str
      sample: api:12 is back and steady, after 31 s.
seconds:
  description: How long all of it took, a rollback included.
  returned: always, except in check mode
  type: float
  sample: 71.4
seconds_to_verdict:
  description: How long it took until the deployment was decided.
  returned: always, except in check mode
  type: float
  sample: 40.2
began_at:
  description: When the watch began, as ISO 8601 in UTC.
  returned: always, except in check mode
  type: str
  sample: "2026-11-21T22:00:00+00:00"
decided_at:
  description: When the deployment was decided.
  returned: always, except in check mode
  type: str
  sample: "2026-11-21T22:00:40+00:00"
ended_at:
  description: When the watch ended, that of a rollback included.
  returned: always, except in check mode
  type: str
  sample: "2026-11-21T22:01:11+00:00"
probe:
  description: What the prober saw. Nothing without O(probe_url).
  returned: always, except in check mode
  type: dict
  contains:
    url:
      description: The URL that was asked.
      type: str
      sample: https://api.example.com/health/ready
    interval:
      description: Seconds between two requests.
      type: float
      sample: 0.5
    version_key:
      description: The key that says the version.
      type: str
      sample: version
    requests:
      description: How many requests were made.
      type: int
      sample: 142
    failed:
      description: How many of them had no answer, or one with another status than 200 to 299.
      type: int
      sample: 0
    failures:
      description: How many failed for each reason.
      type: dict
      sample: {"HTTP 503": 2}
    versions:
      description: How many answers came from each version, in the order in which they were first seen. V(unknown) for one that did not say.
      type: dict
      sample: {"1.0.0": 71, "1.1.0": 71}
    mixed_from:
      description: When more than one version began to answer. Nothing when they never did side by side.
      type: str
      sample: "2026-11-21T22:00:20+00:00"
    mixed_to:
      description: When only one was left.
      type: str
      sample: "2026-11-21T22:00:32+00:00"
    mixed_seconds:
      description: How long that was.
      type: float
      sample: 12.1
    longest_gap_seconds:
      description: The longest time in which nothing was answered, from the first answer on. Nothing when none ever came.
      type: float
      sample: 0.52
    latency_ms:
      description: Milliseconds until an answer was there, V(p50), V(p95) and V(max). Nothing when none ever came.
      type: dict
      sample: {"p50": 4.1, "p95": 9.8, "max": 31.0}
    series:
      description: The answers by stretches of time, oldest first. A stretch in which only one version answered is one entry.
      type: list
      elements: dict
      sample: [{"from": "2026-11-21T22:00:00+00:00", "to": "2026-11-21T22:00:20+00:00", "versions": {"1.0.0": 41}, "failed": 0}]
timeline:
  description: When each task was made, ran, was healthy, was told to stop and was gone, and the service's events.
  returned: always, except in check mode
  type: dict
  contains:
    tasks:
      description: One entry for each task of the service, of every revision, with its times, its last status and how its containers ended.
      type: list
      elements: dict
      sample: [{"task": "0f9de17a6c5c4a8d9a0f5b3b7e2f9c11", "task_definition": "api:13", "started_at": "2026-11-21T22:00:04+00:00"}]
    events:
      description: The service's events since the deployment began, oldest first.
      type: list
      elements: dict
      sample: [{"at": "2026-11-21T22:00:40+00:00", "message": "(service api) has reached a steady state."}]
api_calls:
  description: How many AWS calls it made.
  returned: always, once the service was found
  type: int
  sample: 61
api_calls_by_operation:
  description: The same by operation.
  returned: always, except in check mode
  type: dict
  sample: {"describe_services": 30}
throttled_calls:
  description: How many looks were put off because AWS limited the calls.
  returned: always, except in check mode
  type: int
  sample: 0
service:
  description: The service's counts at the end.
  returned: always, once the service was found
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: api
    status:
      description: Its status.
      type: str
      sample: ACTIVE
    desired_count:
      description: How many tasks should run.
      type: int
      sample: 2
    running_count:
      description: How many run.
      type: int
      sample: 2
    pending_count:
      description: How many are starting.
      type: int
      sample: 0
    task_definition_arn:
      description: What it runs, by its PRIMARY deployment.
      type: str
      sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/api:12
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_service_wait import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
