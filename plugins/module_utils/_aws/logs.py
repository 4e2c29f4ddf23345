# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CloudWatch Logs: one function per API call, plain data out."""

from __future__ import annotations

import typing as t

from .failures import error_code


def tail(client: t.Any, group: str, stream: str, lines: int) -> list[str]:
    """The last messages of a stream, oldest first; empty when the group or the stream does not exist."""
    try:
        answer = client.get_log_events(logGroupName=group, logStreamName=stream, limit=lines, startFromHead=False)
    except Exception as error:
        if error_code(error) == "ResourceNotFoundException":
            return []
        raise
    return [str(event.get("message", "")).rstrip("\n") for event in answer.get("events", [])]


def log_group_exists(client: t.Any, name: str) -> bool:
    return log_group(client, name) is not None


def log_group(client: t.Any, name: str) -> dict[str, t.Any] | None:
    """The log group of exactly this name, or None."""
    answer = client.describe_log_groups(logGroupNamePrefix=name, limit=50)
    while True:
        for group in answer.get("logGroups", []):
            if group.get("logGroupName") == name:
                return dict(group)
        if not answer.get("nextToken"):
            return None
        answer = client.describe_log_groups(logGroupNamePrefix=name, limit=50, nextToken=answer["nextToken"])


def log_group_tags(client: t.Any, arn: str) -> dict[str, str]:
    """The tags of a log group, whose ARN is to have no asterisk at its end."""
    return dict(client.list_tags_for_resource(resourceArn=arn.removesuffix(":*")).get("tags", {}))


def following(client: t.Any, group: str, stream: str, token: str | None) -> tuple[list[str], str | None]:
    """The messages after `token` (None: from the first one), oldest first, and the token to go on with. A missing stream has none yet."""
    lines: list[str] = []
    while True:
        place = {"nextToken": token} if token else {}
        try:
            answer = client.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **place)
        except Exception as error:
            if error_code(error) == "ResourceNotFoundException":
                return lines, token
            raise
        lines.extend(str(event.get("message", "")).rstrip("\n") for event in answer.get("events", []))
        following_token = answer.get("nextForwardToken")
        # The end has been reached when the token is the one that was sent, or nothing came with it.
        if not answer.get("events") or following_token in (None, token):
            return lines, following_token or token
        token = following_token


def create_log_group(client: t.Any, name: str, tags: dict[str, str]) -> None:
    client.create_log_group(logGroupName=name, **({"tags": tags} if tags else {}))


def put_retention(client: t.Any, name: str, days: int) -> None:
    client.put_retention_policy(logGroupName=name, retentionInDays=days)


def tag_log_group(client: t.Any, arn: str, tags: dict[str, str]) -> None:
    client.tag_resource(resourceArn=arn.removesuffix(":*"), tags=tags)
