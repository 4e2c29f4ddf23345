# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads how services stand: deployments, tasks, target health, and what became of the deployments before."""

from __future__ import annotations

import typing as t

from .._aws import ecs, elbv2
from .._aws.failures import error_code, error_message, is_passing
from .._rollout.status import status, table
from .._verb import Context, Verb, VerbFailure
from ._shared import Data

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster": {"type": "str", "required": True},
    "services": {"type": "list", "elements": "str", "required": True},
    "history": {"type": "int", "default": 5},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    if params["history"] < 0:
        raise VerbFailure(f"history: {params['history']} is no number of deployments.")
    client = context.client("ecs")
    cluster, names = params["cluster"], list(dict.fromkeys(params["services"]))
    described = ecs.describe_services(client, cluster, names)
    found, missing = [], []
    for name in names:
        service = described.get(name)
        if service is None or service.get("status") == "INACTIVE":
            missing.append(name)
            continue
        arns = ecs.list_tasks(client, cluster, name, "RUNNING")
        tasks = ecs.describe_tasks(client, cluster, arns) if arns else []
        groups = [item["targetGroupArn"] for item in service.get("loadBalancers") or [] if item.get("targetGroupArn")]
        targets = {group: elbv2.describe_target_health(context.client("elbv2"), group) for group in groups}
        records, definitions = _history(client, cluster, name, params["history"], context.warn)
        row = status(service, tasks, targets, records, definitions)
        found.append({**row, "table": table(row)})
    return {"changed": False, "services": found, "missing": missing}


def _history(client: t.Any, cluster: str, name: str, most: int, warn: t.Callable[[str], None]) -> tuple[list[Data], dict[str, str]]:
    """The newest service deployments, and the task definition of each revision that they brought."""
    if not most:
        return [], {}
    try:
        briefs = [item for item in ecs.list_service_deployments(client, cluster, name) if item.get("createdAt")]
        briefs = sorted(briefs, key=lambda item: item["createdAt"], reverse=True)[:most]
        arns = list(dict.fromkeys(item["targetServiceRevisionArn"] for item in briefs if item.get("targetServiceRevisionArn")))
        revisions = ecs.describe_service_revisions(client, arns) if arns else []
    except Exception as error:
        # An old boto3 has no such method, a narrow role no such permission: the rest is worth showing all the same.
        if is_passing(error) or not (isinstance(error, AttributeError) or error_code(error)):
            raise
        why = f"{error_code(error)}: {error_message(error)}" if error_code(error) else "this boto3 does not know it"
        warn(f"{name}: the history of its deployments cannot be read: {why}")
        return [], {}
    return briefs, {item["serviceRevisionArn"]: item["taskDefinition"] for item in revisions if item.get("taskDefinition")}


VERB = Verb(name="ecs_service_info", argument_spec=ARGUMENT_SPEC, run=run)
