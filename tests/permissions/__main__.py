"""Derives what provisioning needs to be permitted: provisions on local_aws, reads the record of calls, writes policy and document.

    python -m tests.permissions           # or: make permissions
    python -m tests.permissions --check   # changes nothing, fails when something differs

Each inventory is provisioned from nothing and then again with the values of `changed.yml`, so that updates are seen too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3

from tests.permissions.needed import DOCUMENT, RESTART, needed

ROOT = Path(__file__).resolve().parents[2]
ACTIONS = ROOT / "roles" / "ci_oidc" / "vars" / "provision.yml"
EVERYTHING = Path(__file__).with_name("everything.yml")
CHANGED = Path(__file__).with_name("changed.yml")
HEADER = """---
# Written by `make permissions`, from the calls that playbooks/provision.yml made on local_aws. Not to be edited.
"""
START_SECONDS = 60
PLAY_SECONDS = 1200

Roles = dict[str, set[str]]
"""The roles that need a permission, by its name."""


@contextmanager
def local_aws(folder: Path) -> Iterator[str]:
    with (folder / "log").open("w+") as log:
        command = [sys.executable, "-m", "local_aws", "--port", "0", "--speed", "20", "--data", str(folder / "data")]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not (found := re.search(r"http://127\.0\.0\.1:\d+", Path(log.name).read_text())):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"local_aws did not start: {Path(log.name).read_text()}")
                time.sleep(0.1)
            yield found.group()
        finally:
            process.terminate()
            process.wait(30)


def provision(url: str, inventory: str, times: Path, *arguments: str) -> None:
    connection = {"region": "eu-west-1", "endpoint_url": url, "access_key": "PROVISION", "secret_key": "not-a-real-secret-key"}
    environment = {
        **os.environ,
        "LOCAL_AWS_URL": url,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callback_plugins")),
        "ANSIBLE_CALLBACKS_ENABLED": "role_times",
        "ANSIBLE_DEBUG_BOTOCORE_LOGS": "true",
        "ROLE_TIMES": str(times),
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(ROOT / "playbooks" / "provision.yml")]
    command += ["-i", str(ROOT / "inventories" / inventory), "-e", json.dumps({"aws_connection": connection}), *arguments]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=PLAY_SECONDS)


def not_provisioned(url: str) -> None:
    """What is there before: a hosted zone, which is delegated to once, by hand, and others' web ACL and certificate."""
    others(url, "route53").create_hosted_zone(Name="shop.test", CallerReference="1")
    others(url, "iam").upload_server_certificate(ServerCertificateName="shop", CertificateBody="certificate", PrivateKey="key")
    visible = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "shop"}
    others(url, "wafv2").create_web_acl(Name="shop", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visible)


def service(url: str, inventory: str) -> None:
    """A service that runs no task, as a first deploy would leave one: only what is there can be scaled."""
    ecs, name = others(url, "ecs"), f"steadystate-{inventory}"
    ecs.register_task_definition(family="permissions", containerDefinitions=[{"name": "api", "image": "api", "memory": 32}])
    ecs.create_service(cluster=name, serviceName=f"{name}-api", taskDefinition="permissions", desiredCount=0)


def others(url: str, name: str) -> Any:
    """A client whose calls do not count as those of provisioning."""
    keys = {"aws_access_key_id": "OTHERS", "aws_secret_access_key": "not-a-real-secret-key"}
    return boto3.client(name, region_name="eu-west-1", endpoint_url=url, **keys)


def attributed(calls: list[dict[str, Any]], tasks: list[dict[str, Any]]) -> Roles:
    """The permissions that the calls need, and the roles whose tasks made those calls."""
    found: Roles = {}
    for call in calls:
        roles = _roles(call, tasks)
        for each in needed([call]):
            found.setdefault(each.action, set()).update(roles)
    return found


def _roles(call: dict[str, Any], tasks: list[dict[str, Any]]) -> set[str]:
    """Our own modules are known by when they ran, those of others by the calls that they report: they may run beside the rest."""
    when = datetime.fromisoformat(call["time"]).timestamp()
    running = [task for task in tasks if task["start"] <= when <= task["end"]]
    if "steadystate.ecs" in call["user_agent"]:
        ours = {task["role"] for task in running if task["action"].startswith("steadystate.ecs.")}
        if ours:
            return ours
    reported = {task["role"] for task in tasks if any(name.partition(":")[2] == call["action"] for name in task["calls"])}
    # What runs on in the background (async) and reports nothing is laid to whoever started last.
    return (
        reported
        or {task["role"] for task in running}
        or {max((task for task in tasks if task["start"] <= when), key=lambda task: task["start"])["role"]}
    )


def with_restart(roles: Roles) -> Roles:
    return roles | {name: roles.get(name, set()) | {"secrets"} for name in RESTART}


def written(roles: Roles) -> str:
    lines = [f"  {name}: [{', '.join(sorted(roles[name]))}]" for name in sorted(roles)]
    return HEADER + "__ci_oidc_provision_actions:\n" + "\n".join(lines) + "\n"


def tabled(roles: Roles) -> str:
    rows = [f"| `{name}` | {', '.join(f'`{role}`' for role in sorted(roles[name]))} |" for name in sorted(roles)]
    return "\n".join(["| permission | role that needs it |", "| --- | --- |", *rows])


def documented_with(text: str, table: str) -> str:
    before, rest = text.split("<!-- provision -->", 1)
    return f"{before}<!-- provision -->\n\n{table}\n\n<!-- end -->{rest.split('<!-- end -->', 1)[1]}"


def derived(inventories: list[str]) -> Roles:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        times = folder / "times"
        with local_aws(folder) as url:
            for inventory in inventories:
                print(f"==> {inventory}: from nothing, then with other values", flush=True)
                not_provisioned(url)
                provision(url, inventory, times, "-e", f"@{EVERYTHING}")
                service(url, inventory)
                provision(url, inventory, times, "-e", f"@{CHANGED}")
            with urllib.request.urlopen(f"{url}/_local/calls?access_key=PROVISION") as answer:
                calls = json.load(answer)["calls"]
        return with_restart(attributed(calls, [json.loads(line) for line in times.read_text().splitlines()]))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.permissions", description="What provisioning needs to be permitted.")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail when something differs")
    parser.add_argument("inventories", nargs="*", default=["local"], help="names of inventories, local unless given")
    given = parser.parse_args()
    roles = derived(given.inventories)
    wanted = {ACTIONS: written(roles), DOCUMENT: documented_with(DOCUMENT.read_text(), tabled(roles))}
    differing = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    for path in differing:
        print(f"{path.relative_to(ROOT)}: {'differs; run make permissions' if given.check else 'written'}")
        if not given.check:
            path.write_text(wanted[path])
    return 1 if given.check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
