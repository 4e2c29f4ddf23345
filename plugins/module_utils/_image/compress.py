# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compresses a layer as it is read, on all processors, into the same bytes every time.

The stream is cut into pieces of fixed size, each compressed for itself and joined into one gzip member. What comes out
depends on the library, its version and the level alone; not on the number of processors, not on time. Pieces that do not
shrink are stored, which makes the slower libraries several times as fast on content that is compressed already. A layer that
is all of that kind is better not compressed at all: then it need not be read before its digest is known.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import hashlib
import importlib
import os
import struct
import threading
import typing as t
import zlib
from dataclasses import dataclass

from .content import BLOCK, Content
from .errors import ImageError, SourceError

Compression = t.Literal["auto", "isal", "zlib-ng", "zlib", "zstd"]

# As long as what is read at a time, so that nothing has to be put together.
_PIECE = BLOCK
# The longest stored block that deflate knows.
_STORED = 65_535
# What is compressed of a piece before it is looked at: if that shrinks, the piece does, or nearly.
_BEGINNING = 16 * 1024
# Samples of a piece, and their length, by which it is told whether the piece shrinks. More of them would cost zlib more than they tell.
_SAMPLES = 4
_SAMPLE = 1024
# Samples of a layer, and their length, by which it is told whether the layer shrinks. With so many, a layer of which a tenth would
# shrink by half is taken for one that does not once in twenty; more of them would have to be read from all over a disk.
_LAYER_SAMPLES = 128
_LAYER_SAMPLE = 2048
# Where Python is linked to zlib-ng, level 1 finds repetitions only; from 2 on, both find rare bytes too.
_PROBE_LEVEL = 2
# A layer up to this many bytes is compressed in any case: nothing is to be won.
_SMALL = 1024 * 1024
# A probe that shrinks to less than this is worth compressing.
_WORTH_IT = 0.97
# Magic, deflate, no flags, no time, nothing about the level, an unknown system: nothing that would vary.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# ISA-L's level 1, zlib's level 1: on a layer, more costs more time than it saves on any link above 20 MB/s.
_LEVEL = 1
_MOST_THREADS = 8
_ZSTD_LEVEL = 3


@dataclass(frozen=True)
class Codec:
    """How layers are compressed: by a module with the interface of `zlib`, or by what makes a zstd compressor object."""

    name: str
    zlib: t.Any = None
    zstd: t.Callable[[], t.Any] | None = None

    @property
    def suffix(self) -> str:
        """What the OCI media type of a layer ends with."""
        return "gzip" if self.zstd is None else "zstd"


def choose_codec(wanted: Compression) -> Codec:
    """The codec of that name, or the fastest gzip there is. Raises `ImageError` when its library is not installed."""
    if wanted in ("auto", "isal"):
        with contextlib.suppress(ImportError):
            return Codec("isal", importlib.import_module("isal.isal_zlib"))
    if wanted in ("auto", "zlib-ng"):
        with contextlib.suppress(ImportError):
            return Codec("zlib-ng", importlib.import_module("zlib_ng.zlib_ng"))
    if wanted in ("auto", "zlib"):
        return Codec("zlib", zlib)
    if wanted == "zstd" and (make := _zstd()) is not None:
        return Codec("zstd", zstd=make)
    package = {"zstd": "zstandard"}.get(wanted, wanted)
    raise ImageError(f"compression: {wanted} needs a library that is not installed.", f"Install it with: python -m pip install {package}")


def _zstd() -> t.Callable[[], t.Any] | None:
    """What makes a compressor object with `compress` and `flush`, from the standard library (3.14), its backport or zstandard."""
    for name in ("compression.zstd", "backports.zstd"):
        with contextlib.suppress(ImportError):
            module = importlib.import_module(name)
            return lambda: module.ZstdCompressor(level=_ZSTD_LEVEL)
    with contextlib.suppress(ImportError):
        zstandard = importlib.import_module("zstandard")
        return lambda: zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
    return None


