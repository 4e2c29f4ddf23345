"""The OCI distribution API (specification 1.1) under /v2/ as a WSGI application, with the answers that Amazon ECR gives."""

from __future__ import annotations

import errno
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote

from local_aws.interfaces import JsonObject
from local_aws.registry.manifests import (
    DOCKER_MANIFEST,
    MAXIMUM_MANIFEST_BYTES,
    OCI_INDEX,
    OCI_MANIFEST,
    InvalidManifest,
    UnsupportedManifest,
    as_docker,
    parse_manifest,
)
from local_aws.registry.names import DIGEST, REPOSITORY, TAG, ecr_account_and_region, is_digest, is_tag
from local_aws.registry.quirks import Quirks
from local_aws.registry.repositories import ImageUnknown, ReferencesMissing, Repositories, RepositoryUnknown, TagIsImmutable
from local_aws.registry.settings import AccountSettings
from local_aws.registry.store import BLOCK_BYTES, BlobStore, DigestMismatch, Upload
from local_aws.registry.tokens import ExpiredToken, InvalidToken, Principal, Tokens

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]

SIGNED_DOWNLOAD_SECONDS = 3600
"""How long a layer's download URL works (GetDownloadUrlForLayer)."""

_REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content", 307: "Temporary Redirect", 400: "Bad Request",
    401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large",
    416: "Range Not Satisfiable", 429: "Too Many Requests", 500: "Internal Server Error",
}  # fmt: skip


class Refusal(Exception):
    """An error answer: HTTP status, error code of the specification, and a message for people."""

    def __init__(self, status: int, code: str, message: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = list(headers)


class HangUp(Exception):
    """The connection is to be closed without an answer."""


class Answer:
    def __init__(self, status: int, headers: Iterable[tuple[str, str]] = (), body: bytes | Iterator[bytes] = b"") -> None:
        self.status = status
        self.headers = list(headers)
        self.body = body


class Request:
    """What the handlers need of a WSGI environment."""

    def __init__(self, environ: Environ) -> None:
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        self.query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).items()}
        self.host: str = environ.get("HTTP_HOST", "")
        self.authorization: str | None = environ.get("HTTP_AUTHORIZATION")
        self.content_type: str | None = environ.get("CONTENT_TYPE") or None
        self.content_range: str | None = environ.get("HTTP_CONTENT_RANGE")
        self.range: str | None = environ.get("HTTP_RANGE")
        self.accept: str = environ.get("HTTP_ACCEPT", "")
        self.principal = Principal("", "")
        self.access_key = ""
        self.actions: list[tuple[str, JsonObject]] = []
        """What AWS would want permission for, to answer this request."""
        self._input = environ["wsgi.input"]
        length = environ.get("CONTENT_LENGTH")
        self._chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        self._left = 0 if self._chunked or not length else int(length)

    @property
    def has_body(self) -> bool:
        return self._chunked or self._left > 0

    def read(self, size: int) -> bytes:
        """The next block of the body, b"" at its end. Raises ConnectionError when the client breaks off before that."""
        if self._chunked:
            try:
                return bytes(self._input.read(size))
            except (ValueError, OSError) as error:
                raise ConnectionError("the request body broke off") from error
        if self._left == 0:
            return b""
        block: bytes = self._input.read(min(size, self._left))
        if not block:
            raise ConnectionError(f"the request body broke off {self._left} bytes before its end")
        self._left -= len(block)
        return block

    def drain(self) -> None:
        """Read what the handler left, so that the next request on the connection starts where it should."""
        try:
            while self.read(BLOCK_BYTES):
                pass
        except ConnectionError:
            self._left = 0


Handler = Callable[..., Answer]
Record = Callable[[Principal, str, str, JsonObject, int], None]
"""Writes down a request: whose registry, the access key, the action of ECR, its parameters, the HTTP status."""


def _not_recorded(principal: Principal, access_key: str, action: str, params: JsonObject, status: int) -> None:
    """For a registry that stands alone."""


