"""DescribeLoadBalancerAttributes: every attribute of an Application Load Balancer, set or not."""

from __future__ import annotations

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import Call, JsonObject

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


def install(api: AwsApi) -> None:
    @api.on("elbv2", "DescribeLoadBalancerAttributes")
    def describe_load_balancer_attributes(call: Call) -> JsonObject:
        """moto shows what was set and little else; AWS shows every attribute of the kind of load balancer."""
        answer = call.upstream(call.params)
        arn = call.params["LoadBalancerArn"]
        balancers = api.ask("elbv2", "DescribeLoadBalancers", {"LoadBalancerArns": [arn]}, call.account, call.region)
        if balancers["LoadBalancers"][0].get("Type", "application") == "application":
            told = {each["Key"]: each["Value"] for each in answer.get("Attributes", [])}
            answer["Attributes"] = [{"Key": key, "Value": value} for key, value in {**APPLICATION_LOAD_BALANCER, **told}.items()]
        return answer
