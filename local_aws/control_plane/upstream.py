"""Has moto answer an operation from parameters, as a boto3 client would ask it, but without leaving the process."""

from __future__ import annotations

import urllib.parse
from typing import Any, cast

import botocore.parsers
import botocore.serialize
from botocore.awsrequest import HeadersDict
from moto.core.model import OperationModel
from moto.core.utils import get_service_model

from local_aws.control_plane.moto_in_process import Moto
from local_aws.interfaces import AwsError, JsonObject

_PROTOCOLS_OF_MOTO = ("json", "rest-json", "rest-xml", "ec2", "query")


def _protocol(operation: OperationModel) -> str:
    model = operation.service_model
    supported = model.metadata.get("protocols", [str(model.protocol)])
    return next(protocol for protocol in _PROTOCOLS_OF_MOTO if protocol in supported)


def ask_moto(moto: Moto, operation: OperationModel, params: JsonObject, account: str, region: str, access_key: str) -> JsonObject:
    """The operation's output from moto. Raises `AwsError` with moto's code, message and status."""
    protocol = _protocol(operation)
    request = botocore.serialize.create_serializer(protocol, include_validation=False).serialize_to_request(params, operation)
    body = request["body"]
    if isinstance(body, dict):
        body = urllib.parse.urlencode(body, doseq=True)
    raw = body.encode() if isinstance(body, str) else bytes(body or b"")
    query = request["query_string"]
    if not isinstance(query, str):
        query = urllib.parse.urlencode(query, doseq=True)
    path, _, path_query = request["url_path"].partition("?")
    query = "&".join(part for part in (path_query, query) if part)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": urllib.parse.unquote(path),
        "RAW_URI": path + (f"?{query}" if query else ""),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "HTTP_HOST": "127.0.0.1",
        "HTTP_X_MOTO_ACCOUNT_ID": account,
        "HTTP_AUTHORIZATION": (
            f"AWS4-HMAC-SHA256 Credential={access_key}/20260101/{region}/{operation.service_model.signing_name}/aws4_request, "
            "SignedHeaders=host, Signature=0"
        ),
    }
    for name, value in request["headers"].items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    answer = moto.request(environ, raw)
    parser = botocore.parsers.create_parser(protocol)
    parsed = parser.parse(
        {"status_code": answer.status, "headers": HeadersDict(answer.headers), "body": answer.body}, operation.output_shape
    )
    metadata = parsed.pop("ResponseMetadata", {})
    if answer.status >= 300:
        error = parsed.get("Error", {})
        status = int(metadata.get("HTTPStatusCode", answer.status))
        raise AwsError(str(error.get("Code", "InternalFailure")), str(error.get("Message", "")), status)
    return dict(parsed)


def model_of(service: str, action: str) -> OperationModel:
    """The model of an operation this process itself asks for. Raises botocore's `OperationNotFoundError` for a name that is none."""
    return cast(OperationModel, get_service_model(service).operation_model(action))
