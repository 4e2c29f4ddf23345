"""Where a load balancer listens: a loopback address of its own, and the ports of its listeners on it."""

from __future__ import annotations

import errno
import hashlib
import socket
import sys

NETWORK = "127.83"
"""All of 127.0.0.0/8 is this machine on Linux; this part of it is the load balancers'."""

SHARED_ADDRESS = "127.0.0.1"
"""The only loopback address that macOS has without set-up."""

PRIVILEGED_OFFSET = 8000
"""Where a port goes that cannot be had: 80 becomes 8080. The next choice is any free one."""

BACKLOG = 512


class Addresses:
    """One address per load balancer, the same for the same ARN unless two ARNs hash alike."""

    def __init__(self, platform: str = sys.platform) -> None:
        self._own = platform.startswith("linux")
        self._given: dict[str, str] = {}

    def of(self, arn: str) -> str:
        if not self._own:
            return SHARED_ADDRESS
        if arn not in self._given:
            taken = set(self._given.values())
            number = int.from_bytes(hashlib.sha256(arn.encode()).digest()[:4], "big")
            while (address := _address(number)) in taken:
                number += 1
            self._given[arn] = address
        return self._given[arn]

    def release(self, arn: str) -> None:
        self._given.pop(arn, None)


def _address(number: int) -> str:
    """Third byte 0 to 255, fourth 1 to 254."""
    return f"{NETWORK}.{(number // 254) % 256}.{number % 254 + 1}"


def listen(address: str, port: int) -> socket.socket:
    """A listening socket on that port, or where this user may not or another program does already, on a port near it.

    Raises OSError when not even a free port of the address can be had.
    """
    refused = (errno.EACCES, errno.EPERM, errno.EADDRINUSE)
    for candidate in (port, port + PRIVILEGED_OFFSET):
        if candidate > 65535:
            continue
        try:
            return socket.create_server((address, candidate), backlog=BACKLOG)
        except OSError as error:
            if error.errno not in refused:
                raise
    return socket.create_server((address, 0), backlog=BACKLOG)
