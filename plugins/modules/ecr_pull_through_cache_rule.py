#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_pull_through_cache_rule
version_added: 0.1.0
short_description: Cache the images of another registry in Amazon ECR
description:
  - Keeps a pull-through cache rule. An image of the upstream registry is pulled under the prefix, and ECR fetches and keeps it.
  - The upstream of a rule cannot be changed, only its credentials.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  prefix:
    description:
      - What the names of the cached repositories begin with, 2 to 30 characters, or V(ROOT).
    type: str
    required: true
  state:
    description:
      - Whether the rule should exist. Images that are cached stay.
    type: str
    choices: [present, absent]
    default: present
  upstream_url:
    description:
      - The upstream registry, such as V(public.ecr.aws) or V(registry-1.docker.io).
    type: str
  upstream_prefix:
    description:
      - What the names of its repositories begin with.
    type: str
  credential_arn:
    description:
      - ARN of the secret with the credentials for the upstream registry, whose name begins with C(ecr-pullthroughcache/).
    type: str
seealso:
  - module: steadystate.ecs.ecr_repository
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Base images come through the cache
  steadystate.ecs.ecr_pull_through_cache_rule:
    prefix: public
    upstream_url: public.ecr.aws
"""

RETURN = r"""
rule:
  description: The rule as it is now, or in check mode would be. Null without one.
  returned: success
  type: dict
  contains:
    prefix:
      description: Its prefix.
      type: str
      sample: public
    upstream_url:
      description: The upstream registry.
      type: str
      sample: public.ecr.aws
    upstream_prefix:
      description: What the names of the upstream repositories begin with. Only when set.
      type: str
      sample: docker
    credential_arn:
      description: ARN of the secret with the credentials. Only when set.
      type: str
      sample: arn:aws:secretsmanager:eu-west-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecr_pull_through_cache_rule import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
