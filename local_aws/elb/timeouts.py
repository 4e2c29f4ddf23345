"""Time-outs in real seconds. They scale like every delay, down to a floor: programs that share this machine do not run faster
because the clock does, and one that is merely slow must not look broken."""

from __future__ import annotations

from dataclasses import dataclass

CONNECT_SECONDS = 10.0
"""AWS seconds in which a target must accept a connection, else 504 (ALB guide, troubleshooting)."""


@dataclass(frozen=True)
class Floors:
    """Least real seconds of each time-out."""

    check: float = 2.0
    """A health check, from dialling to the status line."""
    connect: float = 3.0
    """Accepting a connection for a request."""
    answer: float = 2.0
    """The idle time-out of a request under way."""
    client: float = 5.0
    """How long an idle client connection is kept: clients should not meet a closing one at every turn."""


@dataclass(frozen=True)
class Timeouts:
    speed: float
    floors: Floors

    def check(self, aws_seconds: float) -> float:
        return max(aws_seconds / self.speed, self.floors.check)

    def connect(self) -> float:
        return max(CONNECT_SECONDS / self.speed, self.floors.connect)

    def answer(self, aws_seconds: float) -> float:
        return max(aws_seconds / self.speed, self.floors.answer)

    def client(self, aws_seconds: float) -> float:
        return max(aws_seconds / self.speed, self.floors.client)
