# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong with an image or a registry, each with a hint for the reader."""

from __future__ import annotations

import json
from dataclasses import dataclass


class ImageError(Exception):
    """A failure to tell the user about: what happened, and `hint`, what to do about it (may be empty)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class SourceError(ImageError):
    """The image on disk is missing, ambiguous, damaged or of a kind that is not read."""


class ConnectionBroken(ImageError):
    """The registry could not be reached, or the connection broke or stalled before an answer came."""


class RegistryError(ImageError):
    """The registry answered, and said no."""

    def __init__(self, message: str, status: int, code: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status
        self.code = code


class ImmutableTagError(ImageError):
    """A tag that may not be moved names another image."""

    def __init__(self, message: str, tag: str, current: str | None, wanted: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.tag = tag
        self.current = current
        self.wanted = wanted


class Cancelled(Exception):
    """Work was given up because the run is being stopped."""


@dataclass(frozen=True)
class Complaint:
    """The first error of a registry's answer. `code` is empty when the body is not the JSON that the OCI specification describes."""

    code: str
    message: str


def read_complaint(body: bytes) -> Complaint:
    try:
        errors = json.loads(body.decode("utf-8", "replace"))["errors"]
        first = errors[0]
        message = str(first.get("message") or "")
        detail = first.get("detail")
        if isinstance(detail, str) and detail and detail not in message:
            message = f"{message} ({detail})" if message else detail
        return Complaint(str(first.get("code") or ""), message)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return Complaint("", body[:300].decode("utf-8", "replace").strip())


def hint_for(status: int, complaint: Complaint) -> str:
    """What the user can do about an answer. Empty when there is nothing better than the registry's own words."""
    text = complaint.message.lower()
    if complaint.code == "NAME_UNKNOWN" or "repository with name" in text:
        return "Create the repository first, for example with the role steadystate.ecs.ecr or community.aws.ecs_ecr."
    if "immutable" in text:
        return "Push under a new tag, or exclude this tag from immutability (aws ecr put-image-tag-mutability)."
    if "kms" in text:
        return "Check that the repository's KMS key exists, is enabled, and that this identity may use it."
    if "number of layers" in text:
        return "Build the image with fewer layers: join RUN lines, or use a multi-stage build."
    if "lifecycle policy" in text or "quota" in text or ("limit" in text and "exceeded" in text and status != 429):
        return "Remove old images (a lifecycle policy does it by itself) or ask for a higher quota in Service Quotas."
    if status == 429 or complaint.code == "TOOMANYREQUESTS":
        return "The account's request rate is used up; push fewer images at the same time, or ask for a higher quota in Service Quotas."
    if status == 401 or "token has expired" in text:
        return "The registry did not accept the token. Check the clock of this machine and that the registry belongs to this account."
    if status == 403 or complaint.code == "DENIED":
        return (
            "The identity needs ecr:BatchCheckLayerAvailability, ecr:InitiateLayerUpload, ecr:UploadLayerPart, "
            "ecr:CompleteLayerUpload, ecr:PutImage and ecr:BatchGetImage on the repository."
        )
    if status == 413:
        return "Something between here and the registry limits the size of uploads; for a proxy, raise its limit."
    return ""
