"""CloudWatch metric alarms that really follow their metrics: the `Alarms` door and the evaluation behind it."""

from __future__ import annotations

import json
import logging
import threading
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from moto.backends import get_backend

from local_aws.clock import Clock
from local_aws.control_plane.alarm_rules import EXTRA_PERIODS, Rule, State, decide_state
from local_aws.control_plane.moto_in_process import Moto
from local_aws.interfaces import Api, Call, JsonObject

log = logging.getLogger("local_aws.alarms")

TICK_SECONDS = 10
"""AWS evaluates an alarm every minute, one on high resolution data every ten seconds. Here all are looked at every ten."""

SeriesKey = tuple[str, str, frozenset[tuple[str, str]]]


class MetricAlarms:
    """A component with a ticker of its own. Periods are AWS seconds: at speed 10 a 60 s period is 6 s of data."""

    def __init__(self, moto: Moto, clock: Clock, api: Api) -> None:
        self._moto = moto
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._set_by_hand: dict[str, datetime] = {}
        """Alarm ARN to the moment of SetAlarmState: that state holds until there is newer data to evaluate."""
        api.on("cloudwatch", "PutMetricAlarm")(self._put_metric_alarm)
        api.on("cloudwatch", "SetAlarmState")(self._set_alarm_state)

    def in_alarm(self, account: str, region: str, names: Sequence[str]) -> list[str]:
        with self._moto.lock:
            alarms = get_backend("cloudwatch")[account][region].alarms
            return [name for name in names if name in alarms and alarms[name].state_value == State.ALARM]

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def reset(self) -> None:
        self._set_by_hand.clear()

    def state(self) -> JsonObject:
        with self._moto.lock:
            return {"alarms": {alarm.alarm_arn: alarm.state_value for _, alarm in self._all()}}

    def _run(self) -> None:
        while not self._clock.sleep(TICK_SECONDS, self._stop):
            try:
                self.evaluate_all()
            except Exception:
                log.exception("An evaluation of the alarms failed; the next one follows.")

    def _all(self) -> list[tuple[Any, Any]]:
        """Every alarm with its backend. The caller holds moto's lock."""
        return [
            (backend, alarm)
            for account in get_backend("cloudwatch").values()
            for backend in account.values()
            for alarm in backend.alarms.values()
        ]

    def evaluate_all(self) -> None:
        """One look at every alarm on one metric. Alarms on expressions and composite alarms keep the state they were given."""
        now = datetime.now(UTC).replace(tzinfo=None)
        with self._moto.lock:
            data: dict[int, dict[SeriesKey, list[Any]]] = {}
            for backend, alarm in self._all():
                if not alarm.metric_name or not alarm.statistic or alarm.rule:
                    continue
                if id(backend) not in data:
                    data[id(backend)] = _by_series(backend.metric_data)
                series = data[id(backend)].get(_series_of(alarm.namespace, alarm.metric_name, alarm.dimensions), [])
                self._evaluate(alarm, series, now)

    def _evaluate(self, alarm: Any, series: list[Any], now: datetime) -> None:
        periods = int(alarm.evaluation_periods)
        length = float(alarm.period) / self._clock.speed
        by_hand = self._set_by_hand.get(alarm.alarm_arn)
        if by_hand is not None and not any(_seconds(datum.timestamp) > _seconds(by_hand) for datum in series):
            return
        values = bucketed(series, alarm.statistic, alarm.unit, now, length, periods + EXTRA_PERIODS)
        rule = Rule(
            alarm.comparison_operator,
            float(alarm.threshold),
            periods,
            int(alarm.datapoints_to_alarm or periods),
            alarm.treat_missing_data or "missing",
        )
        state = decide_state(rule, values, State(alarm.state_value))
        if state != alarm.state_value:
            self._set_by_hand.pop(alarm.alarm_arn, None)
            seen = [value for value in values if value is not None]
            alarm.update_state(_reason(rule, seen, state), json.dumps({"version": "1.0", "recentDatapoints": seen}), state.value)

    def _put_metric_alarm(self, call: Call) -> JsonObject:
        """As AWS, not moto: a new alarm starts in INSUFFICIENT_DATA, and changing one leaves its state alone."""
        name = str(call.params["AlarmName"])
        with self._moto.lock:
            alarms = get_backend("cloudwatch")[call.account][call.region].alarms
            before = alarms.get(name)
            answer = call.upstream(call.params)
            after = alarms[name]
            if before is None:
                after.state_value = State.INSUFFICIENT_DATA.value
            else:
                for kept in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history"):
                    setattr(after, kept, getattr(before, kept))
        return answer

    def _set_alarm_state(self, call: Call) -> JsonObject:
        # In one step for the ticker, which else may take the state back before it knows that a hand has set it.
        with self._moto.lock:
            answer = call.upstream(call.params)
            alarm = get_backend("cloudwatch")[call.account][call.region].alarms[call.params["AlarmName"]]
            self._set_by_hand[alarm.alarm_arn] = datetime.now(UTC).replace(tzinfo=None)
        return answer


