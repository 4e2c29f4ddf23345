"""Answers of moto that differ from AWS's in a way that a client stumbles over, put right. What a room answers itself is not here."""

from __future__ import annotations

from collections.abc import Callable

from local_aws.interfaces import Api, AwsError, Call, JsonObject

RESOURCE_TYPES = {
    "dedicated_host": "dedicated-host",
    "flow-logs": "vpc-flow-log",
    "managed-prefix-list": "prefix-list",
    "nat-gateway": "natgateway",
    "reserved-instance": "reserved-instances",
    "spot-instance-request": "spot-instances-request",
    "vpc-elastic-ip": "elastic-ip",
}
"""moto's name of a taggable kind of thing, and the one that EC2's TagSpecification and DescribeTags have."""

APPLICATION_LOAD_BALANCER = {
    "access_logs.s3.bucket": "",
    "access_logs.s3.enabled": "false",
    "access_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.prefix": "",
    "deletion_protection.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "ipv6.deny_all_igw_traffic": "false",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
"""The attributes that DescribeLoadBalancerAttributes shows of every Application Load Balancer, with their defaults (ELB API
reference, LoadBalancerAttribute)."""


def fill_gaps(api: Api, ask: Callable[[str, str, JsonObject, str, str], JsonObject]) -> None:
    """Put the handlers of this file in front of moto. `ask(service, action, params, account, region)` makes another call."""

    @api.on("ec2", "DescribeTags")
    def describe_tags(call: Call) -> JsonObject:
        """Tags with AWS's names of what they are on, which filters go by too."""
        motos = {aws: moto for moto, aws in RESOURCE_TYPES.items()}
        filters = [
            {**each, "Values": [motos.get(value, value) for value in each.get("Values", [])]}
            if each.get("Name") == "resource-type"
            else each
            for each in call.params.get("Filters", [])
        ]
        answer = call.upstream({**call.params, "Filters": filters} if filters else call.params)
        for tag in answer.get("Tags", []):
            tag["ResourceType"] = RESOURCE_TYPES.get(tag["ResourceType"], tag["ResourceType"])
        return answer

    @api.on("ec2", "DescribeSubnets")
    def describe_subnets(call: Call) -> JsonObject:
        """moto refuses the filter `map-public-ip-on-launch` (also `mapPublicIpOnLaunch`): it is applied here."""
        names = ("map-public-ip-on-launch", "mapPublicIpOnLaunch")
        filters = call.params.get("Filters", [])
        wanted = [set(each.get("Values", [])) for each in filters if each.get("Name") in names]
        if not wanted:
            return call.upstream(call.params)
        answer = call.upstream({**call.params, "Filters": [each for each in filters if each.get("Name") not in names]})
        answer["Subnets"] = [
            subnet
            for subnet in answer.get("Subnets", [])
            if all(str(subnet.get("MapPublicIpOnLaunch", False)).lower() in values for values in wanted)
        ]
        return answer

    @api.on("ec2", "DescribeLaunchTemplateVersions")
    def describe_launch_template_versions(call: Call) -> JsonObject:
        """The tags of the template itself are no part of what it launches, where moto shows them."""
        answer = call.upstream(call.params)
        for version in answer.get("LaunchTemplateVersions", []):
            data = version.get("LaunchTemplateData", {})
            tags = [each for each in data.pop("TagSpecifications", []) if each.get("ResourceType") != "launch-template"]
            if tags:
                data["TagSpecifications"] = tags
        return answer

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
        groups = ask("autoscaling", "DescribeAutoScalingGroups", {"AutoScalingGroupNames": [name]}, call.account, call.region)[
            "AutoScalingGroups"
        ]
        if not groups:
            raise AwsError("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup not found")
        off = set(call.params.get("Metrics", []))
        left = [each["Metric"] for each in groups[0].get("EnabledMetrics", []) if off and each["Metric"] not in off]
        ask(
            "autoscaling",
            "EnableMetricsCollection",
            {"AutoScalingGroupName": name, "Metrics": left, "Granularity": "1Minute"},
            call.account,
            call.region,
        )
        return {}

    @api.on("elbv2", "DescribeLoadBalancerAttributes")
    def describe_load_balancer_attributes(call: Call) -> JsonObject:
        """moto shows what was set and little else; AWS shows every attribute of the kind of load balancer."""
        answer = call.upstream(call.params)
        arn = call.params["LoadBalancerArn"]
        balancers = ask("elbv2", "DescribeLoadBalancers", {"LoadBalancerArns": [arn]}, call.account, call.region)
        if balancers["LoadBalancers"][0].get("Type", "application") == "application":
            told = {each["Key"]: each["Value"] for each in answer.get("Attributes", [])}
            answer["Attributes"] = [{"Key": key, "Value": value} for key, value in {**APPLICATION_LOAD_BALANCER, **told}.items()]
        return answer

    @api.on("ecs", "ListTagsForResource")
    def list_tags(call: Call) -> JsonObject:
        """moto leaves the member out where there are no tags; AWS answers an empty list."""
        answer = call.upstream(call.params)
        return {**answer, "tags": answer.get("tags") or []}
