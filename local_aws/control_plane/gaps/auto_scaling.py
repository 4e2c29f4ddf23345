"""Auto Scaling groups: instances spread over the group's subnets, and the launch template's instance profile is theirs.

moto starts every instance in the first subnet and without the profile.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from local_aws.control_plane.api import AwsApi


def install(api: AwsApi) -> None:
    """Replaces one method of moto's group: behind the launches of a group there is no API call that an interception could take."""
    api.moto.when_loaded(_replace)


def _replace() -> None:
    # moto's package takes a second to import, so this waits until it is needed.
    from moto.autoscaling.models import FakeAutoScalingGroup

    of_moto = FakeAutoScalingGroup.replace_autoscaling_group_instances
    if of_moto.__module__ == __name__:
        return

    def launch(group: Any, count_needed: int, propagated_tags: dict[str, str]) -> None:
        subnets = group.vpc_zone_identifier.split(",") if group.vpc_zone_identifier else []
        before = {state.instance.id for state in group.instance_states}
        for _ in range(count_needed):
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

    setattr(FakeAutoScalingGroup, of_moto.__name__, launch)


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
