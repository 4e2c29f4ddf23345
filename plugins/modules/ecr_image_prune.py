#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_image_prune
version_added: 0.1.0
short_description: Delete images of an Amazon ECR repository that nothing needs
description:
  - Deletes the images of a repository that no service or task of Amazon ECS runs, that no rollback may go back to, that no task
    definition names, and that are not among the newest. A lifecycle policy of ECR sees age and number only, and may delete
    what runs.
  - In check mode it lists what would go and why the rest stays.
  - The parts of an index and what is attached to an image, such as signatures, stay and go with it.
  - Where something that may use an image cannot be looked at, nothing is deleted. It is looked for in the account and region of the
    credentials, also with O(registry_id).
author:
  - The steadystate.ecs authors (@steadystate)
options:
  keep:
    description:
      - How many of the newest images stay, used or not. At least 1.
    type: int
    required: true
  keep_tags:
    description:
      - Images with a tag like one of these stay. An asterisk stands for any characters, for example V(release-*).
    type: list
    elements: str
    default: []
  keep_days:
    description:
      - Images that were pushed in the last so many days stay, since a deploy may be about to use them. Fractions are allowed.
    type: float
    default: 1.0
  history:
    description:
      - For how many of the last deployments of each service, other than those that failed, the images stay. At least 1.
    type: int
    default: 10
notes:
  - Only Amazon ECS is looked at, in one account and one region. Do not use it for repositories that others pull from, such as
    AWS Lambda, Amazon EKS or another account, or keep what they need with O(keep_tags).
  - The image of every ACTIVE task definition stays. O(steadystate.ecs.ecs_task_definition#module:keep) deregisters old ones.
  - The identity needs C(ecr:DescribeRepositories), C(ecr:DescribeImages), C(ecr:BatchGetImage) and C(ecr:BatchDeleteImage), and
    C(ecs:ListClusters), C(ecs:ListServices), C(ecs:DescribeServices), C(ecs:ListTasks), C(ecs:DescribeTasks),
    C(ecs:ListServiceDeployments), C(ecs:DescribeServiceRevisions), C(ecs:ListTaskDefinitions) and C(ecs:DescribeTaskDefinition).
seealso:
  - module: steadystate.ecs.ecr_image_info
  - module: steadystate.ecs.ecs_task_definition
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._repository
"""

EXAMPLES = r"""
- name: Show what would go
  steadystate.ecs.ecr_image_prune:
    repository: api
    keep: 20
  check_mode: true
  diff: true

- name: Keep the newest twenty, every release, and whatever is in use
  steadystate.ecs.ecr_image_prune:
    repository: api
    keep: 20
    keep_tags: ["v*", "latest"]
    keep_days: 7
"""

RETURN = r"""
pruned:
  description: The images that were deleted, or in check mode would be.
  returned: success, and when some could not be deleted
  type: list
  elements: dict
  contains:
    digest:
      description: Its digest.
      type: str
      sample: sha256:0c5a7e1c19bb2c1f4f8a7e1a2f3e4d5c6b7a8f9e0d1c2b3a4f5e6d7c8b9a0f1e
    tags:
      description: Its tags, sorted.
      type: list
      elements: str
      sample: ["0.9.1"]
    pushed_at:
      description: When it was pushed, as ISO 8601.
      type: str
      sample: "2026-03-01T12:00:00+00:00"
    size:
      description: Bytes of its compressed layers, those it shares with others included.
      type: int
      sample: 10485760
kept:
  description: The images that stay, newest first, with the same members and the reason.
  returned: success, and when some could not be deleted
  type: list
  elements: dict
  contains:
    why:
      description: Why it stays.
      type: str
      sample: service api of cluster main runs it
bytes:
  description: The sizes of all pruned images together. Layers that images share count more than once.
  returned: success, and when some could not be deleted
  type: int
  sample: 73400320
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecr_image_prune import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
