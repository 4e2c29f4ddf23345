# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a definition, found before anything is sent: each problem names the field and the way out."""

from __future__ import annotations

import re
import typing as t

from .arns import parse_value_from
from .launch import launch_problems
from .masking import secret_reason
from .normalise import task_cpu, task_memory

_FAMILY = re.compile(r"^[A-Za-z0-9_-]{1,255}$")
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]+)?)"
_PATH = r"(?:[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)"
_IMAGE = re.compile(rf"^(?:{_DOMAIN}/)?{_PATH}(?:/{_PATH})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?$")
# Seconds, or times, that a container's health check may have.
_HEALTH_CHECK_RANGES = {"interval": (5, 300), "timeout": (2, 60), "retries": (1, 10), "startPeriod": (0, 300)}
_HEALTH_CHECK_STARTS = ("CMD", "CMD-SHELL", "NONE")
_NETWORK_MODES = ("bridge", "host", "awsvpc", "none")
# With an interface of its own a task has the names and the resolver of its VPC.
_NOT_IN_AWSVPC = ("links", "hostname", "extraHosts", "dnsServers", "dnsSearchDomains")
# Members that are lists of mappings, with what each of those holds.
_TASK_LISTS = {"containerDefinitions": "name and image", "volumes": "name", "tags": "key and value", "placementConstraints": "type"}
_CONTAINER_LISTS = {
    "environment": "name and value",
    "secrets": "name and valueFrom",
    "environmentFiles": "value and type",
    "mountPoints": "sourceVolume and containerPath",
    "volumesFrom": "sourceContainer",
    "portMappings": "containerPort",
    "dependsOn": "containerName and condition",
    "ulimits": "name, softLimit and hardLimit",
    "extraHosts": "hostname and ipAddress",
    "systemControls": "namespace and value",
    "resourceRequirements": "type and value",
}
_TASK_MAPPINGS = ("runtimePlatform", "ephemeralStorage", "proxyConfiguration")
_CONTAINER_MAPPINGS = ("healthCheck", "logConfiguration", "linuxParameters", "dockerLabels", "repositoryCredentials", "restartPolicy")
_SMALLEST_MEMORY_MIB = 4
_MOST_TAGS = 50


def problems(definition: dict[str, t.Any], allow_plain: t.Collection[str] = ()) -> list[str]:
    """Every problem found, in reading order; empty for a definition that RegisterTaskDefinition should accept.

    `allow_plain` names the environment variables that may stay although they look like secrets.
    """
    misshapen = shape_problems(definition)
    if misshapen:
        # Nothing else can be told of a definition whose members are not what they have to be.
        return misshapen
    found: list[str] = []
    family = definition.get("family")
    if not family:
        found.append("family: missing. Name the family in the template or with the option family.")
    elif not _FAMILY.match(str(family)):
        found.append(f"family: {family!r} may hold letters, digits, hyphens and underscores only, at most 255 of them.")
    containers = definition.get("containerDefinitions")
    if not isinstance(containers, list) or not containers:
        found.append("containerDefinitions: at least one container is needed.")
        return found
    names: list[str] = []
    for index, container in enumerate(containers):
        name = container.get("name")
        if not name:
            found.append(f"containerDefinitions[{index}].name: missing.")
            continue
        if name in names:
            found.append(f"containerDefinitions[{index}].name: there is already a container {name!r}. Names are unique in a task.")
        names.append(name)
        found.extend(_container(definition, container, f"container {name}"))
        found.extend(_plain_secrets(container, f"container {name}", allow_plain))
    whole = [item for item in containers if isinstance(item, dict) and item.get("name")]
    found.extend(_dependencies(whole))
    if names and not any(isinstance(item, dict) and item.get("essential", True) for item in containers):
        found.append("containerDefinitions: one container at least must be essential.")
    found.extend(_task(definition, whole))
    found.extend(_shared_ports(definition, whole))
    found.extend(launch_problems(definition, whole))
    return found


def shape_problems(definition: dict[str, t.Any]) -> list[str]:
    """Members that are of another kind than ECS takes, such as a mapping in place of a list. No value is shown: it may be a secret."""
    found = [*_lists(definition, _TASK_LISTS, ""), *_mappings(definition, _TASK_MAPPINGS, "")]
    listed = definition.get("containerDefinitions")
    for container in listed if isinstance(listed, list) else []:
        if isinstance(container, dict):
            where = f"container {container.get('name') or '(without name)'}: "
            found.extend(_lists(container, _CONTAINER_LISTS, where))
            found.extend(_mappings(container, _CONTAINER_MAPPINGS, where))
            logging = container.get("logConfiguration")
            if isinstance(logging, dict):
                found.extend(_mappings(logging, ("options",), f"{where}logConfiguration: "))
            linux = container.get("linuxParameters")
            if isinstance(linux, dict):
                found.extend(_mappings(linux, ("capabilities",), f"{where}linuxParameters: "))
    return found


