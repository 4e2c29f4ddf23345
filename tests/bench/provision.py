# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What provisioning costs: from nothing, as a no-op, and done with one plain task a resource, all on local_aws.

Writes `build/bench/provision.json`: for each run its tasks, changes, API calls, wall time and the processor time of Ansible and all
that it started; and the ratios of the runs. Wall times hang on how busy the machine is; processor times hardly do.

Ours builds all that the plain tasks build, and a topic, alarms, a dashboard and a capacity provider besides: their calls count against it.

The last run is from nothing with creation delays, in real time: what takes AWS minutes takes local_aws as long. What is slowest to be
made, the load balancer, is the longest chain; a provisioning that waited for one thing after the other would take the sum. It ends when
the NAT gateway and the load balancer are there.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from demo import playbook  # noqa: E402 - the checkout has to be on the path first
from demo.local import LocalAws  # noqa: E402
from local_aws.control_plane import creation_delays as delays  # noqa: E402

BUILD = ROOT / "build" / "bench"
OURS = ROOT / "playbooks" / "provision.yml"
PLAIN = ROOT / "tests" / "bench" / "provision_baseline.yml"
SPEED = 10.0


@dataclass(frozen=True)
class Cost:
    tasks: int
    changed: int
    api_calls: int
    seconds: float
    cpu_seconds: float


def cost(local: LocalAws, play: Path, variables: Mapping[str, object]) -> Cost:
    """Run a playbook and count what it cost. Raises `SystemExit` when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _forget_calls(local)
    run = playbook.run(play, local.url, BUILD / "results.jsonl", variables)
    if run.exit_code:
        sys.exit(f"{play.name} ended with exit code {run.exit_code}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(run.tasks, run.changed, len(local.get("/_local/calls")["calls"]), round(run.seconds, 1), round(cpu, 1))


def _forget_calls(local: LocalAws) -> None:
    request = urllib.request.Request(f"{local.url}/_local/calls", method="DELETE")
    with urllib.request.urlopen(request, timeout=10):
        pass


def twice(play: Path, variables: Mapping[str, object]) -> tuple[Cost, Cost]:
    """From nothing, and once more when everything is there, in an account of its own."""
    local = LocalAws(BUILD, SPEED)
    local.start(keep=False)
    try:
        return cost(local, play, variables), cost(local, play, variables)
    finally:
        local.stop()


def delayed() -> tuple[Cost, float]:
    """From nothing, with creation delays in real time. Returns what it cost, and the seconds of the longest chain."""
    local = LocalAws(BUILD, 1.0, options=["--creation-delays"])
    local.start(keep=False)
    try:
        return cost(local, OURS, {}), float(max(delays.NAT_GATEWAY_SECONDS, delays.LOAD_BALANCER_SECONDS))
    finally:
        local.stop()


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    nothing, no_op = twice(OURS, {})
    plain_nothing, plain_no_op = twice(PLAIN, {})
    with_delays, chain = delayed()
    runs = {
        "from_nothing": nothing,
        "no_op": no_op,
        "plain_from_nothing": plain_nothing,
        "plain_no_op": plain_no_op,
        "with_delays": with_delays,
    }
    found = {
        "runs": {name: asdict(run) for name, run in runs.items()},
        "no_op_over_plain": {
            "seconds": round(no_op.seconds / plain_no_op.seconds, 2),
            "cpu_seconds": round(no_op.cpu_seconds / plain_no_op.cpu_seconds, 2),
            "api_calls": round(no_op.api_calls / plain_no_op.api_calls, 2),
        },
        "with_delays_over_longest_chain": round(with_delays.seconds / chain, 2),
        "longest_chain_seconds": chain,
        "goals": {"no_op_over_plain": 0.5, "with_delays_over_longest_chain": 1.15},
        "load_average": [round(value, 1) for value in os.getloadavg()],
    }
    path = BUILD / "provision.json"
    path.write_text(json.dumps(found, indent=2) + "\n")
    print(path.read_text())
    print(f"Written: {path.relative_to(ROOT)}")
    if no_op.changed:
        sys.exit(f"the second run changed {no_op.changed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
