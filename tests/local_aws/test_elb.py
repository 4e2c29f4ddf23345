"""Application load balancers as clients meet them: real ports, and the example service's tasks behind them."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

FIXED = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "nothing"}}]


class Front:
    """A load balancer in an empty account, with no target yet."""

    def __init__(self, aws: Any) -> None:
        self.aws = aws
        self.elb = aws.client("elbv2")
        ec2 = aws.client("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-west-1{zone}")["Subnet"]["SubnetId"]
            for number, zone in enumerate("ab")
        ]
        created = self.elb.create_load_balancer(Name="front", Subnets=subnets)["LoadBalancers"][0]
        self.arn, self.address = created["LoadBalancerArn"], created["DNSName"]

    def listener(self, actions: list[dict[str, Any]], port: int = 8080) -> str:
        created = self.elb.create_listener(LoadBalancerArn=self.arn, Protocol="HTTP", Port=port, DefaultActions=actions)
        return str(created["Listeners"][0]["ListenerArn"])

    def get(self, path: str = "/", port: int = 8080, **headers: str) -> tuple[int, Any, bytes]:
        return get(f"http://{self.address}:{port}", path, **headers)


def get(url: str, path: str, timeout: float = 30, **headers: str) -> tuple[int, Any, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.fixture
def front(aws: Any) -> Front:
    return Front(aws)


def test_a_load_balancer_becomes_active_at_an_address_of_this_machine(front: Front) -> None:
    described = front.elb.describe_load_balancers(Names=["front"])["LoadBalancers"][0]
    assert described["State"]["Code"] == "active"
    assert described["DNSName"] == front.address
    assert front.address.startswith("127.")


def test_a_listener_serves_from_its_creation_to_its_deletion(front: Front) -> None:
    listener = front.listener(FIXED)
    assert front.get()[::2] == (404, b"nothing")
    front.elb.modify_listener(
        ListenerArn=listener,
        DefaultActions=[{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}],
    )
    status, headers, _ = front.get("/a?b=c", Host="shop.example.com")
    assert (status, headers["Location"]) == (301, "https://shop.example.com:443/a?b=c")
    front.elb.delete_listener(ListenerArn=listener)
    with pytest.raises(ConnectionRefusedError):
        front.get()


def test_rules_are_tried_by_priority(front: Front) -> None:
    listener = front.listener(FIXED)

    def rule(priority: int, body: str, **condition: Any) -> str:
        created = front.elb.create_rule(
            ListenerArn=listener,
            Priority=priority,
            Conditions=[condition],
            Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": body}}],
        )
        return str(created["Rules"][0]["RuleArn"])

    general = rule(20, "api", Field="path-pattern", PathPatternConfig={"Values": ["/api/*"]})
    rule(10, "beta", Field="http-header", HttpHeaderConfig={"HttpHeaderName": "X-Beta", "Values": ["yes"]})
    assert front.get("/api/users")[2] == b"api"
    assert front.get("/api/users", **{"X-Beta": "yes"})[2] == b"beta"
    assert front.get("/other")[0] == 404
    front.elb.delete_rule(RuleArn=general)
    assert front.get("/api/users")[0] == 404


def test_a_group_without_targets_is_503(front: Front) -> None:
    group = front.elb.create_target_group(Name="empty", Protocol="HTTP", Port=80, VpcId=front.vpc, TargetType="ip")["TargetGroups"][0]
    front.listener([{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}])
    status, headers, body = front.get()
    assert (status, headers["Server"]) == (503, "awselb/2.0")
    assert b"503 Service Temporarily Unavailable" in body


def test_an_address_without_a_task_times_out_its_checks(front: Front) -> None:
    group = front.elb.create_target_group(
        Name="lost", Protocol="HTTP", Port=80, VpcId=front.vpc, TargetType="ip",
        HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, UnhealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    front.listener([{"Type": "forward", "TargetGroupArn": group}])
    front.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.0.99", "Port": 80}])

    def health() -> dict[str, Any]:
        (described,) = front.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return dict(described["TargetHealth"])

    assert health()["State"] == "initial"
    front.aws.until(lambda: health()["State"] == "unhealthy", 300, "unhealthy")
    assert health() == {"State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out"}
    # All targets are unhealthy, so the load balancer tries them all the same, and nobody answers.
    assert front.get()[0] == 504
    front.elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.0.99", "Port": 80}])
    assert health()["State"] == "draining"


def in_background(call: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()
    return thread, results


def test_tasks_behind_the_load_balancer(stack: Any) -> None:
    """One service at desired 2: headers, draining by hand, time-outs, and what is counted."""
    stack.build(deregistration_delay=20)
    idle_timeout(stack, 400)
    # Every answer but those about health takes three real seconds.
    stack.steady_service(stack.define("1.0.0", FAULT_LATENCY="3s"), 2)
    url, elb = stack.url, stack.elb
    started = time.monotonic()
    status, headers, _ = get(url, "/api/v1/users")
    assert status == 200
    assert time.monotonic() - started >= 3
    assert headers["X-Request-Id"]

    slow, outcome = in_background(lambda: get(url, "/api/v1/users")[0])
    other, more = in_background(lambda: get(url, "/api/v1/users")[0])
    stack.aws.until(lambda: in_flight(stack) == {1}, 200, "one request in flight at each of the two targets")
    targets = [item["Target"] for item in elb.describe_target_health(TargetGroupArn=stack.target_group)["TargetHealthDescriptions"]]
    elb.deregister_targets(TargetGroupArn=stack.target_group, Targets=targets[:1])
    states = stack.target_states()
    assert sorted(states) == ["draining", "healthy"]
    assert get(url, "/health/ready")[0] == 200
    slow.join(30)
    other.join(30)
    assert outcome + more == [200, 200]

    idle_timeout(stack, 20)
    assert get(url, "/api/v1/users")[0] == 504

    cloudwatch = stack.aws.client("cloudwatch")

    def counted(name: str) -> float:
        dimension = {"Name": "LoadBalancer", "Value": stack.balancer["LoadBalancerArn"].partition(":loadbalancer/")[2]}
        metric = {"Namespace": "AWS/ApplicationELB", "MetricName": name, "Dimensions": [dimension]}
        query = {"Id": "counted", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}}
        now = time.time()
        results = cloudwatch.get_metric_data(MetricDataQueries=[query], StartTime=now - 3600, EndTime=now + 60)["MetricDataResults"]
        return float(sum(value for result in results for value in result["Values"]))

    stack.aws.until(lambda: counted("HTTPCode_ELB_504_Count") == 1, 400, "the 504 in CloudWatch")
    assert counted("HTTPCode_ELB_5XX_Count") == 1
    assert counted("HTTPCode_Target_2XX_Count") == 4
    assert counted("RequestCount") == 5


def idle_timeout(stack: Any, seconds: int) -> None:
    attributes = [{"Key": "idle_timeout.timeout_seconds", "Value": str(seconds)}]
    stack.elb.modify_load_balancer_attributes(LoadBalancerArn=stack.balancer["LoadBalancerArn"], Attributes=attributes)


def in_flight(stack: Any) -> set[int]:
    """How many requests the targets of the one target group have in flight."""
    (group,) = stack.aws.hand("GET", "state?component=elb")["elb"]["target_groups"]
    return {target["in_flight"] for target in group["targets"]}
