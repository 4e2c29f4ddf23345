# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The timeline as SVG: a row for each task, told apart by shape and texture as well as by colour, and the traffic below."""

from __future__ import annotations

import datetime
import html
import typing as t
from dataclasses import dataclass, field

from .phases import PHASES, moment
from .words import clock, span, task_name

_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_HEIGHTS = {"placing": 4.0, "pulling": 8.0, "starting": 11.0, "running": 14.0, "healthy": 18.0, "draining": 14.0, "stopping": 6.0}
_MOST_ROWS = 60
"""For each side. A service with more tasks shows the first of them; the document has all."""
_BAND_HEIGHT = 46.0
_VERSION_CLASSES = 5


@dataclass(frozen=True)
class Layout:
    name: str
    width: float
    gutter: float
    row: float
    label_above: float
    """How much of a row's height its label takes when it stands above the bar."""
    ticks: int


WIDE = Layout("wide", 960, 196, 28, 0, 10)
NARROW = Layout("narrow", 360, 0, 42, 17, 4)


@dataclass
class _Canvas:
    layout: Layout
    begin: datetime.datetime
    seconds: float
    parts: list[str] = field(default_factory=list)
    y: float = 0

    def x(self, at: datetime.datetime) -> float:
        share = (at - self.begin).total_seconds() / self.seconds
        return self.layout.gutter + min(1.0, max(0.0, share)) * (self.layout.width - self.layout.gutter - 6)

    def rail(self, y: float) -> None:
        """A thin line over the whole time."""
        self.parts.append(f'<line class="rail" x1="{self.layout.gutter:g}" x2="{self.layout.width - 6:g}" y1="{y:.1f}" y2="{y:.1f}"/>')

    def text(self, x: float, y: float, words: str, style: str, anchor: str = "start") -> None:
        self.parts.append(f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(words)}</text>')


def chart(report: t.Mapping[str, t.Any], layout: Layout) -> str:
    """One SVG element for the whole timeline in this layout."""
    begin, end = moment(report["began_at"]), moment(report["ended_at"])
    if begin is None or end is None:
        return ""
    canvas = _Canvas(layout, begin, max((end - begin).total_seconds(), 0.1))
    canvas.y = 34
    for side, words in (("new", "New"), ("old", "Old")):
        _side(canvas, [task for task in report["tasks"] if task["side"] == side], words)
    if report["probe"] and report["probe"].get("series"):
        _traffic(canvas, report["probe"])
    height = canvas.y + 8
    prefix = layout.name
    return (
        f'<svg class="chart {prefix}" viewBox="0 0 {layout.width:g} {height:.0f}" role="img" '
        f'aria-labelledby="{prefix}-title {prefix}-desc" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{prefix}-title">Timeline of the tasks</title><desc id="{prefix}-desc">{html.escape(_description(report))}</desc>'
        + "".join(_axis(canvas, height))
        + "".join(canvas.parts)
        + _verdict(canvas, report, height)
        + "</svg>"
    )


def textures() -> str:
    """The patterns that tell phases and versions apart where colours do not. Once for the page: those of a hidden picture do not work."""
    return (
        '<svg width="0" height="0" aria-hidden="true" class="textures"><defs>'
        '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect class="p-draining" width="6" height="6"/><rect class="texture" width="2" height="6"/></pattern>'
        '<pattern id="dots" width="5" height="5" patternUnits="userSpaceOnUse">'
        '<rect class="p-running" width="5" height="5"/><circle class="texture" cx="2.5" cy="2.5" r="1"/></pattern>'
        '<pattern id="bars" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect class="v0" width="5" height="5"/><rect class="texture" width="1.5" height="5"/></pattern>'
        "</defs></svg>"
    )


def swatch(phase: str) -> str:
    """The phase as it looks in the chart, for the legend."""
    height = _HEIGHTS[phase]
    return (
        '<svg class="swatch" viewBox="0 0 26 20" width="26" height="20" aria-hidden="true">'
        f'<rect x="1" y="{10 - height / 2:g}" width="24" height="{height:g}" rx="2" {_paint(phase)}/></svg>'
    )


def version_swatch(index: int) -> str:
    return (
        '<svg class="swatch" viewBox="0 0 26 20" width="26" height="20" aria-hidden="true">'
        f'<rect x="1" y="3" width="24" height="14" rx="2" {_version_paint(index)}/></svg>'
    )


