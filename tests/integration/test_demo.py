"""`make demo` as a newcomer types it: Ctrl-C in the middle, then the whole story, then one that takes over from the kept one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.permissions.needed import action, documented, needed

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "demo"
DEMO_LIMIT = 360
"""Seconds that a demo may take."""


def traces() -> set[str]:
    """What a demo must not leave: processes that name its folder or whose files lie in it (its tasks), and mounts there."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            mounts = (entry / "mountinfo").read_text()
        except OSError:  # the process has ended meanwhile
            continue
        if str(BUILD) in command or str(BUILD) in mounts:
            found.add(f"process {entry.name}: {command}")
    return found


def nothing_is_left() -> bool:
    """Whether all traces are gone soon: what gives the deploy lock back has 15 s for it when AWS is gone with the demo."""
    deadline = time.monotonic() + 25
    while traces() and time.monotonic() < deadline:
        time.sleep(0.5)
    return not traces()


def interrupted(moment: str) -> str:
    """What a demo prints that gets Ctrl-C three seconds after it has said `moment`."""
    process = subprocess.Popen(
        ["make", "demo"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if moment in line:
            break
    time.sleep(3)
    # What a terminal does: the whole foreground group gets the signal.
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    output = "".join(lines) + rest
    assert process.returncode != 0, output[-6000:]
    return output


@pytest.fixture(scope="module")
def first_demo() -> str:
    """One that was stopped in the middle of a rollout under traffic."""
    return interrupted("1.1.0: a good release")


@pytest.fixture(scope="module")
def second_demo(first_demo: str) -> dict:
    """One that went to its end and was kept."""
    ran = subprocess.run(["make", "demo", "KEEP=1"], cwd=ROOT, capture_output=True, text=True, timeout=DEMO_LIMIT, check=False)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-3000:]
    return {"output": ran.stdout, "summary": json.loads((BUILD / "summary.json").read_text())}


def test_ctrl_c_in_a_rollout_leaves_nothing(first_demo: str) -> None:
    assert "everything that was started has been stopped" in first_demo
    assert nothing_is_left(), traces()


def test_good_releases_lose_no_request_and_bad_ones_are_put_back(second_demo: dict) -> None:
    rows = {row["release"]: row for row in second_demo["summary"]["releases"]}
    assert [(r["release"], r["verdict"], r["cause"]) for r in rows.values()] == [
        ("1.0.0", "succeeded", ""),
        ("1.1.0", "succeeded", ""),
        ("1.2.0", "rolled_back", "container_exited"),
        ("1.3.0", "rolled_back", "target_unhealthy"),
    ]
    assert all(row["failed_requests"] == 0 for row in rows.values())
    assert rows["1.1.0"]["requests"] > 20
    assert "1.0.0 and 1.1.0 answer side by side" in second_demo["output"]
    assert second_demo["summary"]["provision"]["changed"] > 0


def test_kept_service_answers_with_the_last_good_version(second_demo: dict) -> None:
    assert traces(), "a kept demo has processes: if none is found, the search for what is left would prove nothing"
    url = next(word for word in second_demo["output"].split("Still serving")[1].split() if word.startswith("http"))
    with urllib.request.urlopen(f"{url}/health/ready", timeout=5) as answer:
        assert json.load(answer)["version"] == "1.1.0"


def test_what_provisioning_did_is_permitted_by_the_policy_for_it(second_demo: dict) -> None:
    url = next(line for line in (BUILD / "local_aws.pid").read_text().split() if line.startswith("http"))
    with urllib.request.urlopen(f"{url}/_local/calls", timeout=10) as answer:
        calls = json.load(answer)["calls"]
    # The first thing that only a deploy does is to ask for the registry's password and, at the same time, what its tags name.
    names = [action(call) for call in calls]
    provisioning = calls[: min(names.index("ecr:GetAuthorizationToken"), names.index("ecr:BatchGetImage"))]
    assert "ec2:CreateVpc" in names[: len(provisioning)]
    permitted = yaml.safe_load((ROOT / "roles/ci_oidc/vars/provision.yml").read_text())["__ci_oidc_provision_actions"]
    missing = {each.action for each in needed(provisioning)} - set(permitted)
    assert not missing, "run make permissions"
    assert documented("provision") == set(permitted)


def test_another_demo_takes_over_from_the_kept_one_and_ctrl_c_while_it_provisions_leaves_nothing(second_demo: dict) -> None:
    output = interrupted("Provisioning")
    assert "Stopping the local_aws that an earlier demo left" in output
    assert "everything that was started has been stopped" in output
    assert nothing_is_left(), traces()
