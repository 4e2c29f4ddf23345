"""Task definitions as DescribeTaskDefinition really shows them: moto keeps them, this fills what it drops or leaves empty."""

from __future__ import annotations

from typing import Any

from local_aws.ecs import cloud
from local_aws.interfaces import JsonObject

CAPABILITY = "com.amazonaws.ecs.capability."

FARGATE_CPU = frozenset({"256", "512", "1024", "2048", "4096", "8192", "16384"})

OPTIONAL_FIELDS = {
    "taskRoleArn": "task_role_arn",
    "executionRoleArn": "execution_role_arn",
    "networkMode": "network_mode",
    "runtimePlatform": "runtime_platform",
    "requiresCompatibilities": "requires_compatibilities",
    "cpu": "cpu",
    "memory": "memory",
    "inferenceAccelerators": "inference_accelerators",
    "pidMode": "pid_mode",
    "ipcMode": "ipc_mode",
    "proxyConfiguration": "proxy_configuration",
    "ephemeralStorage": "ephemeral_storage",
    "enableFaultInjection": "enable_fault_injection",
    "registeredAt": "registered_at",
    "registeredBy": "registered_by",
    "deregisteredAt": "deregistered_at",
}
"""API name -> attribute of moto's record (some of them put there by us)."""


def definition_view(record: Any) -> JsonObject:
    """The `taskDefinition` member of Register-, Describe- and DeregisterTaskDefinition."""
    containers = [complete_container(container, record.network_mode) for container in record.container_definitions]
    shape: JsonObject = {
        "taskDefinitionArn": record.arn,
        "containerDefinitions": containers,
        "family": record.family,
        "revision": record.revision,
        "volumes": [{**volume, **({} if "host" in volume or len(volume) > 1 else {"host": {}})} for volume in record.volumes],
        "status": record.status,
        "placementConstraints": record.placement_constraints,
    }
    for name, attribute in OPTIONAL_FIELDS.items():
        value = getattr(record, attribute, None)
        if value is not None:
            shape[name] = str(value) if name in ("cpu", "memory") else value
    shape["requiresAttributes"] = [{"name": name} for name in required_attributes(shape)]
    shape["compatibilities"] = compatibilities(shape)
    result: JsonObject = cloud.fresh(shape)
    return result


def complete_container(container: JsonObject, network_mode: str | None) -> JsonObject:
    """A container definition with the defaults that ECS fills in."""
    full: JsonObject = {
        "cpu": 0,
        "portMappings": [],
        "essential": True,
        "environment": [],
        "mountPoints": [],
        "volumesFrom": [],
        "systemControls": [],
        **cloud.fresh(container),
    }
    for mapping in full["portMappings"]:
        mapping.setdefault("protocol", "tcp")
        if not mapping.get("hostPort"):
            mapping["hostPort"] = mapping["containerPort"] if network_mode in ("awsvpc", "host") and "containerPort" in mapping else 0
    if full.get("healthCheck"):
        full["healthCheck"] = {"interval": 30, "timeout": 5, "retries": 3, **full["healthCheck"]}
    return full


def required_attributes(definition: JsonObject) -> list[str]:
    """Names a container instance must have for this task definition (requiresAttributes)."""
    names: list[str] = []
    for container in definition["containerDefinitions"]:
        names += _container_attributes(container, bool(definition.get("executionRoleArn")))
    if definition.get("taskRoleArn"):
        names.append(f"{CAPABILITY}task-iam-role")
        if definition.get("networkMode") == "host":
            names.append(f"{CAPABILITY}task-iam-role-network-host")
    if definition.get("networkMode") == "awsvpc":
        names.append("ecs.capability.task-eni")
    names.append(f"{CAPABILITY}docker-remote-api.1.18")
    return list(dict.fromkeys(names))


def _container_attributes(container: JsonObject, execution_role: bool) -> list[str]:
    names: list[str] = []
    driver = (container.get("logConfiguration") or {}).get("logDriver")
    if driver:
        names.append(f"{CAPABILITY}logging-driver.{driver}")
    if driver == "awslogs":
        names.append(f"{CAPABILITY}docker-remote-api.1.19")
        names += ["ecs.capability.execution-role-awslogs"] if execution_role else []
    if ".dkr.ecr." in container.get("image", ""):
        names += [f"{CAPABILITY}ecr-auth", f"{CAPABILITY}docker-remote-api.1.19"]
        names += ["ecs.capability.execution-role-ecr-pull"] if execution_role else []
    for member, attributes in MEMBER_ATTRIBUTES.items():
        if container.get(member):
            names += attributes
    for secret in container.get("secrets", []):
        kind = "asm" if ":secretsmanager:" in secret.get("valueFrom", "") else "ssm"
        names.append(f"ecs.capability.secrets.{kind}.environment-variables")
    return names


MEMBER_ATTRIBUTES = {
    "memoryReservation": [f"{CAPABILITY}docker-remote-api.1.21"],
    "healthCheck": ["ecs.capability.container-health-check", f"{CAPABILITY}docker-remote-api.1.29"],
    "privileged": [f"{CAPABILITY}privileged-container"],
    "dependsOn": ["ecs.capability.container-ordering"],
}
"""What a member of a container definition asks of the agent."""


def compatibilities(definition: JsonObject) -> list[str]:
    """EC2 always; FARGATE when the definition would validate there as well."""
    fargate = (
        definition.get("networkMode") == "awsvpc"
        and definition.get("cpu") in FARGATE_CPU
        and bool(definition.get("memory"))
        and not any(container.get("privileged") or container.get("links") for container in definition["containerDefinitions"])
    )
    return ["EC2", "FARGATE"] if fargate else ["EC2"]


AGENT_CAPABILITIES: tuple[str, ...] = (
    *(f"{CAPABILITY}docker-remote-api.1.{minor}" for minor in range(17, 45)),
    *(f"{CAPABILITY}logging-driver.{driver}" for driver in ("awslogs", "json-file", "syslog", "journald", "none", "awsfirelens")),
    f"{CAPABILITY}ecr-auth",
    f"{CAPABILITY}privileged-container",
    f"{CAPABILITY}task-iam-role",
    f"{CAPABILITY}task-iam-role-network-host",
    "ecs.capability.container-health-check",
    "ecs.capability.container-ordering",
    "ecs.capability.execution-role-awslogs",
    "ecs.capability.execution-role-ecr-pull",
    "ecs.capability.private-registry-authentication.secretsmanager",
    "ecs.capability.secrets.asm.environment-variables",
    "ecs.capability.secrets.ssm.environment-variables",
    "ecs.capability.task-cpu-mem-limit",
    "ecs.capability.task-eni",
)
"""What a current agent on Linux registers."""
