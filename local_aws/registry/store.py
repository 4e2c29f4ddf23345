"""Blobs and uploads on disk. Content passes through in blocks and is hashed on the way; nothing is held whole in memory."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

BLOCK_BYTES = 256 * 1024

Reader = Callable[[int], bytes]
"""Returns at most that many bytes, and b"" at the end."""


class DigestMismatch(Exception):
    """The bytes that arrived have another digest than the client named."""

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f"expected {expected}, received {actual}")
        self.expected = expected
        self.actual = actual


class Upload:
    """One upload session. Bytes can only be appended; `lock` is held by whoever does it."""

    def __init__(self, path: Path) -> None:
        self.id = path.name
        self.path = path
        self.size = 0
        self.chunks: list[int] = []
        """Sizes of the chunks that were sent with a range of their own."""
        self.lock = threading.Lock()
        self._hash = hashlib.sha256()
        path.touch()

    def append(self, read: Reader) -> int:
        """Take everything that `read` gives; returns how many bytes. What came before an error of the reader is kept."""
        before = self.size
        with self.path.open("ab") as file:
            while block := read(BLOCK_BYTES):
                file.write(block)
                self._hash.update(block)
                self.size += len(block)
        return self.size - before

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


class BlobStore:
    """Blobs by digest, shared by all repositories; which repository holds which blob is not known here."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._blobs = root / "blobs" / "sha256"
        self._upload_directory = root / "uploads"
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Remove every blob and upload and start with empty directories."""
        with self._lock:
            self._uploads.clear()
            for directory in (self._blobs, self._upload_directory):
                shutil.rmtree(directory, ignore_errors=True)
                directory.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where the blob of that digest lies or would lie."""
        return self._blobs / digest.removeprefix("sha256:")

    def size(self, digest: str) -> int | None:
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, digest: str) -> bytes:
        """The whole content of a small blob such as an image configuration. Raises FileNotFoundError."""
        return self.path(digest).read_bytes()

    def begin(self) -> Upload:
        upload = Upload(self._upload_directory / str(uuid.uuid4()))
        with self._lock:
            self._uploads[upload.id] = upload
        return upload

    def upload(self, upload_id: str) -> Upload | None:
        with self._lock:
            return self._uploads.get(upload_id)

    def cancel(self, upload: Upload) -> None:
        with self._lock:
            self._uploads.pop(upload.id, None)
        upload.path.unlink(missing_ok=True)

    def complete(self, upload: Upload, digest: str) -> None:
        """Turn a finished upload into a blob. The upload is gone afterwards, also when its digest is wrong (`DigestMismatch`)."""
        with self._lock:
            self._uploads.pop(upload.id, None)
        if upload.digest != digest:
            upload.path.unlink(missing_ok=True)
            raise DigestMismatch(digest, upload.digest)
        upload.path.replace(self.path(digest))

    def totals(self) -> tuple[int, int, int]:
        """Number of blobs, their bytes, number of open uploads."""
        sizes = [entry.stat().st_size for entry in os.scandir(self._blobs)] if self._blobs.is_dir() else []
        with self._lock:
            return len(sizes), sum(sizes), len(self._uploads)
