# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report: phases of every task, and a page that holds under a strict reader whatever others wrote into it."""

from __future__ import annotations

import datetime
import html.parser
import json
import re
import typing as t
import xml.etree.ElementTree as ET

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout._report.document import SCHEMA, document
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout._report.markdown import markdown
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout._report.page import page
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout._report.phases import ending, phases
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout._report.scrub import scrub
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollout.rollouts_for_reports import BEGIN, NEW, OLD, bad, good, row

END = BEGIN + datetime.timedelta(seconds=40)
VOID = {"meta", "br", "hr", "link", "img", "input"}
HOSTILE = "</style></svg><script>alert(1)</script><img src=x onerror=alert(1)> & \" ' | `` [a](javascript:b) \x1b[31m"


class StrictReader(html.parser.HTMLParser):
    """Fails on anything that is not closed in order, and keeps what tags, attributes and text there are."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> StrictReader:
    reader = StrictReader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def pictures(text: str) -> list[ET.Element]:
    return [ET.fromstring(found) for found in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]


def seconds(found: list[dict[str, t.Any]]) -> list[tuple[str, float, float]]:
    return [(item["phase"], (item["from"] - BEGIN).total_seconds(), (item["to"] - BEGIN).total_seconds()) for item in found]


def hostile(value: t.Any) -> t.Any:
    """`value` with markup in every text that others write: reasons, names, events, versions."""
    if isinstance(value, dict):
        keep = {"verdict", "deployment_id", "stop_code"}
        return {
            (HOSTILE + key if key in ("HTTP 503", "1.0.0") else key): item
            if key in keep or key.endswith("_at") or key in ("from", "to", "at", "mixed_from", "mixed_to")
            else hostile(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return value + HOSTILE if isinstance(value, str) else value


def test_the_phases_of_a_life_follow_each_other() -> None:
    life = row(
        1,
        13,
        NEW,
        created=1,
        pull_started=3,
        pull_stopped=8,
        started=9.5,
        healthy=22,
        draining=30,
        execution_stopped=34,
        stopped=36,
        stop_code="ServiceSchedulerInitiated",
    )
    assert seconds(phases(life, BEGIN, END)) == [
        ("placing", 1, 3),
        ("pulling", 3, 8),
        ("starting", 8, 9.5),
        ("running", 9.5, 22),
        ("healthy", 22, 30),
        ("draining", 30, 34),
        ("stopping", 34, 36),
    ]


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        pytest.param(row(1, 1, NEW, created=5), [("placing", 5, 40)], id="nowhere yet"),
        pytest.param(row(1, 1, OLD, created=-900, started=-890, healthy=0.3), [("healthy", 0, 40)], id="healthy before anybody looked"),
        pytest.param(row(1, 1, OLD, created=-900, started=-890), [("running", 0, 40)], id="never seen healthy"),
        pytest.param(
            row(1, 1, NEW, created=1, started=5, execution_stopped=7, stopping=7.5, stopped=9, stop_code="EssentialContainerExited"),
            [("placing", 1, 5), ("running", 5, 7), ("stopping", 7, 9)],
            id="a crash drains nothing",
        ),
        pytest.param(
            row(1, 1, NEW, created=1, stopping=3, stopped=4, stop_code="TaskFailedToStart"),
            [("placing", 1, 3), ("stopping", 3, 4)],
            id="never ran",
        ),
        pytest.param(row(1, 1, NEW, created=3, started=2, healthy=6), [("running", 3, 6), ("healthy", 6, 40)], id="clocks that differ"),
        pytest.param(row(1, 1, OLD, created=-900, started=-890, stopped=-5), [], id="gone before"),
    ],
)
def test_phases(life: dict[str, t.Any], expected: list[tuple[str, float, float]]) -> None:
    assert seconds(phases(life, BEGIN, END)) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ("alive", "")),
        ({"stopped": 9, "stop_code": "ServiceSchedulerInitiated", "stopped_reason": "Scaling activity initiated by x"}, ("stopped", "")),
        ({"stopped": 9, "stop_code": "UserInitiated", "stopped_reason": "Task stopped by user"}, ("stopped", "")),
        (
            {"stopped": 9, "stop_code": "ServiceSchedulerInitiated", "stopped_reason": "Task failed ELB health checks in (target-group x)"},
            ("failed", "unhealthy"),
        ),
        ({"stopped": 9, "stop_code": "EssentialContainerExited", "containers": [{"exit_code": 3}]}, ("failed", "exit code 3")),
        (
            {"stopped": 9, "stop_code": "TaskFailedToStart", "stopped_reason": "CannotPullContainerError: pull image manifest"},
            ("failed", "CannotPullContainerError"),
        ),
    ],
)
def test_how_a_task_ended(more: dict[str, t.Any], expected: tuple[str, str]) -> None:
    assert ending(row(1, 1, NEW, created=1, **more)) == expected


def test_the_document() -> None:
    report = document(bad())
    assert report["schema"] == SCHEMA
    assert (report["title"], report["verdict"], report["task_definition"], report["rolled_back_to"]) == (
        "api:14",
        "rolled_back",
        "api:14",
        "api:13",
    )
    assert [(task["side"], task["ending"], task["is_evidence"]) for task in report["tasks"]] == [
        ("new", "failed", True),
        ("new", "failed", False),
        ("old", "alive", False),
    ]
    assert json.loads(json.dumps(report)) == report
    assert document(bad(), "Release 1.4.0")["title"] == "Release 1.4.0"


def test_what_is_no_rollout_is_refused() -> None:
    with pytest.raises(ValueError, match="verdict is None"):
        document({"changed": False})


def test_only_what_is_named_gets_in() -> None:
    rollout = good()
    rollout["environment"] = {"DATABASE_PASSWORD": "hunter2"}
    rollout["service"]["container_definitions"] = [{"environment": [{"name": "X", "value": "hunter2"}]}]
    rollout["timeline"]["tasks"][0]["overrides"] = {"environment": "hunter2"}
    rollout["probe"]["body"] = "hunter2"
    report = document(rollout)
    assert "hunter2" not in json.dumps(report) + page(report) + markdown(report)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("connecting to postgres://app:hunter2@db/x", "connecting to postgres://app:********@db/x"),
        ("DATABASE_PASSWORD=hunter2 PORT=80", "DATABASE_PASSWORD=******** PORT=80"),
        ('{"api_key": "hunter2", "port": 80}', '{"api_key": ********, "port": 80}'),
        ("Authorization: Bearer hunter2hunter2", "Authorization: Bearer ********"),
        ("used AKIAIOSFODNN7EXAMPLE", "used ********"),
        ("-----BEGIN RSA PRIVATE KEY-----\nhunter2", "-----BEGIN RSA PRIVATE KEY-----********"),
        ("listening on :8080", "listening on :8080"),
    ],
)
def test_credentials_in_log_lines_are_hidden(line: str, kept: str) -> None:
    assert scrub(line, logged=True) == kept


def test_the_words_of_ecs_stay_as_they_are() -> None:
    words = (
        "unable to retrieve secret from asm: arn:aws:secretsmanager:eu-west-1:123456789012:secret:x: grant secretsmanager:GetSecretValue"
    )
    assert scrub(words) == words


@pytest.mark.parametrize("make", [good, bad])
def test_the_page_is_sound_and_asks_for_nothing(make: t.Callable[[], dict[str, t.Any]]) -> None:
    text = page(document(make()))
    reader = read(text)
    names = [tag for tag, _attributes in reader.tags]
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & set(names)
    for tag, attributes in reader.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "href", "action", "xlink:href")], tag
    assert not re.findall(r"@import|url\((?!#)|https?://(?!www\.w3\.org/2000/svg|api\.example\.com/)", text)
    identifiers = [attributes["id"] for _tag, attributes in reader.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    assert {word for _tag, attributes in reader.tags for word in attributes.get("aria-labelledby", "").split()} <= set(identifiers)
    assert {name for found in re.findall(r"url\(#([\w-]+)\)", text) for name in [found]} <= set(identifiers)
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in reader.tags
    assert "prefers-color-scheme:dark" in text
    assert "\n\n" not in text


def test_the_charts_are_xml_with_a_name_and_a_description() -> None:
    text = page(document(good()))
    charts = [found for found in pictures(text) if found.get("role") == "img"]
    assert [found.get("class") for found in charts] == ["chart wide", "chart narrow"]
    space = "{http://www.w3.org/2000/svg}"
    for chart in charts:
        width, height = (float(number) for number in str(chart.get("viewBox")).split()[2:])
        assert chart.find(f"{space}title") is not None
        assert "2 tasks of the new deployment, of which 2 became healthy" in str(chart.findtext(f"{space}desc"))
        groups = [found for found in chart.iter(f"{space}g") if found.get("class") == "task"]
        assert len(groups) == 4
        for rectangle in chart.iter(f"{space}rect"):
            x, y, w, h = (float(rectangle.get(name, "nan")) for name in ("x", "y", "width", "height"))
            assert x >= 0
            assert w > 0
            assert x + w <= width + 1
            assert 0 <= y <= y + h <= height
        for words in chart.iter(f"{space}text"):
            assert 0 <= float(words.get("x", "nan")) <= width
    # Each phase that is drawn is named in the legend.
    words = read(text).text
    for phase in ("finding a place", "pulling the image", "starting", "running, not healthy yet", "healthy", "draining", "stopping"):
        assert phase in words


def test_the_page_says_what_happened() -> None:
    words = read(page(document(bad()))).text
    for expected in (
        "Rolled back",
        "api:14 did not work; api:13 is back and steady.",
        "cause: container_exited",
        "Essential container in task exited (exit code 3)",
        "panic: <no> database & no ``` luck",
        "Read the container's last log lines",
        "api:13 is back and steady, after 5 s.",
        "exit code 3",
        "deployment failed: tasks failed to start.",
    ):
        assert expected in words
    traffic = read(page(document(good()))).text
    for expected in ("2 of 80", "Both versions answered", "+22.5 s to +25.5 s", "HTTP 503 (2×)", "3.1 · 9 · 40.2 ms"):
        assert expected in traffic


@pytest.mark.parametrize("make", [good, bad])
def test_nothing_that_others_wrote_is_markup(make: t.Callable[[], dict[str, t.Any]]) -> None:
    plain, evil = page(document(make())), page(document(hostile(make())))
    assert [tag for tag, _attributes in read(evil).tags] == [tag for tag, _attributes in read(plain).tags]
    assert "<script" not in evil
    assert pictures(evil)
    text = markdown(document(hostile(make())))
    outside = re.sub(r"^(`{3,})text\n.*?\n\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"(?<!\\)<(?!/?(details|summary)>)", outside)
    assert not re.search(r"(?<!\\)\]\(", outside)
    lengths = {len(re.findall(r"(?<!\\)\|", line)) for line in outside.splitlines() if line.startswith("| ")}
    assert lengths <= {3, 9}


def test_a_log_line_does_not_end_the_code_block() -> None:
    text = markdown(document(bad()))
    assert "````text\nstarting\npanic: <no> database & no ``` luck\n````" in text


def test_many_tasks_and_a_long_time_stay_readable() -> None:
    rollout = good()
    rollout["timeline"]["tasks"] = [row(n, 13, NEW, created=n / 10, started=5, healthy=9) for n in range(200)]
    rollout["ended_at"] = (BEGIN + datetime.timedelta(hours=5)).isoformat()
    text = page(document(rollout))
    chart = next(found for found in pictures(text) if found.get("class") == "chart narrow")
    assert "and 140 more, in the table below" in "".join(chart.itertext())
    ticks = [found for found in chart.iter("{http://www.w3.org/2000/svg}text") if found.get("class") == "tick"]
    assert 2 <= len(ticks) <= 6
    assert read(text).tags


def test_a_rollout_of_which_nothing_was_seen() -> None:
    rollout = {"verdict": "superseded", "cause": "superseded", "deployment_id": NEW, "evidence": ["somebody else"]}
    report = document(rollout)
    assert "Another deployment took over" in read(page(report)).text
    assert "Superseded" in markdown(report)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("aws_unreachable", "nobody knows how api:13 stands"),
        ("throttled", "nobody knows how api:13 stands"),
        ("timeout", "api:13 was still going when the time was up"),
    ],
)
def test_what_nobody_knows_is_not_said_to_go_on(cause: str, words: str) -> None:
    report = document({**good(), "verdict": "timed_out", "cause": cause})
    assert words in read(page(report)).text
    assert words.replace("_", r"\_") in markdown(report)
