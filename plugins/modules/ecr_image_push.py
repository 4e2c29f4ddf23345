#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_image_push
version_added: 0.1.0
short_description: Push a container image to Amazon ECR
description:
  - Pushes an image from an OCI image layout or from what C(docker save) wrote to a repository of Amazon ECR.
    No container engine is needed.
  - Sends only what the repository does not have, several blobs at the same time, and sets the tags last.
    A second run costs one request for each tag.
  - Tries again what fails for a while, each blob for itself, and waits as long as the registry asks for.
  - When the task is for the local host it runs inside the controller and prints its progress as it happens.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  source:
    description:
      - Path of an OCI image layout, its directory or an archive of it, or of what C(docker save) or C(podman save) wrote,
        of any version. Archives may be compressed with gzip, zstd, bzip2 or xz.
      - Plain archives are read in place; a compressed one is unpacked into one file in the folder for temporary files.
        To read zstd the Python package C(zstandard) is needed before Python 3.14.
      - C(docker buildx build --output type=oci,dest=image.tar), C(podman save --format oci-archive) and
        C(skopeo copy … oci:DIRECTORY:TAG) make one.
    type: path
    required: true
  repository:
    description:
      - Name of the ECR repository, without the registry, for example V(team/api). It has to exist.
    type: str
    required: true
  tags:
    description:
      - Tags that the image gets, at least one. V(latest) is set after all others.
    type: list
    elements: str
    required: true
  registry_id:
    description:
      - ID of the AWS account that the repository belongs to, in quotes. The account of the credentials when not given.
    type: str
  source_kind:
    description:
      - What O(source) is. With V(auto) it is told from the source itself.
    type: str
    choices: [auto, oci, docker_archive]
    default: auto
  platform:
    description:
      - Push only the image for this platform, for example V(linux/arm64), when O(source) holds more than one.
      - An index with several platforms is pushed whole when this is not given.
    type: str
  ref_name:
    description:
      - Which image of the source to push, when it holds several. For a layout, its annotation C(org.opencontainers.image.ref.name);
        for a docker archive, its name and tag such as V(api:1.4.0).
    type: str
  jobs:
    description:
      - How many blobs are sent at the same time, between 1 and 32.
    type: int
    default: 6
  on_immutable:
    description:
      - What to do when a tag may not be moved and names another image.
      - With V(fail) the task fails before anything is sent.
      - With V(skip) such a tag stays as it is, with a warning. The image is pushed nevertheless and can be used by its digest.
    type: str
    choices: [fail, skip]
    default: fail
  compression:
    description:
      - How layers that are not compressed yet, those of a docker archive, are compressed on their way.
        Layers that are compressed are pushed as they are.
      - V(auto) takes the fastest gzip library that is installed, the Python packages C(isal), C(zlib-ng), then the standard library.
      - The digest of the image depends on the library and its version. Naming one makes it the same on all machines that have it.
        Whether the image is there already is told by its ID, which does not depend on it.
      - V(zstd) makes smaller layers that Docker before 23 and other old engines cannot pull.
    type: str
    choices: [auto, isal, zlib-ng, zlib, zstd]
    default: auto
  expected_digest:
    description:
      - The digest that the image has to have, its manifest's or its ID. Another one is refused before a tag is set.
    type: str
  mount_from:
    description:
      - Repositories of the same registry that may already hold some of the blobs, for example that of the base image.
        Blobs found there are mounted instead of sent.
      - With Amazon ECR this needs the account setting C(BLOB_MOUNTING) to be C(ENABLED). Where it is not, the blobs are sent as usual.
    type: list
    elements: str
    default: []
notes:
  - E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) are honoured. Addresses of this machine are never reached through a proxy.
  - The identity needs C(ecr:GetAuthorizationToken), C(ecr:DescribeRepositories), C(ecr:BatchCheckLayerAvailability),
    C(ecr:InitiateLayerUpload), C(ecr:UploadLayerPart), C(ecr:CompleteLayerUpload), C(ecr:PutImage) and C(ecr:BatchGetImage).
    Mounting also needs C(ecr:GetDownloadUrlForLayer) on the repositories in O(mount_from).
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  action:
    support: full
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Push the image that the build left behind
  steadystate.ecs.ecr_image_push:
    source: build/image.tar
    repository: api
    tags:
      - "{{ git_sha }}"
      - latest
  register: pushed

