# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CloudWatch alarms: what is wanted, in the API's shape, and where it differs. Pure."""

from __future__ import annotations

import typing as t

from .differences import Change, of_members

Data = dict[str, t.Any]

# What an alarm has that says nothing of these (API reference, PutMetricAlarm).
_DEFAULTS: Data = {
    "AlarmDescription": "",
    "ActionsEnabled": True,
    "OKActions": [],
    "AlarmActions": [],
    "InsufficientDataActions": [],
    "TreatMissingData": "missing",
}
_UNORDERED = frozenset({"OKActions", "AlarmActions", "InsufficientDataActions"})


def request(alarm: Data) -> Data:
    """What PutMetricAlarm gets for an alarm of the module's options: all of it, for a put replaces every setting."""
    wanted: Data = {
        "AlarmName": alarm["name"],
        "AlarmDescription": alarm.get("description") or "",
        "ActionsEnabled": True,
        "OKActions": sorted(set(alarm.get("ok_actions") or [])),
        "AlarmActions": sorted(set(alarm.get("alarm_actions") or [])),
        "InsufficientDataActions": sorted(set(alarm.get("insufficient_data_actions") or [])),
        "EvaluationPeriods": alarm["evaluation_periods"],
        "DatapointsToAlarm": alarm.get("datapoints_to_alarm") or alarm["evaluation_periods"],
        "Threshold": float(alarm["threshold"]),
        "ComparisonOperator": alarm["comparison"],
        "TreatMissingData": alarm.get("treat_missing_data") or "missing",
    }
    if alarm.get("metrics"):
        wanted["Metrics"] = alarm["metrics"]
        return wanted
    statistic = alarm["statistic"]
    # Percentiles and their like have a member of their own.
    wanted["Statistic" if statistic in ("SampleCount", "Average", "Sum", "Minimum", "Maximum") else "ExtendedStatistic"] = statistic
    dimensions = [{"Name": key, "Value": str(value)} for key, value in sorted((alarm.get("dimensions") or {}).items())]
    return {**wanted, "Namespace": alarm["namespace"], "MetricName": alarm["metric"], "Dimensions": dimensions, "Period": alarm["period"]}


def changes(found: Data | None, wanted: Data) -> list[Change]:
    """Differences of an alarm from its request."""
    where = f"alarm {wanted['AlarmName']}"
    if found is None:
        return [("", where)]
    there = _settings(found)
    asked = _settings(wanted)
    if ("Metrics" in asked) != bool(there.get("Metrics")):
        return [(f"{where} on {'an expression' if there.get('Metrics') else there.get('MetricName')}", where)]
    return of_members(where, there, {key: value for key, value in asked.items() if key != "AlarmName"})


def _settings(alarm: Data) -> Data:
    told = {key: value for key, value in alarm.items() if value is not None}
    settings = {**_DEFAULTS, "DatapointsToAlarm": told.get("EvaluationPeriods"), **told}
    for key in _UNORDERED:
        settings[key] = sorted(settings[key])
    settings["Dimensions"] = _dimensions(settings.get("Dimensions", []))
    if settings.get("Metrics"):
        settings["Metrics"] = [_query(item) for item in sorted(settings["Metrics"], key=lambda item: str(item["Id"]))]
    if settings.get("Threshold") is not None:
        settings["Threshold"] = float(settings["Threshold"])
    return settings


def _query(item: Data) -> Data:
    """A metric data query without what was left out, and with what that means."""
    query = {key: value for key, value in item.items() if value is not None}
    query.setdefault("ReturnData", True)
    if query.get("MetricStat"):
        stat = {key: value for key, value in query["MetricStat"].items() if value is not None}
        metric = stat["Metric"]
        query["MetricStat"] = {
            **stat,
            "Period": int(stat["Period"]),
            "Metric": {**metric, "Dimensions": _dimensions(metric.get("Dimensions", []))},
        }
    return query


def _dimensions(dimensions: list[Data]) -> list[Data]:
    return sorted(({"Name": item["Name"], "Value": item["Value"]} for item in dimensions), key=lambda item: str(item["Name"]))
