"""AWS's wire protocols: which operation a request means, its parameters, and how an output or an error is written back.

The parsing and writing is done by moto's own protocol classes (the server side) and botocore's (the client side). This file only
chooses between them, and adds Smithy RPC v2 CBOR, which CloudWatch clients of other SDKs speak and moto does not.
"""

from __future__ import annotations

import io
import json
import re
import urllib.parse
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from xml.sax.saxutils import escape

import botocore.parsers
import botocore.serialize
import botocore.session
from botocore.model import OperationNotFoundError
from botocore.utils import parse_timestamp
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

from local_aws.control_plane.moto_in_process import HttpAnswer
from local_aws.interfaces import AwsError, JsonObject

CBOR = "smithy-rpc-v2-cbor"
DEFAULT_REGION = "us-east-1"
DEFAULT_ACCESS_KEY = "AKIAEXAMPLE"

_SERVICE_OF_SIGNING_NAME = {
    "monitoring": "cloudwatch",
    "email": "ses",
    "states": "stepfunctions",
    "elasticfilesystem": "efs",
    "elasticmapreduce": "emr",
    "tagging": "resourcegroupstaggingapi",
    "servicediscovery": "servicediscovery",
    "cloudhsm": "cloudhsmv2",
    "es": "opensearch",
}
_ELB_V2_VERSION = "2015-12-01"


@dataclass(frozen=True)
class Target:
    """What a request is about, read off its envelope."""

    service: str
    """botocore's name, or the signing name where botocore knows no such service."""
    action: str | None
    """Operation name; None where it cannot be told (moto then decides)."""
    region: str
    access_key: str
    protocol: str | None
    """The protocol the client speaks; None for services that botocore has no model of."""
    uri_parameters: Mapping[str, Any]


@cache
def _known_services() -> frozenset[str]:
    return frozenset(botocore.session.get_session().get_available_services())


def _credential(environ: Mapping[str, Any], query: Mapping[str, str]) -> tuple[str, str, str | None]:
    """Access key, region and signing name from the SigV4 header or a presigned query."""
    header = str(environ.get("HTTP_AUTHORIZATION", ""))
    _, found, rest = header.partition("Credential=")
    scope = rest.split(",", 1)[0].split() if found else []
    parts = (scope[0] if scope else query.get("X-Amz-Credential", "")).split("/")
    if len(parts) < 5:
        return DEFAULT_ACCESS_KEY, DEFAULT_REGION, None
    return "/".join(parts[:-4]), parts[-3], parts[-2].lower()


def identify(environ: Mapping[str, Any], body: bytes) -> Target:
    """Tell service, operation, region, caller and protocol of a request. Costs no parsing of the parameters."""
    query = dict(urllib.parse.parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True))
    access_key, region, signing_name = _credential(environ, query)
    content_type = str(environ.get("CONTENT_TYPE", ""))
    if content_type.startswith("application/x-www-form-urlencoded"):
        query |= dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    header_target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    path = str(environ.get("PATH_INFO", "/"))
    action: str | None = None
    if header_target:
        action = header_target.rpartition(".")[2]
    elif path.startswith("/service/") and "/operation/" in path:
        action = path.rpartition("/")[2]
    elif "Action" in query:
        action = query["Action"]
    if signing_name is None:
        service = "sts" if action in ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity") else "s3"
    elif signing_name == "elasticloadbalancing":
        service = "elbv2" if query.get("Version") == _ELB_V2_VERSION else "elb"
    else:
        service = _SERVICE_OF_SIGNING_NAME.get(signing_name, signing_name)
    if service not in _known_services():
        return Target(service, action, region, access_key, None, {})
    model = get_service_model(service)
    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        return Target(service, action, region, access_key, CBOR, {})
    if action is not None:
        return Target(service, action, region, access_key, _rpc_protocol(model, content_type), {})
    if str(model.protocol) in ("rest-json", "rest-xml"):
        try:
            operation, uri_parameters = get_service_router(service).match(_request(environ, body))
        except (NotFound, NotImplementedError):
            return Target(service, None, region, access_key, str(model.protocol), {})
        return Target(service, str(operation.name), region, access_key, str(model.protocol), uri_parameters)
    return Target(service, None, region, access_key, str(model.protocol), {})


def _rpc_protocol(model: ServiceModel, content_type: str) -> str:
    supported = model.metadata.get("protocols", [str(model.protocol)])
    if content_type.startswith("application/x-amz-json"):
        return "json"
    for protocol in ("ec2", "query", "json"):
        if protocol in supported:
            return protocol
    return str(model.protocol)


def _request(environ: Mapping[str, Any], body: bytes) -> Request:
    return Request({**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})


def operation_model(service: str, action: str) -> OperationModel | None:
    """The model of an operation, or None for one that this botocore does not know."""
    try:
        return cast(OperationModel, get_service_model(service).operation_model(action))
    except OperationNotFoundError:
        return None


