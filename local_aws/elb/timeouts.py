"""Time-outs in real seconds. They scale like every delay, down to a floor below which a healthy machine could not keep them."""

from __future__ import annotations

CHECK_FLOOR_SECONDS = 1.0
"""Least real time that a health check waits: a container that shares this machine's processors is slow, not sick."""

TRAFFIC_FLOOR_SECONDS = 1.0
"""The same for connections and answers of a target."""

CONNECT_SECONDS = 10.0
"""AWS seconds in which a target must accept a connection, else 504 (ALB guide, troubleshooting)."""

CLIENT_KEEP_ALIVE_FLOOR_SECONDS = 5.0
"""Least real time that an idle client connection is kept, so that clients do not meet a closing one at every turn."""


def real(aws_seconds: float, speed: float, floor: float) -> float:
    return max(aws_seconds / speed, floor)
