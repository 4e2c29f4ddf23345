# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What a service will be behind, for what looks at it before it is there.
    DOCUMENTATION = r"""
options:
  load_balancers:
    description:
      - What a new service will be behind, in place of what O(service) is behind.
    type: list
    elements: dict
    suboptions:
      target_group_arn:
        description:
          - The target group.
        type: str
        required: true
      container_name:
        description:
          - The container that it sends to.
        type: str
        required: true
      container_port:
        description:
          - The port of that container.
        type: int
        required: true
"""
