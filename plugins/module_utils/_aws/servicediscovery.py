# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Cloud Map: one function per API call, plain data out."""

from __future__ import annotations

import typing as t


def find_namespace(client: t.Any, name: str) -> dict[str, t.Any] | None:
    """The private DNS namespace of this name, or None."""
    filters = [{"Name": "TYPE", "Values": ["DNS_PRIVATE"], "Condition": "EQ"}]
    for page in client.get_paginator("list_namespaces").paginate(Filters=filters):
        for namespace in page.get("Namespaces", []):
            if namespace["Name"] == name and namespace.get("Type", "DNS_PRIVATE") == "DNS_PRIVATE":
                return dict(namespace)
    return None


def create_private_namespace(client: t.Any, request: dict[str, t.Any]) -> str:
    """The ID of the operation that creates it."""
    return str(client.create_private_dns_namespace(**request)["OperationId"])


def delete_namespace(client: t.Any, namespace_id: str) -> str:
    """The ID of the operation that deletes it."""
    return str(client.delete_namespace(Id=namespace_id)["OperationId"])


def operation(client: t.Any, operation_id: str) -> dict[str, t.Any]:
    return dict(client.get_operation(OperationId=operation_id)["Operation"])


def find_service(client: t.Any, namespace_id: str, name: str) -> dict[str, t.Any] | None:
    """The service of this name in a namespace, in full, or None."""
    filters = [{"Name": "NAMESPACE_ID", "Values": [namespace_id], "Condition": "EQ"}]
    for page in client.get_paginator("list_services").paginate(Filters=filters):
        for service in page.get("Services", []):
            if service["Name"] == name:
                found = dict(client.get_service(Id=service["Id"])["Service"])
                if found.get("NamespaceId", namespace_id) == namespace_id:
                    return found
    return None


def create_service(client: t.Any, request: dict[str, t.Any]) -> dict[str, t.Any]:
    return dict(client.create_service(**request)["Service"])


def update_service(client: t.Any, service_id: str, changes: dict[str, t.Any]) -> str:
    """The ID of the operation that changes it."""
    return str(client.update_service(Id=service_id, Service=changes)["OperationId"])


def delete_service(client: t.Any, service_id: str) -> None:
    client.delete_service(Id=service_id)


def tags(client: t.Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in client.list_tags_for_resource(ResourceARN=arn).get("Tags", [])}


def tag(client: t.Any, arn: str, wanted: dict[str, str]) -> None:
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": key, "Value": value} for key, value in wanted.items()])
