#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_log_groups
version_added: 0.1.0
short_description: Log groups of CloudWatch Logs
description:
  - Keeps log groups, for how many days their lines are kept, and their tags. Reads first, and writes what differs.
  - Unlike M(amazon.aws.cloudwatchlogs_log_group), which writes in check mode too, check mode changes nothing.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  log_groups:
    description:
      - The log groups.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      retention:
        description: For how many days lines are kept, for example V(7) or V(30). Left out, it stays as it is, and is for ever in a new one.
        type: int
      tags:
        description: Tags for it. Others stay.
        type: dict
        default: {}
seealso:
  - module: amazon.aws.cloudwatchlogs_log_group
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Where the tasks write
  steadystate.ecs.cloudwatch_log_groups:
    log_groups:
      - name: /ecs/shop-dev/api
        retention: 7
"""

RETURN = r"""
log_groups:
  description: Their names.
  returned: success
  type: list
  elements: str
  sample: [/ecs/shop-dev/api]
diff:
  description: What has changed, or in check mode what would change, a line for each.
  returned: success
  type: dict
  sample: {"before": "log group /ecs/shop-dev/api retention: 30\n", "after": "log group /ecs/shop-dev/api retention: 7\n"}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.cloudwatch_log_groups import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
