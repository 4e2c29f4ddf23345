"""Where a container's output goes: the awslogs driver writes it to CloudWatch Logs, the others keep it on the host, that is nowhere."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.agent.account import Account, sdk_error
from local_aws.agent.roles import ExecutionRole
from local_aws.interfaces import AwsError, StartError

log = logging.getLogger("local_aws.agent")

_PERMISSION_SECONDS = 1.0
"""Real seconds for which the role's answer about PutLogEvents is kept: a busy service writes thousands of lines in that time."""
_ID_LENGTH = 64
_DRIVER_FAILED = "Error response from daemon: failed to initialize logging driver"


@dataclass(frozen=True)
class Destination:
    group: str
    region: str
    stream: str | None
    """None: named after the container's runtime id, which is known once it runs."""
    create_group: bool


def destination(container: Mapping[str, Any], region: str, stream_suffix: str) -> Destination | None:
    """What the `logConfiguration` says; None for drivers that do not write to CloudWatch Logs. Raises StartError for a bad one."""
    configuration = container.get("logConfiguration") or {}
    if configuration.get("logDriver") != "awslogs":
        return None
    options: Mapping[str, str] = configuration.get("options") or {}
    group = options.get("awslogs-group")
    if not group:
        text = f"{_DRIVER_FAILED}: must specify a value for log opt 'awslogs-group'"
        raise StartError("CannotStartContainerError", text)
    prefix = options.get("awslogs-stream-prefix")
    stream = options.get("awslogs-stream") or (f"{prefix}/{container['name']}/{stream_suffix}" if prefix else None)
    return Destination(group, options.get("awslogs-region") or region, stream, options.get("awslogs-create-group", "").lower() == "true")


class LogWriter:
    """Writes lines as log events. Lines that come before the stream has its name wait."""

    def __init__(self, account: Account, role: ExecutionRole, where: Destination) -> None:
        """Raises StartError when the log group is missing or the role may not write to it."""
        self._account = account
        self._role = role
        self._where = where
        self._lock = threading.Lock()
        self._stream: str | None = None
        self._waiting: list[dict[str, Any]] = []
        self._complained = False
        self._denial: str | None = None
        self._denial_until = 0.0
        if where.create_group:
            self._require("logs:CreateLogGroup", f"{self._arn()}:*", "CreateLogGroup", "failed to create Cloudwatch log group")
            account.create_log_group(where.group, where.region)
        if where.stream is not None:
            self.open(where.stream)
        else:  # the container's id is not known yet, but whether it may and can write is
            self._check("0" * _ID_LENGTH)

    def _arn(self) -> str:
        return f"arn:aws:logs:{self._where.region}:{self._account.account}:log-group:{self._where.group}"

    def _require(self, action: str, resource: str, operation: str, what: str) -> None:
        denial = self._role.denial(action, resource)
        if denial is not None:
            error = AwsError("AccessDeniedException", denial)
            raise StartError("CannotStartContainerError", f"{_DRIVER_FAILED}: {what}: {sdk_error('CloudWatch Logs', operation, error)}")

    def open(self, stream: str) -> None:
        """Create the stream, if there is none of this name yet. Raises StartError."""
        if self._stream is not None:
            return
        self._check(stream)
        self._account.create_log_stream(self._where.group, stream, self._where.region)
        with self._lock:
            self._stream = stream
            if self._waiting:
                self._put(stream, self._waiting)
            self._waiting = []

    def _check(self, stream: str) -> None:
        what = "failed to create Cloudwatch log stream"
        self._require("logs:CreateLogStream", f"{self._arn()}:log-stream:{stream}", "CreateLogStream", what)
        if not self._account.has_log_group(self._where.group, self._where.region):
            error = AwsError("ResourceNotFoundException", "The specified log group does not exist.")
            problem = sdk_error("CloudWatch Logs", "CreateLogStream", error)
            raise StartError("CannotStartContainerError", f"{_DRIVER_FAILED}: {what}: {problem}")

    def line(self, line: bytes) -> None:
        """One line of output. As Docker does, an event that CloudWatch refuses is lost, and said so once in our own log."""
        if not line:
            return  # CloudWatch Logs takes no empty message
        event = {"timestamp": int(time.time() * 1000), "message": line.decode(errors="replace")}
        with self._lock:
            if self._stream is None:
                self._waiting.append(event)
            else:
                self._put(self._stream, [event])

    def _put(self, stream: str, events: list[dict[str, Any]]) -> None:
        if time.monotonic() >= self._denial_until:
            self._denial = self._role.denial("logs:PutLogEvents", f"{self._arn()}:log-stream:{stream}")
            self._denial_until = time.monotonic() + _PERMISSION_SECONDS
        problem = self._denial
        if problem is None:
            try:
                self._account.put_log_events(self._where.group, stream, self._where.region, events)
            except AwsError as error:
                problem = error.message
        if problem is not None and not self._complained:
            self._complained = True
            log.warning("output of %s is lost: %s", stream, problem)


def writer(
    container: Mapping[str, Any], account: Account, role: ExecutionRole, stream_suffix: str
) -> tuple[Callable[[bytes], None], Callable[[str], None]]:
    """Two functions for one container: the first takes its lines, the second its runtime id once it has one. Raises StartError."""
    where = destination(container, account.region, stream_suffix)
    if where is None:
        return (lambda _line: None), (lambda _runtime_id: None)
    logs = LogWriter(account, role, where)
    return logs.line, logs.open
