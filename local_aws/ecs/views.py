"""The records in the shapes of the ECS API (ecs-facts.md 1.3). Pure but for reading the store; the caller holds its lock."""

from __future__ import annotations

import copy
from typing import Any

from local_aws.ecs.constants import AGENT_VERSION, DOCKER_VERSION
from local_aws.ecs.deployments import STARTERS
from local_aws.ecs.hosts import host_of
from local_aws.ecs.state import Container, Deployment, Instance, Revision, Service, ServiceDeployment, Store, Task
from local_aws.interfaces import JsonObject

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  # what DescribeTasks shows for Docker's bindings; nothing is bound here


def without_none(shape: JsonObject) -> JsonObject:
    """The API leaves out what has no value."""
    return {key: value for key, value in shape.items() if value is not None}


def counts(store: Store, service: Service, deployment_id: str | None = None) -> tuple[int, int]:
    """Running and pending tasks, those told to stop left out."""
    tasks = [t for t in store.live_tasks_of(service) if deployment_id is None or t.deployment_id == deployment_id]
    return sum(task.running for task in tasks), sum(task.pending for task in tasks)


def deployment_view(store: Store, service: Service, deployment: Deployment) -> JsonObject:
    running, pending = counts(store, service, deployment.id)
    config = deployment.revision.config
    return without_none(
        {
            "id": deployment.id,
            "status": deployment.status,
            "taskDefinition": config["taskDefinition"],
            "desiredCount": deployment.want,
            "pendingCount": pending,
            "runningCount": running,
            "failedTasks": deployment.failed_tasks,
            "createdAt": deployment.created_at,
            "updatedAt": deployment.updated_at,
            "launchType": config.get("launchType"),
            "capacityProviderStrategy": config.get("capacityProviderStrategy"),
            "networkConfiguration": config.get("networkConfiguration"),
            "serviceConnectConfiguration": config.get("serviceConnectConfiguration"),
            "volumeConfigurations": config.get("volumeConfigurations"),
            "vpcLatticeConfigurations": config.get("vpcLatticeConfigurations"),
            "rolloutState": deployment.rollout_state,
            "rolloutStateReason": deployment.rollout_reason,
        }
    )


def service_view(store: Store, service: Service, tags: bool) -> JsonObject:
    running, pending = counts(store, service)
    settings = service.settings
    config: JsonObject = service.primary.revision.config if service.deployments else settings["lastConfig"]
    current = service.current
    shape: JsonObject = {
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster_arn,
        "status": service.status,
        "desiredCount": service.desired,
        "runningCount": running,
        "pendingCount": pending,
        "launchType": config.get("launchType"),
        "capacityProviderStrategy": config.get("capacityProviderStrategy"),
        "loadBalancers": config.get("loadBalancers", []),
        "serviceRegistries": config.get("serviceRegistries", []),
        "taskDefinition": config["taskDefinition"],
        "deploymentConfiguration": settings["deploymentConfiguration"],
        "deployments": [deployment_view(store, service, deployment) for deployment in service.deployments],
        "roleArn": settings.get("roleArn"),
        "events": [{"id": event.id, "createdAt": event.created_at, "message": event.message} for event in service.events],
        "createdAt": service.created_at,
        "createdBy": service.created_by,
        "currentServiceDeployment": current.arn if current else None,
        "currentServiceRevisions": [
            {"arn": deployment.revision.arn, **numbers}
            for deployment, numbers in ((d, _revision_counts(store, service, d)) for d in service.deployments)
            if any(numbers.values())
        ],
        "placementConstraints": settings.get("placementConstraints", []),
        "placementStrategy": settings.get("placementStrategy", []),
        "networkConfiguration": config.get("networkConfiguration"),
        "healthCheckGracePeriodSeconds": settings.get("healthCheckGracePeriodSeconds", 0 if config.get("loadBalancers") else None),
        "schedulingStrategy": settings["schedulingStrategy"],
        "deploymentController": settings["deploymentController"],
        "enableECSManagedTags": settings.get("enableECSManagedTags", False),
        "propagateTags": settings.get("propagateTags", "NONE"),
        "enableExecuteCommand": settings.get("enableExecuteCommand", False),
        "availabilityZoneRebalancing": settings.get("availabilityZoneRebalancing"),
        "tags": service.tags if tags else None,
    }
    return copy.deepcopy(without_none(shape))


