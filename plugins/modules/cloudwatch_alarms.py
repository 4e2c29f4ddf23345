#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_alarms
version_added: 0.1.0
short_description: Many CloudWatch alarms at once
description:
  - Keeps alarms on metrics or on expressions of them, with their tags. Reads all of them first, and writes those that differ.
  - Unlike M(amazon.aws.cloudwatch_metric_alarm) it tags them, and removes those that are not wanted any more.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  alarms:
    description:
      - The alarms.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      description:
        description: What it means and what to do, for whoever is woken by it.
        type: str
        default: ""
      namespace:
        description: Namespace of the metric, for example V(AWS/ECS).
        type: str
      metric:
        description: Name of the metric.
        type: str
      dimensions:
        description: Dimensions of the metric.
        type: dict
        default: {}
      statistic:
        description:
          - What is made of the values of a period, V(Average), V(Sum), V(Minimum), V(Maximum), V(SampleCount), or a percentile as V(p99).
        type: str
        default: Average
      period:
        description: Length of a period in seconds.
        type: int
        default: 60
      metrics:
        description: In place of one metric, several and an expression, as the API's C(MetricDataQuery) has them.
        type: list
        elements: dict
      evaluation_periods:
        description: How many periods are looked at.
        type: int
        default: 1
      datapoints_to_alarm:
        description: How many of them have to be over the threshold. Left out, all.
        type: int
      threshold:
        description: The threshold.
        type: float
        required: true
      comparison:
        description: How values are compared with it.
        type: str
        choices: [GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanThreshold, LessThanOrEqualToThreshold]
        default: GreaterThanOrEqualToThreshold
      treat_missing_data:
        description: What a period without values counts as.
        type: str
        choices: [breaching, notBreaching, ignore, missing]
        default: missing
      alarm_actions:
        description: ARNs of what to do when it goes off.
        type: list
        elements: str
        default: []
      ok_actions:
        description: ARNs of what to do when it is over.
        type: list
        elements: str
        default: []
      insufficient_data_actions:
        description: ARNs of what to do when there are no values.
        type: list
        elements: str
        default: []
  purge_prefix:
    description:
      - Alarms whose names begin so and that are not in O(alarms) are deleted. Left out, none is.
    type: str
seealso:
  - module: steadystate.ecs.cloudwatch_dashboard
  - module: amazon.aws.cloudwatch_metric_alarm
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._tags
"""

EXAMPLES = r"""
- name: Wake somebody when the load balancer itself answers with errors
  steadystate.ecs.cloudwatch_alarms:
    purge_prefix: shop-dev-alb-
    alarms:
      - name: shop-dev-alb-5xx
        description: The load balancer found no healthy target, or could not reach one.
        namespace: AWS/ApplicationELB
        metric: HTTPCode_ELB_5XX_Count
        dimensions:
          LoadBalancer: "{{ found.load_balancer.label }}"
        statistic: Sum
        threshold: 5
        evaluation_periods: 2
        treat_missing_data: notBreaching
        alarm_actions: ["{{ topic.arn }}"]
"""

RETURN = r"""
alarms:
  description: The state of each alarm, by its name, before this run.
  returned: success
  type: dict
  sample: {"shop-dev-alb-5xx": "OK"}
removed:
  description: Names of alarms that were deleted.
  returned: success
  type: list
  elements: str
  sample: []
diff:
  description: What has changed, or in check mode what would change, a line for each.
  returned: success
  type: dict
  sample: {"before": "alarm shop-dev-alb-5xx Threshold: 10.0\n", "after": "alarm shop-dev-alb-5xx Threshold: 5.0\n"}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.cloudwatch_alarms import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
