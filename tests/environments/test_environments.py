# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two environments in one account on local_aws: built, built again, looked at, one of them stopped half-way, and one taken away.

The tests of this file tell one story, in order, and take some minutes: `make test-environments`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from demo.local import LocalAws  # noqa: E402 - the checkout has to be on the path first
from tests.plays import Play  # noqa: E402 - as above

SPEED = 50.0
PLAY_SECONDS = 900
READING = re.compile(r"^(Describe|List|Get|BatchGet|Lookup|Assume)")
WRONG = {
    "too small an instance": ({"ecs_cluster_instance_type": "t3.micro"}, r"ecs_cluster_instance_type: t3\.micro .*t3\.small"),
    "a range given twice": ({"network_private_cidrs": ["10.10.0.0/24", "10.10.1.0/24"]}, r"network_\w*cidrs?"),
    "a zone given twice": ({"network_zones": ["eu-west-1a", "eu-west-1a"]}, r"network_zones: .*[Nn]ame each zone once"),
    "too long a name": ({"project": "a-project-with-a-name-that-no-load-balancer-may-have"}, r"(alb|target_group)_name: .*at most 32"),
    "a check that takes longer than its interval": ({"alb_health_check_timeout": 10}, r"alb_health_check_timeout: 10 .*interval"),
    "no number": ({"alb_deregistration_delay": "soon"}, r"alb_deregistration_delay"),
}


class Account:
    def __init__(self, local: LocalAws) -> None:
        self.local = local
        self.environment = {
            **os.environ,
            "AWS_URL": local.url,
            "LOCAL_AWS_URL": local.url,
            "AWS_ACCESS_KEY_ID": "anything",
            "AWS_SECRET_ACCESS_KEY": "anything",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
        }
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def command(self, name: str, inventory: str, *arguments: str) -> list[str]:
        playbook = str(Path(sys.executable).with_name("ansible-playbook"))
        return [playbook, str(ROOT / "playbooks" / f"{name}.yml"), "-i", str(ROOT / "inventories" / inventory), *arguments]

    def play(self, name: str, inventory: str, *arguments: str, **variables: Any) -> Play:
        extra = ["-e", json.dumps(variables)] if variables else []
        ended = subprocess.run(
            self.command(name, inventory, *arguments, *extra),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PLAY_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Play(ended.returncode, ended.stdout + ended.stderr)

    def forget_calls(self) -> None:
        request = urllib.request.Request(f"{self.local.url}/_local/calls", method="DELETE")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def writes(self) -> list[str]:
        calls = self.local.get("/_local/calls")["calls"]
        return [f"{call['service']}:{call['action']}" for call in calls if not READING.match(call["action"])]

    def consists_of(self, environment: str) -> list[str]:
        """What the tags say that an environment has, as teardown finds it."""
        run = self.play("teardown", environment, "--check", "--diff", teardown_environment=environment)
        assert run.code == 0, run.output
        return re.findall(r"^-(?!--)(\w.*)$", run.output, re.MULTILINE)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.local.url,
            region_name="eu-west-1",
            aws_access_key_id="anything",
            aws_secret_access_key="anything",
        )


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    local = LocalAws(tmp_path_factory.mktemp("aws"), SPEED)
    local.start(keep=False)
    try:
        yield Account(local)
    finally:
        local.stop()


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_input_is_refused_before_the_first_change(account: Account, wrong: str) -> None:
    variables, message = WRONG[wrong]
    account.forget_calls()
    run = account.play("provision", "dev", **variables)
    assert run.code != 0
    assert re.search(message, " ".join(run.output.split())), run.output
    assert account.writes() == []


def test_check_mode_on_an_empty_account_changes_nothing_and_says_what_it_would(account: Account) -> None:
    account.forget_calls()
    run = account.play("provision", "prod", "--check", "--diff")
    assert run.code == 0, run.output
    assert run.changed > 5
    assert account.writes() == []


def test_both_are_built_and_a_second_run_changes_nothing(account: Account) -> None:
    for environment in ("dev", "prod"):
        run = account.play("provision", environment)
        assert run.code == 0, run.output
    for environment in ("dev", "prod"):
        again = account.play("provision", environment)
        assert (again.code, again.changed) == (0, 0), again.output


