"""Thresholds and delays of the circuit breaker and the retry throttle."""

from __future__ import annotations

import pytest

from local_aws.ecs.breaker import counts_as_failure, retry_delay, threshold


@pytest.mark.parametrize(("desired", "expected"), [(0, 3), (1, 3), (4, 3), (25, 13), (400, 200), (800, 200)])
def test_default_threshold_is_half_within_bounds(desired: int, expected: int) -> None:
    assert threshold({"enable": True}, desired) == expected


@pytest.mark.parametrize(
    ("kind", "value", "desired", "expected"),
    [
        ("COUNT", 5, 1, 5),
        ("COUNT", 1, 100, 1),
        ("UNBOUNDED_PERCENT", 50, 2, 1),
        ("UNBOUNDED_PERCENT", 100, 800, 800),
        ("BOUNDED_PERCENT", 10, 100, 10),
    ],
)
def test_configured_threshold(kind: str, value: int, desired: int, expected: int) -> None:
    assert threshold({"thresholdConfiguration": {"type": kind, "value": value}}, desired) == expected


@pytest.mark.parametrize(
    ("code", "ran", "healthy", "check_failed", "expected"),
    [
        ("TaskFailedToStart", False, False, False, True),
        ("EssentialContainerExited", True, False, False, True),
        ("EssentialContainerExited", True, True, False, False),
        ("ServiceSchedulerInitiated", True, True, True, True),
        ("ServiceSchedulerInitiated", True, True, False, False),
        ("UserInitiated", False, False, False, False),
        ("TerminationNotice", True, False, False, False),
    ],
)
def test_what_counts(code: str, ran: bool, healthy: bool, check_failed: bool, expected: bool) -> None:
    assert counts_as_failure(code, ran, healthy, check_failed) is expected


def test_delay_grows_to_27_minutes() -> None:
    delays = [retry_delay(n) for n in range(8)]
    assert delays == sorted(delays)
    assert delays[1] == 0
    assert delays[-1] == 27 * 60
