#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_service_autoscaling
version_added: 0.1.0
short_description: Autoscaling of the tasks of a service
description:
  - Keeps the least and the most tasks of a service, the loads to aim at, and the limits by schedule, all with one look.
  - A service that does not exist yet cannot be scaled. Then nothing is changed, and RV(service_exists) says so; run it again after the
    first deploy.
  - The policies are named after the service. Those of other people are left alone; one of ours that is not wanted any more is deleted.
  - A limit that one of O(schedules) has set is not taken back.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  cluster:
    description:
      - Name of the cluster.
    type: str
    required: true
  service:
    description:
      - Name of the service.
    type: str
    required: true
  state:
    description:
      - Whether the service is scaled. Without, its count of tasks stays as it is.
    type: str
    default: present
    choices: [present, absent]
  min_capacity:
    description:
      - The least tasks. Needed with O(state=present).
    type: int
  max_capacity:
    description:
      - The most tasks. Needed with O(state=present).
    type: int
  cpu:
    description:
      - Percentage of the reserved CPU to aim at, on average. Left out, CPU does not count.
    type: float
  memory:
    description:
      - Percentage of the reserved memory to aim at, on average. Left out, memory does not count.
    type: float
  requests_per_target:
    description:
      - Requests a minute to aim at for each task. Left out, they do not count.
    type: float
  load_balancer:
    description:
      - Name of the load balancer that the requests come through.
    type: str
  target_group:
    description:
      - Name of the target group that they go to.
    type: str
  scale_out_cooldown:
    description:
      - Seconds to wait after more tasks were started, before even more are.
    type: int
    default: 60
  scale_in_cooldown:
    description:
      - Seconds to wait after tasks were stopped, before more are.
    type: int
    default: 300
  scale_in:
    description:
      - Whether tasks are stopped when there is less to do.
    type: bool
    default: true
  suspended:
    description:
      - Whether all scaling is put on hold.
    type: bool
    default: false
  schedules:
    description:
      - Limits that hold from a point in time on, until another schedule sets others.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What it is called among the schedules of this service.
        type: str
        required: true
      schedule:
        description: When, for example V(cron(0 7 ? * MON-FRI *)), V(rate(1 day\)) or V(at(2026-12-24T18:00:00\)).
        type: str
        required: true
      timezone:
        description: What its hours are in.
        type: str
        default: UTC
      min_capacity:
        description: The least tasks from then on.
        type: int
      max_capacity:
        description: The most tasks from then on.
        type: int
seealso:
  - module: steadystate.ecs.ecs_service
  - module: community.aws.application_autoscaling_policy
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Two to ten tasks, as busy as is good for them; fewer at night
  steadystate.ecs.ecs_service_autoscaling:
    cluster: main
    service: api
    min_capacity: 2
    max_capacity: 10
    cpu: 70
    memory: 75
    schedules:
      - name: evening
        schedule: cron(0 20 * * ? *)
        timezone: Europe/Dublin
        min_capacity: 1
      - name: morning
        schedule: cron(0 7 * * ? *)
        timezone: Europe/Dublin
        min_capacity: 2
"""

RETURN = r"""
service_exists:
  description: Whether there is a service to scale.
  returned: success
  type: bool
  sample: true
policies:
  description: Names of the scaling policies it has from here.
  returned: success
  type: list
  elements: str
  sample: [api-cpu, api-memory]
schedules:
  description: Names of the scheduled actions it has from here.
  returned: success
  type: list
  elements: str
  sample: [api-schedule-evening, api-schedule-morning]
diff:
  description: What has changed, or in check mode what would change, a line for each.
  returned: success
  type: dict
  sample: {"before": "scalable target MaxCapacity: 4\n", "after": "scalable target MaxCapacity: 10\n"}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_service_autoscaling import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
