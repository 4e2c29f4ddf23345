#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_task_definition_render
version_added: 0.1.0
short_description: Make an Amazon ECS task definition from a template and changes
description:
  - Takes a task definition from a mapping, a file, a running service or a registered revision, changes its containers by name,
    and returns the result in the form that registering takes. It registers nothing and changes nothing.
  - Refuses a definition that ECS would refuse, before anything is sent, and names every field that is wrong at once.
  - Members that it does not know are left as they are. What only a description carries, such as the revision, is dropped.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  template:
    description:
      - The definition to start from, in the members of the ECS API (C(family), C(containerDefinitions)).
      - The whole answer of C(aws ecs describe-task-definition) is taken too.
    type: dict
  template_file:
    description:
      - Path of a file with the definition to start from, as JSON or YAML. Variables in it are not filled in; for that,
        pass O(template) with the C(ansible.builtin.template) lookup.
    type: path
  service:
    description:
      - Start from what this service runs now. Needs O(cluster).
    type: str
  cluster:
    description:
      - The cluster of O(service), by name or ARN.
    type: str
  task_definition:
    description:
      - Start from this registered definition, as C(family), C(family:revision) or an ARN.
    type: str
  family:
    description:
      - The family of the result. That of the start when not given.
    type: str
  containers:
    description:
      - What to change, by container. Either a list of mappings that have a C(name) each, or a mapping from name to changes.
      - V(image), V(command), V(entry_point), V(cpu), V(memory), V(memory_reservation) and V(stop_timeout) replace what is there.
      - V(environment) and V(secrets) are mappings from name to value and are merged; a null value takes the name out.
      - V(log_configuration) has V(log_driver) and V(options). The options are merged as long as the driver stays the same.
    type: raw
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
    support: full
    details: It never changes anything.
  action:
    support: full
"""

EXAMPLES = r"""
- name: The definition for this release
  steadystate.ecs.ecs_task_definition_render:
    template_file: task-definition.json
    containers:
      - name: api
        image: "{{ pushed.image }}"
        environment:
          LOG_LEVEL: info
  register: rendered

- name: What runs now, with more memory
  steadystate.ecs.ecs_task_definition_render:
    service: api
    cluster: main
    containers:
      api:
        memory: 512
  register: rendered

- name: A template with variables
  steadystate.ecs.ecs_task_definition_render:
    template: "{{ lookup('ansible.builtin.template', 'task-definition.json.j2') | from_json }}"
"""

RETURN = r"""
task_definition:
  description: The definition, in the members of the ECS API, fit for M(steadystate.ecs.ecs_task_definition).
  returned: success
  type: dict
  sample: {"family": "api", "networkMode": "awsvpc", "containerDefinitions": [{"name": "api", "image": "registry/api:1.1.0"}]}
different:
  description: Whether the result differs from what it started from.
  returned: success
  type: bool
  sample: true
differences:
  description: Every member that differs. Values that look like secrets are masked.
  returned: success
  type: list
  elements: dict
  contains:
    container:
      description: The container, or nothing for a member of the task itself.
      type: str
      sample: api
    field:
      description: The member.
      type: str
      sample: image
    before:
      description: Its value at the start.
      type: raw
      sample: registry/api:1.0.0
    after:
      description: Its value in the result.
      type: raw
      sample: registry/api:1.1.0
source:
  description: What the result was made from.
  returned: success
  type: str
  sample: api:12
problems:
  description: What is wrong with the definition, each with field and fix.
  returned: failure, when the definition cannot be used
  type: list
  elements: str
  sample: ["containers: there is no container 'web' in the definition. There is: api."]
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_task_definition_render import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
