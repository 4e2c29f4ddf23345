#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_secret_users_info
version_added: 0.1.0
short_description: Find the services that read secrets, and those whose tasks have an old value
description:
  - A task reads its secrets when it starts. This finds the services of a cluster whose task definition names one of the secrets, and
    among them those with a task that started before the value changed.
  - The answer follows from times that AWS has, so that a restart that was interrupted is found by the next run.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  cluster:
    description:
      - The cluster, by name or ARN. One that does not exist has no services.
    type: str
    required: true
  services:
    description:
      - Names of the services to look at. Left out, all of the cluster.
    type: list
    elements: str
  secrets:
    description:
      - The secrets, as M(steadystate.ecs.ecs_secrets) returns them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Its name.
        type: str
        required: true
      arn:
        description:
          - Its ARN.
        type: str
        required: true
      changed_at:
        description:
          - When its value was last written. Left out or empty, now.
        type: str
      store:
        description:
          - Not looked at. It is there so that the entries may be given as they were returned.
        type: str
      change:
        description:
          - Not looked at either.
        type: str
seealso:
  - module: steadystate.ecs.ecs_secrets
  - module: steadystate.ecs.ecs_service
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.reads
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Find what has to be restarted
  steadystate.ecs.ecs_secret_users_info:
    cluster: shop-dev
    secrets: "{{ kept.secrets }}"
  register: users
"""

RETURN = r"""
services:
  description: The services that read one of the secrets.
  returned: success
  type: list
  elements: dict
  contains:
    service:
      description: Its name.
      type: str
      sample: shop-dev-api
    task_definition:
      description: ARN of the task definition of its PRIMARY deployment.
      type: str
      sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/shop-dev-api:7
    secrets:
      description: The secrets that it reads. A pinned version is none of them.
      type: list
      elements: str
      sample: [/shop/dev/api/session-key]
    outdated:
      description: Those among them that have changed since one of its running tasks was started.
      type: list
      elements: str
      sample: [/shop/dev/api/session-key]
    running_count:
      description: How many tasks run.
      type: int
      sample: 2
outdated:
  description: The services to restart.
  returned: success
  type: list
  elements: str
  sample: [shop-dev-api]
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_secret_users_info import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
