"""The tables of AWS's "Configuring how CloudWatch alarms treat missing data", row by row."""

from __future__ import annotations

import pytest

from local_aws.control_plane.alarm_rules import Rule, State, decide_state

KEEP = State.INSUFFICIENT_DATA
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
OK, ALARM, NONE = State.OK, State.ALARM, State.INSUFFICIENT_DATA

# Oldest datum first, as AWS prints them: X breaches, 0 does not, - is missing.
THREE_OF_THREE = [
    ("0-X-X", (OK, OK, OK, OK)),
    ("0----", (OK, OK, OK, OK)),
    ("-----", (NONE, KEEP, ALARM, OK)),
    ("0XX-X", (ALARM, ALARM, ALARM, ALARM)),
    ("--X--", (ALARM, KEEP, ALARM, OK)),
]
TWO_OF_THREE = [
    ("0-X-X", (ALARM, ALARM, ALARM, ALARM)),
    ("00X0X", (ALARM, ALARM, ALARM, ALARM)),
    ("0-X--", (OK, OK, ALARM, OK)),
    ("----0", (OK, OK, ALARM, OK)),
    ("---X-", (ALARM, KEEP, ALARM, OK)),
    ("----X", (KEEP, KEEP, ALARM, OK)),
]


@pytest.mark.parametrize(
    ("needed", "row", "treatment", "expected"),
    [
        (needed, row, treatment, state)
        for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
        for row, states in table
        for treatment, state in zip(TREATMENTS, states, strict=True)
    ],
)
def test_missing_data(needed: int, row: str, treatment: str, expected: State) -> None:
    values = [{"X": 9.0, "0": 0.0, "-": None}[letter] for letter in reversed(row)]
    assert decide_state(Rule("GreaterThanThreshold", 1, 3, needed, treatment), values, KEEP) is expected


@pytest.mark.parametrize("current", list(State))
def test_ignoring_missing_data_keeps_whatever_state_there_was(current: State) -> None:
    assert decide_state(Rule("GreaterThanThreshold", 1, 1, 1, "ignore"), [None, None, None], current) is current


@pytest.mark.parametrize(
    ("comparison", "value", "expected"),
    [
        ("GreaterThanThreshold", 5.0, OK),
        ("GreaterThanOrEqualToThreshold", 5.0, ALARM),
        ("LessThanThreshold", 5.0, OK),
        ("LessThanOrEqualToThreshold", 5.0, ALARM),
        ("LessThanThreshold", 4.9, ALARM),
        ("GreaterThanThreshold", 5.1, ALARM),
    ],
)
def test_comparisons(comparison: str, value: float, expected: State) -> None:
    assert decide_state(Rule(comparison, 5, 1, 1, "missing"), [value], State.OK) is expected
