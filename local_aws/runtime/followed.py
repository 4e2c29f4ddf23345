"""A process whose output and end come to us through pipes."""

from __future__ import annotations

import json
import os
import selectors
import signal
import threading
from collections.abc import Callable, Sequence

from local_aws.interfaces import ExitStatus
from local_aws.runtime.lines import LineCutter


def read_status(pipe: int) -> ExitStatus:
    """The exit status that a supervisor wrote; closes the pipe."""
    with os.fdopen(pipe, "rb") as file:
        data = file.read()
    if not data:  # the supervisor was killed, and its containers with it
        return ExitStatus(128 + signal.SIGKILL)
    status = json.loads(data)
    return ExitStatus(status["code"], status["out_of_memory"])


class FollowedProcess:
    """Reads output and exit status in a thread of its own."""

    def __init__(self, streams: Sequence[int], status: int) -> None:
        self.ended = threading.Event()
        self._status: ExitStatus | None = None
        self._streams = streams
        self._status_pipe = status

    def follow(self, name: str, output: Callable[[bytes], None]) -> None:
        threading.Thread(target=self._follow, args=(output,), name=name, daemon=True).start()

    def _follow(self, output: Callable[[bytes], None]) -> None:
        with selectors.DefaultSelector() as selector:
            for stream in self._streams:
                selector.register(stream, selectors.EVENT_READ, LineCutter(output))
            while selector.get_map():
                for key, _events in selector.select():
                    data = os.read(key.fd, 65536)
                    if data:
                        key.data.feed(data)
                    else:
                        key.data.end()
                        selector.unregister(key.fd)
                        os.close(key.fd)
        self._status = read_status(self._status_pipe)
        self.ended.set()

    def wait(self, timeout: float | None = None) -> ExitStatus | None:
        self.ended.wait(timeout)
        return self._status
