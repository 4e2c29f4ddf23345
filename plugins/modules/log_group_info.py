#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: log_group_info
version_added: 0.1.0
short_description: Which log groups differ from what is wanted
description:
  - Reads log groups by their names, and says which of them are missing or keep their lines for another time. Changes nothing.
  - It is the quick look before M(amazon.aws.cloudwatchlogs_log_group), which needs a second also when there is nothing to do.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  log_groups:
    description:
      - The log groups, and what they are to be like.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      retention:
        description: For how many days lines are kept. Left out, it does not count.
        type: int
      tags:
        description: Tags that it is to have. Others do not count.
        type: dict
seealso:
  - module: amazon.aws.cloudwatchlogs_log_group
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.actiongroup_aws
attributes:
  check_mode:
    support: full
    details: Only reads.
  diff_mode:
    support: none
  idempotent:
    support: full
  action:
    support: full
"""

EXAMPLES = r"""
- name: Look before doing anything
  steadystate.ecs.log_group_info:
    log_groups:
      - name: /ecs/shop-dev/api
        retention: 7
  register: found

- name: Put right what differs
  amazon.aws.cloudwatchlogs_log_group:
    log_group_name: "{{ item }}"
    retention: 7
  loop: "{{ found.differing }}"
"""

RETURN = r"""
log_groups:
  description: The log groups, in the order asked for.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: /ecs/shop-dev/api
    exists:
      description: Whether it does.
      type: bool
      sample: true
    retention:
      description: For how many days it keeps lines, null for ever.
      type: int
      sample: 30
    differences:
      description: Where it differs.
      type: list
      elements: str
      sample: ["log group /ecs/shop-dev/api retention: 30 -> 7"]
differing:
  description: Names of those that differ.
  returned: success
  type: list
  elements: str
  sample: [/ecs/shop-dev/api]
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.log_group_info import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
