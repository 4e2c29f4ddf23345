# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry on a real socket, with the quirks of Amazon ECR and faults that can be ordered."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_UNKNOWN = 1 << 62
_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass
class Quirks:
    """How this registry differs from the letter of the specification. The defaults are a plain OCI registry."""

    token: str | None = None
    """The only Authorization header that is let in."""
    patch_status: int = 202
    sticky_range: bool = False
    """The Range header stays at the end of the first part (ECR)."""
    status_known: bool = True
    """GET of an upload session is answered."""
    retains_broken: bool = True
    """What arrived of a broken upload is kept, and the session goes on after it only."""
    mounting: bool = True
    mounts_unreferenced: bool = True
    missing_repository: str = "404"
    """`404`, or `drop`: the connection is closed without an answer."""
    content_digest_on_get: bool = True
    converts: bool = False
    """A manifest whose type is not among the accepted ones is answered in another format, thus with another digest."""
    immutable: bool = False
    """A tag that exists is never taken again, not even for the same image (ECR)."""
    absolute_location: bool = False
    manifest_rate: int = 0
    """Manifests taken before one 429 is given; 0 is no limit."""
    redirects_blobs: bool = False
    storage: str = ""
    """Where to, up to the digest."""
    referrers: bool = False
    """Whether what refers to a manifest is listed."""


@dataclass
class Fault:
    """What happens to the requests that match and have `size` bytes at least, `times` times (-1: always), after the first `after`."""

    method: str
    path: str
    """Regular expression, searched for in path and query."""
    act: str
    """`answer` (body read first), `early` (answer at once and close), `drop` (close without a word), `reset` after `size` bytes,
    `stall` after them, `cut` (break the answer off after them), or `mute` (do what was asked, then close without a word)."""
    times: int = 1
    after: int = 0
    status: int = 500
    code: str = ""
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    size: int = 0


@dataclass
class _Session:
    repository: str
    data: bytearray = field(default_factory=bytearray)
    first_part: int = 0


