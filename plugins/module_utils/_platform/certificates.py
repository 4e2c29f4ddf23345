# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates with validation by DNS: which one is ours, and what its records have to be. Pure."""

from __future__ import annotations

import typing as t

from .names import canonical

Data = dict[str, t.Any]

USABLE = ["ISSUED", "PENDING_VALIDATION"]
"""What is worth finding again. A certificate that failed or ran out of time can never be issued: another one is requested."""


def all_names(domain_name: str, alternatives: list[str]) -> list[str]:
    """Every name of the certificate once, the main one first, as ACM writes them."""
    return list(dict.fromkeys(name.lower().rstrip(".") for name in [domain_name, *alternatives]))


def matches(certificate: Data, names: list[str], key_algorithm: str) -> bool:
    """Whether this is a certificate of ACM's own for exactly these names, with this kind of key."""
    return (
        certificate.get("Type") == "AMAZON_ISSUED"
        and certificate.get("Status") in USABLE
        and certificate.get("DomainName") == names[0]
        and {names[0], *certificate.get("SubjectAlternativeNames", [])} == set(names)
        # Describe spells what Request takes as RSA_2048 in either way.
        and str(certificate.get("KeyAlgorithm", key_algorithm)).replace("-", "_") == key_algorithm
        and all(option.get("ValidationMethod", "DNS") == "DNS" for option in certificate.get("DomainValidationOptions", []))
    )


def is_ours(found: dict[str, str], wanted: dict[str, str]) -> bool:
    """False for tags that say that a certificate belongs to somebody else, such as another environment."""
    return all(found[key] == value for key, value in wanted.items() if key in found)


def best(certificates: list[Data]) -> Data | None:
    """Of several, one that is issued, and of those the one that holds the longest."""
    return max(certificates, key=lambda item: (item["Status"] == "ISSUED", str(item.get("NotAfter", ""))), default=None)


def validation_records(certificate: Data) -> dict[str, Data] | None:
    """The records that ACM wants to see, by their name, or None while it has not thought of them all.

    A wildcard and the name it is over share one record.
    """
    options = certificate.get("DomainValidationOptions") or []
    if not options or not all(option.get("ResourceRecord") for option in options):
        return None
    return {
        canonical(option["ResourceRecord"]["Name"]): {
            "domain": option["DomainName"],
            "type": option["ResourceRecord"]["Type"],
            "value": option["ResourceRecord"]["Value"],
        }
        for option in options
    }


def holds(found: Data | None, wanted: Data) -> bool:
    """Whether a record set of Route 53 says what ACM wants to read."""
    values = [item["Value"] for item in (found or {}).get("ResourceRecords", [])]
    return [canonical(value) for value in values] == [canonical(wanted["value"])]
