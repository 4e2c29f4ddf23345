"""A load balancing room on moto, with HTTP targets in this process behind made-up private addresses."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from moto.backends import get_backend

from local_aws.clock import ScaledClock
from local_aws.control_plane.api import AwsApi
from local_aws.control_plane.moto_in_process import Moto
from local_aws.elb import LoadBalancingRoom
from local_aws.elb.timeouts import Floors

ACCOUNT = "123456789012"
REGION = "eu-west-1"
SPEED = 20.0


class FakeNetwork:
    """Private addresses that lead to ports of this machine."""

    def __init__(self) -> None:
        self.ports: dict[tuple[str, int], int] = {}
        self.dialled: list[tuple[str, int]] = []

    def attach(self, address: str, sandbox: Any) -> None:
        raise NotImplementedError("the load balancer only dials")

    def detach(self, address: str) -> None:
        raise NotImplementedError("the load balancer only dials")

    def dial(self, address: str, port: int, timeout: float) -> socket.socket:
        self.dialled.append((address, port))
        if not any(known == address for known, _ in self.ports):
            raise TimeoutError(f"nothing has the address {address}")
        if (address, port) not in self.ports:
            raise ConnectionRefusedError(f"{address}:{port}")
        return socket.create_connection(("127.0.0.1", self.ports[address, port]), timeout)


class FakeMetrics:
    def __init__(self) -> None:
        self.values: list[tuple[str, dict[str, str], float, str]] = []

    def put(
        self, account: str, region: str, namespace: str, name: str, dimensions: dict[str, str], value: float, unit: str = "Count"
    ) -> None:
        assert (account, region, namespace) == (ACCOUNT, REGION, "AWS/ApplicationELB")
        self.values.append((name, dimensions, value, unit))

    def sum(self, name: str, *dimensions: str) -> float:
        """Sum of the metric's values that have exactly these dimensions."""
        return sum(value for given, having, value, _ in self.values if given == name and set(having) == set(dimensions))


@dataclass
class Target:
    """An HTTP server whose answers a test decides."""

    address: str
    port: int
    status: int = 200
    answer: Callable[[BaseHTTPRequestHandler], None] | None = None
    reads_itself: bool = False
    """`answer` reads the request's body."""
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    def requests(self) -> list[tuple[str, str, dict[str, str], bytes]]:
        """What came that is no health check."""
        return [item for item in self.seen if not item[2].get("User-Agent", "").startswith("ELB-HealthChecker")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    target: Target

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def _serve(self) -> None:
        body = b"" if self.target.reads_itself else self._body()
        self.target.seen.append((self.command, self.path, dict(self.headers.items()), body))
        checking = self.headers.get("User-Agent", "").startswith("ELB-HealthChecker")
        if self.target.answer is not None and not checking:
            self.target.answer(self)
            return
        content = self.target.address.encode()
        self.send_response(self.target.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline().strip(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server calls


class _Server(ThreadingHTTPServer):
    # Five, as it is by default, overflow when many clients come at once; the kernel asks again after a second, which the load
    # balancer rightly takes for a target that accepts no connection.
    request_queue_size = 128
    daemon_threads = True


class Balancer:
    """One load balancer in moto with its room, and shorthand for what tests do with them."""

    def __init__(self, moto: Moto) -> None:
        self.moto = moto
        self.clock = ScaledClock(SPEED)
        self.api = AwsApi(self.moto, self.clock)
        self.network = FakeNetwork()
        self.metrics = FakeMetrics()
        self.room = LoadBalancingRoom(self.clock, self.api, self.network, self.metrics, floors=Floors(check=0.3, connect=0.3, answer=0.3))
        self.room.start()
        self.targets: list[Target] = []
        self._groups = 0
        vpc = self.ask("ec2", "CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.vpc = vpc
        self.subnets = [
            self.ask("ec2", "CreateSubnet", VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
                "SubnetId"
            ]
            for number, zone in ((1, "a"), (2, "b"), (3, "c"))
        ]
        created = self.ask("elbv2", "CreateLoadBalancer", Name="web", Subnets=self.subnets[:2])["LoadBalancers"][0]
        self.arn, self.address = created["LoadBalancerArn"], created["DNSName"]

    def ask(self, service: str, action: str, **params: Any) -> dict[str, Any]:
        return self.api.ask(service, action, params, ACCOUNT, REGION)

    def group(self, *, delay: int = 20, **settings: Any) -> str:
        self._groups += 1
        arn: str = self.ask(
            "elbv2",
            "CreateTargetGroup",
            Name=f"group-{self._groups}",
            Protocol="HTTP",
            Port=8080,
            VpcId=self.vpc,
            **{"TargetType": "ip", "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, "HealthyThresholdCount": 2, **settings},
        )["TargetGroups"][0]["TargetGroupArn"]
        attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": str(delay)}]
        self.ask("elbv2", "ModifyTargetGroupAttributes", TargetGroupArn=arn, Attributes=attributes)
        return arn

    def listener(self, actions: list[dict[str, Any]], port: int = 8080, **settings: Any) -> str:
        arn: str = self.ask(
            "elbv2",
            "CreateListener",
            LoadBalancerArn=self.arn,
            **{"Protocol": "HTTP", "Port": port, "DefaultActions": actions, **settings},
        )["Listeners"][0]["ListenerArn"]
        return arn

    def forwarding(self, **settings: Any) -> str:
        """A target group behind the default rule of a listener on port 8080."""
        arn = self.group(**settings)
        self.listener([{"Type": "forward", "TargetGroupArn": arn}])
        return arn

    def target(self, group: str, address: str = "10.0.1.10", port: int = 8080, **settings: Any) -> Target:
        """An HTTP server in this process, registered under that address."""
        target = self.server(address, port, **settings)
        self.room.register(group, address, port, None)
        return target

    def server(self, address: str, port: int = 8080, **settings: Any) -> Target:
        """An HTTP server in this process that has that address."""
        target = Target(address, port, **settings)
        handler = type("Handler", (_Handler,), {"target": target})
        target.server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=target.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.network.ports[address, port] = target.server.server_address[1]
        self.targets.append(target)
        return target

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 5.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.01)

    def until_state(self, group: str, target: Target, state: str) -> None:
        self.until(lambda: self.room.health(group, target.address, target.port).state == state, f"{target.address} {state}")

    def connect(self, port: int = 8080, timeout: float = 10) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.address, port, timeout=timeout)

    def get(self, path: str = "/", method: str = "GET", port: int = 8080, body: Any = None, **headers: str) -> tuple[int, bytes, Any]:
        connection = self.connect(port)
        connection.request(method, path, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content, answer.headers

    def close(self) -> None:
        self.room.stop()
        for target in self.targets:
            assert target.server is not None
            target.server.shutdown()
            target.server.server_close()


@pytest.fixture(scope="session")
def moto() -> Moto:
    return Moto()


@pytest.fixture
def balancer(moto: Moto) -> Iterator[Balancer]:
    made = Balancer(moto)
    yield made
    made.close()
    # Emptying all of moto would cost a second per test.
    backend = get_backend("elbv2")[ACCOUNT][REGION]
    backend.load_balancers.clear()
    backend.target_groups.clear()
