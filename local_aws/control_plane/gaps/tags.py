"""Tags: AWS's names of what they are on, and an empty list where there are none."""

from __future__ import annotations

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import Call, JsonObject

RESOURCE_TYPES = {
    "dedicated_host": "dedicated-host",
    "flow-logs": "vpc-flow-log",
    "managed-prefix-list": "prefix-list",
    "nat-gateway": "natgateway",
    "reserved-instance": "reserved-instances",
    "spot-instance-request": "spot-instances-request",
    "vpc-elastic-ip": "elastic-ip",
}
"""moto's name of a taggable kind of thing, and the one that EC2's TagSpecification and DescribeTags have."""


def install(api: AwsApi) -> None:
    @api.on("ec2", "DescribeTags")
    def describe_tags(call: Call) -> JsonObject:
        """Tags with AWS's names of what they are on, which filters go by too."""
        motos = {aws: moto for moto, aws in RESOURCE_TYPES.items()}
        filters = [
            {**each, "Values": [motos.get(value, value) for value in each.get("Values", [])]}
            if each.get("Name") == "resource-type"
            else each
            for each in call.params.get("Filters", [])
        ]
        answer = call.upstream({**call.params, "Filters": filters} if filters else call.params)
        for tag in answer.get("Tags", []):
            tag["ResourceType"] = RESOURCE_TYPES.get(tag["ResourceType"], tag["ResourceType"])
        return answer

    @api.on("ecs", "ListTagsForResource")
    def list_tags(call: Call) -> JsonObject:
        """moto leaves the member out where there are no tags; AWS answers an empty list."""
        answer = call.upstream(call.params)
        return {**answer, "tags": answer.get("tags") or []}
