#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_image_info
version_added: 0.1.0
short_description: Read which images an Amazon ECR repository holds
description:
  - Returns the images of a repository, or those named by tag or digest, newest first, with their tags, sizes and what they are.
    Changes nothing. A repository that does not exist is no failure; RV(exists) says so.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  images:
    description:
      - Tags or digests of the images to return. One that is not there is no failure; it is named in RV(missing).
      - All images of the repository when not given.
    type: list
    elements: str
    default: []
  platforms:
    description:
      - Whether to read the manifest of each index and return the platforms in it. One more request for every hundred of them.
    type: bool
    default: false
notes:
  - The identity needs C(ecr:DescribeRepositories) and C(ecr:DescribeImages), and C(ecr:BatchGetImage) for O(platforms).
seealso:
  - module: steadystate.ecs.ecr_image_push
  - module: steadystate.ecs.ecr_image_prune
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.reads
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._repository
"""

EXAMPLES = r"""
- name: Look whether this commit has been pushed already
  steadystate.ecs.ecr_image_info:
    repository: api
    images: ["{{ git_sha }}"]
  register: found

- name: Build and push only what is not there
  ansible.builtin.include_tasks: build.yml
  when: found.missing

- name: Read what latest names, with its platforms
  steadystate.ecs.ecr_image_info:
    repository: api
    images: [latest]
    platforms: true
"""

RETURN = r"""
exists:
  description: Whether there is such a repository.
  returned: success
  type: bool
  sample: true
repository:
  description: The repository; null when there is none.
  returned: success
  type: dict
  sample:
    name: api
    uri: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/api
    registry_id: "123456789012"
    mutability: IMMUTABLE_WITH_EXCLUSION
    exclusions: ["latest"]
images:
  description: The images, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    digest:
      description: Its digest.
      type: str
      sample: sha256:0c5a7e1c19bb2c1f4f8a7e1a2f3e4d5c6b7a8f9e0d1c2b3a4f5e6d7c8b9a0f1e
    image:
      description: Its full name by digest, for a task definition.
      type: str
      sample: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/api@sha256:0c5a7e1c19bb2c1f4f8a7e1a2f3e4d5c6b7a8f9e0d1c2b3a4f5e6d7c8b9a0f1e
    tags:
      description: All its tags, sorted.
      type: list
      elements: str
      sample: ["1.4.0", "latest"]
    pushed_at:
      description: When it was pushed, as ISO 8601.
      type: str
      sample: "2026-03-01T12:00:00+00:00"
    size:
      description: Bytes of its compressed layers; of an index, those of its largest image.
      type: int
      sample: 10485760
    media_type:
      description: Media type of its manifest.
      type: str
      sample: application/vnd.oci.image.manifest.v1+json
    artifact_type:
      description: What it is, when that is not an image to run. Null where ECR does not say.
      type: str
      sample: application/vnd.oci.image.config.v1+json
    subject:
      description: Digest of the image that this is attached to, as a signature is. Null for any other.
      type: str
      sample: null
    last_pulled_at:
      description: When it was pulled last, as far as ECR has recorded. Null when it has not.
      type: str
      sample: null
    scan_status:
      description: How far the scan for vulnerabilities is. Null when there was none.
      type: str
      sample: COMPLETE
    findings:
      description: How many findings the scan has, by severity.
      type: dict
      sample: {"HIGH": 1, "LOW": 4}
    platforms:
      description: The platforms of an index with the digest of each one's image.
      returned: when O(platforms) and it is an index
      type: list
      elements: dict
      sample: [{"platform": "linux/arm64", "digest": "sha256:1b92a2df0413d288ebeb515ec880ae983bedc09a2419fed619dc844111b4ee74"}]
missing:
  description: Those of O(images) that are not there.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecr_image_info import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
