# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings one blob into a repository: mounted from another, or sent in one request, resumed where the registry kept what it got."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import typing as t
import urllib.parse

from .client import Registry, token_refused
from .errors import ConnectionBroken, SourceError, read_complaint
from .layout import BlobFile
from .manifest import Descriptor
from .retry import RETRYABLE
from .transport import Answer

# Bytes handed to the socket at a time: large enough that Python's share of the work vanishes, small enough to stop soon.
BLOCK = 256 * 1024
_SESSION_LOST = frozenset({"BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "RANGE_INVALID", "DIGEST_INVALID", "SIZE_INVALID"})

Outcome = t.Literal["pushed", "resumed", "mounted", "exists"]


class BlobReader:
    """Reads a blob front to back, any part of it more than once, and checks its digest before the last block leaves."""

    def __init__(self, blob: Descriptor, file: BlobFile) -> None:
        self._blob = blob
        self._file = file
        self._hash = hashlib.sha256()
        self._hashed = 0
        self._fd = os.open(file.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))

    def close(self) -> None:
        os.close(self._fd)

    def block(self, position: int, size: int) -> bytes:
        """Up to `size` bytes from `position`. Raises `SourceError` when the content is not what its digest promises."""
        wanted = min(size, self._blob.size - position)
        try:
            data = os.pread(self._fd, wanted, self._file.offset + position)
        except OSError as exc:
            raise SourceError(f"{self._file.path} cannot be read: {exc.strerror or exc}.") from exc
        if not data:
            raise SourceError(f"{self._file.path} ended in the middle of the blob {self._blob.digest}.", "It was changed during the push.")
        end = position + len(data)
        if position <= self._hashed < end:
            self._hash.update(memoryview(data)[self._hashed - position :])
            self._hashed = end
            if end == self._blob.size:
                self._check()
        return data

    def verify_empty(self) -> None:
        if self._blob.size == 0:
            self._check()

    def _check(self) -> None:
        found = "sha256:" + self._hash.hexdigest()
        if found != self._blob.digest:
            raise SourceError(
                f"The blob {self._blob.digest} in {self._file.path} is damaged: its content has the digest {found}.",
                "Export the image again.",
            )


class _Body:
    """The rest of a blob as urllib3 wants it: `read` gives large blocks, whatever size it is asked for."""

    def __init__(self, reader: BlobReader, start: int, size: int, registry: Registry, at: t.Callable[[int], None]) -> None:
        self._reader = reader
        self._position = start
        self._size = size
        self._registry = registry
        self._at = at

    def read(self, size: int = -1) -> bytes:
        # Asked for the next block means that the last one has left.
        self._at(self._position)
        self._registry.check_cancelled()
        if self._position >= self._size:
            return b""
        data = self._reader.block(self._position, max(size, BLOCK))
        self._position += len(data)
        self._registry.counters.add(bytes_sent=len(data))
        return data


class BlobUpload:
    """One blob on its way. `at(position)` is told how far it is; `resume` says whether to ask the registry what it kept."""

    def __init__(self, registry: Registry, blob: Descriptor, file: BlobFile, at: t.Callable[[int], None], resume: bool = True) -> None:
        self._registry = registry
        self._blob = blob
        self._file = file
        self._at = at
        self._resume = resume
        self._location = ""
        self._offset = 0
        self._left = 0
        """How many bytes of the blob, from its start, have left for the registry in the last try or before."""
        self._resumed = False

    def run(self, mount_from: t.Sequence[str] = ()) -> Outcome:
        """Upload or mount. Raises `RegistryError`, `ConnectionBroken` when all tries are used up, or `SourceError`."""
        source = self._mount_source(mount_from)
        failures = 0
        with contextlib.closing(BlobReader(self._blob, self._file)) as reader:
            reader.verify_empty()
            while True:
                if not self._location:
                    self._offset, self._resumed = 0, False
                    if self._open(source):
                        self._at(self._blob.size)
                        return "mounted"
                answer, broken = self._try(reader)
                if answer is not None and answer.status in (200, 201, 204):
                    return self._done()
                failures += 1
                unknown = answer is None or answer.status >= 500
                if unknown and self._left == self._blob.size and self._registry.has_blob(self._blob.digest):
                    # All of it had arrived; only the answer got lost.
                    return self._done()
                if failures >= self._registry.policy.tries or not self._can_retry(answer):
                    raise broken or self._registry.refusal(answer or Answer(0, {}), f"the blob {self._blob.digest} was not taken")
                self._registry.wait_after(failures, answer)
                self._find_place(answer)

    def _done(self) -> Outcome:
        self._at(self._blob.size)
        return "resumed" if self._resumed else "pushed"

    def _mount_source(self, candidates: t.Sequence[str]) -> str | None:
        """The repository to mount from. One candidate is simply tried; of several, the first that has the blob."""
        others = [name for name in candidates if name != self._registry.repository]
        if len(others) <= 1:
            return others[0] if others else None
        return next((name for name in others if self._registry.has_blob(self._blob.digest, name)), None)

    def _open(self, mount_from: str | None) -> bool:
        """Open an upload session. True when there is nothing to send, because the blob was mounted."""
        path = "blobs/uploads/"
        if mount_from is not None:
            path += "?" + urllib.parse.urlencode({"mount": self._blob.digest, "from": mount_from})
        answer = self._registry.call("POST", path)
        if answer.status == 201:
            return True
        if answer.status != 202 or "location" not in answer.headers:
            raise self._registry.refusal(answer, "no upload could be started")
        self._location = self._registry.resolve(answer.headers["location"], self._registry.origin)
        return False

    def _try(self, reader: BlobReader) -> tuple[Answer | None, ConnectionBroken | None]:
        try:
            if self._offset == 0:
                return self._send("PUT", self._finish_url(), reader), None
            if self._offset < self._blob.size:
                answer = self._send("PATCH", self._location, reader)
                # 202 by the specification, 201 by ECR.
                if not 200 <= answer.status < 300:
                    return answer, None
                if "location" in answer.headers:
                    self._location = self._registry.resolve(answer.headers["location"], self._location)
            return self._registry.once("PUT", self._finish_url()), None
        except ConnectionBroken as exc:
            return None, exc

    def _send(self, method: str, url: str, reader: BlobReader) -> Answer:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(self._blob.size - self._offset)}
        if method == "PATCH":
            headers["Content-Range"] = f"{self._offset}-{self._blob.size - 1}"
        return self._registry.once(method, url, headers, _Body(reader, self._offset, self._blob.size, self._registry, self._moved))

    def _moved(self, position: int) -> None:
        self._left = position
        self._at(position)

    def _finish_url(self) -> str:
        joint = "&" if urllib.parse.urlsplit(self._location).query else "?"
        return f"{self._location}{joint}digest={urllib.parse.quote(self._blob.digest, safe='')}"

    def _can_retry(self, answer: Answer | None) -> bool:
        return answer is None or answer.status in RETRYABLE or token_refused(answer) or _session_lost(answer)

    def _find_place(self, answer: Answer | None) -> None:
        """Where to go on: at what the registry kept, or, where that is unknown or gone, from the start in a new session."""
        location, self._location = self._location, ""
        if not self._resume or (answer is not None and (token_refused(answer) or _session_lost(answer))):
            return
        try:
            status = self._registry.once("GET", location)
        except ConnectionBroken:
            return
        kept = kept_bytes(status, self._blob.size)
        if kept:
            self._location = self._registry.resolve(status.headers.get("location", location), location)
            self._offset = kept
            self._resumed = True


def kept_bytes(status: Answer, size: int) -> int:
    """How many bytes an upload session holds, by its answer to GET. 0 when it does not say, or says what cannot be."""
    if status.status not in (200, 204):
        return 0
    found = re.fullmatch(r"(?:bytes=)?0-(\d+)", status.headers.get("range", "").strip())
    # "0-0" means one byte by the letter, and none in what registries do; a byte more is cheaper than a byte less.
    kept = int(found.group(1)) + 1 if found and found.group(1) != "0" else 0
    return kept if kept <= size else 0


def _session_lost(answer: Answer) -> bool:
    complaint = read_complaint(answer.body)
    return (answer.status in (404, 410, 416) and complaint.code != "NAME_UNKNOWN") or complaint.code in _SESSION_LOST
