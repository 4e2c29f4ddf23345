# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What uses the revisions of a family: services, tasks, deployments that a rollback may go to, rules and schedules."""

from __future__ import annotations

import typing as t

from .._aws import ecs, events, scheduler
from .._taskdef.pruning import family_of, short
from .._verb import Context

Data = dict[str, t.Any]
# A deployment with this end brought a release that worked, and so may be what a rollback goes to.
_GOOD_END = "SUCCESSFUL"


def used_revisions(context: Context, family: str) -> dict[str, str]:
    """What uses each revision, in words, by `family:revision`.

    Every call that AWS refuses is raised: a use that could not be looked for is not a use that is not there.
    """
    client = context.client("ecs")
    used: dict[str, str] = {}

    def note(reference: t.Any, why: str) -> None:
        if isinstance(reference, str) and family_of(reference) == family:
            used.setdefault(short(reference), why)

    clusters = ecs.list_clusters(client)
    for cluster in clusters:
        for service in ecs.describe_services(client, cluster, ecs.list_services(client, cluster)).values():
            _by_service(client, cluster, service, family, note)
        for task in ecs.describe_tasks(client, cluster, ecs.list_running_tasks_of_family(client, cluster, family)):
            note(task.get("taskDefinitionArn"), f"task {short(str(task.get('taskArn')))} of cluster {short(cluster)} runs it")
    _by_rules(context.client("events"), clusters, note)
    _by_schedules(context.client("scheduler"), note)
    return used


Note = t.Callable[[t.Any, str], None]


def _by_service(client: t.Any, cluster: str, service: Data, family: str, note: Note) -> None:
    name = f"service {service.get('serviceName')} of cluster {short(cluster)}"
    current = [*(service.get("deployments") or []), *(service.get("taskSets") or []), service]
    for item in current:
        note(item.get("taskDefinition"), f"{name} runs it")
    if not any(family_of(str(item.get("taskDefinition") or "")) == family for item in current):
        return
    briefs = ecs.list_service_deployments(client, cluster, str(service.get("serviceName")))
    good = [
        str(item["targetServiceRevisionArn"]) for item in briefs if item.get("status") == _GOOD_END and item.get("targetServiceRevisionArn")
    ]
    for revision in ecs.describe_service_revisions(client, list(dict.fromkeys(good))):
        note(revision.get("taskDefinition"), f"{name} was deployed with it and may go back to it")


def _by_rules(client: t.Any, clusters: t.Sequence[str], note: Note) -> None:
    for bus in events.list_event_buses(client):
        rules = dict.fromkeys(rule for cluster in clusters for rule in events.list_rules_by_target(client, cluster, bus))
        for rule in rules:
            for target in events.list_targets(client, rule, bus):
                note((target.get("EcsParameters") or {}).get("TaskDefinitionArn"), f"the EventBridge rule {rule} starts it")


def _by_schedules(client: t.Any, note: Note) -> None:
    for brief in scheduler.list_schedules(client):
        # A schedule that starts a task has the cluster for its target.
        if ":cluster/" not in str((brief.get("Target") or {}).get("Arn")):
            continue
        schedule = scheduler.get_schedule(client, str(brief["GroupName"]), str(brief["Name"]))
        parameters = (schedule.get("Target") or {}).get("EcsParameters") or {}
        note(parameters.get("TaskDefinitionArn"), f"the schedule {brief['Name']} starts it")
