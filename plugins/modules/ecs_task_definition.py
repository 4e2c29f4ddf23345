#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_task_definition
version_added: 0.1.0
short_description: Register an Amazon ECS task definition when it differs
description:
  - Registers a new revision only when the definition differs from the newest active revision of its family.
  - What ECS fills in by itself, and the order of what has no order, is no difference.
  - Can deregister old revisions that nothing uses.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  definition:
    description:
      - The definition, in the members of the ECS API, for example the RV(steadystate.ecs.ecs_task_definition_render#module:task_definition)
        of M(steadystate.ecs.ecs_task_definition_render).
      - Tags are compared only when it has some.
    type: dict
    required: true
  tags:
    description:
      - Tags of the definition, in place of those in O(definition). An empty mapping has it registered without any.
    type: dict
  keep:
    description:
      - How many of the newest active revisions to keep. Older ones are deregistered, but for those that anything uses.
      - A revision is in use when a service of the region runs it, was deployed with it successfully as far as ECS remembers, a task runs
        it, or an EventBridge rule or schedule starts it. When not all of that can be seen, nothing is deregistered, and a warning says
        what was refused.
      - What other services start by themselves, such as AWS Step Functions, is not seen.
      - All stay when not given.
    type: int
  allow_plain:
    description:
      - Names of environment variables that look like secrets, by name or by value, and may stay in the environment.
      - Any other that looks like one is refused.
    type: list
    elements: str
seealso:
  - module: steadystate.ecs.ecs_task_definition_render
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Register what was rendered
  steadystate.ecs.ecs_task_definition:
    definition: "{{ rendered.task_definition }}"
  register: registered

- name: Register it and keep the ten newest
  steadystate.ecs.ecs_task_definition:
    definition: "{{ rendered.task_definition }}"
    keep: 10
"""

RETURN = r"""
task_definition_arn:
  description: ARN of the revision. Nothing in check mode when one would be registered, as ECS gives the number.
  returned: success
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/api:13
family:
  description: The family.
  returned: success
  type: str
  sample: api
revision:
  description: The revision. Nothing in check mode when one would be registered.
  returned: success
  type: int
  sample: 13
task_definition:
  description: The definition, in the members of the ECS API.
  returned: success
  type: dict
  sample: {"family": "api", "containerDefinitions": [{"name": "api", "image": "registry/api:1.1.0"}]}
differences:
  description: Every member that differs from the newest active revision. Values that look like secrets are masked.
  returned: success
  type: list
  elements: dict
  sample: [{"container": "api", "field": "image", "before": "registry/api:1.0.0", "after": "registry/api:1.1.0"}]
pruned:
  description: The revisions that were deregistered, or would be in check mode.
  returned: success, with O(keep)
  type: list
  elements: str
  sample: ["api:1", "api:2"]
kept:
  description: Old revisions that stay because something uses them.
  returned: success, with O(keep)
  type: list
  elements: dict
  contains:
    revision:
      description: The revision.
      type: str
      sample: api:3
    why:
      description: What uses it.
      type: str
      sample: service api of cluster main was deployed with it and may go back to it
problems:
  description: What is wrong with the definition, each with field and fix.
  returned: failure, when the definition cannot be used
  type: list
  elements: str
  sample: ["container api: image: missing."]
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_task_definition import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
