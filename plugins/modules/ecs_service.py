#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_service
version_added: 0.1.0
short_description: Create, update or delete an Amazon ECS service
description:
  - Brings a service to what the options say. An option that is left out is left alone, on every run.
  - Returns the ID of the deployment that ECS works on afterwards, which is what M(steadystate.ecs.ecs_service_wait) judges.
  - It does not wait for the deployment. It does wait until a deleted service is gone.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  name:
    description:
      - Name of the service.
    type: str
    required: true
  cluster:
    description:
      - The cluster, by name or ARN.
    type: str
    required: true
  state:
    description:
      - V(present) creates or updates the service.
      - V(absent) scales it to zero, deletes it, and waits until its tasks have been drained and stopped.
    type: str
    choices: [present, absent]
    default: present
  task_definition:
    description:
      - The task definition to run, as C(family:revision) or an ARN. Needed to create the service.
      - When the last deployment of this very revision failed, it is started again.
    type: str
  desired_count:
    description:
      - How many tasks to run. Needed to create a service, except a V(DAEMON) one.
      - Leave it out on updates when autoscaling owns the count.
    type: int
  launch_type:
    description:
      - Where tasks run. It cannot be changed on an existing service.
    type: str
    choices: [EC2, FARGATE, EXTERNAL]
  capacity_provider_strategy:
    description:
      - The capacity providers to place tasks with.
    type: list
    elements: dict
    suboptions:
      capacity_provider:
        description: Name of the capacity provider.
        type: str
        required: true
      weight:
        description: Its share of the tasks, relative to the other providers.
        type: int
      base:
        description: How many tasks at least run on it.
        type: int
  platform_version:
    description:
      - Platform version of Fargate tasks.
    type: str
  network_configuration:
    description:
      - The network of tasks in network mode C(awsvpc).
    type: dict
    suboptions:
      subnets:
        description: IDs of the subnets.
        type: list
        elements: str
        required: true
      security_groups:
        description: IDs of the security groups.
        type: list
        elements: str
      assign_public_ip:
        description: Whether tasks get a public address. Fargate only.
        type: bool
  load_balancers:
    description:
      - The target groups that tasks are registered in. An empty list takes them all away.
    type: list
    elements: dict
    suboptions:
      target_group_arn:
        description: ARN of the target group.
        type: str
        required: true
      container_name:
        description: The container that receives the traffic.
        type: str
        required: true
      container_port:
        description: Its port.
        type: int
        required: true
  deployment_configuration:
    description:
      - How ECS replaces tasks. What is not named in it is left alone.
    type: dict
    suboptions:
      maximum_percent:
        description: How many tasks may run during a deployment, in percent of the desired count, rounded down.
        type: int
      minimum_healthy_percent:
        description: How many healthy tasks must run during a deployment, in percent of the desired count, rounded up.
        type: int
      bake_time_in_minutes:
        description: How long ECS watches the alarms after the last task was replaced. Needs a boto3 that knows it.
        type: int
      deployment_circuit_breaker:
        description: Ends a deployment whose tasks fail again and again.
        type: dict
        suboptions:
          enable:
            description: Whether it watches.
            type: bool
            required: true
          rollback:
            description: Whether ECS goes back to the last completed deployment.
            type: bool
            default: true
          reset_on_healthy_task:
            description: Whether one healthy task sets the count of failures to zero. Needs a boto3 that knows it.
            type: bool
          threshold_configuration:
            description: How many failures are too many. Needs a boto3 that knows it.
            type: dict
            suboptions:
              type:
                description: A number, or a percentage of the desired count with or without ECS's own bounds.
                type: str
                choices: [COUNT, BOUNDED_PERCENT, UNBOUNDED_PERCENT]
                required: true
              value:
                description: The number or percentage.
                type: int
                required: true
      alarms:
        description: CloudWatch alarms that end a deployment when they fire.
        type: dict
        suboptions:
          alarm_names:
            description: Names of the alarms.
            type: list
            elements: str
            required: true
          enable:
            description: Whether they are watched.
            type: bool
            default: true
          rollback:
            description: Whether ECS goes back to the last completed deployment.
            type: bool
            default: true
  health_check_grace_period_seconds:
    description:
      - For how many seconds after a task's start ECS ignores failing health checks.
    type: int
  placement_constraints:
    description:
      - Rules that a container instance has to meet.
    type: list
    elements: dict
    suboptions:
      type:
        description: The kind of rule.
        type: str
        choices: [distinctInstance, memberOf]
        required: true
      expression:
        description: The rule, in the cluster query language. For V(memberOf).
        type: str
  placement_strategy:
    description:
      - How tasks are spread over container instances.
    type: list
    elements: dict
    suboptions:
      type:
        description: The kind of strategy.
        type: str
        choices: [random, spread, binpack]
        required: true
      field:
        description: What it goes by, for example V(attribute:ecs.availability-zone) or V(memory).
        type: str
  availability_zone_rebalancing:
    description:
      - Whether ECS moves tasks to keep the zones even. V(ENABLED) needs a C(maximum_percent) above 100.
    type: str
    choices: [ENABLED, DISABLED]
  enable_execute_command:
    description:
      - Whether commands can be run in the service's containers with ECS Exec.
    type: bool
  enable_ecs_managed_tags:
    description:
      - Whether ECS tags the tasks with the names of cluster and service.
    type: bool
  propagate_tags:
    description:
      - Where the tags of tasks come from.
    type: str
    choices: [NONE, SERVICE, TASK_DEFINITION]
  scheduling_strategy:
    description:
      - V(REPLICA) keeps O(desired_count) tasks, V(DAEMON) one on each container instance. It cannot be changed on an existing service.
    type: str
    choices: [REPLICA, DAEMON]
  tags:
    description:
      - Tags of the service. Other tags are left alone unless O(purge_tags) is set.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description:
      - Whether tags that are not in O(tags) are removed. Without O(tags) it does nothing.
    type: bool
    default: false
  force_new_deployment:
    description:
      - Start a deployment although nothing differs, for example to pull a moved image tag again.
    type: bool
    default: false
  timeout:
    description:
      - How many seconds to wait for a deleted service to be gone.
    type: int
    default: 900
