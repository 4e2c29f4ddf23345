#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_instance_group
version_added: 0.1.0
short_description: Container instances of an Amazon ECS cluster
description:
  - Keeps a launch template and an Auto Scaling group of one name, whose instances join a cluster, and starts an instance refresh
    when the template has changed, or the image that it takes.
  - The template asks for IMDSv2 and an encrypted gp3 volume. How many instances there are between the two sizes is left to Auto Scaling.
  - Of amazon.aws, C(autoscaling_group) cannot protect new instances from scale-in, which a capacity provider needs, and
    C(autoscaling_instance_refresh) cannot replace protected ones.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  name:
    description:
      - Name of the group and of the template.
    type: str
    required: true
  subnet_ids:
    description:
      - Subnets that the instances are in.
    type: list
    elements: str
    required: true
  security_group_ids:
    description:
      - Security groups of the instances.
    type: list
    elements: str
    required: true
  instance_profile:
    description:
      - Name or ARN of the instance profile.
    type: str
    required: true
  instance_types:
    description:
      - Types of the instances. More than one make a group of mixed instances; the first is preferred.
      - A type with less than 2 GiB of memory, such as V(t3.micro), is refused.
        The system and the ECS agent leave too little of it for tasks.
    type: list
    elements: str
    required: true
  architecture:
    description:
      - Architecture of the types and the image. Types of the other one are refused.
    type: str
    choices: [x86_64, arm64]
    default: x86_64
  image_id:
    description:
      - The image, as a fixed one. Else O(image_parameter).
    type: str
  image_parameter:
    description:
      - The SSM parameter that names the image, for example
        V(/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id). It is read anew by each run.
    type: str
  user_data:
    description:
      - What an instance runs when it starts, as plain text. It is no place for secrets.
    type: str
    required: true
  metadata_hop_limit:
    description:
      - How many network hops an answer of the instance metadata service may take. V(1) keeps it from containers on a bridge.
    type: int
    default: 1
  volume_device:
    description:
      - Device of the root volume in the image.
    type: str
    default: /dev/xvda
  volume_size:
    description:
      - Size of the root volume in GiB.
    type: int
    default: 30
  volume_kms_key_id:
    description:
      - The KMS key that encrypts the volume. Left out, the account's key for EBS.
    type: str
  detailed_monitoring:
    description:
      - Whether EC2 publishes metrics each minute, at a cost, and not each five.
    type: bool
    default: false
  min_size:
    description:
      - The fewest instances.
    type: int
    required: true
  max_size:
    description:
      - The most instances.
    type: int
    required: true
  on_demand_base:
    description:
      - How many instances are on demand in any case, when others are Spot.
    type: int
    default: 0
  on_demand_percentage:
    description:
      - How many of the instances above O(on_demand_base) are on demand, in percent. The others are Spot.
    type: int
    default: 100
  spot_allocation_strategy:
    description:
      - How Auto Scaling chooses among Spot pools.
    type: str
    choices: [price-capacity-optimized, capacity-optimized, lowest-price]
    default: price-capacity-optimized
  capacity_rebalance:
    description:
      - Whether a Spot instance is replaced when EC2 says that it is likely to be interrupted, before it is.
    type: bool
    default: false
  protect_from_scale_in:
    description:
      - Whether new instances are protected from scale-in. A capacity provider with managed termination protection needs it.
    type: bool
    default: false
  cluster:
    description:
      - The cluster of O(capacity_provider).
    type: str
  capacity_provider:
    description:
      - Start no instance before O(cluster) has this capacity provider. An instance that joins earlier never belongs to it.
      - The group is made with a size of 0 then, RV(held) is true, and the same task once more, after the capacity provider, starts them.
    type: str
  refresh:
    description:
      - Whether instances that another version of the template has made are replaced. A warning says when there are such and they stay.
    type: bool
    default: true
  refresh_max_healthy_percentage:
    description:
      - How large the group may be meanwhile, in percent of its size. At least one instance more is started first in any case.
    type: int
    default: 110
  refresh_instance_warmup:
    description:
      - How many seconds a new instance has to join the cluster before the next old one goes.
    type: int
    default: 60
  refresh_wait:
    description:
      - For how many seconds to wait until all are replaced. V(0) does not wait.
    type: int
    default: 0
  tags:
    description:
      - Tags of group, template, instances, volumes and network interfaces. Other tags that the group passes on are removed,
        but for those of AWS and ECS.
    type: dict
    default: {}
seealso:
  - module: steadystate.ecs.ecs_capacity_provider
  - module: amazon.aws.autoscaling_group
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Two to six instances in the private subnets
  steadystate.ecs.ecs_instance_group:
    name: shop-prod
    subnet_ids: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
    security_group_ids: [sg-0123456789abcdef0]
    instance_profile: shop-prod-instance
    instance_types: [t3.medium, t3a.medium]
    image_parameter: /aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id
    user_data: |
      #!/bin/bash
      echo ECS_CLUSTER=shop-prod >> /etc/ecs/ecs.config
    min_size: 2
    max_size: 6
    on_demand_base: 2
    on_demand_percentage: 50
"""

RETURN = r"""
differences:
  description: What was otherwise than wanted, a member each.
  returned: always
  type: list
  elements: dict
  sample: [{field: group.max_size, before: 4, after: 6}]
group_arn:
  description: ARN of the Auto Scaling group. Null in check mode when there is none yet.
  returned: always
  type: str
  sample: arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:0123:autoScalingGroupName/shop-prod
image_id:
  description: The image of the launch template.
  returned: always
  type: str
  sample: ami-0123456789abcdef0
launch_template_version:
  description: The version of the launch template that new instances are made of. Null in check mode when it would be a new one.
  returned: always
  type: int
  sample: 3
held:
  description: Whether the group starts no instance yet, because the cluster does not have its capacity provider.
  returned: always
  type: bool
  sample: false
outdated_instances:
  description: IDs of the instances that were made otherwise than the template says now.
  returned: always
  type: list
  elements: str
  sample: []
refresh:
  description: The instance refresh that goes on or has just ended. Null when nothing is outdated.
  returned: always
  type: dict
  sample:
    id: 08b91cf7-8fa6-48af-b6a6-d227f40f1b9b
    status: InProgress
    percentage_complete: 50
    reason: null
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_instance_group import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