def _lists(holder: dict[str, t.Any], members: dict[str, str], where: str) -> t.Iterator[str]:
    for member, holds in members.items():
        value = holder.get(member)
        if value and not isinstance(value, list):
            yield f"{where}{member}: a list of mappings with {holds} is needed, this is {_kind(value)}."
        for item in value if isinstance(value, list) else []:
            if not isinstance(item, dict):
                yield f"{where}{member}: a list of mappings with {holds} is needed, one item is {_kind(item)}."
                break


def _kind(value: t.Any) -> str:
    """What a value is, for people: Ansible has types of its own for texts, mappings and lists."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (str, "a text"),
        (dict, "a mapping"),
        (list, "a list"),
        (bool, "true or false"),
        ((int, float), "a number"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "nothing")


def _mappings(holder: dict[str, t.Any], members: t.Iterable[str], where: str) -> t.Iterator[str]:
    for member in members:
        value = holder.get(member)
        if value and not isinstance(value, dict):
            yield f"{where}{member}: a mapping is needed, this is {_kind(value)}."


def _container(definition: dict[str, t.Any], container: dict[str, t.Any], where: str) -> t.Iterator[str]:
    image = container.get("image")
    if not image:
        yield f"{where}: image: missing."
    elif not isinstance(image, str) or not _IMAGE.match(image):
        yield (
            f"{where}: image: {image!r} is no image reference. It reads [registry/]repository[:tag][@sha256:digest], "
            "the repository in lower case."
        )
    yield from _sizes(definition, container, where)
    volumes = {item.get("name") for item in definition.get("volumes") or [] if isinstance(item, dict)}
    for mount in container.get("mountPoints") or []:
        if mount.get("sourceVolume") not in volumes:
            yield f"{where}: mountPoints: there is no volume {mount.get('sourceVolume')!r}. Add it to volumes."
    yield from _networking(definition, container, where)
    for member, example in (("command", "['serve', '--port', '8080']"), ("entryPoint", "['/bin/serve']")):
        if container.get(member) is not None and not isinstance(container[member], list):
            yield f"{where}: {member}: a list of words is needed, for example {example}."
    yield from _variables(container, where)
    yield from _health_check(container, where)
    yield from _logging(definition, container, where)
    for limit in container.get("ulimits") or []:
        soft, hard = limit.get("softLimit"), limit.get("hardLimit")
        if isinstance(soft, int) and isinstance(hard, int) and hard != -1 and (soft > hard or soft == -1):
            yield f"{where}: ulimits: {limit.get('name')}: softLimit {soft} is above hardLimit {hard}. Raise hardLimit or lower softLimit."


def _sizes(definition: dict[str, t.Any], container: dict[str, t.Any], where: str) -> t.Iterator[str]:
    memory, reservation = container.get("memory"), container.get("memoryReservation")
    if isinstance(memory, int) and isinstance(reservation, int) and memory < reservation:
        yield f"{where}: memory: {memory} MiB is below memoryReservation, {reservation} MiB. Raise memory or lower the reservation."
    for member, amount in (("memory", memory), ("memoryReservation", reservation)):
        if isinstance(amount, int) and amount < _SMALLEST_MEMORY_MIB:
            yield f"{where}: {member}: {amount} MiB is below {_SMALLEST_MEMORY_MIB} MiB, the least that Docker gives a container. Raise it."
        elif amount is not None and not isinstance(amount, int):
            yield f"{where}: {member}: {amount!r} is not a number of MiB."
    cpu = container.get("cpu")
    if cpu is not None and (not isinstance(cpu, int) or cpu < 0):
        yield f"{where}: cpu: {cpu!r} is not a number of CPU units, of which a vCPU has 1024."
    if memory is None and reservation is None and not definition.get("memory"):
        yield f"{where}: memory: set memory or memoryReservation, or memory for the whole task."


def _networking(definition: dict[str, t.Any], container: dict[str, t.Any], where: str) -> t.Iterator[str]:
    mode = definition.get("networkMode")
    if mode == "none" and container.get("portMappings"):
        yield f"{where}: portMappings: in network mode none a container has no port. Leave them out, or use awsvpc."
    if mode == "awsvpc":
        for member in _NOT_IN_AWSVPC:
            if container.get(member):
                yield f"{where}: {member}: network mode awsvpc does not take it. Leave it out."
    elif mode not in (None, "bridge") and container.get("links"):
        yield f"{where}: links: network mode {mode} does not take them. Leave them out, or use bridge."
    for port in container.get("portMappings") or []:
        yield from _port(port, mode, f"{where}: portMappings")


def _port(port: dict[str, t.Any], mode: t.Any, where: str) -> t.Iterator[str]:
    inside, outside = port.get("containerPort"), port.get("hostPort")
    if inside is None and not port.get("containerPortRange"):
        yield f"{where}: containerPort is missing."
    elif inside is not None and not isinstance(inside, int):
        yield f"{where}: containerPort {inside!r} is not a number."
    elif isinstance(inside, int) and not 1 <= inside <= 65535:
        yield f"{where}: containerPort {inside} is not between 1 and 65535."
    if mode in ("awsvpc", "host") and outside not in (None, inside):
        yield f"{where}: hostPort {outside} is not containerPort {inside}. In network mode {mode} both are the same: leave hostPort out."


def _variables(container: dict[str, t.Any], where: str) -> t.Iterator[str]:
    listed = [item for item in container.get("secrets") or [] if isinstance(item, dict)]
    variables = [str(item.get("name")) for item in container.get("environment") or [] if isinstance(item, dict)]
    secrets = [str(item.get("name")) for item in listed]
    for member, names in (("environment", variables), ("secrets", secrets)):
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"{where}: {member}: {name} is set more than once. Keep one of them."
    for name in sorted(set(variables) & set(secrets)):
        yield f"{where}: {name} is in environment and in secrets. Keep one of them."
    for item in listed:
        value = item.get("valueFrom")
        if not isinstance(value, str) or parse_value_from(value) is None:
            yield (
                f"{where}: secrets: {item.get('name')}: valueFrom {value!r} is neither an SSM parameter's name or ARN "
                "nor the ARN of a Secrets Manager secret."
            )


def _plain_secrets(container: dict[str, t.Any], where: str, allowed: t.Collection[str]) -> t.Iterator[str]:
    for item in container.get("environment") or []:
        name = str(item.get("name")) if isinstance(item, dict) else ""
        reason = secret_reason(name, str(item.get("value") or "")) if name and name not in allowed else None
        if reason:
            yield (
                f"{where}: environment: {name} looks like a secret: {reason}. Everybody who may describe the definition can read it. "
                f"Put it into secrets, or name it in allow_plain if it is none."
            )


def _health_check(container: dict[str, t.Any], where: str) -> t.Iterator[str]:
    check = container.get("healthCheck")
    if not isinstance(check, dict):
        return
    command = check.get("command")
    if not isinstance(command, list) or not command or command[0] not in _HEALTH_CHECK_STARTS:
        yield (
            f"{where}: healthCheck: command {command!r} begins with neither CMD (the words of a command) "
            "nor CMD-SHELL (a line for the shell)."
        )
    for member, (least, most) in _HEALTH_CHECK_RANGES.items():
        value = check.get(member)
        if value is not None and not (isinstance(value, int) and least <= value <= most):
            yield f"{where}: healthCheck: {member} is {least} to {most}, this is {value!r}."


def _logging(definition: dict[str, t.Any], container: dict[str, t.Any], where: str) -> t.Iterator[str]:
    logging = container.get("logConfiguration")
    if not isinstance(logging, dict) or logging.get("logDriver") != "awslogs":
        return
    fargate = "FARGATE" in (definition.get("requiresCompatibilities") or [])
    needed = ("awslogs-group", "awslogs-region", "awslogs-stream-prefix") if fargate else ("awslogs-group",)
    options = logging.get("options") or {}
    for option in needed:
        if not options.get(option):
            yield f"{where}: logConfiguration: the driver awslogs needs the option {option}."


def _dependencies(containers: list[dict[str, t.Any]]) -> t.Iterator[str]:
    by_name = {str(item["name"]): item for item in containers}
    needs: dict[str, list[str]] = {}
    for name, container in by_name.items():
        for item in container.get("dependsOn") or []:
            other, condition = item.get("containerName"), item.get("condition")
            where = f"container {name}: dependsOn"
            if other not in by_name:
                yield f"{where}: there is no container {other!r}. There is: {', '.join(by_name)}."
                continue
            needs.setdefault(name, []).append(other)
            if condition == "HEALTHY" and not by_name[other].get("healthCheck"):
                yield f"{where}: HEALTHY needs a healthCheck in container {other}, which has none. Add one, or wait for START."
            elif condition in ("COMPLETE", "SUCCESS") and by_name[other].get("essential", True):
                yield (
                    f"{where}: {condition} waits for the end of container {other}, which is essential: its end ends the task. "
                    "Set essential: false there."
                )
            elif condition not in ("START", "COMPLETE", "SUCCESS", "HEALTHY"):
                yield f"{where}: condition {condition!r} is none of START, COMPLETE, SUCCESS and HEALTHY."
    for name in by_name:
        circle = _circle(name, needs)
        if circle and name == min(circle):
            yield f"dependsOn: the containers {' -> '.join([*circle, name])} wait for each other."


def _circle(start: str, needs: dict[str, list[str]]) -> list[str]:
    """The shortest way from `start` back to itself, or nothing."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for other in needs.get(way[-1], []):
            if other == start:
                return way
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return []


