"""When an EC2 instance joins its cluster and when it leaves. Pure: what is seen goes in, what to do comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local_aws.interfaces import InstanceFacts

JOIN_SECONDS = 24
"""From launch to a registered container instance, measured once on a t3 (ecs-facts.md 5)."""
LEAVE_SECONDS = 30
"""From termination to INACTIVE, in the same measurement."""


@dataclass
class _Known:
    facts: InstanceFacts
    running_since: float
    gone_since: float | None = None
    joined: bool = False


@dataclass(frozen=True)
class Joined:
    facts: InstanceFacts


@dataclass(frozen=True)
class Left:
    ec2_instance_id: str


class Registrations:
    """Remembers the instances between looks."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def look(self, running: Mapping[str, InstanceFacts], now: float) -> list[Joined | Left]:
        """`running` holds every running instance whose user data names a cluster that exists; `now` is the clock's AWS seconds.

        An instance is reported again when its capacity provider has changed. On AWS it keeps the provider it registered with; here
        a fast clock may register it before the client's next call, which on AWS would come long before the instance is up.
        """
        events: list[Joined | Left] = []
        for instance_id, facts in running.items():
            known = self._known.get(instance_id)
            if known is None or known.gone_since is not None:
                known = self._known[instance_id] = _Known(facts, now, joined=known.joined if known else False)
                continue
            provider_changed = known.joined and facts.capacity_provider not in (None, known.facts.capacity_provider)
            ready = not known.joined and now - known.running_since >= JOIN_SECONDS
            known.facts = facts if provider_changed or not known.joined else known.facts
            if ready or provider_changed:
                known.joined = True
                events.append(Joined(facts))
        for instance_id, known in list(self._known.items()):
            if instance_id in running:
                continue
            if known.gone_since is None:
                known.gone_since = now
            if not known.joined:
                del self._known[instance_id]
            elif now - known.gone_since >= LEAVE_SECONDS:
                del self._known[instance_id]
                events.append(Left(instance_id))
        return events

    def joined(self) -> list[InstanceFacts]:
        return [known.facts for known in self._known.values() if known.joined]

    def starting(self) -> list[str]:
        return [instance_id for instance_id, known in self._known.items() if not known.joined]

    def clear(self) -> None:
        self._known.clear()
