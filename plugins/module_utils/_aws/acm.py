# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Certificate Manager: one function per API call, plain data out."""

from __future__ import annotations

import typing as t

from .failures import error_code

# Without these, ListCertificates leaves out every certificate that is not RSA with 1024 or 2048 bits (API reference, Filters).
_KEY_TYPES = ["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]


def list_certificates(client: t.Any, statuses: list[str]) -> list[dict[str, t.Any]]:
    """The summaries of all certificates in one of these statuses."""
    pages = client.get_paginator("list_certificates").paginate(CertificateStatuses=statuses, Includes={"keyTypes": _KEY_TYPES})
    return [dict(item) for page in pages for item in page.get("CertificateSummaryList", [])]


def describe_certificate(client: t.Any, arn: str) -> dict[str, t.Any] | None:
    try:
        return dict(client.describe_certificate(CertificateArn=arn)["Certificate"])
    except Exception as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise


def certificate_tags(client: t.Any, arn: str) -> dict[str, str]:
    answer = client.list_tags_for_certificate(CertificateArn=arn)
    return {tag["Key"]: tag.get("Value", "") for tag in answer.get("Tags", [])}


def request_certificate(client: t.Any, request: dict[str, t.Any]) -> str:
    """The ARN of the certificate that was requested."""
    return str(client.request_certificate(**request)["CertificateArn"])


def tag_certificate(client: t.Any, arn: str, tags: dict[str, str]) -> None:
    client.add_tags_to_certificate(CertificateArn=arn, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])


def delete_certificate(client: t.Any, arn: str) -> None:
    client.delete_certificate(CertificateArn=arn)
