#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: environment_teardown
version_added: 0.1.0
short_description: Remove an environment and all that it consists of
description:
  - Removes everything that carries the tags C(project), C(environment) and C(managed-by=steadystate.ecs) of one environment,
    in the order in which AWS lets it go. What takes minutes is asked to go at once, and waited for together.
  - Clears what would hold it back, such as the scale-in protection of instances and the deletion protection of a load balancer.
  - Nothing else is touched, whatever it is called. Dashboards, which take no tags, go by the environment's exact name.
  - A run that was stopped is finished by the next one; when nothing is left, nothing is changed.
  - Images, logs, parameters and secrets stay, unless O(remove_data) says otherwise. So do task definitions, and the OIDC provider of
    a CI system, which an account has once for all environments.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  project:
    description:
      - The tag C(project) of what is to go.
    type: str
    required: true
  environment:
    description:
      - The tag C(environment) of what is to go.
    type: str
    required: true
  remove_data:
    description:
      - Whether image repositories with all their images, log groups, parameters and secrets go as well.
      - Secrets Manager keeps a deleted secret for another 7 days.
    type: bool
    default: false
  timeout:
    description:
      - How many seconds all of it may take.
    type: int
    default: 1800
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
attributes:
  check_mode:
    details: Says what would go, and removes nothing.
"""

EXAMPLES = r"""
- name: See what an environment consists of
  steadystate.ecs.environment_teardown:
    project: shop
    environment: dev
  check_mode: true
  register: found

- name: Remove it, and keep its images, logs and secrets
  steadystate.ecs.environment_teardown:
    project: shop
    environment: dev

- name: Remove those as well
  steadystate.ecs.environment_teardown:
    project: shop
    environment: dev
    remove_data: true
"""

RETURN = r"""
removed:
  description: What was removed, in order; in check mode, what would be.
  returned: always
  type: list
  elements: dict
  sample:
    - kind: load balancer
      name: arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop-dev/50dc6c495c0c9188
kept:
  description: The data that was left where it is.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: image repository
      name: shop-dev/api
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.environment_teardown import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
