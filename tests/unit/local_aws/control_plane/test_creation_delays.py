"""Creation delays on real moto state: what is being made shows it, and is refused where AWS refuses it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_aws.control_plane import creation_delays
from local_aws.control_plane.api import AwsApi
from local_aws.control_plane.gaps import close_gaps
from local_aws.control_plane.moto_in_process import Moto
from local_aws.control_plane.shortage import Shortage
from local_aws.interfaces import AwsError

ACCOUNT, REGION = "123456789012", "eu-west-1"


class LaterClock:
    """The real time, and what a test adds to it. It is so slow that what a test itself takes does not count."""

    speed = 0.01
    later = 0.0

    def time(self) -> float:
        raise AssertionError("ages come from timestamps")

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.later)

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> bool:
        raise AssertionError("nothing waits here")


class Account:
    def __init__(self) -> None:
        self.moto, self.clock = Moto(), LaterClock()
        self.api = AwsApi(self.moto, self.clock)
        close_gaps(self.api, Shortage(self.moto))
        creation_delays.install(self.api, self.clock)

    def ask(self, service: str, action: str, **params: Any) -> Any:
        return self.api.ask(service, action, params, ACCOUNT, REGION)

    def after(self, aws_seconds: float) -> None:
        self.clock.later = aws_seconds / self.clock.speed

    def subnets(self) -> list[str]:
        return [item["SubnetId"] for item in self.ask("ec2", "DescribeSubnets")["Subnets"]]


@pytest.fixture
def account() -> Iterator[Account]:
    account = Account()
    yield account
    account.moto.reset()


def test_a_nat_gateway_is_pending_and_no_route_leads_to_it(account: Account) -> None:
    address = account.ask("ec2", "AllocateAddress", Domain="vpc")["AllocationId"]
    made = account.ask("ec2", "CreateNatGateway", SubnetId=account.subnets()[0], AllocationId=address)["NatGateway"]
    assert made["State"] == "pending"
    table = account.ask("ec2", "DescribeRouteTables")["RouteTables"][0]["RouteTableId"]
    route = {"RouteTableId": table, "DestinationCidrBlock": "192.0.2.0/24", "NatGatewayId": made["NatGatewayId"]}

    def states(**params: Any) -> list[str]:
        return [item["State"] for item in account.ask("ec2", "DescribeNatGateways", **params)["NatGateways"]]

    pending = [{"Name": "state", "Values": ["pending"]}]
    assert states() == states(Filter=pending) == ["pending"]
    with pytest.raises(AwsError, match="does not exist"):
        account.ask("ec2", "CreateRoute", **route)
    account.after(99)
    assert states() == ["pending"]
    account.after(101)
    assert (states(), states(Filter=pending)) == (["available"], [])
    account.ask("ec2", "CreateRoute", **route)


def test_an_interface_endpoint_is_pending_and_a_gateway_endpoint_is_there(account: Account) -> None:
    vpc = account.ask("ec2", "DescribeVpcs")["Vpcs"][0]["VpcId"]
    for kind, service in (("Interface", "ecr.api"), ("Gateway", "s3")):
        account.ask("ec2", "CreateVpcEndpoint", VpcId=vpc, VpcEndpointType=kind, ServiceName=f"com.amazonaws.{REGION}.{service}")

    def states() -> dict[str, str]:
        return {item["VpcEndpointType"]: item["State"].lower() for item in account.ask("ec2", "DescribeVpcEndpoints")["VpcEndpoints"]}

    assert states() == {"Interface": "pending", "Gateway": "available"}
    account.after(61)
    assert states() == {"Interface": "available", "Gateway": "available"}


def test_a_load_balancer_is_provisioning(account: Account) -> None:
    account.ask("elbv2", "CreateLoadBalancer", Name="shop", Subnets=account.subnets()[:2])

    def state() -> str:
        return str(account.ask("elbv2", "DescribeLoadBalancers")["LoadBalancers"][0]["State"]["Code"])

    assert state() == "provisioning"
    assert state() == "provisioning", "moto's own is active from the second look on"
    account.after(151)
    assert state() == "active"


def test_an_instance_is_pending_and_so_is_its_place_in_the_group(account: Account) -> None:
    account.ask(
        "ec2", "CreateLaunchTemplate", LaunchTemplateName="shop", LaunchTemplateData={"ImageId": "ami-1", "InstanceType": "t3.small"}
    )
    account.ask(
        "autoscaling",
        "CreateAutoScalingGroup",
        AutoScalingGroupName="shop",
        MinSize=1,
        MaxSize=1,
        VPCZoneIdentifier=account.subnets()[0],
        LaunchTemplate={"LaunchTemplateName": "shop"},
    )

    def states() -> tuple[str, str]:
        group = account.ask("autoscaling", "DescribeAutoScalingGroups")["AutoScalingGroups"][0]
        instance = account.ask("ec2", "DescribeInstances")["Reservations"][0]["Instances"][0]
        return instance["State"]["Name"], group["Instances"][0]["LifecycleState"]

    assert states() == ("pending", "Pending")
    account.after(16)
    assert states() == ("running", "InService")


def test_a_certificate_is_issued_after_a_while_and_no_listener_takes_it_before(account: Account) -> None:
    zone = account.ask("route53", "CreateHostedZone", Name="example.test", CallerReference="1")["HostedZone"]["Id"]
    arn = account.ask("acm", "RequestCertificate", DomainName="api.example.test", ValidationMethod="DNS")["CertificateArn"]

    def certificate() -> dict[str, Any]:
        return dict(account.ask("acm", "DescribeCertificate", CertificateArn=arn)["Certificate"])

    record = certificate()["DomainValidationOptions"][0]["ResourceRecord"]
    change = {"Name": record["Name"], "Type": record["Type"], "TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]}
    account.ask(
        "route53",
        "ChangeResourceRecordSets",
        HostedZoneId=zone.rpartition("/")[2],
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": change}]},
    )
    assert certificate()["Status"] == "PENDING_VALIDATION"
    balancer = account.ask("elbv2", "CreateLoadBalancer", Name="shop", Subnets=account.subnets()[:2])["LoadBalancers"][0]["LoadBalancerArn"]
    listener = {
        "LoadBalancerArn": balancer,
        "Protocol": "HTTPS",
        "Port": 443,
        "Certificates": [{"CertificateArn": arn}],
        "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
    }
    with pytest.raises(AwsError, match="not issued yet"):
        account.ask("elbv2", "CreateListener", **listener)
    account.after(91)
    assert certificate()["Status"] == "ISSUED"
    account.ask("elbv2", "CreateListener", **listener)