def _task(definition: dict[str, t.Any], containers: list[dict[str, t.Any]]) -> t.Iterator[str]:
    mode = definition.get("networkMode")
    if mode is not None and mode not in _NETWORK_MODES:
        yield f"networkMode: {mode!r} is none of {', '.join(_NETWORK_MODES)}."
    volumes = [str(item.get("name")) for item in definition.get("volumes") or [] if isinstance(item, dict)]
    for name in sorted({name for name in volumes if volumes.count(name) > 1}):
        yield f"volumes: there is more than one volume {name!r}."
    tags = [str(item.get("key")) for item in definition.get("tags") or [] if isinstance(item, dict)]
    if len(tags) > _MOST_TAGS:
        yield f"tags: a definition takes {_MOST_TAGS} tags, these are {len(tags)}."
    for key in tags:
        if key.lower().startswith("aws:"):
            yield f"tags: {key}: names that begin with aws: are AWS's own."
    yield from _sums(definition, containers)


def _sums(definition: dict[str, t.Any], containers: list[dict[str, t.Any]]) -> t.Iterator[str]:
    memory, cpu = task_memory(definition.get("memory") or ""), task_cpu(definition.get("cpu") or "")
    for member, text in (("memory", memory), ("cpu", cpu)):
        if text and not text.isdigit():
            yield f"{member}: {definition[member]!r} is no size. It reads {'512 or 0.5GB' if member == 'memory' else '256 or 0.25 vCPU'}."
    needed = sum(_amount(item.get("memoryReservation") or item.get("memory")) for item in containers)
    if memory.isdigit() and needed > int(memory):
        yield f"memory: {memory} MiB for the task is below what its containers ask for together, {needed} MiB."
    if memory.isdigit():
        for item in containers:
            if _amount(item.get("memory")) > int(memory) >= needed:
                yield f"container {item['name']}: memory: {item['memory']} MiB is above memory of the task, {memory} MiB."
    shares = sum(_amount(item.get("cpu")) for item in containers)
    # On EC2 a container's CPU is a share of what is there, and only Fargate's documentation forbids more of it than the task has.
    if cpu.isdigit() and shares > int(cpu) and "FARGATE" in (definition.get("requiresCompatibilities") or []):
        yield f"cpu: {cpu} units for the task are below what its containers ask for together, {shares} units."


def _amount(value: t.Any) -> int:
    return value if isinstance(value, int) else 0


def _shared_ports(definition: dict[str, t.Any], containers: list[dict[str, t.Any]]) -> t.Iterator[str]:
    """Ports that two mappings of one task want on the same side, and names of ports that are there twice."""
    mode = definition.get("networkMode")
    taken: dict[tuple[int, str], str] = {}
    names: set[str] = set()
    for container in containers:
        for port in container.get("portMappings") or []:
            if not isinstance(port, dict):
                continue
            outside = port.get("containerPort") if mode in ("awsvpc", "host") else port.get("hostPort")
            key = (outside, str(port.get("protocol") or "tcp")) if isinstance(outside, int) and outside else None
            if key and key in taken:
                yield f"container {container['name']}: portMappings: port {key[0]}/{key[1]} is taken by container {taken[key]} already."
            elif key:
                taken[key] = str(container["name"])
            if port.get("name") and port["name"] in names:
                yield f"container {container['name']}: portMappings: there is already a port named {port['name']!r}."
            names.add(str(port.get("name") or ""))
