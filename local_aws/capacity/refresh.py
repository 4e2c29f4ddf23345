"""Instance refreshes: the instances of a group replaced by such as its launch template makes now. Pure: looks go in, steps come out.

"How instance refreshes work" in the Auto Scaling user guide. Only what a client of ECS meets: rolling, launching before terminating where
`MaxHealthyPercentage` allows it, and the draining of ECS before an instance is terminated.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

ACTIVE = frozenset({"Pending", "InProgress"})
DEFAULT_MIN_HEALTHY = 90
DEFAULT_MAX_HEALTHY = 100


@dataclass(frozen=True)
class Preferences:
    min_healthy: int = DEFAULT_MIN_HEALTHY
    """Percent of the desired capacity that stays in service."""
    max_healthy: int = DEFAULT_MAX_HEALTHY
    """Percent of the desired capacity that may be there. Above 100, new instances are launched before old ones go."""
    warm_up_seconds: float = 0.0
    replaces_protected: bool = False


@dataclass
class Refresh:
    id: str
    preferences: Preferences
    outdated: tuple[str, ...]
    """What is to be replaced, fixed when the refresh starts."""
    status: str = "Pending"
    reason: str | None = None
    launched_at: float | None = None
    """AWS seconds of the clock, while new instances warm up."""
    leaving: list[str] = field(default_factory=list)
    """Instances that are being drained."""
    left: int = 0
    started_at: float = 0.0
    ended_at: float | None = None

    @property
    def percentage(self) -> int:
        return 100 * self.left // len(self.outdated) if self.outdated else 100


@dataclass(frozen=True)
class Group:
    """A group as it is seen: ids of its instances, those of them that are protected from scale-in, and those that still run tasks."""

    desired: int
    instances: tuple[str, ...]
    protected: frozenset[str]
    busy: frozenset[str]


@dataclass(frozen=True)
class Steps:
    launch: int = 0
    drain: tuple[str, ...] = ()
    terminate: tuple[str, ...] = ()


def step(refresh: Refresh, group: Group, now: float, drains: bool) -> Steps:
    """What to do next. `refresh` is changed to what follows from it; `drains` says whether ECS moves tasks away first."""
    if refresh.status not in ACTIVE:
        return Steps()
    refresh.status = "InProgress"
    there = [item for item in refresh.outdated if item in group.instances]
    refresh.left = len(refresh.outdated) - len(there)
    refresh.leaving = [item for item in refresh.leaving if item in there]
    if not there:
        refresh.status, refresh.ended_at = "Successful", now
        return Steps()
    if refresh.leaving:
        # A second instance goes once those before it have gone.
        ready = [item for item in refresh.leaving if not drains or item not in group.busy]
        if set(ready) == set(refresh.leaving):
            refresh.launched_at = None if refresh.preferences.max_healthy > 100 else now
        return Steps(terminate=tuple(ready))
    if not refresh.preferences.replaces_protected and all(item in group.protected for item in there):
        refresh.status, refresh.ended_at = "Failed", now
        refresh.reason = "The remaining instances are protected from scale-in, and ScaleInProtectedInstances does not say to refresh them."
        return Steps()
    return _next_batch(refresh, group, _first_to_go(there, group, refresh.preferences), now)


def _next_batch(refresh: Refresh, group: Group, candidates: list[str], now: float) -> Steps:
    preferences = refresh.preferences
    warm = refresh.launched_at is None or now - refresh.launched_at >= preferences.warm_up_seconds
    if preferences.max_healthy > 100:
        batch = min(len(candidates), max(1, group.desired * (preferences.max_healthy - 100) // 100))
        extra = len(group.instances) - group.desired
        # Launches may fail for want of capacity: nothing goes before there is something in its place.
        if extra < batch and warm:
            refresh.launched_at = now
            return Steps(launch=batch - extra)
    else:
        batch = min(len(candidates), max(1, group.desired * (100 - preferences.min_healthy) // 100))
    if not warm:
        return Steps()
    refresh.leaving = candidates[:batch]
    return Steps(drain=tuple(refresh.leaving))


def _first_to_go(there: Collection[str], group: Group, preferences: Preferences) -> list[str]:
    """Those that run nothing first: fewer tasks move."""
    allowed = [item for item in there if preferences.replaces_protected or item not in group.protected]
    return sorted(allowed, key=lambda item: (item in group.busy, item))
