# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be changed in a container and in a task, one function for each kind of member."""

from __future__ import annotations

import typing as t

from .arns import Names, role_arn, secret_value_from
from .errors import TaskDefinitionError
from .reading import as_text
from .spelling import camel, camel_keys

Data = dict[str, t.Any]
Change = t.Callable[[Data, t.Any, Names, str], None]
"""Changes a container or a task in place, to the value given. The text says which member that is, for messages."""


def _set(member: str, kind: type | tuple[type, ...] | None = None, needed: str = "") -> Change:
    def change(target: Data, value: t.Any, _names: Names, field: str) -> None:
        if kind is not None and not isinstance(value, kind):
            raise TaskDefinitionError([f"{field}: {needed} is needed, this is {value!r}."])
        target[member] = camel_keys(value, member)

    return change


def _words(member: str) -> Change:
    return _set(member, list, "a list of words, for example ['serve', '--port', '8080'],")


def _listed(member: str) -> Change:
    return _set(member, list, "a list")


def _mapped(member: str) -> Change:
    return _set(member, dict, "a mapping")


def _named(member: str, content: str) -> Change:
    """Merge a mapping from name to value into a list of named things. A null value takes the name out."""

    def change(target: Data, value: t.Any, names: Names, field: str) -> None:
        _need_mapping(value, field)
        entries = [dict(item) for item in target.get(member) or []]
        for name, wanted in value.items():
            if wanted is None:
                entries = [item for item in entries if item.get("name") != name]
                continue
            text = secret_value_from(wanted, names, f"{field}: {name}") if member == "secrets" else as_text(wanted)
            known = [item for item in entries if item.get("name") == name]
            if known:
                known[0][content] = text
            else:
                entries.append({"name": name, content: text})
        target[member] = entries

    return change


def _without(member: str) -> Change:
    def change(target: Data, value: t.Any, _names: Names, field: str) -> None:
        if not isinstance(value, list):
            raise TaskDefinitionError([f"{field}: a list of names is needed, this is {value!r}."])
        if member == "dockerLabels":
            target[member] = {key: item for key, item in (target.get(member) or {}).items() if key not in value}
        else:
            target[member] = [item for item in target.get(member) or [] if item.get("name") not in value]

    return change


def _mode(member: str) -> Change:
    """V(replace) empties the member before the values are put in; it comes before them in the order of changes."""

    def change(target: Data, value: t.Any, _names: Names, field: str) -> None:
        if value not in ("merge", "replace"):
            raise TaskDefinitionError([f"{field}: merge or replace is needed, this is {value!r}."])
        if value == "replace":
            target.pop(member, None)

    return change


def _labels(target: Data, value: t.Any, _names: Names, field: str) -> None:
    _need_mapping(value, field)
    merged = {**(target.get("dockerLabels") or {}), **value}
    target["dockerLabels"] = {key: as_text(item) for key, item in merged.items() if item is not None}


def _ulimits(target: Data, value: t.Any, _names: Names, field: str) -> None:
    """A list as the API has it, or a mapping from name to one number for both limits or to both."""
    if isinstance(value, dict):
        entries: list[t.Any] = []
        for name, limit in value.items():
            if isinstance(limit, dict):
                soft, hard = limit.get("soft", limit.get("soft_limit")), limit.get("hard", limit.get("hard_limit"))
            else:
                soft = hard = limit
            entries.append({"name": name, "softLimit": soft, "hardLimit": soft if hard is None else hard})
        value = entries
    _listed("ulimits")(target, value, _names, field)


def _ports(target: Data, value: t.Any, _names: Names, field: str) -> None:
    """A list of mappings, or of bare container ports."""
    if not isinstance(value, list):
        raise TaskDefinitionError([f"{field}: a list of ports or of mappings with container_port is needed, this is {value!r}."])
    target["portMappings"] = [camel_keys(item) if isinstance(item, dict) else {"containerPort": item} for item in value]


def _environment_files(target: Data, value: t.Any, _names: Names, field: str) -> None:
    """A list of ARNs of S3 objects, or of mappings with value and type."""
    if not isinstance(value, list):
        raise TaskDefinitionError([f"{field}: a list of ARNs of S3 objects is needed, this is {value!r}."])
    target["environmentFiles"] = [item if isinstance(item, dict) else {"value": item, "type": "s3"} for item in value]