def _series_of(namespace: str, name: str, dimensions: Sequence[Any]) -> SeriesKey:
    return namespace, name, frozenset((dimension.name, dimension.value) for dimension in dimensions)


def _by_series(data: Sequence[Any]) -> dict[SeriesKey, list[Any]]:
    found: dict[SeriesKey, list[Any]] = defaultdict(list)
    for datum in data:
        found[_series_of(datum.namespace, datum.name, datum.dimensions)].append(datum)
    return found


def bucketed(series: Sequence[Any], statistic: str, unit: str | None, now: datetime, length: float, count: int) -> list[float | None]:
    """The statistic of each of the last `count` complete periods of `length` real seconds, the latest first, None where no data lies.

    Periods are aligned to the epoch, as CloudWatch aligns them to the clock.
    """
    seconds = now.replace(tzinfo=UTC).timestamp()
    end = seconds - seconds % length
    buckets: list[list[Any]] = [[] for _ in range(count)]
    for datum in series:
        if unit and datum.unit and datum.unit != unit:
            continue
        age = int((end - _seconds(datum.timestamp)) // length) if _seconds(datum.timestamp) < end else -1
        if 0 <= age < count:
            buckets[age].append(datum)
    return [_statistic(bucket, statistic) if bucket else None for bucket in buckets]


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _statistic(bucket: Sequence[Any], statistic: str) -> float:
    # A datum is either a single value or a statistic set.
    total = sum(datum.value if hasattr(datum, "value") else datum.sum for datum in bucket)
    samples = sum(1 if hasattr(datum, "value") else datum.sample_count for datum in bucket)
    if statistic == "Sum":
        return float(total)
    if statistic == "SampleCount":
        return float(samples)
    if statistic == "Minimum":
        return float(min(datum.value if hasattr(datum, "value") else datum.min for datum in bucket))
    if statistic == "Maximum":
        return float(max(datum.value if hasattr(datum, "value") else datum.max for datum in bucket))
    return float(total / samples)


def _reason(rule: Rule, seen: Sequence[float], state: State) -> str:
    if not seen:
        if state is State.INSUFFICIENT_DATA:
            return "Insufficient Data: no datapoints were received"
        return f"Threshold Crossed: no datapoints were received and missing data is treated as {rule.treat_missing_data}."
    words = {
        "GreaterThanThreshold": "greater than",
        "GreaterThanOrEqualToThreshold": "greater than or equal to",
        "LessThanThreshold": "less than",
        "LessThanOrEqualToThreshold": "less than or equal to",
    }[rule.comparison]
    verb = "were" if state is State.ALARM else "were not"
    return (
        f"Threshold Crossed: {len(seen)} datapoints {list(seen)} {verb} {words} the threshold ({rule.threshold}) "
        f"(minimum {rule.datapoints_to_alarm} datapoints for {'OK -> ALARM' if state is State.ALARM else 'ALARM -> OK'} transition)."
    )
