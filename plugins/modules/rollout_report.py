#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_report
version_added: 0.1.0
short_description: Write what became of a deployment of an Amazon ECS service as a page
description:
  - Writes what M(steadystate.ecs.ecs_service_wait) returned as an HTML page for people, as JSON for programs, and as Markdown for the
    summary of a CI job.
  - The page has the verdict with its cause, evidence and hint, a timeline of the tasks of both revisions, the traffic that the prober
    saw, and the service's events. It is one file that needs no network and no script, for a phone as for a desk, light or dark.
  - The JSON document has the member C(schema). Within one schema, keys are only added.
  - Task definitions and their environment do not get into it. In log lines, what looks like a credential is replaced by asterisks.
  - Talks to nobody, and so has no connection options.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  rollout:
    description:
      - What M(steadystate.ecs.ecs_service_wait) returned, on success or on failure.
    type: dict
    required: true
  path:
    description:
      - Where to write. An existing directory, or a path that ends in a slash, gets files that are named for the task definition and the
        deployment.
      - Anything else is the files' common path. C(.html), C(.json) and C(.md) are added to it, in place of such an ending.
      - Folders that are missing are made.
    type: path
    required: true
  formats:
    description:
      - Which files to write.
    type: list
    elements: str
    choices: [html, json, md]
    default: [html, json, md]
  title:
    description:
      - What the report calls itself. The service and its revision when not given.
    type: str
seealso:
  - module: steadystate.ecs.ecs_service_wait
extends_documentation_fragment:
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
attributes:
  diff_mode:
    details: Of the page, it says only how large it is.
  idempotent:
    details: The same rollout gives the same bytes.
"""

EXAMPLES = r"""
- name: Deploy, and report however it ends
  block:
    - name: Wait for the deployment
      steadystate.ecs.ecs_service_wait:
        service: api
        cluster: main
        deployment_id: "{{ deployed.deployment_id }}"
      register: waited
  always:
    - name: Write the report
      steadystate.ecs.rollout_report:
        rollout: "{{ waited }}"
        path: build/reports/api

- name: Only the summary of a CI job
  steadystate.ecs.rollout_report:
    rollout: "{{ waited }}"
    path: build/summary
    formats: [md]
    title: Release 1.4.0
"""

RETURN = r"""
paths:
  description: The file of each format.
  returned: success
  type: dict
  sample: {"html": "build/reports/api.html", "json": "build/reports/api.json", "md": "build/reports/api.md"}
verdict:
  description: The rollout's verdict.
  returned: success
  type: str
  sample: rolled_back
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.rollout_report import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
