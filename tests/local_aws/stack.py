"""Everything that an ECS service stands on, made with plain boto3 as a user would make it, and ways to look at what becomes of it.

All durations are AWS seconds: local_aws divides them by its speed.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

REGION = "eu-west-1"
ACCOUNT = "123456789012"
REPOSITORY_NAME = "shop"
LOG_GROUP = "/ecs/shop"
CONTAINER = "api"
PORT = 8080
PATIENCE = 1200.0
"""How long to wait for what should take one or two minutes: a full minute of real time at the usual speed."""

TASK = r"\(task ([0-9a-f]{32})\)"
DEPLOYMENT = r"ecs-svc/\d{19}"


@dataclass(frozen=True)
class Event:
    """A service event: its message without the `(service NAME)` at the front, which `task_set` keeps if it named a deployment."""

    at: datetime
    text: str
    task_set: str | None


class Service:
    """One ECS service of the stack, as the API shows it."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.stack = stack
        self.name = name

    def describe(self) -> dict[str, Any]:
        (service,) = self.stack.ecs.describe_services(cluster=self.stack.name, services=[self.name])["services"]
        return dict(service)

    def update(self, **changes: Any) -> str:
        """UpdateService; the id of the deployment that is PRIMARY in its answer."""
        answer = self.stack.ecs.update_service(cluster=self.stack.name, service=self.name, **changes)["service"]
        return str(next(item["id"] for item in answer["deployments"] if item["status"] == "PRIMARY"))

    def primary(self) -> dict[str, Any]:
        return next(item for item in self.describe()["deployments"] if item["status"] == "PRIMARY")

    def deployment(self, deployment_id: str) -> dict[str, Any] | None:
        return next((item for item in self.describe()["deployments"] if item["id"] == deployment_id), None)

    def completed(self, deployment_id: str) -> bool:
        primary = self.primary()
        return bool(primary["id"] == deployment_id and primary["rolloutState"] == "COMPLETED")

    def wait_completed(self, deployment_id: str, limit: float = PATIENCE) -> None:
        self.stack.aws.until(lambda: self.completed(deployment_id), limit, f"{deployment_id} is PRIMARY and COMPLETED\n{self.story()}")

    def events(self, after: datetime | None = None) -> list[Event]:
        """Oldest first; those after the time, if one is given."""
        found = []
        for event in reversed(self.describe()["events"]):
            match = re.fullmatch(rf"\(service {self.name}(?:, taskSet ({DEPLOYMENT}))?\) (.*)", event["message"])
            assert match is not None, f"an event with no proper beginning: {event['message']}"
            if after is None or event["createdAt"] > after:
                found.append(Event(event["createdAt"], match[2], match[1]))
        return found

    def last_event_at(self) -> datetime:
        at: datetime = self.describe()["events"][0]["createdAt"]
        return at

    def texts(self, after: datetime | None = None) -> list[str]:
        return [event.text for event in self.events(after)]

    def story(self) -> str:
        """The events as text, for messages of failing tests."""
        return "\n".join(f"{event.at:%H:%M:%S.%f} {event.text}" for event in self.events())

    def wait_event(self, pattern: str, after: datetime | None = None, limit: float = PATIENCE) -> Event:
        def found() -> Event | None:
            return next((event for event in self.events(after) if re.search(pattern, event.text)), None)

        event: Event = self.stack.aws.until(found, limit, f"an event like {pattern!r}")
        return event

    def tasks(self, started_by: str | None = None, status: str | None = None) -> list[dict[str, Any]]:
        """Tasks of the service, stopped ones included: of one deployment, with one desired status, if given."""
        arns: list[str] = []
        for wanted in (status,) if status else ("RUNNING", "STOPPED"):
            arns += self.stack.ecs.list_tasks(cluster=self.stack.name, serviceName=self.name, desiredStatus=wanted)["taskArns"]
        if not arns:
            return []
        tasks = self.stack.ecs.describe_tasks(cluster=self.stack.name, tasks=arns)["tasks"]
        return [task for task in tasks if started_by in (None, task["startedBy"])]

    def service_deployments(self) -> list[dict[str, Any]]:
        """Every service deployment in full, newest first."""
        briefs = self.stack.ecs.list_service_deployments(cluster=self.stack.name, service=self.name)["serviceDeployments"]
        arns = [brief["serviceDeploymentArn"] for brief in briefs]
        if not arns:
            return []
        found = self.stack.ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
        return sorted(found, key=lambda one: arns.index(one["serviceDeploymentArn"]))

    def revision(self, arn: str) -> dict[str, Any]:
        (found,) = self.stack.ecs.describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"]
        return dict(found)


