"""Who answers at which address."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from local_aws.runtime import TaskNetwork


class Box:
    def dial(self, port: int, timeout: float) -> socket.socket:
        if port != 80:
            raise ConnectionRefusedError
        return socket.socket()


def test_addresses_come_and_go() -> None:
    network = TaskNetwork()
    network.attach("10.0.0.1", Box())  # type: ignore[arg-type]  # all that a network needs of a sandbox
    network.dial("10.0.0.1", 80, 1).close()
    with pytest.raises(ConnectionRefusedError):
        network.dial("10.0.0.1", 81, 1)
    with pytest.raises(ValueError, match="in use"):
        network.attach("10.0.0.1", Box())  # type: ignore[arg-type]  # see above
    assert network.addresses() == ["10.0.0.1"]
    network.detach("10.0.0.1")
    network.detach("10.0.0.1")
    assert network.addresses() == []


def test_an_address_nobody_has_is_silent_until_the_time_is_over() -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        TaskNetwork().dial("10.0.0.1", 80, 0.05)
    assert time.monotonic() - started >= 0.05


def test_a_dial_succeeds_when_the_address_appears_in_time() -> None:
    network = TaskNetwork()
    timer = threading.Timer(0.02, network.attach, ("10.0.0.1", Box()))
    timer.start()
    network.dial("10.0.0.1", 80, 5).close()
    timer.join()