def _revision_counts(store: Store, service: Service, deployment: Deployment) -> dict[str, int]:
    running, pending = counts(store, service, deployment.id)
    return {"requestedTaskCount": deployment.want, "runningTaskCount": running, "pendingTaskCount": pending}


def service_deployment_view(store: Store, service: Service, entry: ServiceDeployment) -> JsonObject:
    configuration = entry.configuration
    breaker_set = configuration.get("deploymentCircuitBreaker")
    alarms = configuration.get("alarms")
    shape: JsonObject = {
        "serviceDeploymentArn": entry.arn,
        "serviceArn": entry.service_arn,
        "clusterArn": entry.cluster_arn,
        "createdAt": entry.created_at,
        "startedAt": entry.started_at,
        "finishedAt": entry.finished_at,
        "stoppedAt": entry.stopped_at,
        "updatedAt": entry.updated_at,
        "sourceServiceRevisions": [{"arn": source.arn, **_counts_of_revision(store, service, source)} for source in entry.sources],
        "targetServiceRevision": {
            "arn": entry.deployment.revision.arn,
            **_counts_of_revision(store, service, entry.deployment.revision),
        },
        "status": entry.status,
        "statusReason": entry.status_reason,
        "deploymentConfiguration": configuration,
        "rollback": entry.rollback,
        "deploymentCircuitBreaker": {
            "status": entry.breaker_status,
            "failureCount": entry.deployment.failure_count,
            "threshold": entry.threshold,
        }
        if breaker_set
        else None,
        "alarms": without_none(
            {
                "status": entry.alarm_status,
                "alarmNames": alarms.get("alarmNames", []),
                "triggeredAlarmNames": entry.triggered_alarms or None,
            }
        )
        if alarms
        else None,
    }
    return copy.deepcopy(without_none(shape))


def _counts_of_revision(store: Store, service: Service, revision: Revision) -> dict[str, int]:
    deployment = next((d for d in service.deployments if d.revision is revision), None)
    if deployment is None:
        return {"requestedTaskCount": 0, "runningTaskCount": 0, "pendingTaskCount": 0}
    return _revision_counts(store, service, deployment)


def service_deployment_brief(entry: ServiceDeployment) -> JsonObject:
    return without_none(
        {
            "serviceDeploymentArn": entry.arn,
            "serviceArn": entry.service_arn,
            "clusterArn": entry.cluster_arn,
            "createdAt": entry.created_at,
            "startedAt": entry.started_at,
            "finishedAt": entry.finished_at,
            "targetServiceRevisionArn": entry.deployment.revision.arn,
            "status": entry.status,
            "statusReason": entry.status_reason,
        }
    )


def revision_view(revision: Revision) -> JsonObject:
    config = {key: revision.config[key] for key in (*STARTERS, "launchType") if revision.config.get(key) is not None}
    return copy.deepcopy(
        {
            "serviceRevisionArn": revision.arn,
            "serviceArn": revision.service_arn,
            "clusterArn": revision.cluster_arn,
            **config,
            "containerImages": revision.images
            or [{"containerName": c["name"], "image": c["image"]} for c in revision.config["definition"]["containerDefinitions"]],
            "guardDutyEnabled": False,
            "createdAt": revision.created_at,
        }
    )


def container_view(task: Task, container: Container) -> JsonObject:
    address = task.eni.address if task.eni else None
    bindings = [
        {"bindIP": EVERY_ADDRESS, "containerPort": inside, "hostPort": outside, "protocol": protocol}
        for (name, inside, protocol), outside in task.host_ports.items()
        if name == container.name and container.started
    ]
    return without_none(
        {
            "containerArn": f"{task.arn.replace(':task/', ':container/', 1)}/{container.name}",
            "taskArn": task.arn,
            "name": container.name,
            "image": container.image,
            "imageDigest": container.image_digest,
            "runtimeId": container.runtime_id,
            "lastStatus": container.status,
            "exitCode": container.exit_code,
            "reason": container.reason,
            "networkBindings": bindings,
            "networkInterfaces": [{"attachmentId": task.eni.attachment_id, "privateIpv4Address": address}] if task.eni else [],
            "healthStatus": container.health,
            "cpu": str(container.cpu),
            "memory": str(container.memory) if container.memory else None,
            "memoryReservation": str(container.memory_reservation) if container.memory_reservation else None,
        }
    )


