"""How a CloudWatch metric alarm gets its state from data. Pure.

AWS's rules, from "Configuring how CloudWatch alarms treat missing data" in the CloudWatch user guide, its tables included.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

EXTRA_PERIODS = 2
"""Periods looked at beyond the evaluation periods when some hold no data. AWS says "more" and shows two in its examples [I]."""

_COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


class State(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True)
class Rule:
    comparison: str
    threshold: float
    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing_data: str
    """missing, ignore, breaching or notBreaching."""


def decide_state(rule: Rule, newest_first: Sequence[float | None], current: State) -> State:
    """The alarm's state after an evaluation.

    `newest_first` holds one value per complete period, the latest first, None where there is no data; it should reach
    `evaluation_periods + EXTRA_PERIODS` back. Raises KeyError for a comparison that needs an anomaly model.
    """
    breaches = _COMPARISONS[rule.comparison]
    periods, needed = rule.evaluation_periods, rule.datapoints_to_alarm
    seen = [None if value is None else breaches(value, rule.threshold) for value in newest_first[: periods + EXTRA_PERIODS]]
    real = [breach for breach in seen if breach is not None][:periods]
    if not real:
        return {"breaching": State.ALARM, "notBreaching": State.OK, "ignore": current}.get(rule.treat_missing_data, State.INSUFFICIENT_DATA)
    if sum(real) >= needed:
        return State.ALARM
    to_fill = periods - len(real)
    if rule.treat_missing_data == "breaching":
        return State.ALARM if sum(real) + to_fill >= needed else State.OK
    if to_fill == 0 or rule.treat_missing_data == "notBreaching" or not all(real):
        return State.OK
    # Only breaching data, but too little of it. It alarms when the oldest is old enough that no late datum could still help.
    oldest = max(age for age, breach in enumerate(seen[:periods], start=1) if breach) if any(seen[:periods]) else 0
    if rule.treat_missing_data != "ignore" and oldest >= needed:
        return State.ALARM
    return current
