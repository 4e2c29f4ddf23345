"""ECS capacity providers: what AWS refuses, what it always shows, and the two of Fargate that every account has.

The refusals' texts are those that AWS's API has been seen to give; moto accepts everything, or fails on the missing provider.
"""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import AwsError, Call, JsonObject

_OF_FARGATE = ("FARGATE", "FARGATE_SPOT")

_EXISTS = (
    "The specified capacity provider already exists. To change the configuration of an existing capacity provider, "
    "update the capacity provider."
)
_GROUP_IN_USE = (
    "The specified Auto Scaling group {group} is already being used by another capacity provider. "
    "Specify a unique Auto Scaling group and try again."
)
_ASSOCIATED = (
    "The capacity provider cannot be deleted because it is associated with cluster: {cluster}. "
    "Remove the capacity provider from the cluster and try again."
)
_NOT_FOUND = "The specified capacity provider '{name}' was not found. Specify a valid name or ARN and try again."
_NOT_ASSOCIATED = (
    "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the "
    "capacity provider with the cluster and try again."
)
_PROTECTION = (
    "The managed termination protection setting for the capacity provider is invalid. To enable managed termination protection for a "
    "capacity provider, {remedy}."
)


def install(api: AwsApi) -> None:
    providers = _Providers(api)
    api.on("ecs", "CreateCapacityProvider")(providers.create)
    api.on("ecs", "UpdateCapacityProvider")(providers.update)
    api.on("ecs", "DeleteCapacityProvider")(providers.delete)
    api.on("ecs", "DescribeCapacityProviders")(providers.describe)
    api.on("ecs", "PutClusterCapacityProviders")(providers.put_of_cluster)


class _Providers:
    def __init__(self, api: AwsApi) -> None:
        self._api = api
        self._lock = api.moto.lock

    def create(self, call: Call) -> JsonObject:
        name, details = call.params["name"], call.params.get("autoScalingGroupProvider")
        if details is None:
            raise AwsError("ClientException", "local_aws has capacity providers of Auto Scaling groups only.")
        if name.lower().startswith(("aws", "ecs", "fargate")):
            raise AwsError("ClientException", "The specified capacity provider name is invalid. Specify a valid name and try again.")
        with self._lock:
            known = _backend(call).capacity_providers
            if name in known:
                raise AwsError("ClientException", _EXISTS)
            group = _group(call, details["autoScalingGroupArn"])
            if any(_group_name(other.auto_scaling_group_provider["autoScalingGroupArn"]) == group.name for other in known.values()):
                raise AwsError("ClientException", _GROUP_IN_USE.format(group=group.arn))
            _check_protection(details, group)
            call.upstream({**call.params, "autoScalingGroupProvider": {**details, "autoScalingGroupArn": group.arn}})
            return {"capacityProvider": _shown(known[name])}

    def update(self, call: Call) -> JsonObject:
        details = call.params.get("autoScalingGroupProvider") or {}
        with self._lock:
            found = _provider(call, call.params["name"])
            current = found.auto_scaling_group_provider
            _check_protection({**current, **details}, _group(call, current["autoScalingGroupArn"]))
            found.update(details)
            if "managedDraining" in details:
                current["managedDraining"] = details["managedDraining"]
            return {"capacityProvider": _shown(found)}

    def delete(self, call: Call) -> JsonObject:
        with self._lock:
            found = _provider(call, call.params["capacityProvider"])
            for cluster in _backend(call).clusters.values():
                if cluster.status == "ACTIVE" and found.name in (cluster.capacity_providers or []):
                    raise AwsError("ClientException", _ASSOCIATED.format(cluster=cluster.name))
            _backend(call).delete_capacity_provider(found.name)
            return {"capacityProvider": {**_shown(found), "status": "INACTIVE", "updateStatus": "DELETE_COMPLETE"}}

    def describe(self, call: Call) -> JsonObject:
        wanted = call.params.get("capacityProviders")
        with self._lock:
            own = [_shown(found) for found in _backend(call).capacity_providers.values()]
        known = [*(_fargate(call, name) for name in _OF_FARGATE), *own]
        if "TAGS" not in (call.params.get("include") or []):
            known = [{**item, "tags": []} for item in known]
        if wanted is None:
            return {"capacityProviders": known, "failures": []}
        found = [item for item in known if item["name"] in wanted or item["capacityProviderArn"] in wanted]
        there = {item[key] for item in found for key in ("name", "capacityProviderArn")}
        missing = [{"arn": _arn(call, name), "reason": "MISSING"} for name in wanted if name not in there]
        return {"capacityProviders": found, "failures": missing}

    def put_of_cluster(self, call: Call) -> JsonObject:
        strategy = call.params.get("defaultCapacityProviderStrategy") or []
        named = [name.rpartition("/")[2] for name in call.params.get("capacityProviders") or []]
        with self._lock:
            for name in named:
                if name not in _backend(call).capacity_providers and name not in _OF_FARGATE:
                    raise AwsError("InvalidParameterException", _NOT_FOUND.format(name=name))
            if any(item["capacityProvider"] not in named for item in strategy):
                raise AwsError("InvalidParameterException", _NOT_ASSOCIATED)
            whole = [{"weight": 0, "base": 0, **item} for item in strategy]
            call.upstream({**call.params, "capacityProviders": named, "defaultCapacityProviderStrategy": whole})
            cluster = str(call.params["cluster"]).rpartition("/")[2]
            asked = {"clusters": [cluster], "include": ["SETTINGS", "CONFIGURATIONS", "TAGS"]}
            return {"cluster": self._api.ask("ecs", "DescribeClusters", asked, call.account, call.region)["clusters"][0]}


