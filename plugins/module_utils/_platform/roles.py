# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An IAM role: what there is against what is wanted, as differences in words. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from . import policies
from .tags import missing

Document = policies.Document


@dataclass(frozen=True)
class Role:
    """A role as it is, or as it is wanted. None for a member means that it is left alone."""

    name: str
    trust: Document | None = None
    description: str | None = None
    max_session_duration: int | None = None
    """Seconds."""
    boundary: str | None = None
    """ARN of the permissions boundary, empty for none."""
    managed: list[str] | None = None
    """ARNs of the managed policies."""
    inline: dict[str, Document] | None = None
    """Inline policies by name."""
    tags: dict[str, str] = field(default_factory=dict)
    instance_profile: bool = False
    """Whether there is an instance profile with the role's name that holds the role."""


@dataclass(frozen=True)
class Changes:
    """What has to be done, empty members for nothing."""

    create: bool
    trust: bool
    settings: bool
    boundary: bool
    attach: list[str]
    detach: list[str]
    put: list[str]
    delete: list[str]
    tags: dict[str, str]
    instance_profile: bool

    def words(self, name: str) -> list[str]:
        """A line for each change."""
        lines = [f"role {name} is created"] if self.create else []
        lines += ["trust policy"] if self.trust and not self.create else []
        lines += ["description or session duration"] if self.settings and not self.create else []
        lines += ["permissions boundary"] if self.boundary and not self.create else []
        lines += [f"managed policy {_short(arn)} is attached" for arn in self.attach]
        lines += [f"managed policy {_short(arn)} is detached" for arn in self.detach]
        lines += [f"policy {policy} is written" for policy in self.put]
        lines += [f"policy {policy} is deleted" for policy in self.delete]
        lines += [f"tag {key}" for key in self.tags] if not self.create else []
        lines += ["instance profile"] if self.instance_profile else []
        return lines


def compare(has: Role | None, wanted: Role) -> Changes:
    """What makes `has`, or nothing at all, into `wanted`."""
    now = has or Role(wanted.name, managed=[], inline={})
    managed, inline = now.managed or [], now.inline or {}
    return Changes(
        create=has is None,
        trust=wanted.trust is not None and not policies.same(now.trust, wanted.trust),
        settings=_differs(now.description or "", wanted.description) or _differs(now.max_session_duration, wanted.max_session_duration),
        boundary=_differs(now.boundary or "", wanted.boundary),
        attach=[arn for arn in dict.fromkeys(wanted.managed or []) if arn not in managed],
        detach=[arn for arn in managed if arn not in wanted.managed] if wanted.managed is not None else [],
        put=[name for name, document in (wanted.inline or {}).items() if not policies.same(inline.get(name), document)],
        delete=[name for name in inline if name not in wanted.inline] if wanted.inline is not None else [],
        tags=missing(now.tags, wanted.tags),
        instance_profile=wanted.instance_profile and not now.instance_profile,
    )


def shown(role: Role | None) -> dict[str, t.Any]:
    """A role for a diff."""
    if role is None:
        return {}
    return {
        "name": role.name,
        "trust": policies.canonical(role.trust or {}),
        "description": role.description or "",
        "max_session_duration": role.max_session_duration,
        "boundary": role.boundary or "",
        "managed_policies": sorted(role.managed or []),
        "policies": {name: policies.canonical(document) for name, document in sorted((role.inline or {}).items())},
        "tags": dict(sorted(role.tags.items())),
        "instance_profile": role.instance_profile,
    }


def after(has: Role | None, wanted: Role) -> Role:
    """The role as it will be: `wanted`, with what is left alone."""
    now = has or Role(wanted.name, max_session_duration=3600)
    left_alone = ("trust", "description", "max_session_duration", "boundary", "managed", "inline")
    return replace(
        wanted,
        **{name: getattr(now, name) for name in left_alone if getattr(wanted, name) is None},
        tags={**now.tags, **wanted.tags},
        instance_profile=now.instance_profile or wanted.instance_profile,
    )


def _differs(now: t.Any, wanted: t.Any) -> bool:
    return wanted is not None and now != wanted


def _short(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
