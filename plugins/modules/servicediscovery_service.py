#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: servicediscovery_service
version_added: 0.1.0
short_description: A private DNS namespace, and a service in it, of AWS Cloud Map
description:
  - Keeps a namespace that resolves inside a VPC, and with O(name) a service in it. ECS registers the tasks of a service there when its
    C(service_registries) names it.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  namespace:
    description:
      - Name of the namespace, for example V(shop-dev.internal). It is found again by this name.
    type: str
    required: true
  vpc_id:
    description:
      - The VPC that resolves it. Needed when it has to be created.
    type: str
  name:
    description:
      - Name of the service in it. Left out, this is about the namespace alone.
    type: str
  record_type:
    description:
      - The kind of record for each task. V(SRV) for tasks in the bridge or host network mode.
    type: str
    choices: [A, AAAA, SRV]
    default: A
  ttl:
    description:
      - For how many seconds a resolver may keep an answer.
    type: int
    default: 10
  state:
    description:
      - Whether it is there. A namespace with services in it cannot be removed, nor a service with tasks.
    type: str
    default: present
    choices: [present, absent]
  timeout:
    description:
      - How many seconds an operation of Cloud Map may take.
    type: int
    default: 300
seealso:
  - module: steadystate.ecs.ecs_service
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._tags
"""

EXAMPLES = r"""
- name: Let others in the VPC find the tasks as api.shop-dev.internal
  steadystate.ecs.servicediscovery_service:
    namespace: shop-dev.internal
    vpc_id: vpc-0123456789abcdef0
    name: api
  register: discovery

- name: Show what goes into the service_registries of the ECS service
  ansible.builtin.debug:
    var: discovery.arn
"""

RETURN = r"""
arn:
  description: ARN of the service, for C(registry_arn). Empty when there is none, in check mode too.
  returned: success
  type: str
  sample: arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-utcrh6wavdkggqtk
service_id:
  description: ID of the service.
  returned: success
  type: str
  sample: srv-utcrh6wavdkggqtk
namespace_id:
  description: ID of the namespace.
  returned: success
  type: str
  sample: ns-e4anhexample0004
diff:
  description: What has changed, or in check mode what would change, a line for each.
  returned: success
  type: dict
  sample: {"before": "", "after": "service api in shop-dev.internal\n"}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.servicediscovery_service import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
