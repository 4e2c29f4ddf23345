#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: alb_info
version_added: 0.1.0
short_description: Where an Application Load Balancer differs from what is wanted
description:
  - Reads a load balancer by its name, and says where it differs from what is wanted. Finds target groups by their names. Changes nothing.
  - It is the quick look before M(amazon.aws.elb_application_lb), which needs a second also when there is nothing to do.
  - Whatever is left out is not compared.
  - The differences are shown as they are found.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  load_balancer:
    description:
      - The load balancer, and what it is to be like.
    type: dict
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      scheme:
        description: Whether clients come from the internet or from inside the VPC.
        type: str
        choices: [internet-facing, internal]
      ip_address_type:
        description: The kinds of addresses it has.
        type: str
        choices: [ipv4, dualstack, dualstack-without-public-ipv4]
      subnets:
        description: IDs of its subnets.
        type: list
        elements: str
      security_groups:
        description: IDs of its security groups.
        type: list
        elements: str
      attributes:
        description: Attributes, by the keys that the API has for them, for example C(idle_timeout.timeout_seconds).
        type: dict
      web_acl:
        description: Name of the AWS WAF web ACL in front of it. Empty for none.
        type: str
      tags:
        description: Tags that it is to have. Others do not count.
        type: dict
  target_groups:
    description:
      - Names of target groups to find.
    type: list
    elements: str
    default: []
  wait:
    description: Whether to wait until the load balancer is not being created any more. One that does not exist is not waited for.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 900
seealso:
  - module: steadystate.ecs.alb_listeners
  - module: steadystate.ecs.alb_target_group
  - module: steadystate.ecs.elb_attributes
  - module: amazon.aws.elb_application_lb
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.reads
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Look before doing anything
  steadystate.ecs.alb_info:
    load_balancer:
      name: shop
      attributes:
        idle_timeout.timeout_seconds: 120
    target_groups: [shop-web]
  register: found

- name: Show where it is
  ansible.builtin.debug:
    var: found.load_balancer.dns_name
"""

RETURN = r"""
load_balancer:
  description: The load balancer and its differences.
  returned: when O(load_balancer) is given
  type: dict
  contains:
    arn:
      description: Its ARN, empty when it does not exist.
      type: str
      sample: arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188
    label:
      description: What its metrics call it.
      type: str
      sample: app/shop/50dc6c495c0c9188
    dns_name:
      description: Its name in DNS.
      type: str
      sample: shop-1234567890.eu-west-1.elb.amazonaws.com
    zone_id:
      description: The hosted zone of that name, which alias records need.
      type: str
      sample: Z32O12XQLNTSW2
    state:
      description: V(provisioning), V(active), V(active_impaired), V(failed), or V(absent).
      type: str
      sample: active
    differences:
      description: Differences of its own settings and tags.
      type: list
      elements: str
      sample: ['load balancer shop subnets: ["subnet-a"] -> ["subnet-a", "subnet-b"]']
    fixed_differences:
      description: Differences of what AWS cannot change. Another load balancer is needed.
      type: list
      elements: str
      sample: ["load balancer shop scheme: internal -> internet-facing"]
    attributes:
      description: The attributes that differ, with the value they are to have.
      type: dict
      sample: {"idle_timeout.timeout_seconds": "120"}
    web_acl:
      description: Name of the web ACL in front of it. Empty when there is none, and when O(load_balancer.web_acl) was left out.
      type: str
      sample: guard
    web_acl_differs:
      description: Whether another web ACL is in front of it, or none.
      type: bool
      sample: false
target_groups:
  description: The target groups, by their names.
  returned: success
  type: dict
  contains:
    arn:
      description: Its ARN, empty when it does not exist.
      type: str
      sample: arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop-web/73e2d6bc24d8a067
    label:
      description: What its metrics call it.
      type: str
      sample: targetgroup/shop-web/73e2d6bc24d8a067
    load_balancer_arns:
      description: The load balancers that forward to it.
      type: list
      elements: str
      sample: []
differs:
  description: Whether the load balancer does.
  returned: success
  type: bool
  sample: true
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.alb_info import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
