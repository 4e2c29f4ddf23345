# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small ECS for the verbs' tests: one service, seconds that pass only when the verb sleeps, and a behaviour per revision.

It knows what a boto3 client is asked for by our verbs, and nothing of how they judge the answers.
"""

from __future__ import annotations

import copy
import datetime
import types
import typing as t
from dataclasses import dataclass, field

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

CLUSTER = "main"
SERVICE = "api"
_ARN = "arn:aws:ecs:eu-west-1:123456789012"
GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/0123456789abcdef"
_BIRTH = datetime.datetime(2026, 11, 21, 12, 0, 0, tzinfo=datetime.timezone.utc)

Data = dict[str, t.Any]
# What makes up a service revision: an update of it starts a deployment.
_REVISION = {
    "taskDefinition",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "capacityProviderStrategy",
    "platformVersion",
}


def refused(code: str, message: str, operation: str = "Call") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class FakeClock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return _BIRTH.timestamp() + self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.seconds += max(seconds, 0.001)


@dataclass
class Behaviour:
    """What becomes of a task of a revision. Seconds are since the task was made; None means never."""

    running: float | None = 3.0
    healthy: float | None = 6.0
    stop: float | None = None
    code: str = ""
    reason: str = ""
    container: Data = field(default_factory=dict)
    sick: str = ""
    """What the load balancer says of its target once it runs, in place of healthy."""
    events: tuple[str, ...] = ()
    """Events that are written when the deployment begins."""
    tasks: bool = True
    """Whether ECS starts tasks at all."""


GOOD = Behaviour()
MODEL = botocore.session.get_session().get_service_model("ecs")


def validated(operation: str, request: Data) -> None:
    """Refuse, as a real client does, what the API's model does not allow."""
    report = ParamValidator().validate(request, MODEL.operation_model(operation).input_shape)
    assert not report.has_errors(), report.generate_report()


