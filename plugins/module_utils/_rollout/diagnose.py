# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the words of ECS to a finding: stopped tasks, service events, target health. Pure, and read from tables.

The texts are those of the ECS agent and of the service scheduler. They are matched by their lasting parts, in any case.
"""

from __future__ import annotations

import re
import typing as t

from .causes import Finding, Weight

Data = dict[str, t.Any]

_HOPELESS, _REPEATED, _TRANSIENT = Weight.HOPELESS, Weight.REPEATED, Weight.TRANSIENT


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts), re.IGNORECASE)


_NETWORK = (
    r"i/o timeout|request canceled while waiting|context deadline exceeded|context canceled|no route to host|dial tcp|connection refused"
    r"|connection reset|tls handshake timeout"
)
_ABOUT_SECRETS = _pattern(
    r"fetching secret data", r"retrieve secrets? from (ssm|asm|secretsmanager|aws secrets manager)", r"retrieve secret from"
)
_SECRET_ROWS: tuple[tuple[re.Pattern[str], str, Weight], ...] = (
    (_pattern(r"unable to find execution role", r"assume role", r"assumerole"), "role_unusable", _HOPELESS),
    (_pattern("AccessDenied", "not authorized", "is not authorised"), "secret_denied", _HOPELESS),
    (
        _pattern(
            "ResourceNotFoundException",
            "ParameterNotFound",
            "invalid parameters?",
            "did not contain json key",
            "invalid character",
            "can't find",
        ),
        "secret_not_found",
        _HOPELESS,
    ),
    (_pattern(_NETWORK, "RequestCanceled", "timed? ?out"), "registry_unreachable", _REPEATED),
)
# Searched from the top: what is special stands above what is general.
_START_ROWS: tuple[tuple[re.Pattern[str], str, Weight], ...] = (
    (_pattern(r"toomanyrequests", r"pull rate limit"), "registry_rate_limited", _TRANSIENT),
    (
        _pattern(r"descriptor matching platform", r"no matching manifest for", r"no match for platform"),
        "image_platform_mismatch",
        _HOPELESS,
    ),
    (_pattern(r"no space left on device"), "no_capacity", _TRANSIENT),
    (
        _pattern(
            r"unable to find execution role",
            r"unable to assume the (service-linked )?role",
            r"(cannot|could not|couldn't|failed to) assume",
            r"sts:AssumeRole",
        ),
        "role_unusable",
        _HOPELESS,
    ),
    (
        _pattern(r"log group does not exist", r"(create|creating).{0,40}log stream.*ResourceNotFoundException"),
        "log_group_missing",
        _HOPELESS,
    ),
    (_pattern(r"log stream.*AccessDenied", r"not authorized to perform: logs:"), "logs_denied", _HOPELESS),
    (_pattern(r"OutOfMemory", r"container killed due to memory usage"), "out_of_memory", _REPEATED),
    (_pattern(r"exec format error"), "exec_format", _HOPELESS),
    (
        _pattern(
            r"executable file not found",
            r"(exec|stat|starting container process)[^\n]*no such file or directory",
            r"(exec|stat|starting container process)[^\n]*permission denied",
            r"exec: \"[^\"]*\": (permission denied|is a directory)",
        ),
        "entrypoint_missing",
        _HOPELESS,
    ),
    (_pattern(_NETWORK), "registry_unreachable", _REPEATED),
    (
        _pattern(
            r"is not authorized to perform: ecr",
            r"AccessDeniedException",
            r"denied: requested access",
            r"no basic auth credentials",
            r"401 Unauthorized",
            r"403 Forbidden",
            r"CannotPullContainerAuthError",
        ),
        "registry_denied",
        _HOPELESS,
    ),
    (
        _pattern(
            r"manifest unknown",
            r"requested image not found",
            r"repository does not exist",
            r"name unknown",
            r"RepositoryNotFoundException",
            r"ImageNotFoundException",
            r"failed to resolve ref",
            r"cannotpull[a-z]*error:.*: not found",
        ),
        "image_not_found",
        _HOPELESS,
    ),
    (
        _pattern(r"unable to attach network interface", r"network interface provisioning", r"RESOURCE:ENI"),
        "no_capacity",
        _TRANSIENT,
    ),
    (_pattern(r"DockerTimeoutError", r"timed out after waiting"), "task_failed_to_start", _REPEATED),
    (_pattern(r"capacity is unavailable", r"insufficient capacity"), "no_capacity", _TRANSIENT),
)
_NOT_EVIDENCE = frozenset({"UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"})
_WITHOUT_EXIT_YET = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING")


def start_failure(text: str) -> tuple[str, Weight]:
    """The cause that an error text of a task that could not start names."""
    rows = _SECRET_ROWS if _ABOUT_SECRETS.search(text) else _START_ROWS
    for pattern, cause, weight in rows:
        if pattern.search(text):
            return cause, weight
    return ("secret_denied", _REPEATED) if rows is _SECRET_ROWS else ("task_failed_to_start", _REPEATED)


def task_id(arn: str | None) -> str:
    return (arn or "").rsplit("/", 1)[-1]


def stopped_task(task: Data) -> Finding | None:
    """What a task that stopped, or is being stopped, says about its rollout; None when it says nothing (or nothing yet)."""
    code, reason = task.get("stopCode"), str(task.get("stoppedReason") or "")
    if not reason and not code:
        return None
    identity = task_id(task.get("taskArn"))
    if code in _NOT_EVIDENCE or "scaling activity initiated by" in reason.lower():
        return None
    where = f"task {identity[:8]}"
    lowered = reason.lower()
    if "failed elb health checks" in lowered:
        return Finding("target_unhealthy", _REPEATED, f"{where}: {reason}", identity)
    if "failed container health checks" in lowered:
        sick = next((item for item in task.get("containers") or [] if item.get("healthStatus") == "UNHEALTHY"), None)
        return Finding("container_unhealthy", _REPEATED, f"{where}: {reason}", identity, sick and sick.get("name"))
    container = _culprit(task)
    text = "; ".join(dict.fromkeys(part for part in (reason, str((container or {}).get("reason") or "")) if part))
    name = (container or {}).get("name")
    evidence = f"{where}{f' container {name}' if name else ''}: {text}"
    if code == "EssentialContainerExited" or lowered.startswith("essential container in task exited"):
        return _exited(task, container, evidence, identity)
    if code == "TaskFailedToStart" or "error" in text.lower() or "failed to start" in lowered:
        every = " ".join([reason, *(str(item.get("reason") or "") for item in task.get("containers") or [])])
        cause, weight = start_failure(every)
        return Finding(cause, weight, evidence, identity, name)
    return None


def _culprit(task: Data) -> Data | None:
    """The container that brought the task down: one with a reason, else one that ended with an error, else one that ended."""
    containers = [item for item in task.get("containers") or [] if isinstance(item, dict)]
    for wanted in (
        lambda item: item.get("reason"),
        # 137 and 143 are also what ECS's own stopping of the other containers looks like.
        lambda item: item.get("exitCode") not in (None, 0, 137, 143),
        lambda item: item.get("exitCode") not in (None, 0),
        lambda item: item.get("exitCode") is not None,
    ):
        found = next((item for item in containers if wanted(item)), None)
        if found:
            return found
    return None


def _exited(task: Data, container: Data | None, evidence: str, identity: str) -> Finding | None:
    if container is None:
        if task.get("lastStatus") in _WITHOUT_EXIT_YET:
            return None
        return Finding("container_exited", _REPEATED, evidence, identity, detail={"exit_code": None})
    name, reason = container.get("name"), str(container.get("reason") or "")
    code = container.get("exitCode")
    if reason:
        cause, weight = start_failure(reason)
        if cause != "task_failed_to_start":
            return Finding(cause, weight, evidence, identity, name, {"exit_code": code})
    words = exit_words(code)
    return Finding(
        "container_exited", _REPEATED, f"{evidence} (exit code {code}{words})", identity, name, {"exit_code": code, **_signal(code)}
    )


def exit_words(code: int | None) -> str:
    """What an exit code of a container commonly means, as an addition in the same sentence."""
    known = {
        0: ": ended by itself, which a service's container never should",
        125: ": the container runtime failed",
        126: ": the command cannot be executed",
        127: ": the command was not found",
        134: ": aborted",
        137: ": killed",
        139: ": segmentation fault",
        143: ": ended by SIGTERM",
    }
    return known.get(code, "") if code is not None else ""


def _signal(code: int | None) -> Data:
    return {"signal": code - 128} if code is not None and 128 < code < 160 else {}


# The rest of "was unable to place a task because no container instance met all of its requirements", and what it is short of.
_PLACEMENT_ROWS: tuple[tuple[re.Pattern[str], str, Weight], ...] = (
    (_pattern(r"missing an attribute", r"ATTRIBUTE"), "attribute", _HOPELESS),
    (_pattern(r"placement constraint unsatisfied"), "constraint", _HOPELESS),
    (_pattern(r"LOCATION"), "location", _HOPELESS),
    (_pattern(r"insufficient CPU", r"RESOURCE:CPU"), "cpu", _REPEATED),
    (_pattern(r"insufficient memory", r"RESOURCE:MEMORY"), "memory", _REPEATED),
    (_pattern(r"already using a port", r"RESOURCE:PORTS"), "port", _REPEATED),
    (_pattern(r"RESOURCE:ENI"), "eni", _REPEATED),
    (_pattern(r"agent connected", r"\"AGENT\"", r"error AGENT"), "agent", _TRANSIENT),
    (_pattern(r"No Container Instances were found"), "instances", _REPEATED),
)
_PREFIX = re.compile(r"^\(service [^)]*\)\s*")


def event_finding(message: str) -> Finding | None:
    """What a service event says against the rollout; None for the ordinary ones (started, stopped, registered, steady)."""
    text = _PREFIX.sub("", message)
    lowered = text.lower()
    if "because of the service deployment configuration" in lowered:
        return Finding("deployment_dead_end", _HOPELESS, text)
    if "is not found" in lowered and "target group is not found" in lowered:
        return Finding("target_group_missing", _HOPELESS, text)
    if "failed to register targets" in lowered and ("not authorized" in lowered or "accessdenied" in lowered):
        return Finding("role_unusable", _HOPELESS, text)
    if "failed to register targets" in lowered:
        missing = "targetgroupnotfound" in lowered.replace(" ", "") or "not found" in lowered
        return Finding("target_group_missing", _HOPELESS if missing else _REPEATED, text)
    if "iam" in lowered and ("misconfigured" in lowered or "trust relationship" in lowered):
        return Finding("role_unusable", _HOPELESS, text)
    if "unable to assume the" in lowered or "unable to assume role" in lowered:
        return Finding("role_unusable", _HOPELESS, text)
    if "operations are being throttled" in lowered:
        return Finding("throttled", _TRANSIENT, text)
    if "unable to consistently start tasks successfully" in lowered:
        # ECS waits longer and longer between its tries; the tasks themselves say why they fail.
        return Finding("task_failed_to_start", _TRANSIENT, text)
    if "could not launch" in lowered and "for deployment" in lowered:
        return Finding("no_capacity", _TRANSIENT, text, detail={"resource": None})
    if "no container instances were found in your capacity provider" in lowered or "provisioning capacity limit" in lowered:
        return Finding("no_capacity", _TRANSIENT, text, detail={"resource": "instances"})
    if "unable to place" in lowered:
        match = re.search(r"unable to place a task\. Reason: (.*)", text, re.IGNORECASE | re.DOTALL)
        if match and "error" in match.group(1).lower() and "internal error" not in match.group(1).lower():
            cause, weight = start_failure(match.group(1))
            return Finding(cause, weight, text)
        for pattern, resource, weight in _PLACEMENT_ROWS:
            if pattern.search(text):
                certain = {"permanent": True} if weight is _HOPELESS else {}
                return Finding("no_capacity", weight, text, detail={"resource": resource, **certain})
        return Finding("no_capacity", _TRANSIENT, text, detail={"resource": None})
    return None


def task_limits(desired: int, configuration: t.Mapping[str, t.Any]) -> tuple[int, int]:
    """The fewest healthy and the most tasks of a rolling update, by its `deploymentConfiguration`.

    The fewest are rounded up and the most down, without percentages from 100 and 200 ("DeploymentConfiguration" in the API reference).
    """
    minimum, maximum = configuration.get("minimumHealthyPercent"), configuration.get("maximumPercent")
    fewest = -(-desired * (100 if minimum is None else int(minimum)) // 100)
    return fewest, desired * (200 if maximum is None else int(maximum)) // 100


def is_dead_end(service: Data) -> bool:
    """Whether the percentages forbid both a start and a stop, so that a rolling update can never take its first step."""
    configuration = service.get("deploymentConfiguration") or {}
    if service.get("schedulingStrategy", "REPLICA") != "REPLICA" or configuration.get("strategy", "ROLLING") != "ROLLING":
        return False
    desired = int(service.get("desiredCount") or 0)
    lower, upper = task_limits(desired, configuration)
    return desired > 0 and upper <= desired and lower >= desired


def dead_end_words(service: Data) -> str:
    """The evidence for `is_dead_end`."""
    configuration = service.get("deploymentConfiguration") or {}
    return (
        f"desired count {service.get('desiredCount')}, maximumPercent {configuration.get('maximumPercent')}, "
        f"minimumHealthyPercent {configuration.get('minimumHealthyPercent')}: no task may be started and none stopped"
    )


def private_address(task: Data) -> str | None:
    """The address of an awsvpc task, which is what its target group knows it by."""
    for attachment in task.get("attachments") or []:
        if attachment.get("type") in ("ElasticNetworkInterface", "eni"):
            for detail in attachment.get("details") or []:
                if detail.get("name") == "privateIPv4Address":
                    return str(detail.get("value"))
    for container in task.get("containers") or []:
        for interface in container.get("networkInterfaces") or []:
            if interface.get("privateIpv4Address"):
                return str(interface["privateIpv4Address"])
    return None


def host_ports(task: Data) -> set[int]:
    """The host ports of a bridge or host task: its targets are the instance with one of these."""
    return {
        int(binding["hostPort"])
        for container in task.get("containers") or []
        for binding in container.get("networkBindings") or []
        if binding.get("hostPort")
    }


def targets_of(task: Data, targets: t.Mapping[str, t.Sequence[Data] | None]) -> dict[str, Data | None]:
    """For each target group, the health description of this task's target, or None when it is not registered (yet)."""
    address, ports = private_address(task), host_ports(task)
    found: dict[str, Data | None] = {}
    for group, descriptions in targets.items():
        found[group] = None
        for description in descriptions or ():
            target = description.get("Target") or {}
            by_address = bool(address) and target.get("Id") == address
            by_port = not address and str(target.get("Id", "")).startswith("i-") and target.get("Port") in ports
            if by_address or by_port:
                found[group] = description
    return found
