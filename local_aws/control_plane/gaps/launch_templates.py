"""Launch templates: a version shows what it launches, and nothing else; a new version can launch, and inherits from its source."""

from __future__ import annotations

from moto.backends import get_backend

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

    @api.on("ec2", "CreateLaunchTemplateVersion")
    def create_version(call: Call) -> JsonObject:
        """moto keeps the user data of a new version in a form from which its own groups cannot launch, and ignores the source version."""
        # moto's EC2 takes a second to import, so this waits until it is needed.
        from moto.ec2.utils import parse_user_data

        with api.moto.lock:
            backend = get_backend("ec2")[call.account][call.region]
            name = call.params.get("LaunchTemplateName")
            template = backend.get_launch_template_by_name(name) if name else backend.get_launch_template(call.params["LaunchTemplateId"])
            source = call.params.get("SourceVersion")
            inherited = dict(template.get_version(source).data) if source else {}
            answer = call.upstream({**call.params, "LaunchTemplateData": {**inherited, **call.params["LaunchTemplateData"]}})
            data = template.versions[-1].data
            if data.get("UserData"):
                data["UserData"] = parse_user_data(data["UserData"])
            return answer
