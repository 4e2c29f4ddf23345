#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_dashboard
version_added: 0.1.0
short_description: A CloudWatch dashboard
description:
  - Keeps a dashboard. Its body is compared as data, so that neither blanks nor the order of members count.
  - CloudWatch has no tags for dashboards. They are of the account, and not of a region.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  name:
    description:
      - Its name.
    type: str
    required: true
  body:
    description:
      - What it shows, as CloudWatch's dashboard body structure has it. Needed with O(state=present).
    type: dict
seealso:
  - module: steadystate.ecs.cloudwatch_alarms
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._state
"""

EXAMPLES = r"""
- name: Show how busy the tasks are
  steadystate.ecs.cloudwatch_dashboard:
    name: shop-dev
    body:
      widgets:
        - type: metric
          x: 0
          y: 0
          width: 12
          height: 6
          properties:
            title: CPU
            region: eu-west-1
            stat: Average
            period: 60
            metrics:
              - [AWS/ECS, CPUUtilization, ClusterName, shop-dev, ServiceName, shop-dev-api]
"""

RETURN = r"""
name:
  description: Its name.
  returned: success
  type: str
  sample: shop-dev
diff:
  description: The body before and after, when it changes.
  returned: success
  type: dict
  sample: {"before": "", "after": "{}\n"}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.cloudwatch_dashboard import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
