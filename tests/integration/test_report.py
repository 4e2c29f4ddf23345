# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of rollouts that really happened, with the prober asking through the load balancer all the while."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from .conftest import Account


def _phases(report: dict[str, Any], side: str) -> set[str]:
    return {item["phase"] for task in report["tasks"] if task["side"] == side for item in task["phases"]}


def _charts(path: Path) -> list[ET.Element]:
    return [ET.fromstring(found) for found in re.findall(r'<svg class="chart.*?</svg>', path.read_text(encoding="utf-8"), re.DOTALL)]


def test_a_good_release_and_a_bad_one_leave_their_reports(account: Account, tmp_path: Path) -> None:
    assert account.deploy("1.0.0").code == 0
    probed = {"probe_url": account.address("/health/ready")}

    run = account.deploy("1.1.0", report_path=str(tmp_path / "good"), **probed)
    assert run.code == 0, run.output
    assert run["report"]["changed"]
    good = json.loads((tmp_path / "good.json").read_text(encoding="utf-8"))
    assert (good["verdict"], good["probe"]["failed"]) == ("succeeded", 0)
    assert list(good["probe"]["versions"]) == ["1.0.0", "1.1.0"]
    assert {"starting", "running", "healthy"} <= _phases(good, "new")
    assert {"healthy", "draining"} <= _phases(good, "old")
    assert "probe: only 1.1.0 answers" in run.output
    assert len(_charts(tmp_path / "good.html")) == 2

    run = account.deploy("1.0.0", report_path=str(tmp_path / "bad"), environment_changes={"FAULT_CRASH_AT_START": "3"}, **probed)
    assert run.code != 0
    bad = json.loads((tmp_path / "bad.json").read_text(encoding="utf-8"))
    assert (bad["verdict"], bad["cause"]) == ("rolled_back", "container_exited")
    assert bad["probe"]["failed"] == 0
    assert bad["probe"]["versions"].keys() == {"1.1.0"}
    failed = [task for task in bad["tasks"] if task["ending"] == "failed"]
    assert {task["why"] for task in failed} == {"exit code 3"}
    assert all(task["side"] == "new" for task in failed)
    assert "healthy" not in _phases(bad, "new")
    text = (tmp_path / "bad.md").read_text(encoding="utf-8")
    assert "a crash at start was asked for" in text
    assert "exit code 3" in "".join(_charts(tmp_path / "bad.html")[0].itertext())
