"""Container health checks, by the rules of Docker, which the agent leaves them to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_aws.clock import Clock
from local_aws.interfaces import RunningContainer

SHORTEST_TIMEOUT = 2.0
"""Real seconds that a check is given at any speed: a process here takes its real time to start."""


@dataclass(frozen=True)
class HealthCheck:
    """Seconds are AWS seconds; the defaults are those of the ECS API (HealthCheck)."""

    argv: tuple[str, ...]
    interval: float = 30.0
    timeout: float = 5.0
    retries: int = 3
    start_period: float = 0.0


def parse(definition: Mapping[str, Any] | None) -> HealthCheck | None:
    """The `healthCheck` of a container definition; None without one, or when it says NONE. A check in the image does not count (ECS)."""
    command: Sequence[str] = (definition or {}).get("command", ())
    if definition is None or not command or command[0] == "NONE":
        return None
    if command[0] == "CMD-SHELL":
        argv: tuple[str, ...] = ("/bin/sh", "-c", " ".join(command[1:]))
    elif command[0] == "CMD":
        argv = tuple(command[1:])
    else:
        argv = ("/bin/sh", "-c", " ".join(command))
    return HealthCheck(
        argv,
        float(definition.get("interval", 30)),
        float(definition.get("timeout", 5)),
        int(definition.get("retries", 3)),
        float(definition.get("startPeriod") or 0),
    )


class HealthState:
    """UNKNOWN until told otherwise. One success makes it HEALTHY, also within the start period; so many failures in a row UNHEALTHY.

    Failures within the start period do not count, unless the container has been healthy before.
    """

    def __init__(self, retries: int, start_period: float) -> None:
        self._retries = retries
        self._start_period = start_period
        self._failures = 0
        self._seen_healthy = False
        self.status = "UNKNOWN"

    def result(self, passed: bool, age: float) -> bool:
        """Note a check that ended `age` AWS seconds after the container's start; returns whether the status has changed."""
        before = self.status
        if passed:
            self._failures = 0
            self._seen_healthy = True
            self.status = "HEALTHY"
        elif self._seen_healthy or age >= self._start_period:
            self._failures += 1
            if self._failures >= self._retries:
                self.status = "UNHEALTHY"
        return self.status != before


def watch(check: HealthCheck, container: RunningContainer, clock: Clock, ended: threading.Event, changed: Callable[[str], None]) -> None:
    """Check until `ended` is set; `changed` gets each new status."""
    state = HealthState(check.retries, check.start_period)
    started = clock.time()
    while not clock.sleep(check.interval, ended):
        try:
            code, _output = container.execute(check.argv, max(check.timeout / clock.speed, SHORTEST_TIMEOUT))
            passed = code == 0
        except TimeoutError:
            passed = False
        if not ended.is_set() and state.result(passed, clock.time() - started):
            changed(state.status)
