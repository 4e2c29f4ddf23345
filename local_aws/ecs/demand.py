"""What a task definition asks of a container instance (ecs-facts.md 5, "Task demand"), with a task's overrides applied. Pure."""

from __future__ import annotations

import copy
from typing import Any

from local_aws.ecs.state import Container, Demand
from local_aws.interfaces import AwsError, JsonObject


def with_overrides(definition: JsonObject, overrides: JsonObject) -> JsonObject:
    """The task definition as this task runs it. Raises InvalidParameterException for an override of an unknown container."""
    result: JsonObject = copy.deepcopy(definition)
    for key in ("cpu", "memory", "taskRoleArn", "executionRoleArn"):
        if overrides.get(key) is not None:
            result[key] = overrides[key]
    by_name = {container["name"]: container for container in result["containerDefinitions"]}
    for override in overrides.get("containerOverrides", []):
        name = override.get("name")
        if name is None:
            continue
        if name not in by_name:
            raise AwsError("InvalidParameterException", f"Override for container named {name} is not a container in the TaskDefinition.")
        container = by_name[name]
        for key in ("command", "cpu", "memory", "memoryReservation"):
            if override.get(key) is not None:
                container[key] = override[key]
        if override.get("environment"):
            merged = {item["name"]: item for item in container.get("environment", [])}
            merged.update({item["name"]: item for item in override["environment"]})
            container["environment"] = list(merged.values())
    return result


def demand_of(definition: JsonObject) -> Demand:
    """CPU: the task's, else the sum of the containers'. Memory: the task's, else reservations (or limits) summed. Host ports."""
    containers = definition["containerDefinitions"]
    cpu = int(definition["cpu"]) if definition.get("cpu") else sum(int(c.get("cpu") or 0) for c in containers)
    memory = (
        int(definition["memory"])
        if definition.get("memory")
        else sum(int(c.get("memoryReservation") or c.get("memory") or 0) for c in containers)
    )
    ports: dict[str, set[int]] = {"tcp": set(), "udp": set()}
    if definition.get("networkMode") in ("bridge", "host"):
        for container in containers:
            for mapping in container.get("portMappings", []):
                port = mapping.get("hostPort") or (mapping.get("containerPort") if definition["networkMode"] == "host" else 0)
                if port:
                    ports[mapping.get("protocol", "tcp")].add(int(port))
    return Demand(cpu, memory, frozenset(ports["tcp"]), frozenset(ports["udp"]), definition.get("networkMode") == "awsvpc")


def architecture_of(definition: JsonObject) -> str | None:
    """`x86_64` or `arm64` when runtimePlatform names one: then it is a scheduling attribute."""
    named = (definition.get("runtimePlatform") or {}).get("cpuArchitecture")
    return {"X86_64": "x86_64", "ARM64": "arm64"}.get(named) if named else None


def containers_of(definition: JsonObject) -> dict[str, Container]:
    def integer(value: Any) -> int | None:
        return None if value is None else int(value)

    return {
        c["name"]: Container(
            name=c["name"],
            image=c["image"],
            essential=c.get("essential", True),
            cpu=int(c.get("cpu") or 0),
            memory=integer(c.get("memory")),
            memory_reservation=integer(c.get("memoryReservation")),
            checked=bool(c.get("healthCheck")) and c["healthCheck"].get("command", [None])[0] != "NONE",
        )
        for c in definition["containerDefinitions"]
    }
