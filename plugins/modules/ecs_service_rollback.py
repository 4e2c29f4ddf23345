#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_service_rollback
version_added: 0.1.0
short_description: Roll an Amazon ECS service back to its last successful revision
description:
  - Goes to the revision of the last deployment before the current one that succeeded, as ECS's own history has it,
    and never to the previous number. With O(steps) it goes further back, with O(task_definition) to a revision.
    It says what it picked and why.
  - A deployment that is still going is stopped by ECS itself, which then goes back. Otherwise the service is updated.
  - Watches the rollback to its end with the judge of M(steadystate.ecs.ecs_service_wait).
  - Everything that ECS keeps with a deployment goes back with the task definition, as far as it differs. That is the network, the load
    balancers, service registries, capacity providers, platform version, Service Connect, volumes, VPC Lattice, gateways and monitoring.
    Databases, the values of secrets, the settings of target groups and listeners, and the desired count stay as they are.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  service:
    description:
      - Name of the service.
    type: str
    required: true
  task_definition:
    description:
      - The revision to go to, as C(family:revision) or an ARN. It has to be ACTIVE.
      - The settings that come back are those that it last succeeded with, if ECS remembers that.
    type: str
  steps:
    description:
      - How many successful releases to go back, by ECS's history of this service. A revision that was deployed several times counts once.
      - Steps are counted from the newest release, whether it succeeded or not. Those that have been gone already count too,
        by ECS itself or by this module, so that a second run goes no further. V(1) when not given.
    type: int
  wait:
    description:
      - Whether to wait until the service is steady on the revision.
    type: bool
    default: true
  timeout:
    description:
      - How many seconds that may take.
    type: int
    default: 900
seealso:
  - module: steadystate.ecs.ecs_service_wait
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._cluster
attributes:
  check_mode:
    details: Names the target and changes nothing.
  idempotent:
    details: A second run finds the service where the first one led it and changes nothing.
"""

EXAMPLES = r"""
- name: Where would a rollback go?
  steadystate.ecs.ecs_service_rollback:
    service: api
    cluster: main
  check_mode: true

- name: Roll back
  steadystate.ecs.ecs_service_rollback:
    service: api
    cluster: main

- name: Go to a revision
  steadystate.ecs.ecs_service_rollback:
    service: api
    cluster: main
    task_definition: api:9

- name: Go two releases back
  steadystate.ecs.ecs_service_rollback:
    service: api
    cluster: main
    steps: 2
"""

RETURN = r"""
task_definition_arn:
  description: The task definition that the service goes to, or has when there is nothing to do.
  returned: success
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/api:12
previous_task_definition_arn:
  description: The task definition of the PRIMARY deployment before.
  returned: success
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/api:13
why:
  description: Why this one.
  returned: success
  type: str
  sample: the last deployment before the current one that succeeded, at 2026-11-21T21:40:00+00:00
restored:
  description: The settings besides the task definition that differ and go back, by the names of M(steadystate.ecs.ecs_service)'s options.
  returned: success, and failure of the rollback
  type: list
  elements: str
  sample: ["load_balancers", "network_configuration"]
deployment_id:
  description: The PRIMARY deployment after the call.
  returned: success
  type: str
  sample: ecs-svc/1234567890123456788
verdict:
  description: How the rollback ended, V(succeeded), V(failed), V(superseded) or V(timed_out). Nothing when it was not waited for.
  returned: success, and failure of the rollback
  type: str
  sample: succeeded
cause:
  description: Why the rollback failed, in the words of M(steadystate.ecs.ecs_service_wait).
  returned: failure of the rollback
  type: str
  sample: image_not_found
evidence:
  description: What ECS says about it.
  returned: failure of the rollback
  type: list
  elements: str
  sample: ["task 0f9de17a container api: CannotPullContainerError: manifest unknown"]
hint:
  description: What to do about it.
  returned: failure of the rollback
  type: str
  sample: Push the image, or correct the tag or digest in the task definition.
seconds:
  description: How long it took.
  returned: when it was waited for
  type: float
  sample: 41.0
api_calls:
  description: How many AWS calls it made.
  returned: when it was waited for
  type: int
  sample: 40
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_service_rollback import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
