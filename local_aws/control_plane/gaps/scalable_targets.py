"""Application Auto Scaling: a service can be scaled when ECS knows it.

moto looks among its own services, of which there are none: services are the ECS room's.
"""

from __future__ import annotations

from typing import Any

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import AwsError, Call, JsonObject


def install(api: AwsApi) -> None:
    @api.on("application-autoscaling", "RegisterScalableTarget")
    def register_scalable_target(call: Call) -> JsonObject:
        if call.params.get("ServiceNamespace") == "ecs":
            _leave_services_to_ecs()
            resource = str(call.params["ResourceId"])
            _, cluster, service = (*resource.split("/"), "", "")[:3]
            try:
                found = api.ask("ecs", "DescribeServices", {"cluster": cluster, "services": [service]}, call.account, call.region)
            except AwsError:
                # No cluster, or no names in the resource ID: no service either.
                found = {}
            if not any(each["status"] != "INACTIVE" for each in found.get("services", [])):
                raise AwsError("ValidationException", f"ECS service doesn't exist: {resource}")
        return call.upstream(call.params)


def _leave_services_to_ecs() -> None:
    # moto's package takes a moment to import, so this waits until it is needed.
    from moto.applicationautoscaling.models import ApplicationAutoscalingBackend

    def exists(backend: Any, resource_id: str) -> bool:
        return True

    setattr(ApplicationAutoscalingBackend, "_ecs_service_exists_for_target", exists)  # noqa: B010  # mypy refuses assigning to a method
