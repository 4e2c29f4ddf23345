# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the services that read secrets, and among them those whose tasks started before a value changed."""

from __future__ import annotations

import datetime
import typing as t

from .._aws import ecs
from .._aws.failures import error_code
from .._platform.secrets import reads, references
from .._verb import Context, Verb, VerbFailure
from ._shared import primary

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster": {"type": "str", "required": True},
    "services": {"type": "list", "elements": "str"},
    "secrets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "no_log": False,
        "options": {
            "name": {"type": "str", "required": True},
            "arn": {"type": "str", "required": True},
            "changed_at": {"type": "str"},
            "store": {"type": "str"},
            "change": {"type": "str"},
        },
    },
}

Data = dict[str, t.Any]


def run(params: Data, context: Context) -> Data:
    changed_at = {secret["name"]: _time(secret) for secret in params["secrets"]}
    client, cluster = context.client("ecs"), params["cluster"]
    found = []
    for name, service in _services(client, cluster, params["services"]).items():
        deployment = primary(service)
        if service.get("status") != "ACTIVE" or not deployment:
            continue
        definition = ecs.describe_task_definition(client, deployment["taskDefinition"]) or {}
        named = references(definition)
        used = [
            secret["name"] for secret in params["secrets"] if any(reads(value_from, secret["name"], secret["arn"]) for value_from in named)
        ]
        if not used:
            continue
        started = [task["createdAt"] for task in ecs.describe_tasks(client, cluster, ecs.list_tasks(client, cluster, name, "RUNNING"))]
        # A time that is not known yet is that of a change to come.
        newer = [secret for secret in used if any(changed_at[secret] is None or when < changed_at[secret] for when in started)]
        found.append(
            {
                "service": name,
                "task_definition": deployment["taskDefinition"],
                "secrets": used,
                "outdated": newer,
                "running_count": len(started),
            }
        )
    return {"services": found, "outdated": [service["service"] for service in found if service["outdated"]]}


def _time(secret: Data) -> datetime.datetime | None:
    text = secret["changed_at"]
    if not text:
        return None
    try:
        when = datetime.datetime.fromisoformat(text)
    except ValueError as exc:
        raise VerbFailure(f"secrets: changed_at of {secret['name']}: {text} is no time. Use ISO 8601, as ecs_secrets returns it.") from exc
    return when if when.tzinfo else when.replace(tzinfo=datetime.timezone.utc)


def _services(client: t.Any, cluster: str, names: list[str] | None) -> dict[str, Data]:
    """The services by name, none where there is no cluster yet."""
    try:
        wanted = names if names is not None else [arn.rsplit("/", 1)[-1] for arn in ecs.list_services(client, cluster)]
        return ecs.describe_services(client, cluster, wanted)
    except Exception as error:
        if error_code(error) == "ClusterNotFoundException":
            return {}
        raise


VERB = Verb(name="ecs_secret_users_info", argument_spec=ARGUMENT_SPEC, run=run)
