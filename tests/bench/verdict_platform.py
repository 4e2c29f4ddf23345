# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the releases of the verdict bench run on: one local_aws at speed 1, made up with plain boto3, and the verbs in process."""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-west-1"
ACCOUNT = "123456789012"
KEYS = {"region": REGION, "access_key": "bench-key", "secret_key": "bench-secret"}
LOG_GROUP = "/ecs/bench"
CONTAINER = "api"
PORT = 8080
DESIRED = 2
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
HEALTH_INTERVAL = 5
"""The dev setting: seconds between two health checks."""
DRAIN_SECONDS = 5
BUILDER = ROOT / "examples/go-service/build_image.py"
INSTANCES = 14
_PATIENCE = 180.0


@contextlib.contextmanager
def local_aws(data: Path, speed: float) -> Iterator[str]:
    """Runs local_aws on a free port for as long as the block lasts; its URL."""
    command = [sys.executable, "-m", "local_aws", "--port", "0", "--speed", str(speed), "--data", str(data)]
    with (data.parent / "local_aws.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and process.poll() is None:
                found = re.search(r"http://127\.0\.0\.1:\d+", Path(log.name).read_text())
                if found:
                    break
                time.sleep(0.1)
            else:
                raise SystemExit(f"local_aws did not start: {Path(log.name).read_text()}")
            yield found.group()
        finally:
            process.terminate()
            process.wait(30)


def build_layouts(folder: Path) -> dict[str, Path]:
    """The example service: two versions, an index without this machine's processor, and a program for another one that does not say so."""
    layouts = {name: folder / name for name in ("1.0.0", "1.1.0", "other-processor", "mislabelled")}
    for name in ("1.0.0", "1.1.0"):
        command = [sys.executable, str(BUILDER), "--version", name, "--output", str(layouts[name])]
        subprocess.run(command, check=True, capture_output=True)
    specification = importlib.util.spec_from_file_location("build_image", BUILDER)
    if specification is None or specification.loader is None:
        raise SystemExit(f"{BUILDER} cannot be imported")
    builder = importlib.util.module_from_spec(specification)
    sys.modules["build_image"] = builder
    specification.loader.exec_module(builder)
    with tempfile.TemporaryDirectory() as scratch:
        go = builder.find_go(None, builder.required_go((BUILDER.parent / "go.mod").read_text()))
        program = builder.compile_server(go, "1.1.0", "linux/arm64", Path(scratch))
    layout = builder.Layout(layouts["mislabelled"])
    layout.finish(builder.add_image(layout, program, "linux/amd64", "1.1.0", 0), "mislabelled")
    layout = builder.Layout(layouts["other-processor"])
    only = builder.add_image(layout, program, "linux/arm64", "1.1.0", 0)
    index = layout.document({"schemaVersion": 2, "mediaType": builder.INDEX, "manifests": [only]}, builder.INDEX)
    layout.finish(index, "other-processor")
    return layouts


class Platform:
    """Network, roles, registry, log group and clusters, made once for all releases."""

    def __init__(self, url: str) -> None:
        from ansible_collections.steadystate.ecs.plugins.module_utils._aws.connection import client_factory
        from ansible_collections.steadystate.ecs.plugins.module_utils._clock import SystemClock
        from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, VerbFailure

        self.url = url
        self.failure = VerbFailure
        self._context, self._clock, self._factory = Context, SystemClock(), client_factory
        self._session = boto3.session.Session(
            aws_access_key_id=KEYS["access_key"], aws_secret_access_key=KEYS["secret_key"], region_name=REGION
        )
        self._clients: dict[str, Any] = {}
        for name in ("ecs", "ec2", "elbv2", "iam", "ssm", "secretsmanager", "logs", "ecr", "autoscaling", "cloudwatch"):
            self._clients[name] = self._session.client(name, endpoint_url=url, config=Config(max_pool_connections=40))
        self.images: dict[str, str] = {}
        self.roles: dict[str, str] = {}

    def client(self, service: str) -> Any:
        return self._clients[service]

    def verb(self, name: str, /, **given: Any) -> dict[str, Any]:
        """Run a verb of the collection in this process, as its action plugin does. Raises what the verb raises."""
        module = importlib.import_module(f"ansible_collections.steadystate.ecs.plugins.module_utils._verbs.{name}")
        params = filled(module.VERB.argument_spec, given)
        params.update(KEYS, endpoint_url=self.url, validate_certs=True, aws_ca_bundle=None)
        context = self._context(self._factory(params), self._clock, progress=lambda line: None, warn=lambda line: None)
        result: dict[str, Any] = module.VERB.run(params, context)
        return result

    def make(self, layouts: Mapping[str, Path]) -> None:
        ec2 = self.client("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]["SubnetId"]
            for number, zone in enumerate("ab")
        ]
        self.group = ec2.create_security_group(GroupName="bench", Description="bench", VpcId=self.vpc)["GroupId"]
        self.client("logs").create_log_group(logGroupName=LOG_GROUP)
        self.client("ecr").create_repository(repositoryName="api")
        for name, layout in layouts.items():
            self.images[name] = self.verb("ecr_image_push", source=str(layout), repository="api", tags=[name])["image"]
        self._secrets_and_roles()
        self._load_balancer()
        self._fleet("bench", "c5.4xlarge", INSTANCES)
        self._fleet("grow", "t3.medium", 1)
        self._managed_scaling("grow")
        self._joined("bench", INSTANCES)
        self._joined("grow", 1)

    def _secrets_and_roles(self) -> None:
        prefix = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter"
        self.client("ssm").put_parameter(Name="/bench/locked", Value="x", Type="SecureString")
        created = self.client("secretsmanager").create_secret(Name="bench", SecretString=json.dumps({"present": "yes"}))
        self.secrets = {"missing": f"{prefix}/bench/missing", "locked": f"{prefix}/bench/locked", "json": created["ARN"]}
        pull = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
        self.roles = {name: self._role(name, "ecs-tasks.amazonaws.com") for name in ("execution", "blind")}
        self.client("iam").attach_role_policy(RoleName="execution", PolicyArn=pull)
        readable = [self.secrets["missing"], self.secrets["json"]]
        statement = {"Effect": "Allow", "Action": ["ssm:GetParameters", "secretsmanager:GetSecretValue"], "Resource": readable}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client("iam").put_role_policy(RoleName="execution", PolicyName="secrets", PolicyDocument=document)
        self._role("instances", "ec2.amazonaws.com")
        policy = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
        self.client("iam").attach_role_policy(RoleName="instances", PolicyArn=policy)
        self.client("iam").create_instance_profile(InstanceProfileName="instances")
        self.client("iam").add_role_to_instance_profile(InstanceProfileName="instances", RoleName="instances")

    def _role(self, name: str, service: str) -> str:
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
        created = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        return str(created["Role"]["Arn"])

    def _load_balancer(self) -> None:
        elb = self.client("elbv2")
        balancer = elb.create_load_balancer(Name="bench", Subnets=self.subnets, SecurityGroups=[self.group])["LoadBalancers"][0]
        rest = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        made = elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[rest])
        self._listener, self._rules = made["Listeners"][0]["ListenerArn"], iter(range(1, 1000))

    def target_group(self, name: str, path: str = "/health/ready") -> str:
        elb = self.client("elbv2")
        arn = elb.create_target_group(
            Name=name,
            Protocol="HTTP",
            Port=PORT,
            VpcId=self.vpc,
            TargetType="ip",
            HealthCheckPath=path,
            HealthCheckIntervalSeconds=HEALTH_INTERVAL,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": str(DRAIN_SECONDS)}
        elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[delay])
        elb.create_rule(
            ListenerArn=self._listener,
            Priority=next(self._rules),
            Conditions=[{"Field": "path-pattern", "Values": [f"/{name}/*"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
        return str(arn)

    def _fleet(self, cluster: str, instance_type: str, size: int) -> None:
        self.client("ecs").create_cluster(clusterName=cluster)
        parameter = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
        user_data = f"#!/bin/bash\necho ECS_CLUSTER={cluster} >> /etc/ecs/ecs.config\n"
        self.client("ec2").create_launch_template(
            LaunchTemplateName=cluster,
            LaunchTemplateData={
                "ImageId": self.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"],
                "InstanceType": instance_type,
                "IamInstanceProfile": {"Name": "instances"},
                "UserData": base64.b64encode(user_data.encode()).decode(),
            },
        )
        self.client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=cluster,
            MinSize=size,
            MaxSize=size + 2,
            VPCZoneIdentifier=",".join(self.subnets),
            LaunchTemplate={"LaunchTemplateName": cluster, "Version": "$Latest"},
        )

    def _managed_scaling(self, cluster: str) -> None:
        groups = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[cluster])["AutoScalingGroups"]
        self.client("ecs").create_capacity_provider(
            name=cluster,
            autoScalingGroupProvider={
                "autoScalingGroupArn": groups[0]["AutoScalingGroupARN"],
                "managedScaling": {"status": "ENABLED", "targetCapacity": 100},
                "managedTerminationProtection": "DISABLED",
            },
        )
        strategy = [{"capacityProvider": cluster, "weight": 1}]
        self.client("ecs").put_cluster_capacity_providers(
            cluster=cluster, capacityProviders=[cluster], defaultCapacityProviderStrategy=strategy
        )

    def _joined(self, cluster: str, size: int) -> None:
        deadline = time.monotonic() + _PATIENCE
        while len(self.client("ecs").list_container_instances(cluster=cluster)["containerInstanceArns"]) < size:
            if time.monotonic() > deadline:
                raise SystemExit(f"the instances did not join the cluster {cluster}")
            time.sleep(0.5)

    def define(self, family: str, top: Mapping[str, Any], container: Mapping[str, Any], environment: Mapping[str, str]) -> str:
        """Register a task definition of the good version, but for what is given; its ARN."""
        definition = {
            "name": CONTAINER,
            "image": self.images["1.0.0"],
            "essential": True,
            "portMappings": [{"containerPort": PORT, "protocol": "tcp"}],
            "environment": [{"name": name, "value": value} for name, value in {"SHUTDOWN_DELAY": "0s", **environment}.items()],
            "stopTimeout": 10,
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": LOG_GROUP, "awslogs-region": REGION, "awslogs-stream-prefix": family},
            },
            **container,
        }
        answer = self.client("ecs").register_task_definition(
            **{
                "family": family,
                "networkMode": "awsvpc",
                "requiresCompatibilities": ["EC2"],
                "cpu": "256",
                "memory": "256",
                "executionRoleArn": self.roles["execution"],
                "containerDefinitions": [definition],
                **top,
            }
        )
        return str(answer["taskDefinition"]["taskDefinitionArn"])


def filled(spec: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` with the defaults of an argument spec, also inside its options, as Ansible would pass it."""
    result: dict[str, Any] = {}
    for name, option in spec.items():
        value = given.get(name, option.get("default"))
        if value is not None and option.get("options"):
            inside = [filled(option["options"], item) for item in (value if isinstance(value, list) else [value])]
            value = inside if isinstance(value, list) else inside[0]
        result[name] = value
    return result