_NAME = rf"(?P<name>{REPOSITORY})"
_ROUTES: list[tuple[re.Pattern[str], dict[str, str]]] = [
    (re.compile(r"/v2/?"), {"GET": "_ping", "HEAD": "_ping"}),
    (re.compile(rf"/v2/{_NAME}/blobs/uploads/?"), {"POST": "_begin_upload"}),
    (
        re.compile(rf"/v2/{_NAME}/blobs/uploads/(?P<upload_id>[0-9a-f-]{{36}})"),
        {"PATCH": "_append", "PUT": "_complete_upload", "GET": "_upload_status", "DELETE": "_cancel_upload"},
    ),
    (re.compile(rf"/v2/{_NAME}/blobs/(?P<digest>[^/]+)"), {"GET": "_blob", "HEAD": "_blob"}),
    (
        re.compile(rf"/v2/{_NAME}/manifests/(?P<selector>[^/]+)"),
        {"GET": "_manifest", "HEAD": "_manifest", "PUT": "_put_manifest", "DELETE": "_delete_manifest"},
    ),
    (re.compile(rf"/v2/{_NAME}/tags/list"), {"GET": "_tags"}),
    (re.compile(rf"/v2/{_NAME}/referrers/(?P<digest>[^/]+)"), {"GET": "_referrers"}),
]
_ACTIONS = {
    "_begin_upload": "InitiateLayerUpload",
    "_append": "UploadLayerPart",
    "_upload_status": "UploadLayerPart",
    "_cancel_upload": "UploadLayerPart",
    "_complete_upload": "CompleteLayerUpload",
    "_manifest": "BatchGetImage",
    "_put_manifest": "PutImage",
    "_delete_manifest": "BatchDeleteImage",
    "_tags": "ListImages",
    "_referrers": "ListImageReferrers",
}
"""The action of ECR whose permission each request needs; a blob's depends on the method (ECR user guide, required-iam-permissions)."""
_SIGNED = re.compile(rf"/v2/_layers/(?P<digest>{DIGEST})")


