"""Register-, Describe-, Deregister- and ListTaskDefinitions, over moto's records."""

from __future__ import annotations

import re
from typing import Any

from local_aws.clock import Clock
from local_aws.ecs import cloud
from local_aws.ecs.definitions import definition_view
from local_aws.ecs.validation import invalid, paged
from local_aws.interfaces import Api, AwsError, Call, JsonObject

FAMILY = re.compile(r"[A-Za-z0-9_-]{1,255}")


class DefinitionsApi:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def add_to(self, api: Api) -> None:
        api.on("ecs", "RegisterTaskDefinition")(self.register)
        api.on("ecs", "DescribeTaskDefinition")(self.describe)
        api.on("ecs", "DeregisterTaskDefinition")(self.deregister)
        api.on("ecs", "ListTaskDefinitions")(self.list)

    def register(self, call: Call) -> JsonObject:
        _check(call.params)
        answer = call.upstream(call.params)
        record = self._record(call, answer["taskDefinition"]["taskDefinitionArn"])
        record.registered_at = self._clock.now()
        record.registered_by = f"arn:aws:iam::{call.account}:root"
        if call.params.get("enableFaultInjection") is not None:
            record.enable_fault_injection = call.params["enableFaultInjection"]
        return {"taskDefinition": definition_view(record), "tags": list(record.tags)}

    def describe(self, call: Call) -> JsonObject:
        record = self._record(call, call.params["taskDefinition"])
        tags = {"tags": list(record.tags)} if "TAGS" in call.params.get("include", ()) else {"tags": []}
        return {"taskDefinition": definition_view(record), **tags}

    def deregister(self, call: Call) -> JsonObject:
        call.upstream(call.params)
        record = self._record(call, call.params["taskDefinition"])
        record.deregistered_at = self._clock.now()
        return {"taskDefinition": definition_view(record)}

    def list(self, call: Call) -> JsonObject:
        status = call.params.get("status", "ACTIVE")
        prefix = call.params.get("familyPrefix")
        found: list[Any] = [
            record
            for family, revisions in cloud.definition_families(call.account, call.region).items()
            for record in revisions.values()
            if record.status == status and (prefix is None or family == prefix)
        ]
        found.sort(key=lambda record: (record.family, record.revision), reverse=call.params.get("sort") == "DESC")
        return paged(call.params, [record.arn for record in found], "taskDefinitionArns", 100)

    def _record(self, call: Call, reference: str) -> Any:
        return cloud.definition_record(call.account, call.region, reference, "Unable to describe task definition.")


def _check(params: JsonObject) -> None:
    """What ECS refuses and moto lets pass."""
    if not FAMILY.fullmatch(params.get("family", "")):
        raise AwsError(
            "ClientException", "Family contains invalid characters." if params.get("family") else "Family should not be null or empty."
        )
    containers = params.get("containerDefinitions") or []
    if not containers:
        raise AwsError("ClientException", "Container list cannot be empty.")
    names = [container.get("name") for container in containers]
    if len(set(names)) != len(names):
        raise AwsError("ClientException", "Container names must be unique.")
    if not any(container.get("essential", True) for container in containers):
        raise AwsError("ClientException", "At least one container in the task definition must be marked as essential.")
    for container in containers:
        for mapping in container.get("portMappings", []):
            inside, outside = mapping.get("containerPort"), mapping.get("hostPort")
            if params.get("networkMode") in ("awsvpc", "host") and outside not in (None, 0, inside):
                raise AwsError(
                    "ClientException", "When networkMode=awsvpc, the host ports and container ports in port mappings must match."
                )
        for needed in container.get("dependsOn", []):
            if needed["containerName"] not in names:
                raise invalid(f"Container {container['name']} depends on {needed['containerName']}, which is not in the task definition.")
