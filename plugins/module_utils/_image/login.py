# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a registry that is not ECR lets one in: anonymously, by name and password, or with a token that it sends one for."""

from __future__ import annotations

import base64
import json
import re
import typing as t
import urllib.parse

from .errors import ImageError
from .transport import Connections, is_loopback


class Login:
    """Answers the challenges of one registry for reading one repository."""

    def __init__(self, connections: Connections, repository: str, username: str = "", password: str = "") -> None:
        self._connections = connections
        self._repository = repository
        self._basic = ""
        if username:
            self._basic = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

    def answer(self, challenge: str) -> str | None:
        """The Authorization header for a WWW-Authenticate header (RFC 9110; distribution's token specification). Raises `ImageError`."""
        scheme, _space, rest = challenge.strip().partition(" ")
        if scheme.lower() != "bearer":
            return self._basic or None
        fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        realm = fields.get("realm", "")
        parts = urllib.parse.urlsplit(realm)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ImageError(f"The registry sends for tokens to {realm!r}, which is not protected by TLS.")
        query = {"scope": f"repository:{self._repository}:pull"}
        if fields.get("service"):
            query["service"] = fields["service"]
        url = f"{realm}{'&' if parts.query else '?'}{urllib.parse.urlencode(query)}"
        answer = self._connections.request("GET", url, {"Authorization": self._basic} if self._basic else {})
        if answer.status != 200:
            raise ImageError(f"{parts.netloc} gave no token for {self._repository}: HTTP {answer.status}.", _hint(bool(self._basic)))
        try:
            data = json.loads(answer.body)
            token: t.Any = data.get("token") or data.get("access_token")
        except (ValueError, AttributeError, RecursionError) as exc:
            raise ImageError(f"{parts.netloc} answered with something else than a token for {self._repository}.") from exc
        if not isinstance(token, str) or not token.isprintable():
            raise ImageError(f"{parts.netloc} answered with something else than a token for {self._repository}.")
        return f"Bearer {token}"


def _hint(given: bool) -> str:
    return "Check source_username and source_password." if given else "Pass source_username and source_password if the image is not public."
