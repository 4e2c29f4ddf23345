# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry as seen from one repository: the requests of the OCI distribution specification, authorised, counted and tried again."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
import typing as t
import urllib.parse
from dataclasses import dataclass

from .errors import Cancelled, ConnectionBroken, ImageError, ImmutableTagError, RegistryError, SourceError, hint_for, read_complaint
from .manifest import ACCEPT, LARGEST_MANIFEST, Descriptor, Manifest, parse_manifest
from .retry import RETRYABLE, Gate, Pacer, RetryPolicy, retry_after_seconds
from .transport import Answer, Body, Chunks, Connections, Stream, is_loopback

_USER_AGENT = "steadystate.ecs"
# ECR takes 10 PutImage calls a second from a whole account; stay below, others push too.
_MANIFESTS_PER_SECOND = 8.0
# One failure is weather; this many in a row the user should know of.
_FAILURES_WORTH_A_LINE = 3
# While it waits, a worker looks this often (seconds) whether the run is being stopped.
_LOOK = 0.25
# Bytes read at a time of what is small, and of an answer that says no.
_SMALL = 64 * 1024
# Redirects on the way to a blob: ECR has one.
_MOST_HOPS = 5


class Clock(t.Protocol):
    def now(self) -> float: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass
class Counters:
    """What a run cost. Shared by all workers."""

    requests: int = 0
    retries: int = 0
    bytes_sent: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def add(self, requests: int = 0, retries: int = 0, bytes_sent: int = 0) -> None:
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.bytes_sent += bytes_sent


