"""What a container's first process is started with: the image's configuration, and what the task definition says instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local_aws.interfaces import ContainerSpec, StartError

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Command:
    argv: tuple[str, ...]
    environment: dict[str, str]
    user: str
    directory: str


def resolve(spec: ContainerSpec, hostname: str) -> Command:
    """Docker's rules: an entry point given by the task definition also drops the image's command. Raises StartError."""
    config: dict[str, Any] = spec.image.config.get("config") or {}
    if spec.entry_point:
        entry, command = list(spec.entry_point), list(spec.command or ())
    else:
        entry, command = list(config.get("Entrypoint") or ()), list(spec.command or config.get("Cmd") or ())
    argv = (*entry, *command)
    if not argv:
        raise StartError("CannotCreateContainerError", "Error response from daemon: no command specified")
    environment = {"PATH": DEFAULT_PATH, "HOSTNAME": hostname}
    for line in config.get("Env") or ():
        name, _, value = line.partition("=")
        environment[name] = value
    environment.update(spec.environment)
    return Command(
        argv,
        environment,
        spec.user or str(config.get("User") or ""),
        spec.working_directory or str(config.get("WorkingDir") or "/"),
    )