class RegistryApp:
    """Called by the HTTP server for every path below /v2/."""

    def __init__(
        self,
        store: BlobStore,
        repositories: Repositories,
        tokens: Tokens,
        settings: AccountSettings,
        quirks: Quirks,
        now: Callable[[], datetime],
        record: Record = _not_recorded,
    ) -> None:
        self._record = record
        self._store = store
        self._repositories = repositories
        self._tokens = tokens
        self._settings = settings
        self._quirks = quirks
        self._now = now
        self._put_lock = threading.Lock()
        self._put_rate: float | None = None
        self._put_allowance = 0.0
        self._put_checked = time.monotonic()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        try:
            answer = self._answer(request)
        except Refusal as refusal:
            answer = self._refused(refusal)
        except RepositoryUnknown as error:
            answer = self._refused(Refusal(404, "NAME_UNKNOWN", str(error)))
        except ImageUnknown as error:
            answer = self._refused(Refusal(404, "MANIFEST_UNKNOWN", str(error)))
        except HangUp as error:
            # cheroot closes a connection without a word for a socket error of this kind.
            raise ConnectionResetError(errno.ECONNRESET, "the registry hangs up") from error
        except ConnectionError as error:
            answer = self._refused(Refusal(400, "BLOB_UPLOAD_INVALID", str(error)))
        request.drain()
        for action, params in request.actions:
            self._record(request.principal, request.access_key, action, params, answer.status)
        body = answer.body
        headers = [("Docker-Distribution-Api-Version", "registry/2.0"), *answer.headers]
        if isinstance(body, bytes):
            if not any(name == "Content-Length" for name, _ in headers):
                headers.append(("Content-Length", str(len(body))))
            body = iter([body] if body and request.method != "HEAD" else [])
        start_response(f"{answer.status} {_REASONS[answer.status]}", headers)
        return body

    @staticmethod
    def _refused(refusal: Refusal) -> Answer:
        body = json.dumps({"errors": [{"code": refusal.code, "message": refusal.message}]}).encode()
        return Answer(refusal.status, [("Content-Type", "application/json; charset=utf-8"), *refusal.headers], body)

    def _answer(self, request: Request) -> Answer:
        signed = _SIGNED.fullmatch(request.path)
        if signed:
            return self._signed_download(request, signed["digest"])
        request.principal = self._authenticate(request)
        for pattern, methods in _ROUTES:
            match = pattern.fullmatch(request.path)
            if match is None:
                continue
            if request.method not in methods:
                break
            name, given = methods[request.method], match.groupdict()
            action = (
                ("GetDownloadUrlForLayer" if request.method == "GET" else "BatchCheckLayerAvailability")
                if name == "_blob"
                else _ACTIONS.get(name)
            )
            if action is not None:
                request.actions.append((action, {"repositoryName": given["name"]}))
            handler: Handler = getattr(self, name)
            return handler(request, **given)
        else:
            raise Refusal(404, "NAME_INVALID", f"{request.path} is not a path of the registry API")
        raise Refusal(405, "UNSUPPORTED", "The operation is unsupported.")

    def _authenticate(self, request: Request) -> Principal:
        realm = f'Basic realm="http://{request.host}/",service="ecr.amazonaws.com"'
        if request.authorization is None:
            raise Refusal(401, "UNAUTHORIZED", "Not Authorized", [("Www-Authenticate", realm)])
        try:
            proof = self._tokens.check(request.authorization, self._now())
        except InvalidToken as error:
            raise Refusal(401, "UNAUTHORIZED", f"Not Authorized: {error}", [("Www-Authenticate", realm)]) from error
        except ExpiredToken as error:
            text = "Your authorization token has expired. Reauthenticate and try again."
            raise Refusal(403, "DENIED", text) from error
        named = ecr_account_and_region(request.host)
        request.access_key = proof.access_key
        return Principal(*named) if named else proof.principal

    # Every handler below is named in _ROUTES.

    def _ping(self, request: Request) -> Answer:
        return Answer(200, [("Content-Type", "application/json")], b"{}")

    def _begin_upload(self, request: Request, name: str) -> Answer:
        try:
            repository = self._repositories.find(request.principal, name)
        except RepositoryUnknown as error:
            if self._quirks.missing_repository_hangs_up:
                raise HangUp from error
            raise
        mount, source = request.query.get("mount"), request.query.get("from")
        if mount and source and self._mount(request.principal, repository, mount, source):
            request.actions.append(("GetDownloadUrlForLayer", {"repositoryName": source}))
            return Answer(201, [("Location", f"/v2/{name}/blobs/{mount}"), ("Docker-Content-Digest", mount)])
        upload = self._store.begin()
        digest = request.query.get("digest")
        if digest is None:
            return Answer(202, self._progress(name, upload, 0))
        with upload.lock:
            upload.append(request.read)
            return self._finish(request, name, upload, digest)

    def _mount(self, principal: Principal, repository: Any, digest: str, source_name: str) -> bool:
        """ECR mounts when the account setting is on, both repositories are encrypted alike and an image of the source has the blob."""
        if not self._settings.blob_mounting(principal):
            return False
        try:
            source = self._repositories.find(principal, source_name)
        except RepositoryUnknown:
            return False
        alike = source.encryption_configuration == repository.encryption_configuration
        if digest not in source.layers or not alike or not self._repositories.references(source, digest):
            return False
        repository.layers[digest] = source.layers[digest]
        return True

    def _find_upload(self, request: Request, name: str, upload_id: str) -> Upload:
        self._repositories.find(request.principal, name)
        upload = self._store.upload(upload_id)
        if upload is None:
            raise Refusal(404, "BLOB_UPLOAD_UNKNOWN", f"There is no open upload {upload_id} in the repository {name}.")
        return upload

    @staticmethod
    def _progress(name: str, upload: Upload, end: int) -> list[tuple[str, str]]:
        return [
            ("Location", f"/v2/{name}/blobs/uploads/{upload.id}"),
            ("Range", f"0-{max(0, end - 1)}"),
            ("Docker-Upload-UUID", upload.id),
        ]

    def _take_body(self, request: Request, upload: Upload) -> None:
        """Append the request's body, checking that it starts where the upload ends."""
        if request.content_range is not None:
            match = re.fullmatch(r"(?:bytes )?(\d+)-(\d+)(?:/.*)?", request.content_range)
            if match is None or int(match[2]) < int(match[1]):
                raise Refusal(400, "BLOB_UPLOAD_INVALID", f"Content-Range {request.content_range!r} is not first-last")
            self._require_first_byte(upload, int(match[1]))
            taken = upload.append(request.read)
            if taken != int(match[2]) - int(match[1]) + 1:
                raise Refusal(400, "SIZE_INVALID", f"Content-Range says {request.content_range}, but {taken} bytes arrived")
            upload.chunks.append(taken)
        elif request.has_body:
            if self._quirks.unranged_body_starts_at_zero:
                self._require_first_byte(upload, 0)
            upload.append(request.read)

    def _require_first_byte(self, upload: Upload, first: int) -> None:
        if first != upload.size:
            raise Refusal(
                416,
                "BLOB_UPLOAD_INVALID",
                f"First byte of the layer part is {first} instead of {upload.size}",
                [("Range", f"0-{max(0, upload.size - 1)}")],
            )

    def _append(self, request: Request, name: str, upload_id: str) -> Answer:
        upload = self._find_upload(request, name, upload_id)
        with upload.lock:
            self._take_body(request, upload)
            end = upload.chunks[0] if upload.chunks and self._quirks.sticky_range else upload.size
            return Answer(201 if self._quirks.patch_answers_created else 202, self._progress(name, upload, end))

    def _complete_upload(self, request: Request, name: str, upload_id: str) -> Answer:
        if request.has_body:
            # Completing with the bytes in the same request is an upload of a part too.
            request.actions.append(("UploadLayerPart", {"repositoryName": name}))
        upload = self._find_upload(request, name, upload_id)
        digest = request.query.get("digest", "")
        with upload.lock:
            self._take_body(request, upload)
            return self._finish(request, name, upload, digest)

    def _finish(self, request: Request, name: str, upload: Upload, digest: str) -> Answer:
        if not is_digest(digest):
            raise Refusal(400, "DIGEST_INVALID", f"Layer digest {digest!r} is not sha256: and 64 hexadecimal digits")
        smallest = self._quirks.minimum_chunk_bytes
        if any(size < smallest for size in upload.chunks[:-1]):
            self._store.cancel(upload)
            raise Refusal(400, "BLOB_UPLOAD_INVALID", f"Layer parts must be at least {smallest} bytes in size, except the last one")
        repository = self._repositories.find(request.principal, name)
        size = upload.size
        try:
            self._store.complete(upload, digest)
        except DigestMismatch as error:
            text = f"The layer digest '{error.expected}' does not match the digest '{error.actual}' of the bytes that were received"
            raise Refusal(400, "DIGEST_INVALID", text) from error
        repository.layers[digest] = size
        return Answer(201, [("Location", f"/v2/{name}/blobs/{digest}"), ("Docker-Content-Digest", digest)])

    def _upload_status(self, request: Request, name: str, upload_id: str) -> Answer:
        upload = self._find_upload(request, name, upload_id)
        return Answer(204, self._progress(name, upload, upload.size))

    def _cancel_upload(self, request: Request, name: str, upload_id: str) -> Answer:
        upload = self._find_upload(request, name, upload_id)
        with upload.lock:
            self._store.cancel(upload)
        return Answer(204)

    def _blob(self, request: Request, name: str, digest: str) -> Answer:
        repository = self._repositories.find(request.principal, name)
        if not is_digest(digest):
            raise Refusal(400, "DIGEST_INVALID", f"{digest!r} is not sha256: and 64 hexadecimal digits")
        if digest not in repository.layers:
            raise Refusal(404, "BLOB_UNKNOWN", f"The layer with digest '{digest}' does not exist in the repository '{name}'")
        if self._quirks.redirect_blob_downloads and request.method == "GET":
            return Answer(307, [("Location", self.signed_path(digest))])
        return self._content(request, digest)

    def signed_path(self, digest: str) -> str:
        """A path that gives a blob without any other proof, as the presigned URLs of S3 do behind ECR."""
        expires = int(self._now().timestamp()) + SIGNED_DOWNLOAD_SECONDS
        return f"/v2/_layers/{digest}?expires={expires}&signature={self._tokens.sign(f'{digest} {expires}')}"

    def _signed_download(self, request: Request, digest: str) -> Answer:
        expires = request.query.get("expires", "")
        if request.authorization is not None:
            raise Refusal(400, "UNSUPPORTED", "Only one auth mechanism allowed: the signed URL or the Authorization header")
        if not self._tokens.is_signature(f"{digest} {expires}", request.query.get("signature", "")):
            raise Refusal(403, "DENIED", "The signature of the download URL does not match")
        if self._now().timestamp() > int(expires):
            raise Refusal(403, "DENIED", "The download URL has expired")
        if request.method not in {"GET", "HEAD"}:
            raise Refusal(405, "UNSUPPORTED", "The operation is unsupported.")
        return self._content(request, digest)

    def _content(self, request: Request, digest: str) -> Answer:
        size = self._store.size(digest)
        if size is None:
            raise Refusal(404, "BLOB_UNKNOWN", f"The layer with digest '{digest}' is no longer available")
        headers = [
            ("Content-Type", "application/octet-stream"),
            ("Docker-Content-Digest", digest),
            ("ETag", f'"{digest}"'),
            ("Accept-Ranges", "bytes"),
        ]
        first, last = 0, size - 1
        status = 200
        if request.range is not None:
            span = _byte_range(request.range, size)
            if span is None:
                raise Refusal(416, "RANGE_INVALID", f"{request.range!r} of {size} bytes", [("Content-Range", f"bytes */{size}")])
            first, last = span
            status = 206
            headers.append(("Content-Range", f"bytes {first}-{last}/{size}"))
        headers.append(("Content-Length", str(last - first + 1)))
        return Answer(status, headers, b"" if request.method == "HEAD" else self._blocks(digest, first, last - first + 1))

    def _blocks(self, digest: str, first: int, left: int) -> Iterator[bytes]:
        with self._store.path(digest).open("rb") as file:
            file.seek(first)
            while left > 0 and (block := file.read(min(BLOCK_BYTES, left))):
                left -= len(block)
                yield block

    def _manifest(self, request: Request, name: str, selector: str) -> Answer:
        repository = self._repositories.find(request.principal, name)
        image = self._repositories.image(repository, selector)
        manifest = parse_manifest(image.image_manifest.encode(), image.image_manifest_media_type)
        if self._quirks.convert_by_accept and not is_digest(selector) and _wants_docker(request.accept):
            manifest = as_docker(manifest) or manifest
        headers = [("Content-Type", manifest.media_type), ("Content-Length", str(len(manifest.body)))]
        if request.method == "HEAD" or self._quirks.digest_header_on_get:
            headers.append(("Docker-Content-Digest", manifest.digest))
        return Answer(200, headers, manifest.body)

    def _put_manifest(self, request: Request, name: str, selector: str) -> Answer:
        repository = self._repositories.find(request.principal, name)
        if not is_digest(selector) and not is_tag(selector):
            raise Refusal(400, "TAG_INVALID", f"{selector!r} is neither a tag ({TAG}) nor a digest")
        self._pace_manifests()
        body = b""
        while len(body) <= MAXIMUM_MANIFEST_BYTES and (block := request.read(BLOCK_BYTES)):
            body += block
        if len(body) > MAXIMUM_MANIFEST_BYTES:
            text = f"Invalid parameter at 'imageManifest' failed to satisfy constraint: at most {MAXIMUM_MANIFEST_BYTES} characters"
            raise Refusal(413, "SIZE_INVALID", text)
        try:
            manifest = parse_manifest(body, request.content_type)
            if is_digest(selector) and selector != manifest.digest:
                raise Refusal(400, "DIGEST_INVALID", f"The manifest has the digest {manifest.digest}, not {selector}")
            tag = None if is_digest(selector) else selector
            self._repositories.put(request.principal, repository, manifest, tag, self._now())
        except InvalidManifest as error:
            raise Refusal(400, "MANIFEST_INVALID", str(error)) from error
        except UnsupportedManifest as error:
            raise Refusal(405, "UNSUPPORTED", str(error)) from error
        except ReferencesMissing as error:
            raise Refusal(404, "MANIFEST_BLOB_UNKNOWN", str(error)) from error
        except TagIsImmutable as error:
            raise Refusal(400, "TAG_INVALID", str(error)) from error
        headers = [("Location", f"/v2/{name}/manifests/{manifest.digest}"), ("Docker-Content-Digest", manifest.digest)]
        if manifest.subject:
            headers.append(("OCI-Subject", manifest.subject))
        return Answer(201, headers)

    def _pace_manifests(self) -> None:
        """A bucket of one second's quota, refilled in real time, as PutImage is throttled. It is full when the quota is set."""
        rate = self._quirks.manifests_per_second
        if rate is None:
            return
        with self._put_lock:
            now = time.monotonic()
            if rate != self._put_rate:
                self._put_rate, self._put_allowance = rate, rate
            self._put_allowance = min(rate, self._put_allowance + (now - self._put_checked) * rate)
            self._put_checked = now
            if self._put_allowance < 1:
                raise Refusal(429, "TOOMANYREQUESTS", "Rate exceeded")
            self._put_allowance -= 1

    def _delete_manifest(self, request: Request, name: str, selector: str) -> Answer:
        self._repositories.delete(self._repositories.find(request.principal, name), selector)
        return Answer(202)

    def _tags(self, request: Request, name: str) -> Answer:
        tags = self._repositories.tags(self._repositories.find(request.principal, name))
        if last := request.query.get("last"):
            tags = [tag for tag in tags if tag > last]
        headers = [("Content-Type", "application/json")]
        limit = request.query.get("n", "")
        if limit.isdigit() and int(limit) < len(tags):
            tags = tags[: int(limit)]
            if tags:
                headers.append(("Link", f'</v2/{name}/tags/list?n={limit}&last={quote(tags[-1])}>; rel="next"'))
        return Answer(200, headers, json.dumps({"name": name, "tags": tags}).encode())

    def _referrers(self, request: Request, name: str, digest: str) -> Answer:
        repository = self._repositories.find(request.principal, name)
        if not is_digest(digest):
            raise Refusal(400, "DIGEST_INVALID", f"{digest!r} is not sha256: and 64 hexadecimal digits")
        found = self._repositories.referrers(repository, digest)
        headers = [("Content-Type", OCI_INDEX)]
        if wanted := request.query.get("artifactType"):
            found = [item for item in found if item.get("artifactType") == wanted]
            headers.append(("OCI-Filters-Applied", "artifactType"))
        return Answer(200, headers, json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found}).encode())


def _wants_docker(accept: str) -> bool:
    """Whether Docker's image manifest is accepted and OCI's is not."""
    types = {item.partition(";")[0].strip() for item in accept.split(",")}
    return DOCKER_MANIFEST in types and not types & {OCI_MANIFEST, "*/*", "application/*"}


def _byte_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a single `bytes=` range, or None when it cannot be satisfied."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        first = max(0, size - int(match[2]))
        return (first, size - 1) if int(match[2]) and size else None
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    return (first, last) if first <= last else None
