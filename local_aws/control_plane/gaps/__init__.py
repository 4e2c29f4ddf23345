"""Where moto differs from AWS in what a deployment meets: one file for each difference, each answering in front of moto."""

from __future__ import annotations

from local_aws.control_plane.api import AwsApi
from local_aws.control_plane.gaps import (
    account_settings,
    auto_scaling,
    capacity_providers,
    certificates,
    clusters,
    group_metrics_and_tags,
    launch_templates,
    listener_certificates,
    load_balancer_attributes,
    oidc_audiences,
    public_parameters,
    scalable_targets,
    subnets,
    tags,
    web_acls,
)
from local_aws.control_plane.shortage import Shortage


def close_gaps(api: AwsApi, shortage: Shortage) -> None:
    """Put every correction in. Rooms that know still better put theirs in front later."""
    for gap in (
        account_settings,
        capacity_providers,
        certificates,
        clusters,
        group_metrics_and_tags,
        launch_templates,
        listener_certificates,
        load_balancer_attributes,
        oidc_audiences,
        public_parameters,
        scalable_targets,
        subnets,
        tags,
        web_acls,
    ):
        gap.install(api)
    auto_scaling.install(api, shortage)
