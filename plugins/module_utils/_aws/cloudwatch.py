# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amazon CloudWatch: one function per API call, plain data out."""

from __future__ import annotations

import typing as t

from .failures import error_code

# DescribeAlarms and DeleteAlarms take as many names at once (API reference).
_AT_ONCE = 100


def alarms_by_name(client: t.Any, names: list[str]) -> list[dict[str, t.Any]]:
    """The metric alarms of these names that exist."""
    found: list[dict[str, t.Any]] = []
    for start in range(0, len(names), _AT_ONCE):
        answer = client.describe_alarms(AlarmNames=names[start : start + _AT_ONCE], AlarmTypes=["MetricAlarm"], MaxRecords=_AT_ONCE)
        found += [dict(item) for item in answer.get("MetricAlarms", [])]
    return found


def alarms_by_prefix(client: t.Any, prefix: str) -> list[dict[str, t.Any]]:
    """The metric alarms whose names begin so."""
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"])
    return [dict(item) for page in pages for item in page.get("MetricAlarms", [])]


def put_alarm(client: t.Any, request: dict[str, t.Any]) -> None:
    """Create an alarm, or replace all of its settings. Tags count only when it is created."""
    client.put_metric_alarm(**request)


def delete_alarms(client: t.Any, names: list[str]) -> None:
    for start in range(0, len(names), _AT_ONCE):
        client.delete_alarms(AlarmNames=names[start : start + _AT_ONCE])


def tags(client: t.Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in client.list_tags_for_resource(ResourceARN=arn).get("Tags", [])}


def tag(client: t.Any, arn: str, wanted: dict[str, str]) -> None:
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": key, "Value": value} for key, value in wanted.items()])


def dashboard_body(client: t.Any, name: str) -> str | None:
    """The JSON text of a dashboard, or None when there is none of this name."""
    try:
        return str(client.get_dashboard(DashboardName=name)["DashboardBody"])
    except Exception as error:
        if error_code(error) in ("ResourceNotFound", "DashboardNotFoundError"):
            return None
        raise


def put_dashboard(client: t.Any, name: str, body: str) -> list[str]:
    """Create or replace a dashboard. What CloudWatch found odd in it, but took."""
    answer = client.put_dashboard(DashboardName=name, DashboardBody=body)
    return [f"{item.get('DataPath', '')}: {item.get('Message', '')}" for item in answer.get("DashboardValidationMessages", [])]


def delete_dashboard(client: t.Any, name: str) -> None:
    client.delete_dashboards(DashboardNames=[name])
