# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""acm_certificate and route53_alias against moto: requested, proved, waited for; found again; never somebody else's."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import acm_certificate, route53_alias
from moto.backends import get_backend

from .moto_account import empty_account
from .platform_stage import REGION, Stage

SHOP = {"domain_name": "shop.example.com", "subject_alternative_names": ["*.shop.example.com"], "tags": {"environment": "dev"}}
LB = {"target": "shop-1.eu-west-1.elb.amazonaws.com", "target_zone_id": "Z32O12XQLNTSW2"}


@pytest.fixture
def stage() -> t.Iterator[Stage]:
    with empty_account():
        stage = Stage()
        stage.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
        yield stage


def certificates() -> dict[str, t.Any]:
    found: dict[str, t.Any] = get_backend("acm")["123456789012"][REGION]._certificates
    return found


def become(status: str) -> t.Callable[[], None]:
    """What ACM does to all certificates meanwhile."""

    def change() -> None:
        for item in certificates().values():
            item.status = status

    return change


def records(stage: Stage) -> dict[tuple[str, str], dict[str, t.Any]]:
    zone = stage.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    found = stage.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {(item["Name"].replace("\\052", "*"), item["Type"]): item for item in found if item["Type"] not in ("NS", "SOA")}


def write(stage: Stage, name: str, kind: str, value: str) -> None:
    zone = stage.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    record = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    stage.client("route53").change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    )


def test_a_certificate_is_requested_proved_and_waited_for(stage: Stage) -> None:
    told = stage.run(acm_certificate.VERB, check=True, **SHOP)
    assert (told["changed"], told["arn"], told["status"], stage.writes) == (True, "", "absent", [])
    stage.clock.meanwhile = [lambda: None, become("ISSUED")]
    done = stage.run(acm_certificate.VERB, **SHOP)
    assert (done["changed"], done["status"]) == (True, "issued")
    assert done["domain_names"] == ["shop.example.com", "*.shop.example.com"]
    assert stage.clock.seconds == pytest.approx(10)
    assert stage.writes == ["change_resource_record_sets", "request_certificate"]
    # The wildcard and the name it is over are proved by one record.
    assert [name for name, _kind in records(stage)] == done["validation_records"]
    assert stage.client("acm").list_tags_for_certificate(CertificateArn=done["arn"])["Tags"] == [{"Key": "environment", "Value": "dev"}]
    again = stage.run(acm_certificate.VERB, **SHOP)
    assert (again["changed"], again["arn"], stage.writes) == (False, done["arn"], [])
    assert len(certificates()) == 1


def test_it_can_be_asked_for_first_and_waited_for_later(stage: Stage) -> None:
    asked = stage.run(acm_certificate.VERB, wait=False, **SHOP)
    assert (asked["changed"], asked["status"], stage.clock.seconds) == (True, "pending_validation", 0)
    stage.clock.meanwhile = [become("ISSUED")]
    waited = stage.run(acm_certificate.VERB, **SHOP)
    assert (waited["changed"], waited["status"], waited["arn"]) == (False, "issued", asked["arn"])


def test_a_run_that_was_broken_off_after_the_request_is_finished_by_the_next(stage: Stage) -> None:
    request = {"DomainName": "shop.example.com", "SubjectAlternativeNames": ["*.shop.example.com"], "ValidationMethod": "DNS"}
    arn = stage.client("acm").request_certificate(**request)["CertificateArn"]
    stage.clock.meanwhile = [become("ISSUED")]
    done = stage.run(acm_certificate.VERB, **SHOP)
    assert (done["arn"], done["changed"]) == (arn, True)
    assert stage.writes == ["add_tags_to_certificate", "change_resource_record_sets"]


def test_a_validation_record_that_somebody_removed_comes_back(stage: Stage) -> None:
    stage.clock.meanwhile = [become("ISSUED")]
    done = stage.run(acm_certificate.VERB, **SHOP)
    write(stage, done["validation_records"][0], "CNAME", "elsewhere.example.com")
    told = stage.run(acm_certificate.VERB, check=True, **SHOP)
    assert told["diff"]["before"] == f"{done['validation_records'][0]} CNAME elsewhere.example.com\n"
    assert stage.run(acm_certificate.VERB, **SHOP)["changed"]
    assert not stage.run(acm_certificate.VERB, **SHOP)["changed"]


@pytest.mark.parametrize(
    "other",
    [
        {**SHOP, "tags": {"environment": "prod"}},
        {**SHOP, "subject_alternative_names": []},
        {**SHOP, "domain_name": "example.com"},
    ],
)
def test_another_certificate_is_not_taken_for_this_one(stage: Stage, other: dict[str, t.Any]) -> None:
    first = stage.run(acm_certificate.VERB, wait=False, **other)
    second = stage.run(acm_certificate.VERB, wait=False, **SHOP)
    assert second["changed"]
    assert second["arn"] != first["arn"]


