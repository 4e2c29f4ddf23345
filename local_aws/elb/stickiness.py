"""The load balancer's cookies: AWSALB keeps a client with one target, AWSALBTG with one target group."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from local_aws.elb.http1 import Headers, Request, header

TARGET_COOKIE = "AWSALB"
GROUP_COOKIE = "AWSALBTG"


def value_of(name: str) -> str:
    """What stands in a cookie for a target or target group: opaque to the client, the same each time."""
    return hashlib.sha256(name.encode()).hexdigest()


def cookie(request: Request, name: str) -> str | None:
    for part in (header(request.headers, "cookie") or "").replace(",", ";").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return None


def chosen(request: Request, cookie_name: str, names: Iterable[str]) -> str | None:
    """Which of the names the client's cookie stands for."""
    value = cookie(request, cookie_name)
    return next((name for name in names if value is not None and value_of(name) == value), None)


def set_cookie(cookie_name: str, name: str, seconds: int) -> Headers:
    """The pair of Set-Cookie headers that an ALB sends: the second is for cross-origin requests."""
    expires = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    value = value_of(name)
    return [
        ("Set-Cookie", f"{cookie_name}={value}; Expires={expires}; Path=/"),
        ("Set-Cookie", f"{cookie_name}CORS={value}; Expires={expires}; Path=/; SameSite=None"),
    ]
