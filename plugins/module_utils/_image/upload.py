# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings one blob into a repository: mounted from another, or sent in one request, resumed where the registry kept what it got."""

from __future__ import annotations

import contextlib
import re
import typing as t
import urllib.parse

from .client import Registry, token_refused
from .content import BLOCK, Content, Reader, digest_of
from .errors import ConnectionBroken, SourceError, read_complaint
from .manifest import Descriptor
from .retry import RETRYABLE
from .transport import Answer

# A blob up to this many bytes is hashed before it is sent: it costs nothing, and saves the sending of what is damaged.
_SMALL = 1024 * 1024
# ECR says BLOB_UPLOAD_INVALID for more than one thing; looking at the source can do no harm.
_DIGEST_REFUSED = frozenset({"DIGEST_INVALID", "BLOB_UPLOAD_INVALID", "SIZE_INVALID"})
_SESSION_LOST = frozenset({"BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "RANGE_INVALID", "DIGEST_INVALID", "SIZE_INVALID"})

Outcome = t.Literal["pushed", "resumed", "mounted", "exists"]


class _Body:
    """The rest of a blob as urllib3 wants it: `read` gives large blocks, whatever size it is asked for."""

    def __init__(
        self, blob: Descriptor, content: Content, reader: Reader, start: int, registry: Registry, at: t.Callable[[int], None]
    ) -> None:
        self._blob = blob
        self._content = content
        self._reader = reader
        self._position = start
        self._registry = registry
        self._at = at

    def read(self, size: int = -1) -> bytes:
        # Asked for the next block means that the last one has left.
        self._at(self._position)
        self._registry.check_cancelled()
        if self._position >= self._blob.size:
            return b""
        data = self._reader.block(self._position, max(size, BLOCK))
        if not data:
            raise SourceError(
                f"{self._content.where} ended in the middle of the blob {self._blob.digest}.", "It was changed during the push."
            )
        self._position += len(data)
        self._registry.counters.add(bytes_sent=len(data))
        return data


class BlobUpload:
    """One blob on its way. `at(position)` is told how far it is; `resume` says whether to ask the registry what it kept.

    The digest is checked by the registry, as the specification has it, while the bytes stream in: hashing them here as well
    would cost more than TLS on a processor without SHA instructions. When it says no, the source is hashed, to know whether
    that is damaged, which no second try repairs, or the way was.
    """

    def __init__(self, registry: Registry, blob: Descriptor, content: Content, at: t.Callable[[int], None], resume: bool = True) -> None:
        self._registry = registry
        self._blob = blob
        self._content = content
        self._at = at
        self._resume = resume
        self._location = ""
        self._offset = 0
        self._left = 0
        """How many bytes of the blob, from its start, have left for the registry in the last try or before."""
        self._resumed = False
        self._checked = False

    def run(self, mount_from: t.Sequence[str] = ()) -> Outcome:
        """Upload or mount. Raises `RegistryError`, `ConnectionBroken` when all tries are used up, or `SourceError`."""
        source = self._mount_source(mount_from)
        failures = 0
        if self._blob.size <= _SMALL:
            self._check_source()
        with contextlib.closing(self._content.open()) as reader:
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
                if answer is not None and read_complaint(answer.body).code in _DIGEST_REFUSED:
                    self._check_source()
                unknown = answer is None or answer.status >= 500
                if unknown and self._left == self._blob.size and self._registry.has_blob(self._blob.digest):
                    # All of it had arrived; only the answer got lost.
                    return self._done()
                if failures >= self._registry.policy.most(answer.status if answer else None) or not can_retry(answer):
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
        self._location = open_session(self._registry, path)
        return not self._location

    def _check_source(self) -> None:
        """Raises `SourceError` when the source's content is not what its digest promises. Read once, however often it is asked."""
        if self._checked:
            return
        found = digest_of(self._content)
        if found != self._blob.digest:
            raise SourceError(
                f"The blob {self._blob.digest} in {self._content.where} is damaged: its content has the digest {found}.",
                "Export the image again.",
            )
        self._checked = True

    def _try(self, reader: Reader) -> tuple[Answer | None, ConnectionBroken | None]:
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

    def _send(self, method: str, url: str, reader: Reader) -> Answer:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(self._blob.size - self._offset)}
        if method == "PATCH":
            headers["Content-Range"] = f"{self._offset}-{self._blob.size - 1}"
        body = _Body(self._blob, self._content, reader, self._offset, self._registry, self._moved)
        return self._registry.once(method, url, headers, body)

    def _moved(self, position: int) -> None:
        self._left = position
        self._at(position)

    def _finish_url(self) -> str:
        return finish_url(self._location, self._blob.digest)

    def _find_place(self, answer: Answer | None) -> None:
        """Where to go on: at what the registry kept, or, where that is unknown or gone, from the start in a new session."""
        location, self._location = self._location, ""
        place = ask_place(self._registry, location, answer, self._blob.size) if self._resume else None
        # A session that took nothing of the last try hangs somewhere: a new one is the way out.
        if place is not None and (place.offset > self._offset or place.offset == self._blob.size):
            self._location, self._offset = place.location, place.offset
            self._resumed = True


def open_session(registry: Registry, path: str = "blobs/uploads/") -> str:
    """Open an upload session: its address. Empty when there is nothing to send, because the blob was mounted."""
    answer = registry.call("POST", path, needs="location")
    if answer.status == 201:
        return ""
    if answer.status != 202 or "location" not in answer.headers:
        raise registry.refusal(answer, "no upload could be started")
    return registry.resolve(answer.headers["location"], registry.origin)


def finish_url(location: str, digest: str) -> str:
    joint = "&" if urllib.parse.urlsplit(location).query else "?"
    return f"{location}{joint}digest={urllib.parse.quote(digest, safe='')}"


def can_retry(answer: Answer | None) -> bool:
    """Whether another try can help after this answer, or after none."""
    return answer is None or answer.status in RETRYABLE or token_refused(answer) or session_lost(answer)


class Place(t.NamedTuple):
    """Where an upload session goes on."""

    location: str
    offset: int


def ask_place(registry: Registry, location: str, answer: Answer | None, size: int) -> Place | None:
    """Where a session that broke after `answer` goes on, by the registry's word; None to start again in a new one."""
    if answer is not None and (token_refused(answer) or session_lost(answer)):
        return None
    try:
        status = registry.once("GET", location)
    except ConnectionBroken:
        return None
    kept = kept_bytes(status, size)
    return Place(registry.resolve(status.headers.get("location", location), location), kept) if kept else None


def kept_bytes(status: Answer, size: int) -> int:
    """How many bytes an upload session holds, by its answer to GET. 0 when it does not say, or says what cannot be."""
    if status.status not in (200, 204):
        return 0
    found = re.fullmatch(r"(?:bytes=)?0-(\d+)", status.headers.get("range", "").strip())
    # "0-0" means one byte by the letter, and none in what registries do; a byte more is cheaper than a byte less.
    kept = int(found.group(1)) + 1 if found and found.group(1) != "0" else 0
    return kept if kept <= size else 0


def session_lost(answer: Answer) -> bool:
    """Whether the answer says that its upload session is of no more use."""
    complaint = read_complaint(answer.body)
    return (answer.status in (404, 410, 416) and complaint.code != "NAME_UNKNOWN") or complaint.code in _SESSION_LOST
