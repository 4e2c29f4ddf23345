"""What the demo started is stopped, however it ends; kept is it only when it went well and was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from demo.story import ROOT, Broken, Story


class Aws:
    """In place of the process that local_aws runs in."""

    url = "http://127.0.0.1:1"
    pid = 1

    def __init__(self) -> None:
        self.runs = False

    def start(self, keep: bool) -> None:
        self.runs = True

    def stop(self) -> None:
        self.runs = False

    def get(self, path: str) -> Any:
        if path == "/_local/state":
            return {"elb": {"load_balancers": [{"listeners": [{"url": "http://127.83.0.1:80"}]}]}}
        return {"runtime": {"name": "namespaces", "reason": "they work here"}}


def story(monkeypatch: pytest.MonkeyPatch, build: Path, keep: bool, ends: BaseException | None) -> tuple[Story, Aws]:
    """One whose releases end with that error, or well."""
    aws = Aws()

    def ship(self: Story, images: dict[str, Path]) -> None:
        assert aws.runs
        if ends:
            raise ends

    monkeypatch.setattr(Story, "_build_images", lambda self: {})
    monkeypatch.setattr(Story, "_provision", lambda self: {"seconds": 1, "tasks": 1, "changed": 1, "api_calls": 1})
    monkeypatch.setattr(Story, "_ship", ship)
    monkeypatch.setattr(Story, "_summary", lambda self, provision: ROOT / "summary.json")
    told = Story(build, keep)
    monkeypatch.setattr(told, "_local", aws)
    return told, aws


@pytest.mark.parametrize(("keep", "runs"), [(False, False), (True, True)])
def test_at_a_good_end_it_stops_unless_it_is_to_be_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], keep: bool, runs: bool
) -> None:
    told, aws = story(monkeypatch, tmp_path, keep, None)
    told.tell_all()
    assert aws.runs is runs
    assert ("Still serving" in capsys.readouterr().out) is keep


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("error", [Broken("1.1.0 lost requests"), KeyboardInterrupt(), RuntimeError("no port")])
def test_at_a_bad_end_it_stops(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, keep: bool, error: BaseException) -> None:
    told, aws = story(monkeypatch, tmp_path, keep, error)
    with pytest.raises(type(error)):
        told.tell_all()
    assert not aws.runs
