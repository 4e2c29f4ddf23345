"""The front door of the AWS APIs: a request goes to the handler that a room has put in for its operation, else to moto."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from local_aws.clock import Clock
from local_aws.control_plane import wire
from local_aws.control_plane.calls import CallLog
from local_aws.control_plane.moto_in_process import HttpAnswer, Moto
from local_aws.control_plane.upstream import ask_moto, model_of
from local_aws.interfaces import AwsError, Call, Handler, JsonObject

log = logging.getLogger("local_aws.api")

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class AwsApi:
    """Implements the `Api` door, and is the WSGI application for every AWS request."""

    def __init__(self, moto: Moto, clock: Clock) -> None:
        self.moto = moto
        self.calls = CallLog()
        self._clock = clock
        self._handlers: dict[tuple[str, str], Handler] = {}

    def on(self, service: str, *actions: str) -> Callable[[Handler], Handler]:
        """Decorator: this function answers these actions in place of moto.

        A later function for the same action goes before the earlier one, and its `Call.upstream` asks that one. The names are
        checked by `verify`, as the service models take longer to read than a start may.
        """

        def put(handler: Handler) -> Handler:
            for action in actions:
                earlier = self._handlers.get((service, action))
                self._handlers[service, action] = handler if earlier is None else _stacked(handler, earlier)
            return handler

        return put

    def verify(self) -> None:
        """Raises botocore's `OperationNotFoundError` where a handler stands for an action that its service does not have."""
        for service, action in list(self._handlers):
            model_of(service, action)

    def ask(self, service: str, action: str, params: JsonObject, account: str, region: str) -> JsonObject:
        """Make a call from inside, answered as a client's would be (handlers first). It is not recorded. Raises `AwsError`."""
        return self._answer(service, action, params, account, region, wire.DEFAULT_ACCESS_KEY)

    def record(self, service: str, action: str, account: str, region: str, access_key: str, params: JsonObject, status: int) -> None:
        """Write down a call that came in by another door, for which AWS asks for the permission of that action."""
        self.calls.add(self._clock.now(), service, action, account, region, access_key, params, status, None)

    def _answer(self, service: str, action: str, params: JsonObject, account: str, region: str, access_key: str) -> JsonObject:
        model = model_of(service, action)

        def upstream(changed: JsonObject) -> JsonObject:
            return ask_moto(self.moto, model, changed, account, region, access_key)

        handler = self._handlers.get((service, action))
        if handler is None:
            return upstream(params)
        return handler(Call(service, action, account, region, access_key, params, upstream))

    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        target = wire.identify(environ, body)
        account = self.moto.account_of(target.access_key)
        answer, params, error = self._serve(target, account, environ, body)
        self.calls.add(
            self._clock.now(),
            target.service,
            target.action,
            account,
            target.region,
            target.access_key,
            params,
            answer.status,
            error,
            str(environ.get("HTTP_USER_AGENT", "")),
        )
        headers = [(name, value) for name, value in answer.headers if name.lower() not in _HOP_BY_HOP]
        if environ.get("REQUEST_METHOD") == "HEAD":
            declared = next((value for name, value in answer.headers if name.lower() == "content-length"), str(len(answer.body)))
            start_response(_status_line(answer.status), [*headers, ("Content-Length", declared)])
            return [b""]
        start_response(_status_line(answer.status), [*headers, ("Content-Length", str(len(answer.body)))])
        return [answer.body]

    def _serve(
        self, target: wire.Target, account: str, environ: Mapping[str, Any], body: bytes
    ) -> tuple[HttpAnswer, JsonObject, str | None]:
        params: JsonObject = {}
        try:
            operation = wire.operation_model(target.service, target.action) if target.protocol and target.action else None
            if operation is not None and target.service != "s3":
                params = wire.parse_request(target, operation, environ, body)
            handled = (target.service, target.action) in self._handlers or target.protocol == wire.CBOR
            if operation is not None and handled:
                output = self._answer(target.service, str(target.action), params, account, target.region, target.access_key)
                return wire.write_output(target, operation, output), params, None
            answer = self.moto.request(environ, body)
            return answer, params, wire.error_code(answer)
        except AwsError as error:
            return wire.write_error(target, error), params, error.code
        except NotImplementedError as error:
            missing = AwsError("NotImplemented", f"local_aws and moto have no {target.service}:{target.action}. {error}", 501)
            return wire.write_error(target, missing), params, missing.code
        except Exception as error:
            log.error("%s:%s failed\n%s", target.service, target.action, traceback.format_exc())
            broken = AwsError("InternalFailure", f"{target.service}:{target.action} failed inside local_aws: {error!r}", 500)
            return wire.write_error(target, broken), params, broken.code


_HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive"})


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Status"


def _stacked(handler: Handler, earlier: Handler) -> Handler:
    def stacked(call: Call) -> JsonObject:
        def upstream(params: JsonObject) -> JsonObject:
            return earlier(Call(call.service, call.action, call.account, call.region, call.access_key, params, call.upstream))

        return handler(Call(call.service, call.action, call.account, call.region, call.access_key, call.params, upstream))

    return stacked
