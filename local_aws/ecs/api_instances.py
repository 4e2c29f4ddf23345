"""Container instances and their attributes: Register-, Deregister-, Describe-, List-, UpdateContainerInstancesState, *Attributes."""

from __future__ import annotations

import json
from typing import Any

from local_aws.clock import Clock
from local_aws.ecs import cloud
from local_aws.ecs.constants import RESERVED_TCP_PORTS
from local_aws.ecs.constraints import ExpressionError, compile_expression
from local_aws.ecs.instances import InstanceBook, standard_attributes
from local_aws.ecs.lookup import all_of, cluster_of, instance_of, usable_instances
from local_aws.ecs.state import Instance, Store, hex_id
from local_aws.ecs.validation import invalid, paged
from local_aws.ecs.views import instance_view, without_none
from local_aws.interfaces import Api, AwsError, Call, JsonObject


class InstancesApi:
    def __init__(self, store: Store, book: InstanceBook, clock: Clock) -> None:
        self._store = store
        self._book = book
        self._clock = clock

    def add_to(self, api: Api) -> None:
        api.on("ecs", "RegisterContainerInstance")(self.register)
        api.on("ecs", "DeregisterContainerInstance")(self.deregister)
        api.on("ecs", "DescribeContainerInstances")(self.describe)
        api.on("ecs", "ListContainerInstances")(self.list)
        api.on("ecs", "UpdateContainerInstancesState")(self.update_state)
        api.on("ecs", "PutAttributes")(self.put_attributes)
        api.on("ecs", "DeleteAttributes")(self.delete_attributes)
        api.on("ecs", "ListAttributes")(self.list_attributes)

    def register(self, call: Call) -> JsonObject:
        """As an agent would: the identity document says which EC2 instance it is, totalResources what it offers."""
        cluster = cluster_of(call)
        document = self._document(call.params)
        ec2_id = str(document["instanceId"])
        instance_type = str(document.get("instanceType", ""))
        facts = cloud.instance_type_facts(call.account, call.region, instance_type) if instance_type else None
        resources = {item["name"]: item for item in call.params.get("totalResources") or ()}
        cpu = resources["CPU"]["integerValue"] if "CPU" in resources else 1024 * facts["VCpuInfo"]["DefaultVCpus"] if facts else None
        memory = resources["MEMORY"]["integerValue"] if "MEMORY" in resources else facts["MemoryInfo"]["SizeInMiB"] if facts else None
        if cpu is None or memory is None:
            raise invalid("totalResources must name CPU and MEMORY for an instance whose type is not known.")
        ports = {int(port) for port in resources.get("PORTS", {}).get("stringSetValue", [])}
        given = {item["name"]: item.get("value") for item in call.params.get("attributes") or ()}
        architecture = str(given.get("ecs.cpu-architecture") or document.get("architecture") or "x86_64")
        attributes = standard_attributes(
            instance_type=instance_type,
            zone=str(document.get("availabilityZone", f"{call.region}a")),
            subnet_id=str(given.get("ecs.subnet-id") or ""),
            vpc_id=str(given.get("ecs.vpc-id") or ""),
            ami_id=str(document.get("imageId", "")),
            architecture=architecture,
            custom={},
        )
        attributes.update(given)
        with self._store.lock:
            arn = call.params.get("containerInstanceArn") or (
                f"arn:aws:ecs:{call.region}:{call.account}:container-instance/{cluster.name}/{hex_id()}"
            )
            instance = Instance(
                arn=arn,
                account=call.account,
                region=call.region,
                cluster=cluster.name,
                cluster_arn=cluster.arn,
                ec2_instance_id=ec2_id,
                zone=str(attributes["ecs.availability-zone"]),
                subnet_id=str(attributes["ecs.subnet-id"]),
                architecture=architecture,
                cpu=int(cpu),
                memory=int(memory),
                tcp_ports=RESERVED_TCP_PORTS | ports,
                udp_ports=frozenset(),
                eni_slots=int(facts["NetworkInfo"]["MaximumNetworkInterfaces"]) - 1 if facts else 0,
                capacity_provider=None,
                attributes=attributes,
                registered_at=self._clock.now(),
                private_address=cloud.instance_address(call.account, call.region, ec2_id),
                tags=list(call.params.get("tags") or ()),
            )
            self._store.instances[arn] = instance
            return {"containerInstance": instance_view(self._store, instance, tags=True)}

    def _document(self, params: JsonObject) -> dict[str, Any]:
        try:
            document = json.loads(params.get("instanceIdentityDocument") or "{}")
        except json.JSONDecodeError as error:
            raise invalid("Invalid identity document.") from error
        # moto's helper for tests writes snake_case keys; EC2's metadata service writes camelCase ones.
        document.setdefault("instanceId", document.get("instance_id"))
        document.setdefault("instanceType", document.get("instance_type") or "")
        if not document["instanceId"]:
            raise invalid("The identity document names no instance.")
        return dict(document)

    def deregister(self, call: Call) -> JsonObject:
        cluster = cluster_of(call)
        with self._store.lock:
            instance = self._known(cluster, call.params["containerInstance"])
            running = [task for task in self._store.tasks_on(instance.arn) if task.live]
            if running and not call.params.get("force"):
                raise invalid("Found running tasks on the instance.")
            self._book.forget(instance)
            return {"containerInstance": instance_view(self._store, instance, tags=True)}

    def _known(self, cluster: cloud.Cluster, reference: str) -> Instance:
        instance = instance_of(self._store, cluster, reference)
        if instance is None:
            raise invalid("Referenced container instance not found.")
        if instance.status == "INACTIVE":
            raise AwsError("ClientException", "Referenced container instance is inactive.")
        return instance

    def describe(self, call: Call) -> JsonObject:
        cluster = cluster_of(call)
        tags = "TAGS" in call.params.get("include", ())
        with self._store.lock:
            references = call.params.get("containerInstances") or []
            found, failures = all_of(self._store, call, cluster, "Container Instances", references, instance_of)
            return {"containerInstances": [instance_view(self._store, instance, tags) for instance in found], "failures": failures}

    def list(self, call: Call) -> JsonObject:
        cluster = cluster_of(call)
        status = call.params.get("status")
        expression = call.params.get("filter")
        try:
            test = compile_expression(expression) if expression else None
        except ExpressionError as error:
            raise invalid(f"Invalid filter: {error}") from error
        with self._store.lock:
            arns = [
                instance.arn
                for instance in self._store.instances.values()
                if instance.cluster_arn == cluster.arn
                and (instance.status == status if status else instance.status != "INACTIVE")
                and (test is None or test(_subjects(instance)))
            ]
        return paged(call.params, arns, "containerInstanceArns", 100)

    def update_state(self, call: Call) -> JsonObject:
        cluster = cluster_of(call)
        status = call.params["status"]
        if status not in ("ACTIVE", "DRAINING"):
            raise invalid("Container instance status should be one of [ACTIVE,DRAINING]")
        with self._store.lock:
            found, failures = usable_instances(self._store, cluster, call.params.get("containerInstances") or [])
            for instance in found:
                instance.status = status
                instance.version += 1
            return {"containerInstances": [instance_view(self._store, instance, tags=False) for instance in found], "failures": failures}

    def put_attributes(self, call: Call) -> JsonObject:
        cluster = cluster_of(call)
        attributes = call.params.get("attributes") or []
        with self._store.lock:
            for attribute in attributes:
                self._target(cluster, attribute).attributes[attribute["name"]] = attribute.get("value")
        return {"attributes": attributes}

    def delete_attributes(self, call: Call) -> JsonObject:
        cluster = cluster_of(call)
        attributes = call.params.get("attributes") or []
        with self._store.lock:
            for attribute in attributes:
                self._target(cluster, attribute).attributes.pop(attribute["name"], None)
        return {"attributes": attributes}

    def _target(self, cluster: cloud.Cluster, attribute: JsonObject) -> Instance:
        reference = attribute.get("targetId")
        instance = instance_of(self._store, cluster, reference) if reference else None
        if instance is None:
            raise AwsError("TargetNotFoundException", f"Could not find {reference}")
        return instance

    def list_attributes(self, call: Call) -> JsonObject:
        cluster = cluster_of(call)
        name, value = call.params.get("attributeName"), call.params.get("attributeValue")
        with self._store.lock:
            found = [
                without_none({"name": key, "value": kept, "targetType": "container-instance", "targetId": instance.arn})
                for instance in self._store.cluster_instances(cluster.arn)
                for key, kept in sorted(instance.attributes.items())
                if (name is None or key == name) and (value is None or kept == value)
            ]
        return paged(call.params, found, "attributes", 100)


def _subjects(instance: Instance) -> dict[str, str | None]:
    """What a filter may speak of: the attributes and a few facts about the instance."""
    return {
        **instance.attributes,
        "agentConnected": str(instance.agent_connected).lower(),
        "ec2InstanceId": instance.ec2_instance_id,
        "status": instance.status,
        "capacityProviderName": instance.capacity_provider or "",
    }
