# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a task definition from a template and changes. Registers nothing."""

from __future__ import annotations

import pathlib
import typing as t

from .._aws import ecs
from .._taskdef.differences import diff_text, differences
from .._taskdef.errors import TaskDefinitionError
from .._taskdef.reading import as_mapping, read_json, registrable
from .._taskdef.render import render
from .._verb import Context, Verb, VerbFailure
from ._shared import plain, primary, short

try:
    import yaml
except ImportError:
    # Only a template in YAML needs it, and a host that runs modules may lack it: said where one is read.
    HAS_YAML = False
else:
    HAS_YAML = True

ARGUMENT_SPEC: dict[str, t.Any] = {
    "template": {"type": "dict"},
    "template_file": {"type": "path"},
    "service": {"type": "str"},
    "cluster": {"type": "str"},
    "task_definition": {"type": "str"},
    "family": {"type": "str"},
    "containers": {"type": "raw"},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    try:
        source, origin = _source(params, context)
        rendered = render(source, _changes(params["containers"]), params["family"])
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


def _changes(containers: t.Any) -> dict[str, dict[str, t.Any]]:
    """The changes by container name, from a list of mappings with a name each or from a mapping by name."""
    if not containers:
        return {}
    if isinstance(containers, dict):
        entries = [
            {**(as_mapping(changes, f"containers: {name}") if changes else {}), "name": name} for name, changes in containers.items()
        ]
    elif isinstance(containers, list):
        entries = [as_mapping(entry, "containers") for entry in containers]
    else:
        raise TaskDefinitionError([f"containers: a list of mappings, or a mapping by container name, is needed; this is {containers!r}."])
    changes: dict[str, dict[str, t.Any]] = {}
    for entry in entries:
        name = entry.get("name")
        if not name:
            raise TaskDefinitionError(["containers: every entry needs the name of its container."])
        if name in changes:
            raise TaskDefinitionError([f"containers: {name!r} is listed twice. Put its changes into one entry."])
        changes[name] = {key: value for key, value in entry.items() if key != "name"}
    return changes


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
            raise VerbFailure(f"service: there is no service {params['service']} in cluster {params['cluster']}.")
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
