# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a task definition from a template and changes. Registers nothing."""

from __future__ import annotations

import functools
import pathlib
import typing as t

from .._aws import ecs, secretsmanager, sts
from .._taskdef.arns import Names, Place, account_in, partition_of
from .._taskdef.differences import diff_text, differences
from .._taskdef.errors import TaskDefinitionError
from .._taskdef.reading import as_mapping, read_json, registrable
from .._taskdef.render import Changes, render
from .._verb import Context, Verb, VerbFailure
from ._shared import no_service, plain, primary, short

try:
    import yaml
except ImportError:
    # Only a template in YAML needs it, and a host that runs modules may lack it: said where one is read.
    HAS_YAML = False
else:
    HAS_YAML = True

_CHANGEABLE: dict[str, t.Any] = {
    "family": {"type": "str"},
    "cpu": {"type": "str"},
    "memory": {"type": "str"},
    "network_mode": {"type": "str", "choices": ["awsvpc", "bridge", "host", "none"]},
    "pid_mode": {"type": "str", "choices": ["host", "task"]},
    "ipc_mode": {"type": "str", "choices": ["host", "task", "none"]},
    "task_role": {"type": "str"},
    "execution_role": {"type": "str"},
    "requires_compatibilities": {"type": "list", "elements": "str"},
    "runtime_platform": {
        "type": "dict",
        "options": {"cpu_architecture": {"type": "str"}, "operating_system_family": {"type": "str"}},
    },
    "volumes": {"type": "list", "elements": "dict"},
    "placement_constraints": {"type": "list", "elements": "dict"},
    "ephemeral_storage": {"type": "int"},
    "enable_fault_injection": {"type": "bool"},
    "tags": {"type": "dict"},
    "members": {"type": "dict"},
}
ARGUMENT_SPEC: dict[str, t.Any] = {
    "template": {"type": "dict"},
    "template_file": {"type": "path"},
    "service": {"type": "str"},
    "cluster": {"type": "str"},
    "task_definition": {"type": "str"},
    "containers": {"type": "raw"},
    "add_containers": {"type": "raw"},
    "remove_containers": {"type": "list", "elements": "str"},
    "allow_plain": {"type": "list", "elements": "str"},
    **_CHANGEABLE,
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    try:
        source, origin = _source(params, context)
        changes = Changes(
            containers=_by_name(params["containers"], "containers"),
            task={name: params[name] for name in _CHANGEABLE},
            added=_by_name(params["add_containers"], "add_containers"),
            removed=params["remove_containers"] or [],
            allow_plain=params["allow_plain"] or [],
        )
        rendered = render(source, changes, _names(source, params, context))
        start = registrable(source)
    except TaskDefinitionError as error:
        raise VerbFailure("The task definition cannot be used:\n  " + "\n  ".join(error.problems), problems=error.problems) from error
    found = differences(start, rendered)
    return {
        "changed": False,
        "different": bool(found),
        "differences": plain(found),
        "diff": diff_text(start, rendered, origin, "rendered"),
        "source": origin,
        "task_definition": plain(rendered),
    }


def _names(source: dict[str, t.Any], params: dict[str, t.Any], context: Context) -> Names:
    """AWS is asked only for what the definition itself does not say, and once."""

    @functools.cache
    def place() -> Place:
        given = {"executionRoleArn": params["execution_role"], "taskRoleArn": params["task_role"]}
        region = str(context.client("ecs").meta.region_name)
        inner = source.get("taskDefinition")
        account = account_in(given) or account_in(inner if isinstance(inner, dict) else source)
        return Place(partition_of(region), region, account or sts.account(context.client("sts")))

    @functools.cache
    def secret_arn(name: str) -> str | None:
        found = secretsmanager.describe_secret(context.client("secretsmanager"), name)
        return str(found["ARN"]) if found else None

    return Names(place, secret_arn)


def _by_name(entries: t.Any, option: str) -> dict[str, dict[str, t.Any]]:
    """What is said of each container by its name, from a list of mappings with a name each or from a mapping by name."""
    if not entries:
        return {}
    if isinstance(entries, dict):
        entries = [{**(as_mapping(said, f"{option}: {name}") if said else {}), "name": name} for name, said in entries.items()]
    elif isinstance(entries, list):
        entries = [as_mapping(entry, option) for entry in entries]
    else:
        raise TaskDefinitionError([f"{option}: a list of mappings, or a mapping by container name, is needed; this is {entries!r}."])
    found: dict[str, dict[str, t.Any]] = {}
    for entry in entries:
        name = entry.get("name")
        if not name:
            raise TaskDefinitionError([f"{option}: every entry needs the name of its container."])
        if name in found:
            raise TaskDefinitionError([f"{option}: {name!r} is listed twice. Put what is said of it into one entry."])
        found[name] = {key: value for key, value in entry.items() if key != "name"}
    return found


def _source(params: dict[str, t.Any], context: Context) -> tuple[dict[str, t.Any], str]:
    """The definition to start from, and what to call it."""
    if params["template"] is not None:
        return params["template"], "template"
    if params["template_file"]:
        return _read(params["template_file"]), params["template_file"]
    name = params["task_definition"]
    if params["service"]:
        service = ecs.describe_service(context.client("ecs"), params["cluster"], params["service"])
        if service is None or service.get("status") == "INACTIVE":
            raise no_service(params["cluster"], params["service"])
        name = primary(service).get("taskDefinition") or service.get("taskDefinition")
    definition = ecs.describe_task_definition(context.client("ecs"), str(name), tags=True)
    if definition is None:
        raise VerbFailure(f"task_definition: there is no task definition {name}. It is family, family:revision or an ARN.")
    return definition, short(definition.get("taskDefinitionArn"))


def _read(path: str) -> dict[str, t.Any]:
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise VerbFailure(f"template_file: {path} cannot be read: {error}") from error
    if path.endswith(".json") or text.lstrip().startswith("{"):
        return read_json(text, path)
    if not HAS_YAML:
        raise VerbFailure(f"template_file: {path} is YAML, and this Python has no PyYAML. Install it, or write the template as JSON.")
    try:
        return as_mapping(yaml.safe_load(text), path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise TaskDefinitionError([f"{path}: {place}{getattr(error, 'problem', None) or error}"]) from error


VERB = Verb(
    name="ecs_task_definition_render",
    argument_spec=ARGUMENT_SPEC,
    run=run,
    mutually_exclusive=(("template", "template_file", "service", "task_definition"),),
    required_one_of=(("template", "template_file", "service", "task_definition"),),
    required_by={"service": ("cluster",)},
)
