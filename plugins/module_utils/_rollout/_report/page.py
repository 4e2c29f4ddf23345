# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one HTML page that needs nothing but itself: no script, no font, no picture, no network."""

from __future__ import annotations

import datetime
import typing as t
from html import escape

from .chart import NARROW, WIDE, chart, failure_swatch, swatch, textures, version_swatch
from .phases import PHASES, moment
from .style import STYLE
from .words import VERDICT_WORDS, clock, day, headline, offset, span, task_name
from .words import event as said

Report = t.Mapping[str, t.Any]

_ICONS = {
    "succeeded": '<path d="M15 27l8 8 15-18"/>',
    "failed": '<path d="M17 17l18 18m0-18L17 35"/>',
    "rolled_back": '<path d="M15 21h15a8 8 0 010 16h-8"/><path d="M21 14l-7 7 7 7"/>',
    "superseded": '<path d="M16 18h14M16 26h20M16 34h14M31 20l6 6-6 6"/>',
    "timed_out": '<path d="M26 15v11l8 5"/>',
}
_BAD_EVENTS = ("unable to", "failed", "unhealthy", "was unable", "circuit breaker")


def page(report: Report) -> str:
    begin = moment(report["began_at"])
    if begin is None:
        raise ValueError("the report has no beginning")
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="robots" content="noindex">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(VERDICT_WORDS[report['verdict']])}: {escape(report['title'])}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        _hero(report),
        "<main>",
        _facts(report),
        _why(report),
        _timeline(report),
        _traffic(report, begin),
        _events(report, begin),
        _identifiers(report),
        "<footer>steadystate.ecs</footer>",
        "</main>",
        "</body>",
        "</html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _hero(report: Report) -> str:
    verdict = report["verdict"]
    cause = report["cause"]
    chip = f'<span class="chip">cause: {escape(str(cause))}</span>' if cause else ""
    return (
        f'<header class="hero {verdict}"><div>'
        f'<p class="over">{escape(report["title"])} · {day(report["began_at"])}, {clock(report["began_at"])} UTC</p>'
        '<div class="line"><svg viewBox="0 0 52 52" aria-hidden="true" fill="none" stroke="#fff" stroke-width="3.6" stroke-linecap="round" '
        f'stroke-linejoin="round"><circle cx="26" cy="26" r="24" stroke-width="2.4" opacity=".55"/>{_ICONS[verdict]}</svg>'
        f"<h1>{VERDICT_WORDS[verdict]}</h1></div>"
        f"<p>{escape(headline(report))}</p>{chip}</div></header>"
    )


def _fact(name: str, value: str, note: str = "", bad: bool = False) -> str:
    small = f"<small>{escape(note)}</small>" if note else ""
    mark = ' class="bad"' if bad else ""
    return f"<div><dt>{escape(name)}</dt><dd{mark}>{escape(value)}{small}</dd></div>"


def _facts(report: Report) -> str:
    new = [task for task in report["tasks"] if task["side"] == "new"]
    failed = sum(task["ending"] == "failed" for task in new)
    good = report["verdict"] == "succeeded"
    found = [_fact("Steady after" if good else "Decided after", span(report["seconds_to_verdict"]))]
    if report["rolled_back_to"]:
        found.append(_fact("Good again after", span(report["seconds"]), f"on {report['rolled_back_to']}"))
    service = report["service"]
    if service["desired_count"] is not None:
        found.append(_fact("Running now", f"{service['running_count']} of {service['desired_count']}", service["task_definition"]))
    if not good or failed:
        found.append(_fact("New tasks failed", f"{failed} of {len(new)}", bad=failed > 0))
    probe = report["probe"]
    if probe:
        found.append(_fact("Requests failed", f"{probe['failed']} of {probe['requests']}", "seen from outside", bool(probe["failed"])))
    if report["api_calls"] is not None and len(found) < 4:
        throttled = f"{report['throttled_calls']} looks throttled" if report["throttled_calls"] else ""
        found.append(_fact("AWS calls", str(report["api_calls"]), throttled))
    return f'<dl class="card facts">{"".join(found)}</dl>'


def _why(report: Report) -> str:
    if report["verdict"] == "succeeded":
        return ""
    parts = ['<section class="card"><h2>Why</h2>']
    if report["evidence"]:
        evidence = "".join(f"<li>{escape(said(item, report['service']['name']))}</li>" for item in report["evidence"])
        parts.append(f'<ul class="evidence">{evidence}</ul>')
    if report["log_tail"]:
        container = report["failed_container"] or "the container"
        parts.append(f"<h3>Last log lines of {escape(container)}, task {escape(str(report['failed_task'] or '')[:8])}</h3>")
        parts.append(f'<pre tabindex="0">{escape(chr(10).join(report["log_tail"]))}</pre>')
    if report["hint"]:
        parts.append(f'<p class="todo"><strong>What to do</strong><span>{escape(report["hint"])}</span></p>')
    if report["rollback"]:
        parts.append(f'<p class="back {"yes" if report["rollback"]["steady"] else "no"}">{escape(report["rollback"]["msg"])}</p>')
    parts.append("</section>")
    return "".join(parts)


