"""Faults that are real causes: each one changes the world, and whatever follows follows by itself."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any, Protocol

from local_aws.control_plane.api import AwsApi
from local_aws.control_plane.shortage import Shortage
from local_aws.hands.http import BadRequest, Hands
from local_aws.interfaces import AwsError, JsonObject

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "eu-west-1"
DENY_POLICY = "local-aws-taken-away"
"""Name of the inline policy with which a permission is taken away."""


class Processes(Protocol):
    def signal(self, task: str, container: str | None, number: int) -> list[str]: ...


class Agents(Protocol):
    def connect(self, ec2_instance_id: str, connected: bool) -> bool: ...


class Faults:
    """Every method is one hand. Parameters are those of the request; `account` and `region` may always be given."""

    def __init__(self, api: AwsApi, shortage: Shortage, processes: Processes, agents: Agents) -> None:
        self._api = api
        self._shortage = shortage
        self._processes = processes
        self._agents = agents

    def add_to(self, hands: Hands) -> None:
        table: list[tuple[str, str, Callable[[JsonObject], Any]]] = [
            ("/_local/instances/stop", "instance=i-… [how=stop|terminate]: an EC2 instance goes away", self.stop_instance),
            ("/_local/capacity/limit", "instance_type=t3.small at_most=1 (null lifts it): EC2 runs out of a type", self.limit_type),
            ("/_local/capacity/shrink", "group=NAME to=1: an Auto Scaling group may hold no more", self.shrink_group),
            ("/_local/permissions/deny", "role=NAME actions=[…] [resource=*]: a role loses permissions", self.deny),
            ("/_local/permissions/restore", "role=NAME: and gets them back", self.restore),
            ("/_local/tasks/kill", "task=ARN or id [container=NAME] [signal=9]: a process dies", self.kill_process),
            ("/_local/agents/disconnect", "instance=i-…: an ECS agent loses its connection", self.disconnect),
            ("/_local/agents/connect", "instance=i-…: and finds it again", self.connect),
        ]
        for path, summary, run in table:
            hands.add("POST", path, summary, run)

    def stop_instance(self, given: JsonObject) -> JsonObject:
        instance, how = _needed(given, "instance"), given.get("how", "stop")
        if how not in ("stop", "terminate"):
            raise BadRequest(f"how={how} is neither stop nor terminate.")
        self._ask(given, "ec2", "StopInstances" if how == "stop" else "TerminateInstances", {"InstanceIds": [instance]})
        return {"instance": instance, "how": how}

    def limit_type(self, given: JsonObject) -> JsonObject:
        """Also takes back what is above the limit, the youngest first."""
        instance_type, at_most = _needed(given, "instance_type"), given.get("at_most")
        limit = None if at_most is None else _number(at_most, "at_most")
        self._shortage.limit(instance_type, limit)
        surplus: list[tuple[str, str, str]] = []
        if limit is not None:
            with self._api.moto.lock:
                surplus = [(account, region, each.id) for account, region, each in self._shortage.live(instance_type)[limit:]]
        for account, region, instance_id in surplus:
            self._api.ask("ec2", "TerminateInstances", {"InstanceIds": [instance_id]}, account, region)
        return {"limits": self._shortage.shown(), "terminated": [instance_id for _, _, instance_id in surplus]}

    def shrink_group(self, given: JsonObject) -> JsonObject:
        """Lowers the group's maximum, and its minimum and desired size where they are above it."""
        name, size = _needed(given, "group"), _number(_needed(given, "to"), "to")
        found = self._ask(given, "autoscaling", "DescribeAutoScalingGroups", {"AutoScalingGroupNames": [name]})["AutoScalingGroups"]
        if not found:
            raise BadRequest(f"There is no Auto Scaling group {name}.")
        sizes = {key: min(int(found[0][key]), size) for key in ("MinSize", "DesiredCapacity")}
        self._ask(given, "autoscaling", "UpdateAutoScalingGroup", {"AutoScalingGroupName": name, "MaxSize": size, **sizes})
        return {"group": name, "MaxSize": size, **sizes}

    def deny(self, given: JsonObject) -> JsonObject:
        actions = given.get("actions") or [_needed(given, "action")]
        statement = {"Effect": "Deny", "Action": actions, "Resource": given.get("resource", "*")}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        role = _role_name(_needed(given, "role"))
        self._ask(given, "iam", "PutRolePolicy", {"RoleName": role, "PolicyName": DENY_POLICY, "PolicyDocument": document})
        return {"role": role, "policy": DENY_POLICY, "statement": statement}

    def restore(self, given: JsonObject) -> JsonObject:
        role = _role_name(_needed(given, "role"))
        self._ask(given, "iam", "DeleteRolePolicy", {"RoleName": role, "PolicyName": DENY_POLICY})
        return {"role": role}

    def kill_process(self, given: JsonObject) -> JsonObject:
        task, number = _needed(given, "task"), _number(given.get("signal", signal.SIGKILL), "signal")
        signalled = self._processes.signal(task, given.get("container"), number)
        if not signalled:
            raise BadRequest(f"No such container of task {task} runs now.")
        return {"task": task, "containers": signalled, "signal": number}

    def disconnect(self, given: JsonObject) -> JsonObject:
        return self._connect(given, connected=False)

    def connect(self, given: JsonObject) -> JsonObject:
        return self._connect(given, connected=True)

    def _connect(self, given: JsonObject, *, connected: bool) -> JsonObject:
        instance = _needed(given, "instance")
        if not self._agents.connect(instance, connected):
            raise BadRequest(f"{instance} is no container instance of a cluster.")
        return {"instance": instance, "connected": connected}

    def _ask(self, given: JsonObject, service: str, action: str, params: JsonObject) -> JsonObject:
        account, region = str(given.get("account", DEFAULT_ACCOUNT)), str(given.get("region", DEFAULT_REGION))
        try:
            return self._api.ask(service, action, params, account, region)
        except AwsError as error:
            raise BadRequest(f"{service}:{action} in {region}: {error.code}: {error.message}") from error


def _needed(given: JsonObject, name: str) -> str:
    value = given.get(name)
    if value is None or value == "":
        raise BadRequest(f"{name} is missing. GET /_local/ shows what each hand takes.")
    return str(value)


def _number(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"{name}={value!r} is not a whole number.") from error


def _role_name(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]
