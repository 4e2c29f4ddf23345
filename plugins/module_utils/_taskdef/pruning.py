# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which old revisions of a family may be deregistered: none that something runs, could go back to, or will start by the clock."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Pruning:
    gone: tuple[str, ...]
    """Revisions to deregister, oldest first."""
    kept: dict[str, str]
    """Those that would go by their age and stay, each with what uses it."""


def choose(newest_first: t.Sequence[str], keep: int, used: t.Mapping[str, str]) -> Pruning:
    """`newest_first` are the ACTIVE revisions as ARNs, `keep` how many of the newest stay, at least one.

    `used` says what uses a revision, by its ARN or by `family:revision`. A use of the bare family is one of the newest.
    """
    old = list(newest_first[max(keep, 1) :])
    why = {arn: used.get(arn) or used.get(short(arn)) for arn in old}
    kept = {arn: reason for arn, reason in why.items() if reason}
    return Pruning(tuple(arn for arn in reversed(old) if arn not in kept), kept)


def short(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def family_of(reference: str) -> str:
    """The family of an ARN, of `family:revision` or of a bare family."""
    return short(reference).split(":", 1)[0]
