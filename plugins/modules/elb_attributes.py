#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elb_attributes
version_added: 0.1.0
short_description: Attributes of load balancers, target groups and listeners
description:
  - Sets any attribute that Elastic Load Balancing has, also those that M(amazon.aws.elb_application_lb) and
    M(community.aws.elb_target_group) do not know, such as the slow start of a target group.
  - Attributes that are not named stay as they are.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  arn:
    description:
      - ARN of a load balancer, a target group or a listener.
    type: str
    required: true
  attributes:
    description:
      - The attributes by their keys, for example C(slow_start.duration_seconds).
    type: dict
    required: true
seealso:
  - module: steadystate.ecs.alb_info
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Let new targets take up their load slowly
  steadystate.ecs.elb_attributes:
    arn: "{{ found.target_groups['shop-web'].arn }}"
    attributes:
      slow_start.duration_seconds: 60
"""

RETURN = r"""
attributes:
  description: All attributes as they are now, or in check mode would be.
  returned: success
  type: dict
  sample: {"slow_start.duration_seconds": "60"}
diff:
  description: What has changed, or in check mode what would change, a line for each.
  returned: success
  type: dict
  sample: {"before": "targetgroup slow_start.duration_seconds: 0\n", "after": "targetgroup slow_start.duration_seconds: 60\n"}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.elb_attributes import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
