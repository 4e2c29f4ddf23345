#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_rollout_forecast
version_added: 0.1.0
short_description: Say what a release to an Amazon ECS service would do
description:
  - Says, before anything is changed, whether a release would arrive, in which steps, how long it takes at least, and what happens when
    it fails. Changes nothing.
  - Plays the rolling update through on what the container instances have left. CPU, memory, host ports, network interfaces, attributes
    and zones count, with the service's percentages, placement strategy and constraints. A capacity provider with managed scaling adds
    instances where room is missing.
  - Looks also at what M(steadystate.ecs.ecs_task_definition_verify) looks at.
  - What it may not read, or cannot know, it names in RV(notes), and goes on without it. Tasks on Fargate, daemons and deployments that
    another controller makes are not played through.
  - A forecast is as good as the moment. Other services may take the room, and Amazon ECS may choose other instances of equal worth.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  cluster:
    description:
      - The cluster.
    type: str
    required: true
  service:
    description:
      - The service. One that does not exist yet needs O(desired_count).
    type: str
    required: true
  definition:
    description:
      - The task definition of the release, in the members of the ECS API, for example
        the RV(steadystate.ecs.ecs_task_definition_render#module:task_definition) of M(steadystate.ecs.ecs_task_definition_render).
    type: dict
  task_definition:
    description:
      - A registered task definition in its place, as C(family), C(family:revision) or an ARN.
      - Only a registered one says by itself which attributes of an instance it needs.
    type: str
  pending_images:
    description:
      - Images that are pushed with the deploy, as the definition names them. That they are missing now is no fault.
    type: list
    elements: str
    default: []
  desired_count:
    description:
      - How many tasks the service will have. When left out, as many as it has.
    type: int
  launch_type:
    description:
      - For a service that does not exist yet, what its tasks run on.
      - When left out, they are placed by the cluster's default capacity providers, and on any instance where it has none.
    type: str
    choices: [EC2, FARGATE]
  subnets:
    description:
      - For a service that does not exist yet, the subnets of its tasks. Their zones are where instances are looked for.
    type: list
    elements: str
  deployment_configuration:
    description:
      - What the deploy will set, in place of what the service has.
    type: dict
    suboptions:
      maximum_percent:
        description:
          - The most tasks during a deployment, in per cent of the desired count.
        type: int
      minimum_healthy_percent:
        description:
          - The fewest healthy tasks during a deployment, in per cent of the desired count.
        type: int
      deployment_circuit_breaker:
        description:
          - Amazon ECS's own judgement of a deployment.
        type: dict
        suboptions:
          enable:
            description:
              - Whether it is on.
            type: bool
            required: true
          rollback:
            description:
              - Whether ECS goes back by itself.
            type: bool
            default: true
  timeout:
    description:
      - How many seconds the deploy will be given. A release that takes longer at least is a problem.
    type: int
    default: 900
  fail:
    description:
      - Whether to fail when the release would not arrive.
    type: bool
    default: true
seealso:
  - module: steadystate.ecs.ecs_task_definition_verify
  - module: steadystate.ecs.ecs_service
  - module: steadystate.ecs.ecs_service_wait
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._new_balancers
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
    details: It never changes anything.
  action:
    support: full
"""

EXAMPLES = r"""
- name: Say what the release would do
  steadystate.ecs.ecs_rollout_forecast:
    cluster: main
    service: api
    definition: "{{ rendered.task_definition }}"

- name: Would half the instances be enough for a release that stops first
  steadystate.ecs.ecs_rollout_forecast:
    cluster: main
    service: api
    task_definition: api:12
    deployment_configuration:
      minimum_healthy_percent: 50
      maximum_percent: 100
    fail: false
  register: forecast
"""

RETURN = r"""
arrives:
  description: Whether the release would arrive. Null when it cannot be told whether its tasks find room.
  returned: always
  type: bool
  sample: true
problems:
  description: What would keep it from arriving, apart from failed checks.
  returned: always
  type: list
  elements: dict
  contains:
    cause:
      description: V(no_capacity), V(deployment_dead_end) or V(timeout), the words of M(steadystate.ecs.ecs_service_wait).
      type: str
      sample: no_capacity
    evidence:
      description: What it follows from.
      type: str
      sample: a task needs 4096 CPU units, and the largest container instance offers 2048
    hint:
      description: What to do about it.
      type: str
      sample: Add instances, lower cpu or memory, or use a capacity provider with managed scaling.
    permanent:
      description: Whether it stays so when other tasks leave.
      type: bool
      sample: true
steps:
  description: The steps of the rolling update, as far as it would come.
  returned: always
  type: list
  elements: dict
  contains:
    at:
      description: Seconds after the begin at which it is likely to be taken.
      type: float
      sample: 45.0
    start:
      description: How many tasks are started.
      type: int
      sample: 2
    stop:
      description: How many old tasks are told to stop.
      type: int
      sample: 0
    'on':
      description: How many are started on which EC2 instance. An instance that a capacity provider would add is called C(new-1) and so on.
      type: dict
      sample: {i-0abc: 1, i-0def: 1}
    tasks:
      description: How many tasks of both revisions there are then, without those on their way out.
      type: int
      sample: 4
    waits_for:
      description: What it waits for, empty for the first.
      type: str
      sample: 2 tasks to be healthy
most_tasks:
  description: The most tasks of both revisions at the same time. Null when it was not played through.
  returned: always
  type: int
  sample: 4
capacity:
  description: How much room there is. Its members are null when it was not played through.
  returned: always
  type: dict
  contains:
    fits_now:
      description: How many of the new tasks find room beside all that runs.
      type: int
      sample: 2
    instances:
      description: How many container instances could take them.
      type: int
      sample: 3
    instances_to_add:
      description: How many instances a capacity provider would have to add.
      type: int
      sample: 0
seconds:
  description: How long it takes.
  returned: always
  type: dict
  contains:
    at_least:
      description:
        - The shortest that it can take, with the quickest start of a task that runs now, its health checks and bake times.
        - Null when it does not arrive.
      type: float
      sample: 20.0
    likely:
      description: The same with a middling start and a whole interval of the load balancer's check.
      type: float
      sample: 45.0
    past:
      description: How long the newest deployments that succeeded took, newest first, at most five.
      type: list
      elements: float
      sample: [41.2, 38.9]
on_failure:
  description: What happens when its tasks fail.
  returned: always
  type: dict
  contains:
    circuit_breaker:
      description: Whether the circuit breaker is on.
      type: bool
      sample: true
    rollback:
      description: Whether ECS goes back by itself.
      type: bool
      sample: true
    threshold:
      description: After how many failed tasks ECS gives up. Null without a circuit breaker.
      type: int
      sample: 3
    task_definition_arn:
      description: The revision that is put back. Null when there is none, or it is deregistered.
      type: str
      sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/api:11
    msg:
      description: The same in words.
      type: str
      sample: "ECS gives up after 3 failed tasks; api:11 is put back: the last deployment that succeeded"
checks:
  description: The RV(steadystate.ecs.ecs_task_definition_verify#module:checks) of M(steadystate.ecs.ecs_task_definition_verify).
  returned: always
  type: list
  elements: dict
  sample: [{check: image, subject: api, result: ok, message: is there, fix: ""}]
failed_checks:
  description: How many of them failed.
  returned: always
  type: int
  sample: 0
different:
  description: Whether the definition differs from the one that runs.
  returned: always
  type: bool
  sample: true
differences:
  description: Every member that differs from the definition that runs. Values that look like secrets are masked.
  returned: always
  type: list
  elements: dict
  sample: [{container: api, field: image, before: "…/api@sha256:1…", after: "…/api@sha256:2…"}]
notes:
  description: What is not known, and why.
  returned: always
  type: list
  elements: str
  sample: ["how many network interfaces the instances take: DescribeInstanceTypes was refused: UnauthorizedOperation"]
lines:
  description: The forecast for people.
  returned: always
  type: list
  elements: str
  sample: ["api: api:11 -> a new revision of api", "  it would arrive"]
msg:
  description: The same as one text.
  returned: always
  type: str
  sample: "api: api:11 -> a new revision of api\n  it would arrive"
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_rollout_forecast import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
