# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which values of an environment look like secrets, and so are never shown."""

from __future__ import annotations

import re

MASK = "********"

_SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase)?($|_)|secret|token|api_?key|access_?key|private_?key|credential|auth($|_)|signing_?key|encryption_?key)",
    re.IGNORECASE,
)
# Names that end in these point at a secret and do not hold one.
_POINTER_NAME = re.compile(r"(_arn|_id|_name|_path|_file|_url|_endpoint|_ttl|_expiry|_timeout)$", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(AKIA|ASIA)[0-9A-Z]{16}\b|://[^/\s:@]+:[^/\s@]+@|\bgh[pousr]_[0-9A-Za-z]{20,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.)"
)


def looks_secret(name: str, value: str) -> bool:
    if not value:
        return False
    if _SECRET_VALUE.search(value):
        return True
    return bool(_SECRET_NAME.search(name)) and not _POINTER_NAME.search(name)
