# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request, for a verb that looks at a service from outside. Nothing of AWS, and nothing that decides."""

from __future__ import annotations

import http.client
import urllib.parse

_MOST_BYTES = 65536


def get(url: str, timeout: float) -> tuple[int, bytes]:
    """Status and the beginning of the body, over a connection of its own. Redirects are not followed.

    `timeout` is in seconds. Raises OSError or http.client.HTTPException when there is no answer.
    """
    parts = urllib.parse.urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=timeout)
    try:
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        connection.request("GET", target, headers={"User-Agent": "steadystate.ecs", "Accept": "application/json", "Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST_BYTES)
    finally:
        connection.close()
