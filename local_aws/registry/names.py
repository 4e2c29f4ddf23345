"""Names of images: repository, tag, digest, and the full reference that a task definition carries."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY = rf"{_COMPONENT}(?:/{_COMPONENT})*"
TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
DIGEST = r"sha256:[a-f0-9]{64}"

_ECR_HOST = re.compile(r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)(?::\d+)?")
_REFERENCE = re.compile(rf"(?P<name>{REPOSITORY})(?::(?P<tag>{TAG}))?(?:@(?P<digest>{DIGEST}))?")


@dataclass(frozen=True)
class Reference:
    """A parsed image reference. `registry` is `docker.io` where none is written; `tag` is `latest` where neither tag nor digest is."""

    registry: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def selector(self) -> str:
        """What names the manifest: the digest where there is one."""
        return self.digest or self.tag or DEFAULT_TAG

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


def parse_reference(text: str) -> Reference:
    """Parse as Docker does: the first part is a host when it has a dot or a colon or is `localhost`. Raises ValueError."""
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, remainder = first, rest
    else:
        registry, remainder = DEFAULT_REGISTRY, text
    match = _REFERENCE.fullmatch(remainder)
    if match is None:
        raise ValueError(f"invalid reference format: {text!r} is not [host/]name[:tag][@sha256:digest]")
    name, tag, digest = match["name"], match["tag"], match["digest"]
    if registry == DEFAULT_REGISTRY and "/" not in name:
        name = f"library/{name}"
    if tag is None and digest is None:
        tag = DEFAULT_TAG
    return Reference(registry, name, tag, digest)


def ecr_account_and_region(host: str) -> tuple[str, str] | None:
    """Account and region of a private ECR host name in any of its spellings, or None for another host."""
    match = _ECR_HOST.fullmatch(host)
    return (match["account"], match["region"]) if match else None


def is_digest(text: str) -> bool:
    return re.fullmatch(DIGEST, text) is not None


def is_tag(text: str) -> bool:
    return re.fullmatch(TAG, text) is not None
