# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps many CloudWatch alarms at once: one look at all of them, and a write for each that differs."""

from __future__ import annotations

import typing as t

from .._aws import cloudwatch
from .._platform import alarms as pure
from .._platform.differences import Change, as_diff, of_members
from .._platform.tags import pairs, texts
from .._verb import Context, Verb, VerbFailure
from ._shared import Data

_ACTIONS: dict[str, t.Any] = {"type": "list", "elements": "str", "default": []}
ARGUMENT_SPEC: dict[str, t.Any] = {
    "alarms": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "description": {"type": "str", "default": ""},
            "namespace": {"type": "str"},
            "metric": {"type": "str"},
            "dimensions": {"type": "dict", "default": {}},
            "statistic": {"type": "str", "default": "Average"},
            "period": {"type": "int", "default": 60},
            "metrics": {"type": "list", "elements": "dict"},
            "evaluation_periods": {"type": "int", "default": 1},
            "datapoints_to_alarm": {"type": "int"},
            "threshold": {"type": "float", "required": True},
            "comparison": {
                "type": "str",
                "choices": [
                    "GreaterThanOrEqualToThreshold",
                    "GreaterThanThreshold",
                    "LessThanThreshold",
                    "LessThanOrEqualToThreshold",
                ],
                "default": "GreaterThanOrEqualToThreshold",
            },
            "treat_missing_data": {
                "type": "str",
                "choices": ["breaching", "notBreaching", "ignore", "missing"],
                "default": "missing",
            },
            "alarm_actions": _ACTIONS,
            "ok_actions": _ACTIONS,
            "insufficient_data_actions": _ACTIONS,
        },
    },
    "purge_prefix": {"type": "str"},
    "tags": {"type": "dict", "default": {}},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    _check(params)
    client = context.client("cloudwatch")
    tags = texts(params["tags"])
    wanted = {alarm["name"]: pure.request(alarm) for alarm in params["alarms"]}
    found = {item["AlarmName"]: item for item in _read(client, params["purge_prefix"], list(wanted))}
    changes: list[Change] = []
    for name, request in wanted.items():
        changes += _settle(client, found.get(name), request, tags, context)
    gone = sorted(found.keys() - wanted.keys())
    if gone and not context.check_mode:
        cloudwatch.delete_alarms(client, gone)
    changes += [(f"alarm {name}", "") for name in gone]
    return {
        "changed": bool(changes),
        "alarms": {name: found[name].get("StateValue", "") if name in found else "INSUFFICIENT_DATA" for name in wanted},
        "removed": gone,
        "diff": as_diff(changes),
    }


def _check(params: Data) -> None:
    seen: set[str] = set()
    for index, alarm in enumerate(params["alarms"]):
        where = f"alarms[{index}] ({alarm['name']})"
        if alarm["name"] in seen:
            raise VerbFailure(f"{where}: this name is given twice. Give each alarm a name of its own.")
        seen.add(alarm["name"])
        if len(alarm["name"]) > 255:
            raise VerbFailure(f"{where}: the name has {len(alarm['name'])} characters. Use at most 255.")
        if bool(alarm["metrics"]) == bool(alarm["namespace"] and alarm["metric"]):
            raise VerbFailure(
                f"{where}: an alarm is on one metric, with namespace and metric, or on an expression, with metrics. Give one of both."
            )
        if params["purge_prefix"] and not alarm["name"].startswith(params["purge_prefix"]):
            raise VerbFailure(
                f"{where}: the name does not begin with purge_prefix, {params['purge_prefix']!r}. Let it, or leave purge_prefix out."
            )
        if alarm["datapoints_to_alarm"] is not None and not 1 <= alarm["datapoints_to_alarm"] <= alarm["evaluation_periods"]:
            raise VerbFailure(
                f"{where}: datapoints_to_alarm, {alarm['datapoints_to_alarm']}, is not between 1 and evaluation_periods, "
                f"{alarm['evaluation_periods']}."
            )


def _read(client: t.Any, prefix: str | None, names: list[str]) -> list[Data]:
    return cloudwatch.alarms_by_prefix(client, prefix) if prefix else cloudwatch.alarms_by_name(client, names)


def _settle(client: t.Any, found: Data | None, request: Data, tags: dict[str, str], context: Context) -> list[Change]:
    changes = pure.changes(found, request)
    if changes and not context.check_mode:
        new = {"Tags": pairs(tags)} if tags and found is None else {}
        cloudwatch.put_alarm(client, {**request, **new})
    if found is None or not tags:
        return changes
    missing = of_members(f"alarm {request['AlarmName']} tag", cloudwatch.tags(client, found["AlarmArn"]), tags)
    if missing and not context.check_mode:
        cloudwatch.tag(client, found["AlarmArn"], tags)
    return [*changes, *missing]


VERB = Verb(name="cloudwatch_alarms", argument_spec=ARGUMENT_SPEC, run=run)
