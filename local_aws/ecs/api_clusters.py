"""DescribeClusters and DeleteCluster: moto's answers, with counts and refusals from what really is in the cluster."""

from __future__ import annotations

from local_aws.ecs.lookup import cluster_of
from local_aws.ecs.state import Store
from local_aws.interfaces import Api, AwsError, Call, JsonObject


class ClustersApi:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add_to(self, api: Api) -> None:
        api.on("ecs", "CreateCluster", "DescribeClusters", "UpdateCluster", "UpdateClusterSettings", "PutClusterCapacityProviders")(
            self.counted
        )
        api.on("ecs", "DeleteCluster")(self.delete)

    def counted(self, call: Call) -> JsonObject:
        answer = call.upstream(call.params)
        clusters = answer.get("clusters") or ([answer["cluster"]] if "cluster" in answer else [])
        with self._store.lock:
            for cluster in clusters:
                cluster.update(self._counts(cluster["clusterArn"]))
        return answer

    def _counts(self, cluster_arn: str) -> JsonObject:
        tasks = [task for task in self._store.tasks.values() if task.cluster_arn == cluster_arn]
        return {
            "registeredContainerInstancesCount": len(self._store.cluster_instances(cluster_arn)),
            "runningTasksCount": sum(task.running for task in tasks),
            "pendingTasksCount": sum(task.pending for task in tasks),
            "activeServicesCount": sum(
                service.cluster_arn == cluster_arn and service.status != "INACTIVE" for service in self._store.services.values()
            ),
        }

    def delete(self, call: Call) -> JsonObject:
        cluster = cluster_of(call)
        with self._store.lock:
            counts = self._counts(cluster.arn)
        if counts["registeredContainerInstancesCount"]:
            raise AwsError(
                "ClusterContainsContainerInstancesException",
                "The Cluster cannot be deleted while Container Instances are active or draining.",
            )
        if counts["activeServicesCount"]:
            raise AwsError("ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active.")
        if counts["runningTasksCount"] or counts["pendingTasksCount"]:
            raise AwsError("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
        return self.counted(call)
