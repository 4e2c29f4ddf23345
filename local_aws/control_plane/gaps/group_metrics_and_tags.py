"""Auto Scaling groups: tags in a steady order, and metrics that can be switched off."""

from __future__ import annotations

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import AwsError, Call, JsonObject


def install(api: AwsApi) -> None:
    @api.on("autoscaling", "DescribeAutoScalingGroups")
    def describe_groups(call: Call) -> JsonObject:
        """Tags in the order of their keys. moto's order is that of their creation, in which amazon.aws.autoscaling_group, which
        sorts what it finds and compares it with what it finds later, sees a change on every run."""
        answer = call.upstream(call.params)
        for group in answer.get("AutoScalingGroups", []):
            group.get("Tags", []).sort(key=lambda tag: str(tag["Key"]))
        return answer

    @api.on("autoscaling", "DisableMetricsCollection")
    def disable_metrics_collection(call: Call) -> JsonObject:
        """moto can only switch a group's metrics on. No list of metrics means all of them."""
        name = call.params["AutoScalingGroupName"]
        groups = api.ask("autoscaling", "DescribeAutoScalingGroups", {"AutoScalingGroupNames": [name]}, call.account, call.region)[
            "AutoScalingGroups"
        ]
        if not groups:
            raise AwsError("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup not found")
        off = set(call.params.get("Metrics", []))
        left = [each["Metric"] for each in groups[0].get("EnabledMetrics", []) if off and each["Metric"] not in off]
        api.ask(
            "autoscaling",
            "EnableMetricsCollection",
            {"AutoScalingGroupName": name, "Metrics": left, "Granularity": "1Minute"},
            call.account,
            call.region,
        )
        return {}
