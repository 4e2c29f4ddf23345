# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps a private DNS namespace of AWS Cloud Map, and a service in it under which tasks can be found."""

from __future__ import annotations

import typing as t
import uuid

from .._aws import servicediscovery as cloud_map
from .._platform.differences import Change, as_diff, of_members
from .._platform.names import name_fault
from .._platform.tags import pairs, texts
from .._verb import Context, Verb, VerbFailure
from ._shared import Data

ARGUMENT_SPEC: dict[str, t.Any] = {
    "namespace": {"type": "str", "required": True},
    "vpc_id": {"type": "str"},
    "name": {"type": "str"},
    "record_type": {"type": "str", "choices": ["A", "AAAA", "SRV"], "default": "A"},
    "ttl": {"type": "int", "default": 10},
    "tags": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "timeout": {"type": "int", "default": 300},
}

_POLL_SECONDS = 2.0


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    if name_fault(params["namespace"]):
        raise VerbFailure(f"namespace: {name_fault(params['namespace'])}")
    if params["name"] is not None and name_fault(f"{params['name']}.{params['namespace']}"):
        raise VerbFailure(f"name: {name_fault(params['name'] + '.' + params['namespace'])}")
    if not 0 <= params["ttl"] <= 2147483647:
        raise VerbFailure(f"ttl: {params['ttl']} s is no time to live. Use 0 or more, for example 10.")
    tags = texts(params["tags"])
    client = context.client("servicediscovery")
    namespace = cloud_map.find_namespace(client, params["namespace"])
    if params["state"] == "absent":
        return _remove(client, namespace, params, context)
    changes: list[Change] = []
    if namespace is None:
        if not params["vpc_id"]:
            raise VerbFailure(f"vpc_id: the namespace {params['namespace']} does not exist, and is created in a VPC only. Name that VPC.")
        changes.append(("", f"namespace {params['namespace']} in {params['vpc_id']}"))
        if context.check_mode:
            return _result(
                None, None, [*changes, *([("", f"service {params['name']} in {params['namespace']}")] if params["name"] else [])]
            )
        namespace = _create_namespace(client, params, tags, context)
    elif params["name"] is None:
        changes += _settle_tags(client, f"namespace {params['namespace']}", namespace["Arn"], tags, context)
    if params["name"] is None:
        return _result(namespace, None, changes)
    service = cloud_map.find_service(client, namespace["Id"], params["name"])
    if service is None:
        changes.append(("", f"service {params['name']} in {params['namespace']}"))
        if not context.check_mode:
            service = cloud_map.create_service(client, _request(params, namespace, tags))
    else:
        changes += _settle_service(client, service, params, context)
        changes += _settle_tags(client, f"service {params['name']}", service["Arn"], tags, context)
    return _result(namespace, service, changes)


def _create_namespace(client: t.Any, params: Data, tags: dict[str, str], context: Context) -> Data:
    request: Data = {"Name": params["namespace"], "Vpc": params["vpc_id"], "CreatorRequestId": uuid.uuid4().hex}
    if tags:
        request["Tags"] = pairs(tags)
    context.progress(f"creating the namespace {params['namespace']}")
    done = _wait(client, cloud_map.create_private_namespace(client, request), params, context)
    found = cloud_map.find_namespace(client, params["namespace"])
    if found is None:
        raise VerbFailure(f"namespace: Cloud Map says {done['Status']} but shows no {params['namespace']}. Run this again.")
    return found


def _request(params: Data, namespace: Data, tags: dict[str, str]) -> Data:
    request: Data = {
        "Name": params["name"],
        "NamespaceId": namespace["Id"],
        "CreatorRequestId": uuid.uuid4().hex,
        "DnsConfig": {"RoutingPolicy": "MULTIVALUE", "DnsRecords": _records(params)},
        # ECS tells Cloud Map how its tasks are; a health check of Route 53 cannot see into a VPC.
        "HealthCheckCustomConfig": {"FailureThreshold": 1},
    }
    if tags:
        request["Tags"] = pairs(tags)
    return request


def _records(params: Data) -> list[Data]:
    return [{"Type": params["record_type"], "TTL": params["ttl"]}]


def _settle_service(client: t.Any, service: Data, params: Data, context: Context) -> list[Change]:
    records = [{"Type": item["Type"], "TTL": int(item["TTL"])} for item in (service.get("DnsConfig") or {}).get("DnsRecords", [])]
    if [item["Type"] for item in records] != [params["record_type"]]:
        there = ", ".join(item["Type"] for item in records) or "none"
        raise VerbFailure(
            f"record_type: the service {params['name']} has records of type {there}, which Cloud Map cannot change to "
            f"{params['record_type']}. Give name another value, or remove this service when no ECS service uses it. Nothing was changed."
        )
    changes = of_members(f"service {params['name']}", {"records": records}, {"records": _records(params)})
    if changes and not context.check_mode:
        operation = cloud_map.update_service(client, service["Id"], {"DnsConfig": {"DnsRecords": _records(params)}})
        _wait(client, operation, params, context)
    return changes


def _settle_tags(client: t.Any, where: str, arn: str, wanted: dict[str, str], context: Context) -> list[Change]:
    changes = of_members(f"{where} tag", cloud_map.tags(client, arn), wanted) if wanted else []
    if changes and not context.check_mode:
        cloud_map.tag(client, arn, wanted)
    return changes


def _remove(client: t.Any, namespace: Data | None, params: Data, context: Context) -> dict[str, t.Any]:
    if namespace is None:
        return _result(None, None, [])
    if params["name"] is None:
        if not context.check_mode:
            _wait(client, cloud_map.delete_namespace(client, namespace["Id"]), params, context)
        return _result(None, None, [(f"namespace {params['namespace']}", "")])
    service = cloud_map.find_service(client, namespace["Id"], params["name"])
    if service is None:
        return _result(namespace, None, [])
    if not context.check_mode:
        cloud_map.delete_service(client, service["Id"])
    return _result(namespace, None, [(f"service {params['name']} in {params['namespace']}", "")])


def _wait(client: t.Any, operation_id: str, params: Data, context: Context) -> Data:
    deadline = context.clock.monotonic() + params["timeout"]
    while True:
        found = cloud_map.operation(client, operation_id)
        if found["Status"] == "SUCCESS":
            return found
        if found["Status"] == "FAIL":
            why = f"{found.get('ErrorCode', '')}: {found.get('ErrorMessage', '')}"
            raise VerbFailure(f"Cloud Map could not finish {found.get('Type', 'the operation')}: {why}")
        if context.clock.monotonic() >= deadline:
            raise VerbFailure(
                f"timeout: Cloud Map has not finished {found.get('Type', 'the operation')} within {params['timeout']} s. Run this again."
            )
        context.clock.sleep(_POLL_SECONDS)


def _result(namespace: Data | None, service: Data | None, changes: list[Change]) -> dict[str, t.Any]:
    return {
        "changed": bool(changes),
        "namespace_id": namespace["Id"] if namespace else "",
        "service_id": service["Id"] if service else "",
        "arn": service["Arn"] if service else "",
        "diff": as_diff(changes),
    }


VERB = Verb(name="servicediscovery_service", argument_spec=ARGUMENT_SPEC, run=run)
