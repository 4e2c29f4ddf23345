#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_account_setting
version_added: 0.1.0
short_description: Set Amazon ECS account settings
description:
  - Sets the account's defaults in one region. They hold for every user and role that has not chosen for itself.
  - V(awsvpcTrunking) lets an instance hold several times as many tasks with a network interface of their own.
    It counts for instances that are started after it, of the types that can do it; T3 and smaller cannot.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  settings:
    description:
      - Names of settings and their values, as ECS writes them, for example V(awsvpcTrunking) and V(enabled).
      - True and false mean V(enabled) and V(disabled). A name that ECS does not have is refused.
    type: dict
    required: true
seealso:
  - module: steadystate.ecs.ecs_cluster
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: More tasks on an instance
  steadystate.ecs.ecs_account_setting:
    settings:
      awsvpcTrunking: enabled
"""

RETURN = r"""
differences:
  description: What was otherwise than wanted, a member each.
  returned: always
  type: list
  elements: dict
  sample: [{field: awsvpcTrunking, before: disabled, after: enabled}]
settings:
  description: Every setting of the account with its value, as it is now or in check mode would be.
  returned: always
  type: dict
  sample: {awsvpcTrunking: enabled, containerInsights: disabled}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_account_setting import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
