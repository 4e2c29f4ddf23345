# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action base: what it shows, what it hides, and when it hands the task to the module."""

from __future__ import annotations

import os
import sys
import typing as t
from dataclasses import replace
from unittest import mock

import pytest
from ansible.playbook.task import Task
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, Verb, VerbFailure
from ansible_collections.steadystate.ecs.plugins.plugin_utils import _in_process, _terminal
from ansible_collections.steadystate.ecs.plugins.plugin_utils._in_process import InProcessAction

SECRET = "very-secret-key"


class Shown:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.colours: dict[str, str | None] = {}

    def display(self, msg: str, color: str | None = None, **_how: t.Any) -> None:
        self.lines.append(msg)
        if color:
            self.colours[msg] = color


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    recorder = Shown()
    monkeypatch.setattr(_in_process, "display", recorder)
    return recorder


def _verb(run: t.Callable[[dict[str, t.Any], Context], dict[str, t.Any]]) -> Verb:
    spec = {"name": {"type": "str", "required": True}, "count": {"type": "int", "default": 1}, "hidden": {"type": "str", "no_log": True}}
    return Verb(name="ecs_service", argument_spec=spec, run=run)


def act(
    run: t.Callable[[dict[str, t.Any], Context], dict[str, t.Any]],
    arguments: dict[str, t.Any],
    transport: str = "local",
    become: bool = False,
    batch: t.Sequence[str] = ("api",),
    module: dict[str, t.Any] | None = None,
    **keywords: t.Any,
) -> tuple[dict[str, t.Any], mock.Mock]:
    """Run an action of this verb; returns its result and the recorder of `_execute_module`."""
    action_class = type("Action", (InProcessAction,), {"VERB": _verb(run)})
    task = Task.load({"debug": {}, **keywords})
    task.args = arguments
    play_context = mock.Mock(become=become)
    connection = mock.Mock(transport=transport)
    templar = mock.Mock()
    templar.template = lambda value: value
    action = action_class(
        task=task, connection=connection, play_context=play_context, loader=mock.Mock(), templar=templar, shared_loader_obj=mock.Mock()
    )
    handed = mock.Mock(return_value=module or {"by": "module"})
    action._execute_module = handed
    return action.run(task_vars={"inventory_hostname": "api", "ansible_play_batch": list(batch)}), handed


def test_progress_is_shown_with_the_host(shown: Shown) -> None:
    def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
        context.progress("half way")
        return {"count": params["count"]}

    result, handed = act(run, {"name": "x", "count": "3"})
    assert shown.lines == ["  [api] half way"]
    assert result == {"count": 3, "changed": False}
    assert not handed.called


