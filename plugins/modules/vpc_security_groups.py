#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vpc_security_groups
version_added: 0.1.0
short_description: Security groups of a VPC with exactly the rules that are wanted
description:
  - Makes groups, and gives them the rules named, and no others. Groups may name each other, whichever is made first.
  - All groups are read with one call, where M(amazon.aws.ec2_security_group) takes about a second for each.
  - New rules come before old ones go, so that a change cuts nothing off that both let through.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  vpc_id:
    description:
      - The VPC that the groups are in.
    type: str
    required: true
  groups:
    description:
      - The groups. Others in the VPC stay as they are.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the group.
        type: str
        required: true
      description:
        description:
          - What the group is for. It cannot be changed later; a warning says when it differs.
        type: str
        required: true
      ingress:
        description:
          - Who may come in. Without a rule, nobody.
        type: list
        elements: dict
        default: []
        suboptions:
          protocol:
            description:
              - The protocol. V(all) is every one, and takes no ports.
            type: str
            choices: [tcp, udp, all]
            default: tcp
          ports:
            description:
              - Ports, or ranges such as V(8000-8099).
            type: list
            elements: str
            default: []
          cidrs:
            description:
              - Ranges of addresses, of IPv4 or IPv6.
            type: list
            elements: str
            default: []
          groups:
            description:
              - Other security groups, by name in the same VPC, or by ID.
            type: list
            elements: str
            default: []
          prefix_lists:
            description:
              - IDs of prefix lists, for example that of the S3 endpoint.
            type: list
            elements: str
            default: []
          description:
            description:
              - What the rule is for.
            type: str
            default: ""
      egress:
        description:
          - Where it may go out to. Without a rule, nowhere.
        type: list
        elements: dict
        default: []
        suboptions:
          protocol:
            description:
              - The protocol. V(all) is every one, and takes no ports.
            type: str
            choices: [tcp, udp, all]
            default: tcp
          ports:
            description:
              - Ports, or ranges such as V(8000-8099).
            type: list
            elements: str
            default: []
          cidrs:
            description:
              - Ranges of addresses, of IPv4 or IPv6.
            type: list
            elements: str
            default: []
          groups:
            description:
              - Other security groups, by name in the same VPC, or by ID.
            type: list
            elements: str
            default: []
          prefix_lists:
            description:
              - IDs of prefix lists, for example that of the S3 endpoint.
            type: list
            elements: str
            default: []
          description:
            description:
              - What the rule is for.
            type: str
            default: ""
  tags:
    description:
      - Tags for each group, besides its name. Other tags stay as they are.
    type: dict
    default: {}
seealso:
  - module: amazon.aws.ec2_security_group
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: The load balancer reaches the tasks, and nobody else does
  steadystate.ecs.vpc_security_groups:
    vpc_id: vpc-0123456789abcdef0
    groups:
      - name: shop-alb
        description: Who may reach the load balancer
        ingress:
          - {ports: [443], cidrs: [0.0.0.0/0]}
        egress:
          - {ports: [8080], groups: [shop-api]}
      - name: shop-api
        description: Tasks
        ingress:
          - {ports: [8080], groups: [shop-alb]}
        egress:
          - {ports: [443], cidrs: [0.0.0.0/0]}
"""

RETURN = r"""
differences:
  description: What was otherwise than wanted, by group, with the rules that went and those that came.
  returned: always
  type: list
  elements: dict
  sample: [{part: shop-api ingress, before: [tcp 22 0.0.0.0/0], after: [tcp 8080 sg-0123456789abcdef0]}]
group_ids:
  description: IDs of the groups, by name. Null in check mode for one that is not there yet.
  returned: always
  type: dict
  sample: {shop-alb: sg-0123456789abcdef0}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.vpc_security_groups import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
