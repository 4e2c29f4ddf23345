# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Of what keeps tags that others have set.
    DOCUMENTATION = r"""
options:
  tags:
    description:
      - Tags for it, or for each of them. Other tags are left alone.
    type: dict
    default: {}
"""
