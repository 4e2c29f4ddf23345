"""The records of the ECS room: container instances, tasks, services, their deployments and revisions. Data only."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from local_aws.interfaces import JsonObject, TargetHealth, TaskHandle


def hex_id() -> str:
    """Id of a task, container instance or attachment: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def long_number() -> str:
    """19 decimal digits, as in `ecs-svc/1234567890123456789` and in service revision ARNs."""
    return str(10**18 + secrets.randbelow(9 * 10**18))


@dataclass(frozen=True)
class Demand:
    """What one task takes from its container instance."""

    cpu: int
    """CPU units, 1024 to a vCPU."""
    memory: int
    """MiB."""
    tcp_ports: frozenset[int]
    udp_ports: frozenset[int]
    eni: bool
    """True when the task has a network interface of its own (awsvpc)."""


@dataclass
class Instance:
    arn: str
    account: str
    region: str
    cluster: str
    cluster_arn: str
    ec2_instance_id: str
    zone: str
    subnet_id: str
    architecture: str
    """`x86_64` or `arm64`."""
    cpu: int
    memory: int
    tcp_ports: frozenset[int]
    udp_ports: frozenset[int]
    eni_slots: int
    capacity_provider: str | None
    attributes: dict[str, str | None]
    registered_at: datetime
    private_address: str | None = None
    """The instance's own address, for tasks without one."""
    status: str = "ACTIVE"
    agent_connected: bool = True
    version: int = 1
    tags: list[JsonObject] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.arn.rsplit("/", 1)[-1]


@dataclass
class Container:
    name: str
    image: str
    essential: bool
    cpu: int
    memory: int | None
    memory_reservation: int | None
    checked: bool
    """True when the container has a health check."""
    status: str = "PENDING"
    started: bool = False
    image_digest: str | None = None
    runtime_id: str | None = None
    exit_code: int | None = None
    reason: str | None = None
    health: str = "UNKNOWN"


@dataclass(frozen=True)
class Eni:
    id: str
    attachment_id: str
    subnet_id: str
    mac: str
    address: str
    dns_name: str | None


@dataclass
class Target:
    """One task in one target group."""

    target_group: str
    container: str
    port: int
    """Container port with awsvpc, else host port."""
    registered: bool = False
    health: TargetHealth | None = None


@dataclass
class Task:
    arn: str
    account: str
    region: str
    cluster: str
    cluster_arn: str
    definition_arn: str
    definition: JsonObject
    """As DescribeTaskDefinition shows it, overrides applied."""
    overrides: JsonObject
    demand: Demand
    group: str
    created_at: datetime
    created: float
    """The clock's AWS seconds at creation."""
    containers: dict[str, Container]
    launch_type: str | None = None
    capacity_provider: str | None = None
    started_by: str | None = None
    service_arn: str | None = None
    deployment_id: str | None = None
    batch: int = 0
    """Number of the start decision this task came from, within its deployment."""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    constraints: tuple[JsonObject, ...] = ()
    strategy: tuple[JsonObject, ...] = ()
    tags: list[JsonObject] = field(default_factory=list)
    execute_command: bool = False
    status: str = "PROVISIONING"
    desired_status: str = "RUNNING"
    version: int = 1
    instance_arn: str | None = None
    zone: str | None = None
    eni: Eni | None = None
    eni_attached: bool = False
    eni_deleted: bool = False
    host_ports: dict[tuple[str, int, str], int] = field(default_factory=dict)
    """Host port by container name, container port and protocol (bridge and host mode)."""
    targets: list[Target] = field(default_factory=list)
    due: float = 0.0
    """AWS seconds of the next change that only needs time."""
    launching: bool = False
    handle: TaskHandle | None = None
    stop_sent: bool = False
    agent_done: bool = False
    host_lost: bool = False
    pull_started_at: datetime | None = None
    pull_stopped_at: datetime | None = None
    started_at: datetime | None = None
    running_since: float | None = None
    stopping_at: datetime | None = None
    execution_stopped_at: datetime | None = None
    stopped_at: datetime | None = None
    stopped: float | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    healthy_once: bool = False
    accounted: bool = False
    """The scheduler has seen that this task died."""

    @property
    def id(self) -> str:
        return self.arn.rsplit("/", 1)[-1]

    @property
    def live(self) -> bool:
        return self.desired_status == "RUNNING"

    @property
    def pending(self) -> bool:
        return self.live and self.status != "RUNNING"

    @property
    def running(self) -> bool:
        return self.live and self.status == "RUNNING"

    @property
    def health_status(self) -> str:
        """UNHEALTHY when an essential checked container is, HEALTHY when all essential checked ones are, else UNKNOWN."""
        checked = [c.health for c in self.containers.values() if c.checked and c.essential]
        if "UNHEALTHY" in checked:
            return "UNHEALTHY"
        return "HEALTHY" if checked and all(health == "HEALTHY" for health in checked) else "UNKNOWN"


