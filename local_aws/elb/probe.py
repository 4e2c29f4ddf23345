"""One health check of one target: what an ALB sends and how it reads the answer."""

from __future__ import annotations

import socket
import time

from local_aws.elb import health, http1
from local_aws.elb.secure import to_target
from local_aws.elb.snapshot import HealthCheck
from local_aws.interfaces import Network, TargetHealth

USER_AGENT = "ELB-HealthChecker/2.0"


def probe(network: Network, check: HealthCheck, address: str, port: int, timeout: float) -> TargetHealth | None:
    """None when the check passed, else the state that enough such failures lead to. `timeout` is in real seconds, for all of it."""
    deadline = time.monotonic() + timeout
    try:
        with network.dial(address, port, timeout) as raw, _secured(check, raw) as connection:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            host = address if port in (80, 443) else f"{address}:{port}"
            fields = [("Host", host), ("Connection", "close"), ("User-Agent", USER_AGENT), ("Accept-Encoding", "gzip, compressed")]
            connection.sendall(http1.write_head(f"GET {check.path} HTTP/1.1", fields))
            response = http1.Reader(connection).response()
    except TimeoutError:
        return health.TIMEOUT
    except (OSError, http1.Broken, http1.Malformed):
        return health.FAILED
    return None if health.matches(check.matcher, response.status) else health.code_mismatch(response.status)


def _secured(check: HealthCheck, connection: socket.socket) -> socket.socket:
    return to_target(connection) if check.protocol == "HTTPS" else connection
