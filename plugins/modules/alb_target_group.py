#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: alb_target_group
version_added: 0.1.0
short_description: A target group of an Application Load Balancer
description:
  - Keeps a target group, its health check, its attributes and its tags. The targets are somebody else's, mostly those of an ECS service.
  - Unlike M(community.aws.elb_target_group) it knows check mode and every attribute, such as the slow start.
  - Target type, protocol, port and VPC are for ever. When they differ, nothing is changed, and the failure says so.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  name:
    description:
      - Its name, at most 32 letters, digits and hyphens between them.
    type: str
    required: true
  state:
    description:
      - Whether it is there. One that a listener forwards to cannot be removed.
    type: str
    default: present
    choices: [present, absent]
  target_type:
    description:
      - What its targets are. Tasks with a network interface of their own are V(ip).
    type: str
    choices: [ip, instance]
    default: ip
  protocol:
    description:
      - How the load balancer talks to them.
    type: str
    choices: [HTTP, HTTPS]
    default: HTTP
  protocol_version:
    description:
      - Which version of HTTP it speaks with them.
    type: str
    choices: [HTTP1, HTTP2, GRPC]
    default: HTTP1
  port:
    description:
      - The port of targets that are registered without one. Needed to create it.
    type: int
  vpc_id:
    description:
      - The VPC of the targets. Needed to create it.
    type: str
  health_check_protocol:
    description:
      - How their health is asked for.
    type: str
    choices: [HTTP, HTTPS]
  health_check_port:
    description:
      - The port for that, or V(traffic-port).
    type: str
  health_check_path:
    description:
      - The path for that.
    type: str
  health_check_interval:
    description:
      - Seconds from one check to the next, 5 to 300.
    type: int
  health_check_timeout:
    description:
      - Seconds that an answer may take, 2 to 120.
    type: int
  health_check_codes:
    description:
      - The codes that count as healthy, for example V(200-299).
    type: str
  healthy_threshold:
    description:
      - Good checks in a row after which an unhealthy target is healthy, 2 to 10.
    type: int
  unhealthy_threshold:
    description:
      - Bad checks in a row after which a target is unhealthy, 2 to 10.
    type: int
  attributes:
    description:
      - Attributes, by the keys that the API has for them. Others stay as they are.
    type: dict
    default: {}
seealso:
  - module: steadystate.ecs.alb_listeners
  - module: community.aws.elb_target_group
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._tags
"""

EXAMPLES = r"""
- name: Where the tasks of the API register
  steadystate.ecs.alb_target_group:
    name: shop-api
    port: 8080
    vpc_id: vpc-0123456789abcdef0
    health_check_path: /health/ready
    health_check_interval: 10
    attributes:
      deregistration_delay.timeout_seconds: 30
      slow_start.duration_seconds: 60
"""

RETURN = r"""
arn:
  description: Its ARN. Empty when there is none, in check mode too.
  returned: success
  type: str
  sample: arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop-api/73e2d6bc24d8a067
label:
  description: What its metrics call it.
  returned: success
  type: str
  sample: targetgroup/shop-api/73e2d6bc24d8a067
diff:
  description: What has changed, or in check mode what would change, a line for each.
  returned: success
  type: dict
  sample: {"before": "target group shop-api health_check_path: /\n", "after": "target group shop-api health_check_path: /health/ready\n"}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.alb_target_group import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
