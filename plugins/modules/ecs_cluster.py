#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_cluster
version_added: 0.1.0
short_description: Make an Amazon ECS cluster and keep its settings
description:
  - Makes a cluster, or brings Container Insights and tags of the one that is there to what is wanted.
  - Its capacity providers are the business of M(steadystate.ecs.ecs_capacity_provider).
  - Unlike M(community.aws.ecs_cluster) it sets Container Insights and tags, and reads first, so that a run without a change costs one call.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  name:
    description:
      - Name of the cluster.
    type: str
    required: true
  container_insights:
    description:
      - Metrics of the cluster, its services and tasks in CloudWatch. V(enhanced) adds those of each container. Left out, it stays as it is.
      - CloudWatch is paid for by metric.
    type: str
    choices: [disabled, enabled, enhanced]
  tags:
    description:
      - All the tags of the cluster. Left out, they stay as they are. Those whose names begin with C(aws:) are never touched.
    type: dict
seealso:
  - module: steadystate.ecs.ecs_capacity_provider
  - module: steadystate.ecs.ecs_instance_group
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Make the cluster
  steadystate.ecs.ecs_cluster:
    name: shop-prod
    container_insights: enhanced
    tags:
      environment: prod
"""

RETURN = r"""
differences:
  description: What was otherwise than wanted, a member each.
  returned: always
  type: list
  elements: dict
  sample: [{field: container_insights, before: disabled, after: enhanced}]
cluster:
  description: The cluster as ECS describes it. Null in check mode when there is none yet.
  returned: always
  type: dict
  sample:
    cluster_arn: arn:aws:ecs:eu-west-1:123456789012:cluster/shop-prod
    cluster_name: shop-prod
    status: ACTIVE
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_cluster import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
