"""The VPC's data plane: which task answers at which private address."""

from __future__ import annotations

import socket
import threading
import time

from local_aws.interfaces import Sandbox


class TaskNetwork:
    """Safe for threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sandboxes: dict[str, Sandbox] = {}

    def attach(self, address: str, sandbox: Sandbox) -> None:
        """Raises ValueError when another task has the address."""
        with self._changed:
            if address in self._sandboxes:
                raise ValueError(f"{address}: is in use by another task")
            self._sandboxes[address] = sandbox
            self._changed.notify_all()

    def detach(self, address: str) -> None:
        with self._changed:
            self._sandboxes.pop(address, None)

    def addresses(self) -> list[str]:
        with self._changed:
            return sorted(self._sandboxes)

    def dial(self, address: str, port: int, timeout: float) -> socket.socket:
        """A connected socket. As on a real network, an address that nobody has is silence: TimeoutError after `timeout` real seconds."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while address not in self._sandboxes:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{address}:{port} does not answer")
                self._changed.wait(left)
            sandbox = self._sandboxes[address]
        return sandbox.dial(port, max(0.001, deadline - time.monotonic()))