def test_check_mode_on_a_provisioned_account_tells_the_truth(account: Account) -> None:
    account.forget_calls()
    run = account.play("provision", "prod", "--check", "--diff")
    assert (run.code, run.changed) == (0, 0), run.output
    run = account.play("provision", "prod", "--check", "--diff", ecs_cluster_max_size=7, alb_deregistration_delay=77)
    # The group of instances, and the target group of the one service.
    assert (run.code, run.changed) == (0, 2), run.output
    assert "deregistration_delay.timeout_seconds: 77" in run.output, run.output
    assert account.writes() == []


def test_everything_is_of_one_environment(account: Account) -> None:
    dev, prod = account.consists_of("dev"), account.consists_of("prod")
    assert len(dev) > 15
    assert len(prod) > len(dev)
    assert not set(dev) & set(prod)
    # What an account has from its start carries no tags; everything else belongs to one of the two.
    ec2 = account.client("ec2")
    for operation, member in (("describe_vpcs", "Vpcs"), ("describe_nat_gateways", "NatGateways"), ("describe_addresses", "Addresses")):
        for item in getattr(ec2, operation)()[member]:
            tags = {tag["Key"]: tag["Value"] for tag in item.get("Tags", [])}
            if not item.get("IsDefault"):
                assert tags.get("project") == "steadystate", item
                assert tags.get("managed-by") == "steadystate.ecs", item
                assert tags.get("environment") in ("dev", "prod"), item


def test_teardown_asks_for_the_right_name(account: Account) -> None:
    account.forget_calls()
    for arguments in ({"teardown_environment": "prod"}, {}):
        run = account.play("teardown", "dev", **arguments)
        assert run.code != 0
        assert "Nothing was removed" in run.output
    assert account.writes() == []


def test_teardown_of_one_leaves_the_other_whole(account: Account) -> None:
    before = account.consists_of("prod")
    instances = account.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=["steadystate-dev"])
    protected = [one["InstanceId"] for one in instances["AutoScalingGroups"][0]["Instances"]]
    if protected:
        account.client("autoscaling").set_instance_protection(
            AutoScalingGroupName="steadystate-dev", InstanceIds=protected, ProtectedFromScaleIn=True
        )
    run = account.play("teardown", "dev", teardown_environment="dev")
    assert run.code == 0, run.output
    assert account.consists_of("dev") == []
    assert account.client("ecr").describe_repositories(repositoryNames=["steadystate-dev/api"])["repositories"], "data stays"
    again = account.play("teardown", "dev", teardown_environment="dev")
    assert (again.code, again.changed) == (0, 0), again.output
    assert account.consists_of("prod") == before
    other = account.play("provision", "prod")
    assert (other.code, other.changed) == (0, 0), other.output


def test_a_run_that_was_killed_is_finished_by_the_next(account: Account) -> None:
    stops = 0
    for moment in ("Keep the network", "Cluster", "Target group", "load balancer"):
        process = subprocess.Popen(
            account.command("provision", "dev"),
            cwd=ROOT,
            env=account.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("TASK [") and moment.lower() in line.lower():
                time.sleep(0.5)
                os.killpg(process.pid, signal.SIGKILL)
                stops += 1
                break
        process.stdout.read()
        process.wait(60)
    assert stops == 4
    run = account.play("provision", "dev")
    assert run.code == 0, run.output
    again = account.play("provision", "dev")
    assert (again.code, again.changed) == (0, 0), again.output


def test_data_goes_when_told(account: Account) -> None:
    run = account.play("teardown", "dev", teardown_environment="dev", teardown_data=True)
    assert run.code == 0, run.output
    names = [item["repositoryName"] for item in account.client("ecr").describe_repositories()["repositories"]]
    assert names == ["steadystate-prod/api"]
    groups = [item["logGroupName"] for item in account.client("logs").describe_log_groups()["logGroups"]]
    assert not [name for name in groups if "steadystate-dev" in name]