@dataclass
class Revision:
    """A service revision: what a deployment deploys. Never changes but for the image digests seen at run time."""

    arn: str
    service_arn: str
    cluster_arn: str
    created_at: datetime
    config: JsonObject
    """taskDefinition, launchType or capacityProviderStrategy, loadBalancers, networkConfiguration, serviceRegistries, …"""
    images: list[JsonObject] = field(default_factory=list)


@dataclass
class Deployment:
    """One entry of `services[].deployments[]`."""

    id: str
    revision: Revision
    created_at: datetime
    updated_at: datetime
    want: int
    """Tasks it should have: the service's desired count for the PRIMARY one, what is left to drain for others."""
    status: str = "PRIMARY"
    rollout_state: str = "IN_PROGRESS"
    rollout_reason: str = ""
    completed_once: bool = False
    rolling_back: bool = False
    """True while it is PRIMARY again because a later deployment failed."""
    superseded: bool = False
    failed_tasks: int = 0
    failure_count: int = 0
    reached_running: bool = False
    batches: int = 0
    failed_batch: int = 0
    failure_streak: int = 0
    """Start decisions in a row whose tasks went from PENDING to STOPPED (retry throttle)."""
    next_start: float = 0.0
    placement_blocked: bool = False
    alarms_ignored: bool = False
    fulfilled_since: float | None = None
    bake_until: float | None = None

    @property
    def number(self) -> str:
        return self.id.rsplit("/", 1)[-1]


@dataclass
class ServiceDeployment:
    """One entry of the service's deployment history (ListServiceDeployments)."""

    arn: str
    service_arn: str
    cluster_arn: str
    created_at: datetime
    updated_at: datetime
    deployment: Deployment
    sources: list[Revision]
    configuration: JsonObject
    status: str = "PENDING"
    status_reason: str | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    finished_at: datetime | None = None
    rollback: JsonObject | None = None
    triggered_alarms: list[str] = field(default_factory=list)
    breaker_status: str = "MONITORING"
    alarm_status: str = "MONITORING"
    threshold: int = 0

    @property
    def over(self) -> bool:
        return self.status in ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")


@dataclass
class Event:
    id: str
    created_at: datetime
    message: str


@dataclass
class Service:
    arn: str
    account: str
    region: str
    name: str
    cluster: str
    cluster_arn: str
    created_at: datetime
    created_by: str
    desired: int
    settings: JsonObject
    """What is not part of a revision: deploymentConfiguration, placement*, grace period, tags settings, controller."""
    request: JsonObject
    """The CreateService parameters, for idempotency."""
    status: str = "ACTIVE"
    tags: list[JsonObject] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    """PRIMARY first, then newest first."""
    last_completed: list[Deployment] = field(default_factory=list)
    """Deployments that completed, oldest first: rollback candidates."""
    history: list[ServiceDeployment] = field(default_factory=list)
    """Newest first."""
    events: list[Event] = field(default_factory=list)
    problems: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Kind of trouble -> last text and when it was said; the same text is not repeated until resolved or 6 hours old."""
    steady_since: float | None = None
    registered: Counter[str] = field(default_factory=Counter)
    deregistered: Counter[str] = field(default_factory=Counter)
    draining: Counter[str] = field(default_factory=Counter)
    """Deployment id -> tasks that began to drain since the last tick."""
    stale: JsonObject | None = None
    stale_left: int = 0

    @property
    def primary(self) -> Deployment:
        return self.deployments[0]

    @property
    def current(self) -> ServiceDeployment | None:
        """The service deployment that is still going."""
        return next((entry for entry in self.history if not entry.over), None)

    @property
    def scope(self) -> tuple[str, str]:
        return self.account, self.region


class Store:
    """All records by ARN, and the one lock that guards them. No door that may block is called while holding it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.instances: dict[str, Instance] = {}
        self.tasks: dict[str, Task] = {}
        self.services: dict[str, Service] = {}
        self.revisions: dict[str, Revision] = {}

    def clear(self) -> None:
        self.instances.clear()
        self.tasks.clear()
        self.services.clear()
        self.revisions.clear()

    def tasks_of(self, service: Service) -> list[Task]:
        return [task for task in self.tasks.values() if task.service_arn == service.arn]

    def live_tasks_of(self, service: Service) -> list[Task]:
        return [task for task in self.tasks_of(service) if task.live]

    def tasks_on(self, instance_arn: str) -> list[Task]:
        return [task for task in self.tasks.values() if task.instance_arn == instance_arn and task.status != "STOPPED"]

    def cluster_instances(self, cluster_arn: str) -> list[Instance]:
        return [i for i in self.instances.values() if i.cluster_arn == cluster_arn and i.status != "INACTIVE"]

    def service_deployments(self) -> Iterator[tuple[Service, ServiceDeployment]]:
        for service in self.services.values():
            for entry in service.history:
                yield service, entry
