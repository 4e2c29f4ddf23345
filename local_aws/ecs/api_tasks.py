"""RunTask, StartTask, StopTask, DescribeTasks, ListTasks."""

from __future__ import annotations

from local_aws.clock import Clock
from local_aws.ecs import cloud, texts
from local_aws.ecs.demand import with_overrides
from local_aws.ecs.hosts import host_of, wish_of
from local_aws.ecs.lookup import active_definition, all_of, cluster_of, service_arn, task_of, usable_instances
from local_aws.ecs.placement import Outcome, refusal
from local_aws.ecs.state import Store, Task, hex_id
from local_aws.ecs.strategy import next_provider
from local_aws.ecs.tasks import TaskMaker, subnets_and_groups
from local_aws.ecs.validation import check_launch, check_network, check_placement, check_strategy, invalid, paged
from local_aws.ecs.views import task_view
from local_aws.interfaces import Api, AwsError, Call, JsonObject


class TasksApi:
    def __init__(self, store: Store, maker: TaskMaker, clock: Clock) -> None:
        self._store = store
        self._maker = maker
        self._clock = clock

    def add_to(self, api: Api) -> None:
        api.on("ecs", "RunTask")(self.run)
        api.on("ecs", "StartTask")(self.start)
        api.on("ecs", "StopTask")(self.stop)
        api.on("ecs", "DescribeTasks")(self.describe)
        api.on("ecs", "ListTasks")(self.list)

    def run(self, call: Call) -> JsonObject:
        params = call.params
        cluster = cluster_of(call)
        check_launch(params)
        count = params.get("count", 1)
        if not 1 <= count <= 10:
            raise invalid("Count should be between 1 and 10.")
        definition = active_definition(call, params["taskDefinition"])
        check_network(call, definition, params.get("networkConfiguration"))
        check_placement(params.get("placementConstraints") or (), params.get("placementStrategy") or ())
        strategy = params.get("capacityProviderStrategy") or ([] if params.get("launchType") else list(cluster.default_strategy))
        check_strategy(call, cluster, strategy)
        tasks: list[Task] = []
        failures: list[JsonObject] = []
        with self._store.lock:
            if not strategy and not any(i.status == "ACTIVE" for i in self._store.cluster_instances(cluster.arn)):
                raise invalid("No Container Instances were found in your cluster.")
            for _ in range(count):
                provider = next_provider(strategy, [task.capacity_provider for task in tasks]) if strategy else None
                task = self._new(call, cluster, definition)
                task.launch_type = None if provider else "EC2"
                task.capacity_provider = provider
                task.constraints = tuple(params.get("placementConstraints") or ())
                task.strategy = tuple(params.get("placementStrategy") or ())
                outcome = self._maker.find_place(task)
                if outcome.host is not None:
                    self._store.tasks[task.arn] = task
                    self._maker.settle(task, self._store.instances[outcome.host.arn])
                elif provider is not None and self._managed(call, provider):
                    self._store.tasks[task.arn] = task
                else:
                    failures = _failures(outcome, provider)
                    break
                tasks.append(task)
            return {"tasks": [task_view(task, tags=True) for task in tasks], "failures": failures}

    def _managed(self, call: Call, name: str) -> bool:
        provider = cloud.capacity_provider(call.account, call.region, name)
        return provider is not None and bool(provider["managed"])

    def start(self, call: Call) -> JsonObject:
        params = call.params
        cluster = cluster_of(call)
        definition = active_definition(call, params["taskDefinition"])
        check_network(call, definition, params.get("networkConfiguration"))
        tasks: list[Task] = []
        with self._store.lock:
            instances, failures = usable_instances(self._store, cluster, params.get("containerInstances") or [])
            for instance in instances:
                task = self._new(call, cluster, definition)
                task.launch_type = "EC2"
                reason = refusal(host_of(self._store, instance, task.group), wish_of(task, self._maker.zones_of(task)))
                if reason is not None:
                    failures.append({"arn": instance.arn, "reason": reason})
                    continue
                self._store.tasks[task.arn] = task
                self._maker.settle(task, instance)
                tasks.append(task)
            return {"tasks": [task_view(task, tags=True) for task in tasks], "failures": failures}

    def _new(self, call: Call, cluster: cloud.Cluster, definition: JsonObject) -> Task:
        params = call.params
        overrides = params.get("overrides") or {}
        subnets, groups = subnets_and_groups(params.get("networkConfiguration"))
        tags = list(params.get("tags") or ())
        if params.get("propagateTags") == "TASK_DEFINITION":
            tags += list(definition.get("tags", ()))
        return self._maker.new(
            f"arn:aws:ecs:{call.region}:{call.account}:task/{cluster.name}/{hex_id()}",
            cluster.name,
            cluster.arn,
            call.account,
            call.region,
            params.get("group") or f"family:{definition['family']}",
            with_overrides(definition, overrides),
            overrides=overrides,
            started_by=params.get("startedBy"),
            subnets=subnets,
            security_groups=groups,
            tags=tags,
            execute_command=params.get("enableExecuteCommand", False),
        )

    def stop(self, call: Call) -> JsonObject:
        cluster = cluster_of(call)
        with self._store.lock:
            task = task_of(self._store, cluster, call.params["task"])
            if task is None:
                raise invalid("The referenced task was not found.")
            self._maker.end(task, "UserInitiated", call.params.get("reason") or texts.STOP_USER)
            return {"task": task_view(task, tags=False)}

    def describe(self, call: Call) -> JsonObject:
        cluster = cluster_of(call)
        tags = "TAGS" in call.params.get("include", ())
        with self._store.lock:
            found, failures = all_of(self._store, call, cluster, "Tasks", call.params.get("tasks") or [], task_of)
            return {"tasks": [task_view(task, tags) for task in found], "failures": failures}

    def list(self, call: Call) -> JsonObject:
        params = call.params
        cluster = cluster_of(call)
        status = params.get("desiredStatus", "RUNNING")
        with self._store.lock:
            wanted_service = service_arn(call, cluster, params["serviceName"]) if params.get("serviceName") else None
            if wanted_service is not None and wanted_service not in self._store.services:
                raise AwsError("ServiceNotFoundException", "Service not found.")
            instance = params.get("containerInstance")
            found = [
                task
                for task in self._store.tasks.values()
                if task.cluster_arn == cluster.arn
                and task.desired_status == status
                and (wanted_service is None or task.service_arn == wanted_service)
                and (params.get("family") is None or task.definition["family"] == params["family"])
                and (params.get("startedBy") is None or task.started_by == params["startedBy"])
                and (params.get("launchType") is None or (task.launch_type or "EC2") == params["launchType"])
                and (instance is None or (task.instance_arn or "").rsplit("/", 1)[-1] == instance.rsplit("/", 1)[-1])
            ]
            found.sort(key=lambda task: task.created, reverse=True)
        return paged(params, [task.arn for task in found], "taskArns", 100)


def _failures(outcome: Outcome, provider: str | None) -> list[JsonObject]:
    """RunTask's failures[]: one per container instance, with its reason."""
    if outcome.refusals:
        return [{"arn": found.arn, "reason": found.reason} for found in outcome.refusals]
    return [{"reason": "EMPTY CAPACITY PROVIDER" if provider else "NO ACTIVE INSTANCES"}]
