"""CreateService, UpdateService, DeleteService, DescribeServices, ListServices."""

from __future__ import annotations

from typing import Any

from local_aws.clock import Clock
from local_aws.ecs import cloud, deployments, texts
from local_aws.ecs.imprint import Imprint
from local_aws.ecs.lookup import active_definition, cluster_of, service_arn, service_of
from local_aws.ecs.state import Service, Store
from local_aws.ecs.tasks import TaskMaker
from local_aws.ecs.validation import (
    check_deployment_configuration,
    check_launch,
    check_load_balancers,
    check_network,
    check_placement,
    check_strategy,
    invalid,
    paged,
    unsupported,
)
from local_aws.ecs.views import service_view
from local_aws.interfaces import Api, AwsError, Call, JsonObject

SETTINGS = (
    "placementConstraints",
    "placementStrategy",
    "healthCheckGracePeriodSeconds",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "availabilityZoneRebalancing",
)
"""Inputs that are kept with the service and never start a deployment (1.4)."""

REVISION_KEYS = tuple(key for key in deployments.STARTERS if key not in ("taskDefinition", "capacityProviderStrategy"))

MAXIMUM_PERCENT = 200
MINIMUM_HEALTHY_PERCENT = 100


class ServicesApi:
    def __init__(self, store: Store, maker: TaskMaker, clock: Clock, imprint: Imprint, stale_reads: int) -> None:
        self._store = store
        self._maker = maker
        self._clock = clock
        self._imprint = imprint
        self._stale_reads = stale_reads

    def add_to(self, api: Api) -> None:
        api.on("ecs", "CreateService")(self.create)
        api.on("ecs", "UpdateService")(self.update)
        api.on("ecs", "DeleteService")(self.delete)
        api.on("ecs", "DescribeServices")(self.describe)
        api.on("ecs", "ListServices")(self.list)

    def create(self, call: Call) -> JsonObject:
        params = call.params
        cluster = cluster_of(call)
        name = params.get("serviceName") or ""
        if not name or len(name) > 255 or not all(c.isalnum() or c in "-_" for c in name):
            raise invalid("Service name should not be null or empty." if not name else "Unable to use the provided service name.")
        self._check_kind(params)
        check_launch(params)
        if not params.get("taskDefinition"):
            raise invalid("TaskDefinition cannot be null or empty.")
        desired = params.get("desiredCount")
        if desired is None or desired < 0:
            raise invalid("desiredCount should not be null or empty." if desired is None else "desiredCount cannot be negative.")
        definition = active_definition(call, params["taskDefinition"])
        config = self._new_config(params, definition, cluster)
        self._check_config(call, cluster, config)
        configuration = _deployment_configuration(params.get("deploymentConfiguration") or {}, {})
        check_deployment_configuration(configuration)
        check_placement(params.get("placementConstraints") or (), params.get("placementStrategy") or ())
        _check_grace(params, config)
        with self._store.lock:
            arn = service_arn(call, cluster, name)
            existing = self._store.services.get(arn)
            if existing is not None and existing.status != "INACTIVE":
                if existing.status == "ACTIVE" and existing.request == params:
                    return {"service": service_view(self._store, existing, tags=True)}
                if existing.status == "DRAINING":
                    raise invalid("Unable to Start a service that is still Draining.")
                raise invalid("Creation of service was not idempotent.")
            now = self._clock.now()
            service = Service(
                arn=arn,
                account=call.account,
                region=call.region,
                name=name,
                cluster=cluster.name,
                cluster_arn=cluster.arn,
                created_at=now,
                created_by=f"arn:aws:iam::{call.account}:root",
                desired=desired,
                settings={
                    **{key: params[key] for key in SETTINGS if params.get(key) is not None},
                    "deploymentConfiguration": configuration,
                    "schedulingStrategy": "REPLICA",
                    "deploymentController": {"type": "ECS"},
                    "roleArn": params.get("role") or None,
                },
                request=cloud.fresh(params),
                tags=list(params.get("tags") or ()),
            )
            service.settings.setdefault("availabilityZoneRebalancing", "ENABLED" if configuration["maximumPercent"] > 100 else "DISABLED")
            self._store.services[arn] = service
            self._imprint.note_service(service)
            deployments.begin(self._store, service, config, now)
            return {"service": service_view(self._store, service, tags=True)}

    def update(self, call: Call) -> JsonObject:
        params = call.params
        cluster = cluster_of(call)
        if (params.get("deploymentController") or {}).get("type", "ECS") != "ECS":
            raise unsupported("local_aws models the ECS deployment controller only.")
        if params.get("desiredCount") is not None and params["desiredCount"] < 0:
            raise invalid("desiredCount cannot be negative.")
        with self._store.lock:
            service = service_of(self._store, call, cluster, params["service"])
            if service.status != "ACTIVE":
                raise AwsError("ServiceNotActiveException", "Service was not ACTIVE.")
            old = service.primary.revision.config
        config = self._changed_config(call, params, old)
        self._check_config(call, cluster, config)
        configuration = _deployment_configuration(params.get("deploymentConfiguration") or {}, service.settings["deploymentConfiguration"])
        check_deployment_configuration(configuration)
        check_placement(params.get("placementConstraints") or (), params.get("placementStrategy") or ())
        _check_grace(params, config)
        with self._store.lock:
            before = service_view(self._store, service, tags=True) if self._stale_reads else None
            now = self._clock.now()
            service.settings.update({key: params[key] for key in SETTINGS if params.get(key) is not None})
            service.settings["deploymentConfiguration"] = configuration
            if params.get("desiredCount") is not None and params["desiredCount"] != service.desired:
                service.desired = params["desiredCount"]
                service.primary.want = service.desired
                service.steady_since = None
            service.primary.next_start = 0.0
            if deployments.needs_deployment(service, params, config):
                deployments.begin(self._store, service, config, now)
            if before is not None:
                service.stale, service.stale_left = before, self._stale_reads
            return {"service": service_view(self._store, service, tags=True)}

    def _check_kind(self, params: JsonObject) -> None:
        if params.get("schedulingStrategy", "REPLICA") != "REPLICA":
            raise unsupported("local_aws models REPLICA services; the DAEMON scheduling strategy is not available.")
        if (params.get("deploymentController") or {}).get("type", "ECS") != "ECS":
            raise unsupported("local_aws models the ECS deployment controller only.")

    def _new_config(self, params: JsonObject, definition: JsonObject, cluster: cloud.Cluster) -> JsonObject:
        config: JsonObject = {key: cloud.fresh(params[key]) for key in REVISION_KEYS if params.get(key)}
        config["taskDefinition"] = definition["taskDefinitionArn"]
        config["definition"] = definition
        strategy = params.get("capacityProviderStrategy") or ([] if params.get("launchType") else list(cluster.default_strategy))
        if strategy:
            config["capacityProviderStrategy"] = _strategy(strategy)
        else:
            config["launchType"] = "EC2"
        _complete_network(config)
        return config

    def _changed_config(self, call: Call, params: JsonObject, old: JsonObject) -> JsonObject:
        """The revision configuration that these parameters lead to. An empty list takes a setting away; what is not given stays."""
        config: JsonObject = dict(old)
        for key in REVISION_KEYS:
            if params.get(key) is not None:
                if params[key]:
                    config[key] = cloud.fresh(params[key])
                else:
                    config.pop(key, None)
        if params.get("capacityProviderStrategy") is not None:
            config.pop("launchType", None)
            config.pop("capacityProviderStrategy", None)
            if params["capacityProviderStrategy"]:
                config["capacityProviderStrategy"] = _strategy(params["capacityProviderStrategy"])
            else:
                config["launchType"] = "EC2"
        if params.get("taskDefinition") or params.get("forceNewDeployment"):
            definition = active_definition(call, params.get("taskDefinition") or old["taskDefinition"])
            config["taskDefinition"] = definition["taskDefinitionArn"]
            config["definition"] = definition
        _complete_network(config)
        return config

    def _check_config(self, call: Call, cluster: cloud.Cluster, config: JsonObject) -> None:
        check_strategy(call, cluster, config.get("capacityProviderStrategy", ()))
        check_network(call, config["definition"], config.get("networkConfiguration"))
        check_load_balancers(call, config["definition"], config.get("loadBalancers", ()))

    def delete(self, call: Call) -> JsonObject:
        cluster = cluster_of(call)
        with self._store.lock:
            service = service_of(self._store, call, cluster, call.params["service"])
            if service.status != "ACTIVE":
                return {"service": service_view(self._store, service, tags=True)}
            if service.desired > 0 and not call.params.get("force"):
                raise invalid("The service cannot be stopped while it is scaled above 0.")
            now = self._clock.now()
            service.status = "DRAINING"
            service.desired = 0
            service.settings["lastConfig"] = service.primary.revision.config
            for entry in service.history:
                if not entry.over:
                    deployments.move(entry, "STOPPED", now, texts.STOPPED_SERVICE_DELETED)
            for task in self._store.live_tasks_of(service):
                self._maker.end(task, "ServiceSchedulerInitiated", texts.scaling_activity(service.primary.id))
            for deployment in service.deployments:
                deployment.want = 0
            return {"service": service_view(self._store, service, tags=True)}

    def describe(self, call: Call) -> JsonObject:
        cluster = cluster_of(call)
        references = call.params.get("services") or []
        if not references:
            raise invalid("Services cannot be empty.")
        if len(references) > 10:
            raise invalid("Services cannot have more than 10 elements.")
        tags = "TAGS" in call.params.get("include", ())
        found: list[JsonObject] = []
        failures: list[JsonObject] = []
        with self._store.lock:
            for reference in references:
                arn = service_arn(call, cluster, reference)
                service = self._store.services.get(arn)
                if service is None:
                    failures.append({"arn": arn, "reason": "MISSING"})
                else:
                    found.append(self._read(service, tags))
        return {"services": found, "failures": failures}

    def _read(self, service: Service, tags: bool) -> JsonObject:
        """The service now, or, for the first reads after an update when so switched, as it was before (2.6)."""
        if service.stale is not None and service.stale_left > 0:
            service.stale_left -= 1
            shape: dict[str, Any] = cloud.fresh(service.stale)
            if not tags:
                shape.pop("tags", None)
            return shape
        service.stale = None
        return service_view(self._store, service, tags)

    def list(self, call: Call) -> JsonObject:
        cluster = cluster_of(call)
        launch_type = call.params.get("launchType")
        strategy = call.params.get("schedulingStrategy")
        with self._store.lock:
            arns = sorted(
                service.arn
                for service in self._store.services.values()
                if service.cluster_arn == cluster.arn
                and service.status != "INACTIVE"
                and (launch_type is None or (service.deployments and service.primary.revision.config.get("launchType") == launch_type))
                and (strategy is None or service.settings["schedulingStrategy"] == strategy)
            )
        return paged(call.params, arns, "serviceArns", 10)


