#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_capacity_provider
version_added: 0.1.0
short_description: Let Amazon ECS manage the size of an Auto Scaling group
description:
  - Makes, changes or removes the capacity provider of an Auto Scaling group, and its place in a cluster.
  - ECS then starts instances when tasks find no room, takes away those that are not needed, and moves tasks before an instance goes.
  - The cluster's other capacity providers and their parts in its default strategy stay as they are.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  name:
    description:
      - Name of the capacity provider. It must not begin with C(aws), C(ecs) or C(fargate).
    type: str
    required: true
  state:
    description:
      - "V(present) makes or changes it. V(absent) takes it out of O(cluster), if that is given, and removes it."
      - ECS refuses to take away what a service still uses.
    type: str
    choices: [present, absent]
    default: present
  auto_scaling_group:
    description:
      - Name or ARN of the group. Needed for V(present). It cannot be changed later.
    type: str
  managed_scaling:
    description:
      - Whether ECS manages the size of the group.
    type: bool
    default: true
  target_capacity:
    description:
      - How much of the group is to be in use, in percent. Below 100, room for tasks is kept free.
    type: int
    default: 100
  minimum_scaling_step:
    description:
      - The fewest instances that are added at once.
    type: int
    default: 1
  maximum_scaling_step:
    description:
      - The most instances that are added or taken away at once.
    type: int
    default: 10000
  instance_warmup:
    description:
      - For how many seconds a new instance does not count for further scaling out.
    type: int
    default: 300
  managed_termination_protection:
    description:
      - Whether instances that run tasks are kept from being taken away when the group shrinks.
      - The group must protect new instances from scale-in, as O(steadystate.ecs.ecs_instance_group#module:protect_from_scale_in) does.
    type: bool
    default: true
  managed_draining:
    description:
      - Whether tasks are moved before an instance is terminated, for whatever reason.
    type: bool
    default: true
  cluster:
    description:
      - The cluster that is to have it.
    type: str
  weight:
    description:
      - Its part in the cluster's default strategy, relative to the weights of others. Left out, the strategy stays as it is.
    type: int
  base:
    description:
      - How many tasks of a service it runs at least, before weights count. Only together with O(weight).
    type: int
    default: 0
  tags:
    description:
      - All the tags of the capacity provider. Left out, they stay as they are.
    type: dict
seealso:
  - module: steadystate.ecs.ecs_instance_group
  - module: steadystate.ecs.ecs_cluster
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Let ECS manage the group
  steadystate.ecs.ecs_capacity_provider:
    name: shop-prod
    auto_scaling_group: shop-prod
    cluster: shop-prod
    weight: 1

- name: Remove it
  steadystate.ecs.ecs_capacity_provider:
    name: shop-prod
    cluster: shop-prod
    state: absent
"""

RETURN = r"""
differences:
  description: What was otherwise than wanted, a member each.
  returned: always
  type: list
  elements: dict
  sample: [{field: managed_draining, before: DISABLED, after: ENABLED}]
capacity_provider:
  description: The capacity provider as ECS describes it. Null when there is none.
  returned: always
  type: dict
  sample:
    name: shop-prod
    status: ACTIVE
    auto_scaling_group_provider:
      managed_termination_protection: ENABLED
      managed_draining: ENABLED
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_capacity_provider import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
