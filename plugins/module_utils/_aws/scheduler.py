# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amazon EventBridge Scheduler: one function per API call, plain data out."""

from __future__ import annotations

import typing as t


def list_schedules(client: t.Any) -> list[dict[str, t.Any]]:
    """Every schedule of every group as a brief, with `Name`, `GroupName` and the ARN of its `Target`."""
    found: list[dict[str, t.Any]] = []
    request: dict[str, t.Any] = {}
    while True:
        answer = client.list_schedules(**request)
        found.extend(answer.get("Schedules", []))
        if not answer.get("NextToken"):
            return found
        request["NextToken"] = answer["NextToken"]


def get_schedule(client: t.Any, group: str, name: str) -> dict[str, t.Any]:
    return dict(client.get_schedule(GroupName=group, Name=name))
