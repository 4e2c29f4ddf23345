"""What the runtime is told about a container, out of its definition."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any

from local_aws.agent.account import Account
from local_aws.agent.roles import ExecutionRole
from local_aws.interfaces import ContainerSpec, Image, StartError

DEFAULT_STOP_TIMEOUT = 30.0
"""AWS seconds between SIGTERM and SIGKILL on EC2, when the container says nothing (ecs-facts.md 2.4)."""


class EnvironmentFileError(Exception):
    """An environment file that cannot be had; the text becomes the task's stoppedReason."""


def environment_files(container: Mapping[str, Any], account: Account, role: ExecutionRole) -> dict[str, str]:
    """Variables of the container's `environmentFiles` in S3. Raises EnvironmentFileError."""
    variables: dict[str, str] = {}
    for item in container.get("environmentFiles", ()):
        arn = item["value"]
        bucket, _, key = arn.rpartition(":::")[2].partition("/")
        denial = role.denial("s3:GetObject", arn)
        content = account.object(bucket, key) if denial is None else None
        if content is None:
            problem = f"AccessDenied: {denial}" if denial else "NoSuchKey: The specified key does not exist."
            raise EnvironmentFileError(
                f"ResourceInitializationError: failed to download env files: unable to download env file with key {key} "
                f"from bucket {bucket}: {problem}"
            )
        variables |= parse_environment_file(content.decode(errors="replace"))
    return variables


def parse_environment_file(text: str) -> dict[str, str]:
    """Lines `NAME=value`; lines that begin with `#` and lines without `=` are passed over; quotes stay (ECS: EnvironmentFile)."""
    variables: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith("#") and name.strip():
            variables[name.strip()] = value.strip()
    return variables


def container_spec(container: Mapping[str, Any], task_memory: int | None, image: Image, extra: Mapping[str, str]) -> ContainerSpec:
    """`task_memory` is the task's own limit in MiB; `extra` are variables from files (weaker) and secrets (stronger), already merged.

    Raises StartError for what local_aws cannot give.
    """
    if container.get("links"):
        text = "Error response from daemon: conflicting options: links are not supported with the network of another container"
        raise StartError("CannotCreateContainerError", text)
    if container.get("mountPoints") or container.get("volumesFrom"):
        raise StartError("CannotCreateVolumeError", "local_aws gives tasks no volumes: remove mountPoints and volumesFrom to run this here")
    return ContainerSpec(
        name=container["name"],
        image=image,
        entry_point=container.get("entryPoint") or None,
        command=container.get("command") or None,
        environment=extra,
        user=container.get("user"),
        working_directory=container.get("workingDirectory"),
        read_only_root=bool(container.get("readonlyRootFilesystem")),
        memory_limit_mib=container.get("memory") or task_memory,
        cpu_units=container.get("cpu") or 0,
        ulimits={item["name"]: (item["softLimit"], item["hardLimit"]) for item in container.get("ulimits", ())},
        port_hints=tuple(mapping["containerPort"] for mapping in container.get("portMappings", ()) if "containerPort" in mapping),
    )


def environment(
    container: Mapping[str, Any], files: Mapping[str, str], secrets: Mapping[str, str], agent: Mapping[str, str]
) -> dict[str, str]:
    """All variables of a container; what is said in the definition wins over files, secrets over both (names cannot repeat in ECS)."""
    plain = {item["name"]: item.get("value", "") for item in container.get("environment", ())}
    return {**agent, **files, **plain, **secrets}


def stop_signal(image: Image) -> int:
    """The image's StopSignal, `SIGTERM` where it has none."""
    text = str((image.config.get("config") or {}).get("StopSignal") or "SIGTERM")
    if text.isdigit():
        return int(text)
    name = text if text.startswith("SIG") else f"SIG{text}"
    return int(signal.Signals.__members__.get(name, signal.SIGTERM))


def stop_timeout(container: Mapping[str, Any]) -> float:
    value = container.get("stopTimeout")
    return DEFAULT_STOP_TIMEOUT if value is None else float(value)
