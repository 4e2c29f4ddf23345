# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Of what has nothing to add to the two words.
    DOCUMENTATION = r"""
options:
  state:
    description:
      - Whether it is there.
    type: str
    default: present
    choices: [present, absent]
"""