- name: Use exactly that image in the task definition
  steadystate.ecs.ecs_task_definition_render:
    template_file: task-definition.json
    containers:
      - name: api
        image: "{{ pushed.image }}"

- name: Push one platform of a multi-platform layout, taking the base image's layers from its repository
  steadystate.ecs.ecr_image_push:
    source: build/layout
    platform: linux/arm64
    repository: api-arm64
    tags: ["1.4.0"]
    mount_from: [base/distroless]

- name: A version that exists is left alone
  steadystate.ecs.ecr_image_push:
    source: build/image.tar
    repository: api
    tags: ["1.4.0"]
    on_immutable: skip
"""

RETURN = r"""
image:
  description: The image's full name by digest, for a task definition.
  returned: always, once the repository was found
  type: str
  sample: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/api@sha256:0c5a7e1c19bb2c1f4f8a7e1a2f3e4d5c6b7a8f9e0d1c2b3a4f5e6d7c8b9a0f1e
digest:
  description: Digest of what was pushed, the index if it is one.
  returned: always, once the repository was found
  type: str
  sample: sha256:0c5a7e1c19bb2c1f4f8a7e1a2f3e4d5c6b7a8f9e0d1c2b3a4f5e6d7c8b9a0f1e
repository_uri:
  description: The repository's address, without tag.
  returned: always, once the repository was found
  type: str
  sample: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/api
tags:
  description: What became of each tag, by its name.
  returned: always, once the repository was found
  type: dict
  contains:
    changed:
      description: Whether the tag was set, or in check mode would be.
      type: bool
    digest:
      description: What the tag names now.
      type: str
    previous_digest:
      description: What the tag named before, none if it did not exist.
      type: str
    skipped:
      description: Whether the tag was left alone because it is immutable and names another image.
      type: bool
  sample:
    "1.4.0":
      changed: true
      digest: sha256:0c5a7e1c19bb2c1f4f8a7e1a2f3e4d5c6b7a8f9e0d1c2b3a4f5e6d7c8b9a0f1e
      previous_digest: null
      skipped: false
blobs:
  description: How many of the image's blobs (its configurations and layers) came into the repository in which way.
  returned: always, once the repository was found
  type: dict
  contains:
    pushed:
      description: Blobs that were sent. In check mode, those that the repository does not have.
      type: int
    resumed:
      description: Blobs whose upload broke and went on where it had stopped.
      type: int
    mounted:
      description: Blobs that were taken from another repository.
      type: int
    exists:
      description: Blobs that the repository had already.
      type: int
    bytes:
      description: Size of all blobs together, in bytes.
      type: int
  sample: {pushed: 2, resumed: 0, mounted: 0, exists: 7, bytes: 404123456}
bytes_uploaded:
  description: Bytes of blobs that were sent, repetitions included. In check mode, those that would be.
  returned: always, once the repository was found
  type: int
  sample: 104857600
requests:
  description: Number of HTTP requests to the registry.
  returned: always, once the repository was found
  type: int
  sample: 15
retries:
  description: How many requests were tried again.
  returned: always, once the repository was found
  type: int
  sample: 0
duration:
  description: Seconds that it took.
  returned: always, once the repository was found
  type: float
  sample: 3.2
hint:
  description: What to do about the failure. Empty when there is nothing to add.
  returned: failure, when the image or the registry is the cause
  type: str
  sample: Push under a new tag, or exclude this tag from immutability (aws ecr put-image-tag-mutability).
error_code:
  description: The error code of the registry or of AWS.
  returned: failure, when one was given
  type: str
  sample: DENIED
status:
  description: The HTTP status of the registry's answer.
  returned: failure, when the registry refused
  type: int
  sample: 403
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecr_image_push import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
