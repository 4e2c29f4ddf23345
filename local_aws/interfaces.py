"""The doors between the rooms of local_aws. Each room is handed what it needs through these and imports no other room."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

JsonObject = dict[str, Any]

HOST_NAME = "host.docker.internal"
"""How a task calls the machine that local_aws runs on, for what listens on its loopback: `postgres://…@host.docker.internal:5432/…`."""
HOST_ADDRESS = "169.254.170.3"
"""What that name means inside a task's own network."""


class AwsError(Exception):
    """An error answer of an AWS API: code such as `ClientException`, message, HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Call:
    """One AWS API request, parsed: the same shape for every wire protocol."""

    service: str
    """botocore's service name, for example `ecs` or `elbv2`."""
    action: str
    account: str
    region: str
    access_key: str
    params: JsonObject
    upstream: Callable[[JsonObject], JsonObject]
    """Has moto answer this action with the given parameters; returns its output, raises `AwsError`."""


Handler = Callable[[Call], JsonObject]


class Api(Protocol):
    def on(self, service: str, *actions: str) -> Callable[[Handler], Handler]:
        """Decorator: this function answers these actions in place of moto. It returns the output shape as a dict."""

    def record(self, service: str, action: str, account: str, region: str, access_key: str, params: JsonObject, status: int) -> None:
        """Have a call in the record of calls that did not come in through the AWS API, as a push to the registry does not."""


class Component(Protocol):
    """A part with a life of its own. `reset` brings it back to an empty account; `state` is what `/_local/state` shows."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def reset(self) -> None: ...
    def state(self) -> JsonObject: ...


class Permissions(Protocol):
    def denial(self, role_arn: str, action: str, resource: str) -> str | None:
        """None when the role's policies allow the action; else AWS's own sentence, `User: arn:... is not authorized to perform: ...`."""


class PullError(Exception):
    """An image that cannot be had. `name` is the agent's error name, for example `CannotPullContainerError`."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


@dataclass(frozen=True)
class Image:
    """An image for one platform, ready to run: what its configuration says and where its layers lie, base first."""

    reference: str
    digest: str
    """Digest of what the reference names (the index, if it is one), as ECS reports it."""
    platform: str
    config: JsonObject
    """The image configuration document (`config.Env`, `config.Entrypoint`, `config.Cmd`, `config.User`, `rootfs.diff_ids`)."""
    layers: tuple[Path, ...]
    """Layer blobs on disk, compressed as they were pushed; file name is the digest's hexadecimal part."""
    layer_media_types: tuple[str, ...]


class Registry(Protocol):
    def pull(self, reference: str, platform: str, allowed: Callable[[str, str], str | None]) -> Image:
        """Find an image such as `123456789012.dkr.ecr.eu-west-1.amazonaws.com/api@sha256:…` for `linux/amd64`.

        `allowed(action, resource)` answers like `Permissions.denial` for the role that pulls. Raises `PullError`.
        """


@dataclass(frozen=True)
class ExitStatus:
    code: int
    """As ECS shows it: 0 to 255, 128 + signal for a killed process."""
    out_of_memory: bool = False


@dataclass(frozen=True)
class Mount:
    """Something mounted into a container."""

    path: str
    volume: str | None
    """A volume of the task, empty at first and shared by those of its containers that mount it; None is memory of the container's own."""
    read_only: bool = False
    size_mib: int | None = None
    """Of memory."""


@dataclass(frozen=True)
class ContainerSpec:
    name: str
    image: Image
    entry_point: Sequence[str] | None = None
    command: Sequence[str] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    working_directory: str | None = None
    read_only_root: bool = False
    memory_limit_mib: int | None = None
    cpu_units: int = 0
    ulimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    port_hints: Sequence[int] = ()
    """Container ports of the task definition; a runtime with no network of its own gives the first one to the process as PORT."""
    mounts: Sequence[Mount] = ()


class StartError(Exception):
    """A container that could not be started: `CannotStartContainerError` and Docker's own text."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


class RunningContainer(Protocol):
    runtime_id: str

    def wait(self, timeout: float | None = None) -> ExitStatus | None:
        """Wait real seconds for the end; None when it is still running."""

    def signal(self, number: int) -> None:
        """Send a signal to the container's first process. Nothing happens when it has ended."""

    def execute(self, command: Sequence[str], timeout: float) -> tuple[int, str]:
        """Run a command inside the container (health checks); exit code and output. Raises TimeoutError after real seconds."""

    def memory_bytes(self) -> int: ...

    def cpu_seconds(self) -> float: ...


class Sandbox(Protocol):
    """The place where one task's containers run: one network, shared by them, with one address."""

    def start(self, spec: ContainerSpec, output: Callable[[bytes], None]) -> RunningContainer:
        """Start a container; `output` gets each line it writes. Raises `StartError`."""

    def dial(self, port: int, timeout: float) -> socket.socket:
        """A connected socket to that port of the task. Raises ConnectionRefusedError or TimeoutError."""

    def listen(self, address: str, port: int) -> socket.socket | None:
        """A socket that listens inside the task's network, at an address given to it alone. Raises OSError.

        None where the runtime has no network of its own.
        """

    def close(self) -> None:
        """Kill what still runs and remove every trace."""


