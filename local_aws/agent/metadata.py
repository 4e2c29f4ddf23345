"""The address 169.254.170.2, where a task finds what it is and the credentials of its role (ECS: task metadata endpoint version 4)."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

from local_aws.interfaces import JsonObject

ADDRESS = "169.254.170.2"
PORT = 80
_CREDENTIAL_HOURS = 6

Answer = Callable[[str], JsonObject | None]
"""The document at a path, None where there is none."""


def serve(connection: socket.socket, answer: Answer) -> None:
    """Answer the HTTP requests of one connection."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            document = answer(self.path.partition("?")[0].rstrip("/"))
            body = json.dumps(
                {"code": "NotFound", "message": "unable to find what was asked for"} if document is None else document
            ).encode()
            self.send_response(404 if document is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the name is http.server's
            """Requests of tasks are no news."""

    try:
        Handler(connection, ("", 0), None)  # type: ignore[arg-type]  # a server is only asked by the parts we replace
    except OSError:  # the task hung up
        return


def credentials(role_arn: str) -> JsonObject:
    """Keys for the role. They are made up: local_aws takes any."""
    expiration = datetime.now(UTC) + timedelta(hours=_CREDENTIAL_HOURS)
    return {
        "RoleArn": role_arn,
        "AccessKeyId": f"ASIA{secrets.token_hex(8).upper()}",
        "SecretAccessKey": secrets.token_hex(20),
        "Token": secrets.token_hex(40),
        "Expiration": f"{expiration:%Y-%m-%dT%H:%M:%SZ}",
    }
