"""In which order the containers of a task start and stop (`dependsOn`). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class Progress:
    """How far one container has come."""

    started: bool = False
    ended: bool = False
    exit_code: int | None = None
    health: str = "UNKNOWN"
    started_at: float = 0.0
    """AWS seconds."""


class Unresolvable(Exception):
    """A dependency that can no longer be met. The text is the agent's."""


def _met(condition: str, other: Progress) -> bool:
    if condition == "START":
        return other.started
    if condition == "COMPLETE":
        return other.ended
    if condition == "SUCCESS":
        return other.ended and other.exit_code == 0
    return other.health == "HEALTHY" and not other.ended


def may_start(container: Mapping[str, Any], progress: Mapping[str, Progress], start_timeouts: Mapping[str, float], now: float) -> bool:
    """Whether all that the container depends on is there. Raises Unresolvable when it never will be.

    `start_timeouts` holds a dependency's own startTimeout in AWS seconds, where it has one.
    """
    name = container["name"]
    for item in container.get("dependsOn", ()):
        dependency, condition = item["containerName"], item["condition"]
        other = progress[dependency]
        if _met(condition, other):
            continue
        what = f"container ordering dependency [{dependency}] for target [{name}]"
        if other.ended and condition in ("SUCCESS", "HEALTHY", "START"):
            raise Unresolvable(f"dependency graph: failed to resolve {what} as dependency did not exit successfully.")
        limit = start_timeouts.get(dependency)
        if limit and other.started and now - other.started_at > limit:
            raise Unresolvable(f"dependency graph: {what} has timed out.")
        return False
    return True


def next_deadline(progress: Mapping[str, Progress], start_timeouts: Mapping[str, float]) -> float | None:
    """The next moment, in AWS seconds, at which a startTimeout may run out."""
    moments = [
        progress[name].started_at + limit for name, limit in start_timeouts.items() if progress[name].started and not progress[name].ended
    ]
    return min(moments, default=None)


def may_stop(containers: Sequence[Mapping[str, Any]], running: Collection[str]) -> list[str]:
    """Those running containers on which no other running one depends: they stop first (reverse dependency order)."""
    needed = {item["containerName"] for container in containers if container["name"] in running for item in container.get("dependsOn", ())}
    return [name for name in running if name not in needed]
