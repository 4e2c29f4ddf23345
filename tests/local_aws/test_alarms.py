"""CloudWatch alarms follow their metrics."""

from __future__ import annotations

from typing import Any

from tests.local_aws.conftest import LocalAws


def put_alarm(aws: LocalAws, **changes: Any) -> None:
    settings = {
        "AlarmName": "errors",
        "Namespace": "Test",
        "MetricName": "Errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    aws.client("cloudwatch").put_metric_alarm(**{**settings, **changes})


def state(aws: LocalAws) -> str:
    (alarm,) = aws.client("cloudwatch").describe_alarms(AlarmNames=["errors"])["MetricAlarms"]
    return str(alarm["StateValue"])


def report(aws: LocalAws, value: float) -> None:
    aws.client("cloudwatch").put_metric_data(Namespace="Test", MetricData=[{"MetricName": "Errors", "Value": value}])


def test_an_alarm_starts_without_data_goes_off_and_recovers(aws: LocalAws) -> None:
    put_alarm(aws, TreatMissingData="missing")
    assert state(aws) == "INSUFFICIENT_DATA"
    put_alarm(aws)
    aws.until(lambda: state(aws) == "OK", 120, "missing data does not breach")

    def breached() -> bool:
        report(aws, 9)
        return state(aws) == "ALARM"

    aws.until(breached, 400, "the alarm goes off")
    (alarm,) = aws.client("cloudwatch").describe_alarms(AlarmNames=["errors"])["MetricAlarms"]
    assert "greater than the threshold (5.0)" in alarm["StateReason"]
    aws.until(lambda: state(aws) == "OK", 600, "it recovers when the errors end")


def test_a_state_set_by_hand_holds_until_there_is_data(aws: LocalAws) -> None:
    put_alarm(aws, TreatMissingData="missing")
    aws.client("cloudwatch").set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a test")

    def still() -> None:
        assert state(aws) == "ALARM"

    for _ in range(3):
        aws.until(lambda: True, 1, "")
        still()

    def recovered() -> bool:
        report(aws, 0)
        return state(aws) == "OK"

    aws.until(recovered, 400, "data brings it back")


def test_changing_an_alarm_leaves_its_state(aws: LocalAws) -> None:
    put_alarm(aws, TreatMissingData="ignore")
    aws.client("cloudwatch").set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a test")
    put_alarm(aws, TreatMissingData="ignore", Threshold=7)
    assert state(aws) == "ALARM"
