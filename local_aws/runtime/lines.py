"""A container's output, cut into lines."""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger("local_aws.runtime")

_LONGEST = 16 * 1024
"""Bytes after which a line is cut, Docker's own limit."""


class LineCutter:
    """Feed it what was read; it hands on each line without its end."""

    def __init__(self, output: Callable[[bytes], None]) -> None:
        self._output = output
        self._rest = b""

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._hand_on(line.removesuffix(b"\r"))
        while len(self._rest) >= _LONGEST:
            self._hand_on(self._rest[:_LONGEST])
            self._rest = self._rest[_LONGEST:]

    def _hand_on(self, line: bytes) -> None:
        try:
            self._output(line)
        except Exception:  # whoever takes the lines, the container's pipe must go on being read, or it would stand still
            log.exception("a line of output is lost")

    def end(self) -> None:
        """Nothing more will come: hand on what stands without an end of line."""
        if self._rest:
            self._hand_on(self._rest)
            self._rest = b""
