#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_task_run
version_added: 0.1.0
short_description: Run one Amazon ECS task to its end
description:
  - Runs a task once, for example the migrations of a database, and waits until it has ended.
  - The lines that its containers log with C(awslogs) are shown as they are written, and the last ones are returned.
  - A container that ends with another code than 0, or never runs, fails this with the reason. So does a task
    that takes too long, which is stopped.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  service:
    description:
      - The service whose network, launch type or capacity providers, and task definition are used where nothing else is given.
    type: str
  task_definition:
    description:
      - The task definition to run, as C(family:revision) or an ARN. Left out, the one that O(service) runs now.
    type: str
  containers:
    description:
      - What is different in this run, by container.
      - The exit codes of the containers that are named here decide whether the task ended well.
        With none named, those of all essential ones do.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the container.
        type: str
        required: true
      command:
        description: The command to run.
        type: list
        elements: str
      environment:
        description: Environment variables, besides those of the task definition.
        type: dict
      cpu:
        description: CPU units.
        type: int
      memory:
        description: The most memory that it may use, in MiB.
        type: int
      memory_reservation:
        description: Memory that is kept for it, in MiB.
        type: int
  cpu:
    description:
      - CPU of the whole task.
    type: str
  memory:
    description:
      - Memory of the whole task.
    type: str
  task_role_arn:
    description:
      - Another role for the containers.
    type: str
  execution_role_arn:
    description:
      - Another role with which ECS pulls the image, reads the secrets and writes the logs.
    type: str
  launch_type:
    description:
      - Where the task runs. Left out, as the service.
    type: str
    choices: [EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES]
  group:
    description:
      - The task group.
    type: str
  started_by:
    description:
      - Shown with the task, and what tasks can be listed by.
    type: str
    default: steadystate.ecs
  enable_execute_command:
    description:
      - Whether commands can be run in the task's containers with ECS Exec.
    type: bool
  enable_ecs_managed_tags:
    description:
      - Whether ECS tags the task with the name of the cluster.
    type: bool
  propagate_tags:
    description:
      - Where more tags of the task come from.
    type: str
    choices: [NONE, TASK_DEFINITION]
  tags:
    description:
      - Tags of the task.
    type: dict
    aliases: [resource_tags]
  timeout:
    description:
      - How many seconds the task may take, waiting for room included. Then it is stopped, and this fails.
    type: int
    default: 600
  log_lines:
    description:
      - How many of the last log lines are returned.
    type: int
    default: 20
seealso:
  - module: steadystate.ecs.ecs_service
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._placement
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._cluster
attributes:
  check_mode:
    support: full
    details: Runs nothing, and says what would be run.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Every run runs the task.
  action:
    support: full
"""

EXAMPLES = r"""
- name: Migrate the database with the new release, where the service runs
  steadystate.ecs.ecs_task_run:
    cluster: main
    service: api
    task_definition: "{{ registered.task_definition_arn }}"
    containers:
      - name: api
        command: [/server, migrate]
        environment:
          MIGRATE_LOCK_TIMEOUT: 10s
    timeout: 900

- name: Run a job that has no service
  steadystate.ecs.ecs_task_run:
    cluster: main
    task_definition: nightly-report
    launch_type: FARGATE
    network_configuration:
      subnets: "{{ private_subnets }}"
      security_groups: ["{{ jobs_group }}"]
"""

RETURN = r"""
task_arn:
  description: ARN of the task.
  returned: when it was started
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:task/main/0123456789abcdef0123456789abcdef
task_definition_arn:
  description: The task definition that was run, or in check mode would be.
  returned: always
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/api:13
exit_code:
  description: Exit code by container, null for one that never ran.
  returned: always
  type: dict
  sample: {"api": 0}
stopped_reason:
  description: Why the task stopped, in ECS's words.
  returned: when it has stopped
  type: str
  sample: Essential container in task exited
stop_code:
  description: The kind of that reason.
  returned: when it has stopped
  type: str
  sample: EssentialContainerExited
cause:
  description: What went wrong, in the words of M(steadystate.ecs.ecs_service_wait).
  returned: on failure
  type: str
  sample: container_exited
hint:
  description: What to do about it.
  returned: on failure
  type: str
  sample: "Read the last log lines above: the command itself failed."
timed_out:
  description: Whether it was stopped because its time was up.
  returned: always
  type: bool
  sample: false
seconds:
  description: How long it took.
  returned: always
  type: float
  sample: 12.3
log_tail:
  description: The last log lines, with the container's name before each when there are several containers.
  returned: always
  type: list
  elements: str
  sample: ["3 migrations applied"]
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_task_run import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