class FakeRegistry:
    def __init__(self, *repositories: str) -> None:
        self.quirks = Quirks()
        self.faults: list[Fault] = []
        self.repositories = set(repositories)
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.tags: dict[tuple[str, str], str] = {}
        self.sessions: dict[str, _Session] = {}
        self.log: list[str] = []
        """`METHOD path`, in the order in which requests came."""
        self.authorizations: list[str | None] = []
        self.ranges: list[str] = []
        self.received = 0
        self.most_at_once = 0
        self.on_request: Callable[[str], None] = lambda line: None
        self.released = threading.Event()
        """Ends every stall."""
        self._uploading = 0
        self._taken = 0
        self.lock = threading.Lock()
        registry = self

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Broken connections are this server's trade; they need no traceback."""

        class Handler(_Handler):
            fake = registry

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def requests(self, pattern: str) -> list[str]:
        return [line for line in self.log if re.search(pattern, line)]

    def take_fault(self, method: str, target: str, length: int) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if (
                    fault.method == method
                    and fault.times != 0
                    and (length >= fault.size or fault.act == "cut")
                    and re.search(fault.path, target)
                ):
                    if fault.after > 0:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None

    def allows_manifest(self) -> bool:
        with self.lock:
            self._taken += 1
            return not self.quirks.manifest_rate or self._taken % (self.quirks.manifest_rate + 1) != 0

    def gather(self, count: int) -> None:
        """Hold uploads until so many are there, and a moment longer for one that should not come."""
        gathered = threading.Event()
        arrived = itertools.count(1)

        def hold(line: str) -> None:
            if re.match("PUT .*/uploads/", line) and not gathered.is_set():
                if next(arrived) == count:
                    time.sleep(0.05)
                    gathered.set()
                elif not gathered.wait(10):
                    raise TimeoutError(f"{count} uploads never came together")

        self.on_request = hold

    def uploading(self, change: int) -> None:
        with self.lock:
            self._uploading += change
            self.most_at_once = max(self.most_at_once, self._uploading)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeRegistry

    def log_message(self, *args: Any) -> None:
        """Tests read `FakeRegistry.log`."""

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        sends = self.command in ("PUT", "PATCH") and "/uploads/" in self.path
        self.fake.uploading(sends)
        try:
            self._serve_counted()
        finally:
            self.fake.uploading(-sends)

    def _serve_counted(self) -> None:
        fake = self.fake
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        self.unread = _UNKNOWN if chunked else int(self.headers.get("Content-Length") or 0)
        self.chunk = 0 if chunked else None
        with fake.lock:
            fake.log.append(f"{self.command} {self.path}")
            fake.authorizations.append(self.headers.get("Authorization"))
        fake.on_request(f"{self.command} {self.path}")
        self.fault = fake.take_fault(self.command, self.path, self.unread)
        if self.fault is not None and not self._play(self.fault):
            return
        if fake.quirks.token is not None and self.headers.get("Authorization") != fake.quirks.token:
            self._drain()
            self._answer(401, {"WWW-Authenticate": 'Basic realm="fake"'}, code="UNAUTHORIZED", message="Not Authorized")
            return
        parts = urlsplit(self.path)
        self.query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        for pattern, serve in (
            (r"/v2/(.+)/blobs/uploads/", self._start),
            (r"/v2/(.+)/blobs/uploads/([^/]+)", self._session),
            (r"/v2/(.+)/blobs/([^/]+)", self._blob),
            (r"/v2/(.+)/manifests/([^/]+)", self._manifest),
            (r"/v2/(.+)/referrers/([^/]+)", self._referrers),
        ):
            found = re.fullmatch(pattern, parts.path)
            if found:
                if found.group(1) not in fake.repositories:
                    self._no_repository(found.group(1))
                else:
                    serve(*found.groups())
                return
        self._answer(404, code="UNSUPPORTED", message="no such endpoint")

    def _play(self, fault: Fault) -> bool:
        """Act a fault out. True when the request goes on as usual."""
        if fault.act == "answer":
            self._drain()
            self._answer(fault.status, fault.headers, code=fault.code, message=fault.message)
            return False
        if fault.act == "early":
            self.close_connection = True
            self._answer(fault.status, {**fault.headers, "Connection": "close"}, code=fault.code, message=fault.message)
            return False
        if fault.act == "drop":
            self._reset()
            return False
        return True

    def _no_repository(self, name: str) -> None:
        if self.fake.quirks.missing_repository == "drop":
            self._reset()
            return
        self._drain()
        message = f"The repository with name '{name}' does not exist in the registry with id '123456789012'"
        self._answer(404, code="NAME_UNKNOWN", message=message)

    def _start(self, repository: str) -> None:
        fake = self.fake
        self._drain()
        if self.command != "POST":
            self._answer(405, code="UNSUPPORTED")
            return
        digest, source = self.query.get("mount", ""), self.query.get("from", "")
        if digest and fake.quirks.mounting and (source, digest) in fake.blobs and self._mountable(source, digest):
            with fake.lock:
                fake.blobs[repository, digest] = fake.blobs[source, digest]
            self._answer(201, {"Docker-Content-Digest": digest, "Location": f"/v2/{repository}/blobs/{digest}"})
            return
        name = uuid.uuid4().hex
        with fake.lock:
            fake.sessions[name] = _Session(repository)
        self._answer(202, {"Location": self._location(repository, name), "Range": "0-0"})

    def _mountable(self, repository: str, digest: str) -> bool:
        if self.fake.quirks.mounts_unreferenced:
            return True
        return any(digest.encode() in body for (name, _digest), (_type, body) in self.fake.manifests.items() if name == repository)

    def _location(self, repository: str, name: str) -> str:
        path = f"/v2/{repository}/blobs/uploads/{name}?_state=opaque%2F{len(self.fake.sessions[name].data)}"
        return self.fake.endpoint + path if self.fake.quirks.absolute_location else path

    def _session(self, repository: str, name: str) -> None:
        fake = self.fake
        session = fake.sessions.get(name)
        if session is None or session.repository != repository:
            self._drain()
            self._answer(404, code="BLOB_UPLOAD_UNKNOWN", message="blob upload unknown to registry")
        elif "_state" not in self.query:
            self._drain()
            self._answer(400, code="BLOB_UPLOAD_INVALID", message="the query of Location was not kept")
        elif self.command == "GET":
            if fake.quirks.status_known:
                self._answer(204, {"Location": self._location(repository, name), "Range": self._range(session)})
            else:
                self._answer(404, code="BLOB_UPLOAD_UNKNOWN")
        elif self.command == "PATCH":
            if self._append(session):
                session.first_part = session.first_part or len(session.data)
                self._answer(fake.quirks.patch_status, {"Location": self._location(repository, name), "Range": self._range(session)})
        elif self.command == "PUT":
            if self._append(session):
                self._finish(repository, name, session)
        else:
            self._answer(405, code="UNSUPPORTED")

    def _range(self, session: _Session) -> str:
        end = session.first_part if self.fake.quirks.sticky_range and session.first_part else len(session.data)
        return f"0-{max(0, end - 1)}"

    def _append(self, session: _Session) -> bool:
        """Add the request's body to the session. False when the request has been answered or broken off."""
        if not self.unread:
            return True
        streamed = self.command == "PATCH" and "Content-Range" not in self.headers
        first = len(session.data) if streamed else int(self.headers.get("Content-Range", "0-0").partition("-")[0])
        if first != len(session.data):
            self._drain()
            message = f"First byte of the layer part is {first} instead of {len(session.data)}"
            self._answer(416, code="BLOB_UPLOAD_INVALID", message=message)
            return False
        data = self._receive()
        if data is not None or self.fake.quirks.retains_broken:
            session.data += self.kept
        if data is None:
            # Only now, so that whoever asks after the break is told of all that was kept.
            self._reset()
        return data is not None

    def _receive(self) -> bytes | None:
        """The request's body; None when the connection broke or is to be broken, by a `reset` or after a `stall`."""
        self.kept = bytearray()
        fault = self.fault if self.fault and self.fault.act in ("reset", "stall") else None
        while self.unread or fault:
            limit = min(self.unread, 65536)
            if fault is not None:
                limit = min(limit, fault.size - len(self.kept))
                if limit <= 0:
                    if fault.act == "stall":
                        self.fake.released.wait(20)
                    return None
            try:
                data = self._some(limit)
            except OSError:
                data = b""
            if not data and not self.unread and not fault:
                break
            if not data:
                return None
            self.kept += data
        return bytes(self.kept)

    def _some(self, limit: int) -> bytes:
        """Some bytes of the body, of at most `limit`; `b""` at its end, or when there are no more though there should be."""
        if self.chunk == 0:
            self.chunk = int(self.rfile.readline().strip() or b"0", 16)
            if self.chunk == 0:
                self.rfile.readline()
                self.unread = 0
                return b""
        data: bytes = self.rfile.read1(limit if self.chunk is None else min(limit, self.chunk))
        self.unread -= len(data)
        if self.chunk is not None:
            self.chunk -= len(data)
            if self.chunk == 0:
                self.rfile.readline()
        with self.fake.lock:
            self.fake.received += len(data)
        return data

    def _finish(self, repository: str, name: str, session: _Session) -> None:
        digest = self.query.get("digest", "")
        found = "sha256:" + hashlib.sha256(session.data).hexdigest()
        if found != digest:
            self._answer(400, code="DIGEST_INVALID", message=f"provided digest {digest} did not match {found}")
            return
        with self.fake.lock:
            self.fake.blobs[repository, digest] = bytes(session.data)
            del self.fake.sessions[name]
        self._answer(201, {"Docker-Content-Digest": digest, "Location": f"/v2/{repository}/blobs/{digest}"})

    def _blob(self, repository: str, digest: str) -> None:
        data = self.fake.blobs.get((repository, digest))
        storage = self.fake.quirks.storage
        if data is None:
            self._answer(404, code="BLOB_UNKNOWN")
        elif self.fake.quirks.redirects_blobs:
            self._answer(307, {"Location": f"{storage}{digest}" if storage else "https://storage.invalid/blob?signature=x"})
        elif found := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            self.fake.ranges.append(found.group(1))
            self._answer(206, body=data[int(found.group(1)) :])
        else:
            self._answer(200, {"Docker-Content-Digest": digest}, body=data)

    def _manifest(self, repository: str, reference: str) -> None:
        if self.command == "PUT":
            self._put_manifest(repository, reference)
            return
        digest = reference if reference.startswith("sha256:") else self.fake.tags.get((repository, reference), "")
        found = self.fake.manifests.get((repository, digest))
        if found is None:
            self._answer(404, code="MANIFEST_UNKNOWN")
            return
        media_type, body = found
        if self.fake.quirks.converts and media_type not in self.headers.get("Accept", ""):
            media_type, digest = _DOCKER_MANIFEST, "sha256:" + "c" * 64
        headers = {"Content-Type": media_type}
        if self.command == "HEAD" or self.fake.quirks.content_digest_on_get:
            headers["Docker-Content-Digest"] = digest
        self._answer(200, headers, body=body)

    def _referrers(self, repository: str, digest: str) -> None:
        if not self.fake.quirks.referrers:
            self._answer(404, code="UNSUPPORTED")
            return
        entries = [
            {"mediaType": media_type, "digest": name, "size": len(body)}
            for (place, name), (media_type, body) in self.fake.manifests.items()
            if place == repository and (json.loads(body).get("subject") or {}).get("digest") == digest
        ]
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}
        self._answer(200, body=json.dumps(index).encode())

    def _put_manifest(self, repository: str, reference: str) -> None:
        fake = self.fake
        body = self._receive() or b""
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        if not fake.allows_manifest():
            self._answer(429, code="TOOMANYREQUESTS", message="Rate exceeded")
            return
        data = json.loads(body)
        media_type = self.headers["Content-Type"]
        if data.get("mediaType", media_type) != media_type:
            self._answer(400, code="MANIFEST_INVALID", message="Content-Type is not the manifest's mediaType")
            return
        for entry in data.get("manifests", []):
            if (repository, entry["digest"]) not in fake.manifests:
                self._answer(404, code="MANIFEST_BLOB_UNKNOWN", message=f"unknown manifest {entry['digest']}")
                return
        for entry in [data["config"], *data["layers"]] if "config" in data else []:
            if (repository, entry["digest"]) not in fake.blobs and not entry.get("urls"):
                self._answer(404, code="BLOB_UNKNOWN", message=f"unknown blob {entry['digest']}")
                return
        with fake.lock:
            if not reference.startswith("sha256:"):
                if fake.quirks.immutable and (repository, reference) in fake.tags:
                    message = (
                        f"The image tag '{reference}' already exists in the '{repository}' repository "
                        "and cannot be overwritten because the repository is immutable."
                    )
                    self._answer(400, code="TAG_INVALID", message=message)
                    return
                fake.tags[repository, reference] = digest
            fake.manifests[repository, digest] = (media_type, body)
        self._answer(201, {"Docker-Content-Digest": digest})

    def _drain(self) -> None:
        while self.unread and self._some(65536):
            pass

    def _reset(self) -> None:
        self.close_connection = True
        # Lingering for no time makes close() send RST.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.wfile = _Nowhere()
        self.rfile = _Nowhere()

    def _answer(self, status: int, headers: dict[str, str] | None = None, code: str = "", message: str = "", body: bytes = b"") -> None:
        if self.fault is not None and self.fault.act == "mute":
            self._reset()
            return
        if code:
            body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.fault is not None and self.fault.act == "cut":
            self.close_connection = True
            body = body[: self.fault.size]
        if self.command != "HEAD":
            self.wfile.write(body)


class _Nowhere:
    """Stands in for the streams of a connection that is gone."""

    closed = True

    def write(self, data: bytes) -> int:
        return len(data)

    def read1(self, size: int) -> bytes:
        return b""

    def readline(self, size: int = -1) -> bytes:
        return b""

    def flush(self) -> None: ...

    def close(self) -> None: ...


class FakeClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.time += seconds
        # Let go of the processor, or a waiting worker would starve the one it waits for.
        time.sleep(0)
