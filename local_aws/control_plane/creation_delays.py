"""What takes its time on AWS takes it here too (`--creation-delays`): until then it shows the state that AWS shows of what is being made.

moto has everything at once. Nothing is kept here: how old a thing is, its own timestamp says.
"""

from __future__ import annotations

from datetime import UTC, datetime

from local_aws.clock import Clock
from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import AwsError, Call, JsonObject

NAT_GATEWAY_SECONDS = 100
"""One and a half to two minutes, as seen in published Terraform logs [I]."""
LOAD_BALANCER_SECONDS = 150
"""Two to three minutes, likewise [I]."""
ENDPOINT_SECONDS = 60
"""Interface endpoints, with their network interfaces and private names [I]."""
CERTIFICATE_SECONDS = 90
"""From the request to ISSUED, when the records are in DNS by then. "Usually within minutes" (ACM user guide) [I]."""
INSTANCE_SECONDS = 15
"""From launch to `running`, of the 24 s until the container instance is registered [I]."""


def install(api: AwsApi, clock: Clock) -> None:
    """Put in after every room has put in its own handlers, so that these are in front of them."""
    delays = _Delays(api, clock)
    api.on("ec2", "CreateNatGateway")(delays.create_nat_gateway)
    api.on("ec2", "DescribeNatGateways")(delays.describe_nat_gateways)
    api.on("ec2", "CreateRoute", "ReplaceRoute")(delays.route)
    api.on("ec2", "CreateVpcEndpoint")(delays.create_endpoint)
    api.on("ec2", "DescribeVpcEndpoints")(delays.describe_endpoints)
    api.on("ec2", "DescribeInstances")(delays.describe_instances)
    api.on("autoscaling", "DescribeAutoScalingGroups")(delays.describe_groups)
    api.on("elbv2", "DescribeLoadBalancers")(delays.describe_load_balancers)
    api.on("acm", "DescribeCertificate")(delays.describe_certificate)
    api.on("elbv2", "CreateListener", "ModifyListener")(delays.use_certificate)


class _Delays:
    def __init__(self, api: AwsApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    def _is_young(self, made: datetime, seconds: float) -> bool:
        aware = made if made.tzinfo is not None else made.replace(tzinfo=UTC)
        return (self._clock.now() - aware).total_seconds() * self._clock.speed < seconds

    def create_nat_gateway(self, call: Call) -> JsonObject:
        answer = call.upstream(call.params)
        answer["NatGateway"]["State"] = "pending"
        return answer

    def describe_nat_gateways(self, call: Call) -> JsonObject:
        filters = call.params.get("Filter") or []
        others = [item for item in filters if item["Name"] != "state"]
        answer = call.upstream({**call.params, "Filter": others} if filters else call.params)
        for gateway in answer["NatGateways"]:
            if gateway["State"] == "available" and self._is_young(gateway["CreateTime"], NAT_GATEWAY_SECONDS):
                gateway["State"] = "pending"
        wanted = [value for item in filters if item["Name"] == "state" for value in item["Values"]]
        answer["NatGateways"] = [item for item in answer["NatGateways"] if not wanted or item["State"] in wanted]
        return answer

    def route(self, call: Call) -> JsonObject:
        """No route leads to a NAT gateway that is not there yet."""
        gateway = call.params.get("NatGatewayId")
        if gateway:
            asked = {"NatGatewayIds": [gateway]}
            (found,) = self._api.ask("ec2", "DescribeNatGateways", asked, call.account, call.region)["NatGateways"] or [{}]
            if found.get("State") == "pending":
                raise AwsError("InvalidNatGatewayID.NotFound", f"The natGateway ID '{gateway}' does not exist")
        return call.upstream(call.params)

    def create_endpoint(self, call: Call) -> JsonObject:
        answer = call.upstream(call.params)
        if answer["VpcEndpoint"].get("VpcEndpointType") == "Interface":
            answer["VpcEndpoint"]["State"] = "pending"
        return answer

    def describe_endpoints(self, call: Call) -> JsonObject:
        answer = call.upstream(call.params)
        for endpoint in answer["VpcEndpoints"]:
            if endpoint.get("VpcEndpointType") == "Interface" and self._is_young(endpoint["CreationTimestamp"], ENDPOINT_SECONDS):
                endpoint["State"] = "pending"
        return answer

    def describe_instances(self, call: Call) -> JsonObject:
        """A filter on the state goes by moto's, in which an instance runs at once."""
        answer = call.upstream(call.params)
        for reservation in answer["Reservations"]:
            for instance in reservation["Instances"]:
                if instance["State"]["Name"] == "running" and self._is_young(instance["LaunchTime"], INSTANCE_SECONDS):
                    instance["State"] = {"Code": 0, "Name": "pending"}
        return answer

    def describe_groups(self, call: Call) -> JsonObject:
        answer = call.upstream(call.params)
        in_service = [
            instance
            for group in answer["AutoScalingGroups"]
            for instance in group.get("Instances") or []
            if instance["LifecycleState"] == "InService"
        ]
        if in_service:
            asked = {"InstanceIds": [instance["InstanceId"] for instance in in_service]}
            reservations = self._api.ask("ec2", "DescribeInstances", asked, call.account, call.region)["Reservations"]
            pending = {item["InstanceId"] for each in reservations for item in each["Instances"] if item["State"]["Name"] == "pending"}
            for instance in in_service:
                if instance["InstanceId"] in pending:
                    instance["LifecycleState"] = "Pending"
        return answer

    def describe_load_balancers(self, call: Call) -> JsonObject:
        answer = call.upstream(call.params)
        for balancer in answer["LoadBalancers"]:
            if self._is_young(balancer["CreatedTime"], LOAD_BALANCER_SECONDS):
                balancer["State"] = {"Code": "provisioning"}
        return answer

    def describe_certificate(self, call: Call) -> JsonObject:
        answer = call.upstream(call.params)
        certificate = answer["Certificate"]
        requested = certificate.get("Type") == "AMAZON_ISSUED" and certificate["Status"] == "ISSUED"
        if requested and self._is_young(certificate["CreatedAt"], CERTIFICATE_SECONDS):
            certificate["Status"] = "PENDING_VALIDATION"
            certificate.pop("IssuedAt", None)
        return answer

    def use_certificate(self, call: Call) -> JsonObject:
        for item in call.params.get("Certificates") or []:
            arn = str(item.get("CertificateArn"))
            if ":acm:" not in arn:
                continue
            found = self._api.ask("acm", "DescribeCertificate", {"CertificateArn": arn}, call.account, call.region)["Certificate"]
            if found["Status"] != "ISSUED":
                raise AwsError("UnsupportedCertificate", f"The certificate '{arn}' is not issued yet.")
        return call.upstream(call.params)