class Account:
    """What the stacks of many tests have in common: network, execution role, log group and image repository, made once.

    Making it anew for each test would take longer than most tests.
    """

    def __init__(self, aws: Any, images: Mapping[str, Path]) -> None:
        self.aws = aws
        self.images = images
        self._stacks = 0
        self._vpc: str | None = None
        self._digests: dict[str, str] = {}

    def stack(self) -> Stack:
        """A stack with a name of its own, nothing of it made yet."""
        if not self._is_there():
            self.aws.reset()
            self._make()
        self._stacks += 1
        return Stack(self, f"shop-{self._stacks}")

    def _is_there(self) -> bool:
        """False before the first test, and after a test that emptied the account."""
        vpcs = self.aws.client("ec2").describe_vpcs()["Vpcs"] if self._vpc else []
        return self._vpc in [vpc["VpcId"] for vpc in vpcs]

    def _make(self) -> None:
        ec2 = self.aws.client("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]["SubnetId"]
            for number, zone in enumerate("ab")
        ]
        self.group = ec2.create_security_group(GroupName="shop", Description="shop", VpcId=self.vpc)["GroupId"]
        iam = self.aws.client("iam")
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        }
        role = iam.create_role(RoleName="shop-execution", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        self.execution_role = role["Arn"]
        managed = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
        iam.attach_role_policy(RoleName="shop-execution", PolicyArn=managed)
        self.aws.client("logs").create_log_group(logGroupName=LOG_GROUP)
        self.aws.client("ecr").create_repository(repositoryName=REPOSITORY_NAME)
        self._digests.clear()
        self._vpc = self.vpc

    def push(self, version: str) -> str:
        """Push a version with skopeo, if that was not done yet; the reference for a task definition, with the digest."""
        if version not in self._digests:
            ecr = self.aws.client("ecr")
            token = base64.b64decode(ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]).decode()
            registry = self.aws.url.removeprefix("http://")
            done = subprocess.run(
                [
                    *("skopeo", "copy", "--quiet", "--dest-tls-verify=false", "--dest-creds", token),
                    *(f"oci:{self.images[version]}:{version}", f"docker://{registry}/{REPOSITORY_NAME}:{version}"),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            (image,) = ecr.describe_images(repositoryName=REPOSITORY_NAME, imageIds=[{"imageTag": version}])["imageDetails"]
            self._digests[version] = image["imageDigest"]
        return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY_NAME}@{self._digests[version]}"


class Stack:
    """A load balancer, a target group and a cluster of EC2 instances, for the services of one test."""

    def __init__(self, account: Account, name: str) -> None:
        self.account = account
        self.name = name
        self.aws = account.aws
        self.ecs = self.aws.client("ecs")
        self.elb = self.aws.client("elbv2")
        self.logs = self.aws.client("logs")
        self._services: list[str] = []

    def build(self, instance_type: str = "c5.4xlarge", instances: int = 2, deregistration_delay: int = 10, interval: int = 10) -> Stack:
        """Make it all. A c5.4xlarge has room for 7 tasks with a network interface of their own."""
        self._load_balancer(deregistration_delay, interval)
        self._cluster(instance_type, instances)
        return self

    def remove(self) -> None:
        """Remove services, instances and load balancer, so that nothing runs on beside the next test."""
        for service in self._services:
            if Service(self, service).describe()["status"] == "ACTIVE":
                self.ecs.delete_service(cluster=self.name, service=service, force=True)
        groups = self.aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])["AutoScalingGroups"]
        for group in groups:
            self.aws.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=group["AutoScalingGroupName"], ForceDelete=True)
        if hasattr(self, "balancer"):
            self.elb.delete_load_balancer(LoadBalancerArn=self.balancer["LoadBalancerArn"])

    def _load_balancer(self, deregistration_delay: int, interval: int) -> None:
        answer = self.elb.create_load_balancer(Name=self.name, Subnets=self.account.subnets, SecurityGroups=[self.account.group])
        self.balancer = answer["LoadBalancers"][0]
        self.target_group = self.elb.create_target_group(
            Name=self.name,
            Protocol="HTTP",
            Port=PORT,
            VpcId=self.account.vpc,
            TargetType="ip",
            HealthCheckPath="/health/ready",
            HealthCheckIntervalSeconds=interval,
            HealthCheckTimeoutSeconds=interval - 1,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        self.elb.modify_target_group_attributes(
            TargetGroupArn=self.target_group,
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(deregistration_delay)}],
        )
        self.elb.create_listener(
            LoadBalancerArn=self.balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.target_group}],
        )

    def _cluster(self, instance_type: str, instances: int) -> None:
        self.ecs.create_cluster(clusterName=self.name)
        user_data = f"#!/bin/bash\necho ECS_CLUSTER={self.name} >> /etc/ecs/ecs.config\n"
        image = self.aws.client("ssm").get_parameter(Name="/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id")
        self.aws.client("ec2").create_launch_template(
            LaunchTemplateName=self.name,
            LaunchTemplateData={
                "ImageId": image["Parameter"]["Value"],
                "InstanceType": instance_type,
                "UserData": base64.b64encode(user_data.encode()).decode(),
            },
        )
        self.aws.client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=self.name,
            LaunchTemplate={"LaunchTemplateName": self.name, "Version": "$Latest"},
            MinSize=0,
            MaxSize=10,
            DesiredCapacity=instances,
            VPCZoneIdentifier=",".join(self.account.subnets),
        )
        self.aws.until(lambda: len(self.container_instances()) == instances, PATIENCE, f"{instances} container instances registered")

    def resize(self, instances: int) -> None:
        """Another number of EC2 instances, from now on."""
        self.aws.client("autoscaling").set_desired_capacity(AutoScalingGroupName=self.name, DesiredCapacity=instances)

    def container_instances(self) -> list[dict[str, Any]]:
        arns = self.ecs.list_container_instances(cluster=self.name)["containerInstanceArns"]
        if not arns:
            return []
        return list(self.ecs.describe_container_instances(cluster=self.name, containerInstances=arns)["containerInstances"])

    @property
    def url(self) -> str:
        """Where the load balancer's listener is on this machine."""
        balancers = self.aws.hand("GET", "state?component=elb")["elb"]["load_balancers"]
        return next(str(balancer["listeners"][0]["url"]) for balancer in balancers if balancer["name"] == self.name)

    def define(self, version: str, stop_timeout: int = 30, container: Mapping[str, Any] | None = None, **environment: str) -> str:
        """Register a task definition of the version with faults or settings; its ARN. `container` overrides the container's fields."""
        definition = {
            "name": CONTAINER,
            "image": self.account.push(version) if version in self.account.images else version,
            "essential": True,
            "portMappings": [{"containerPort": PORT, "protocol": "tcp"}],
            "environment": [{"name": name, "value": value} for name, value in {"SHUTDOWN_DELAY": "0s", **environment}.items()],
            "stopTimeout": stop_timeout,
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": LOG_GROUP, "awslogs-region": REGION, "awslogs-stream-prefix": "ecs"},
            },
            **(container or {}),
        }
        registered = self.ecs.register_task_definition(
            family=self.name,
            networkMode="awsvpc",
            requiresCompatibilities=["EC2"],
            cpu="256",
            memory="256",
            executionRoleArn=self.account.execution_role,
            containerDefinitions=[definition],
        )
        return str(registered["taskDefinition"]["taskDefinitionArn"])

    def create_service(
        self,
        task_definition: str,
        desired: int,
        *,
        name: str = "api",
        balanced: bool = True,
        minimum: int = 100,
        maximum: int = 200,
        breaker: bool = True,
        **more: Any,
    ) -> Service:
        """CreateService with launch type EC2; `balanced` puts it behind the load balancer."""
        behind = [{"targetGroupArn": self.target_group, "containerName": CONTAINER, "containerPort": PORT}]
        self.ecs.create_service(
            cluster=self.name,
            serviceName=name,
            taskDefinition=task_definition,
            desiredCount=desired,
            launchType="EC2",
            availabilityZoneRebalancing="DISABLED",
            deploymentConfiguration={
                "minimumHealthyPercent": minimum,
                "maximumPercent": maximum,
                "deploymentCircuitBreaker": {"enable": breaker, "rollback": breaker},
            },
            networkConfiguration={"awsvpcConfiguration": {"subnets": self.account.subnets, "securityGroups": [self.account.group]}},
            **({"loadBalancers": behind} if balanced else {}),
            **more,
        )
        self._services.append(name)
        return Service(self, name)

    def steady_service(self, task_definition: str, desired: int, **options: Any) -> tuple[Service, str]:
        """A service whose first deployment is completed, and that deployment's id."""
        service = self.create_service(task_definition, desired, **options)
        first = str(service.primary()["id"])
        service.wait_completed(first)
        service.wait_event(r"has reached a steady state\.")
        return service, first

    def let_pass(self, aws_seconds: float) -> None:
        """Wait, to see that something does not happen."""
        time.sleep(aws_seconds / self.aws.speed)

    def target_states(self) -> list[str]:
        health = self.elb.describe_target_health(TargetGroupArn=self.target_group)["TargetHealthDescriptions"]
        return [target["TargetHealth"]["State"] for target in health]

    def log_lines(self, task: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What the task's container has written, as the JSON objects that the example service writes."""
        stream = f"ecs/{CONTAINER}/{task_id(task)}"
        events = self.logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True)["events"]
        return [json.loads(event["message"]) for event in events]


def task_id(task: Mapping[str, Any]) -> str:
    return str(task["taskArn"]).rpartition("/")[2]


def task_ids(text: str) -> list[str]:
    """The tasks that an event names."""
    return re.findall(TASK, text)


def private_address(task: Mapping[str, Any]) -> str:
    (attachment,) = [item for item in task["attachments"] if item["type"] == "ElasticNetworkInterface"]
    return next(str(item["value"]) for item in attachment["details"] if item["name"] == "privateIPv4Address")
