"""The heart of the room: one thread that steps tasks every second and services every ten (AWS seconds)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from local_aws.clock import Clock

log = logging.getLogger(__name__)


class Ticker:
    """Calls each job when its period (AWS seconds) is over. A job that raises is logged and called again at its next turn."""

    def __init__(self, clock: Clock, step: float, jobs: Sequence[tuple[float, Callable[[], None]]]) -> None:
        self._clock = clock
        self._step = step
        self._jobs = jobs
        self._due = [0.0] * len(jobs)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="ecs-scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._clock.sleep(self._step, self._stop):
            self.turn()

    def turn(self) -> None:
        """Do what is due now."""
        now = self._clock.time()
        for index, (period, job) in enumerate(self._jobs):
            if now < self._due[index]:
                continue
            self._due[index] = now + period
            try:
                job()
            except Exception:
                log.exception("the ECS scheduler stumbled; it goes on with its next turn")
