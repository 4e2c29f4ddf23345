# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report: where they go, when they change, and what check mode leaves alone."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.module_utils._clock import SystemClock
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, VerbFailure, no_client
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.rollout_report import VERB
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollout.rollouts_for_reports import bad, good


def run(check: bool = False, diff: bool = False, **options: t.Any) -> dict[str, t.Any]:
    validated = ArgumentSpecValidator(VERB.argument_spec).validate(options)
    assert not validated.error_messages, validated.error_messages
    context = Context(no_client, SystemClock(), lambda line: None, lambda line: None, check, diff)
    return VERB.run(validated.validated_parameters, context)


def test_three_files_beside_each_other_and_nothing_else(tmp_path: pathlib.Path) -> None:
    result = run(rollout=bad(), path=str(tmp_path / "new" / "api-1.4.0"))
    assert result["changed"]
    assert result["verdict"] == "rolled_back"
    assert result["paths"] == {name: str(tmp_path / "new" / f"api-1.4.0.{name}") for name in ("html", "json", "md")}
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["api-1.4.0.html", "api-1.4.0.json", "api-1.4.0.md"]
    assert (tmp_path / "new" / "api-1.4.0.html").stat().st_mode & 0o777 == 0o644
    assert json.loads((tmp_path / "new" / "api-1.4.0.json").read_text(encoding="utf-8"))["cause"] == "container_exited"


def test_the_same_rollout_changes_nothing_and_another_does(tmp_path: pathlib.Path) -> None:
    options = {"path": str(tmp_path / "api")}
    assert run(rollout=good(), **options)["changed"]
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert not run(rollout=good(), **options)["changed"]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times
    assert run(rollout=bad(), **options)["changed"]
    assert "container_exited" in (tmp_path / "api.md").read_text(encoding="utf-8").replace("\\", "")


@pytest.mark.parametrize("ending", [".html", ".json", ".md"])
def test_an_ending_of_ours_is_replaced_and_a_dot_of_yours_stays(tmp_path: pathlib.Path, ending: str) -> None:
    assert run(rollout=good(), path=str(tmp_path / f"api{ending}"))["paths"]["md"] == str(tmp_path / "api.md")
    assert run(rollout=good(), path=str(tmp_path / "api-1.4"))["paths"]["md"] == str(tmp_path / "api-1.4.md")


def test_in_a_directory_each_deployment_has_its_own_files(tmp_path: pathlib.Path) -> None:
    expected = str(tmp_path / "api-13-2222222222222222222.html")
    assert run(rollout=good(), path=str(tmp_path))["paths"]["html"] == expected
    assert run(rollout=good(), path=f"{tmp_path}/later/")["paths"]["md"] == str(tmp_path / "later" / "api-13-2222222222222222222.md")


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(VerbFailure, match="path: it is empty"):
        run(rollout=good(), path="")


def test_only_the_formats_that_are_wanted(tmp_path: pathlib.Path) -> None:
    run(rollout=good(), path=str(tmp_path / "api"), formats=["md"])
    assert [path.name for path in tmp_path.iterdir()] == ["api.md"]


def test_check_mode_says_and_does_not(tmp_path: pathlib.Path) -> None:
    result = run(check=True, diff=True, rollout=good(), path=str(tmp_path / "api"))
    assert result["changed"]
    assert list(tmp_path.iterdir()) == []
    by_file = {pathlib.Path(item["after_header"]).suffix: item for item in result["diff"]}
    assert by_file[".md"]["before"] == ""
    assert "## ✅ Succeeded" in by_file[".md"]["after"]
    assert "<svg" not in by_file[".html"]["after"]


@pytest.mark.parametrize(
    "rollout", [{}, {"changed": False}, {"verdict": "great"}, {**good(), "began_at": "yesterday"}, {**good(), "timeline": [1]}]
)
def test_what_is_no_rollout_is_refused(tmp_path: pathlib.Path, rollout: dict[str, t.Any]) -> None:
    with pytest.raises(VerbFailure, match="not what ecs_service_wait returned"):
        run(rollout=rollout, path=str(tmp_path / "api"))
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_nothing_can_be_written(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(VerbFailure, match="cannot be"):
        run(rollout=good(), path=str(tmp_path / "file" / "api"))