def _log_configuration(target: Data, value: t.Any, names: Names, field: str) -> None:
    """Options are merged while the driver stays the same; another driver starts from nothing, as its options are others."""
    _need_mapping(value, field)
    unknown = sorted(set(value) - {"log_driver", "options", "secret_options"})
    if unknown:
        raise TaskDefinitionError([f"{field}: log_driver, options and secret_options are taken, not {', '.join(unknown)}."])
    current = target.get("logConfiguration") or {}
    driver = value.get("log_driver") or current.get("logDriver")
    if not driver:
        raise TaskDefinitionError([f"{field}: log_driver is needed, none is set yet."])
    if value.get("options") is not None:
        _need_mapping(value["options"], f"{field}: options")
    base = dict(current) if current.get("logDriver") == driver else {}
    options = {**(base.get("options") or {}), **(value.get("options") or {})}
    result = {**base, "logDriver": driver, "options": {key: as_text(item) for key, item in options.items() if item is not None}}
    if not result["options"]:
        del result["options"]
    if value.get("secret_options") is not None:
        _need_mapping(value["secret_options"], f"{field}: secret_options")
        result["secretOptions"] = [
            {"name": name, "valueFrom": secret_value_from(wish, names, f"{field}: secret_options: {name}")}
            for name, wish in value["secret_options"].items()
            if wish is not None
        ]
    target["logConfiguration"] = result


def _members(target: Data, value: t.Any, _names: Names, field: str) -> None:
    """Members by the API's own names, for what no option is for. Null takes one out."""
    _need_mapping(value, field)
    for name, item in value.items():
        if item is None:
            target.pop(name, None)
        else:
            target[name] = item


def _role(member: str) -> Change:
    def change(target: Data, value: t.Any, names: Names, field: str) -> None:
        if value:
            target[member] = role_arn(str(value), names, field)
        else:
            target.pop(member, None)

    return change


def _tags(target: Data, value: t.Any, _names: Names, field: str) -> None:
    _need_mapping(value, field)
    target["tags"] = [{"key": str(key), "value": as_text(item)} for key, item in value.items()]


def _ephemeral_storage(target: Data, value: t.Any, _names: Names, _field: str) -> None:
    target["ephemeralStorage"] = {"sizeInGiB": value}


def _runtime_platform(target: Data, value: t.Any, _names: Names, field: str) -> None:
    _need_mapping(value, field)
    given = {camel(str(key)): item for key, item in value.items() if item is not None}
    target["runtimePlatform"] = {**(target.get("runtimePlatform") or {}), **given}


def _need_mapping(value: t.Any, field: str) -> None:
    if not isinstance(value, dict):
        raise TaskDefinitionError([f"{field}: a mapping from name to value is needed, this is {type(value).__name__}."])


# In the order in which they are made: what empties or takes out comes before what puts in, and `members` has the last word.
CONTAINER_CHANGES: dict[str, Change] = {
    "environment_mode": _mode("environment"),
    "environment_remove": _without("environment"),
    "secrets_mode": _mode("secrets"),
    "secrets_remove": _without("secrets"),
    "docker_labels_mode": _mode("dockerLabels"),
    "docker_labels_remove": _without("dockerLabels"),
    "environment": _named("environment", "value"),
    "secrets": _named("secrets", "valueFrom"),
    "environment_files": _environment_files,
    "docker_labels": _labels,
    "log_configuration": _log_configuration,
    "ulimits": _ulimits,
    "port_mappings": _ports,
    "command": _words("command"),
    "entry_point": _words("entryPoint"),
    **{
        name: _set(camel(name))
        for name in (
            "image",
            "cpu",
            "memory",
            "memory_reservation",
            "start_timeout",
            "stop_timeout",
            "essential",
            "user",
            "working_directory",
            "hostname",
            "readonly_root_filesystem",
            "privileged",
            "interactive",
            "pseudo_terminal",
            "disable_networking",
            "version_consistency",
        )
    },
    **{
        name: _listed(camel(name))
        for name in (
            "mount_points",
            "volumes_from",
            "depends_on",
            "links",
            "dns_servers",
            "dns_search_domains",
            "extra_hosts",
            "docker_security_options",
            "system_controls",
            "resource_requirements",
            "credential_specs",
        )
    },
    **{
        name: _mapped(camel(name))
        for name in ("health_check", "linux_parameters", "repository_credentials", "restart_policy", "firelens_configuration")
    },
    "members": _members,
}

TASK_CHANGES: dict[str, Change] = {
    "family": _set("family"),
    "cpu": _set("cpu"),
    "memory": _set("memory"),
    "network_mode": _set("networkMode"),
    "pid_mode": _set("pidMode"),
    "ipc_mode": _set("ipcMode"),
    "task_role": _role("taskRoleArn"),
    "execution_role": _role("executionRoleArn"),
    "requires_compatibilities": _listed("requiresCompatibilities"),
    "runtime_platform": _runtime_platform,
    "volumes": _listed("volumes"),
    "placement_constraints": _listed("placementConstraints"),
    "ephemeral_storage": _ephemeral_storage,
    "enable_fault_injection": _set("enableFaultInjection"),
    "tags": _tags,
    "members": _members,
}
