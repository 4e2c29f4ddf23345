"""The deployment circuit breaker and the retry throttle: pure rules (ecs-facts.md 2.7)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from local_aws.ecs.constants import EXIT_BEFORE_HEALTHY_COUNTS, RETRY_DELAYS

MINIMUM = 3
MAXIMUM = 200
DEFAULT_PERCENT = 50


def threshold(breaker: Mapping[str, Any], desired: int) -> int:
    """Failures after which a deployment has failed.

    BOUNDED_PERCENT (the default, with 50): ceil(value % of the latest desired count), at least 3 and at most 200.
    UNBOUNDED_PERCENT: the same without bounds. COUNT: the value itself.
    """
    configuration = breaker.get("thresholdConfiguration") or {"type": "BOUNDED_PERCENT", "value": DEFAULT_PERCENT}
    value = int(configuration["value"])
    if configuration["type"] == "COUNT":
        return value
    share = math.ceil(desired * value / 100)
    if configuration["type"] == "UNBOUNDED_PERCENT":
        return max(1, share)
    return min(MAXIMUM, max(MINIMUM, share))


def counts_as_failure(stop_code: str | None, reached_running: bool, healthy_once: bool, failed_health_check: bool) -> bool:
    """Whether a task's end is a failure of its deployment.

    Stage 1 counts tasks that never reach RUNNING, stage 2 those stopped for a failed health check. What the user or the scheduler
    stops, or a lost host, does not count.
    """
    if failed_health_check:
        return True
    if stop_code not in ("TaskFailedToStart", "EssentialContainerExited"):
        return False
    if not reached_running:
        return True
    return EXIT_BEFORE_HEALTHY_COUNTS and not healthy_once


def retry_delay(failed_starts_in_a_row: int) -> float:
    """AWS seconds to wait before the next start after that many failed ones in a row."""
    if failed_starts_in_a_row <= 0:
        return 0.0
    return RETRY_DELAYS[min(failed_starts_in_a_row, len(RETRY_DELAYS)) - 1]
