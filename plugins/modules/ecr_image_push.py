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
  - Pushes an image to a repository of Amazon ECR, from an OCI image layout, from what C(docker save) wrote, from the engine of
    this machine, from another registry or ECR account, or made of a folder or a program. No container engine is needed.
  - Sends only what the repository does not have, several blobs at the same time, and sets the tags last.
    A second run takes the time of one answer of ECR, whatever the number of tags, and compresses nothing.
  - An image whose layers have yet to be compressed, as those of a docker archive, an engine and an image that is made, is looked for
    among the hundred newest of the repository before that is done.
  - Check mode compresses nothing. Where only that would tell the digest, RV(digest), RV(image) and the digests of RV(tags) are empty,
    and such layers count with their length before they are compressed.
  - Tries again what fails for a while, each blob for itself, and waits as long as the registry asks for.
  - When the task is for the local host it runs inside the controller and prints its progress as it happens.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  source:
    description:
      - The image. What it is is told from itself, or by its beginning.
      - A path is that of an OCI image layout, its directory or an archive of it, or of what C(docker save) or C(podman save) wrote,
        of any version. Archives may be compressed with gzip, zstd, bzip2 or xz. Plain archives are read in place; a compressed one
        is unpacked into one file in the folder for temporary files. To read zstd the Python package C(zstandard) is needed
        before Python 3.14.
      - C(docker://REGISTRY/NAME:TAG) or C(docker://REGISTRY/NAME@DIGEST) is an image in another registry, or in another account
        or region of Amazon ECR. It is copied by digest, an index with all its platforms, unless O(platform) chooses one.
      - C(docker-daemon:NAME:TAG) is an image of the Docker or Podman engine of the machine that the task runs on.
      - With O(image_config), a path is that of a folder or of a single program, of which an image is made.
      - C(docker buildx build --output type=oci,dest=image.tar), C(podman save --format oci-archive) and
        C(skopeo copy … oci:DIRECTORY:TAG) make a layout.
    type: path
    required: true
  source_kind:
    description:
      - What O(source) is, when it is not to be told from the source itself.
    type: str
    choices: [auto, oci, docker_archive, engine, registry, files]
    default: auto
  source_profile:
    description:
      - AWS profile for reading O(source) from another account of Amazon ECR. The credentials of the task when not given;
        then the other repository's policy has to let them read.
    type: str
  source_username:
    description:
      - Name for reading O(source) from a registry that is not Amazon ECR and not public.
    type: str
  source_password:
    description:
      - Password or access token that goes with O(source_username).
    type: str
  engine_socket:
    description:
      - Socket of the engine for an image of an engine. E(DOCKER_HOST) when not given, then the usual places of Docker and Podman.
    type: path
  image_config:
    description:
      - Makes an image of the folder or program O(source), with one layer and this configuration.
      - The same files, configuration and O(platform) give the same image anywhere. Times and owners of files do not matter; of
        their modes, only whether they can be executed.
    type: dict
    suboptions:
      entrypoint:
        description: What is started. The program itself, when O(source) is one.
        type: list
        elements: str
        default: []
      cmd:
        description: Its arguments, for as long as a task definition gives no others.
        type: list
        elements: str
        default: []
      env:
        description: Environment variables. Everyone who can pull the image can read them.
        type: dict
        default: {}
      user:
        description: User or C(user:group), by number in an image that holds no C(/etc/passwd).
        type: str
        default: ""
      working_dir:
        description: Directory to start in.
        type: str
        default: ""
      labels:
        description: Labels.
        type: dict
        default: {}
      ports:
        description: Ports that it listens on, such as V(8080) or V(53/udp).
        type: list
        elements: str
        default: []
      stop_signal:
        description: Signal that asks it to end, such as V(SIGINT).
        type: str
        default: ""
      target:
        description:
          - Where the files come to lie in the image. The content of a folder goes below it, V(/) when empty; a program becomes it,
            V(/) and its name when empty.
        type: str
        default: ""
  create_repository:
    description:
      - Create the repository when it is not there. Otherwise that is an error.
    type: bool
    default: false
  repository_settings:
    description:
      - How a repository is created. The defaults are those of the role P(steadystate.ecs.ecr#role).
        A repository that is there stays as it is.
    type: dict
    suboptions:
      image_tag_mutability:
        description: Whether a tag may be moved to another image.
        type: str
        choices: [immutable, mutable]
        default: immutable
      mutable_tags:
        description: Tags that may be moved all the same, up to five, with C(*) as wildcard, for example V(latest).
        type: list
        elements: str
        default: []
      scan_on_push:
        description: Whether ECR scans what is pushed.
        type: bool
        default: true
      keep_images:
        description: How many images the lifecycle policy keeps.
        type: int
        default: 20
      expire_untagged_days:
        description: After how many days it removes those without a tag.
        type: int
        default: 7
      kms_key:
        description: ARN of the KMS key that encrypts the images. ECR's own encryption when not given.
        type: str
  tags:
    description:
      - Tags that the image gets, at least one. V(latest) is set after all others.
    type: list
    elements: str
    required: true
  platform:
    description:
      - Push only the image for this platform, for example V(linux/arm64), when O(source) holds more than one.
      - An index with several platforms is pushed whole when this is not given.
      - For an image that is made, its platform; that of the program when not given.
    type: str
  ref_name:
    description:
      - Which image of the source to push, when it holds several. For a layout, its annotation C(org.opencontainers.image.ref.name);
        for a docker archive, its name and tag such as V(api:1.4.0).
    type: str
  expected_digest:
    description:
      - The digest that the image has to have, its manifest's or its ID. Another one is refused before a tag is set.
      - For an image that has yet to be compressed, its ID is known at once. Its manifest is not, and check mode has to compress the
        layers to compare that.
    type: str
  cluster:
    description:
      - An ECS cluster whose container instances have to be able to run the image.
      - With instances of none of the image's platforms, see O(on_platform_mismatch). Without instances there is a warning only.
    type: str
  on_platform_mismatch:
    description:
      - Whether an image that no instance of O(cluster) can run is refused before anything is sent, or pushed with a warning.
    type: str
    choices: [fail, warn]
    default: fail
  referrers:
    description:
      - Take along what is attached to the image, such as signatures and SBOMs, when O(source) is a registry or a layout.
        As OCI 1.1 referrers, and under the tags of cosign.
    type: bool
    default: false
  wait_for_scan:
    description:
      - Wait for what the scan of the image finds, and return it. Starts a scan when none has been started. Not in check mode.
    type: bool
    default: false
  scan_fail_on:
    description:
      - Fail when the scan finds something of this severity or worse. Waits for the scan.
    type: str
    choices: [critical, high, medium, low, informational, undefined]
  scan_timeout:
    description:
      - Seconds to wait for the scan.
    type: int
    default: 300
  compression:
    description:
      - How layers that are not compressed yet, those of a docker archive, an engine, and an image that is made, are compressed on
        their way. Layers that are compressed are pushed as they are.
      - V(auto) takes the fastest gzip library that is installed, the Python packages C(isal), C(zlib-ng), then the standard library.
      - The digest of the image depends on the library and its version. Naming one makes it the same on all machines that have it.
        Whether the image is there already is told by its ID, which does not depend on it.
      - V(zstd) makes smaller layers that Docker before 23 and other old engines cannot pull.
    type: str
    choices: [auto, isal, zlib-ng, zlib, zstd]
    default: auto
  compress_all:
    description:
      - Whether to compress all layers of a docker archive or an engine, those as well that would hardly shrink, as one of pictures or of
        packages does.
      - By default, one above 1 MiB that samples show to shrink by less than 3% is pushed as it is. It is looked for in the registry
        before it is read, need not be decompressed when it is pulled, and makes the image's manifest one of OCI, as Docker's have
        compressed layers only.
      - Set this for whatever reads only compressed layers, which AWS Lambda seems to, or only manifests of Docker.
        An image that is there with layers that are not compressed is then replaced.
    type: bool
    default: false
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
  mount_from:
    description:
      - Repositories of the same registry that may already hold some of the blobs, for example that of the base image.
        Blobs found there are mounted instead of sent. That of O(source) is one of them when it lies in the same registry.
      - With Amazon ECR this needs the account setting C(BLOB_MOUNTING) to be C(ENABLED). Where it is not, the blobs are sent as usual.
    type: list
    elements: str
    default: []
notes:
  - E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) are honoured. Addresses of this machine are never reached through a proxy.
  - The identity needs C(ecr:GetAuthorizationToken), C(ecr:DescribeRepositories), C(ecr:BatchCheckLayerAvailability),
    C(ecr:InitiateLayerUpload), C(ecr:UploadLayerPart), C(ecr:CompleteLayerUpload), C(ecr:PutImage) and C(ecr:BatchGetImage).
    An image that has yet to be compressed is looked for with C(ecr:DescribeImages); without it, it is compressed and sent.
    Mounting and reading from ECR also need C(ecr:GetDownloadUrlForLayer) on the repositories that are read,
    O(create_repository) needs C(ecr:CreateRepository) and C(ecr:PutLifecyclePolicy), O(wait_for_scan) needs
    C(ecr:DescribeImageScanFindings) and C(ecr:StartImageScan), and O(cluster) needs C(ecs:ListContainerInstances) and
    C(ecs:DescribeContainerInstances).
  - The endpoints of FIPS and dual stack are used where E(AWS_USE_FIPS_ENDPOINT) and E(AWS_USE_DUALSTACK_ENDPOINT) say so.
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._repository
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

- name: Promote exactly what was tested from the staging account, signatures and SBOMs included
  steadystate.ecs.ecr_image_push:
    source: docker://210987654321.dkr.ecr.eu-west-1.amazonaws.com/api:{{ git_sha }}
    source_profile: staging
    expected_digest: "{{ tested.digest }}"
    referrers: true
    repository: api
    tags: ["{{ git_sha }}", "1.4.0"]

- name: A Go binary becomes an image, in a repository that is made for it
  steadystate.ecs.ecr_image_push:
    source: build/api
    image_config:
      ports: ["8080"]
      user: "65532"
    repository: api
    create_repository: true
    repository_settings:
      mutable_tags: [latest]
    tags: ["{{ git_sha }}", latest]

- name: What the engine of this machine has built, if the cluster can run it and the scan finds nothing bad
  steadystate.ecs.ecr_image_push:
    source: docker-daemon:api:build
    repository: api
    tags: ["{{ git_sha }}"]
    cluster: production
    scan_fail_on: high

- name: A version that exists is left alone
  steadystate.ecs.ecr_image_push:
    source: build/image.tar
    repository: api
    tags: ["1.4.0"]
    on_immutable: skip
"""

RETURN = r"""
image:
  description: The image's full name by digest, for a task definition. Empty when RV(digest) is.
  returned: always, once the repository was found
  type: str
  sample: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/api@sha256:0c5a7e1c19bb2c1f4f8a7e1a2f3e4d5c6b7a8f9e0d1c2b3a4f5e6d7c8b9a0f1e
digest:
  description:
    - Digest of what was pushed, the index if it is one.
    - Empty when it failed before the image was compressed, and in check mode where only compressing would tell it.
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
      description: What the tag names now. Empty when RV(digest) is and the tag would be set.
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
      description: Size of all blobs together, in bytes. In check mode, of layers yet to be compressed as they are.
      type: int
  sample: {pushed: 2, resumed: 0, mounted: 0, exists: 7, bytes: 404123456}
repository_created:
  description: Whether the repository was created, or in check mode would be.
  returned: success
  type: bool
  sample: false
referrers:
  description: What was attached to the image and went along.
  returned: when O(referrers) is set
  type: list
  elements: dict
  contains:
    digest:
      description: Its digest.
      type: str
    kind:
      description: Its artifact type, or what the tag of cosign ends with.
      type: str
    subject:
      description: Digest of what it is attached to.
      type: str
    tag:
      description: The tag that cosign finds it by, empty when it is found by its subject.
      type: str
    changed:
      description: Whether it was pushed, or in check mode would be.
      type: bool
  sample: []
scan:
  description: What the scan found.
  returned: when it was waited for
  type: dict
  contains:
    severities:
      description: Number of findings by severity, in ECR's words, the worst first.
      type: dict
    findings:
      description: Their names, those that ECR gives on its first page.
      type: list
      elements: str
  sample: {severities: {MEDIUM: 2}, findings: [CVE-2026-0001, CVE-2026-0002]}
bytes_uploaded:
  description: Bytes of blobs that were sent, repetitions included. In check mode, those that would be.
  returned: always, once the repository was found
  type: int
  sample: 104857600
requests:
  description: Number of HTTP requests to the registry, and to that of the source. Calls of ECR's API are not among them.
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
