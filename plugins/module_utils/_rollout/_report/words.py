# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the report names times and verdicts for people."""

from __future__ import annotations

import datetime
import re
import typing as t

from .phases import moment

VERDICT_WORDS = {
    "succeeded": "Succeeded",
    "failed": "Failed",
    "rolled_back": "Rolled back",
    "superseded": "Superseded",
    "timed_out": "Timed out",
}


def headline(report: t.Mapping[str, t.Any]) -> str:
    """One sentence that says how it ended."""
    revision = report["task_definition"] or report["deployment_id"] or "The deployment"
    back = report["rolled_back_to"]
    came_back = f"; {back} is back and steady" if back else ""
    if report["verdict"] == "timed_out" and report["cause"] in ("aws_unreachable", "throttled"):
        return f"AWS gave no answer to the end: nobody knows how {revision} stands."
    return {
        "succeeded": f"{revision} is steady.",
        "failed": f"{revision} did not get there{came_back}.",
        "rolled_back": f"{revision} did not work{came_back}.",
        "superseded": f"Another deployment took over from {revision}.",
        "timed_out": f"{revision} was still going when the time was up{came_back}.",
    }[report["verdict"]]


def span(seconds: t.Any) -> str:
    """V(12.3 s), V(95 s), V(14 min 5 s); V(–) for nothing."""
    if seconds is None:
        return "–"
    number = float(seconds)
    if number < 60:
        return f"{number:.1f} s"
    if number < 120:
        return f"{number:.0f} s"
    return f"{int(number // 60)} min {int(number % 60)} s"


def clock(text: str | None) -> str:
    at = moment(text)
    return "–" if at is None else at.strftime("%H:%M:%S")


def day(text: str | None) -> str:
    at = moment(text)
    return "" if at is None else at.strftime("%Y-%m-%d")


def offset(text: str | None, begin: datetime.datetime) -> str:
    """Seconds since the beginning, V(+12.3 s)."""
    at = moment(text)
    if at is None:
        return ""
    seconds = (at - begin).total_seconds()
    return f"{'−' if seconds < 0 else '+'}{abs(seconds):.1f} s"


def event(message: str, service: str) -> str:
    """What ECS said, without the name of the service and with short names for tasks and ARNs."""
    for prefix in (f"(service {service}) ", f"(service {service}, "):
        if message.startswith(prefix):
            message = message[len(prefix) :] if prefix.endswith(") ") else f"({message[len(prefix) :]}"
            break
    message = re.sub(r"\b([0-9a-f]{8})[0-9a-f]{24}\b", r"\1", message)
    return re.sub(r"arn:[\w-]+:elasticloadbalancing:[\w-]*:\d*:targetgroup/([^/\s)]+)/[0-9a-f]+", r"\1", message)


def task_name(task: t.Mapping[str, t.Any]) -> str:
    return str(task["task"] or "")[:8]
