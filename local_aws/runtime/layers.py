"""Image layers unpacked on disk, each once, ready to be mounted above one another.

A layer comes from strangers, so nothing in it may touch a file outside its own directory: names are resolved component by component
inside it, links included. Deletions (`.wh.` files of the OCI image specification, "Representing Changes") become what overlayfs
understands: a character device 0/0 for a deleted name, an extended attribute for a directory that hides all below.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import stat
import tarfile
import tempfile
import threading
from pathlib import Path

from local_aws.interfaces import Image

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_NAME_LENGTH = 24
"""Hexadecimal digits of the digest in a directory's name: 127 of them, Docker's limit of layers, still fit into one mount call."""
_MAX_LINKS = 40
"""Symbolic links followed for one name, as in Linux itself."""
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


class LayerError(Exception):
    """A layer that cannot be unpacked; the text says which entry and why."""


def _resolve(root: Path, name: str) -> Path:
    """Where a name of the archive lies below root. The last component is not followed; `..` and absolute links stop at root."""
    todo = [part for part in name.split("/") if part not in ("", ".")]
    current: list[str] = []
    links = 0
    while todo:
        part = todo.pop(0)
        if part == "..":
            if current:
                current.pop()
            continue
        path = root.joinpath(*current, part)
        if todo and path.is_symlink():
            links += 1
            if links > _MAX_LINKS:
                raise LayerError(f"{name}: too many levels of symbolic links")
            target = str(path.readlink())
            if target.startswith("/"):
                current = []
            todo = [piece for piece in target.split("/") if piece not in ("", ".")] + todo
            continue
        if part in (".", "") or "\0" in part:
            raise LayerError(f"{name}: not a file name")
        current.append(part)
    return root.joinpath(*current)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.exists() or path.is_symlink():
        path.unlink()


class _HashingReader(io.RawIOBase):
    """Passes a stream on and remembers its SHA-256."""

    def __init__(self, source: io.BufferedIOBase) -> None:
        self._source = source
        self.hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's WriteableBuffer is not public
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        self.hash.update(data)
        return len(data)


class _Unpacking:
    """One layer on its way into one directory."""

    def __init__(self, root: Path, opaque_attribute: str | None, own: bool) -> None:
        self._root = root
        self._opaque_attribute = opaque_attribute
        self._own = own
        self._directory_modes: list[tuple[Path, int]] = []

    def add(self, archive: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        path = _resolve(self._root, entry.name)
        if path == self._root:
            if entry.isdir():
                self._finish(entry, path)
            return
        self._parents(path.parent)
        if path.name == _OPAQUE:
            self._hide_below(path.parent)
        elif path.name.startswith(_WHITEOUT):
            self._delete(path.with_name(path.name[len(_WHITEOUT) :]), entry.name)
        else:
            self._write(archive, entry, path)

    def _parents(self, directory: Path) -> None:
        missing = []
        while directory != self._root and not directory.is_dir():
            missing.append(directory)
            directory = directory.parent
        for path in reversed(missing):
            _remove(path)
            path.mkdir(0o755)
            path.chmod(0o755)

    def _hide_below(self, directory: Path) -> None:
        if self._opaque_attribute is not None:
            os.setxattr(directory, self._opaque_attribute, b"y")

    def _delete(self, path: Path, name: str) -> None:
        if path.name in ("", ".", ".."):
            raise LayerError(f"{name}: deletes nothing")
        if self._opaque_attribute is not None and not path.is_symlink() and not path.exists():
            os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))

    def _write(self, archive: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> None:
        if not (entry.isdir() and path.is_dir() and not path.is_symlink()):
            _remove(path)
        if entry.isdir():
            path.mkdir(0o700, exist_ok=True)
        elif entry.issym():
            path.symlink_to(entry.linkname)
        elif entry.islnk():
            target = _resolve(self._root, entry.linkname)
            if target.is_dir() or not (target.exists() or target.is_symlink()):
                raise LayerError(f"{entry.name}: hard link to {entry.linkname}, which is no file of this layer")
            os.link(target, path, follow_symlinks=False)
            return
        elif entry.isfile():
            source = archive.extractfile(entry)
            if source is None:
                raise LayerError(f"{entry.name}: has no content")
            with path.open("xb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
        elif entry.isfifo():
            os.mkfifo(path)
        else:
            return  # a device: containers are mounted without any but their own /dev, so it could not be opened
        self._finish(entry, path)

    def _finish(self, entry: tarfile.TarInfo, path: Path) -> None:
        if self._own:
            os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
        if entry.isdir():
            self._directory_modes.append((path, entry.mode))
        elif not entry.issym():
            path.chmod(entry.mode & 0o7777)
        if not entry.isdir():
            os.utime(path, (entry.mtime, entry.mtime), follow_symlinks=False)

    def close(self) -> None:
        """Directory modes come last: a directory that its owner may not write to is to be filled first."""
        for path, mode in reversed(self._directory_modes):
            if path.is_dir() and not path.is_symlink():
                path.chmod(mode & 0o7777 | (0 if self._own else 0o700))


def unpack(blob: Path, root: Path, opaque_attribute: str | None, own: bool) -> str:
    """Unpack one layer blob (tar, or tar in gzip) into an existing, empty directory; returns its `diff_id`.

    `opaque_attribute` names overlayfs's attribute, None where nothing is mounted and deletions are the caller's affair; `own` keeps
    the archive's owners. Raises LayerError.
    """
    with blob.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        if magic == _ZSTD:
            raise LayerError("compressed with zstd, which local_aws does not unpack; push the image with gzip layers")
        plain: io.BufferedIOBase = gzip.GzipFile(fileobj=raw) if magic.startswith(_GZIP) else raw
        reader = _HashingReader(plain)
        buffered = io.BufferedReader(reader, 1 << 20)
        unpacking = _Unpacking(root, opaque_attribute, own)
        try:
            with tarfile.open(fileobj=buffered, mode="r|") as archive:
                for entry in archive:
                    unpacking.add(archive, entry)
            while buffered.read(1 << 20):
                pass
        except (tarfile.TarError, EOFError, gzip.BadGzipFile, OSError) as error:
            raise LayerError(f"not a readable layer: {error}") from error
        unpacking.close()
    return f"sha256:{reader.hash.hexdigest()}"


class LayerStore:
    """Unpacked layers below one directory, by digest. Safe for threads; a layer appears whole or not at all."""

    def __init__(self, directory: Path, opaque_attribute: str, own: bool) -> None:
        self.directory = directory
        self._opaque_attribute = opaque_attribute
        self._own = own
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Lock] = {}
        directory.mkdir(parents=True, exist_ok=True)

    def names(self, image: Image) -> list[str]:
        """Directory names of the image's layers, base first, unpacked now if they were not. Raises LayerError."""
        wanted = image.config.get("rootfs", {}).get("diff_ids", [])
        if len(wanted) != len(image.layers):
            raise LayerError(f"the image configuration lists {len(wanted)} layers, the manifest {len(image.layers)}")
        names: list[str] = []
        for blob, diff_id in zip(image.layers, wanted, strict=True):
            name = self._one(blob, diff_id)
            if name in names:  # overlayfs refuses a directory twice; the upper one decides
                names.remove(name)
            names.append(name)
        return names

    def _one(self, blob: Path, diff_id: str) -> str:
        name = hashlib.sha256(f"{blob.name} {diff_id}".encode()).hexdigest()[:_NAME_LENGTH]
        with self._lock:
            busy = self._busy.setdefault(name, threading.Lock())
        with busy:
            if not (self.directory / name).is_dir():
                temporary = Path(tempfile.mkdtemp(prefix="new-", dir=self.directory))
                temporary.chmod(0o755)
                try:
                    found = unpack(blob, temporary, self._opaque_attribute, self._own)
                    if found != diff_id:
                        raise LayerError(f"layer {blob.name} unpacks to {found}, the image configuration says {diff_id}")
                    temporary.rename(self.directory / name)
                except BaseException:
                    shutil.rmtree(temporary, ignore_errors=True)
                    raise
        return name