class Registry:
    """One repository of one registry.

    `authorization(stale)` returns the value of the Authorization header, or None; it is asked again, with the value that
    was refused, after a 401. A registry that wants to be asked first gets `challenge` instead: it is called with the
    WWW-Authenticate header of a 401 and returns what to send from then on. All waiting goes through `clock`, so nothing
    here knows real time.
    """

    def __init__(
        self,
        endpoint: str,
        repository: str,
        connections: Connections,
        clock: Clock,
        random: t.Callable[[], float],
        authorization: t.Callable[[str | None], str | None] = lambda stale: None,
        policy: RetryPolicy | None = None,
        challenge: t.Callable[[str], str | None] | None = None,
    ) -> None:
        parts = urllib.parse.urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ImageError(f"{endpoint!r} is not the address of a registry.")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ImageError(f"The registry {endpoint} would be spoken to without TLS.", "That is done on loopback addresses only.")
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.repository = repository
        self.counters = Counters()
        self.notices: queue.SimpleQueue[str] = queue.SimpleQueue()
        """What the user should hear of trouble that is being waited out, one sentence each."""
        self.companions: list[Registry] = []
        """Registries that this one's work reads from: stopped along with it."""
        self.policy = policy or RetryPolicy()
        self.random = random
        self._connections = connections
        self._clock = clock
        self._authorization = authorization
        self._challenge = challenge
        self._header = authorization(None)
        self._header_lock = threading.Lock()
        self._gate = Gate(clock.monotonic)
        self._pacer = Pacer(1.0 / _MANIFESTS_PER_SECOND, clock.monotonic)
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Make every worker stop: at its next block, its next request, or within a quarter of a second of waiting."""
        self._cancelled.set()
        self._connections.abort()
        for companion in self.companions:
            companion.cancel()

    def check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled

    def pause(self, seconds: float) -> None:
        while seconds > 0:
            self.check_cancelled()
            step = min(_LOOK, seconds)
            self._clock.sleep(step)
            seconds -= step
        self.check_cancelled()

    def tag_digest(self, tag: str) -> str | None:
        """The digest that a tag names, None when there is no such tag."""
        answer = self.call("HEAD", f"manifests/{tag}", headers={"Accept": ACCEPT}, needs="docker-content-digest")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self.refusal(answer, f"the tag {tag} could not be looked up")
        digest = answer.headers.get("docker-content-digest")
        if not digest:
            raise RegistryError(f"{self.origin} does not say which digest the tag {tag} names.", 200, "", "It is not an OCI registry.")
        return digest

    def has_manifest(self, digest: str) -> bool:
        answer = self.call("HEAD", f"manifests/{digest}", headers={"Accept": ACCEPT})
        if answer.status not in (200, 404):
            raise self.refusal(answer, f"the manifest {digest} could not be looked up")
        return answer.status == 200

    def manifest_at(self, reference: str) -> Manifest | None:
        """The manifest that a tag or digest names, None when there is none. Its digest is worked out: ECR does not say it."""
        answer = self.call("GET", f"manifests/{reference}", headers={"Accept": ACCEPT})
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self.refusal(answer, f"the manifest {reference} could not be read")
        digest = reference if reference.startswith("sha256:") else "sha256:" + hashlib.sha256(answer.body).hexdigest()
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        return parse_manifest(answer.body, Descriptor(media_type, digest, len(answer.body)))

    def blob_at(self, descriptor: Descriptor) -> bytes:
        """A small blob, checked against its digest. Raises `ImageError` when it is not there or not what it should be."""
        data = b""
        if descriptor.size <= LARGEST_MANIFEST:
            with contextlib.closing(self.open_blob(descriptor.digest)) as stream:
                # A registry may go on for ever; one byte more than promised is enough to know.
                while len(data) <= descriptor.size and (piece := stream.read(_SMALL)):
                    data += piece
        if "sha256:" + hashlib.sha256(data).hexdigest() != descriptor.digest:
            raise SourceError(f"{self.origin}/{self.repository} answers with something else for the blob {descriptor.digest}.")
        return data

    def open_blob(self, digest: str, start: int = 0) -> Stream:
        """A blob from a position on, from wherever the registry says it lies. Tried again while that can help."""
        failures = 0
        while True:
            answer: Answer | None = None
            try:
                stream = self._open_once(f"{self.origin}/v2/{self.repository}/blobs/{digest}", start)
            except ConnectionBroken:
                failures += 1
                if failures >= self.policy.most(None):
                    raise
            else:
                if stream.status == (206 if start else 200):
                    return stream
                with contextlib.closing(stream):
                    answer = Answer(stream.status, stream.headers, stream.read(_SMALL))
                failures += 1
                if failures >= self.policy.most(answer.status) or answer.status not in RETRYABLE:
                    raise self.refusal(answer, f"the blob {digest} could not be read")
            self.wait_after(failures, answer)

    def _open_once(self, url: str, start: int) -> Stream:
        refused = False
        for _hop in range(_MOST_HOPS):
            headers, used = self._dressed(url, {"Range": f"bytes={start}-"} if start else {})
            self.counters.add(requests=1)
            stream = self._connections.stream(url, headers)
            if stream.status in (301, 302, 303, 307, 308) and "location" in stream.headers:
                stream.close()
                url = self.resolve(stream.headers["location"], url)
                continue
            if refused or stream.status not in (401, 403) or not self._can_renew(url, used):
                return stream
            with contextlib.closing(stream):
                answer = Answer(stream.status, stream.headers, stream.read(_SMALL))
            if not token_refused(answer):
                raise self.refusal(answer, "the blob could not be read")
            refused = True
            self._renew(used, answer)
        raise ImageError(f"{self.origin} sends readers of a blob around in circles.")

    def has_blob(self, digest: str, repository: str | None = None) -> bool:
        answer = self.call("HEAD", f"blobs/{digest}", repository=repository)
        # A registry sends nobody away to storage for a blob that it does not have.
        if answer.status in (200, 302, 307):
            return True
        if answer.status == 404 or (repository is not None and answer.status in (401, 403)):
            return False
        raise self.refusal(answer, f"the blob {digest} could not be looked up")

    def blob_length(self, digest: str) -> int | None:
        """How many bytes a blob has that is there. None when the registry does not say."""
        length = self.call("HEAD", f"blobs/{digest}").headers.get("content-length", "")
        return int(length) if length.isdecimal() else None

    def put_manifest(self, manifest: Manifest, reference: str) -> None:
        """Store a manifest under a digest or tag. Raises `ImmutableTagError` when the tag may not be moved."""
        self.pause(self._pacer.turn())
        answer = self.call("PUT", f"manifests/{reference}", headers={"Content-Type": manifest.media_type}, body=manifest.content)
        if answer.status in (200, 201, 202):
            stored = answer.headers.get("docker-content-digest")
            if stored and stored != manifest.digest:
                raise RegistryError(
                    f"{self.origin} stored the manifest {manifest.digest} as {stored}.", answer.status, "", "The registry altered it."
                )
            return
        complaint = read_complaint(answer.body)
        if complaint.code == "TAG_INVALID" and "immutable" in complaint.message.lower():
            raise ImmutableTagError(complaint.message, reference, None, manifest.digest, hint_for(answer.status, complaint))
        raise self.refusal(answer, f"the manifest {reference} was not taken")

    def call(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        repository: str | None = None,
        needs: str = "",
    ) -> Answer:
        """One request of this repository (or another), tried again while that can help; the last answer, good or bad.

        `needs` names the header without which a good answer is worth nothing.
        """
        url = f"{self.origin}/v2/{repository or self.repository}/{path}"
        failures = 0
        while True:
            try:
                answer = self.once(method, url, headers, body)
            except ConnectionBroken:
                failures += 1
                if failures >= self.policy.most(None):
                    raise
                self.wait_after(failures, None)
                continue
            if answer.status not in RETRYABLE and not _cut_short(answer, needs):
                return answer
            failures += 1
            if failures >= self.policy.most(answer.status):
                return answer
            self.wait_after(failures, answer)

    def once(self, method: str, url: str, headers: dict[str, str] | None = None, body: bytes | Body | Chunks | None = None) -> Answer:
        """One request to any address, sent once; a refused token is renewed and, where the body can be sent again, tried again."""
        answer, used = self._send(method, url, headers, body)
        # The answer to HEAD has no words to tell a token that has run out from a permission that is missing.
        ours = self._challenge is None and url.startswith(f"{self.origin}/v2/{self.repository}/")
        unsaid = ours and method == "HEAD" and answer.status == 403
        if (unsaid or token_refused(answer)) and self._can_renew(url, used):
            self._renew(used, answer)
            if body is None or isinstance(body, bytes):
                answer, _used = self._send(method, url, headers, body)
        return answer

    def wait_after(self, failures: int, answer: Answer | None) -> None:
        """Wait before the next try. A 429 makes everybody wait."""
        self.counters.add(retries=1)
        most = self.policy.most(answer.status if answer else None)
        if failures % _FAILURES_WORTH_A_LINE == 0:
            trouble = f"answers HTTP {answer.status} {read_complaint(answer.body).code}".rstrip() if answer else "cannot be reached"
            self.notices.put(f"{self.origin} {trouble}; trying again ({failures} of {most - 1})")
        asked = retry_after_seconds(answer.headers.get("retry-after"), self._clock.now()) if answer else None
        seconds = self.policy.pause(failures, self.random, asked)
        if answer is not None and answer.status == 429:
            self._gate.shut(seconds)
        else:
            self.pause(seconds)

    def resolve(self, location: str, base: str) -> str:
        """The address that a Location header means. Raises `ImageError` for one that would leave TLS."""
        url = urllib.parse.urljoin(base, location)
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ImageError(f"{self.origin} sends uploads to {parts.scheme}://{parts.netloc}, which is not protected by TLS.")
        return url

    def refusal(self, answer: Answer, what: str) -> RegistryError:
        complaint = read_complaint(answer.body)
        said = f"{complaint.code}: {complaint.message}".strip(": ") or "no reason given"
        text = f"{self.origin}/{self.repository}: {what}: HTTP {answer.status}, {said}."
        return RegistryError(text, answer.status, complaint.code, hint_for(answer.status, complaint))

    def _send(self, method: str, url: str, headers: dict[str, str] | None, body: bytes | Body | Chunks | None) -> tuple[Answer, str | None]:
        sent, used = self._dressed(url, headers or {})
        if method in ("POST", "PUT", "PATCH") and "Content-Length" not in sent and not isinstance(body, Chunks):
            sent["Content-Length"] = str(len(body) if isinstance(body, bytes) else 0)
        self.counters.add(requests=1)
        try:
            return self._connections.request(method, url, sent, body), used
        except ConnectionBroken:
            self.check_cancelled()
            raise

    def _dressed(self, url: str, headers: dict[str, str]) -> tuple[dict[str, str], str | None]:
        """The headers of a request that may go now, and the token among them."""
        self.check_cancelled()
        while (closed := self._gate.remaining()) > 0:
            # A little spread, or all workers would knock at the same moment.
            self.pause(closed + self.random() * _LOOK)
        sent = {"User-Agent": _USER_AGENT, **headers}
        # A token is for the registry that gave it, never for the storage that a registry points to.
        used = self._header if url.startswith(self.origin + "/") else None
        if used is not None:
            sent["Authorization"] = used
        return sent, used

    def _can_renew(self, url: str, used: str | None) -> bool:
        return url.startswith(self.origin + "/") and (used is not None or self._challenge is not None)

    def _renew(self, refused: str | None, answer: Answer) -> None:
        with self._header_lock:
            if self._header != refused:
                return
            if self._challenge is not None:
                self._header = self._challenge(answer.headers.get("www-authenticate", ""))
            else:
                self._header = self._authorization(refused)


def _cut_short(answer: Answer, needs: str) -> bool:
    """A good answer that lacks what it must have because its headers broke off: HTTP libraries take the end of a connection for theirs."""
    told_its_length = "content-length" in answer.headers or "transfer-encoding" in answer.headers
    return 200 <= answer.status < 300 and bool(needs) and needs not in answer.headers and not told_its_length


def token_refused(answer: Answer) -> bool:
    """A token that has run out; ECR says so with 403."""
    return answer.status == 401 or (answer.status == 403 and b"token has expired" in answer.body)
