#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: route53_alias
version_added: 0.1.0
short_description: Alias records for a load balancer
description:
  - Keeps alias records of several names, A and where wanted AAAA, on one target. Reads first, and makes all changes of a zone together.
  - A record of a name that is no alias is never replaced unless O(overwrite) says so.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  names:
    description:
      - The names, for example V(api.example.com).
    type: list
    elements: str
    required: true
  zone:
    description:
      - Name or ID of the hosted zone that holds all of them. Left out, for each name the public zone with the longest name that ends it.
      - A private zone is used only when it is named by its ID.
    type: str
  target:
    description:
      - DNS name of the load balancer.
      - With O(state=absent), only aliases of it are removed; left out, any.
    type: str
  target_zone_id:
    description:
      - The hosted zone of the load balancer itself, as C(zone_id) of M(steadystate.ecs.alb_info).
    type: str
  ipv6:
    description:
      - Whether there are AAAA records too. Only for a load balancer that has IPv6 addresses. Without, aliases of that type are removed.
    type: bool
    default: false
  evaluate_target_health:
    description:
      - Whether Route 53 leaves the record out of its answers while no target is healthy.
    type: bool
    default: false
  overwrite:
    description:
      - Whether a record that is no alias may be replaced.
    type: bool
    default: false
seealso:
  - module: steadystate.ecs.acm_certificate
  - module: amazon.aws.route53
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._state
"""

EXAMPLES = r"""
- name: Two names for the load balancer
  steadystate.ecs.route53_alias:
    names: [example.com, api.example.com]
    target: "{{ found.load_balancer.dns_name }}"
    target_zone_id: "{{ found.load_balancer.zone_id }}"
"""

RETURN = r"""
names:
  description: The names, as they are in DNS.
  returned: success
  type: list
  elements: str
  sample: [example.com, api.example.com]
diff:
  description: What has changed, or in check mode what would change, a line for each.
  returned: success
  type: dict
  sample: {"before": "", "after": "example.com. A alias shop-1234.eu-west-1.elb.amazonaws.com. in Z32O12XQLNTSW2\n"}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.route53_alias import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
