# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names in DNS, the zones that hold them, and the certificates for them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._platform import certificates, names

ZONES = [
    {"Id": "/hostedzone/ZCOM", "Name": "example.com.", "Config": {"PrivateZone": False}},
    {"Id": "/hostedzone/ZSHOP", "Name": "shop.example.com.", "Config": {"PrivateZone": False}},
    {"Id": "/hostedzone/ZIN", "Name": "api.shop.example.com.", "Config": {"PrivateZone": True}},
]


@pytest.mark.parametrize("name", ["example.com", "*.example.com", "a-b.Example.COM.", "_x.example.com", "1.example.com"])
def test_names(name: str) -> None:
    assert names.name_fault(name) == ""


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("localhost", "has no dot"),
        ("a.*.example.com", "because of '*'"),
        ("-a.example.com", "because of '-a'"),
        ("a..example.com", "because of ''"),
        ("http://example.com", "because of 'http://example'"),
        (f"{'a' * 64}.example.com", "because of 'aaa"),
        (".".join(["a" * 60] * 5), "longer than the 253"),
    ],
)
def test_what_is_no_name_is_said_to_be_none(name: str, fault: str) -> None:
    assert fault in names.name_fault(name)


@pytest.mark.parametrize(
    ("name", "wanted", "expected"),
    [
        ("example.com", None, "ZCOM"),
        ("www.example.com", None, "ZCOM"),
        ("WWW.shop.example.com.", None, "ZSHOP"),
        # A private zone answers inside a VPC only; it is used when its ID says so, and never by chance.
        ("api.shop.example.com", None, "ZSHOP"),
        ("api.shop.example.com", "ZIN", "ZIN"),
        ("api.shop.example.com", "api.shop.example.com", None),
        ("api.shop.example.com", "example.com", "ZCOM"),
        ("other.org", None, None),
        ("notexample.com", None, None),
        ("other.org", "ZCOM", None),
    ],
)
def test_the_zone_of_a_name_is_the_longest_public_one(name: str, wanted: str | None, expected: str | None) -> None:
    zone = names.zone_for(name, ZONES, wanted)
    assert (names.zone_id(zone) if zone else None) == expected


ALIAS = {"AliasTarget": {"DNSName": "LB.elb.amazonaws.com.", "HostedZoneId": "Z1", "EvaluateTargetHealth": False}}


@pytest.mark.parametrize(
    ("found", "same"),
    [
        (ALIAS, True),
        (None, False),
        ({"ResourceRecords": [{"Value": "10.0.0.1"}]}, False),
        ({"AliasTarget": {**ALIAS["AliasTarget"], "HostedZoneId": "Z2"}}, False),
        ({"AliasTarget": {**ALIAS["AliasTarget"], "EvaluateTargetHealth": True}}, False),
        ({"AliasTarget": {**ALIAS["AliasTarget"], "DNSName": "other.elb.amazonaws.com."}}, False),
    ],
)
def test_an_alias_is_compared_without_its_spelling(found: dict[str, t.Any] | None, same: bool) -> None:
    assert names.same_alias(found, "lb.elb.amazonaws.com", "Z1", False) is same


CERTIFICATE = {
    "Type": "AMAZON_ISSUED",
    "Status": "ISSUED",
    "DomainName": "example.com",
    "SubjectAlternativeNames": ["*.example.com", "example.com"],
    "KeyAlgorithm": "RSA-2048",
    "DomainValidationOptions": [{"DomainName": "example.com", "ValidationMethod": "DNS"}],
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"Status": "PENDING_VALIDATION"}, True),
        ({"Status": "FAILED"}, False),
        ({"Status": "EXPIRED"}, False),
        ({"Type": "IMPORTED"}, False),
        ({"DomainName": "other.com"}, False),
        ({"SubjectAlternativeNames": ["example.com"]}, False),
        ({"SubjectAlternativeNames": ["*.example.com", "example.com", "more.example.com"]}, False),
        ({"KeyAlgorithm": "EC_prime256v1"}, False),
        ({"DomainValidationOptions": [{"DomainName": "example.com", "ValidationMethod": "EMAIL"}]}, False),
    ],
)
def test_only_a_certificate_for_exactly_these_names_is_taken_for_ours(change: dict[str, t.Any], expected: bool) -> None:
    wanted = certificates.all_names("Example.com", ["*.example.com", "example.com"])
    assert wanted == ["example.com", "*.example.com"]
    assert certificates.matches({**CERTIFICATE, **change}, wanted, "RSA_2048") is expected


@pytest.mark.parametrize(
    ("found", "ours"),
    [({}, True), ({"environment": "dev"}, True), ({"environment": "prod"}, False), ({"environment": "dev", "team": "x"}, True)],
)
def test_the_certificate_of_another_environment_is_not_ours(found: dict[str, str], ours: bool) -> None:
    assert certificates.is_ours(found, {"environment": "dev", "project": "shop"}) is ours


def test_of_several_certificates_the_issued_one_that_holds_longest_is_used() -> None:
    pending = {"CertificateArn": "p", "Status": "PENDING_VALIDATION"}
    old, new = ({"CertificateArn": year, "Status": "ISSUED", "NotAfter": f"{year}-01-01"} for year in ("2027", "2028"))
    assert certificates.best([pending, new, old]) is new
    assert certificates.best([pending]) is pending
    assert certificates.best([]) is None


def _option(domain: str, record: dict[str, str] | None) -> dict[str, t.Any]:
    return {"DomainName": domain, **({"ResourceRecord": record} if record else {})}


def test_validation_records_are_there_all_or_not_yet() -> None:
    record = {"Name": "_a.example.com.", "Type": "CNAME", "Value": "_b.acm-validations.aws."}
    other = {"Name": "_c.other.com.", "Type": "CNAME", "Value": "_d.acm-validations.aws."}
    assert certificates.validation_records({}) is None
    assert (
        certificates.validation_records({"DomainValidationOptions": [_option("example.com", record), _option("other.com", None)]}) is None
    )
    found = certificates.validation_records(
        {"DomainValidationOptions": [_option("example.com", record), _option("*.example.com", record), _option("other.com", other)]}
    )
    assert found is not None
    assert sorted(found) == ["_a.example.com.", "_c.other.com."]
    assert certificates.holds({"ResourceRecords": [{"Value": "_D.acm-validations.aws"}]}, found["_c.other.com."])
    assert not certificates.holds({"ResourceRecords": [{"Value": "_x.acm-validations.aws."}]}, found["_c.other.com."])
    assert not certificates.holds(None, found["_c.other.com."])
