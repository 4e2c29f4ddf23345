# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytes of a blob, wherever they lie: read from any position, as often as need be."""

from __future__ import annotations

import contextlib
import hashlib
import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .errors import SourceError

# Bytes handed on at a time: large enough that Python's share of the work vanishes, small enough to stop soon.
BLOCK = 256 * 1024


class Reader(t.Protocol):
    """One reading of a content."""

    def block(self, position: int, size: int) -> bytes:
        """Between 1 and `size` bytes from `position`; `b""` past the end. Raises `SourceError` when they cannot be read."""

    def close(self) -> None: ...


class Content(t.Protocol):
    """Something that can be read more than once. `where` names it for messages."""

    @property
    def size(self) -> int: ...

    @property
    def where(self) -> str: ...

    def open(self) -> Reader: ...


class _FileReader:
    def __init__(self, path: Path, offset: int, size: int) -> None:
        self._path = path
        self._offset = offset
        self._size = size
        try:
            self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        except OSError as exc:
            raise SourceError(f"{path} cannot be read: {exc.strerror or exc}.") from exc

    def block(self, position: int, size: int) -> bytes:
        try:
            return os.pread(self._fd, max(0, min(size, self._size - position)), self._offset + position)
        except OSError as exc:
            raise SourceError(f"{self._path} cannot be read: {exc.strerror or exc}.") from exc

    def close(self) -> None:
        os.close(self._fd)


@dataclass(frozen=True)
class BlobFile:
    """Where the bytes of a blob lie: in a file of their own, or inside an archive from `offset` on."""

    path: Path
    offset: int
    size: int

    @property
    def where(self) -> str:
        return str(self.path)

    def open(self) -> Reader:
        return _FileReader(self.path, self.offset, self.size)


class _BytesReader:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def block(self, position: int, size: int) -> bytes:
        return self._data[position : position + size]

    def close(self) -> None:
        """Nothing was opened."""


@dataclass(frozen=True)
class BytesContent:
    """A small blob that was made here."""

    data: bytes
    where: str

    @property
    def size(self) -> int:
        return len(self.data)

    def open(self) -> Reader:
        return _BytesReader(self.data)


def blocks_of(content: Content) -> t.Iterator[bytes]:
    """All of a content, front to back. Raises `SourceError` when it ends early."""
    position = 0
    with contextlib.closing(content.open()) as reader:
        while position < content.size:
            data = reader.block(position, BLOCK)
            if not data:
                raise SourceError(f"{content.where} ended {content.size - position} bytes too early.", "It was changed during the push.")
            position += len(data)
            yield data


def digest_of(content: Content) -> str:
    found = hashlib.sha256()
    for data in blocks_of(content):
        found.update(data)
    return "sha256:" + found.hexdigest()
