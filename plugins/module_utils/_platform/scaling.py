# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Application Auto Scaling of a service: what is wanted, in the API's shape, and where it differs. Pure."""

from __future__ import annotations

import json
import re
import typing as t

from .differences import Change, of_members

Data = dict[str, t.Any]

METRICS = {
    "cpu": "ECSServiceAverageCPUUtilization",
    "memory": "ECSServiceAverageMemoryUtilization",
    "requests": "ALBRequestCountPerTarget",
}
"""The predefined metric of each kind of target (API reference, PredefinedMetricSpecification)."""
# What a policy means that says nothing of these; for ECS services AWS waits this long (API reference,
# TargetTrackingScalingPolicyConfiguration).
_COOLDOWN_SECONDS = 300
_SCHEDULE = re.compile(r"(cron|rate|at)\(.+\)")


def policies(service: str, targets: dict[str, float], label: str, cooldowns: tuple[int, int], scale_in: bool) -> dict[str, Data]:
    """The policies to have, by name. `targets` has the value to keep, by kind; `cooldowns` are seconds after going out and in."""
    wanted = {}
    for kind, value in targets.items():
        metric: Data = {"PredefinedMetricType": METRICS[kind]}
        if kind == "requests":
            metric["ResourceLabel"] = label
        wanted[f"{service}-{kind}"] = {
            "TargetValue": float(value),
            "PredefinedMetricSpecification": metric,
            "ScaleOutCooldown": cooldowns[0],
            "ScaleInCooldown": cooldowns[1],
            "DisableScaleIn": not scale_in,
        }
    return wanted


def policy_names(service: str) -> set[str]:
    """All names that policies of ours can have. Others are somebody else's, and left alone."""
    return {f"{service}-{kind}" for kind in METRICS}


def actions(service: str, schedules: list[Data]) -> dict[str, Data]:
    """The scheduled actions to have, by name."""
    wanted = {}
    for item in schedules:
        limits = {"MinCapacity": item.get("min_capacity"), "MaxCapacity": item.get("max_capacity")}
        wanted[f"{action_prefix(service)}{item['name']}"] = {
            "Schedule": item["schedule"],
            "Timezone": item.get("timezone") or "UTC",
            "ScalableTargetAction": {key: value for key, value in limits.items() if value is not None},
        }
    return wanted


def action_prefix(service: str) -> str:
    """What the names of our scheduled actions begin with."""
    return f"{service}-schedule-"


def schedule_fault(item: Data) -> str:
    """Why this cannot be a scheduled action; empty when it can."""
    low, high = item.get("min_capacity"), item.get("max_capacity")
    if not _SCHEDULE.fullmatch(item["schedule"]):
        return (
            f"{item['schedule']!r} is no schedule. Use cron(minutes hours day month weekday year), rate(1 day) or at(2026-12-24T18:00:00)."
        )
    if low is None and high is None:
        return "says neither min_capacity nor max_capacity. Give one of them, or both."
    if low is not None and high is not None and low > high:
        return f"min_capacity {low} is more than max_capacity {high}."
    return ""


def limits(found: Data | None, minimum: int, maximum: int, scheduled: t.Iterable[Data]) -> dict[str, int]:
    """The limits that the scalable target is to have.

    A scheduled action moves them, and nothing tells which ran last: a limit that one of `scheduled` sets is taken for its doing, and stays.
    """
    wanted = {"MinCapacity": minimum, "MaxCapacity": maximum}
    for action in scheduled:
        moved = action["ScalableTargetAction"]
        wanted.update({key: found[key] for key in wanted if found is not None and moved.get(key) == found[key]})
    return wanted


def target_changes(found: Data | None, wanted: dict[str, int], suspended: dict[str, bool]) -> list[Change]:
    """Differences of the scalable target from its `limits`, and from what is suspended of its scaling."""
    if found is None:
        return [("", f"scalable target {wanted['MinCapacity']} to {wanted['MaxCapacity']} tasks")]
    there = {**found, "suspended": {key: bool((found.get("SuspendedState") or {}).get(key)) for key in suspended}}
    return of_members("scalable target", there, {**wanted, "suspended": suspended})


def policy_change(name: str, found: Data | None, wanted: Data) -> list[Change]:
    """Differences of one policy."""
    if found is None:
        return [("", f"policy {name}: {json.dumps(wanted, sort_keys=True)}")]
    there = dict(found.get("TargetTrackingScalingPolicyConfiguration") or {})
    there.setdefault("ScaleOutCooldown", _COOLDOWN_SECONDS)
    there.setdefault("ScaleInCooldown", _COOLDOWN_SECONDS)
    there.setdefault("DisableScaleIn", False)
    return of_members(f"policy {name}", there, wanted)


def action_change(name: str, found: Data | None, wanted: Data) -> list[Change]:
    """Differences of one scheduled action."""
    if found is None:
        return [("", f"scheduled action {name}: {json.dumps(wanted, sort_keys=True)}")]
    there = {**found, "Timezone": found.get("Timezone") or "UTC"}
    return of_members(f"scheduled action {name}", there, wanted)
