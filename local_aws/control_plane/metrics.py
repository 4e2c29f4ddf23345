"""CloudWatch metrics from inside: rooms put values, clients read them through moto's CloudWatch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.backends import get_backend
from moto.cloudwatch.models import MetricAggregatedDatum

from local_aws.clock import Clock
from local_aws.control_plane.moto_in_process import Moto

BUCKET_SECONDS = 10
"""Values of one series within this many AWS seconds become one statistic set: the finest resolution an alarm can ask for."""

KEPT_DATA = 100_000
"""Statistic sets in one region, over all series, before the older half is forgotten."""

Series = tuple[str, str, str, str, frozenset[tuple[str, str]]]


class Metrics:
    def __init__(self, moto: Moto, clock: Clock) -> None:
        self._moto = moto
        self._bucket = timedelta(seconds=BUCKET_SECONDS / clock.speed)
        self._open: dict[Series, Any] = {}

    def put(
        self, account: str, region: str, namespace: str, name: str, dimensions: Mapping[str, str], value: float, unit: str = "Count"
    ) -> None:
        """Record one value, now. Cheap enough to be called for every request that a load balancer serves."""
        now = datetime.now(UTC).replace(tzinfo=None)  # moto's timestamps are UTC without saying so
        series = (account, region, namespace, name, frozenset(dimensions.items()))
        with self._moto.lock:
            current = self._open.get(series)
            if current is not None and now - current.timestamp < self._bucket:
                current.sum += value
                current.sample_count += 1
                current.min = min(current.min, value)
                current.max = max(current.max, value)
                return
            listed = [{"Name": key, "Value": text} for key, text in dimensions.items()]
            datum = MetricAggregatedDatum(namespace, name, value, value, 1, value, listed, now, unit)
            data = get_backend("cloudwatch")[account][region].metric_data
            data.append(datum)
            if len(data) > KEPT_DATA:
                del data[: KEPT_DATA // 2]
            self._open[series] = datum

    def reset(self) -> None:
        """Forget the open statistic sets; moto's reset empties its own list."""
        with self._moto.lock:
            self._open.clear()