def failure_swatch() -> str:
    return (
        '<svg class="swatch" viewBox="0 0 26 20" width="26" height="20" aria-hidden="true">'
        '<rect class="p-failed" x="1" y="9" width="24" height="8"/><path class="p-failed" d="M8 1h10l-5 7z"/></svg>'
    )


def _paint(phase: str) -> str:
    if phase == "draining":
        return 'fill="url(#hatch)"'
    if phase == "running":
        return 'fill="url(#dots)"'
    return f'class="p-{phase}"'


def _version_paint(index: int) -> str:
    return 'fill="url(#bars)"' if index == 0 else f'class="v{min(index, _VERSION_CLASSES - 1)}"'


def _side(canvas: _Canvas, tasks: list[t.Mapping[str, t.Any]], words: str) -> None:
    if not tasks:
        return
    revisions = list(dict.fromkeys(str(task["task_definition"]) for task in tasks))
    canvas.y += 10
    canvas.text(0, canvas.y + 12, f"{words} · {', '.join(revisions)}", "side")
    canvas.y += 24
    for task in tasks[:_MOST_ROWS]:
        _row(canvas, task)
    if len(tasks) > _MOST_ROWS:
        canvas.text(0, canvas.y + 14, f"and {len(tasks) - _MOST_ROWS} more, in the table below", "note")
        canvas.y += 22


def _row(canvas: _Canvas, task: t.Mapping[str, t.Any]) -> None:
    layout = canvas.layout
    middle = canvas.y + layout.label_above + (layout.row - layout.label_above) / 2
    label = canvas.y + 12 if layout.label_above else middle + 4
    failed = task["ending"] == "failed"
    canvas.parts.append(f'<g class="task"><title>{html.escape(_sentence(task, canvas.begin))}</title>')
    canvas.text(0, label, task_name(task), "id bad" if failed else "id")
    if failed:
        canvas.text(72, label, task["why"][:20] if not layout.label_above else task["why"], "why")
    canvas.rail(middle)
    for item in task["phases"]:
        start, stop = moment(item["from"]), moment(item["to"])
        if start is None or stop is None:
            continue
        left, right = canvas.x(start), canvas.x(stop)
        height = _HEIGHTS[item["phase"]]
        canvas.parts.append(
            f'<rect x="{left:.1f}" y="{middle - height / 2:.1f}" width="{max(right - left, 1.2):.1f}" height="{height:g}" rx="2" '
            f"{_paint(item['phase'])}><title>{html.escape(PHASES[item['phase']])}, "
            f"{span((stop - start).total_seconds())}</title></rect>"
        )
    _end_mark(canvas, task, middle)
    canvas.parts.append("</g>")
    canvas.y += layout.row


def _end_mark(canvas: _Canvas, task: t.Mapping[str, t.Any], middle: float) -> None:
    """A cross for a failure, a small square for a task that was asked to stop, nothing for one that lives."""
    gone = moment(task["stopped_at"]) or moment(task["stopping_at"])
    if task["ending"] == "failed":
        stops = [item for item in task["phases"] if item["phase"] == "stopping"]
        at = moment(stops[0]["from"]) if stops else gone
        if at is not None:
            x = min(canvas.x(at), canvas.layout.width - 12)
            canvas.parts.append(
                f'<circle class="fail" cx="{x:.1f}" cy="{middle:.1f}" r="7.5"/>'
                f'<path class="cross" d="M{x - 3:.1f} {middle - 3:.1f}l6 6m0 -6l-6 6"/>'
            )
    elif task["ending"] == "stopped" and task["stopped_at"] and gone is not None:
        x = canvas.x(gone)
        canvas.parts.append(f'<rect class="gone" x="{x - 3:.1f}" y="{middle - 4:.1f}" width="5" height="8" rx="1"/>')


