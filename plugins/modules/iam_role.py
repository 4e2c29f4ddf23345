#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_role
version_added: 0.1.0
short_description: Make an IAM role what it should be
description:
  - Creates or corrects a role with its trust policy, its managed and its inline policies, its permissions boundary, its tags, and on
    demand an instance profile of the same name, in one task.
  - Policies are compared as IAM reads them. The order of lists, and a single value instead of a list of one, are no difference.
  - What an option does not speak of is left alone.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  name:
    description:
      - Name of the role, 1 to 64 characters.
    type: str
    required: true
  trust_policy:
    description:
      - The policy that says who may assume the role. Needed for a role that does not exist.
    type: dict
  description:
    description:
      - What the role is for.
    type: str
  max_session_duration:
    description:
      - For how many seconds a session may last, V(3600) to V(43200).
    type: int
  boundary:
    description:
      - ARN of the policy that bounds what the role can be given. An empty text takes the boundary away.
    type: str
  managed_policies:
    description:
      - ARNs of the managed policies of the role. Others are detached. An empty list detaches all.
    type: list
    elements: str
  policies:
    description:
      - The inline policies of the role, documents by their names. Others are deleted. An empty mapping deletes all.
      - Together they may have 10240 characters, spaces not counted.
    type: dict
  instance_profile:
    description:
      - Whether there should be an instance profile of the same name that holds the role. V(false) leaves one alone.
    type: bool
    default: false
seealso:
  - module: steadystate.ecs.iam_oidc_provider
  - module: amazon.aws.iam_role
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._tags
"""

EXAMPLES = r"""
- name: The role of a service's containers
  steadystate.ecs.iam_role:
    name: shop-dev-api-task
    description: What the containers may do
    trust_policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Principal:
            Service: ecs-tasks.amazonaws.com
          Action: sts:AssumeRole
    managed_policies: []
    policies:
      uploads:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: s3:PutObject
            Resource: arn:aws:s3:::shop-dev-uploads/*
    tags:
      project: shop
"""

RETURN = r"""
role:
  description: The role as it is now, or in check mode would be.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: shop-dev-api-task
    arn:
      description: Its ARN.
      type: str
      sample: arn:aws:iam::123456789012:role/shop-dev-api-task
    instance_profile_arn:
      description: The ARN of its instance profile. Only with O(instance_profile).
      type: str
      sample: arn:aws:iam::123456789012:instance-profile/shop-dev-instance
changes:
  description: What was changed, or in check mode would be, in words.
  returned: success
  type: list
  elements: str
  sample: ["trust policy", "policy uploads is written"]
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.iam_role import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