def test_one_that_failed_is_replaced(stage: Stage) -> None:
    stage.clock.meanwhile = [become("FAILED")]
    with pytest.raises(VerbFailure, match=r"ACM does not issue the certificate for .*: FAILED"):
        stage.run(acm_certificate.VERB, **SHOP)
    stage.clock.meanwhile = [become("ISSUED")]
    assert stage.run(acm_certificate.VERB, **SHOP)["status"] == "issued"
    assert len(certificates()) == 2


def test_a_wait_without_end_says_what_to_look_at(stage: Stage) -> None:
    with pytest.raises(VerbFailure, match=r"not issued after 30 s; not validated: .*shop\.example\.com.*is delegated") as failure:
        stage.run(acm_certificate.VERB, wait_timeout=30, **SHOP)
    assert failure.value.result["status"] == "PENDING_VALIDATION"
    assert stage.clock.seconds == pytest.approx(30)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"domain_name": "shop"}, "domain_name: 'shop' has no dot"),
        ({"subject_alternative_names": ["a b.example.com"]}, "subject_alternative_names: 'a b.example.com' is no name"),
        ({"domain_name": "shop.example.org"}, "zone: no public hosted zone of this account holds shop.example.org; there are: example.com"),
        ({"zone": "example.org"}, r"zone: the hosted zone example.org does not hold shop.example.com, \*.shop.example.com"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_requested(stage: Stage, change: dict[str, t.Any], said: str) -> None:
    with pytest.raises(VerbFailure, match=said):
        stage.run(acm_certificate.VERB, **{**SHOP, **change})
    assert stage.writes == []


def test_it_is_removed_unless_it_is_in_use(stage: Stage) -> None:
    arn = stage.run(acm_certificate.VERB, wait=False, **SHOP)["arn"]
    certificates()[arn].in_use_by = ["lb"]
    with pytest.raises(VerbFailure, match="is in use by lb"):
        stage.run(acm_certificate.VERB, state="absent", **SHOP)
    certificates()[arn].in_use_by = []
    assert stage.run(acm_certificate.VERB, check=True, state="absent", **SHOP)["changed"]
    assert certificates()
    gone = stage.run(acm_certificate.VERB, state="absent", **SHOP)
    assert (gone["changed"], gone["status"], gone["arn"]) == (True, "absent", "")
    assert not certificates()
    assert not stage.run(acm_certificate.VERB, state="absent", **SHOP)["changed"]


def test_aliases_of_all_names_are_one_change(stage: Stage) -> None:
    names = ["example.com", "*.shop.example.com"]
    assert stage.twice(route53_alias.VERB, names=names, ipv6=True, **LB)["names"] == names
    assert sorted(records(stage)) == sorted((f"{name}.", kind) for name in names for kind in ("A", "AAAA"))
    # Without IPv6 addresses there is to be no AAAA record.
    assert stage.run(route53_alias.VERB, names=names, **LB)["changed"]
    assert sorted(records(stage)) == sorted((f"{name}.", "A") for name in names)
    moved = stage.run(route53_alias.VERB, names=names, **{**LB, "target": "other-1.eu-west-1.elb.amazonaws.com"})
    assert moved["diff"]["before"].count("alias shop-1") == 2
    # What points elsewhere by now is not removed with this load balancer.
    assert not stage.run(route53_alias.VERB, names=names, state="absent", **LB)["changed"]
    assert stage.run(route53_alias.VERB, names=names, state="absent")["changed"]
    assert records(stage) == {}


def test_a_record_that_is_no_alias_is_not_replaced_unasked(stage: Stage) -> None:
    write(stage, "www.example.com", "A", "192.0.2.1")
    options = {"names": ["www.example.com"], **LB}
    with pytest.raises(VerbFailure, match=r"www\.example\.com has an A record that is no alias: 192\.0\.2\.1"):
        stage.run(route53_alias.VERB, **options)
    assert not stage.run(route53_alias.VERB, state="absent", **options)["changed"]
    stage.twice(route53_alias.VERB, overwrite=True, **options)


@pytest.mark.parametrize(("names", "said"), [(["a.example.org"], "zone: a.example.org is in no hosted zone"), (["www"], "names: 'www.'")])
def test_names_that_cannot_be(stage: Stage, names: list[str], said: str) -> None:
    with pytest.raises(VerbFailure, match=said):
        stage.run(route53_alias.VERB, names=["www.example.com", *names], **LB)
    assert stage.writes == []
