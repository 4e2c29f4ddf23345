# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A verb run as an ordinary module: its result and its failure as JSON on standard output."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.steadystate.ecs.plugins.module_utils._run_module import run_module
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, Verb, VerbFailure


def outcome(
    run: t.Callable[[dict[str, t.Any], Context], dict[str, t.Any]], capsys: pytest.CaptureFixture[str], **arguments: t.Any
) -> dict[str, t.Any]:
    verb = Verb(name="x", argument_spec={"name": {"type": "str", "required": True}}, run=run)
    with patch_module_args({"name": "n", **arguments}), pytest.raises(SystemExit):
        run_module(verb)
    answer: dict[str, t.Any] = json.loads(capsys.readouterr().out)
    return answer


def test_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    result = outcome(lambda params, context: {"changed": True, "name": params["name"], "check": context.check_mode}, capsys)
    assert (result["changed"], result["name"], result["check"]) == (True, "n", False)


def test_check_mode(capsys: pytest.CaptureFixture[str]) -> None:
    result = outcome(lambda _params, context: {"check": context.check_mode}, capsys, _ansible_check_mode=True)
    assert result["check"]


def test_a_failure_carries_its_data(capsys: pytest.CaptureFixture[str]) -> None:
    def run(_params: dict[str, t.Any], _context: Context) -> dict[str, t.Any]:
        raise VerbFailure("No.", cause="because", changed=True)

    result = outcome(run, capsys)
    assert (result["failed"], result["msg"], result["cause"], result["changed"]) == (True, "No.", "because", True)


def test_without_a_region_the_first_client_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    result = outcome(lambda _params, context: {"client": str(context.client("ecs"))}, capsys)
    assert result["failed"]
    assert result["msg"].startswith("region: no AWS region is set")


def test_a_secret_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    result = outcome(lambda params, _context: {"seen": params["secret_key"]}, capsys, secret_key="very-secret", access_key="a")
    assert "very-secret" not in json.dumps(result)


def test_a_verb_that_shows_no_secret_keeps_the_names_that_hold_one(capsys: pytest.CaptureFixture[str]) -> None:
    spec = {"value": {"type": "str", "no_log": True}, "fail": {"type": "bool", "default": False}}

    def run(params: dict[str, t.Any], _context: Context) -> dict[str, t.Any]:
        if params["fail"]:
            raise VerbFailure(f"refused {params['value']}")
        return {"name": "/shop/app/user"}

    verb = Verb(name="x", argument_spec=spec, run=run, shows_no_secret=True)
    answers = []
    for fail in (False, True):
        with patch_module_args({"value": "app", "fail": fail}), pytest.raises(SystemExit):
            run_module(verb)
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0]["name"] == "/shop/app/user"
    # The text of an argument by itself; newer releases of ansible-core leave the arguments out of a failure.
    assert all('"app"' not in json.dumps(answer) for answer in answers)
    assert "app" not in answers[1]["msg"]
