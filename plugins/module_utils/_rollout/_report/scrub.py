# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes credentials out of text that others wrote: a report travels further than a log does."""

from __future__ import annotations

import re
import typing as t

MASK = "********"

# Each keeps what stands in its first group, and hides the rest.
_PATTERNS = (
    # A key that is cut off by the end of the line is still a key.
    re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(?=-----END|\Z)"),
    re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)"),
    re.compile(r"(\b(?:authorization|proxy-authorization)\b[\"']?\s*[:=]\s*[\"']?(?:bearer|basic)?\s*)[^\s\"',;]+", re.IGNORECASE),
    re.compile(r"(\bbearer\s+)[\w.~+/-]{8,}=*", re.IGNORECASE),
    re.compile(r"()\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"()\bgh[pousr]_[0-9A-Za-z]{20,}"),
    re.compile(r"()\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"),
)

# In what a program logs, a name and its value. Not in what ECS says: `secretsmanager:GetSecretValue` is no secret.
_NAMED = re.compile(
    r"([\w-]*(?:password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|credential)[\w-]*(?:\s*=\s*|[\"']\s*:\s*|:\s+))"
    r"(?:\"[^\"]*\"|'[^']*'|[^\s\"',;&})\]]+)",
    re.IGNORECASE,
)


# Colours of a terminal, and what XML cannot carry.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


def legible(value: t.Any) -> t.Any:
    """`value` without control characters in any text within it."""
    if isinstance(value, dict):
        return {legible(key): legible(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [legible(item) for item in value]
    return _CONTROL.sub("", value) if isinstance(value, str) else value


def scrub(text: str, logged: bool = False) -> str:
    """`text` with what looks like a credential replaced by asterisks. `logged`: a line that the user's own program wrote."""
    for pattern in (*_PATTERNS, _NAMED) if logged else _PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text
