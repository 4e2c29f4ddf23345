#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_service_info
version_added: 0.1.0
short_description: Read how Amazon ECS services stand
description:
  - Returns the deployments, the tasks with the health of their targets, and what became of the last deployments of each service,
    as data and as a table. Changes nothing.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  services:
    description:
      - Names of the services. One that does not exist is no failure; it is named in RV(missing).
    type: list
    elements: str
    required: true
  history:
    description:
      - How many of the last deployments of each service to return. V(0) for none.
    type: int
    default: 5
seealso:
  - module: steadystate.ecs.ecs_service
  - module: steadystate.ecs.ecs_service_wait
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.reads
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._cluster
"""

EXAMPLES = r"""
- name: Read how the services stand
  steadystate.ecs.ecs_service_info:
    cluster: main
    services: [api, worker]
  register: found

- name: Show it
  ansible.builtin.debug:
    msg: "{{ item.table }}"
  loop: "{{ found.services }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
services:
  description: The services that exist, in the order asked for.
  returned: success
  type: list
  elements: dict
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
    deployments:
      description: Its deployments, the PRIMARY one among them.
      type: list
      elements: dict
      sample: [{"status": "PRIMARY", "rollout_state": "COMPLETED", "task_definition": "api:12", "running_count": 2, "desired_count": 2}]
    tasks:
      description: The tasks that should run, oldest first, with the health of their targets.
      type: list
      elements: dict
      sample: [{"task_definition": "api:12", "last_status": "RUNNING", "targets": [{"state": "healthy"}]}]
    recent:
      description:
        - The last deployments, newest first. Their C(verdict) is V(succeeded), V(rolled_back), V(failed), V(stopped), or V(going).
      type: list
      elements: dict
      sample: [{"verdict": "succeeded", "task_definition": "api:12", "seconds": 74.0}]
    table:
      description: The same for people, line by line.
      type: list
      elements: str
      sample: ["api  ACTIVE  2 of 2 running"]
missing:
  description: Names of services that do not exist.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_service_info import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
