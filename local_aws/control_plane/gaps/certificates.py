"""ACM issues a certificate once its validation records are in Route 53, and not before, and with a key of the kind that was asked for."""

from __future__ import annotations

import sys
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import AwsError, Call, JsonObject

_CURVES: dict[str, ec.EllipticCurve] = {"EC_prime256v1": ec.SECP256R1(), "EC_secp384r1": ec.SECP384R1(), "EC_secp521r1": ec.SECP521R1()}


def install(api: AwsApi) -> None:
    @api.on("acm", "RequestCertificate")
    def request(call: Call) -> JsonObject:
        """moto has an RSA key for every certificate. What DescribeCertificate says of it is read off the key."""
        answer = call.upstream(call.params)
        curve = _CURVES.get(str(call.params.get("KeyAlgorithm")))
        if curve is not None:
            _certificates(call)[answer["CertificateArn"]]._key = ec.generate_private_key(curve)  # noqa: SLF001 - moto has no option for it
        return answer

    @api.on("acm", "DescribeCertificate", "ListCertificates")
    def read(call: Call) -> JsonObject:
        """moto issues every certificate a minute after its request, whatever is in DNS."""
        _issue_what_is_validated(api, call)
        return call.upstream(call.params)

    @api.on("elbv2", "CreateListener", "ModifyListener", "AddListenerCertificates")
    def use(call: Call) -> JsonObject:
        """A listener takes a certificate of ACM only when it is issued (ELB API reference, UnsupportedCertificate)."""
        for item in call.params.get("Certificates") or []:
            certificate = _certificates(call).get(item.get("CertificateArn"))
            if certificate is not None:
                _issue_what_is_validated(api, call)
                if certificate.status != "ISSUED":
                    raise AwsError(
                        "UnsupportedCertificate",
                        f"The certificate '{certificate.arn}' must have a fully-qualified domain name, a supported signature, "
                        "and a supported key size.",
                    )
        return call.upstream(call.params)


def _certificates(call: Call) -> dict[str, Any]:
    # moto's package takes a moment to import, so this waits until it is needed.
    from moto import settings
    from moto.backends import get_backend

    settings.ACM_VALIDATION_WAIT = sys.maxsize
    found: dict[str, Any] = get_backend("acm")[call.account][call.region]._certificates  # noqa: SLF001 - moto has no other way to them
    return found


def _issue_what_is_validated(api: AwsApi, call: Call) -> None:
    waiting = [item for item in _certificates(call).values() if item.type == "AMAZON_ISSUED" and item.status == "PENDING_VALIDATION"]
    if not waiting:
        return
    known = _public_records(api, call)
    for certificate in waiting:
        options = certificate.describe()["Certificate"]["DomainValidationOptions"]
        records = [option["ResourceRecord"] for option in options]
        if all((item["Name"], item["Type"], item["Value"]) in known for item in records):
            certificate.status = "ISSUED"


def _public_records(api: AwsApi, call: Call) -> set[tuple[str, str, str]]:
    """Name, type and value of every record in the public hosted zones of the account."""
    found: set[tuple[str, str, str]] = set()
    for zone in api.ask("route53", "ListHostedZones", {}, call.account, call.region)["HostedZones"]:
        if (zone.get("Config") or {}).get("PrivateZone"):
            continue
        identifier = zone["Id"].rsplit("/", 1)[-1]
        answer = api.ask("route53", "ListResourceRecordSets", {"HostedZoneId": identifier}, call.account, call.region)
        for item in answer["ResourceRecordSets"]:
            found.update((item["Name"], item["Type"], value["Value"]) for value in item.get("ResourceRecords", []))
    return found