def _axis(canvas: _Canvas, height: float) -> list[str]:
    layout = canvas.layout
    step = next(
        (item for item in _STEPS if canvas.seconds / item <= layout.ticks), 3600 * max(1, round(canvas.seconds / 3600 / layout.ticks))
    )
    found = []
    count = int(canvas.seconds // step)
    for index in range(count + 1):
        seconds = index * step
        x = canvas.x(canvas.begin + datetime.timedelta(seconds=seconds))
        words = f"{seconds:g} s" if canvas.seconds < 180 else f"{int(seconds // 60)}:{int(seconds % 60):02d}"
        anchor = "start" if index == 0 else "end" if x > layout.width - 20 else "middle"
        found.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="26" y2="{height:.0f}"/>')
        found.append(f'<text class="tick" x="{x:.1f}" y="16" text-anchor="{anchor}">{words}</text>')
    return found


def _verdict(canvas: _Canvas, report: t.Mapping[str, t.Any], height: float) -> str:
    decided = moment(report["decided_at"])
    if decided is None:
        return ""
    x = canvas.x(decided)
    anchor = "end" if x > canvas.layout.width * 0.6 else "start"
    shift = -6 if anchor == "end" else 6
    return (
        f'<g class="verdict-mark"><line x1="{x:.1f}" x2="{x:.1f}" y1="24" y2="{height:.0f}"/>'
        f'<path d="M{x - 5:.1f} 22h10l-5 7z"/>'
        f'<text x="{x + shift:.1f}" y="34" text-anchor="{anchor}">verdict</text></g>'
    )


def _traffic(canvas: _Canvas, probe: t.Mapping[str, t.Any]) -> None:
    """Of each slice of time, how many answers came from which version; failures as triangles above."""
    canvas.y += 16
    canvas.text(0, canvas.y + 12, "Traffic · which version answered", "side")
    canvas.y += 36
    base = canvas.y + _BAND_HEIGHT
    versions = list(probe["versions"])
    canvas.rail(base + 0.5)
    if not canvas.layout.label_above:
        for index, version in enumerate(versions[:_VERSION_CLASSES]):
            canvas.text(0, base - _BAND_HEIGHT + 12 + 16 * index, f"{version[:16]}  {probe['versions'][version]}×", "id")
    for item in probe["series"]:
        start, stop = moment(item.get("from")), moment(item.get("to"))
        if start is None or stop is None or stop < canvas.begin:
            continue
        left, right = canvas.x(start), canvas.x(stop)
        answered = item.get("versions") or {}
        total = sum(answered.values()) + int(item.get("failed") or 0)
        bottom = base
        canvas.parts.append(f"<g><title>{html.escape(_slice(item, answered))}</title>")
        for index, version in enumerate(versions):
            if answered.get(version):
                height = _BAND_HEIGHT * answered[version] / total
                bottom -= height
                canvas.parts.append(
                    f'<rect x="{left:.1f}" y="{bottom:.1f}" width="{max(right - left + 0.2, 1):.1f}" height="{height:.1f}" '
                    f"{_version_paint(index)}/>"
                )
        if item.get("failed"):
            height = _BAND_HEIGHT * int(item["failed"]) / total
            middle = (left + right) / 2
            canvas.parts.append(
                f'<rect class="p-failed" x="{left:.1f}" y="{bottom - height:.1f}" width="{max(right - left, 1.5):.1f}" '
                f'height="{height:.1f}"/>'
                f'<path class="p-failed" d="M{middle - 5:.1f} {base - _BAND_HEIGHT - 12:.1f}h10l-5 8z"/>'
            )
        canvas.parts.append("</g>")
    canvas.y = base + 6


def _slice(item: t.Mapping[str, t.Any], answered: t.Mapping[str, int]) -> str:
    words = [f"{version} {count}×" for version, count in answered.items()]
    if item.get("failed"):
        words.append(f"failed {item['failed']}×")
    return f"{clock(item['from'])} to {clock(item['to'])}: {', '.join(words)}"


def _sentence(task: t.Mapping[str, t.Any], begin: datetime.datetime) -> str:
    words = [f"task {task_name(task)} of {task['task_definition']}"]
    for item in task["phases"]:
        start = moment(item["from"])
        if start is not None:
            words.append(f"{PHASES[item['phase']]} from {(start - begin).total_seconds():.1f} s")
    if task["ending"] != "alive":
        words.append(f"failed: {task['stopped_reason'] or task['why']}" if task["ending"] == "failed" else "stopped")
    return "; ".join(words)


def _description(report: t.Mapping[str, t.Any]) -> str:
    tasks = report["tasks"]
    new = [task for task in tasks if task["side"] == "new"]
    failed = sum(task["ending"] == "failed" for task in new)
    healthy = sum(task["healthy_at"] is not None for task in new)
    return (
        f"{len(new)} tasks of the new deployment, of which {healthy} became healthy and {failed} failed; "
        f"{len(tasks) - len(new)} tasks of older deployments. The table below the chart says the same in words."
    )
