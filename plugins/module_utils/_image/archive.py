# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tar archives read in place: members are found once, their bytes read by offset. A compressed archive is unpacked into one file."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import importlib
import lzma
import os
import posixpath
import stat
import tarfile
import tempfile
import typing as t
from pathlib import Path

from .content import BlobFile
from .errors import SourceError

_BLOCK = 1024 * 1024
# An archive that grows more than this, and to more than this many bytes, is made to fill the disk.
_MOST_GROWTH = 250
_HARMLESS = 1024**3
# Docker 1.10 to 24 writes a layer that two images share once, and links to it; nobody links to a link twice over.
_MOST_LINKS = 8
# Real archives have a few members a layer. Each takes memory here.
_MOST_MEMBERS = 200_000
# An extended header holds a path and some attributes.
_LONGEST_HEADER = 1024 * 1024
_EXTENDED = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_Unreadable = tarfile.ReadError


class _Header(tarfile.TarInfo):
    """A header that is not believed.

    tarfile holds extended ones in memory whole, and in Pythons older than the summer of 2025 it follows negative sizes back, for
    ever (CVE-2025-8194).
    """

    # The parameter has the name that it has in tarfile, and hides the module here.
    def _proc_member(self, tarfile: tarfile.TarFile) -> tarfile.TarInfo:
        if self.size < 0 or (self.type in _EXTENDED and self.size > _LONGEST_HEADER):
            raise _Unreadable(f"a header says that it has {self.size} bytes")
        member = t.cast("_Header", super()._proc_member(tarfile))  # type: ignore[misc]
        if member.size < 0:
            raise _Unreadable(f"the member {member.name[:100]!r} says that it has {member.size} bytes")
        return member

    def _block(self, count: int) -> int:
        if count < 0:
            raise tarfile.ReadError(f"a member says that it has {count} bytes")
        return t.cast("int", super()._block(count))  # type: ignore[misc]


class Archive:
    """The members of one tar file. `close` removes the file when it was made here."""

    def __init__(self, path: Path, shown: Path, temporary: tempfile.TemporaryDirectory[str] | None = None) -> None:
        self.shown = shown
        self._temporary = temporary
        self._members: dict[str, BlobFile] = {}
        self._links: dict[str, str] = {}
        try:
            with tarfile.open(path, mode="r:", tarinfo=_Header) as archive:
                for member in archive:
                    self._add(path, member)
                    # tarfile keeps every member that it has seen.
                    archive.members = []  # type: ignore[attr-defined]
        except (tarfile.TarError, ValueError, EOFError) as exc:
            raise SourceError(f"{shown} cannot be read as a tar archive: {exc}.", "Export the image again.") from exc
        end = path.stat().st_size
        for name, file in self._members.items():
            if file.offset + file.size > end:
                raise SourceError(f"{shown} is cut off in the middle of {name}.", "Copy or export it again.")

    def find(self, name: str) -> BlobFile | None:
        """A file of the archive by its path, through links that stay inside the archive; None when it is not there."""
        name = posixpath.normpath(name)
        for _step in range(_MOST_LINKS):
            if name in self._members:
                return self._members[name]
            if name not in self._links:
                return None
            name = self._links[name]
        raise SourceError(f"{self.shown} links {name} in a circle.", "Export the image again.")

    def close(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    def _add(self, path: Path, member: tarfile.TarInfo) -> None:
        name = posixpath.normpath(member.name)
        if len(self._members) + len(self._links) >= _MOST_MEMBERS:
            raise SourceError(f"{self.shown} has more than {_MOST_MEMBERS} members; it holds no image.")
        if member.issparse():
            raise SourceError(f"{self.shown} stores {name} as a sparse file, which no exporter of images does.")
        if member.isreg():
            self._members[name] = BlobFile(path, member.offset_data, member.size)
        elif member.issym():
            self._links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
        elif member.islnk():
            self._links[name] = posixpath.normpath(member.linkname)


def open_archive(path: Path, work: Path | None = None) -> Archive:
    """Open a tar file, plain or compressed with gzip, zstd, bzip2 or xz. Raises `SourceError`, or `OSError` for the file itself.

    A compressed one is unpacked into a folder of its own below `work`, the system's for temporary files when None.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise SourceError(f"{path} is no file.", "A pipe or a device cannot be read at any position; write the image to a file first.")
    with path.open("rb") as stream:
        start = stream.read(6)
    unpacker = _unpacker(path, start)
    if unpacker is None:
        return Archive(path, path)
    temporary = tempfile.TemporaryDirectory(prefix="steadystate-image-", dir=work)
    try:
        plain = Path(temporary.name) / "image.tar"
        _unpack(path, unpacker, plain)
        return Archive(plain, path, temporary)
    except BaseException:
        temporary.cleanup()
        raise


def _unpacker(path: Path, start: bytes) -> t.Callable[[], t.Any] | None:
    if start.startswith(b"\x1f\x8b"):
        return lambda: gzip.open(path, "rb")
    if start.startswith(b"BZh"):
        return lambda: bz2.open(path, "rb")
    if start.startswith(b"\xfd7zXZ\x00"):
        return lambda: lzma.open(path, "rb")
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return _zstd_opener(path)
    return None


def _zstd_opener(path: Path) -> t.Callable[[], t.Any]:
    for name in ("compression.zstd", "backports.zstd", "zstandard"):
        with contextlib.suppress(ImportError):
            module = importlib.import_module(name)
            return lambda: module.open(path, "rb")
    raise SourceError(f"{path} is compressed with zstd, which this Python cannot read.", "Install it with: python -m pip install zstandard")


def _unpack(path: Path, unpacker: t.Callable[[], t.Any], target: Path) -> None:
    allowed = max(_HARMLESS, path.stat().st_size * _MOST_GROWTH)
    written = 0
    try:
        with unpacker() as source, target.open("wb") as stream:
            while data := source.read(_BLOCK):
                written += len(data)
                if written > allowed:
                    raise SourceError(f"{path} grows to more than {_MOST_GROWTH} times its size; it is made to fill the disk.")
                stream.write(data)
    except SourceError:
        raise
    except OSError as exc:
        # The libraries raise OSError for damaged data too; one with a number came from the disk.
        if exc.errno is not None:
            room = os.statvfs(target.parent)
            raise SourceError(
                f"{path} cannot be unpacked to {target.parent}: {exc.strerror}.",
                f"There are {room.f_bavail * room.f_frsize // 1_000_000} MB free; set TMPDIR to a larger place, or uncompress it first.",
            ) from exc
        raise SourceError(f"{path} is damaged: {exc}.", "Copy or export it again.") from exc
    except Exception as exc:
        # EOFError, zlib.error, LZMAError and ZstdError have no common base.
        raise SourceError(f"{path} is damaged: {exc}.", "Copy or export it again.") from exc
