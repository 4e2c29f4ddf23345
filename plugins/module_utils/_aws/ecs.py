# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amazon ECS: one function per API call, plain data out. Nothing here decides."""

from __future__ import annotations

import typing as t

from .failures import error_code
from .unmodelled import ANSWER, completed

Data = dict[str, t.Any]

# DescribeServices takes 10 names, DescribeTasks 100 ARNs, and the two describes of deployments 20.
_SERVICES_PER_CALL = 10
_TASKS_PER_CALL = 100
_DEPLOYMENTS_PER_CALL = 20


def _chunks(items: t.Sequence[str], size: int) -> t.Iterator[t.Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def describe_services(client: t.Any, cluster: str, names: t.Sequence[str], tags: bool = False) -> dict[str, Data]:
    """The services that exist, by the name asked for. One that was deleted may still be returned, with status INACTIVE."""
    found: dict[str, Data] = {}
    for chunk in _chunks(names, _SERVICES_PER_CALL):
        answer = client.describe_services(cluster=cluster, services=list(chunk), **({"include": ["TAGS"]} if tags else {}))
        for service in answer.get("services", []):
            for name in chunk:
                if name in (service.get("serviceName"), service.get("serviceArn")):
                    found[name] = service
    return found


def describe_service(client: t.Any, cluster: str, name: str, tags: bool = False) -> Data | None:
    return describe_services(client, cluster, [name], tags).get(name)


def create_service(client: t.Any, request: Data) -> Data:
    return t.cast("Data", client.create_service(**request)["service"])


def update_service(client: t.Any, request: Data) -> Data:
    return t.cast("Data", client.update_service(**request)["service"])


def delete_service(client: t.Any, cluster: str, name: str, force: bool) -> Data:
    return t.cast("Data", client.delete_service(cluster=cluster, service=name, force=force)["service"])


def tag_resource(client: t.Any, arn: str, tags: list[Data]) -> None:
    client.tag_resource(resourceArn=arn, tags=tags)


def untag_resource(client: t.Any, arn: str, keys: list[str]) -> None:
    client.untag_resource(resourceArn=arn, tagKeys=keys)


def describe_task_definition(client: t.Any, name: str, tags: bool = False) -> Data | None:
    """The definition with its `tags` beside its own members, or None when there is no such family, revision or ARN."""
    try:
        answer = client.describe_task_definition(taskDefinition=name, **({"include": ["TAGS"]} if tags else {}))
    except Exception as error:
        # ECS has no code of its own for this: it answers a general client error with a text about the definition.
        if error_code(error) == "ClientException" and "unable to describe task definition" in str(error).lower():
            return None
        raise
    definition = _whole(answer)
    if tags:
        definition["tags"] = answer.get("tags", [])
    return definition


def newest_active_revision(client: t.Any, family: str) -> str | None:
    """ARN of the newest ACTIVE revision of exactly this family, or None."""
    answer = client.list_task_definitions(familyPrefix=family, status="ACTIVE", sort="DESC", maxResults=1)
    arns = answer.get("taskDefinitionArns", [])
    return arns[0] if arns else None


def list_active_revisions(client: t.Any, family: str) -> list[str]:
    """ARNs of every ACTIVE revision of exactly this family, newest first."""
    return _listed(client.list_task_definitions, "taskDefinitionArns", familyPrefix=family, status="ACTIVE", sort="DESC")


def deregister_task_definition(client: t.Any, arn: str) -> None:
    client.deregister_task_definition(taskDefinition=arn)


def list_clusters(client: t.Any) -> list[str]:
    return _listed(client.list_clusters, "clusterArns")


def list_services(client: t.Any, cluster: str) -> list[str]:
    return _listed(client.list_services, "serviceArns", cluster=cluster, maxResults=100)


def list_running_tasks_of_family(client: t.Any, cluster: str, family: str) -> list[str]:
    """ARNs of the tasks of this family that are meant to run, whoever started them."""
    return _listed(client.list_tasks, "taskArns", cluster=cluster, family=family, desiredStatus="RUNNING")


def list_running_tasks(client: t.Any, cluster: str) -> list[str]:
    """ARNs of all tasks of the cluster that are meant to run."""
    return _listed(client.list_tasks, "taskArns", cluster=cluster, desiredStatus="RUNNING")


def list_every_active_revision(client: t.Any) -> list[str]:
    """ARNs of the ACTIVE revisions of all families."""
    return _listed(client.list_task_definitions, "taskDefinitionArns", status="ACTIVE")


def list_leaving_tasks(client: t.Any, cluster: str) -> list[str]:
    """ARNs of the tasks of the cluster that were told to stop: those on their way, and those that ended in about the last hour."""
    return _listed(client.list_tasks, "taskArns", cluster=cluster, desiredStatus="STOPPED")


def matching_container_instances(client: t.Any, cluster: str, expression: str) -> list[str]:
    """ARNs of the ACTIVE container instances for which this expression of the cluster query language is true."""
    return _listed(client.list_container_instances, "containerInstanceArns", cluster=cluster, status="ACTIVE", filter=expression)


def describe_container_instances(client: t.Any, cluster: str) -> list[Data]:
    """Every ACTIVE container instance of the cluster."""
    arns = _listed(client.list_container_instances, "containerInstanceArns", cluster=cluster, status="ACTIVE")
    found: list[Data] = []
    for chunk in _chunks(arns, _TASKS_PER_CALL):
        answer = client.describe_container_instances(cluster=cluster, containerInstances=list(chunk))
        found.extend(answer.get("containerInstances", []))
    return found


def _listed(call: t.Callable[..., Data], member: str, **request: t.Any) -> list[t.Any]:
    """What every page of a list holds."""
    found: list[t.Any] = []
    while True:
        answer = call(**request)
        found.extend(answer.get(member, []))
        if not answer.get("nextToken"):
            return found
        request["nextToken"] = answer["nextToken"]


def register_task_definition(client: t.Any, definition: Data) -> Data:
    answer = client.register_task_definition(**definition)
    return {**_whole(answer), "tags": answer.get("tags", [])}


def _whole(answer: Data) -> Data:
    """The task definition of an answer, with what this botocore does not know of it."""
    everything = answer.get(ANSWER) or {}
    return t.cast("Data", completed(answer["taskDefinition"], everything.get("taskDefinition", {})))


def list_tasks(client: t.Any, cluster: str, service: str, desired_status: str) -> list[str]:
    """ARNs of the service's tasks with this desired status: V(RUNNING), or V(STOPPED) for those of about the last hour."""
    arns: list[str] = []
    token: str | None = None
    while True:
        answer = client.list_tasks(
            cluster=cluster, serviceName=service, desiredStatus=desired_status, **({"nextToken": token} if token else {})
        )
        arns.extend(answer.get("taskArns", []))
        token = answer.get("nextToken")
        if not token:
            return arns


def describe_tasks(client: t.Any, cluster: str, arns: t.Sequence[str]) -> list[Data]:
    tasks: list[Data] = []
    for chunk in _chunks(arns, _TASKS_PER_CALL):
        tasks.extend(client.describe_tasks(cluster=cluster, tasks=list(chunk)).get("tasks", []))
    return tasks


def list_service_deployments(client: t.Any, cluster: str, service: str) -> list[Data]:
    """The service's deployments as briefs, as many as ECS remembers (90 days), newest first."""
    briefs: list[Data] = []
    token: str | None = None
    while True:
        answer = client.list_service_deployments(
            cluster=cluster, service=service, maxResults=100, **({"nextToken": token} if token else {})
        )
        briefs.extend(answer.get("serviceDeployments", []))
        token = answer.get("nextToken")
        if not token:
            return briefs


def describe_service_deployments(client: t.Any, arns: t.Sequence[str]) -> list[Data]:
    found: list[Data] = []
    for chunk in _chunks(arns, _DEPLOYMENTS_PER_CALL):
        found.extend(client.describe_service_deployments(serviceDeploymentArns=list(chunk)).get("serviceDeployments", []))
    return found


def describe_service_revisions(client: t.Any, arns: t.Sequence[str]) -> list[Data]:
    found: list[Data] = []
    for chunk in _chunks(arns, _DEPLOYMENTS_PER_CALL):
        found.extend(client.describe_service_revisions(serviceRevisionArns=list(chunk)).get("serviceRevisions", []))
    return found


def stop_service_deployment(client: t.Any, arn: str) -> None:
    """Ask ECS to stop a deployment and to roll back to the last one that was completed."""
    client.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")


def describe_capacity_providers(client: t.Any, names: t.Sequence[str]) -> list[Data]:
    return t.cast("list[Data]", client.describe_capacity_providers(capacityProviders=list(names)).get("capacityProviders", []))


def unknown_member(client: t.Any, operation: str, request: Data) -> tuple[str, ...] | None:
    """The path of the first member of `request` that this release of botocore does not know for `operation`, else None.

    botocore itself would refuse the call with a list of all that it knows; who reads that cannot tell an old release from a typing error.
    """

    def search(shape: t.Any, value: t.Any) -> tuple[str, ...] | None:
        if shape.type_name == "list" and isinstance(value, list):
            return next((found for found in (search(shape.member, item) for item in value) if found), None)
        if shape.type_name != "structure" or not isinstance(value, dict) or getattr(shape, "is_document_type", False):
            return None
        for name, item in value.items():
            if name not in shape.members:
                return (name,)
            below = search(shape.members[name], item)
            if below:
                return (name, *below)
        return None

    return search(client.meta.service_model.operation_model(operation).input_shape, request)


def run_task(client: t.Any, request: Data) -> tuple[Data | None, list[Data]]:
    """Start one task. Returns it, and why it was not placed when it was not."""
    answer = client.run_task(**request)
    tasks = answer.get("tasks") or []
    return (tasks[0] if tasks else None), answer.get("failures") or []


def stop_task(client: t.Any, cluster: str, arn: str, reason: str) -> None:
    client.stop_task(cluster=cluster, task=arn, reason=reason)
