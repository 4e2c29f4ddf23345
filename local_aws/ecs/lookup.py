"""Finding our records from what a caller writes: names, short ids, ARNs. The caller holds the store's lock."""

from __future__ import annotations

from local_aws.ecs import cloud
from local_aws.ecs.definitions import definition_view
from local_aws.ecs.state import Instance, Service, Store, Task
from local_aws.interfaces import AwsError, Call, JsonObject


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


def active_definition(call: Call, reference: str) -> JsonObject:
    """A task definition that may be run. Raises ClientException when it does not exist or is INACTIVE."""
    record = cloud.definition_record(call.account, call.region, reference, "TaskDefinition not found.")
    if record.status != "ACTIVE":
        raise AwsError("ClientException", "TaskDefinition is inactive")
    return {**definition_view(record), "tags": list(record.tags)}