class Runtime(Protocol):
    name: str
    """`namespaces`, `engine` or `process`."""
    reason: str
    """Why this one was chosen, in a sentence for the user."""

    def sandbox(self, task_id: str, address: str) -> Sandbox: ...


class Network(Protocol):
    """The VPC's data plane: who answers at which private address."""

    def attach(self, address: str, sandbox: Sandbox) -> None: ...
    def detach(self, address: str) -> None: ...
    def dial(self, address: str, port: int, timeout: float) -> socket.socket:
        """A connected socket. Raises TimeoutError where nothing has the address, ConnectionRefusedError where nothing listens."""


@dataclass(frozen=True)
class TaskOrder:
    """What the agent of a container instance is asked to run."""

    task_arn: str
    task_definition: JsonObject
    """As DescribeTaskDefinition shows it, overrides already applied."""
    address: str
    account: str
    region: str
    platform: str
    """`linux/amd64` or `linux/arm64`: that of the container instance."""
    log_stream_suffix: str
    """The task id, the last part of the awslogs stream name `prefix/container/task-id`."""


class TaskWatcher(Protocol):
    """What the agent reports, in order, from a thread of its own. Methods return at once."""

    def pull_started(self) -> None: ...
    def pull_stopped(self) -> None: ...
    def container_started(self, name: str, image_digest: str, runtime_id: str) -> None: ...
    def container_health(self, name: str, status: str) -> None:
        """HEALTHY or UNHEALTHY, on change."""

    def container_stopped(self, name: str, exit_code: int | None, reason: str | None) -> None:
        """A container ended or never started (`exit_code` None). `reason` as in DescribeTasks, for example `OutOfMemoryError: …`."""

    def task_stopped(self, failed_to_start: str | None) -> None:
        """Everything is over. The text is the task's stoppedReason when it never reached RUNNING, else None."""


class TaskHandle(Protocol):
    def stop(self) -> None:
        """SIGTERM in reverse dependency order, SIGKILL after each container's stopTimeout. Returns at once."""

    def kill(self) -> None:
        """SIGKILL at once, as when the instance is gone."""

    def usage(self) -> tuple[float, int]:
        """CPU seconds and memory bytes of all containers, now."""


class Agent(Protocol):
    def launch(self, order: TaskOrder, watcher: TaskWatcher) -> TaskHandle:
        """Pull, fetch secrets, create log streams and start the containers, in a thread of its own. Returns at once."""


@dataclass(frozen=True)
class TargetHealth:
    state: str
    """initial, healthy, unhealthy, draining, unused."""
    reason: str | None = None
    description: str | None = None


class LoadBalancing(Protocol):
    """The Elastic Load Balancing data plane, as the ECS scheduler uses it."""

    def register(self, target_group_arn: str, address: str, port: int, zone: str | None) -> None:
        """Raises `AwsError` (TargetGroupNotFound) as RegisterTargets does."""

    def deregister(self, target_group_arn: str, address: str, port: int) -> None:
        """Starts draining; the target is gone after the deregistration delay."""

    def health(self, target_group_arn: str, address: str, port: int) -> TargetHealth:
        """`unused` with Target.NotRegistered for a target that is not (or no longer) registered."""


class Alarms(Protocol):
    def in_alarm(self, account: str, region: str, names: Sequence[str]) -> list[str]:
        """Those of the named CloudWatch alarms that are in ALARM now."""


@dataclass(frozen=True)
class InstanceFacts:
    """An EC2 instance whose ECS agent has started, as the agent would register it."""

    account: str
    region: str
    cluster: str
    """Cluster name from the user data's ECS_CLUSTER."""
    ec2_instance_id: str
    instance_type: str
    zone: str
    subnet_id: str
    vpc_id: str
    ami_id: str
    cpu_units: int
    memory_mib: int
    """What is registered: the type's memory less what the kernel and the agent keep."""
    architecture: str
    """`x86_64` or `arm64`."""
    eni_slots: int
    """Tasks with a network interface of their own that fit: the type's limit less one (ecs-facts.md 5)."""
    capacity_provider: str | None
    """Name of the capacity provider whose Auto Scaling group the instance belongs to."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Custom attributes from ECS_INSTANCE_ATTRIBUTES."""


@dataclass(frozen=True)
class TaskDemand:
    """What one task waiting in PROVISIONING needs."""

    cpu_units: int
    memory_mib: int
    enis: int


class ContainerInstances(Protocol):
    """The cluster's side of capacity, offered by the ECS room to the capacity room."""

    def joined(self, facts: InstanceFacts) -> None:
        """The instance's agent registers. Comes again for an instance that is in already when its capacity provider has become
        known since (`facts.capacity_provider`): then that is all that changes, and no second container instance appears."""

    def left(self, ec2_instance_id: str) -> None:
        """The instance is gone: its tasks stop as when a host disappears, its container instance becomes INACTIVE."""

    def waiting(self, account: str, region: str, capacity_provider: str) -> list[TaskDemand]:
        """Tasks launched through the capacity provider that found no room, in PROVISIONING."""

    def idle(self, account: str, region: str, capacity_provider: str) -> list[str]:
        """EC2 ids of the provider's container instances that run no task."""

    def runs_tasks(self, ec2_instance_id: str) -> bool:
        """Whether tasks run on the instance."""

    def drain(self, ec2_instance_id: str) -> None:
        """Its container instance becomes DRAINING: services start their tasks elsewhere. Nothing happens when it is none."""
