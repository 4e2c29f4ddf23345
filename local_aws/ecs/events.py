"""The service's event list: newest first, at most 100, the same trouble not said twice (ecs-facts.md 3)."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from local_aws.ecs import texts
from local_aws.ecs.constants import EVENTS_KEPT, REPEAT_EVENT
from local_aws.ecs.state import Event, Service


def say(service: Service, now: datetime, message: str, task_set: str | None = None) -> None:
    """Add an event; `task_set` is the deployment id for those that begin `(service X, taskSet ecs-svc/…)`."""
    prefix = f"(service {service.name}, taskSet {task_set})" if task_set else f"(service {service.name})"
    if service.events and now <= service.events[0].created_at:
        now = service.events[0].created_at + timedelta(milliseconds=1)
    service.events.insert(0, Event(str(uuid.uuid4()), now, f"{prefix} {message}"))
    del service.events[EVENTS_KEPT:]


def complain(service: Service, now: datetime, time: float, kind: str, message: str) -> None:
    """Add an event about a trouble that lasts, unless the same was said less than 6 hours ago and is not resolved since."""
    known = service.problems.get(kind)
    if known is not None and known[0] == message and time - known[1] < REPEAT_EVENT:
        return
    service.problems[kind] = (message, time)
    say(service, now, message)


def resolved(service: Service, *kinds: str) -> None:
    for kind in kinds:
        service.problems.pop(kind, None)


def say_steady(service: Service, now: datetime, time: float) -> None:
    """`has reached a steady state.`, again every 6 hours while it lasts."""
    if service.steady_since is not None and time - service.steady_since < REPEAT_EVENT:
        return
    service.steady_since = time
    service.problems.clear()
    say(service, now, texts.STEADY)