class FakeEcs:
    def __init__(self, clock: FakeClock, desired: int = 2) -> None:
        self.clock = clock
        self.behaviours: dict[str, Behaviour] = {}
        self.definitions: dict[str, Data] = {}
        self.tasks: list[Data] = []
        self.records: list[Data] = []
        self.calls: list[tuple[str, Data]] = []
        self.logs: dict[str, list[str]] = {}
        self.stoppable = True
        self.breaker: int | None = None
        self.stale_reads = 0
        self.trouble: list[Exception] = []
        """Raised by the next reads of the service, one each."""
        self.tick = 0
        self._number = 1000
        self._stale: Data | None = None
        self.service: Data = {}
        self._desired = desired
        self.groups: dict[str, bool] = {}
        self.meta = types.SimpleNamespace(service_model=MODEL)
        self._settings: dict[str, Data] = {}
        self.revision: Data = {}
        """What every service revision holds besides its task definition."""
        self.scalable: Data | None = None
        """What DescribeScalableTargets answers for the service."""
        self.instances: list[dict[str, int]] | None = None
        """What each container instance registered; None refuses to say."""

    @property
    def now(self) -> datetime.datetime:
        return _BIRTH + datetime.timedelta(seconds=self.clock.seconds)

    def define(self, revision: int, behaviour: Behaviour = GOOD, status: str = "ACTIVE", **container: t.Any) -> str:
        arn = f"{_ARN}:task-definition/api:{revision}"
        self.behaviours[arn] = behaviour
        self.definitions[arn] = {
            "taskDefinitionArn": arn,
            "family": "api",
            "revision": revision,
            "status": status,
            "networkMode": "awsvpc",
            "compatibilities": ["EC2"],
            "containerDefinitions": [
                {
                    "name": "app",
                    "image": f"registry.example/api:{revision}",
                    "memory": 128,
                    "cpu": 0,
                    "essential": True,
                    "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}],
                    "environment": [],
                    "mountPoints": [],
                    "volumesFrom": [],
                    "systemControls": [],
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {"awslogs-group": "/api", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "ecs"},
                    },
                    **container,
                }
            ],
        }
        return arn

    def begin(self, arn: str, balanced: bool = False, **members: t.Any) -> None:
        """The service exists and has been steady on this revision."""
        self.service = {
            "serviceName": SERVICE,
            "serviceArn": f"{_ARN}:service/{CLUSTER}/{SERVICE}",
            "clusterArn": f"{_ARN}:cluster/{CLUSTER}",
            "status": "ACTIVE",
            "desiredCount": self._desired,
            "taskDefinition": arn,
            "schedulingStrategy": "REPLICA",
            "launchType": "EC2",
            "loadBalancers": [{"targetGroupArn": GROUP, "containerName": "app", "containerPort": 8080}] if balanced else [],
            "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 100},
            "healthCheckGracePeriodSeconds": 0,
            "deployments": [],
            "events": [],
            **members,
        }
        if balanced:
            self.groups[GROUP] = True
        self._new_deployment(arn)
        self.pass_time(60)

    def pass_time(self, seconds: float) -> None:
        self.clock.seconds += seconds
        self._advance()

    def event(self, text: str) -> None:
        self._number += 1
        self.service["events"].insert(0, {"id": str(self._number), "createdAt": self.now, "message": f"(service {SERVICE}) {text}"})

    @property
    def primary(self) -> Data:
        return t.cast("Data", next(item for item in self.service["deployments"] if item["status"] == "PRIMARY"))

    def _new_deployment(self, arn: str) -> None:
        self._number += 1
        for item in self.service["deployments"]:
            item["status"] = "ACTIVE"
        for record in self.records:
            if record["status"] == "IN_PROGRESS":
                record["status"] = "STOPPED"
        number = f"{self._number:019d}"
        deployment = {
            "id": f"ecs-svc/{number}",
            "status": "PRIMARY",
            "taskDefinition": arn,
            "desiredCount": self.service["desiredCount"],
            "runningCount": 0,
            "pendingCount": 0,
            "failedTasks": 0,
            "createdAt": self.now,
            "updatedAt": self.now,
            "rolloutState": "IN_PROGRESS",
            "rolloutStateReason": f"ECS deployment ecs-svc/{number} in progress.",
        }
        self.service["deployments"].insert(0, deployment)
        self.service["taskDefinition"] = arn
        record = {
            "serviceDeploymentArn": f"{_ARN}:service-deployment/{CLUSTER}/{SERVICE}/{number}",
            "targetServiceRevisionArn": f"{_ARN}:service-revision/{CLUSTER}/{SERVICE}/{number}",
            "status": "IN_PROGRESS",
            "createdAt": self.now,
        }
        self.records.insert(0, record)
        self._settings[number] = copy.deepcopy({key: self.service[key] for key in _REVISION - {"taskDefinition"} if self.service.get(key)})
        self.service["currentServiceDeployment"] = record["serviceDeploymentArn"]
        for text in self.behaviours[arn].events:
            self.event(text)

    def _advance(self) -> None:
        while self.tick < int(self.clock.seconds):
            self.tick += 1
            if self.service:
                self._second()

    def _second(self) -> None:
        moment = _BIRTH + datetime.timedelta(seconds=self.tick)
        for deployment in list(self.service["deployments"]):
            behaviour = self.behaviours[deployment["taskDefinition"]]
            mine = [item for item in self.tasks if item["startedBy"] == deployment["id"]]
            live = [item for item in mine if item["desiredStatus"] == "RUNNING"]
            if deployment["status"] == "PRIMARY" and deployment["rolloutState"] != "FAILED" and behaviour.tasks and self.tick % 5 == 0:
                for _ in range(self.service["desiredCount"] - len(live)):
                    self._start(deployment, moment)
            for task in live:
                self._live(task, behaviour, moment, deployment)
            live = [item for item in mine if item["desiredStatus"] == "RUNNING"]
            deployment["runningCount"] = sum(item["lastStatus"] == "RUNNING" for item in live)
            deployment["pendingCount"] = len(live) - deployment["runningCount"]
            self._decide(deployment, moment)
        self.service["deployments"] = [
            item for item in self.service["deployments"] if item["status"] == "PRIMARY" or item["runningCount"] or item["pendingCount"]
        ]
        self.service["runningCount"] = sum(item["runningCount"] for item in self.service["deployments"])
        self.service["pendingCount"] = sum(item["pendingCount"] for item in self.service["deployments"])
        if self.service["status"] == "DRAINING" and not self.service["runningCount"]:
            self.service["status"] = "INACTIVE"

    def _start(self, deployment: Data, moment: datetime.datetime) -> None:
        self._number += 1
        self.tasks.append(
            {
                "taskArn": f"{_ARN}:task/{CLUSTER}/{self._number:032x}",
                "taskDefinitionArn": deployment["taskDefinition"],
                "startedBy": deployment["id"],
                "desiredStatus": "RUNNING",
                "lastStatus": "PENDING",
                "healthStatus": "UNKNOWN",
                "createdAt": moment,
                "containers": [{"name": "app", "lastStatus": "PENDING"}],
                "attachments": [
                    {
                        "type": "ElasticNetworkInterface",
                        "details": [{"name": "privateIPv4Address", "value": f"10.0.{self._number // 250 % 250}.{self._number % 250}"}],
                    }
                ],
            }
        )

    def _live(self, task: Data, behaviour: Behaviour, moment: datetime.datetime, deployment: Data) -> None:
        age = (moment - task["createdAt"]).total_seconds()
        if behaviour.running is not None and age >= behaviour.running and task["lastStatus"] == "PENDING":
            task.update(lastStatus="RUNNING", startedAt=moment)
        if behaviour.stop is not None and age >= behaviour.stop:
            task.update(lastStatus="STOPPED", desiredStatus="STOPPED", stoppedAt=moment, stopCode=behaviour.code)
            task["stoppedReason"] = behaviour.reason
            task["containers"][0].update(behaviour.container, lastStatus="STOPPED")
            deployment["failedTasks"] += 1

    def _decide(self, deployment: Data, moment: datetime.datetime) -> None:
        identity = deployment["id"]
        if deployment["status"] != "PRIMARY" or deployment["rolloutState"] != "IN_PROGRESS":
            return
        if self.breaker is not None and deployment["failedTasks"] >= self.breaker:
            deployment.update(rolloutState="FAILED", rolloutStateReason="ECS deployment circuit breaker: tasks failed to start.")
            self.event(f"(deployment {identity}) deployment failed: tasks failed to start.")
            self._go_back("ROLLBACK_IN_PROGRESS", "Service deployment rolled back because the circuit breaker threshold was exceeded.")
            return
        behaviour = self.behaviours[deployment["taskDefinition"]]
        well = [
            task
            for task in self.tasks
            if task["startedBy"] == identity
            and task["lastStatus"] == "RUNNING"
            and behaviour.healthy is not None
            and (moment - task["createdAt"]).total_seconds() >= behaviour.healthy
        ]
        if len(well) >= self.service["desiredCount"]:
            deployment.update(rolloutState="COMPLETED", rolloutStateReason=f"ECS deployment {identity} completed.", failedTasks=0)
            for task in self.tasks:
                if task["startedBy"] != identity and task["desiredStatus"] == "RUNNING":
                    task.update(desiredStatus="STOPPED", lastStatus="STOPPED", stoppedAt=moment, stopCode="ServiceSchedulerInitiated")
                    task["stoppedReason"] = f"Scaling activity initiated by (deployment {identity})"
            for item in self.service["deployments"]:
                if item["id"] != identity:
                    item.update(runningCount=0, pendingCount=0)
            for record in self.records:
                if record["status"] == "IN_PROGRESS":
                    record.update(status="SUCCESSFUL", finishedAt=moment)
                elif record["status"] == "ROLLBACK_IN_PROGRESS":
                    record.update(status="ROLLBACK_SUCCESSFUL", finishedAt=moment)
            self.event(f"(deployment {identity}) deployment completed.")

    def _go_back(self, status: str, why: str) -> bool:
        failed = self.primary
        good = next((item for item in self.service["deployments"] if item["rolloutState"] == "COMPLETED"), None)
        self.records[0].update(status=status if good else "ROLLBACK_FAILED", statusReason=why)
        if good is None:
            return False
        failed["status"] = "ACTIVE"
        good.update(
            status="PRIMARY",
            rolloutState="IN_PROGRESS",
            updatedAt=self.now,
            rolloutStateReason=f"ECS deployment circuit breaker: rolling back to deploymentId {good['id']}.",
        )
        self.service["taskDefinition"] = good["taskDefinition"]
        self.event(f"rolling back to deployment {good['id']}.")
        return True

    def _called(self, name: str, request: Data) -> None:
        self.calls.append((name, copy.deepcopy(request)))
        self._advance()

    def count(self, name: str) -> int:
        return sum(called == name for called, _request in self.calls)

    def describe_services(self, **request: t.Any) -> Data:
        self._called("describe_services", request)
        if self.trouble:
            raise self.trouble.pop(0)
        if self._stale is not None and self.stale_reads > 0:
            self.stale_reads -= 1
            return {"services": [copy.deepcopy(self._stale)]}
        return {"services": [copy.deepcopy(self.service)] if self.service and SERVICE in request["services"] else []}

    def update_service(self, **request: t.Any) -> Data:
        self._called("update_service", request)
        validated("UpdateService", request)
        self._stale = copy.deepcopy(self.service)
        definition = self._definition(request.get("taskDefinition") or self.service["taskDefinition"])
        for key, value in request.items():
            if key not in ("cluster", "service", "taskDefinition", "forceNewDeployment"):
                self.service[key] = value
        moved = _REVISION & request.keys()
        if moved or request.get("forceNewDeployment"):
            self._new_deployment(definition["taskDefinitionArn"])
        return {"service": copy.deepcopy(self.service)}

    def create_service(self, **request: t.Any) -> Data:
        self._called("create_service", request)
        validated("CreateService", request)
        members = {key: value for key, value in request.items() if key not in ("cluster", "serviceName", "taskDefinition")}
        self.service = {
            "serviceName": request["serviceName"],
            "serviceArn": f"{_ARN}:service/{CLUSTER}/{SERVICE}",
            "status": "ACTIVE",
            "deployments": [],
            "events": [],
            "runningCount": 0,
            "pendingCount": 0,
            "loadBalancers": [],
            **members,
        }
        self._new_deployment(self._definition(request["taskDefinition"])["taskDefinitionArn"])
        return {"service": copy.deepcopy(self.service)}

    def delete_service(self, **request: t.Any) -> Data:
        self._called("delete_service", request)
        self.service["status"] = "DRAINING"
        for deployment in self.service["deployments"]:
            self.behaviours[deployment["taskDefinition"]] = Behaviour(stop=0, tasks=False, reason="Scaling activity initiated by x")
        return {"service": copy.deepcopy(self.service)}

    def tag_resource(self, **request: t.Any) -> Data:
        self._called("tag_resource", request)
        known = {item["key"]: item for item in self.service.get("tags", [])}
        self.service["tags"] = list({**known, **{item["key"]: item for item in request["tags"]}}.values())
        return {}

    def untag_resource(self, **request: t.Any) -> Data:
        self._called("untag_resource", request)
        self.service["tags"] = [item for item in self.service.get("tags", []) if item["key"] not in request["tagKeys"]]
        return {}

    def _definition(self, name: str) -> Data:
        for arn, definition in self.definitions.items():
            if name in (arn, arn.rsplit("/", 1)[-1]):
                return definition
        raise refused("ClientException", "Unable to describe task definition.", "DescribeTaskDefinition")

    def describe_task_definition(self, **request: t.Any) -> Data:
        self._called("describe_task_definition", request)
        return {"taskDefinition": copy.deepcopy(self._definition(request["taskDefinition"])), "tags": []}

    def list_task_definitions(self, **request: t.Any) -> Data:
        self._called("list_task_definitions", request)
        found = [arn for arn, item in self.definitions.items() if item["family"] == request["familyPrefix"] and item["status"] == "ACTIVE"]
        return {"taskDefinitionArns": sorted(found, key=lambda arn: -int(arn.rsplit(":", 1)[-1]))[: request["maxResults"]]}

    def register_task_definition(self, **request: t.Any) -> Data:
        self._called("register_task_definition", request)
        revision = len(self.definitions) + 1
        arn = f"{_ARN}:task-definition/{request['family']}:{revision}"
        self.definitions[arn] = {**copy.deepcopy(request), "taskDefinitionArn": arn, "revision": revision, "status": "ACTIVE"}
        self.behaviours[arn] = GOOD
        return {"taskDefinition": copy.deepcopy(self.definitions[arn])}

    def list_tasks(self, **request: t.Any) -> Data:
        self._called("list_tasks", request)
        return {"taskArns": [item["taskArn"] for item in self.tasks if item["desiredStatus"] == request["desiredStatus"]]}

    def describe_tasks(self, **request: t.Any) -> Data:
        self._called("describe_tasks", request)
        return {"tasks": [copy.deepcopy(item) for item in self.tasks if item["taskArn"] in request["tasks"]]}

    def list_service_deployments(self, **request: t.Any) -> Data:
        self._called("list_service_deployments", request)
        return {"serviceDeployments": copy.deepcopy(self.records)}

    def describe_service_deployments(self, **request: t.Any) -> Data:
        self._called("describe_service_deployments", request)
        wanted = request["serviceDeploymentArns"]
        return {"serviceDeployments": [copy.deepcopy(item) for item in self.records if item["serviceDeploymentArn"] in wanted]}

    def describe_service_revisions(self, **request: t.Any) -> Data:
        self._called("describe_service_revisions", request)
        by_number = {self._revision_arn(number): arn for number, arn in self._revisions().items()}
        return {
            "serviceRevisions": [
                {
                    "serviceRevisionArn": arn,
                    "taskDefinition": by_number[arn],
                    "createdAt": self.now,
                    **self._settings.get(arn.rsplit("/", 1)[-1], {}),
                    **self.revision,
                }
                for arn in request["serviceRevisionArns"]
                if arn in by_number
            ]
        }

    @staticmethod
    def _revision_arn(number: str) -> str:
        return f"{_ARN}:service-revision/{CLUSTER}/{SERVICE}/{number}"

    def _revisions(self) -> dict[str, str]:
        for deployment in self.service["deployments"]:
            self._remembered[deployment["id"].rsplit("/", 1)[-1]] = deployment["taskDefinition"]
        for task in self.tasks:
            self._remembered[task["startedBy"].rsplit("/", 1)[-1]] = task["taskDefinitionArn"]
        return self._remembered

    @property
    def _remembered(self) -> dict[str, str]:
        return self.__dict__.setdefault("_memory", {})

    def stop_service_deployment(self, **request: t.Any) -> Data:
        self._called("stop_service_deployment", request)
        if not self.stoppable:
            raise refused("ConflictException", "The deployment cannot be stopped.", "StopServiceDeployment")
        self._go_back("ROLLBACK_IN_PROGRESS", "Service deployment rolled back by user.")
        return {}

    def describe_scalable_targets(self, **request: t.Any) -> Data:
        self._called("describe_scalable_targets", request)
        assert request["ResourceIds"] == [f"service/{CLUSTER}/{SERVICE}"]
        return {"ScalableTargets": [self.scalable] if self.scalable else []}

    def describe_capacity_providers(self, **request: t.Any) -> Data:
        self._called("describe_capacity_providers", request)
        return {
            "capacityProviders": [
                {"name": name, "autoScalingGroupProvider": {"managedScaling": {"status": "ENABLED"}}}
                for name in request["capacityProviders"]
            ]
        }

    def list_container_instances(self, **request: t.Any) -> Data:
        self._called("list_container_instances", request)
        if self.instances is None:
            raise refused("AccessDeniedException", "not authorized to perform: ecs:ListContainerInstances", "ListContainerInstances")
        return {"containerInstanceArns": [f"{_ARN}:container-instance/{CLUSTER}/{number}" for number in range(len(self.instances))]}

    def describe_container_instances(self, **request: t.Any) -> Data:
        self._called("describe_container_instances", request)
        offers = [self.instances[int(arn.rsplit("/", 1)[-1])] for arn in request["containerInstances"]] if self.instances else []
        resources = [[{"name": name.upper(), "integerValue": value} for name, value in offer.items()] for offer in offers]
        return {"containerInstances": [{"registeredResources": items} for items in resources]}

    def describe_target_health(self, **request: t.Any) -> Data:
        self._called("describe_target_health", request)
        if not self.groups.get(request["TargetGroupArn"]):
            raise refused("TargetGroupNotFound", "One or more target groups not found", "DescribeTargetHealth")
        found = []
        for task in self.tasks:
            if task["desiredStatus"] != "RUNNING" or task["lastStatus"] != "RUNNING":
                continue
            behaviour = self.behaviours[task["taskDefinitionArn"]]
            age = (self.now - task["createdAt"]).total_seconds()
            if behaviour.sick:
                health = {"State": "unhealthy", "Reason": "Target.ResponseCodeMismatch", "Description": behaviour.sick}
            elif behaviour.healthy is not None and age >= behaviour.healthy:
                health = {"State": "healthy"}
            else:
                health = {"State": "initial"}
            found.append({"Target": {"Id": task["attachments"][0]["details"][0]["value"], "Port": 8080}, "TargetHealth": health})
        return {"TargetHealthDescriptions": found}

    def get_log_events(self, **request: t.Any) -> Data:
        self._called("get_log_events", request)
        lines = [line for name, kept in self.logs.items() if name in request["logStreamName"] for line in kept]
        return {"events": [{"message": line} for line in lines[-request["limit"] :]]}
