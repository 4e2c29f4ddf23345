#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_service_network_info
version_added: 0.1.0
short_description: Find the subnets, security groups and target group of a new Amazon ECS service
description:
  - Finds by tag and by name what a service is placed into when it is created, in the form that M(steadystate.ecs.ecs_service) takes.
  - Whatever is missing is a failure that names all of it. Changes nothing.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  subnet_tags:
    description:
      - Tags that the subnets carry, all of them. The subnets have to be in one VPC.
    type: dict
    required: true
  security_groups:
    description:
      - Names of security groups of that VPC.
    type: list
    elements: str
    required: true
  target_group:
    description:
      - Name of a target group.
    type: str
seealso:
  - module: steadystate.ecs.ecs_service
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.reads
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Find what the service is placed into
  steadystate.ecs.ecs_service_network_info:
    subnet_tags:
      environment: prod
      tier: private
    security_groups: [shop-prod-api]
    target_group: shop-prod-api
  register: found

- name: Create the service there
  steadystate.ecs.ecs_service:
    cluster: shop-prod
    name: shop-prod-api
    task_definition: shop-prod-api
    desired_count: 2
    network_configuration:
      subnets: "{{ found.subnets }}"
      security_groups: "{{ found.security_groups }}"
    load_balancers:
      - target_group_arn: "{{ found.target_group_arn }}"
        container_name: api
        container_port: 8080
"""

RETURN = r"""
vpc_id:
  description: The VPC of the subnets.
  returned: success
  type: str
  sample: vpc-0a1b2c3d4e5f60718
subnets:
  description: IDs of the subnets, sorted.
  returned: success
  type: list
  elements: str
  sample: [subnet-0a1b2c3d, subnet-4e5f6071]
security_groups:
  description: IDs of the security groups, in the order asked for.
  returned: success
  type: list
  elements: str
  sample: [sg-0a1b2c3d4e5f60718]
target_group_arn:
  description: ARN of the target group, or null when none was asked for.
  returned: success
  type: str
  sample: arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop-prod-api/0a1b2c3d4e5f6071
missing:
  description: What was not found, each with the option that asked for it.
  returned: when something is missing
  type: list
  elements: str
  sample: ["target_group: there is no target group shop-prod-api."]
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_service_network_info import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
