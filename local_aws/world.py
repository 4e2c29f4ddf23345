"""Builds every room of local_aws and hands each one its doors. The only file that knows them all."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from local_aws import __version__
from local_aws.agent import TaskAgent
from local_aws.capacity import CapacityRoom, Fleet
from local_aws.clock import ScaledClock
from local_aws.control_plane import creation_delays, simulation
from local_aws.control_plane.alarms import MetricAlarms
from local_aws.control_plane.api import AwsApi
from local_aws.control_plane.gaps import close_gaps
from local_aws.control_plane.metrics import Metrics
from local_aws.control_plane.moto_in_process import Moto
from local_aws.control_plane.permissions import RolePermissions
from local_aws.control_plane.shortage import Shortage
from local_aws.ecs import EcsRoom
from local_aws.elb import LoadBalancingRoom
from local_aws.hands.faults import Faults
from local_aws.hands.http import Hands
from local_aws.hands.inspection import add_inspection
from local_aws.hands.registry import RegistryHands
from local_aws.interfaces import Component, JsonObject
from local_aws.registry import RegistryRoom
from local_aws.runtime import TaskNetwork, choose
from local_aws.server import Router, Server


@dataclass(frozen=True)
class Settings:
    port: int = 4577
    speed: float = 1.0
    data_dir: Path = Path()
    runtime: str = "auto"
    stale_reads: int = 0
    creation_delays: bool = False


class World:
    """All rooms, in the order in which they are started."""

    def __init__(self, settings: Settings) -> None:
        """Raises `OSError` when the port is taken, `NoRuntime` when the runtime that was asked for does not work here."""
        self.settings = settings
        self.clock = ScaledClock(settings.speed)
        self.moto = Moto()
        self.api = AwsApi(self.moto, self.clock)
        self.shortage = Shortage(self.moto)
        close_gaps(self.api, self.shortage)
        self.permissions = RolePermissions(self.moto)
        simulation.install(self.api, self.permissions)
        self.metrics = Metrics(self.moto, self.clock)
        self.alarms = MetricAlarms(self.moto, self.clock, self.api)
        self.registry = RegistryRoom(self.clock, settings.data_dir, self.api)
        self.runtime = choose(settings.runtime, settings.data_dir)
        self.network = TaskNetwork()
        self.agent = TaskAgent(self.clock, self.runtime, self.network, self.registry, self.permissions, self.moto.lock)
        self.load_balancing = LoadBalancingRoom(self.clock, self.api, self.network, self.metrics)
        self.ecs = EcsRoom(
            self.clock,
            self.api,
            self.agent,
            self.load_balancing,
            self.alarms,
            self.metrics,
            self.permissions,
            settings.stale_reads,
            self.moto.lock,
        )
        self.capacity = CapacityRoom(self.clock, Fleet(self.moto), self.ecs, self.metrics)
        self.capacity.refreshes.install(self.api)
        if settings.creation_delays:
            creation_delays.install(self.api, self.clock)
        self.components: dict[str, Component] = {
            "alarms": self.alarms,
            "registry": self.registry,
            "agent": self.agent,
            "elb": self.load_balancing,
            "ecs": self.ecs,
            "capacity": self.capacity,
        }
        self.hands = Hands()
        add_inspection(self.hands, self._about, self.components, self.reset, self.api.calls.listed, self.api.calls.clear)
        Faults(self.api, self.shortage, self.agent, self.ecs).add_to(self.hands)
        RegistryHands(self.registry).add_to(self.hands)
        self.server = Server(settings.port, Router(self.api, self.hands, self.registry.wsgi))
        self.registry.endpoint = self.server.url
        self.agent.endpoint = self.server.url

    def start(self) -> None:
        threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()
        for component in self.components.values():
            component.start()
        self.server.start()

    def _warm_up(self) -> None:
        # What would make a client's first calls slow, while the first client is still on its way.
        self.moto.load()
        self.api.verify()

    def stop(self) -> None:
        """Stop answering, then stop every room; nothing that was started is left."""
        self.server.stop()
        for component in reversed(self.components.values()):
            component.stop()

    def reset(self) -> None:
        """Back to an empty account: first what runs, then what is written down."""
        for component in reversed(self.components.values()):
            component.reset()
        self.shortage.clear()
        self.metrics.reset()
        self.moto.reset()
        self.api.calls.clear()

    def greeting(self) -> str:
        """What `python -m local_aws` prints when it is ready."""
        return "\n".join(
            [
                f"local_aws is ready at {self.server.url}",
                f"  runtime  {self.runtime.name}: {self.runtime.reason}",
                f"  speed    {self.clock.speed:g}{'' if self.clock.speed != 1 else ' (real time)'}",
                *(
                    ["  delays   NAT gateways, load balancers and the like are being made for a while"]
                    if self.settings.creation_delays
                    else []
                ),
                f"  data     {self.settings.data_dir}",
                f"  hands    {self.server.url}/_local/",
                f"  stop     Ctrl-C, or kill {os.getpid()}",
            ]
        )

    def _about(self) -> JsonObject:
        return {
            "version": __version__,
            "url": self.server.url,
            "speed": self.clock.speed,
            "runtime": {"name": self.runtime.name, "reason": self.runtime.reason},
        }