def _strategy(items: list[JsonObject]) -> list[JsonObject]:
    return [
        {
            "capacityProvider": item["capacityProvider"].rsplit("/", 1)[-1],
            "weight": int(item.get("weight") or 0),
            "base": int(item.get("base") or 0),
        }
        for item in items
    ]


def _complete_network(config: JsonObject) -> None:
    awsvpc = (config.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if awsvpc is not None:
        awsvpc.setdefault("securityGroups", [])
        awsvpc.setdefault("assignPublicIp", "DISABLED")


def _deployment_configuration(given: JsonObject, before: JsonObject) -> JsonObject:
    """What is given over what was, over AWS's defaults."""
    configuration: JsonObject = {
        "maximumPercent": MAXIMUM_PERCENT,
        "minimumHealthyPercent": MINIMUM_HEALTHY_PERCENT,
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
        "strategy": "ROLLING",
        **before,
        **{key: value for key, value in cloud.fresh(given).items() if value is not None},
    }
    settings = configuration["deploymentCircuitBreaker"]
    if settings.get("enable"):
        settings.setdefault("resetOnHealthyTask", True)
        settings.setdefault("thresholdConfiguration", {"type": "BOUNDED_PERCENT", "value": 50})
    return configuration


def _check_grace(params: JsonObject, config: JsonObject) -> None:
    grace = params.get("healthCheckGracePeriodSeconds")
    if grace is None:
        return
    if not 0 <= grace <= 2**31 - 1:
        raise invalid("healthCheckGracePeriodSeconds must be between 0 and 2147483647.")
    checked = any(container.get("healthCheck") for container in config["definition"]["containerDefinitions"])
    if not config.get("loadBalancers") and not checked and grace > 0:
        raise invalid("Health check grace period is only valid for services configured to use load balancers")