def parse_request(target: Target, operation: OperationModel, environ: Mapping[str, Any], body: bytes) -> JsonObject:
    """The parameters of a request as a boto3 caller would have passed them: timestamps aware, blobs as bytes.

    Raises `AwsError` (SerializationException) for a body that is not what its protocol says.
    """
    try:
        if target.protocol == CBOR:
            return _parse_cbor(operation, body)
        request = _request(environ, body)
        parser = PROTOCOL_PARSERS[str(target.protocol)](operation, timestamp_parser=parse_timestamp)
        parsed = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": dict(target.uri_parameters),
            }
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AwsError("SerializationException", f"The request could not be read as {target.protocol}: {error}") from error
    return dict(parsed or {})


def write_output(target: Target, operation: OperationModel, output: JsonObject) -> HttpAnswer:
    """An operation's output in the client's protocol."""
    request_id = str(uuid.uuid4())
    if target.protocol == CBOR:
        return _cbor_answer(200, _write_cbor(operation, output), request_id)
    serializer_class = get_serializer_class(target.service, str(target.protocol))
    written = serializer_class(operation, context=SerializationContext(request_id)).serialize(output)
    text = written["body"]
    body = text.encode() if isinstance(text, str) else bytes(text)
    headers = [(name, str(value)) for name, value in written["headers"].items()]
    return HttpAnswer(int(written["status_code"]), [*headers, ("x-amzn-RequestId", request_id)], body)


def write_error(target: Target, error: AwsError) -> HttpAnswer:
    """An error in the client's protocol: code, message and HTTP status as given."""
    request_id = str(uuid.uuid4())
    code, message = error.code, error.message
    identity = [("x-amzn-RequestId", request_id)]
    if target.protocol == CBOR:
        return _cbor_answer(error.status, _cbor_error(code, message), request_id)
    if target.protocol in ("json", "rest-json", None):
        body = json.dumps({"__type": code, "message": message}).encode()
        kind = "application/json" if target.protocol == "rest-json" else "application/x-amz-json-1.1"
        return HttpAnswer(error.status, [("Content-Type", kind), ("x-amzn-ErrorType", code), *identity], body)
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if target.protocol == "ec2":
        text = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    elif target.service == "s3":
        text = f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
    else:
        kind = "Sender" if error.status < 500 else "Receiver"
        text = f"<ErrorResponse><Error><Type>{kind}</Type>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    return HttpAnswer(error.status, [("Content-Type", "text/xml"), *identity], f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode())


_ERROR_IN_XML = re.compile(rb"<Code>([^<]+)</Code>")
_ERROR_IN_JSON = re.compile(rb'"(?:__type|code)"\s*:\s*"(?:[^"]*#)?([^"]+)"')


def error_code(answer: HttpAnswer) -> str | None:
    """The code of an error that moto wrote; the HTTP status where it wrote none. None for an answer that is no error."""
    if answer.status < 400:
        return None
    found = _ERROR_IN_XML.search(answer.body) or _ERROR_IN_JSON.search(answer.body)
    return found.group(1).decode() if found else str(answer.status)


# botocore reads CBOR answers and writes CBOR requests; a server does the opposite with the same shapes.


@dataclass(frozen=True)
class _OutputAsInput:
    """An operation whose output is to be written by botocore's request serializer."""

    name: str
    service_model: Any
    input_shape: Any
    metadata: Mapping[str, Any]
    http: Mapping[str, Any]
    has_event_stream_input: bool = False
    has_event_stream_output: bool = False
    endpoint: None = None

    def get_event_stream_input(self) -> None:
        return None


def _parse_cbor(operation: OperationModel, body: bytes) -> JsonObject:
    if not body or operation.input_shape is None:
        return {}
    parser = botocore.parsers.create_parser(CBOR)
    parsed = parser.parse({"status_code": 200, "headers": {}, "body": body}, operation.input_shape)
    parsed.pop("ResponseMetadata", None)
    return dict(parsed)


def _write_cbor(operation: OperationModel, output: JsonObject) -> bytes:
    if operation.output_shape is None:
        return b"\xa0"
    disguised = _OutputAsInput(str(operation.name), operation.service_model, operation.output_shape, operation.metadata, operation.http)
    serializer = botocore.serialize.create_serializer(CBOR, include_validation=False)
    body = serializer.serialize_to_request(output, disguised)["body"]
    return bytes(body) or b"\xa0"


def _cbor_text(text: str) -> bytes:
    raw = text.encode()
    return b"\x79" + len(raw).to_bytes(2, "big") + raw


def _cbor_error(code: str, message: str) -> bytes:
    return b"\xa2" + _cbor_text("__type") + _cbor_text(code) + _cbor_text("message") + _cbor_text(message)


def _cbor_answer(status: int, body: bytes, request_id: str) -> HttpAnswer:
    headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor"), ("x-amzn-RequestId", request_id)]
    return HttpAnswer(status, headers, body)
