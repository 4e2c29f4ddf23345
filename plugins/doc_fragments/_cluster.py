# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The cluster of a service or a task.
    DOCUMENTATION = r"""
options:
  cluster:
    description:
      - The cluster, by name or ARN.
    type: str
    required: true
"""
