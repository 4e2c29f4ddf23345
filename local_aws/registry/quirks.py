"""Where Amazon ECR answers otherwise than the OCI distribution specification says, one switch each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

MEBIBYTE = 1024 * 1024


@dataclass
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

    missing_repository_hangs_up: bool = False
    """An upload to a repository that does not exist is answered by closing the connection, as ECR does at times, not by 404."""

    manifests_per_second: float | None = None
    """PutImage quota (10 a second in a new account); more are answered 429 TOOMANYREQUESTS. None: no limit."""

    def shown(self) -> dict[str, Any]:
        return asdict(self)

    def change(self, given: Mapping[str, Any]) -> None:
        """Take other values for some switches, all or none of them. Texts are read as JSON. Raises ValueError with what is wrong."""
        taken = {name: _value(name, value) for name, value in given.items()}
        for name, value in taken.items():
            setattr(self, name, value)


SPECIFICATION = Quirks(
    patch_answers_created=False,
    sticky_range=False,
    unranged_body_starts_at_zero=False,
    digest_header_on_get=True,
    same_digest_is_immutable_too=False,
    minimum_chunk_bytes=0,
    convert_by_accept=False,
)

_SWITCHES = {field.name: field.default for field in fields(Quirks)}


def _value(name: str, value: Any) -> bool | int | float | None:
    if name not in _SWITCHES:
        raise ValueError(f"{name} is not a quirk. There are: {', '.join(_SWITCHES)}.")
    if isinstance(value, str):
        value = {"true": True, "false": False, "null": None}.get(value.lower(), value)
    if isinstance(_SWITCHES[name], bool):
        if not isinstance(value, bool):
            raise ValueError(f"{name}={value!r} is neither true nor false.")
        return value
    if value is None and _SWITCHES[name] is None:
        return None
    kind = float if _SWITCHES[name] is None else int
    try:
        number = kind(value)
    except (TypeError, ValueError):
        number = -1
    if isinstance(value, bool) or not 0 <= number < 1_000_000_000:
        raise ValueError(f"{name}={value!r} is not a number of 0 or more.")
    return number
