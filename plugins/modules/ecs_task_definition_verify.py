#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_task_definition_verify
version_added: 0.1.0
short_description: Look at what the tasks of an Amazon ECS task definition will need
description:
  - Looks, before anything is deployed, at whether images, roles, secrets, log groups and target groups are there and fit.
  - Changes nothing, starts nothing and writes nothing. What it may not look at, it calls unknown, and does not fail for it.
  - Images in Amazon ECR must be there and be built for what the tasks run on. Images in other registries are unknown.
  - The execution role and the task role must be there and trust V(ecs-tasks.amazonaws.com).
  - Every secret must be there, with the JSON key and the version asked for, and the execution role must be allowed to read it,
    as C(iam:SimulatePrincipalPolicy) says. Whether a key exists only the secret's value tells; it is read for that and shown nowhere.
  - Log groups must be there. Load balancers must send to a container and a port of the definition, from a target group of the right type.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  definition:
    description:
      - The definition, in the members of the ECS API, for example
        the RV(steadystate.ecs.ecs_task_definition_render#module:task_definition) of M(steadystate.ecs.ecs_task_definition_render).
    type: dict
  task_definition:
    description:
      - A registered definition, as C(family), C(family:revision) or an ARN.
    type: str
  cluster:
    description:
      - The cluster that the tasks will run in. With it, images are compared with the architecture of its instances.
    type: str
  service:
    description:
      - The service that the definition is for. Its load balancers are looked at. One that does not exist yet has none. Needs O(cluster).
    type: str
  fail:
    description:
      - Whether to fail when a check failed.
    type: bool
    default: true
seealso:
  - module: steadystate.ecs.ecs_task_definition_render
  - module: steadystate.ecs.ecs_task_definition
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
- name: See that the release can run
  steadystate.ecs.ecs_task_definition_verify:
    definition: "{{ rendered.task_definition }}"
    cluster: main
    service: api

- name: List what is wrong and go on
  steadystate.ecs.ecs_task_definition_verify:
    task_definition: api:12
    cluster: main
    fail: false
  register: verified
"""

RETURN = r"""
checks:
  description: Everything that was looked at.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description:
        - What was looked at, one of V(image), V(image_architecture), V(cluster_architecture), V(execution_role), V(task_role), V(secret),
          V(secret_access), V(log_group), V(load_balancer), V(target_group) and V(environment_file).
      type: str
      sample: secret_access
    subject:
      description: Which one.
      type: str
      sample: api.DATABASE_URL (arn:aws:ssm:eu-west-1:123456789012:parameter/shop/dev/database-url)
    result:
      description: V(ok), V(failed) or V(unknown).
      type: str
      sample: failed
    message:
      description: What came out.
      type: str
      sample: the policies of the execution role api-execution do not allow ssm:GetParameters on it
    fix:
      description: What to do about a failure, else empty.
      type: str
      sample: Allow ssm:GetParameters on arn:aws:ssm:eu-west-1:123456789012:parameter/shop/dev/database-url in a policy of api-execution.
failed_checks:
  description: How many failed.
  returned: always
  type: int
  sample: 1
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_task_definition_verify import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
