"""The health state of one target, check by check."""

from __future__ import annotations

import pytest

from local_aws.elb.health import FAILED, HealthRecord, code_mismatch, matches
from local_aws.interfaces import TargetHealth


@pytest.mark.parametrize(
    ("checks", "states"),
    [
        # One pass is enough at first, whatever the threshold.
        ("+", "healthy"),
        ("-+", "initial healthy"),
        # Two failures in a row make it unhealthy, from either state.
        ("--", "initial unhealthy"),
        ("+--", "healthy healthy unhealthy"),
        ("+-+-", "healthy healthy healthy healthy"),
        # Back only after three passes in a row.
        ("--++", "initial unhealthy unhealthy unhealthy"),
        ("--+++", "initial unhealthy unhealthy unhealthy healthy"),
        ("--++-+++", "initial unhealthy unhealthy unhealthy unhealthy unhealthy unhealthy healthy"),
    ],
)
def test_thresholds(checks: str, states: str) -> None:
    record = HealthRecord()
    record.restart()
    seen = []
    for outcome in checks:
        if outcome == "+":
            record.passed(healthy_threshold=3)
        else:
            record.failed(FAILED, unhealthy_threshold=2)
        seen.append(record.current.state)
    assert " ".join(seen) == states


def test_registration_then_checking_then_healthy_without_reason() -> None:
    record = HealthRecord()
    assert record.current == TargetHealth("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
    record.restart()
    assert record.current == TargetHealth("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
    record.passed(5)
    assert record.current == TargetHealth("healthy", None, None)


def test_the_reason_is_that_of_the_last_failure() -> None:
    record = HealthRecord()
    record.restart()
    record.failed(FAILED, 1)
    record.failed(code_mismatch(503), 1)
    assert record.current == TargetHealth("unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]")


@pytest.mark.parametrize(
    ("matcher", "code", "holds"),
    [
        ("200", 200, True),
        ("200", 204, False),
        ("200,202", 202, True),
        ("200-299", 250, True),
        ("200-299, 404", 404, True),
        ("200-299", 300, False),
    ],
)
def test_matcher(matcher: str, code: int, holds: bool) -> None:
    assert matches(matcher, code) is holds