seealso:
  - module: steadystate.ecs.ecs_service_wait
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.actiongroup_aws
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: With O(force_new_deployment=true) every run starts a deployment.
  action:
    support: full
"""

EXAMPLES = r"""
- name: Deploy the new revision
  steadystate.ecs.ecs_service:
    name: api
    cluster: main
    task_definition: "{{ registered.task_definition_arn }}"
  register: deployed

- name: Set a service up
  steadystate.ecs.ecs_service:
    name: api
    cluster: main
    task_definition: api:1
    desired_count: 2
    capacity_provider_strategy:
      - capacity_provider: main
        weight: 1
    network_configuration:
      subnets: "{{ private_subnets }}"
      security_groups: ["{{ app_group }}"]
    load_balancers:
      - target_group_arn: "{{ target_group }}"
        container_name: api
        container_port: 8080
    deployment_configuration:
      minimum_healthy_percent: 100
      maximum_percent: 200
      deployment_circuit_breaker:
        enable: true
    health_check_grace_period_seconds: 30

- name: Delete it
  steadystate.ecs.ecs_service:
    name: api
    cluster: main
    state: absent
"""

RETURN = r"""
service:
  description: The service as ECS describes it, in snake case and without its events.
  returned: success
  type: dict
  sample: {"service_name": "api", "status": "ACTIVE", "desired_count": 2, "running_count": 2}
deployment_id:
  description: ID of the PRIMARY deployment after the call.
  returned: success
  type: str
  sample: ecs-svc/1234567890123456789
deployment_started:
  description: Whether this call started a deployment, or in check mode whether it would.
  returned: success
  type: bool
  sample: true
service_deployment_arn:
  description: ARN of the deployment's record, when ECS named it.
  returned: success
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:service-deployment/main/api/AbCdEfGhIjKlMnOpQrStU
task_definition_arn:
  description: The task definition of the PRIMARY deployment.
  returned: success
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/api:13
previous_task_definition_arn:
  description: The task definition that was deployed before, when this call started a deployment on an existing service.
  returned: success
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/api:12
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_service import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
