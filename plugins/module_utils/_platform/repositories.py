# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image repository of Amazon ECR: its lifecycle rules, and what there is against what is wanted. Pure."""

from __future__ import annotations

import typing as t

from . import policies
from .tags import missing

Data = dict[str, t.Any]


def lifecycle(keep_images: int, expire_untagged_days: int, protected_tags: t.Sequence[str], keep_protected: int) -> Data:
    """A lifecycle policy that keeps the newest images and, apart from them, the newest of those whose tags are protected.

    ECR user guide, LifecyclePolicies: an image that matches a rule by its tags is not expired by a rule of lower priority. So the images
    with a protected tag are counted among themselves alone, and pushing others, however many, does not expire them. A rule for
    images with any tag must come last.
    """
    rules: list[Data] = []
    if expire_untagged_days:
        rules.append(
            _rule(
                "Images that have lost their tag",
                tagStatus="untagged",
                countType="sinceImagePushed",
                countUnit="days",
                countNumber=expire_untagged_days,
            )
        )
    # A rule for each: of several patterns in one rule an image must match all.
    rules += [
        _rule(
            f"All but the newest tagged {pattern}",
            tagStatus="tagged",
            tagPatternList=[pattern],
            countType="imageCountMoreThan",
            countNumber=keep_protected,
        )
        for pattern in protected_tags
    ]
    if keep_images:
        rules.append(_rule("All but the newest images", tagStatus="any", countType="imageCountMoreThan", countNumber=keep_images))
    return {"rules": [{"rulePriority": number, **rule} for number, rule in enumerate(rules, start=1)]} if rules else {}


def _rule(description: str, **selection: t.Any) -> Data:
    return {"description": description, "selection": selection, "action": {"type": "expire"}}


def mutability(setting: str, exceptions: t.Sequence[str]) -> Data:
    """`immutable` or `mutable` and the tags it does not hold for, as ECR takes them."""
    if not exceptions:
        return {"imageTagMutability": setting.upper()}
    filters = [{"filterType": "WILDCARD", "filter": pattern} for pattern in exceptions]
    return {"imageTagMutability": f"{setting.upper()}_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": filters}


def shown(repository: Data | None) -> Data:
    """What is compared of a repository, and shown in a diff: as DescribeRepositories answers, with its policies and tags."""
    if repository is None:
        return {}
    return {
        "tag_mutability": repository["imageTagMutability"],
        "tag_exceptions": sorted(item["filter"] for item in repository.get("imageTagMutabilityExclusionFilters") or []),
        "scan_on_push": bool((repository.get("imageScanningConfiguration") or {}).get("scanOnPush")),
        "encryption": (repository.get("encryptionConfiguration") or {}).get("encryptionType", "AES256"),
        "lifecycle_policy": repository.get("lifecycle_policy") or {},
        "policy": policies.canonical(repository.get("policy") or {}),
        "tags": dict(sorted(repository.get("tags", {}).items())),
    }


def changes(before: Data, after: Data) -> list[str]:
    """The members that differ between two of `shown`, as calls of ECR set them together."""
    if not before:
        return ["repository", *(name for name in ("lifecycle_policy", "policy") if after[name])]
    found = ["tag_mutability"] if any(before[name] != after[name] for name in ("tag_mutability", "tag_exceptions")) else []
    return found + [name for name in ("scan_on_push", "lifecycle_policy", "policy") if before[name] != after[name]] + _tags(before, after)


def _tags(before: Data, after: Data) -> list[str]:
    return ["tags"] if missing(before["tags"], after["tags"]) else []
