"""What a task is told about itself: the environment variables of the agent, and the documents at the addresses in them."""

from __future__ import annotations

import uuid
from datetime import datetime

from local_aws.agent.metadata import ADDRESS, credentials
from local_aws.clock import Clock
from local_aws.interfaces import JsonObject, TaskOrder


class Identity:
    """Documents hold what local_aws knows; what is not there is left out, as the endpoint itself does."""

    def __init__(self, order: TaskOrder, clock: Clock) -> None:
        self._order = order
        self._clock = clock
        self._definitions = {c["name"]: c for c in order.task_definition["containerDefinitions"]}
        self._endpoints = {name: f"{uuid.uuid4()}-{len(name):010d}" for name in self._definitions}
        self._credentials = str(uuid.uuid4())
        self._started: dict[str, tuple[str, str, datetime]] = {}

    def variables(self, name: str) -> dict[str, str]:
        """The agent's own environment variables for this container."""
        found = {
            "ECS_CONTAINER_METADATA_URI": f"http://{ADDRESS}/v3/{self._endpoints[name]}",
            "ECS_CONTAINER_METADATA_URI_V4": f"http://{ADDRESS}/v4/{self._endpoints[name]}",
        }
        if self._order.task_definition.get("taskRoleArn"):
            found["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = f"/v2/credentials/{self._credentials}"
        return found

    def started(self, name: str, runtime_id: str, digest: str) -> None:
        self._started[name] = (runtime_id, digest, self._clock.now())

    def answer(self, path: str) -> JsonObject | None:
        """The document at a path of the metadata address."""
        if path == f"/v2/credentials/{self._credentials}" and self._order.task_definition.get("taskRoleArn"):
            return credentials(self._order.task_definition["taskRoleArn"])
        for name, endpoint in self._endpoints.items():
            for version in ("v3", "v4"):
                base = f"/{version}/{endpoint}"
                if path == base:
                    return self._container(name)
                if path == f"{base}/task":
                    return self._task()
        return None

    def _container(self, name: str) -> JsonObject:
        definition, task = self._definitions[name], self._order.task_definition
        document: JsonObject = {
            "Name": name,
            "DockerName": f"ecs-{task.get('family', '')}-{task.get('revision', 0)}-{name}",
            "Image": definition.get("image"),
            "Labels": {
                "com.amazonaws.ecs.cluster": self._cluster(),
                "com.amazonaws.ecs.container-name": name,
                "com.amazonaws.ecs.task-arn": self._order.task_arn,
                "com.amazonaws.ecs.task-definition-family": str(task.get("family", "")),
                "com.amazonaws.ecs.task-definition-version": str(task.get("revision", "")),
            },
            "DesiredStatus": "RUNNING",
            "KnownStatus": "RUNNING" if name in self._started else "PULLED",
            "Limits": {key.upper() if key == "cpu" else "Memory": definition[key] for key in ("cpu", "memory") if definition.get(key)},
            "Type": "NORMAL",
            "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": [self._order.address]}],
        }
        logs = definition.get("logConfiguration") or {}
        if logs:
            document |= {"LogDriver": logs.get("logDriver"), "LogOptions": logs.get("options") or {}}
        if name in self._started:
            runtime_id, digest, at = self._started[name]
            when = at.isoformat().replace("+00:00", "Z")
            document |= {"DockerId": runtime_id, "ImageID": digest, "CreatedAt": when, "StartedAt": when}
        return document

    def _cluster(self) -> str:
        return self._order.task_arn.rsplit("/", 2)[-2]

    def _task(self) -> JsonObject:
        task = self._order.task_definition
        return {
            "Cluster": self._cluster(),
            "TaskARN": self._order.task_arn,
            "Family": task.get("family"),
            "Revision": str(task.get("revision", "")),
            "DesiredStatus": "RUNNING",
            "KnownStatus": "RUNNING" if len(self._started) == len(self._definitions) else "PENDING",
            "LaunchType": "EC2",
            "Containers": [self._container(name) for name in self._definitions],
        }
