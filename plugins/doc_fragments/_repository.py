# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The repository of images.
    DOCUMENTATION = r"""
options:
  repository:
    description:
      - Name of the ECR repository, without the registry, for example V(team/api).
    type: str
    required: true
  registry_id:
    description:
      - ID of the AWS account that the repository belongs to, in quotes. The account of the credentials when not given.
    type: str
"""
