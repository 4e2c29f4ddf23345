# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Where tasks run, for what starts tasks.
    DOCUMENTATION = r"""
options:
  capacity_provider_strategy:
    description:
      - The capacity providers to place tasks with. Their order means nothing.
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
        description: IDs of the subnets, in any order.
        type: list
        elements: str
        required: true
      security_groups:
        description: IDs of the security groups, in any order.
        type: list
        elements: str
      assign_public_ip:
        description: Whether tasks get a public address. Fargate only.
        type: bool
  placement_constraints:
    description:
      - Rules that a container instance has to meet. An empty list is none, and takes those of a service away.
    type: list
    elements: dict
    suboptions:
      type:
        description: The kind of rule.
        type: str
        required: true
        choices: [distinctInstance, memberOf]
      expression:
        description: The rule, in the cluster query language. For V(memberOf).
        type: str
  placement_strategy:
    description:
      - How tasks are spread over container instances. The order counts. An empty list is none, and takes those of a service away.
    type: list
    elements: dict
    suboptions:
      type:
        description: The kind of strategy.
        type: str
        required: true
        choices: [random, spread, binpack]
      field:
        description: What it goes by, for example V(attribute:ecs.availability-zone) or V(memory).
        type: str
"""
