"""The modules of amazon.aws and community.aws find in local_aws what they left there: their second run changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.plays import POLLING

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = ROOT / "tests" / "integration" / "modules_twice" / "playbook.yml"
SECONDS = 600


def _run(url: str, home: Path) -> dict[str, bool]:
    """Run the playbook; whether each task changed something."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "AWS_"))},
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        str(PLAYBOOK),
        "-i",
        "localhost,",
        "-e",
        f"endpoint_url={url} scaled_service=scaled/api",
    ]
    ended = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=SECONDS, check=False)
    results = {task["task"]["name"]: task["hosts"]["localhost"] for play in json.loads(ended.stdout)["plays"] for task in play["tasks"]}
    assert {name: result["msg"] for name, result in results.items() if result.get("failed")} == {}
    assert ended.returncode == 0, ended.stderr
    return {name: bool(result["changed"]) for name, result in results.items()}


def test_a_second_run_changes_nothing(aws: Any, tmp_path: Path) -> None:
    (tmp_path / "ansible.cfg").write_text(POLLING)
    # The scaling policy needs a service. Of the modules that the playbook is made of, none makes one that it finds unchanged.
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName="scaled")
    ecs.register_task_definition(family="api", containerDefinitions=[{"name": "api", "image": "api", "memory": 128}])
    ecs.create_service(cluster="scaled", serviceName="api", taskDefinition="api", desiredCount=0)
    first = _run(aws.url, tmp_path)
    assert [name for name, changed in first.items() if not changed] == []
    second = _run(aws.url, tmp_path)
    assert [name for name, changed in second.items() if changed] == []
