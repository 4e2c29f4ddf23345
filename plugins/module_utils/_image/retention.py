# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images of a repository may be deleted: none that is used, young, kept by its tag or among the newest, or part of one. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

DAY = 86_400.0


@dataclass(frozen=True)
class Stored:
    """One image, index or referrer of a repository."""

    digest: str
    pushed_at: float
    """Seconds since the epoch."""
    size: int = 0
    tags: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    """Digests of the manifests that an index names."""
    subject: str = ""
    """Digest of what this is about: a signature, a bill of materials, an attestation."""


@dataclass(frozen=True)
class Policy:
    keep: int
    """How many of the newest images stay whatever uses them."""
    keep_tags: tuple[str, ...] = ()
    """Patterns with `*` for any characters; an image with such a tag stays."""
    younger_than: float = 0.0
    """Images pushed after this moment (seconds since the epoch) stay: a deploy may be about to use them."""


@dataclass
class Choice:
    kept: dict[str, str] = field(default_factory=dict)
    """Why each digest stays."""
    gone: list[list[str]] = field(default_factory=list)
    """Digests in groups to be deleted one after the other: referrers before their subjects, an index before what it names."""


def choose(images: t.Sequence[Stored], used: t.Mapping[str, str], policy: Policy) -> Choice:
    """`used` says in words what uses an image, by digest or tag.

    An index stays when one of its images does, since whoever pulls by its digest needs it. What a kept index names and what
    is attached to a kept image stay too. Only images that are no part of another count among the newest.
    """
    by_digest = {image.digest: image for image in images}
    parents: dict[str, list[Stored]] = {}
    for image in images:
        for child in image.children:
            parents.setdefault(child, []).append(image)
    choice = Choice()

    def keep(image: Stored, why: str) -> None:
        waiting = [(image, why)]
        while waiting:
            each, reason = waiting.pop()
            if each.digest in choice.kept:
                continue
            choice.kept[each.digest] = reason
            waiting.extend((by_digest[child], f"part of {short(each)}") for child in each.children if child in by_digest)
            waiting.extend((other, f"attached to {short(each)}") for other in images if other.subject == each.digest)

    for image in images:
        if why := _reason(image, used, policy):
            for parent in parents.get(image.digest, []):
                keep(parent, f"holds {short(image)}: {why}")
            # An image may be used by itself and be a part as well; what is said first is what says more.
            choice.kept.pop(image.digest, None)
            keep(image, why)
    alone = [image for image in images if image.digest not in parents and image.subject not in by_digest]
    for number, image in enumerate(sorted(alone, key=lambda each: (-each.pushed_at, each.digest))[: policy.keep], start=1):
        keep(image, f"number {number} of the newest {policy.keep}")
    gone = [image for image in images if image.digest not in choice.kept]
    groups: dict[int, list[str]] = {}
    for image in sorted(gone, key=lambda each: (each.pushed_at, each.digest)):
        groups.setdefault(_rank(image, by_digest), []).append(image.digest)
    choice.gone = [groups[rank] for rank in sorted(groups)]
    return choice


def _reason(image: Stored, used: t.Mapping[str, str], policy: Policy) -> str:
    """Why an image stays for its own sake; empty when it need not."""
    for name in (image.digest, *image.tags):
        if name in used:
            return used[name]
    for pattern in policy.keep_tags:
        if tag := next((tag for tag in image.tags if matches(pattern, tag)), None):
            return f"the tag {tag} matches {pattern}"
    return "pushed lately" if image.pushed_at > policy.younger_than else ""


def matches(pattern: str, tag: str) -> bool:
    """Whether the whole tag is as the pattern says; an asterisk stands for any characters, everything else for itself."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), tag) is not None


def short(image: Stored) -> str:
    return image.tags[0] if image.tags else image.digest[:19]


def _rank(image: Stored, by_digest: t.Mapping[str, Stored]) -> int:
    """Referrers, then indexes, the outermost first, then images."""
    if image.subject in by_digest:
        return -100
    return -_height(image, by_digest, 0)


def _height(image: Stored, by_digest: t.Mapping[str, Stored], depth: int) -> int:
    # Digests cannot be in a circle; the limit is for what is told wrongly.
    below = [by_digest[child] for child in image.children if child in by_digest] if depth < 16 else []
    return 1 + max((_height(child, by_digest, depth + 1) for child in below), default=-1)
