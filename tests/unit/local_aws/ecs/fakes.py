"""A manual clock and scripted doors, and a bench that steps the ECS room by hand."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.backends import get_backend
from moto.core.base_backend import BackendDict

from local_aws.ecs import EcsRoom
from local_aws.ecs.definitions import definition_view
from local_aws.interfaces import AwsError, Call, Handler, InstanceFacts, TargetHealth, TaskOrder, TaskWatcher

ACCOUNT, REGION = "123456789012", "eu-west-1"


def shapes(messages: list[str]) -> list[str]:
    """Event texts with ids and ARNs taken out."""
    return [re.sub(r"ecs-svc/\d+", "ID", re.sub(r"[0-9a-f]{32}", "T", re.sub(r"arn:\S+(?=\))", "TG", text))) for text in messages]


class ManualClock:
    speed = 1.0

    def __init__(self) -> None:
        self.seconds = 1000.0

    def time(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> bool:
        raise AssertionError("the scheduler must be stepped by hand")


class FakeApi:
    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}

    def on(self, service: str, *actions: str) -> Callable[[Handler], Handler]:
        def put(handler: Handler) -> Handler:
            for action in actions:
                self.handlers[action] = handler
            return handler

        return put


@dataclass
class Script:
    """What happens to a task that runs the image of a tag. Durations are seconds after launch."""

    start_after: float = 3.0
    pull_error: str | None = None
    exit_after: float | None = None
    exit_code: int = 1
    target: str = "healthy"
    container_health: str | None = None
    stop_takes: float = 2.0


class FakeHandle:
    def __init__(self, agent: FakeAgent, order: TaskOrder, watcher: TaskWatcher, script: Script) -> None:
        self.agent, self.order, self.watcher, self.script = agent, order, watcher, script
        self.launched = agent.clock.time()
        self.started = self.done = False
        self.stopping: float | None = None
        self.stop_calls = self.kills = 0

    @property
    def names(self) -> list[str]:
        return [c["name"] for c in self.order.task_definition["containerDefinitions"]]

    def stop(self) -> None:
        self.stop_calls += 1
        self.stopping = self.agent.clock.time()

    def kill(self) -> None:
        self.kills += 1
        self.done = True

    def usage(self) -> tuple[float, int]:
        return self.agent.clock.time() / 10, 64 * 1024 * 1024

    def end(self, code: int) -> None:
        self.done = True
        for name in reversed(self.names):
            self.watcher.container_stopped(name, code, None)
        self.watcher.task_stopped(None)

    def advance(self) -> None:
        if self.done:
            return
        now, script = self.agent.clock.time(), self.script
        if self.stopping is not None and now - self.stopping >= script.stop_takes:
            self.end(143)
            return
        if not self.started and self.stopping is None and now - self.launched >= script.start_after:
            self.watcher.pull_started()
            if script.pull_error:
                self.done = True
                for name in self.names:
                    self.watcher.container_stopped(name, None, script.pull_error)
                self.watcher.task_stopped(script.pull_error)
                return
            self.watcher.pull_stopped()
            self.started = True
            for name in self.names:
                self.watcher.container_started(name, "sha256:" + "a" * 64, "rt-" + name)
        if self.started and script.container_health:
            for name in self.names:
                self.watcher.container_health(name, script.container_health)
        if self.started and script.exit_after is not None and now - self.launched >= script.exit_after:
            self.end(script.exit_code)


class FakeAgent:
    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.handles: list[FakeHandle] = []
        self.scripts: dict[str, Script] = {}

    def script_of(self, order: TaskOrder) -> Script:
        environment = order.task_definition["containerDefinitions"][0]["environment"]
        return self.scripts.get(next((item["value"] for item in environment if item["name"] == "TAG"), ""), Script())

    def launch(self, order: TaskOrder, watcher: TaskWatcher) -> FakeHandle:
        handle = FakeHandle(self, order, watcher, self.script_of(order))
        self.handles.append(handle)
        return handle

    def advance(self) -> None:
        for handle in list(self.handles):
            handle.advance()


class FakeBalancing:
    """Targets become what their task's script says 5 s after registration, and are gone `delay` s after deregistration."""

    def __init__(self, clock: ManualClock, agent: FakeAgent) -> None:
        self.clock, self.agent = clock, agent
        self.delay = 30.0
        self.broken: str | None = None
        self.targets: dict[tuple[str, str, int], float] = {}
        self.leaving: dict[tuple[str, str, int], float] = {}

    def register(self, target_group_arn: str, address: str, port: int, zone: str | None) -> None:
        if self.broken:
            raise AwsError("TargetGroupNotFound", self.broken)
        self.targets[target_group_arn, address, port] = self.clock.time()
        self.leaving.pop((target_group_arn, address, port), None)

    def deregister(self, target_group_arn: str, address: str, port: int) -> None:
        self.leaving[target_group_arn, address, port] = self.clock.time()

    def health(self, target_group_arn: str, address: str, port: int) -> TargetHealth:
        key = (target_group_arn, address, port)
        now = self.clock.time()
        if key in self.leaving:
            if now - self.leaving[key] < self.delay:
                return TargetHealth("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
            return TargetHealth("unused", "Target.NotRegistered", "Target is not registered to the target group")
        if key not in self.targets:
            return TargetHealth("unused", "Target.NotRegistered", "Target is not registered to the target group")
        handle = next(h for h in self.agent.handles if h.order.address == address and not h.done)
        if handle.script.target == "healthy" and now - self.targets[key] >= 5:
            return TargetHealth("healthy")
        if handle.script.target == "unhealthy" and now - self.targets[key] >= 60:
            return TargetHealth("unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]")
        return TargetHealth("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")


class FakeAlarms:
    def __init__(self) -> None:
        self.ringing: list[str] = []

    def in_alarm(self, account: str, region: str, names: Sequence[str]) -> list[str]:
        return [name for name in names if name in self.ringing]


class FakeMetrics:
    def __init__(self) -> None:
        self.values: list[tuple[str, dict[str, str], float]] = []

    def put(
        self, account: str, region: str, namespace: str, name: str, dimensions: Mapping[str, str], value: float, unit: str = "Count"
    ) -> None:
        self.values.append((name, dict(dimensions), value))


class FakePermissions:
    def denial(self, role_arn: str, action: str, resource: str) -> str | None:
        return None


@dataclass
class Bench:
    """One account with a VPC of two zones, a cluster and a load-balanced target group. Time moves only in `run`."""

    stale_reads: int = 0
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        BackendDict.reset()
        self.api = FakeApi()
        self.agent = FakeAgent(self.clock)
        self.balancing = FakeBalancing(self.clock, self.agent)
        self.alarms, self.metrics = FakeAlarms(), FakeMetrics()
        self.room = EcsRoom(
            self.clock, self.api, self.agent, self.balancing, self.alarms, self.metrics, FakePermissions(), self.stale_reads
        )
        ec2 = get_backend("ec2")[ACCOUNT][REGION]
        vpc = ec2.create_vpc("10.0.0.0/16")
        self.subnets = [
            ec2.create_subnet(vpc.id, f"10.0.{n}.0/24", availability_zone=f"{REGION}{zone}") for n, zone in ((1, "a"), (2, "b"))
        ]
        self.group = ec2.create_security_group("app", "app", vpc_id=vpc.id).id
        self.vpc_id = vpc.id
        self.ecs = get_backend("ecs")[ACCOUNT][REGION]
        self.ecs.create_cluster("main")
        self.elb = elb = get_backend("elbv2")[ACCOUNT][REGION]
        self.target_group = elb.create_target_group("api", vpc_id=vpc.id, protocol="HTTP", port=8080, target_type="ip").arn
        elb.target_groups[self.target_group].load_balancer_arns.append("arn:aws:elasticloadbalancing:::loadbalancer/app/api/1")

    def call(self, action: str, **params: Any) -> dict[str, Any]:
        def upstream(changed: dict[str, Any]) -> dict[str, Any]:
            raise AssertionError(f"{action} asked moto")

        return self.api.handlers[action](Call("ecs", action, ACCOUNT, REGION, "AKIA", {"cluster": "main", **params}, upstream))

    def instance(self, zone: int = 0, **more: Any) -> str:
        """A t3.small joins: 2048 CPU units, 1900 MiB, room for two interfaces."""
        known = len(self.room.store.instances)
        facts: dict[str, Any] = {
            "account": ACCOUNT,
            "region": REGION,
            "cluster": "main",
            "ec2_instance_id": f"i-{known:017x}",
            "instance_type": "t3.small",
            "zone": f"{REGION}{'ab'[zone]}",
            "subnet_id": self.subnets[zone].id,
            "vpc_id": self.vpc_id,
            "ami_id": "ami-1",
            "cpu_units": 2048,
            "memory_mib": 1900,
            "architecture": "x86_64",
            "eni_slots": 2,
            "capacity_provider": None,
            **more,
        }
        self.room.joined(InstanceFacts(**facts))
        return str(facts["ec2_instance_id"])

    def definition(self, tag: str, family: str = "api", mode: str = "awsvpc", **more: Any) -> str:
        container = {
            "name": "api",
            "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/api:{tag}",
            "portMappings": [{"containerPort": 8080}],
            "environment": [{"name": "TAG", "value": tag}],
            **more.pop("container", {}),
        }
        record = self.ecs.register_task_definition(family, [container], network_mode=mode, cpu="256", memory="256", **more)
        return str(definition_view(record)["taskDefinitionArn"])

    def network(self) -> dict[str, Any]:
        return {"awsvpcConfiguration": {"subnets": [s.id for s in self.subnets], "securityGroups": [self.group]}}

    def create(self, tag: str = "good", desired: int = 2, balanced: bool = True, **more: Any) -> dict[str, Any]:
        params: dict[str, Any] = {
            "serviceName": "api",
            "taskDefinition": self.definition(tag),
            "desiredCount": desired,
            "networkConfiguration": self.network(),
            **more,
        }
        if balanced:
            params["loadBalancers"] = [{"targetGroupArn": self.target_group, "containerName": "api", "containerPort": 8080}]
        return dict(self.call("CreateService", **params)["service"])

    def update(self, **params: Any) -> dict[str, Any]:
        return dict(self.call("UpdateService", service="api", **params)["service"])

    def service(self) -> dict[str, Any]:
        return dict(self.call("DescribeServices", services=["api"])["services"][0])

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        arns = self.call("ListTasks", serviceName="api", desiredStatus=status)["taskArns"]
        return list(self.call("DescribeTasks", tasks=arns)["tasks"]) if arns else []

    def deployments(self) -> list[dict[str, Any]]:
        """The service's history, newest first, described."""
        arns = [d["serviceDeploymentArn"] for d in self.call("ListServiceDeployments", service="api")["serviceDeployments"]]
        described = self.call("DescribeServiceDeployments", serviceDeploymentArns=arns)["serviceDeployments"]
        return sorted(described, key=lambda d: arns.index(d["serviceDeploymentArn"]))

    def step(self) -> None:
        self.clock.seconds += 1
        self.agent.advance()
        self.room.ticker.turn()

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.step()

    def run_until(self, condition: Callable[[], bool], limit: int = 3600) -> int:
        """Seconds it took. Fails when the condition does not come true in time."""
        for passed in range(limit):
            if condition():
                return passed
            self.step()
        raise AssertionError(f"not within {limit} s; events: " + "\n".join(self.messages()[-20:]))

    def messages(self) -> list[str]:
        """Event texts without the `(service api) ` prefix, oldest first."""
        return [e["message"].removeprefix("(service api) ") for e in reversed(self.service()["events"])]

    def completed(self) -> bool:
        service = self.service()
        return service["deployments"][0]["rolloutState"] == "COMPLETED" and len(service["deployments"]) == 1

    def ready(self, tag: str = "good", desired: int = 2, instances: int = 4, **more: Any) -> dict[str, Any]:
        """A service that has completed its first deployment."""
        for n in range(instances):
            self.instance(n % 2)
        service = self.create(tag, desired, **more)
        self.run_until(self.completed)
        return service
