"""Tags of services, tasks and container instances; tags of everything else in ECS are moto's."""

from __future__ import annotations

from local_aws.ecs.state import Store
from local_aws.interfaces import Api, AwsError, Call, JsonObject

OURS = (":service/", ":task/", ":container-instance/")


class TagsApi:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add_to(self, api: Api) -> None:
        api.on("ecs", "TagResource")(self.tag)
        api.on("ecs", "UntagResource")(self.untag)
        api.on("ecs", "ListTagsForResource")(self.list_tags)

    def tag(self, call: Call) -> JsonObject:
        tags = self._tags_of(call)
        if tags is None:
            return call.upstream(call.params)
        with self._store.lock:
            given = {item["key"]: item for item in call.params.get("tags") or ()}
            tags[:] = [item for item in tags if item["key"] not in given] + list(given.values())
        return {}

    def untag(self, call: Call) -> JsonObject:
        tags = self._tags_of(call)
        if tags is None:
            return call.upstream(call.params)
        with self._store.lock:
            tags[:] = [item for item in tags if item["key"] not in call.params.get("tagKeys", ())]
        return {}

    def list_tags(self, call: Call) -> JsonObject:
        tags = self._tags_of(call)
        if tags is None:
            return call.upstream(call.params)
        with self._store.lock:
            return {"tags": list(tags)}

    def _tags_of(self, call: Call) -> list[JsonObject] | None:
        """The list that holds the resource's tags; None when moto keeps the resource."""
        arn = call.params["resourceArn"]
        if not any(kind in arn for kind in OURS):
            return None
        with self._store.lock:
            record = self._store.services.get(arn) or self._store.tasks.get(arn) or self._store.instances.get(arn)
            if record is not None:
                return record.tags
        raise AwsError("InvalidParameterException", "The specified resource is not found.")
