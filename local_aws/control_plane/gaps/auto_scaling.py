"""Auto Scaling groups: instances spread over the group's subnets, with the launch template's profile, and only while there are any.

moto starts every instance in the first subnet, without the profile, and never runs short. Of each instance it shows the template's
default version in place of the one that made it, and it forgets changes of capacity rebalancing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from moto.backends import get_backend

from local_aws.control_plane.api import AwsApi
from local_aws.control_plane.shortage import MESSAGE, Shortage
from local_aws.interfaces import AwsError, Call, JsonObject

_VERSION_MEMBER = "made_by_version"
"""Member of moto's `InstanceState` that keeps the number of the template version that the instance was made of."""
_TEMPLATE_MEMBER = "launch_template"


def install(api: AwsApi, shortage: Shortage) -> None:
    """Replaces one method of moto's group: behind the launches of a group there is no API call that an interception could take."""
    api.moto.when_loaded(lambda: _replace(shortage))

    @api.on("ec2", "RunInstances")
    def run_instances(call: Call) -> JsonObject:
        instance_type = str(call.params.get("InstanceType", ""))
        with api.moto.lock:
            left = shortage.left(instance_type)
            if left is not None and left < int(call.params["MinCount"]):
                zone = call.params.get("Placement", {}).get("AvailabilityZone", f"{call.region}a")
                raise AwsError("InsufficientInstanceCapacity", MESSAGE.format(type=instance_type, zone=zone), 500)
            most = int(call.params["MaxCount"])
            return call.upstream({**call.params, "MaxCount": most if left is None else min(most, left)})

    @api.on("autoscaling", "UpdateAutoScalingGroup")
    def update_group(call: Call) -> JsonObject:
        with api.moto.lock:
            output = call.upstream(call.params)
            if "CapacityRebalance" in call.params:
                groups = get_backend("autoscaling")[call.account][call.region].autoscaling_groups
                groups[call.params["AutoScalingGroupName"]].capacity_rebalance = call.params["CapacityRebalance"]
            return output


def _replace(shortage: Shortage) -> None:
    # moto's package takes a second to import, so this waits until it is needed.
    from moto.autoscaling.models import FakeAutoScalingGroup, InstanceState

    current = FakeAutoScalingGroup.replace_autoscaling_group_instances
    of_moto = getattr(current, "of_moto", current)

    def launch(group: Any, count_needed: int, propagated_tags: dict[str, str]) -> None:
        subnets = group.vpc_zone_identifier.split(",") if group.vpc_zone_identifier else []
        before = {state.instance.id for state in group.instance_states}
        for _ in range(count_needed):
            if shortage.left(group.instance_type) == 0:
                break
            used = Counter(state.instance.subnet_id for state in group.instance_states)
            listed = group.vpc_zone_identifier
            if subnets:
                group.vpc_zone_identifier = min(subnets, key=lambda subnet: used[subnet])
            try:
                of_moto(group, 1, dict(propagated_tags))
            finally:
                group.vpc_zone_identifier = listed
        for state in group.instance_states:
            if state.instance.id not in before:
                _give_profile(group, state.instance)
                if group.ec2_launch_template is not None:
                    setattr(state, _VERSION_MEMBER, group.ec2_launch_template.get_version(group.launch_template_version).number)

    launch.of_moto = of_moto  # type: ignore[attr-defined]  # so that a second World in one process replaces moto's, not ours
    setattr(FakeAutoScalingGroup, of_moto.__name__, launch)
    setattr(InstanceState, _TEMPLATE_MEMBER, property(_template_of))


def _template_of(state: Any) -> JsonObject | None:
    group = state.auto_scaling_group
    if group is None or group.ec2_launch_template is None:
        return None
    template = group.ec2_launch_template
    version = getattr(state, _VERSION_MEMBER, None) or template.default_version_number
    return {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "Version": str(version)}


def _give_profile(group: Any, instance: Any) -> None:
    if group.ec2_launch_template is None or instance.iam_instance_profile:
        return
    profile = group.ec2_launch_template.get_version(group.launch_template_version).data.get("IamInstanceProfile")
    if not profile:
        return
    from moto.iam.exceptions import NotFoundException

    backend = group.autoscaling_backend.ec2_backend
    try:
        backend.associate_iam_instance_profile(instance.id, profile.get("Name"), profile.get("Arn"))
    except NotFoundException:
        # A template may name a profile that does not exist yet; moto launches the instance all the same.
        return
