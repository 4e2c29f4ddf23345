# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Amazon ECS uses of a repository: running tasks, services, the deployments that a rollback may go to, and ACTIVE task definitions."""

from __future__ import annotations

import typing as t

from .._aws import ecs
from .._image.errors import ImageError
from .._image.reference import parse_reference
from .._taskdef.pruning import short
from .._verb import Context

Data = dict[str, t.Any]
# Ends of a deployment that a rollback will not go to.
_BAD_ENDS = frozenset({"STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})


def used_images(context: Context, repository: str, history: int) -> dict[str, str]:
    """What uses each image, in words, by digest or tag. `history` says how many deployments of each service may be gone back to.

    The registry of a reference is not looked at, for a registry has several host names: a repository of the same name elsewhere
    makes more images stay, never fewer. Every call that AWS refuses is raised: a use that could not be looked for may be there.
    """
    uses = _Uses(repository)
    client = context.client("ecs")
    for cluster in ecs.list_clusters(client):
        for service in ecs.describe_services(client, cluster, ecs.list_services(client, cluster)).values():
            _of_service(client, cluster, service, history, uses)
        for task in ecs.describe_tasks(client, cluster, ecs.list_running_tasks(client, cluster)):
            why = f"task {short(str(task.get('taskArn')))} of cluster {short(cluster)} runs it"
            for container in task.get("containers") or []:
                uses.note(container.get("image"), container.get("imageDigest"), why)
    # Last, for it says least: by then most images have a better reason.
    for arn in ecs.list_every_active_revision(client):
        definition = ecs.describe_task_definition(client, arn)
        for container in (definition or {}).get("containerDefinitions") or []:
            uses.note(container.get("image"), None, f"the task definition {short(arn)} names it")
    return uses.why


class _Uses:
    def __init__(self, repository: str) -> None:
        self._repository = repository
        self.why: dict[str, str] = {}

    def note(self, image: t.Any, digest: t.Any, why: str) -> None:
        """Where the digest that runs is known, that counts, and not what its tag names by now."""
        try:
            reference = parse_reference(str(image or ""))
        except ImageError:
            return
        if reference.repository != self._repository:
            return
        name = str(digest or reference.digest or reference.tag or "latest")
        self.why.setdefault(name, why)


def _of_service(client: t.Any, cluster: str, service: Data, history: int, uses: _Uses) -> None:
    name = f"service {service.get('serviceName')} of cluster {short(cluster)}"
    running = [service, *(service.get("deployments") or []), *(service.get("taskSets") or [])]
    for arn in dict.fromkeys(item["taskDefinition"] for item in running if item.get("taskDefinition")):
        for container in (ecs.describe_task_definition(client, arn) or {}).get("containerDefinitions") or []:
            uses.note(container.get("image"), None, f"{name} runs it")
    briefs = [item for item in ecs.list_service_deployments(client, cluster, str(service.get("serviceName"))) if item.get("createdAt")]
    newest = sorted(briefs, key=lambda item: t.cast("float", item["createdAt"]), reverse=True)
    good = [
        item["targetServiceRevisionArn"] for item in newest if item.get("status") not in _BAD_ENDS and "targetServiceRevisionArn" in item
    ]
    current = [item["arn"] for item in service.get("currentServiceRevisions") or [] if item.get("arn")]
    arns = list(dict.fromkeys([*current, *good]))[: history + len(current)]
    for revision in ecs.describe_service_revisions(client, arns) if arns else []:
        why = f"{name} was deployed with it and may go back to it"
        for image in revision.get("containerImages") or []:
            uses.note(image.get("image"), image.get("imageDigest"), why)
            # The digest is what ran; a rollback by tag would ask for the tag.
            uses.note(image.get("image"), None, why)