class Compressor:
    """Compresses several layers at the same time with one set of threads."""

    def __init__(self, codec: Codec, processors: int | None = None) -> None:
        self.codec = codec
        self._threads = min(processors or os.cpu_count() or 1, _MOST_THREADS)
        # Enough to keep all processors busy with one layer; every piece more would only cost memory.
        self._ahead = self._threads + 1
        self._pool = concurrent.futures.ThreadPoolExecutor(self._threads, thread_name_prefix="compress")
        self._lock = threading.Lock()
        self._streams = 0

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def stream(self, blocks: t.Iterable[bytes]) -> t.Iterator[bytes]:
        """The compressed stream, in pieces as they are ready."""
        self._count(1)
        try:
            if self.codec.zstd is None:
                yield from self._gzip_stream(blocks)
            else:
                yield from _zstd_stream(self.codec.zstd(), blocks)
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self._streams += change

    def _gzip_stream(self, blocks: t.Iterable[bytes]) -> t.Iterator[bytes]:
        yield _GZIP_HEADER
        checksum, length = 0, 0
        waiting: collections.deque[concurrent.futures.Future[bytes]] = collections.deque()
        for piece in _pieces(blocks):
            checksum = self.codec.zlib.crc32(piece, checksum)
            length += len(piece)
            if self._streams >= self._threads:
                # There is a layer for each processor: a piece stays in the cache of the one that has read and hashed it.
                while waiting:
                    yield waiting.popleft().result()
                yield self._deflate(piece)
            else:
                waiting.append(self._pool.submit(self._deflate, piece))
                if len(waiting) >= self._ahead:
                    yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
        # An empty last block that ends the deflate stream, checksum and length.
        yield b"\x03\x00" + struct.pack("<LL", checksum & 0xFFFFFFFF, length & 0xFFFFFFFF)

    def _deflate(self, piece: bytes) -> bytes:
        library = self.codec.zlib
        # Without the end of the piece before as dictionary: for half a percent of the bytes, an eighth of each would be read twice.
        deflate = library.compressobj(_LEVEL, library.DEFLATED, -15)
        done = deflate.compress(piece[:_BEGINNING]) + deflate.flush(library.Z_SYNC_FLUSH)
        if len(done) > _WORTH_IT * len(piece[:_BEGINNING]) and not _shrinks(library, piece):
            return _stored(piece)
        rest = memoryview(piece)[_BEGINNING:]
        return t.cast("bytes", done + deflate.compress(rest) + deflate.flush(library.Z_SYNC_FLUSH) if rest else done)


def _zstd_stream(compressor: t.Any, blocks: t.Iterable[bytes]) -> t.Iterator[bytes]:
    for piece in _pieces(blocks):
        if data := compressor.compress(piece):
            yield data
    yield compressor.flush()


def _pieces(blocks: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """The same bytes in pieces of one size, the last one shorter: where blocks end must not show in the result."""
    rest = b""
    for block in blocks:
        joined = rest + block if rest else block
        start = 0
        while len(joined) - start >= _PIECE:
            yield joined[start : start + _PIECE]
            start += _PIECE
        rest = joined[start:]
    if rest:
        yield rest


def _stored(piece: bytes) -> bytes:
    """The piece as deflate blocks that hold it as it is (RFC 1951, 3.2.4), not the last ones of their stream."""
    view = memoryview(piece)
    parts: list[bytes | memoryview] = []
    for start in range(0, len(piece), _STORED):
        part = view[start : start + _STORED]
        parts += (struct.pack("<BHH", 0, len(part), len(part) ^ 0xFFFF), part)
    return b"".join(parts)


def _shrinks(library: t.Any, piece: bytes) -> bool:
    part = len(piece) // _SAMPLES
    inside = max(0, part - _SAMPLE) // 2
    probe = b"".join(piece[start : start + _SAMPLE] for start in range(inside, len(piece), max(part, _SAMPLE)))
    # A window as small as the probe: what is set up for a larger one takes longer than the probe itself.
    deflate = library.compressobj(_LEVEL, library.DEFLATED, -12, 5)
    return len(deflate.compress(probe) + deflate.flush()) < _WORTH_IT * len(probe)


def hardly_shrinks(content: Content) -> bool:
    """Whether a layer is better left as it is, by samples from all over it. Raises `SourceError` when it cannot be read.

    The standard library tells, so that the answer does not depend on what else is installed.
    """
    if content.size <= _SMALL:
        return False
    part = content.size // _LAYER_SAMPLES
    with contextlib.closing(content.open()) as reader:
        probe = b"".join(reader.block(number * part + (part - _LAYER_SAMPLE) // 2, _LAYER_SAMPLE) for number in range(_LAYER_SAMPLES))
    return len(zlib.compress(probe, _PROBE_LEVEL)) > _WORTH_IT * len(probe)


def checked(blocks: t.Iterable[bytes], digest: str, where: str, at: t.Callable[[int], None]) -> t.Iterator[bytes]:
    """The same blocks; once they have all gone by, raises `SourceError` when they do not have that digest.

    `at` is told how many have gone by.
    """
    found = hashlib.sha256()
    position = 0
    for block in blocks:
        found.update(block)
        yield block
        position += len(block)
        at(position)
    if f"sha256:{found.hexdigest()}" != digest:
        raise SourceError(
            f"The layer {digest} in {where} is damaged: its content has the digest sha256:{found.hexdigest()}.", "Export the image again."
        )
