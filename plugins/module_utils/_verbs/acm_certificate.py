# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests a certificate from ACM, puts its validation records into Route 53, and waits until it is issued."""

from __future__ import annotations

import typing as t
import uuid

from .._aws import acm, route53
from .._platform import certificates
from .._platform.differences import Change, as_diff, of_members
from .._platform.names import name_fault, zone_for, zone_id
from .._platform.tags import missing, pairs, texts
from .._verb import Context, Verb, VerbFailure
from ._shared import Data

ARGUMENT_SPEC: dict[str, t.Any] = {
    "domain_name": {"type": "str", "required": True},
    "subject_alternative_names": {"type": "list", "elements": "str", "default": []},
    "zone": {"type": "str"},
    "key_algorithm": {
        "type": "str",
        "choices": ["RSA_2048", "EC_prime256v1", "EC_secp384r1"],
        "default": "RSA_2048",
    },
    "tags": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 900},
}

_POLL_SECONDS = 5.0
# ACM thinks of the records some seconds after it has accepted the request.
_RECORDS_SECONDS = 120.0
_TTL = 300


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    names = certificates.all_names(params["domain_name"], params["subject_alternative_names"])
    for option, given in (("domain_name", [params["domain_name"]]), ("subject_alternative_names", params["subject_alternative_names"])):
        for name in given:
            if name_fault(name):
                raise VerbFailure(f"{option}: {name_fault(name)}")
    tags = texts(params["tags"])
    client = context.client("acm")
    found = _find(client, names, params["key_algorithm"], tags)
    if params["state"] == "absent":
        return _remove(found, params, context)
    zones = _zones(names, params["zone"], context)
    if found is None:
        return _request(params, names, tags, zones, context)
    untagged = missing(found["tags"], tags)
    if untagged and not context.check_mode:
        acm.tag_certificate(client, found["CertificateArn"], untagged)
    return _settle(found, zones, params, context, of_members("tag", found["tags"], tags))


def _find(client: t.Any, names: list[str], key_algorithm: str, tags: dict[str, str]) -> Data | None:
    """The certificate for exactly these names, with its tags, that no tag gives to somebody else."""
    candidates = []
    for summary in acm.list_certificates(client, certificates.USABLE):
        if summary.get("DomainName") != names[0]:
            continue
        described = acm.describe_certificate(client, summary["CertificateArn"])
        if described is None or not certificates.matches(described, names, key_algorithm):
            continue
        found = acm.certificate_tags(client, described["CertificateArn"])
        if certificates.is_ours(found, tags):
            candidates.append({**described, "tags": found})
    return certificates.best(candidates)


def _zones(names: list[str], wanted: str | None, context: Context) -> dict[str, Data]:
    """The hosted zone of each name. Looked for before anything is requested: without it the certificate would never be issued."""
    zones = route53.hosted_zones(context.client("route53"))
    found = {name: zone_for(name.removeprefix("*."), zones, wanted) for name in names}
    homeless = [name for name, zone in found.items() if zone is None]
    if homeless:
        there = ", ".join(sorted(zone["Name"].rstrip(".") for zone in zones)) or "none"
        which = f"the hosted zone {wanted} does not hold" if wanted else "no public hosted zone of this account holds"
        raise VerbFailure(
            f"zone: {which} {', '.join(homeless)}; there are: {there}. "
            "Create the zone and delegate it at the registrar, or name the right one. Nothing was changed."
        )
    return {name: zone for name, zone in found.items() if zone is not None}


def _request(params: Data, names: list[str], tags: dict[str, str], zones: dict[str, Data], context: Context) -> dict[str, t.Any]:
    diff = [("", f"certificate for {', '.join(names)}")]
    if context.check_mode:
        return _result({"Status": "ABSENT", "DomainName": names[0]}, names, [], diff=diff)
    client = context.client("acm")
    request: Data = {
        "DomainName": names[0],
        "ValidationMethod": "DNS",
        "KeyAlgorithm": params["key_algorithm"],
        "IdempotencyToken": uuid.uuid4().hex,
    }
    if names[1:]:
        request["SubjectAlternativeNames"] = names
    if tags:
        request["Tags"] = pairs(tags)
    arn = acm.request_certificate(client, request)
    context.progress(f"requested a certificate for {', '.join(names)}")
    return _settle({"CertificateArn": arn, "DomainName": names[0], "Status": "PENDING_VALIDATION"}, zones, params, context, diff)


def _settle(found: Data, zones: dict[str, Data], params: Data, context: Context, diff: list[Change]) -> dict[str, t.Any]:
    """Put the validation records right, also of an issued certificate: without them it would not be renewed. Then wait."""
    found, records = _with_records(found, context)
    diff = [*diff, *_write_records(records, zones, context)]
    waits = params["wait"] and found["Status"] != "ISSUED" and not context.check_mode
    if waits:
        found = _wait(found, records, params["wait_timeout"], context)
    return _result(found, list(zones), sorted(records), diff)


