# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is looked at before a deploy, judged from plain facts: each check says what it looked at, what came out, and what to do."""

from __future__ import annotations

import re
import typing as t

Data = dict[str, t.Any]

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"


class Check(t.TypedDict):
    check: str
    subject: str
    result: str
    """V(ok), V(failed), or V(unknown) for what could not be looked at."""
    message: str
    fix: str
    """What to do about a failure; empty otherwise."""


def ok(check: str, subject: str, message: str) -> Check:
    return {"check": check, "subject": subject, "result": OK, "message": message, "fix": ""}


def failed(check: str, subject: str, message: str, fix: str) -> Check:
    return {"check": check, "subject": subject, "result": FAILED, "message": message, "fix": fix}


def unknown(check: str, subject: str, message: str) -> Check:
    return {"check": check, "subject": subject, "result": UNKNOWN, "message": message, "fix": ""}


_ECR_HOST = re.compile(
    r"^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn|[a-z0-9.-]+)/(.+)$"
)
_ARCHITECTURES = {"X86_64": "amd64", "x86_64": "amd64", "ARM64": "arm64", "arm64": "arm64", "aarch64": "arm64"}


class EcrImage(t.NamedTuple):
    registry_id: str
    region: str
    repository: str
    tag: str
    digest: str


def ecr_image(image: str) -> EcrImage | None:
    """The parts of an image's name in Amazon ECR, or None for one in another registry."""
    found = _ECR_HOST.match(image)
    if found is None:
        return None
    account, region, rest = found.groups()
    name, _at, digest = rest.partition("@")
    repository, _colon, tag = name.partition(":")
    return EcrImage(account, region, repository, tag or ("" if digest else "latest"), digest)


def architecture(word: str) -> str:
    """An architecture as images name it, V(amd64) or V(arm64), from what ECS calls it."""
    return _ARCHITECTURES.get(word, word.lower())


def index_architectures(manifest: Data) -> set[str] | None:
    """The Linux architectures of an image index; None when the manifest is that of one image, whose configuration says it."""
    if "manifests" not in manifest:
        return None
    platforms = [item.get("platform") or {} for item in manifest["manifests"]]
    # What describes an image, such as a provenance, is listed for the platform unknown/unknown.
    return {
        str(item["architecture"]) for item in platforms if item.get("architecture") not in (None, "unknown") and item.get("os") != "windows"
    }


def wanted_architectures(definition: Data, instances: set[str]) -> set[str]:
    """The architectures that the task may be put on: what the definition says, else what the cluster's instances have."""
    said = (definition.get("runtimePlatform") or {}).get("cpuArchitecture")
    if said:
        return {architecture(said)}
    if "FARGATE" in (definition.get("requiresCompatibilities") or []):
        return {"amd64"}
    return {architecture(item) for item in instances}


def judge_architecture(image: str, has: set[str], wanted: set[str]) -> Check:
    if not wanted:
        return unknown(
            "image_architecture", image, f"the image is for {_and(has)}; neither the definition nor the cluster says what it will run on"
        )
    missing = wanted - has
    if missing:
        return failed(
            "image_architecture",
            image,
            f"the image is for {_and(has)}, and its tasks may be put on {_and(wanted)}",
            f"Build the image for {_and(wanted)}, or set runtimePlatform.cpuArchitecture to what it is for.",
        )
    return ok("image_architecture", image, f"the image is for {_and(has)}")


def judge_instances(definition: Data, instances: set[str], cluster: str) -> Check | None:
    """Whether the cluster has instances of the architecture that the definition asks for. None when it asks for none."""
    said = (definition.get("runtimePlatform") or {}).get("cpuArchitecture")
    if not said or "FARGATE" in (definition.get("requiresCompatibilities") or []):
        return None
    if not instances:
        return unknown("cluster_architecture", cluster, "the cluster has no instance now")
    there = {architecture(item) for item in instances}
    if architecture(said) in there:
        return ok("cluster_architecture", cluster, f"the cluster has instances of {architecture(said)}")
    return failed(
        "cluster_architecture",
        cluster,
        f"the definition asks for {architecture(said)}, and the cluster's instances are {_and(there)}",
        "Set runtimePlatform.cpuArchitecture to what the cluster has, or add instances of the other architecture.",
    )


_TASKS = "ecs-tasks.amazonaws.com"


def trusts_tasks(document: Data) -> bool:
    """Whether a trust policy lets ECS tasks assume the role. Conditions are not weighed: they depend on the task."""
    allowed = False
    for statement in _listed(document.get("Statement")):
        principal = statement.get("Principal")
        services = _listed(principal.get("Service")) if isinstance(principal, dict) else []
        actions = [str(item).lower() for item in _listed(statement.get("Action"))]
        concerned = (_TASKS in services or principal == "*") and any(item in ("sts:assumerole", "sts:*", "*") for item in actions)
        if concerned and statement.get("Effect") == "Deny" and not statement.get("Condition"):
            return False
        allowed = allowed or (concerned and statement.get("Effect") == "Allow")
    return allowed


