# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Elastic Load Balancing v2: one function per API call, plain data out."""

from __future__ import annotations

import typing as t

from .failures import error_code


def describe_target_health(client: t.Any, target_group_arn: str) -> list[dict[str, t.Any]] | None:
    """The health of every target of a group, or None when the group does not exist."""
    try:
        answer = client.describe_target_health(TargetGroupArn=target_group_arn)
    except Exception as error:
        if error_code(error) in ("TargetGroupNotFound", "TargetGroupNotFoundException"):
            return None
        raise
    return t.cast("list[dict[str, t.Any]]", answer.get("TargetHealthDescriptions", []))


def describe_target_group(client: t.Any, arn: str) -> dict[str, t.Any] | None:
    """A target group, or None when there is none of this ARN."""
    return _target_group(client, TargetGroupArns=[arn])


def find_target_group(client: t.Any, name: str) -> dict[str, t.Any] | None:
    """A target group, or None when there is none of this name."""
    return _target_group(client, Names=[name])


def _target_group(client: t.Any, **which: list[str]) -> dict[str, t.Any] | None:
    try:
        found = client.describe_target_groups(**which).get("TargetGroups", [])
    except Exception as error:
        if error_code(error) in ("TargetGroupNotFound", "TargetGroupNotFoundException"):
            return None
        raise
    return dict(found[0]) if found else None
