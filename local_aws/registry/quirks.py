"""Where Amazon ECR answers otherwise than the OCI distribution specification says, one switch each."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Quirks:
    """The defaults behave as ECR does; `SPECIFICATION` behaves as the specification says."""

    patch_answers_created: bool = True
    """PATCH of an upload is answered 201 rather than 202."""

    sticky_range: bool = True
    """After a chunk sent with Content-Range, the Range header stays at the end of the first chunk, though all bytes are kept."""

    unranged_body_starts_at_zero: bool = True
    """A body without Content-Range on an upload that already holds bytes is refused with 416 instead of being appended."""

    digest_header_on_get: bool = False
    """Whether GET of a manifest carries Docker-Content-Digest; HEAD always does."""

    same_digest_is_immutable_too: bool = True
    """Pushing the digest that an immutable tag already has fails like pushing another one."""

    minimum_chunk_bytes: int = 5 * MEBIBYTE
    """Smallest size of every chunk but the last, checked when the upload is completed; 0 allows any."""

    convert_by_accept: bool = True
    """An OCI image that is asked for by tag, with an Accept header that has room for Docker manifests only, comes as one."""

    redirect_blob_downloads: bool = False
    """GET of a blob answers 307 to a signed URL that refuses an Authorization header. ECR does so, but sends clients to another
    host. Here host and port are the same, and a client that keeps the header for one host would fail: hence off."""

    manifests_per_second: float | None = None
    """PutImage quota (10 a second in a new account); more are answered 429 TOOMANYREQUESTS. None: no limit."""


SPECIFICATION = Quirks(
    patch_answers_created=False,
    sticky_range=False,
    unranged_body_starts_at_zero=False,
    digest_header_on_get=True,
    same_digest_is_immutable_too=False,
    minimum_chunk_bytes=0,
    convert_by_accept=False,
)
