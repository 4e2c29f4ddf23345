"""Builds every room of local_aws and hands each one its doors. The only file that knows them all."""

from __future__ import annotations

import importlib
import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws import __version__
from local_aws.clock import ScaledClock
from local_aws.control_plane.alarms import MetricAlarms
from local_aws.control_plane.api import AwsApi
from local_aws.control_plane.metrics import Metrics
from local_aws.control_plane.moto_in_process import Moto
from local_aws.control_plane.permissions import RolePermissions
from local_aws.hands.http import Hands
from local_aws.hands.inspection import add_inspection
from local_aws.interfaces import Component, JsonObject
from local_aws.server import Router, Server

log = logging.getLogger("local_aws")


@dataclass(frozen=True)
class Settings:
    port: int = 4577
    speed: float = 1.0
    data_dir: Path = Path()
    runtime: str = "auto"
    stale_reads: int = 0


def _room(module: str, name: str, *doors: Any) -> Any:
    try:
        return getattr(importlib.import_module(module), name)(*doors)
    except (ModuleNotFoundError, AttributeError) as error:
        log.warning("%s.%s is not there yet: %s", module, name, error)
        return None


class World:
    """All rooms, in the order in which they are started."""

    def __init__(self, settings: Settings) -> None:
        """Raises `OSError` when the port is taken."""
        self.settings = settings
        self.clock = ScaledClock(settings.speed)
        self.moto = Moto()
        self.api = AwsApi(self.moto, self.clock)
        self.hands = Hands()
        self.components: dict[str, Component] = {}
        self.permissions = RolePermissions(self.moto)
        self.metrics = Metrics(self.moto, self.clock)
        self.alarms = self.components["alarms"] = MetricAlarms(self.moto, self.clock, self.api)
        self._registry = _room("local_aws.registry", "RegistryRoom", self.clock, settings.data_dir, self.api)
        if self._registry is not None:
            self.components["registry"] = self._registry
        add_inspection(self.hands, self._about, self.components, self.reset, self.api.calls.listed, self.api.calls.clear)
        self.server = Server(settings.port, Router(self.api, self.hands, self._registry_wsgi))
        if self._registry is not None:
            self._registry.endpoint = self.server.url

    def _registry_wsgi(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self._registry.wsgi(environ, start_response)

    def start(self) -> None:
        threading.Thread(target=self.moto.warm_up, name="warm-up", daemon=True).start()
        for component in self.components.values():
            component.start()
        self.server.start()

    def stop(self) -> None:
        self.server.stop()
        for component in reversed(list(self.components.values())):
            component.stop()

    def reset(self) -> None:
        """Back to an empty account: first what runs, then what is written down."""
        for component in reversed(list(self.components.values())):
            component.reset()
        self.metrics.reset()
        self.moto.reset()
        self.api.calls.clear()

    def greeting(self) -> str:
        """What `python -m local_aws` prints when it is ready."""
        return "\n".join(
            [
                f"local_aws is ready at {self.server.url}",
                f"  speed    {self.clock.speed:g}",
                f"  data     {self.settings.data_dir}",
                f"  stop     Ctrl-C, or kill {os.getpid()}",
            ]
        )

    def _about(self) -> JsonObject:
        return {"version": __version__, "speed": self.clock.speed, "url": self.server.url}