def unpack_flat(image: Image, root: Path) -> None:
    """Unpack all layers into one directory, deletions carried out: for running without mounts. Raises LayerError."""
    for blob in image.layers:
        with tempfile.TemporaryDirectory(dir=root.parent) as temporary:
            layer = Path(temporary)
            unpack(blob, layer, None, False)
            _delete_marked(blob, root)
            _merge(layer, root)


def _merge(layer: Path, root: Path) -> None:
    """Move everything in a layer over what is there; only directories are kept, and none through a link."""
    for source in layer.iterdir():
        target = root / source.name
        if source.is_dir() and not source.is_symlink():
            if target.is_symlink() or not target.is_dir():
                _remove(target)
                target.mkdir()
            target.chmod(stat.S_IMODE(source.stat().st_mode))
            _merge(source, target)
        else:
            _remove(target)
            source.rename(target)


def _delete_marked(blob: Path, root: Path) -> None:
    with tarfile.open(blob, "r:*") as archive:
        for entry in archive:
            path = _resolve(root, entry.name)
            if path.name == _OPAQUE:
                if path.parent.is_dir():
                    for child in path.parent.iterdir():
                        _remove(child)
            elif path.name.startswith(_WHITEOUT) and path.name[len(_WHITEOUT) :] not in ("", ".", ".."):
                _remove(path.with_name(path.name[len(_WHITEOUT) :]))