def _timeline(report: Report) -> str:
    if not report["tasks"]:
        return ""
    used = {item["phase"] for task in report["tasks"] for item in task["phases"]}
    legend = [f"<li>{swatch(phase)}{escape(words)}</li>" for phase, words in PHASES.items() if phase in used]
    if any(task["ending"] == "failed" for task in report["tasks"]):
        legend.append(
            '<li><svg class="swatch" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">'
            '<circle class="fail" cx="10" cy="10" r="7.5"/><path class="cross" d="M7 7l6 6m0-6l-6 6"/></svg>failed</li>'
        )
    probe = report["probe"]
    if probe and probe.get("series"):
        legend.extend(
            f"<li>{version_swatch(index)}answers of {escape(version)}</li>" for index, version in enumerate(list(probe["versions"])[:5])
        )
        if probe["failed"]:
            legend.append(f"<li>{failure_swatch()}failed requests</li>")
    return (
        f'<section class="card"><h2>Timeline</h2>{textures()}<figure><ul class="legend">{"".join(legend)}</ul>'
        f"{chart(report, WIDE)}{chart(report, NARROW)}"
        f"<figcaption>{clock(report['began_at'])} to {clock(report['ended_at'])} UTC</figcaption></figure>{_table(report)}</section>"
    )


def _table(report: Report) -> str:
    columns = ("created_at", "started_at", "healthy_at", "draining_at", "stopped_at")
    heads = ("task", "revision", "created", "running", "healthy", "draining", "stopped", "why")
    rows = []
    for task in report["tasks"]:
        cells = [f'<td class="mono">{escape(task_name(task))}</td>', f"<td>{escape(str(task['task_definition']))}</td>"]
        cells.extend(f"<td>{clock(task[name])}</td>" for name in columns)
        cells.append(f'<td class="reason">{escape(task["stopped_reason"] or "")}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        '<details><summary>The same as a table</summary><div class="scroll"><table><thead><tr>'
        + "".join(f'<th scope="col">{head}</th>' for head in heads)
        + f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _traffic(report: Report, begin: datetime.datetime) -> str:
    probe = report["probe"]
    if not probe:
        return ""
    pairs = [(f"Answers of {version}", f"{count}") for version, count in probe["versions"].items()]
    if probe["mixed_from"]:
        when = f"{offset(probe['mixed_from'], begin)} to {offset(probe['mixed_to'], begin)}"
        pairs.append(("Both versions answered", f"{when} ({span(probe['mixed_seconds'])})"))
    pairs.append(("Longest time without an answer", span(probe["longest_gap_seconds"])))
    latency = probe["latency_ms"] or {}
    if latency:
        pairs.append(("Latency p50 · p95 · max", f"{latency['p50']:g} · {latency['p95']:g} · {latency['max']:g} ms"))
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
    failures = "".join(f"<li>{escape(reason)} ({count}×)</li>" for reason, count in probe["failures"].items())
    failed = f'<h3>Failed requests</h3><ul class="evidence">{failures}</ul>' if failures else ""
    return (
        f'<section class="card"><h2>Traffic</h2><dl class="pairs">{cells}</dl>{failed}'
        f'<p class="note">{probe["requests"]} requests to {escape(probe["url"])}, one every {probe["interval"]:g} s</p></section>'
    )


def _events(report: Report, begin: datetime.datetime) -> str:
    if not report["events"]:
        return ""
    rows = []
    for event in report["events"]:
        message = said(event["message"], report["service"]["name"])
        bad = ' class="bad"' if any(words in message.lower() for words in _BAD_EVENTS) else ""
        rows.append(
            f'<li><time datetime="{escape(event["at"])}">{offset(event["at"], begin)}</time><span{bad}>{escape(message)}</span></li>'
        )
    return f'<section class="card"><h2>What ECS said</h2><ol class="events">{"".join(rows)}</ol></section>'


def _identifiers(report: Report) -> str:
    pairs = (
        ("Deployment", report["deployment_id"]),
        ("Service deployment", report["service_deployment_arn"]),
        ("Task definition", report["task_definition_arn"]),
        ("AWS calls", report["api_calls"]),
    )
    cells = "".join(f'<div><dt>{name}</dt><dd class="mono">{escape(str(value))}</dd></div>' for name, value in pairs if value is not None)
    return f'<section class="card ids"><h2>Where to look further</h2><dl class="pairs">{cells}</dl></section>'
