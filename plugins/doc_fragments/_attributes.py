# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return what would change, without changing it.
  diff_mode:
    description: Returns what has changed, or in check mode what would change, when in diff mode.
  idempotent:
    description: A second run with the same options and the same state of the world changes nothing.
  action:
    description: Runs in the controller process when the task is for the local host, and prints its progress as it happens.
"""

    ACTIONGROUP_AWS = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/steadystate.ecs.aws) in C(module_defaults) to set the connection options of all modules at once.
    support: full
    membership:
      - steadystate.ecs.aws
"""

    # Of what brings something to a state and can say beforehand what it would do.
    KEEPS = r"""
options: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  action:
    support: full
"""

    READS = r"""
options: {}
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
