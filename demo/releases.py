"""What the demo ships, in order, and how each release has to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Release:
    version: str
    story: str
    """One clause for the reader: what is in this release."""
    verdict: str
    causes: frozenset[str] = frozenset()
    """The causes that a right diagnosis may name; empty for a release that has to succeed."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the container's environment: the example service breaks on purpose when told to."""


RELEASES = (
    Release("1.0.0", "the first release", "succeeded"),
    Release("1.1.0", "a good release, rolled out under traffic", "succeeded"),
    Release("1.2.0", "a release that cannot start", "rolled_back", frozenset({"container_exited"}), {"FAULT_CRASH_AT_START": "1"}),
    Release(
        "1.3.0",
        "a release that starts but fails its health check",
        "rolled_back",
        frozenset({"target_unhealthy"}),
        {"FAULT_NEVER_READY": "true"},
    ),
)

LAST_GOOD_VERSION = [release.version for release in RELEASES if release.verdict == "succeeded"][-1]
