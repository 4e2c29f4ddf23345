"""The record of API calls: what was asked, by whom, how it ended. Tests read from it which permissions a run really needs."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from local_aws.interfaces import JsonObject

KEPT_CALLS = 50_000
LONGEST_VALUE = 512
"""Characters of one recorded string parameter: enough for every ARN, too short for a policy or a payload."""
_SECRET_NAMES = frozenset({"SecretString", "Password", "MasterUserPassword"})
_HIDDEN = "<secret>"
# Names that are secret in one call only: a tag has a Value too.
_SECRETS_OF_CALLS = {("ssm", "PutParameter"): "Value"}


@dataclass(frozen=True)
class RecordedCall:
    time: str
    service: str
    action: str | None
    account: str
    region: str
    access_key: str
    params: JsonObject
    status: int
    error: str | None
    user_agent: str


class CallLog:
    """The latest calls, oldest first. Values of secrets and parameters are left out."""

    def __init__(self) -> None:
        self._calls: deque[RecordedCall] = deque(maxlen=KEPT_CALLS)
        self._lock = threading.Lock()

    def add(
        self,
        when: datetime,
        service: str,
        action: str | None,
        account: str,
        region: str,
        access_key: str,
        params: JsonObject,
        status: int,
        error: str | None,
        user_agent: str = "",
    ) -> None:
        secret = _SECRETS_OF_CALLS.get((service, str(action)))
        shown = {**params, secret: _HIDDEN} if secret in params else params
        call = RecordedCall(when.isoformat(), service, action, account, region, access_key, _short(shown), status, error, user_agent)
        with self._lock:
            self._calls.append(call)

    def listed(self) -> list[JsonObject]:
        with self._lock:
            return [asdict(call) for call in self._calls]

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()


def _short(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _short(item, key) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(item) for item in value]
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        if name in _SECRET_NAMES:
            return _HIDDEN
        return value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "…"
    if isinstance(value, (int, float, bool)) or value is None:
        return value
    return f"<{type(value).__name__}>"
