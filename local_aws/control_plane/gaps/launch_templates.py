"""DescribeLaunchTemplateVersions: what a template launches, and nothing else."""

from __future__ import annotations

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import Call, JsonObject


def install(api: AwsApi) -> None:
    @api.on("ec2", "DescribeLaunchTemplateVersions")
    def describe_launch_template_versions(call: Call) -> JsonObject:
        """The tags of the template itself are no part of what it launches, where moto shows them."""
        answer = call.upstream(call.params)
        for version in answer.get("LaunchTemplateVersions", []):
            data = version.get("LaunchTemplateData", {})
            tags = [each for each in data.pop("TagSpecifications", []) if each.get("ResourceType") != "launch-template"]
            if tags:
                data["TagSpecifications"] = tags
        return answer
