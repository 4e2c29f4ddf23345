"""ECS clusters: members that AWS always shows or only when asked for, creating one twice, and UpdateClusterSettings."""

from __future__ import annotations

from moto.backends import get_backend

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import AwsError, Call, JsonObject

_LISTS = ("statistics", "tags", "settings", "capacityProviders", "defaultCapacityProviderStrategy")
"""Members that are there even when they are empty. The ecs_cluster module of community.aws counts on the last two."""
_ONLY_WHEN_ASKED = {"settings": "SETTINGS", "configuration": "CONFIGURATIONS", "statistics": "STATISTICS", "attachments": "ATTACHMENTS"}


def install(api: AwsApi) -> None:
    @api.on("ecs", "DescribeClusters")
    def describe(call: Call) -> JsonObject:
        answer = call.upstream(call.params)
        include = call.params.get("include") or []
        for cluster in answer["clusters"]:
            for member, word in _ONLY_WHEN_ASKED.items():
                if word not in include:
                    cluster.pop(member, None)
            _complete(cluster)
        return answer

    @api.on("ecs", "CreateCluster")
    def create(call: Call) -> JsonObject:
        name = call.params.get("clusterName", "default")
        with api.moto.lock:
            existing = get_backend("ecs")[call.account][call.region].clusters.get(name)
            if existing is not None and existing.status == "ACTIVE":
                # moto would put an empty cluster in the place of the one that is there.
                return _whole(call, name)
            return {"cluster": _complete(call.upstream(call.params)["cluster"])}

    @api.on("ecs", "UpdateCluster")
    def completed(call: Call) -> JsonObject:
        return {"cluster": _complete(call.upstream(call.params)["cluster"])}

    @api.on("ecs", "UpdateClusterSettings")
    def update_settings(call: Call) -> JsonObject:
        name = str(call.params["cluster"]).rpartition("/")[2]
        with api.moto.lock:
            cluster = get_backend("ecs")[call.account][call.region].clusters.get(name)
            if cluster is None:
                raise AwsError("ClusterNotFoundException", "Cluster not found.")
            given = {item["name"]: item for item in call.params["settings"]}
            cluster.settings = [item for item in cluster.settings if item["name"] not in given] + list(given.values())
            return _whole(call, name)

    def _whole(call: Call, name: str) -> JsonObject:
        asked = {"clusters": [name], "include": ["SETTINGS", "CONFIGURATIONS", "TAGS"]}
        return {"cluster": api.ask("ecs", "DescribeClusters", asked, call.account, call.region)["clusters"][0]}


def _complete(cluster: JsonObject) -> JsonObject:
    for member in _LISTS:
        cluster.setdefault(member, [])
    return cluster
