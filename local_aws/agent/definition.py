"""What the runtime is told about a container, out of its definition."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any

from local_aws.agent.account import Account
from local_aws.agent.roles import ExecutionRole
from local_aws.interfaces import ContainerSpec, Image, Mount, StartError

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


def mounts(container: Mapping[str, Any], task: Mapping[str, Any]) -> tuple[Mount, ...]:
    """Volumes and memory that the container mounts, those of its `volumesFrom` included. Raises StartError for a volume not to be had."""
    volumes = {volume["name"]: volume for volume in task.get("volumes", ())}
    found: dict[str, Mount] = {}
    others = {other["name"]: other for other in task["containerDefinitions"]}
    sources = [(others[item["sourceContainer"]], bool(item.get("readOnly"))) for item in container.get("volumesFrom", ())]
    for source, read_only in [*sources, (container, False)]:
        for point in source.get("mountPoints", ()):
            name, path = point["sourceVolume"], point["containerPath"]
            if name not in volumes:
                raise StartError("CannotCreateVolumeError", f"the task definition has no volume {name}")
            _require_plain(volumes[name])
            found[path] = Mount(path, name, read_only or bool(point.get("readOnly")))
    for memory in (container.get("linuxParameters") or {}).get("tmpfs", ()):
        found[memory["containerPath"]] = Mount(memory["containerPath"], None, "ro" in memory.get("mountOptions", ()), memory.get("size"))
    return tuple(found.values())


def _require_plain(volume: Mapping[str, Any]) -> None:
    """Volumes of the task itself are all there is here: no host directory of an instance, no file system of AWS."""
    beyond = [key for key in volume if key.endswith("Configuration") or key == "configuredAtLaunch"]
    if volume.get("configuredAtLaunch") is False:
        beyond.remove("configuredAtLaunch")
    if (volume.get("host") or {}).get("sourcePath"):
        beyond.append("host.sourcePath")
    if beyond:
        text = f"volume {volume['name']}: local_aws has no {', '.join(beyond)}; it gives tasks empty volumes of their own"
        raise StartError("CannotCreateVolumeError", text)


def container_spec(container: Mapping[str, Any], task: Mapping[str, Any], image: Image, extra: Mapping[str, str]) -> ContainerSpec:
    """`task` is the task definition; `extra` are all environment variables (see `environment`).

    Raises StartError for what local_aws cannot give.
    """
    task_memory = int(task["memory"]) if task.get("memory") else None
    if container.get("links"):
        text = "Error response from daemon: conflicting options: links are not supported with the network of another container"
        raise StartError("CannotCreateContainerError", text)
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
        mounts=mounts(container, task),
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
