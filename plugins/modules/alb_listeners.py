#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: alb_listeners
version_added: 0.1.0
short_description: Listeners of an Application Load Balancer, and their rules
description:
  - Makes the listeners and rules that are missing, changes those that differ, and removes all others.
  - Unlike M(amazon.aws.elb_application_lb) it gives rules to a new listener at once, sees that a condition was taken away from a rule,
    compares weights, and opens a new port before requests are sent to it.
  - What Elastic Load Balancing fills in by itself is no difference, and neither is an order that it gives.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  load_balancer:
    description:
      - Name of the load balancer.
    type: str
    required: true
  listeners:
    description:
      - The listeners as the API has them, with C(Port), C(Protocol), C(SslPolicy), C(Certificates) and C(DefaultActions), and with
        C(Rules), each with C(Priority), C(Conditions) and C(Actions).
      - In a forward action a target group may be given by its name, as C(TargetGroupName).
      - C(Certificates) has one entry, which is shown to whoever asks for no name or for one that has no certificate of its own.
        C(ExtraCertificates) is a list of the ARNs of others, of which each client gets the one for the name that it asks for (SNI).
        Left out, those that others have added stay; an empty list removes them.
      - An empty list removes all listeners.
    type: list
    elements: dict
    required: true
  tags:
    description:
      - Tags for the listeners and rules that it makes.
    type: dict
    default: {}
seealso:
  - module: steadystate.ecs.alb_info
  - module: amazon.aws.elb_application_lb
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: The API, and everything else to the website
  steadystate.ecs.alb_listeners:
    load_balancer: shop
    listeners:
      - Port: 443
        Protocol: HTTPS
        SslPolicy: ELBSecurityPolicy-TLS13-1-2-2021-06
        Certificates:
          - CertificateArn: "{{ certificate.arn }}"
        ExtraCertificates: ["{{ certificate_of_a_customer.arn }}"]
        DefaultActions:
          - Type: forward
            TargetGroupName: shop-web
        Rules:
          - Priority: 10
            Conditions:
              - Field: path-pattern
                PathPatternConfig:
                  Values: ["/api/*"]
            Actions:
              - Type: forward
                TargetGroupName: shop-api
"""

RETURN = r"""
ports:
  description: The ports that are listened on, or in check mode would be.
  returned: success
  type: list
  elements: int
  sample: [443]
diff:
  description: What has changed, or in check mode what would change, a line for each.
  returned: success
  type: dict
  sample: {"before": "listener 443 certificate: arn:...1\n", "after": "listener 443 certificate: arn:...2\n"}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.alb_listeners import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
