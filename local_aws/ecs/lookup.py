"""Finding our records from what a caller writes: names, short ids, ARNs. The caller holds the store's lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from local_aws.ecs import cloud
from local_aws.ecs.definitions import definition_view
from local_aws.ecs.state import Instance, Service, Store, Task
from local_aws.ecs.validation import invalid
from local_aws.interfaces import AwsError, Call, JsonObject

Found = TypeVar("Found", Instance, Task)


def cluster_of(call: Call, key: str = "cluster") -> cloud.Cluster:
    return cloud.cluster(call.account, call.region, call.params.get(key))


def service_arn(call: Call, cluster: cloud.Cluster, reference: str) -> str:
    return f"arn:aws:ecs:{call.region}:{call.account}:service/{cluster.name}/{reference.rsplit('/', 1)[-1]}"


def service_of(store: Store, call: Call, cluster: cloud.Cluster, reference: str) -> Service:
    """The service, be it deleted: an INACTIVE one can still be seen. Raises ServiceNotFoundException."""
    found = store.services.get(service_arn(call, cluster, reference))
    if found is None:
        raise AwsError("ServiceNotFoundException", "Service not found.")
    return found


def task_of(store: Store, cluster: cloud.Cluster, reference: str) -> Task | None:
    wanted = reference.rsplit("/", 1)[-1]
    return next((t for t in store.tasks.values() if t.cluster_arn == cluster.arn and t.id == wanted), None)


def instance_of(store: Store, cluster: cloud.Cluster, reference: str) -> Instance | None:
    wanted = reference.rsplit("/", 1)[-1]
    return next((i for i in store.instances.values() if i.cluster_arn == cluster.arn and i.id == wanted), None)


def all_of(
    store: Store,
    call: Call,
    cluster: cloud.Cluster,
    words: str,
    references: Sequence[str],
    find: Callable[[Store, cloud.Cluster, str], Found | None],
) -> tuple[list[Found], list[JsonObject]]:
    """What DescribeTasks and DescribeContainerInstances find, and their failures[]. `words` is what the API calls them, as in `Tasks`."""
    if not references:
        raise invalid(f"{words} cannot be empty.")
    if len(references) > 100:
        raise invalid(f"{words} cannot have more than 100 elements.")
    kind = words.removesuffix("s").lower().replace(" ", "-")
    found: list[Found] = []
    failures: list[JsonObject] = []
    for reference in references:
        record = find(store, cluster, reference)
        if record is None:
            own_id = reference.rsplit("/", 1)[-1]
            failures.append({"arn": f"arn:aws:ecs:{call.region}:{call.account}:{kind}/{cluster.name}/{own_id}", "reason": "MISSING"})
        else:
            found.append(record)
    return found, failures


def usable_instances(store: Store, cluster: cloud.Cluster, references: Sequence[str]) -> tuple[list[Instance], list[JsonObject]]:
    """The instances that are not INACTIVE, and the failures[] of a request about the others."""
    if not 1 <= len(references) <= 10:
        raise invalid("Container instances should have between 1 and 10 elements.")
    found: list[Instance] = []
    failures: list[JsonObject] = []
    for reference in references:
        instance = instance_of(store, cluster, reference)
        if instance is None or instance.status == "INACTIVE":
            failures.append({"arn": reference, "reason": "MISSING" if instance is None else "INACTIVE"})
        else:
            found.append(instance)
    return found, failures


def active_definition(call: Call, reference: str) -> JsonObject:
    """A task definition that may be run. Raises ClientException when it does not exist or is INACTIVE."""
    record = cloud.definition_record(call.account, call.region, reference, "TaskDefinition not found.")
    if record.status != "ACTIVE":
        raise AwsError("ClientException", "TaskDefinition is inactive")
    return {**definition_view(record), "tags": list(record.tags)}
