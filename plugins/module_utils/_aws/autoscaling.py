# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Application Auto Scaling: one function per API call, plain data out."""

from __future__ import annotations

import typing as t


def describe_scalable_target(client: t.Any, resource_id: str) -> dict[str, t.Any] | None:
    """What scales the desired count of `service/CLUSTER/SERVICE`, or None when nothing does."""
    answer = client.describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[resource_id], ScalableDimension="ecs:service:DesiredCount"
    )
    targets = answer.get("ScalableTargets") or []
    return targets[0] if targets else None
