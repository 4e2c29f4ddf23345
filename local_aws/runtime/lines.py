"""A container's output, cut into lines."""

from __future__ import annotations

from collections.abc import Callable

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
            self._output(line.removesuffix(b"\r"))
        while len(self._rest) >= _LONGEST:
            self._output(self._rest[:_LONGEST])
            self._rest = self._rest[_LONGEST:]

    def end(self) -> None:
        """Nothing more will come: hand on what stands without an end of line."""
        if self._rest:
            self._output(self._rest)
            self._rest = b""
