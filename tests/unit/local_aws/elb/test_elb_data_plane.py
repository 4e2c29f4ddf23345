"""The load balancer over real sockets: routing, failures, draining, health and counting."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from local_aws.interfaces import AwsError

if TYPE_CHECKING:
    from conftest import Balancer

FIXED = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "nothing"}}]


def test_dns_name_is_the_load_balancers_own_loopback_address(balancer: Balancer) -> None:
    described = balancer.ask("elbv2", "DescribeLoadBalancers", LoadBalancerArns=[balancer.arn])["LoadBalancers"][0]
    assert re.fullmatch(r"127\.83\.\d+\.\d+", balancer.address)
    assert described["DNSName"] == balancer.address


def test_forwards_to_a_healthy_target_with_the_headers_of_an_alb(balancer: Balancer) -> None:
    group = balancer.forwarding()
    target = balancer.target(group)
    balancer.until_state(group, target, "healthy")

    status, body, _ = balancer.get("/users?x=1", X_Forwarded_For="203.0.113.9", Connection="close, X-Hop", X_Hop="1")

    assert (status, body) == (200, b"10.0.1.10")
    method, path, headers, _ = target.requests()[0]
    assert (method, path) == ("GET", "/users?x=1")
    assert headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["X-Forwarded-Port"] == "8080"
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", headers["X-Amzn-Trace-Id"])
    assert headers["Host"] == f"{balancer.address}:8080"
    assert "X-Hop" not in headers


def test_a_clients_trace_id_is_kept_behind_our_own(balancer: Balancer) -> None:
    group = balancer.forwarding()
    target = balancer.target(group)
    balancer.until_state(group, target, "healthy")
    balancer.get(X_Amzn_Trace_Id="Root=1-67891233-abcdef012345678912345678")
    assert re.fullmatch(
        r"Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-67891233-abcdef012345678912345678", target.requests()[0][2]["X-Amzn-Trace-Id"]
    )


def test_no_registered_target_is_503(balancer: Balancer) -> None:
    balancer.forwarding()
    status, body, headers = balancer.get()
    assert status == 503
    assert b"503 Service Temporarily Unavailable" in body
    assert headers["Server"] == "awselb/2.0"


def test_connection_refused_is_502_and_the_request_is_not_tried_elsewhere(balancer: Balancer) -> None:
    group = balancer.forwarding(HealthCheckIntervalSeconds=300)
    target = balancer.target(group)
    balancer.until_state(group, target, "healthy")
    balancer.network.ports[target.address, 1] = balancer.network.ports.pop((target.address, target.port))
    dialled = len(balancer.network.dialled)
    assert balancer.get()[0] == 502
    assert len(balancer.network.dialled) == dialled + 1


def test_a_target_that_closes_without_an_answer_is_502_and_sees_the_request_once(balancer: Balancer) -> None:
    group = balancer.forwarding()

    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    target = balancer.target(group, answer=hang_up)
    balancer.until_state(group, target, "healthy")
    assert balancer.get(method="POST", body=b"order")[0] == 502
    assert len(target.requests()) == 1


def test_a_malformed_answer_is_502(balancer: Balancer) -> None:
    group = balancer.forwarding()
    target = balancer.target(group, answer=lambda handler: handler.wfile.write(b"hello\r\n\r\n"))
    balancer.until_state(group, target, "healthy")
    assert balancer.get()[0] == 502


def test_a_target_slower_than_the_idle_timeout_is_504(balancer: Balancer) -> None:
    attributes = [{"Key": "idle_timeout.timeout_seconds", "Value": "1"}]
    balancer.ask("elbv2", "ModifyLoadBalancerAttributes", LoadBalancerArn=balancer.arn, Attributes=attributes)
    group = balancer.forwarding()
    released = threading.Event()
    target = balancer.target(group, answer=lambda handler: (released.wait(5), None)[1])
    balancer.until_state(group, target, "healthy")
    started = time.monotonic()
    status, body, _ = balancer.get()
    released.set()
    assert status == 504
    assert b"504 Gateway Time-out" in body
    assert 0.25 < time.monotonic() - started < 2


def test_an_address_that_nobody_has_is_504(balancer: Balancer) -> None:
    group = balancer.forwarding(HealthCheckIntervalSeconds=300)
    target = balancer.target(group)
    balancer.until_state(group, target, "healthy")
    balancer.network.ports.clear()
    assert balancer.get()[0] == 504


def test_a_request_in_flight_survives_draining_while_new_ones_go_elsewhere(balancer: Balancer) -> None:
    group = balancer.forwarding(delay=20)
    started, released = threading.Event(), threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        started.set()
        assert released.wait(10)
        handler.send_response(200)
        handler.send_header("Content-Length", "4")
        handler.end_headers()
        handler.wfile.write(b"slow")

    old = balancer.target(group, answer=slow)
    balancer.until_state(group, old, "healthy")
    outcome: list[tuple[int, bytes, Any]] = []
    request = threading.Thread(target=lambda: outcome.append(balancer.get("/slow")))
    request.start()
    assert started.wait(5)
    new = balancer.target(group, "10.0.2.10")
    balancer.until_state(group, new, "healthy")

    balancer.room.deregister(group, old.address, old.port)

    draining = balancer.room.health(group, old.address, old.port)
    assert (draining.state, draining.reason) == ("draining", "Target.DeregistrationInProgress")
    assert {balancer.get()[1] for _ in range(4)} == {b"10.0.2.10"}
    balancer.until_state(group, old, "unused")
    assert balancer.room.health(group, old.address, old.port).reason == "Target.NotRegistered"
    released.set()
    request.join(5)
    assert outcome[0][:2] == (200, b"slow")


def test_draining_lasts_the_deregistration_delay(balancer: Balancer) -> None:
    group = balancer.forwarding(delay=10)
    target = balancer.target(group)
    balancer.until_state(group, target, "healthy")
    began = balancer.clock.time()
    balancer.room.deregister(group, target.address, target.port)
    balancer.until_state(group, target, "unused")
    assert 10 <= balancer.clock.time() - began < 14


def test_weights_divide_requests_and_weight_zero_gets_none(balancer: Balancer) -> None:
    blue, green, idle = balancer.group(), balancer.group(), balancer.group()
    weights = [
        {"TargetGroupArn": blue, "Weight": 80},
        {"TargetGroupArn": green, "Weight": 20},
        {"TargetGroupArn": idle, "Weight": 0},
    ]
    balancer.listener([{"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}])
    targets = [balancer.target(group, f"10.0.1.{10 + number}") for number, group in enumerate((blue, green, idle))]
    for group, target in zip((blue, green, idle), targets, strict=True):
        balancer.until_state(group, target, "healthy")
    connection = balancer.connect()
    for _ in range(300):
        connection.request("GET", "/")
        connection.getresponse().read()
    connection.close()
    counts = [len(target.requests()) for target in targets]
    assert sum(counts) == 300
    assert counts[2] == 0
    # 300 draws with p = 0.8: six standard deviations are 42.
    assert 198 <= counts[0] <= 282


def test_round_robin_reaches_every_healthy_target_in_turn(balancer: Balancer) -> None:
    group = balancer.forwarding()
    targets = [balancer.target(group, f"10.0.{number}.10") for number in (1, 2)]
    for target in targets:
        balancer.until_state(group, target, "healthy")
    assert sorted(balancer.get()[1] for _ in range(6)) == [b"10.0.1.10"] * 3 + [b"10.0.2.10"] * 3


def test_an_unhealthy_target_gets_nothing_until_all_are_unhealthy(balancer: Balancer) -> None:
    group = balancer.forwarding(UnhealthyThresholdCount=2)
    good, bad = balancer.target(group), balancer.target(group, "10.0.2.10", status=500)
    balancer.until_state(group, good, "healthy")
    balancer.until_state(group, bad, "unhealthy")
    health = balancer.room.health(group, bad.address, bad.port)
    assert (health.reason, health.description) == ("Target.ResponseCodeMismatch", "Health checks failed with these codes: [500]")
    assert {balancer.get()[1] for _ in range(4)} == {b"10.0.1.10"}
    good.status = 500
    balancer.until_state(group, good, "unhealthy")
    assert {balancer.get()[1] for _ in range(4)} == {b"10.0.1.10", b"10.0.2.10"}


def test_redirect_and_fixed_response_rules_before_the_default(balancer: Balancer) -> None:
    listener = balancer.listener(FIXED)
    balancer.ask(
        "elbv2",
        "CreateRule",
        ListenerArn=listener,
        Priority=10,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/old/*"]}}],
        Actions=[
            {
                "Type": "redirect",
                "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "Path": "/new/#{path}", "StatusCode": "HTTP_301"},
            }
        ],
    )
    status, _, headers = balancer.get("/old/page?q=1", Host="shop.example.com")
    assert (status, headers["Location"]) == (301, "https://shop.example.com:443/new/old/page?q=1")
    status, body, headers = balancer.get("/other")
    assert (status, body) == (404, b"nothing")
    assert headers["Content-Type"].startswith("text/plain")


def test_listeners_appear_change_and_go_within_a_second(balancer: Balancer) -> None:
    listener = balancer.listener(FIXED, port=8081)
    assert balancer.get(port=8081)[0] == 404
    balancer.ask("elbv2", "ModifyListener", ListenerArn=listener, Port=8082)
    assert balancer.get(port=8082)[0] == 404
    balancer.ask("elbv2", "DeleteListener", ListenerArn=listener)
    with pytest.raises(ConnectionRefusedError):
        balancer.get(port=8082)


def test_a_listener_port_that_is_taken_is_replaced_and_said(balancer: Balancer) -> None:
    with socket.create_server((balancer.address, 8090)):
        balancer.listener(FIXED, port=8090)
        shown = balancer.room.state()["load_balancers"][0]["listeners"][0]
    assert shown["url"] == f"http://{balancer.address}:16090"
    assert "16090 serves in its place" in shown["note"]
    assert balancer.get(port=16090)[0] == 404


def test_https_listener_ends_tls_and_tells_the_target(balancer: Balancer) -> None:
    certificate = balancer.ask("acm", "RequestCertificate", DomainName="shop.example.com")["CertificateArn"]
    group = balancer.group()
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    balancer.listener(forward, port=8443, Protocol="HTTPS", Certificates=[{"CertificateArn": certificate}])
    target = balancer.target(group)
    balancer.until_state(group, target, "healthy")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(balancer.address, 8443, context=context, timeout=5)
    for _ in range(2):
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"10.0.1.10"
    headers = target.requests()[0][2]
    assert (headers["X-Forwarded-Proto"], headers["X-Forwarded-Port"]) == ("https", "8443")
    balancer.room.stop()
    assert connection.sock is not None
    assert connection.sock.recv(1) == b"", "stop cuts the idle connection"
    connection.close()


def test_a_client_gets_the_certificate_of_the_name_that_it_asks_for(balancer: Balancer) -> None:
    def requested(name: str) -> str:
        return str(balancer.ask("acm", "RequestCertificate", DomainName=name)["CertificateArn"])

    def shown(name: str) -> set[str]:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with (
            socket.create_connection((balancer.address, 8443), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=name) as tls,
        ):
            certificate = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
        return set(names) - {"localhost"}

    first = [{"CertificateArn": requested("shop.example.com")}]
    listener = balancer.listener(FIXED, port=8443, Protocol="HTTPS", Certificates=first)
    assert shown("a.example.org") == {"shop.example.com"}
    other = [{"CertificateArn": requested("*.example.org")}]
    balancer.ask("elbv2", "AddListenerCertificates", ListenerArn=listener, Certificates=other)
    assert shown("A.example.org") == {"*.example.org"}
    assert shown("a.b.example.org") == shown("example.org") == {"shop.example.com"}
    balancer.ask("elbv2", "RemoveListenerCertificates", ListenerArn=listener, Certificates=other)
    assert shown("a.example.org") == {"shop.example.com"}


def test_a_chunked_body_of_a_megabyte_arrives_whole(balancer: Balancer) -> None:
    group = balancer.forwarding()
    target = balancer.target(group)
    balancer.until_state(group, target, "healthy")
    connection = balancer.connect()
    parts = (b"x" * 20_000 for _ in range(50))
    connection.request("PUT", "/upload", body=parts, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert connection.getresponse().read() == b"10.0.1.10"
    connection.request("GET", "/again")
    assert connection.getresponse().read() == b"10.0.1.10"
    connection.close()
    assert target.requests()[0][3] == b"x" * 1_000_000


def test_an_answer_flows_while_the_request_still_does(balancer: Balancer) -> None:
    group = balancer.forwarding()

    def echo(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while True:
            size = handler.rfile.readline()
            handler.wfile.write(size + handler.rfile.read(int(size, 16)) + handler.rfile.readline())
            if int(size, 16) == 0:
                return

    target = balancer.target(group, answer=echo, reads_itself=True)
    balancer.until_state(group, target, "healthy")
    with socket.create_connection((balancer.address, 8080), 5) as client:
        received = client.makefile("rb")
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        while received.readline().strip():
            pass
        assert [received.readline() for _ in range(2)] == [b"3\r\n", b"one\r\n"]
        client.sendall(b"3\r\ntwo\r\n0\r\n\r\n")
        assert [received.readline() for _ in range(4)] == [b"3\r\n", b"two\r\n", b"0\r\n", b"\r\n"]


def test_a_target_that_breaks_off_its_answer_breaks_off_the_clients(balancer: Balancer) -> None:
    group = balancer.forwarding()

    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    target = balancer.target(group, answer=half)
    balancer.until_state(group, target, "healthy")
    with pytest.raises(http.client.IncompleteRead):
        balancer.get()


def test_head_and_expect_100_continue(balancer: Balancer) -> None:
    group = balancer.forwarding()
    target = balancer.target(group)
    balancer.until_state(group, target, "healthy")
    status, body, headers = balancer.get(method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len("10.0.1.10")))
    with socket.create_connection((balancer.address, 8080), 5) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hello")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
    assert target.requests()[-1][3] == b"hello"
    assert "Expect" not in target.requests()[-1][2]


def test_websocket_upgrade_becomes_a_tunnel(balancer: Balancer) -> None:
    group = balancer.forwarding()

    def upgrade(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(101)
        handler.send_header("Connection", "Upgrade")
        handler.send_header("Upgrade", handler.headers["Upgrade"])
        handler.end_headers()
        handler.wfile.write(handler.rfile.read(4).upper())
        handler.close_connection = True

    target = balancer.target(group, answer=upgrade)
    balancer.until_state(group, target, "healthy")
    with socket.create_connection((balancer.address, 8080), 5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        received = client.recv(1000)
        assert received.startswith(b"HTTP/1.1 101")
        client.sendall(b"ping")
        assert client.recv(100) == b"PING"


def test_stickiness_keeps_a_client_with_its_target(balancer: Balancer) -> None:
    group = balancer.forwarding()
    balancer.ask(
        "elbv2",
        "ModifyTargetGroupAttributes",
        TargetGroupArn=group,
        Attributes=[{"Key": "stickiness.enabled", "Value": "true"}, {"Key": "stickiness.type", "Value": "lb_cookie"}],
    )
    for number in (1, 2):
        balancer.until_state(group, balancer.target(group, f"10.0.{number}.10"), "healthy")
    _, first, headers = balancer.get()
    cookie = headers["Set-Cookie"].partition(";")[0]
    assert cookie.startswith("AWSALB=")
    assert {balancer.get(Cookie=cookie)[1] for _ in range(6)} == {first}


def test_target_health_is_the_same_for_api_users_and_names_what_is_wrong(balancer: Balancer) -> None:
    group = balancer.forwarding(UnhealthyThresholdCount=2)
    outside = "10.0.3.10"
    balancer.network.ports["10.0.1.7", 9999] = 1
    targets = [{"Id": "10.0.1.7", "Port": 8080}, {"Id": "10.0.1.8", "Port": 8080}, {"Id": outside, "Port": 8080}]
    balancer.ask("elbv2", "RegisterTargets", TargetGroupArn=group, Targets=targets)

    def reasons() -> dict[str, Any]:
        described = balancer.ask("elbv2", "DescribeTargetHealth", TargetGroupArn=group)["TargetHealthDescriptions"]
        return {item["Target"]["Id"]: (item["TargetHealth"]["State"], item["TargetHealth"].get("Reason")) for item in described}

    assert reasons()["10.0.1.7"] == ("initial", "Elb.RegistrationInProgress")
    assert reasons()[outside] == ("unused", "Target.NotInUse")
    balancer.until(lambda: reasons()["10.0.1.7"] == ("unhealthy", "Target.FailedHealthChecks"), "refused")
    balancer.until(lambda: reasons()["10.0.1.8"] == ("unhealthy", "Target.Timeout"), "timed out")
    one = balancer.ask("elbv2", "DescribeTargetHealth", TargetGroupArn=group, Targets=[{"Id": "10.0.1.9", "Port": 80}])
    assert one["TargetHealthDescriptions"][0]["TargetHealth"] == {
        "State": "unused",
        "Reason": "Target.NotRegistered",
        "Description": "Target is not registered to the target group",
    }
    balancer.ask("elbv2", "DeregisterTargets", TargetGroupArn=group, Targets=[{"Id": "10.0.1.7", "Port": 8080}])
    assert reasons()["10.0.1.7"][0] == "draining"


def test_two_ports_of_one_address_are_two_targets(balancer: Balancer) -> None:
    group = balancer.forwarding()
    one, two = balancer.target(group), balancer.target(group, port=9090)
    balancer.until_state(group, one, "healthy")
    balancer.until_state(group, two, "healthy")
    balancer.room.deregister(group, one.address, 8080)
    assert balancer.room.health(group, one.address, 8080).state == "draining"
    assert balancer.room.health(group, one.address, 9090).state == "healthy"


def test_a_target_group_without_a_listener_is_not_in_use(balancer: Balancer) -> None:
    group = balancer.group()
    target = balancer.target(group)
    health = balancer.room.health(group, target.address, target.port)
    assert (health.state, health.reason) == ("unused", "Target.NotInUse")
    balancer.listener([{"Type": "forward", "TargetGroupArn": group}])
    balancer.until_state(group, target, "healthy")


def instance_states(balancer: Balancer, group: str) -> dict[str, tuple[str, str | None]]:
    described = balancer.ask("elbv2", "DescribeTargetHealth", TargetGroupArn=group)["TargetHealthDescriptions"]
    return {item["Target"]["Id"]: (item["TargetHealth"]["State"], item["TargetHealth"].get("Reason")) for item in described}


def test_an_instance_is_reached_at_its_private_address_until_it_ends(balancer: Balancer) -> None:
    group = balancer.forwarding(TargetType="instance")
    run = balancer.ask("ec2", "RunInstances", ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=balancer.subnets[0])
    instance = run["Instances"][0]
    identity = instance["InstanceId"]
    balancer.server(instance["PrivateIpAddress"])
    balancer.ask("elbv2", "RegisterTargets", TargetGroupArn=group, Targets=[{"Id": identity}])
    balancer.until(lambda: instance_states(balancer, group)[identity][0] == "healthy", "healthy")
    assert balancer.get()[1].decode() == instance["PrivateIpAddress"]
    balancer.ask("ec2", "StopInstances", InstanceIds=[identity])
    balancer.until(lambda: instance_states(balancer, group)[identity] == ("unused", "Target.InvalidState"), "stopped")
    balancer.ask("ec2", "TerminateInstances", InstanceIds=[identity])
    balancer.until(lambda: instance_states(balancer, group).get(identity, ("",))[0] == "draining", "draining")
    with pytest.raises(AwsError, match="not in a running state"):
        balancer.ask("elbv2", "RegisterTargets", TargetGroupArn=group, Targets=[{"Id": identity}])


def test_instances_of_an_auto_scaling_group_come_and_go_with_it(balancer: Balancer) -> None:
    group = balancer.forwarding(TargetType="instance", delay=2)
    balancer.ask("autoscaling", "CreateLaunchConfiguration", LaunchConfigurationName="web", ImageId="ami-12345678", InstanceType="t3.micro")
    balancer.ask(
        "autoscaling",
        "CreateAutoScalingGroup",
        AutoScalingGroupName="web",
        LaunchConfigurationName="web",
        MinSize=0,
        MaxSize=2,
        DesiredCapacity=2,
        VPCZoneIdentifier=balancer.subnets[0],
        TargetGroupARNs=[group],
    )
    balancer.until(lambda: len(instance_states(balancer, group)) == 2, "two instances are targets")
    balancer.ask("autoscaling", "SetDesiredCapacity", AutoScalingGroupName="web", DesiredCapacity=0)
    balancer.until(lambda: not instance_states(balancer, group), "they are gone")
    balancer.ask("autoscaling", "DeleteAutoScalingGroup", AutoScalingGroupName="web", ForceDelete=True)
    balancer.ask("autoscaling", "DeleteLaunchConfiguration", LaunchConfigurationName="web")


def test_an_unknown_target_group_is_refused_as_by_the_api(balancer: Balancer) -> None:
    with pytest.raises(AwsError) as refused:
        balancer.room.register(
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/none/0123456789abcdef", "10.0.1.1", 80, None
        )
    assert refused.value.code == "TargetGroupNotFound"


def test_requests_and_errors_are_counted_with_awss_dimensions(balancer: Balancer) -> None:
    group = balancer.forwarding()
    assert balancer.get()[0] == 503
    target = balancer.target(group)
    balancer.until_state(group, target, "healthy")
    balancer.get()
    target.answer = lambda handler: handler.send_error(500)
    balancer.get()
    balancer.room.publish_metrics()
    metrics = balancer.metrics
    assert metrics.sum("RequestCount", "LoadBalancer") == 2
    assert metrics.sum("RequestCount", "LoadBalancer", "TargetGroup") == 2
    assert metrics.sum("HTTPCode_Target_2XX_Count", "LoadBalancer", "TargetGroup") == 1
    assert metrics.sum("HTTPCode_Target_5XX_Count", "LoadBalancer") == 1
    assert metrics.sum("HTTPCode_ELB_5XX_Count", "LoadBalancer") == 1
    assert metrics.sum("HTTPCode_ELB_503_Count", "LoadBalancer") == 1
    assert metrics.sum("HealthyHostCount", "LoadBalancer", "TargetGroup") == 1
    _, dimensions, value, unit = next(item for item in metrics.values if item[0] == "TargetResponseTime")
    assert dimensions["LoadBalancer"] == balancer.arn.partition(":loadbalancer/")[2]
    assert (unit, value > 0) == ("Seconds", True)
    assert any(having.get("TargetGroup") == group.rpartition(":")[2] for _, having, _, _ in metrics.values)


def test_kept_alive_connections_to_a_target_are_reused(balancer: Balancer) -> None:
    group = balancer.forwarding(HealthCheckIntervalSeconds=300)
    target = balancer.target(group)
    balancer.until_state(group, target, "healthy")
    before = len(balancer.network.dialled)
    connection = balancer.connect()
    for _ in range(20):
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"10.0.1.10"
    connection.close()
    assert len(balancer.network.dialled) - before == 1


def test_nothing_is_left_after_stop(balancer: Balancer) -> None:
    group = balancer.forwarding()
    target = balancer.target(group)
    balancer.until_state(group, target, "healthy")
    balancer.room.stop()
    with pytest.raises(ConnectionRefusedError):
        balancer.get()
    names = ("target-", "listener-", "elb-", "client-")
    balancer.until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith(names)], "threads ended")


def test_many_clients_notice_nothing_while_targets_come_and_go(balancer: Balancer) -> None:
    group = balancer.forwarding(delay=5)
    first = balancer.target(group)
    balancer.until_state(group, first, "healthy")
    ended = threading.Event()
    answers: list[tuple[int, bytes]] = []

    def client(keep: bool) -> None:
        connection = balancer.connect()
        while not ended.is_set():
            try:
                connection.request("GET", "/", headers={} if keep else {"Connection": "close"})
                answer = connection.getresponse()
                answers.append((answer.status, answer.read()))
            except (OSError, http.client.HTTPException) as error:
                answers.append((0, repr(error).encode()))
                connection.close()
        connection.close()

    clients = [threading.Thread(target=client, args=(number % 2 == 0,)) for number in range(8)]
    for thread in clients:
        thread.start()
    previous = first
    for number in range(4):
        following = balancer.target(group, f"10.0.2.{10 + number}")
        balancer.until_state(group, following, "healthy")
        balancer.room.deregister(group, previous.address, previous.port)
        balancer.until_state(group, previous, "unused")
        assert previous.server is not None
        previous.server.shutdown()
        previous = following
    ended.set()
    for thread in clients:
        thread.join(5)
    assert {status for status, _ in answers} == {200}
    assert {body for _, body in answers} == {b"10.0.1.10", *(b"10.0.2.%d" % (10 + number) for number in range(4))}