def _with_records(found: Data, context: Context) -> tuple[Data, dict[str, Data]]:
    """The certificate with its validation records, waited for where a request, this one or one that was broken off, is too young."""
    client, clock, arn = context.client("acm"), context.clock, found["CertificateArn"]
    deadline = clock.monotonic() + _RECORDS_SECONDS
    while True:
        records = certificates.validation_records(found)
        if records is not None:
            return found, records
        if clock.monotonic() >= deadline:
            raise VerbFailure(
                f"ACM has accepted the request for {found['DomainName']} but named no validation record within {_RECORDS_SECONDS:.0f} s. "
                "Run this again: it goes on with the same certificate.",
                arn=arn,
            )
        described = acm.describe_certificate(client, arn)
        found = described or found
        if certificates.validation_records(found) is None:
            clock.sleep(_POLL_SECONDS)


def _write_records(records: dict[str, Data], zones: dict[str, Data], context: Context) -> list[Change]:
    client = context.client("route53")
    changes: dict[str, list[Data]] = {}
    written = []
    for name, wanted in records.items():
        zone = zone_id(zones[wanted["domain"]])
        there = route53.record(client, zone, name, wanted["type"])
        if certificates.holds(there, wanted):
            continue
        before = "".join(f"{name} {wanted['type']} {item['Value']}" for item in (there or {}).get("ResourceRecords", []))
        written.append((before, f"{name} {wanted['type']} {wanted['value']}"))
        record_set = {"Name": name, "Type": wanted["type"], "TTL": _TTL, "ResourceRecords": [{"Value": wanted["value"]}]}
        changes.setdefault(zone, []).append({"Action": "UPSERT", "ResourceRecordSet": record_set})
    if not context.check_mode:
        for zone, batch in changes.items():
            route53.change_records(client, zone, batch, "Validation of a certificate, by steadystate.ecs")
            context.progress("wrote " + ", ".join(str(item["ResourceRecordSet"]["Name"]) for item in batch))
    return written


def _wait(found: Data, records: dict[str, Data], timeout: int, context: Context) -> Data:
    client, clock, arn = context.client("acm"), context.clock, found["CertificateArn"]
    deadline = clock.monotonic() + timeout
    context.progress(f"waiting until the certificate for {found['DomainName']} is issued")
    while True:
        status = found["Status"]
        if status == "ISSUED":
            context.progress(f"the certificate for {found['DomainName']} is issued")
            return found
        if status != "PENDING_VALIDATION":
            raise VerbFailure(
                f"ACM does not issue the certificate for {found['DomainName']}: {status} {found.get('FailureReason', '')}".rstrip()
                + ". Run this again to request another one when the reason is gone.",
                arn=arn,
                status=status,
            )
        if clock.monotonic() >= deadline:
            pending = [item["DomainName"] for item in found.get("DomainValidationOptions", []) if item.get("ValidationStatus") != "SUCCESS"]
            raise VerbFailure(
                f"wait_timeout: the certificate for {found['DomainName']} is not issued after {timeout} s; not validated: "
                f"{', '.join(pending) or 'unknown'}. See that the zone is delegated to the name servers of Route 53 and that "
                f"{', '.join(sorted(records))} can be resolved from outside, then run this again.",
                arn=arn,
                status=status,
            )
        clock.sleep(_POLL_SECONDS)
        found = acm.describe_certificate(client, arn) or {**found, "Status": "DELETED"}


def _remove(found: Data | None, params: Data, context: Context) -> dict[str, t.Any]:
    if found is None:
        return _result({"Status": "ABSENT"}, [], [], diff=[])
    names, arn = certificates.all_names(params["domain_name"], params["subject_alternative_names"]), found["CertificateArn"]
    if found.get("InUseBy"):
        raise VerbFailure(
            f"domain_name: the certificate for {names[0]} is in use by {', '.join(found['InUseBy'])}. "
            "Remove the listeners that use it first. Nothing was changed.",
            arn=arn,
        )
    if not context.check_mode:
        acm.delete_certificate(context.client("acm"), arn)
        context.progress(f"deleted the certificate for {', '.join(names)}")
    # The validation records stay: another certificate for the same name in this account is validated by the same record.
    return _result({"Status": "ABSENT"}, names, [], diff=[(f"certificate for {', '.join(names)}", "")])


def _result(found: Data, names: list[str], records: list[str], diff: list[Change]) -> dict[str, t.Any]:
    return {
        "changed": bool(diff),
        "arn": found.get("CertificateArn", ""),
        "status": found["Status"].lower(),
        "domain_names": names,
        "validation_records": records,
        "diff": as_diff(diff),
    }


VERB = Verb(name="acm_certificate", argument_spec=ARGUMENT_SPEC, run=run)