def _backend(call: Call) -> Any:
    return get_backend("ecs")[call.account][call.region]


def _provider(call: Call, name_or_arn: str) -> Any:
    found = _backend(call).capacity_providers.get(name_or_arn.rpartition("/")[2])
    if found is None:
        raise AwsError("ClientException", "The specified capacity provider does not exist. Specify a valid name or ARN and try again.")
    return found


def _group_name(arn_or_name: str) -> str:
    return arn_or_name.rpartition("autoScalingGroupName/")[2]


def _group(call: Call, arn_or_name: str) -> Any:
    group = get_backend("autoscaling")[call.account][call.region].autoscaling_groups.get(_group_name(arn_or_name))
    if group is None:
        raise AwsError(
            "ClientException", "The specified Auto Scaling group ARN is not valid. Specify a valid Auto Scaling group ARN and try again."
        )
    return group


def _check_protection(details: JsonObject, group: Any) -> None:
    if details.get("managedTerminationProtection") != "ENABLED":
        return
    if (details.get("managedScaling") or {}).get("status") != "ENABLED":
        raise AwsError("ClientException", _PROTECTION.format(remedy="managed scaling must be enabled"))
    if not group.new_instances_protected_from_scale_in:
        remedy = "the Auto Scaling group must have instance protection from scale in enabled"
        raise AwsError("ClientException", _PROTECTION.format(remedy=remedy))


def _shown(provider: Any) -> JsonObject:
    shown = {
        "capacityProviderArn": provider.capacity_provider_arn,
        "name": provider.name,
        "status": provider.status,
        "autoScalingGroupProvider": {"managedDraining": "ENABLED", **provider.auto_scaling_group_provider},
        "tags": provider.tags or [],
        "type": "EC2_AUTOSCALING",
    }
    return {**shown, "updateStatus": provider.update_status} if provider.update_status else shown


def _arn(call: Call, name: str) -> str:
    return f"arn:aws:ecs:{call.region}:{call.account}:capacity-provider/{name.rpartition('/')[2]}"


def _fargate(call: Call, name: str) -> JsonObject:
    return {"capacityProviderArn": _arn(call, name), "name": name, "status": "ACTIVE", "tags": [], "type": name}
