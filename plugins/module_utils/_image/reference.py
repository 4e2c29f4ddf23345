# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of images: `registry/repository:tag@digest`, as the distribution project writes their grammar down."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import ImageError

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_LABEL = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
# The specification's limit for the name with its registry.
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Reference:
    """An image's name in parts. `registry` is empty when the name has none; `tag` and `digest` are None when absent."""

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        text = f"{self.registry}/{self.repository}" if self.registry else self.repository
        if self.tag is not None:
            text += f":{self.tag}"
        if self.digest is not None:
            text += f"@{self.digest}"
        return text


def parse_reference(text: str) -> Reference:
    """Read an image name. The first part is a registry when it holds a dot or a colon, or is `localhost`. Raises `ImageError`."""
    name, at, digest = text.partition("@")
    if at:
        check_digest(digest)
    registry = ""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        if _REGISTRY.fullmatch(first) is None:
            raise ImageError(f"{text!r} is not an image name: {first!r} is not a registry host.")
        registry, name = first, rest
    repository, colon, tag = name.partition(":")
    if colon:
        check_tag(tag)
    check_repository(repository)
    if len(registry) + 1 + len(repository) > _LONGEST_NAME:
        raise ImageError(f"{text!r} is not an image name: it is longer than {_LONGEST_NAME} characters.")
    return Reference(registry, repository, tag if colon else None, digest if at else None)


def check_tag(tag: str) -> str:
    """Return the tag. Raises `ImageError` when it is none."""
    if _TAG.fullmatch(tag) is None:
        raise ImageError(
            f"{tag!r} is not an image tag.",
            "A tag has 1 to 128 letters, digits, dots, dashes and underscores, and starts with a letter, digit or underscore.",
        )
    return tag


def check_repository(repository: str) -> str:
    """Return the repository name. Raises `ImageError` when it is none."""
    if _REPOSITORY.fullmatch(repository) is None:
        raise ImageError(
            f"{repository!r} is not a repository name.",
            "It is made of lower-case letters and digits, joined by single dots, dashes or underscores; slashes separate its parts.",
        )
    return repository


def check_digest(digest: str) -> str:
    """Return the digest. Raises `ImageError` when it is not a SHA-256 or SHA-512 digest."""
    if _DIGEST.fullmatch(digest) is None:
        raise ImageError(f"{digest!r} is not a digest.", "It looks like sha256: followed by 64 lower-case hexadecimal digits.")
    return digest
