# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as Markdown, as the summary page of a CI job shows it. What others wrote is shown as text, never as markup."""

from __future__ import annotations

import re
import typing as t

from .phases import moment
from .words import VERDICT_WORDS, clock, headline, offset, span, task_name
from .words import event as said

_SIGNS = {"succeeded": "✅", "failed": "❌", "rolled_back": "↩️", "superseded": "⏭️", "timed_out": "⌛"}
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|<>~&@])")
_MOST_TASKS = 40


def markdown(report: t.Mapping[str, t.Any]) -> str:
    begin = moment(report["began_at"])
    if begin is None:
        raise ValueError("the report has no beginning")
    lines = [
        f"## {_SIGNS[report['verdict']]} {VERDICT_WORDS[report['verdict']]}: {plain(report['title'])}",
        "",
        plain(headline(report)),
        "",
    ]
    lines.extend(_facts(report))
    lines.extend(_why(report))
    lines.extend(_tasks(report))
    if report["events"]:
        lines += ["<details><summary>What ECS said</summary>", ""]
        lines += [
            f"- {offset(event['at'], begin)} {plain(said(event['message'], report['service']['name']))}" for event in report["events"]
        ]
        lines += ["", "</details>", ""]
    return "\n".join(lines)


def plain(text: t.Any) -> str:
    """`text` on one line, with what Markdown or HTML would read as markup made harmless."""
    return _MARKUP.sub(r"\\\1", " ".join(str(text).split()))


def _facts(report: t.Mapping[str, t.Any]) -> list[str]:
    service, probe = report["service"], report["probe"]
    rows = []
    if report["cause"]:
        rows.append(("Cause", f"**{plain(report['cause'])}**"))
    rows.append(("Decided after", span(report["seconds_to_verdict"])))
    if report["rolled_back_to"]:
        rows.append(("Good again after", f"{span(report['seconds'])}, on {plain(report['rolled_back_to'])}"))
    if service["desired_count"] is not None:
        rows.append(("Running", f"{service['running_count']} of {service['desired_count']}, {plain(service['task_definition'])}"))
    if probe:
        rows.append(("Requests failed", f"{probe['failed']} of {probe['requests']}"))
        rows.append(("Versions seen", ", ".join(f"{plain(version)} {count}×" for version, count in probe["versions"].items()) or "none"))
        rows.append(("Longest time without an answer", span(probe["longest_gap_seconds"])))
    return ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows), ""]


def _why(report: t.Mapping[str, t.Any]) -> list[str]:
    if report["verdict"] == "succeeded":
        return []
    lines = ["### Why", "", *(f"- {plain(said(item, report['service']['name']))}" for item in report["evidence"]), ""]
    if report["log_tail"]:
        lines += [f"Last log lines of {plain(report['failed_container'] or 'the container')}:", "", *_fenced(report["log_tail"]), ""]
    if report["hint"]:
        lines += [f"**What to do:** {plain(report['hint'])}", ""]
    if report["rollback"]:
        lines += [f"**Put back:** {plain(report['rollback']['msg'])}", ""]
    return lines


def _fenced(lines: t.Sequence[str]) -> list[str]:
    """A code block whose fence is longer than any row of backquotes in it."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *lines, fence]


def _tasks(report: t.Mapping[str, t.Any]) -> list[str]:
    tasks = report["tasks"]
    if not tasks:
        return []
    lines = [
        "| task | revision | created | running | healthy | draining | stopped | |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    columns = ("created_at", "started_at", "healthy_at", "draining_at", "stopped_at")
    for task in tasks[:_MOST_TASKS]:
        cells = [task_name(task), plain(task["task_definition"]), *(clock(task[name]) for name in columns)]
        lines.append(f"| {' | '.join(cells)} | {'✕ ' + plain(task['why']) if task['ending'] == 'failed' else ''} |")
    if len(tasks) > _MOST_TASKS:
        lines += ["", f"and {len(tasks) - _MOST_TASKS} more tasks"]
    return [*lines, ""]
