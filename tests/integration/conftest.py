# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A platform on local_aws for the verbs' tests, made with plain boto3, and a way to run playbooks on it."""

from __future__ import annotations

import atexit
import base64
import contextlib
import ctypes
import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.example_images import example_images
from tests.plays import Play
from tests.preloaded_ansible import PreloadedAnsible

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-west-1"
SPEED = "10"
VERSIONS = ("1.0.0", "1.1.0")
LOG_GROUP = "/ecs/api"
START_SECONDS = 60
PLAY_SECONDS = 180
_PR_SET_PDEATHSIG = 1


@dataclass
class Run(Play):
    """A play, and what its tasks returned."""

    results: dict[str, Any]

    def __getitem__(self, name: str) -> dict[str, Any]:
        value: dict[str, Any] = self.results[name]
        return value


@dataclass
class Account:
    facts: dict[str, Any]
    folder: Path
    client: Callable[[str], Any]

    def play(self, name: str, *arguments: str, **variables: Any) -> Run:
        results = self.folder / "results.json"
        results.unlink(missing_ok=True)
        extra = json.dumps({"account": self.facts, "results": str(results), **variables})
        playbook = str(ROOT / "tests/integration/playbooks" / name)
        code, output = _ansible().run([playbook, "-e", extra, *arguments], _environment(), PLAY_SECONDS)
        assert results.exists(), output
        return Run(code, output, json.loads(results.read_text()))

    def start(self, name: str, **variables: Any) -> tuple[subprocess.Popen[bytes], Path]:
        """Start a playbook and return it while it runs, with the file that its output goes to. Its processes carry PLAY_STARTED_BY."""
        output = self.folder / "output"
        extra = json.dumps({"account": self.facts, "results": str(self.folder / "results.json"), **variables})
        mark = {"PLAY_STARTED_BY": f"{os.getpid()}-{name}"}
        with output.open("w") as log:
            process = subprocess.Popen(
                [str(Path(sys.executable).with_name("ansible-playbook")), str(ROOT / "tests/integration/playbooks" / name), "-e", extra],
                cwd=ROOT,
                env={**_environment(), **mark},
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,
            )
        return process, output

    def address(self, path: str) -> str:
        """Where the load balancer of the platform answers for this path."""
        with urllib.request.urlopen(self.facts["url"] + "/_local/state", timeout=10) as answer:
            balancers = json.load(answer)["elb"]["load_balancers"]
        (found,) = [listener["url"] for each in balancers if each["name"] == "main" for listener in each["listeners"]]
        return f"{found.rstrip('/')}{path}"

    def deploy(self, version: str, *arguments: str, **variables: Any) -> Run:
        return self.play("deploy.yml", *arguments, version=version, **variables)


def _environment() -> dict[str, str]:
    return {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections"), "ANSIBLE_NOCOLOR": "1"}


@functools.cache
def _ansible() -> PreloadedAnsible:
    """One for all tests of this process."""
    started = PreloadedAnsible(_environment())
    atexit.register(started.close)
    return started


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("aws")) as url:
        yield url


@contextlib.contextmanager
def running(data: Path, *options: str) -> Iterator[str]:
    """A local_aws until the end of the block; where it answers."""
    with (data / "log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "local_aws", "--port", "0", "--speed", SPEED, "--data", str(data / "data"), *options],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_parent,
        )
        try:
            yield _announced(process, Path(log.name))
        finally:
            process.terminate()
            process.wait(30)


def _announced(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        if found:
            return found.group()
        time.sleep(0.1)
    pytest.fail(f"local_aws did not start: {log.read_text()}")


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {version: str(layout) for version, layout in example_images(tmp_path_factory, VERSIONS).items()}


@pytest.fixture(scope="session")
def account(url: str, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Account:
    """Network, load balancer, roles, repository, and a cluster of three instances that hold two tasks each."""
    session = boto3.session.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="not-a-real-secret-key", region_name=REGION)

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=url)

    facts = {
        "region": REGION,
        "url": url,
        "images": images,
        "template": str(ROOT / "examples/go-service/task-definition.json"),
        "log_group": LOG_GROUP,
        "execution_role": _role(client, "execution", "ecs-tasks.amazonaws.com", "service-role/AmazonECSTaskExecutionRolePolicy"),
        **_network(client),
    }
    client("logs").create_log_group(logGroupName=LOG_GROUP)
    client("ecr").create_repository(repositoryName="api")
    _cluster(client, facts["subnets"])
    return Account(facts, tmp_path_factory.mktemp("plays"), client)


def _role(client: Callable[[str], Any], name: str, service: str, policy: str) -> str:
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    role: str = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    client("iam").attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return role


def _network(client: Callable[[str], Any]) -> dict[str, Any]:
    ec2, elb = client("ec2"), client("elbv2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [item["SubnetId"] for item in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]][:2]
    group = ec2.create_security_group(GroupName="app", Description="app", VpcId=vpc)["GroupId"]
    balancer = elb.create_load_balancer(Name="main", Subnets=subnets, SecurityGroups=[group])["LoadBalancers"][0]["LoadBalancerArn"]
    target_group = elb.create_target_group(
        Name="api",
        Protocol="HTTP",
        Port=8080,
        VpcId=vpc,
        TargetType="ip",
        HealthCheckPath="/health/ready",
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_target_group_attributes(
        TargetGroupArn=target_group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}]
    )
    elb.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}]
    )
    return {"subnets": subnets, "security_group": group, "target_group": target_group}


def _cluster(client: Callable[[str], Any], subnets: list[str]) -> None:
    iam = client("iam")
    _role(client, "instances", "ec2.amazonaws.com", "service-role/AmazonEC2ContainerServiceforEC2Role")
    iam.create_instance_profile(InstanceProfileName="instances")
    iam.add_role_to_instance_profile(InstanceProfileName="instances", RoleName="instances")
    client("ecs").create_cluster(clusterName="main")
    group_of_instances(client, "ecs", "main", subnets, minimum=3, maximum=3)
    deadline = time.monotonic() + START_SECONDS
    while len(client("ecs").list_container_instances(cluster="main")["containerInstanceArns"]) < 3:
        assert time.monotonic() < deadline, "the instances did not join the cluster"
        time.sleep(0.2)


def group_of_instances(client: Callable[[str], Any], name: str, cluster: str, subnets: list[str], minimum: int, maximum: int) -> None:
    """An Auto Scaling group and its launch template, both of that name. Its instances join the cluster and hold two tasks each."""
    parameter = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
    template = client("ec2").create_launch_template(
        LaunchTemplateName=name,
        LaunchTemplateData={
            "ImageId": client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"],
            "InstanceType": "t3.medium",
            "IamInstanceProfile": {"Name": "instances"},
            "UserData": base64.b64encode(f"#!/bin/bash\necho ECS_CLUSTER={cluster} >> /etc/ecs/ecs.config\n".encode()).decode(),
        },
    )["LaunchTemplate"]["LaunchTemplateId"]
    client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=minimum,
        MaxSize=maximum,
        VPCZoneIdentifier=",".join(subnets),
        LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"},
    )