def test_no_log_silences_progress(shown: Shown) -> None:
    def run(_params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
        context.progress("half way")
        return {"changed": True}

    result, _handed = act(run, {"name": "x"}, no_log=True)
    assert shown.lines == []
    assert result["changed"]


def test_no_log_hides_the_text_of_a_failure_and_of_warnings_and_keeps_the_data(shown: Shown) -> None:
    """ansible-core prints the message of a failed task, and its warnings, under no_log too."""

    def run(_params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
        context.warn("a log line")
        raise VerbFailure("Last log lines: a log line", verdict="rolled_back", cause="container_exited", log_tail=["a log line"])

    result, _handed = act(run, {"name": "x"}, no_log=True)
    assert result["msg"] == "The text of this failure is hidden, as no_log is set for this task: rolled_back, container_exited."
    assert result["warnings"] == ["1 warnings are hidden, as no_log is set for this task."]
    assert (result["failed"], result["log_tail"]) == (True, ["a log line"])
    result, _handed = act(run, {"name": "x", "count": "a log line"}, no_log=True)
    assert result["msg"] == "The text of this failure is hidden, as no_log is set for this task."


def test_no_log_hides_what_the_module_says_as_well(shown: Shown) -> None:
    module = {"failed": True, "msg": "Last log lines: a log line", "exception": "a log line", "cause": "container_exited"}
    result, _handed = act(lambda _params, _context: {}, {"name": "x"}, transport="ssh", module=module, no_log=True)
    assert "a log line" not in str(result)
    assert "container_exited" in result["msg"]


def test_an_empty_option_that_has_to_say_something_is_refused_by_name(shown: Shown) -> None:
    def run(_params: dict[str, t.Any], _context: Context) -> dict[str, t.Any]:
        raise AssertionError("the verb ran")

    result, _handed = act(run, {"name": ""})
    assert result["failed"]
    assert result["msg"].startswith("name: this is ''")


def test_on_a_terminal_lines_have_colour_and_the_last_one_lives(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_terminal, "WIDTH", 80)

    def run(_params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
        context.waiting(f"for {SECRET}")
        context.progress("12:00:00  ! container_exited: x")
        return {}

    act(run, {"name": "x", "hidden": SECRET})
    assert "  [api] 12:00:00  ! container_exited: x" in shown.lines
    assert any(line.startswith("\r\x1b[2K  [api] for ****") for line in shown.lines)
    assert shown.lines[-1] == "\r\x1b[2K"
    assert shown.colours["  [api] 12:00:00  ! container_exited: x"] == "yellow"
    assert SECRET not in "".join(shown.lines)


def test_hosts_that_write_at_the_same_time_have_no_live_line(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_terminal, "WIDTH", 80)

    def run(_params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
        context.progress("api:2 is steady after 3 s")
        return {"live": context.live is not None}

    result, _handed = act(run, {"name": "x"}, batch=["api", "web"])
    assert not result["live"]
    assert shown.colours == {"  [api] api:2 is steady after 3 s": "green"}


@pytest.mark.parametrize("arguments", [{"hidden": SECRET}, {"secret_key": SECRET, "access_key": "a"}])
def test_no_secret_reaches_results_failures_warnings_or_progress(shown: Shown, arguments: dict[str, t.Any]) -> None:
    def run(_params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
        context.progress(f"using {SECRET}")
        context.warn(f"warned of {SECRET}")
        if _params["count"] == 2:
            raise VerbFailure(f"failed with {SECRET}", seen=[SECRET])
        return {"nested": {"value": [f"x{SECRET}x"]}}

    for count in (1, 2):
        result, _handed = act(run, {"name": "x", "count": count, **arguments})
        assert SECRET not in str(result)
        assert result["warnings"]
    assert SECRET not in "".join(shown.lines)
    assert shown.lines


def test_a_refused_argument_does_not_show_a_secret(shown: Shown) -> None:
    result, _handed = act(lambda _params, _context: {}, {"name": "x", "count": SECRET, "hidden": SECRET})
    assert result["failed"]
    assert SECRET not in str(result)


def test_a_failure_carries_its_data(shown: Shown) -> None:
    def run(_params: dict[str, t.Any], _context: Context) -> dict[str, t.Any]:
        raise VerbFailure("It did not work.", cause="because")

    result, _handed = act(run, {"name": "x"})
    assert result == {"failed": True, "msg": "It did not work.", "cause": "because", "changed": False}


@pytest.mark.parametrize("arguments", [{}, {"name": "x", "other": 1}, {"name": "x", "count": "many"}])
def test_wrong_arguments_are_refused(shown: Shown, arguments: dict[str, t.Any]) -> None:
    result, _handed = act(lambda _params, _context: {}, arguments)
    assert result["failed"]
    assert result["msg"]


@pytest.mark.parametrize(
    ("how", "keywords"),
    [
        ({"transport": "ssh"}, {}),
        ({"become": True}, {}),
        ({}, {"async": 60, "poll": 0}),
    ],
)
def test_what_only_a_module_can_do_is_handed_over(shown: Shown, how: dict[str, t.Any], keywords: dict[str, t.Any]) -> None:
    def run(_params: dict[str, t.Any], _context: Context) -> dict[str, t.Any]:
        raise AssertionError("the verb ran in the controller")

    result, handed = act(run, {"name": "x"}, **how, **keywords)
    assert result == {"by": "module"}
    assert handed.call_args.kwargs["wrap_async"] is bool(keywords)


@pytest.mark.parametrize("on", [True, False])
def test_check_and_diff_mode_reach_the_verb(shown: Shown, on: bool) -> None:
    def run(_params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
        return {"check": context.check_mode, "diff_wanted": context.diff_mode}

    result, _handed = act(run, {"name": "x"}, check_mode=on, diff=on)
    assert (result["check"], result["diff_wanted"]) == (on, on)


def test_the_tasks_environment_is_there_while_the_verb_runs_and_gone_afterwards(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)

    def run(params: dict[str, t.Any], _context: Context) -> dict[str, t.Any]:
        return {"region": params["region"], "profile": os.environ["AWS_PROFILE"]}

    result, _handed = act(run, {"name": "x"}, environment={"AWS_REGION": "us-east-1", "AWS_PROFILE": "other"})
    assert (result["region"], result["profile"]) == ("us-east-1", "other")
    assert os.environ["AWS_REGION"] == "eu-west-1"
    assert "AWS_PROFILE" not in os.environ


def test_a_verb_that_shows_no_secret_keeps_the_names_that_hold_one(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
        context.progress(f"keeping {params['hidden']}")
        if params["count"] > 1:
            raise VerbFailure(f"refused {params['hidden']}")
        return {"name": "/shop/app/user"}

    verb = replace(_verb(run), shows_no_secret=True)
    monkeypatch.setattr(sys.modules[__name__], "_verb", lambda _run: verb)
    result, _ = act(run, {"name": "x", "hidden": "app"})
    assert result["name"] == "/shop/app/user"
    assert "app" not in "".join(shown.lines)
    failure, _ = act(run, {"name": "x", "hidden": "app", "count": 2})
    assert failure["msg"] == "refused ********"
