#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_repository
version_added: 0.1.0
short_description: Make an image repository what it should be
description:
  - Creates or corrects an Amazon ECR repository with tag mutability and its exceptions, scan on push, lifecycle rules, a policy for
    other accounts, and tags, in one task.
  - What an option does not speak of is left alone.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  name:
    description:
      - Name of the repository, 2 to 256 characters.
    type: str
    required: true
  tag_mutability:
    description:
      - Whether a tag that is in use may be given to another image.
    type: str
    choices: [immutable, mutable]
    default: immutable
  tag_exceptions:
    description:
      - Tags that O(tag_mutability) does not hold for, at most five, with V(*) for any characters. For a tag that floats, such as V(latest).
    type: list
    elements: str
    default: []
  scan_on_push:
    description:
      - Whether images are scanned for known vulnerabilities when they arrive.
    type: bool
    default: true
  encryption:
    description:
      - How images are encrypted. Left out, V(AES256) for a new repository. It cannot be changed afterwards.
    type: str
    choices: [AES256, KMS, KMS_DSSE]
  kms_key:
    description:
      - The key to encrypt a new repository with. Left out, the one that AWS manages for ECR.
    type: str
  keep_images:
    description:
      - How many images are kept, counted by when they were pushed. V(0) keeps all.
      - A lifecycle rule counts pushes. It cannot know which image a service runs; see O(protected_tags).
      - With neither this nor O(expire_untagged_days), lifecycle rules are left alone.
    type: int
  expire_untagged_days:
    description:
      - After how many days an image without a tag goes. V(0) keeps them.
    type: int
  protected_tags:
    description:
      - Images with a tag like one of these, with V(*) for any characters, are not counted among O(keep_images), but among themselves.
    type: list
    elements: str
    default: []
  keep_protected:
    description:
      - How many of the images that O(protected_tags) protects are kept, for each of its patterns.
    type: int
    default: 10
  policy:
    description:
      - The policy that says who else may use the repository. An empty mapping deletes one.
    type: dict
seealso:
  - module: steadystate.ecs.ecr_image_push
  - module: steadystate.ecs.ecr_pull_through_cache_rule
  - module: community.aws.ecs_ecr
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._tags
"""

EXAMPLES = r"""
- name: A repository of releases, in which only latest moves
  steadystate.ecs.ecr_repository:
    name: shop-dev/api
    tag_exceptions: [latest]
    keep_images: 20
    expire_untagged_days: 7
    protected_tags: ["deployed-*"]
"""

RETURN = r"""
repository:
  description: The repository as it is now, or in check mode would be.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: shop-dev/api
    arn:
      description: Its ARN.
      type: str
      sample: arn:aws:ecr:eu-west-1:123456789012:repository/shop-dev/api
    uri:
      description: Where its images are pushed to.
      type: str
      sample: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop-dev/api
changes:
  description: What was changed, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [tag_mutability, lifecycle_policy]
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecr_repository import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