def attachments_of(task: Task) -> list[JsonObject]:
    if task.eni is None:
        return []
    status = "DELETED" if task.eni_deleted else "ATTACHED" if task.eni_attached else "ATTACHING"
    details: dict[str, Any] = {
        "subnetId": task.eni.subnet_id,
        "networkInterfaceId": task.eni.id,
        "macAddress": task.eni.mac,
        "privateDnsName": task.eni.dns_name,
        "privateIPv4Address": task.eni.address,
    }
    return [
        {
            "id": task.eni.attachment_id,
            "type": "ElasticNetworkInterface",
            "status": status,
            "details": [{"name": name, "value": value} for name, value in details.items() if value],
        }
    ]


def task_view(task: Task, tags: bool) -> JsonObject:
    architecture = [{"name": "ecs.cpu-architecture", "value": "x86_64"}]
    named = (task.definition.get("runtimePlatform") or {}).get("cpuArchitecture")
    if named == "ARM64":
        architecture = [{"name": "ecs.cpu-architecture", "value": "arm64"}]
    return copy.deepcopy(
        without_none(
            {
                "attachments": attachments_of(task),
                "attributes": architecture,
                "availabilityZone": task.zone,
                "capacityProviderName": task.capacity_provider,
                "clusterArn": task.cluster_arn,
                "connectivity": "CONNECTED" if task.pull_started_at else None,
                "connectivityAt": task.pull_started_at,
                "containerInstanceArn": task.instance_arn,
                "containers": [container_view(task, container) for container in task.containers.values()],
                "cpu": str(task.demand.cpu),
                "memory": str(task.demand.memory),
                "createdAt": task.created_at,
                "desiredStatus": task.desired_status,
                "enableExecuteCommand": task.execute_command,
                "executionStoppedAt": task.execution_stopped_at,
                "group": task.group,
                "healthStatus": task.health_status,
                "lastStatus": task.status,
                "launchType": task.launch_type or "EC2",
                "overrides": task.overrides
                or {"containerOverrides": [{"name": name} for name in task.containers], "inferenceAcceleratorOverrides": []},
                "pullStartedAt": task.pull_started_at,
                "pullStoppedAt": task.pull_stopped_at,
                "startedAt": task.started_at,
                "startedBy": task.started_by,
                "stopCode": task.stop_code,
                "stoppedAt": task.stopped_at,
                "stoppedReason": task.stopped_reason,
                "stoppingAt": task.stopping_at,
                "tags": task.tags if tags else [],
                "taskArn": task.arn,
                "taskDefinitionArn": task.definition_arn,
                "version": task.version,
            }
        )
    )


def _resources(cpu: int, memory: int, tcp: set[int], udp: set[int]) -> list[JsonObject]:
    numbers = {"doubleValue": 0.0, "longValue": 0}
    return [
        {"name": "CPU", "type": "INTEGER", **numbers, "integerValue": cpu},
        {"name": "MEMORY", "type": "INTEGER", **numbers, "integerValue": memory},
        {"name": "PORTS", "type": "STRINGSET", **numbers, "integerValue": 0, "stringSetValue": [str(p) for p in sorted(tcp)]},
        {"name": "PORTS_UDP", "type": "STRINGSET", **numbers, "integerValue": 0, "stringSetValue": [str(p) for p in sorted(udp)]},
    ]


def instance_view(store: Store, instance: Instance, tags: bool) -> JsonObject:
    host = host_of(store, instance, "")
    tasks = [task for task in store.tasks_on(instance.arn) if task.live]
    return copy.deepcopy(
        without_none(
            {
                "containerInstanceArn": instance.arn,
                "ec2InstanceId": instance.ec2_instance_id,
                "capacityProviderName": instance.capacity_provider,
                "version": instance.version,
                "versionInfo": {"agentVersion": AGENT_VERSION, "agentHash": "00000000", "dockerVersion": DOCKER_VERSION},
                "remainingResources": _resources(host.cpu, host.memory, host.tcp_ports, host.udp_ports),
                "registeredResources": _resources(instance.cpu, instance.memory, set(instance.tcp_ports), set(instance.udp_ports)),
                "status": instance.status,
                "agentConnected": instance.agent_connected,
                "runningTasksCount": sum(task.running for task in tasks),
                "pendingTasksCount": sum(task.pending for task in tasks),
                "attributes": [without_none({"name": name, "value": value}) for name, value in sorted(instance.attributes.items())],
                "registeredAt": instance.registered_at,
                "attachments": [],
                "tags": instance.tags if tags else [],
            }
        )
    )