def judge_role(check: str, arn: str, trust: Data | None) -> Check:
    name = arn.rsplit("/", 1)[-1]
    if trust is None:
        return failed(check, name, "there is no such role", "Create the role, or correct its name in the definition.")
    if not trusts_tasks(trust):
        return failed(
            check,
            name,
            f"its trust policy does not let {_TASKS} assume it",
            f"Allow sts:AssumeRole for the service {_TASKS} in the role's trust policy.",
        )
    return ok(check, name, "exists and trusts ECS tasks")


def needs_execution_role(definition: Data) -> str | None:
    """Why the definition needs an execution role that it does not name; None when it names one or needs none."""
    if definition.get("executionRoleArn"):
        return None
    containers = definition.get("containerDefinitions") or []
    if any(item.get("secrets") or (item.get("logConfiguration") or {}).get("secretOptions") for item in containers):
        return "ECS reads the secrets with it"
    if any(item.get("repositoryCredentials") for item in containers):
        return "ECS reads the registry's credentials with it"
    if "FARGATE" in (definition.get("requiresCompatibilities") or []):
        if any(ecr_image(str(item.get("image"))) for item in containers):
            return "Fargate pulls from Amazon ECR with it"
        if any((item.get("logConfiguration") or {}).get("logDriver") == "awslogs" for item in containers):
            return "Fargate writes the logs with it"
    return None


def secret_uses(definition: Data) -> dict[str, list[str]]:
    """Every `valueFrom` of the definition, with the containers and variables that use it."""
    uses: dict[str, list[str]] = {}
    for container in definition.get("containerDefinitions") or []:
        listed = [*(container.get("secrets") or []), *((container.get("logConfiguration") or {}).get("secretOptions") or [])]
        for item in listed:
            uses.setdefault(str(item.get("valueFrom")), []).append(f"{container.get('name')}.{item.get('name')}")
    return uses


def log_groups(definition: Data) -> dict[str, Data]:
    """The options of every log group that a container writes to with awslogs, by the group's name."""
    groups: dict[str, Data] = {}
    for container in definition.get("containerDefinitions") or []:
        logging = container.get("logConfiguration") or {}
        options = logging.get("options") or {}
        if logging.get("logDriver") == "awslogs" and options.get("awslogs-group"):
            groups[str(options["awslogs-group"])] = options
    return groups


def judge_load_balancer(definition: Data, entry: Data) -> Check:
    """Whether the container and the port that a load balancer sends to are in the definition."""
    name, port = entry.get("containerName"), entry.get("containerPort")
    subject = f"{name}:{port}"
    containers = {item.get("name"): item for item in definition.get("containerDefinitions") or []}
    if name not in containers:
        there = ", ".join(sorted(map(str, containers)))
        return failed(
            "load_balancer",
            subject,
            f"the load balancer sends to container {name!r}, and there is {there}",
            "Name a container of the definition.",
        )
    ports = [item.get("containerPort") for item in containers[name].get("portMappings") or []]
    if port not in ports:
        there = ", ".join(map(str, ports)) or "none"
        return failed(
            "load_balancer",
            subject,
            f"the load balancer sends to port {port} of container {name!r}, which maps {there}",
            "Add the port to portMappings, or send to one that is there.",
        )
    return ok("load_balancer", subject, "container and port are there")


def judge_target_group(definition: Data, entry: Data, group: Data | None) -> Check:
    arn = str(entry.get("targetGroupArn"))
    subject = arn.split(":targetgroup/", 1)[-1].split("/", 1)[0]
    if group is None:
        return failed("target_group", subject, "there is no such target group", "Create it, or correct its ARN in the service.")
    mode = definition.get("networkMode") or "bridge"
    wanted = "ip" if mode == "awsvpc" else "instance"
    if group.get("TargetType") != wanted:
        return failed(
            "target_group",
            subject,
            f"its targets are of type {group.get('TargetType')}, and network mode {mode} needs {wanted}",
            f"Use a target group of type {wanted}. The type of one that exists cannot be changed.",
        )
    if not group.get("LoadBalancerArns"):
        return failed("target_group", subject, "no load balancer sends to it", "Name it in a listener or a rule of a load balancer.")
    port = str(group.get("HealthCheckPort") or "traffic-port")
    mapped = {
        str(item.get("containerPort")) for one in definition.get("containerDefinitions") or [] for item in one.get("portMappings") or []
    }
    if port != "traffic-port" and mode == "awsvpc" and port not in mapped:
        return unknown("target_group", subject, f"its health check goes to port {port}, which no container maps")
    return ok("target_group", subject, f"type {wanted}, {group.get('Protocol')}, its health check goes to {port}")


def _and(words: t.Iterable[str]) -> str:
    return " and ".join(sorted(words)) or "nothing"


def _listed(value: t.Any) -> list[t.Any]:
    return list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]
