"""The WSGI side of the hands: routes, JSON in and out, errors with a hint."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from local_aws.interfaces import JsonObject

Route = Callable[[JsonObject], Any]


class BadRequest(Exception):
    """A request that names nothing or lacks something; the text says what to send."""


@dataclass(frozen=True)
class Hand:
    method: str
    path: str
    summary: str
    """One line for the index, with the parameters in it."""
    run: Route


class Hands:
    """WSGI application. Parameters come as a JSON object in the body or in the query string; answers are JSON."""

    def __init__(self) -> None:
        self._hands: dict[tuple[str, str], Hand] = {}

    def add(self, method: str, path: str, summary: str, run: Route) -> None:
        self._hands[method, path] = Hand(method, path, summary, run)

    def index(self) -> str:
        rows = [f"{hand.method:<7}{hand.path:<34}{hand.summary}" for hand in self._hands.values()]
        return "\n".join(["local_aws: AWS on one machine", "", *rows, ""])

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, kind, body = self._serve(environ)
        start_response(f"{status.value} {status.phrase}", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _serve(self, environ: dict[str, Any]) -> tuple[HTTPStatus, str, bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].rstrip("/")
        if path == "/_local":
            return HTTPStatus.OK, "text/plain; charset=utf-8", self.index().encode()
        hand = self._hands.get((method, path))
        if hand is None:
            known = [other for other, known_path in self._hands if known_path == path]
            text = f"{path} takes {', '.join(known)}." if known else f"{path} is not known. GET /_local/ lists what is."
            return _json(HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND, {"error": text})
        try:
            return _json(HTTPStatus.OK, hand.run(_parameters(environ)))
        except BadRequest as error:
            return _json(HTTPStatus.BAD_REQUEST, {"error": str(error)})


def _parameters(environ: dict[str, Any]) -> JsonObject:
    given: JsonObject = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    body = environ["wsgi.input"].read()
    if body:
        try:
            sent = json.loads(body)
        except ValueError as error:
            raise BadRequest(f"The body is not JSON: {error}") from error
        if not isinstance(sent, dict):
            raise BadRequest("The body must be a JSON object.")
        given |= sent
    return given


def _json(status: HTTPStatus, value: Any) -> tuple[HTTPStatus, str, bytes]:
    return status, "application/json", (json.dumps(value, default=str, indent=1) + "\n").encode()
