# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes an image of one layer from a folder or a single program. The same files and wishes give the same image, anywhere."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import stat
import tarfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .content import BLOCK
from .draft import Draft, DraftLayer
from .errors import SourceError
from .manifest import Platform

_EPOCH = "1970-01-01T00:00:00Z"
# ELF e_machine, and the byte order where it matters.
_MACHINES = {3: "386", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64", 22: "s390x", 21: "ppc64le", 258: "loong64"}
_END = bytes(2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True)
class Wishes:
    """What the image is to be, beside its files. Names as in an image's configuration."""

    entrypoint: tuple[str, ...] = ()
    """For a single program that program itself, when empty."""
    cmd: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    user: str = ""
    working_dir: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    """`8080/tcp`"""
    stop_signal: str = ""
    target: str = ""
    """Where the files come to lie: a folder's content below it, a program at it. `/`, or `/` and the program's name, when empty."""


class FilesSource:
    """What the made image's layer is read from."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)

    def blob(self, digest: str) -> None:
        """There are no blobs: they are made."""

    def close(self) -> None:
        """Nothing was opened."""


def assemble(path: Path, wishes: Wishes, platform: Platform | None = None) -> Draft:
    """Make the image; without `platform` it is that of its program. Raises `SourceError`."""
    members = _members(path, wishes.target)
    entrypoint = wishes.entrypoint
    if path.is_file() and not entrypoint:
        entrypoint = (f"/{members[-1].name}",)
    program = next((member.file for member in members if entrypoint and f"/{member.name}" == posixpath.normpath(entrypoint[0])), None)
    platform = platform or (_platform_of(program) if program else None)
    if platform is None:
        raise SourceError(
            f"platform: it is not told by {path}, whose entrypoint is no Linux program in it.", "Set platform, for example linux/amd64."
        )

    def blocks() -> t.Iterator[bytes]:
        for member in members:
            yield from member.blocks()
        yield _END

    found = hashlib.sha256()
    size = 0
    for block in blocks():
        found.update(block)
        size += len(block)
    layer = DraftLayer(f"sha256:{found.hexdigest()}", size, blocks, str(path))
    return Draft(_configuration(wishes, entrypoint, platform, layer.diff_id), (layer,), str(path), oci=True)


@dataclass(frozen=True)
class _Member:
    """A file, folder or link of the layer."""

    name: str
    file: Path | None
    mode: int
    kind: bytes
    size: int = 0
    link: str = ""

    def blocks(self) -> t.Iterator[bytes]:
        info = tarfile.TarInfo(self.name)
        info.mode, info.type, info.size, info.linkname = self.mode, self.kind, self.size, self.link
        yield info.tobuf(tarfile.PAX_FORMAT)
        if self.kind != tarfile.REGTYPE or self.file is None:
            return
        left = self.size
        try:
            with self.file.open("rb") as stream:
                while left:
                    data = stream.read(min(left, BLOCK))
                    if not data:
                        raise SourceError(f"{self.file} became shorter while it was read.", "Push it again when nobody writes to it.")
                    left -= len(data)
                    yield data
        except OSError as exc:
            raise SourceError(f"{self.file} cannot be read: {exc.strerror or exc}.") from exc
        if self.size % tarfile.BLOCKSIZE:
            yield bytes(tarfile.BLOCKSIZE - self.size % tarfile.BLOCKSIZE)


def _members(path: Path, target: str) -> list[_Member]:
    """Everything, parents first, in the order of names: not in that of the file system."""
    target = posixpath.normpath("/" + target).lstrip("/")
    try:
        if path.is_dir():
            below = list(_walk(path, target))
            parents = target
        else:
            target = target or path.name
            below = [_member(path.resolve(), target)]
            parents = posixpath.dirname(target)
    except OSError as exc:
        raise SourceError(f"{path} cannot be read: {exc.strerror or exc}.") from exc
    parts = [part for part in parents.split("/") if part]
    above = [_Member("/".join(parts[: number + 1]), None, 0o755, tarfile.DIRTYPE) for number in range(len(parts))]
    if not below:
        raise SourceError(f"{path} is an empty folder; there is nothing to make an image of.")
    return [*above, *below]


def _walk(folder: Path, target: str) -> t.Iterator[_Member]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
    for entry in entries:
        name = posixpath.join(target, entry.name)
        yield _member(Path(entry.path), name)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), name)


def _member(path: Path, name: str) -> _Member:
    about = path.lstat()
    if stat.S_ISLNK(about.st_mode):
        return _Member(name, path, 0o777, tarfile.SYMTYPE, link=str(path.readlink()))
    if stat.S_ISDIR(about.st_mode):
        return _Member(name, path, 0o755, tarfile.DIRTYPE)
    if stat.S_ISREG(about.st_mode):
        return _Member(name, path, 0o755 if about.st_mode & 0o111 else 0o644, tarfile.REGTYPE, about.st_size)
    raise SourceError(f"{path} is neither file, folder nor link; an image cannot hold it.")


def _platform_of(program: Path) -> Platform | None:
    try:
        with program.open("rb") as stream:
            start = stream.read(20)
    except OSError as exc:
        raise SourceError(f"{program} cannot be read: {exc.strerror or exc}.") from exc
    if len(start) < 20 or start[:4] != b"\x7fELF":
        return None
    machine = int.from_bytes(start[18:20], "little" if start[5] == 1 else "big")
    return Platform("linux", _MACHINES[machine]) if machine in _MACHINES else None


def _configuration(wishes: Wishes, entrypoint: t.Sequence[str], platform: Platform, diff_id: str) -> bytes:
    config: dict[str, t.Any] = {
        "Entrypoint": list(entrypoint),
        "Cmd": list(wishes.cmd),
        "Env": [f"{name}={value}" for name, value in sorted(wishes.env.items())],
        "User": wishes.user,
        "WorkingDir": wishes.working_dir,
        "Labels": dict(sorted(wishes.labels.items())),
        "ExposedPorts": {port if "/" in port else f"{port}/tcp": {} for port in sorted(wishes.ports)},
        "StopSignal": wishes.stop_signal,
    }
    document = {
        "created": _EPOCH,
        "architecture": platform.architecture,
        "os": platform.os,
        **({"variant": platform.variant} if platform.variant else {}),
        "config": {name: value for name, value in config.items() if value},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": _EPOCH, "created_by": "steadystate.ecs.ecr_image_push"}],
    }
    return json.dumps(document, separators=(",", ":")).encode()
