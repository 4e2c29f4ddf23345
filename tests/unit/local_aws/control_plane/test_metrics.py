"""Metrics from inside: aggregated as they are put, readable through CloudWatch, and cut into periods for alarms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from moto.backends import get_backend
from moto.cloudwatch.models import MetricAggregatedDatum, MetricDatum

from local_aws.clock import ScaledClock
from local_aws.control_plane.alarms import bucketed
from local_aws.control_plane.metrics import Metrics
from local_aws.control_plane.moto_in_process import Moto

ACCOUNT, REGION = "123456789012", "eu-west-1"
NOW = datetime(2026, 1, 1, 12, 0, 30)  # as moto has them: UTC, without saying so


@pytest.fixture
def moto() -> Iterator[Moto]:
    moto = Moto()
    yield moto
    moto.reset()


def test_values_that_lie_close_together_become_one_statistic_set(moto: Moto) -> None:
    metrics = Metrics(moto, ScaledClock(0.001))
    for value in (3.0, 1.0, 2.0):
        metrics.put(ACCOUNT, REGION, "AWS/Test", "Time", {"Of": "a"}, value, "Seconds")
    metrics.put(ACCOUNT, REGION, "AWS/Test", "Time", {"Of": "b"}, 7.0, "Seconds")
    first, second = get_backend("cloudwatch")[ACCOUNT][REGION].metric_data
    assert (first.sum, first.sample_count, first.min, first.max, first.unit) == (6.0, 3, 1.0, 3.0, "Seconds")
    assert (second.sum, second.sample_count) == (7.0, 1)


def test_a_reset_starts_new_sets(moto: Moto) -> None:
    metrics = Metrics(moto, ScaledClock(0.001))
    metrics.put(ACCOUNT, REGION, "AWS/Test", "Time", {}, 1.0)
    metrics.reset()
    moto.reset()
    metrics.put(ACCOUNT, REGION, "AWS/Test", "Time", {}, 1.0)
    assert len(get_backend("cloudwatch")[ACCOUNT][REGION].metric_data) == 1


def datum(seconds_ago: float, value: float, unit: str | None = None) -> MetricDatum:
    return MetricDatum("n", "m", value, [], NOW - timedelta(seconds=seconds_ago), unit)


@pytest.mark.parametrize(
    ("statistic", "expected"), [("Sum", 13.0), ("Average", 3.25), ("Minimum", 1.0), ("Maximum", 6.0), ("SampleCount", 4.0)]
)
def test_statistics_over_single_values_and_sets(statistic: str, expected: float) -> None:
    series = [datum(40, 6.0), MetricAggregatedDatum("n", "m", 1.0, 4.0, 3, 7.0, [], NOW - timedelta(seconds=50))]
    assert bucketed(series, statistic, None, NOW, 60, 1) == [expected]


def test_only_complete_periods_count_and_the_latest_comes_first() -> None:
    series = [datum(10, 99.0), datum(40, 1.0), datum(100, 2.0), datum(220, 4.0)]
    assert bucketed(series, "Sum", None, NOW, 60, 4) == [1.0, 2.0, None, 4.0]


def test_data_of_another_unit_are_left_out() -> None:
    series = [datum(40, 1.0, "Count"), datum(41, 5.0, "Seconds"), datum(42, 2.0)]
    assert bucketed(series, "Sum", "Count", NOW, 60, 1) == [3.0]


def test_now_is_told_in_utc() -> None:
    aware = MetricDatum("n", "m", 1.0, [], (NOW - timedelta(seconds=40)).replace(tzinfo=UTC))
    assert bucketed([aware], "Sum", None, NOW, 60, 1) == [1.0]
