#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_deploy_lock
version_added: 0.1.0
short_description: Keep two deploys of one service apart
description:
  - Takes or releases a lock, a parameter in the SSM Parameter Store that only one of several callers at once can create.
  - A lock of somebody else is never taken away before it expires, unless O(break_owner) names its owner.
    One that has expired is replaced, with a warning that names whose it was.
  - Release it in C(always), which Ansible runs on success and on failure.
  - Ansible runs no C(always) after Ctrl-C or when it is killed. A lock that was taken in the controller process is held by a small process
    beside Ansible, which gives it new time while Ansible runs, and releases it within seconds when Ansible is gone without having done so.
  - What that cannot cover, the expiry does. It cannot cover a controller that stops as a whole, a container that is killed with all its
    processes, and a task that ran as a module, with C(async) or on another host.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  name:
    description:
      - Name of the parameter that is the lock, for example V(/steadystate/locks/main/api).
    type: str
    required: true
  state:
    description:
      - "V(present) takes the lock, V(absent) releases it."
    type: str
    default: present
    choices: [present, absent]
  owner:
    description:
      - Who takes it, for others to read. Left out, the user and the host.
    type: str
  run_id:
    description:
      - What makes this deploy different from all others, for example the number of the pipeline's run.
      - Taking a lock again with the ID that holds it keeps it. Left out, a new one is made and returned.
      - To release a lock, the ID that holds it.
    type: str
  purpose:
    description:
      - What the lock is for, for others to read.
    type: str
    default: ""
  expires_in:
    description:
      - After how many seconds the lock is free again although nobody released it.
      - In the controller process it is extended while Ansible runs. Elsewhere choose it longer than a deploy takes.
    type: int
    default: 3600
  wait:
    description:
      - For how many seconds to wait while somebody else holds it. 0 fails at once.
    type: int
    default: 0
  break_owner:
    description:
      - Take or release the lock although this owner, and only this one, holds it. For deploys that you know to be dead.
    type: str
seealso:
  - module: steadystate.ecs.ecs_service
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.actiongroup_aws
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: Only with a O(run_id). Without one every run is another deploy.
  action:
    support: full
"""

EXAMPLES = r"""
- name: Take the lock
  steadystate.ecs.ecs_deploy_lock:
    name: /steadystate/locks/main/api
    purpose: release 1.1.0
    expires_in: 1800
  register: lock

- name: Deploy with nobody else
  block:
    - name: Start the rollout
      steadystate.ecs.ecs_service:
        name: api
        cluster: main
        task_definition: "{{ registered.task_definition_arn }}"
  always:
    - name: Release the lock
      steadystate.ecs.ecs_deploy_lock:
        name: /steadystate/locks/main/api
        state: absent
        run_id: "{{ lock.run_id }}"

- name: Release the lock of a deploy that is known to be dead
  steadystate.ecs.ecs_deploy_lock:
    name: /steadystate/locks/main/api
    state: absent
    break_owner: ci@runner-7
"""

RETURN = r"""
held:
  description: Whether the lock is held by this deploy now.
  returned: always
  type: bool
  sample: true
run_id:
  description: The ID to release it with.
  returned: always
  type: str
  sample: 1f0c9c4e5a0b4c7c9d2f6f7f7a1f3c55
lock:
  description: The lock as it is, also when somebody else holds it.
  returned: when there is one
  type: dict
  sample:
    owner: ci@runner-7
    run_id: 1f0c9c4e5a0b4c7c9d2f6f7f7a1f3c55
    taken_at: "2026-11-21T12:00:00+00:00"
    expires_at: "2026-11-21T13:00:00+00:00"
    purpose: release 1.1.0
broken:
  description: The lock of somebody else that was broken.
  returned: when one was
  type: dict
  sample:
    owner: ci@runner-6
    run_id: 0d5b7c4e5a0b4c7c9d2f6f7f7a1f3c55
    taken_at: "2026-11-21T10:00:00+00:00"
    expires_at: "2026-11-21T11:00:00+00:00"
    purpose: release 1.0.9
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_deploy_lock import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
