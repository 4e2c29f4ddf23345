"""Public SSM parameters of ECS-optimised images: JSON where AWS has JSON, ARNs of no account, and Bottlerocket's images."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from typing import Any

from moto.backends import get_backend

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import AwsError, Call, JsonObject

_BOTTLEROCKET = re.compile(r"/aws/service/bottlerocket/(aws-ecs-[12])/(x86_64|arm64)/(latest|\d+\.\d+\.\d+)/(image_id|image_version)")
_BOTTLEROCKET_VERSION = "1.49.0"
_BOTTLEROCKET_OWNER = "amazon"


def install(api: AwsApi) -> None:
    @api.on("ssm", "GetParameter")
    def get(call: Call) -> JsonObject:
        name = str(call.params["Name"])
        if _BOTTLEROCKET.fullmatch(name):
            return {"Parameter": _bottlerocket(api, call, name)}
        answer = call.upstream(call.params)
        return {**answer, "Parameter": _as_on_aws(answer["Parameter"])}

    @api.on("ssm", "GetParameters")
    def get_several(call: Call) -> JsonObject:
        ours = [name for name in call.params["Names"] if _BOTTLEROCKET.fullmatch(name)]
        rest = [name for name in call.params["Names"] if name not in ours]
        answer = call.upstream({**call.params, "Names": rest}) if rest else {"Parameters": [], "InvalidParameters": []}
        found = [_as_on_aws(parameter) for parameter in answer["Parameters"]]
        return {**answer, "Parameters": [*found, *(_bottlerocket(api, call, name) for name in ours)]}

    @api.on("ssm", "GetParametersByPath")
    def get_by_path(call: Call) -> JsonObject:
        answer = call.upstream(call.params)
        return {**answer, "Parameters": [_as_on_aws(parameter) for parameter in answer["Parameters"]]}


def _as_on_aws(parameter: JsonObject) -> JsonObject:
    name = parameter["Name"]
    if not name.startswith("/aws/service/"):
        return parameter
    value = parameter["Value"]
    if value.startswith("{'"):
        # moto writes Python's notation of the document.
        value = json.dumps(ast.literal_eval(value), separators=(",", ":"))
    region = parameter["ARN"].split(":")[3]
    return {**parameter, "Value": value, "ARN": f"arn:aws:ssm:{region}::parameter{name}"}


def _bottlerocket(api: AwsApi, call: Call, name: str) -> JsonObject:
    found = _BOTTLEROCKET.fullmatch(name)
    if found is None:
        raise AwsError("ParameterNotFound", f"Parameter {name} not found.")
    variant, architecture, _, attribute = found.groups()
    value = _BOTTLEROCKET_VERSION if attribute == "image_version" else _bottlerocket_image(api, call, variant, architecture)
    return {
        "Name": name,
        "Type": "String",
        "Value": value,
        "Version": 1,
        "ARN": f"arn:aws:ssm:{call.region}::parameter{name}",
        "DataType": "text",
    }


def _bottlerocket_image(api: AwsApi, call: Call, variant: str, architecture: str) -> str:
    """The id of the image, which DescribeImages shows from then on. moto has no Bottlerocket image of its own."""
    image_id = "ami-" + hashlib.sha256(f"bottlerocket {variant} {architecture} {call.region}".encode()).hexdigest()[:17]
    with api.moto.lock:
        backend: Any = get_backend("ec2")[call.account][call.region]
        if image_id not in backend.amis:
            # A second of work, which the start of local_aws need not wait for.
            from moto.ec2.models.amis import Ami

            backend.amis[image_id] = Ami(
                backend,
                image_id,
                name=f"bottlerocket-{variant}-{architecture}-v{_BOTTLEROCKET_VERSION}",
                description=f"bottlerocket-{variant}-{architecture}-v{_BOTTLEROCKET_VERSION}",
                owner_alias=_BOTTLEROCKET_OWNER,
                public=True,
                virtualization_type="hvm",
                architecture=architecture,
                root_device_name="/dev/xvda",
                root_device_type="ebs",
                region_name=call.region,
            )
    return image_id
