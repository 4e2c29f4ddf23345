#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_identity_info
version_added: 0.1.0
short_description: Read who calls AWS, and where
description:
  - Returns the account, the region and the partition, of which the ARNs of an account's resources are made. Needs no permission.
author:
  - The steadystate.ecs authors (@steadystate)
options: {}
seealso:
  - module: amazon.aws.aws_caller_info
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.reads
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Know the account
  steadystate.ecs.aws_identity_info:
    region: eu-west-1
  register: caller

- name: Name a repository
  ansible.builtin.debug:
    msg: "arn:{{ caller.partition }}:ecr:{{ caller.region }}:{{ caller.account }}:repository/api"
"""

RETURN = r"""
account:
  description: Number of the account.
  returned: success
  type: str
  sample: "123456789012"
region:
  description: The region.
  returned: success
  type: str
  sample: eu-west-1
partition:
  description: The partition.
  returned: success
  type: str
  sample: aws
arn:
  description: ARN of the user or of the session of a role.
  returned: success
  type: str
  sample: arn:aws:sts::123456789012:assumed-role/shop-deploy/job-17
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.aws_identity_info import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
