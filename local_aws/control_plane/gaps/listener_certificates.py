"""Certificates of a listener besides its default one: they outlive a change of it, are there once each, and DescribeListeners has none.

moto keeps them all in one list, the default one first.
"""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import AwsError, Call, JsonObject


def install(api: AwsApi) -> None:
    @api.on("elbv2", "CreateListener", "DescribeListeners")
    def only_the_default_one(call: Call) -> JsonObject:
        return _shortened(call.upstream(call.params))

    @api.on("elbv2", "ModifyListener")
    def modify(call: Call) -> JsonObject:
        _default, others = _certificates(call)
        answer = call.upstream(call.params)
        listener = _listener(call)
        listener.certificates = [listener.certificate, *others] if listener.protocol == "HTTPS" else []
        return _shortened(answer)

    @api.on("elbv2", "AddListenerCertificates")
    def add(call: Call) -> JsonObject:
        """One that is there already is no error, one that is nowhere is (ELB API reference, AddListenerCertificates)."""
        _default, others = _certificates(call)
        named = [item["CertificateArn"] for item in call.params["Certificates"]]
        for arn in named:
            if not _backend(call)._certificate_exists(certificate_arn=arn):  # noqa: SLF001 - moto asks this for the default one only
                raise AwsError("CertificateNotFound", f"Certificate '{arn}' not found")
        return call.upstream({**call.params, "Certificates": [{"CertificateArn": arn} for arn in named if arn not in others]})

    @api.on("elbv2", "RemoveListenerCertificates")
    def remove(call: Call) -> JsonObject:
        """The default one stays, whatever is removed from the list."""
        default, others = _certificates(call)
        named = [item["CertificateArn"] for item in call.params["Certificates"]]
        _listener(call).certificates = default + [arn for arn in others if arn not in named]
        return {}


def _backend(call: Call) -> Any:
    return get_backend("elbv2")[call.account][call.region]


def _listener(call: Call) -> Any:
    found = _backend(call).describe_listeners(load_balancer_arn=None, listener_arns=[call.params["ListenerArn"]])
    if not found:
        raise AwsError("ListenerNotFound", "One or more listeners not found")
    return found[0]


def _certificates(call: Call) -> tuple[list[str], list[str]]:
    """The default one, if there is one, and the others."""
    found = _listener(call).certificates
    return list(found[:1]), list(found[1:])


def _shortened(answer: JsonObject) -> JsonObject:
    for listener in answer.get("Listeners", []):
        if listener.get("Certificates"):
            listener["Certificates"] = listener["Certificates"][:1]
    return answer
