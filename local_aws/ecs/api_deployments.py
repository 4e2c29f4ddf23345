"""ListServiceDeployments, DescribeServiceDeployments, DescribeServiceRevisions, Stop- and ContinueServiceDeployment."""

from __future__ import annotations

from local_aws.clock import Clock
from local_aws.ecs import deployments
from local_aws.ecs.lookup import cluster_of, service_of
from local_aws.ecs.state import Service, ServiceDeployment, Store
from local_aws.ecs.validation import invalid, paged, unsupported
from local_aws.ecs.views import revision_view, service_deployment_brief, service_deployment_view
from local_aws.interfaces import Api, AwsError, Call, JsonObject

STOPPABLE = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


class DeploymentsApi:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add_to(self, api: Api) -> None:
        api.on("ecs", "ListServiceDeployments")(self.list)
        api.on("ecs", "DescribeServiceDeployments")(self.describe)
        api.on("ecs", "DescribeServiceRevisions")(self.describe_revisions)
        api.on("ecs", "StopServiceDeployment")(self.stop)
        api.on("ecs", "ContinueServiceDeployment")(self.proceed)

    def list(self, call: Call) -> JsonObject:
        params = call.params
        cluster = cluster_of(call)
        statuses = params.get("status") or []
        after = (params.get("createdAt") or {}).get("after")
        before = (params.get("createdAt") or {}).get("before")
        with self._store.lock:
            service = service_of(self._store, call, cluster, params["service"])
            found = [
                service_deployment_brief(entry)
                for entry in service.history
                if (not statuses or entry.status in statuses)
                and (after is None or entry.created_at >= after)
                and (before is None or entry.created_at <= before)
            ]
        return paged(params, found, "serviceDeployments", 20)

    def describe(self, call: Call) -> JsonObject:
        arns = call.params.get("serviceDeploymentArns") or []
        if not 1 <= len(arns) <= 20:
            raise invalid("serviceDeploymentArns should have between 1 and 20 elements.")
        found: list[JsonObject] = []
        failures: list[JsonObject] = []
        with self._store.lock:
            for arn in arns:
                match = self._find(arn)
                if match is None:
                    failures.append({"arn": arn, "reason": "MISSING"})
                else:
                    found.append(service_deployment_view(self._store, *match))
        return {"serviceDeployments": found, "failures": failures}

    def describe_revisions(self, call: Call) -> JsonObject:
        arns = call.params.get("serviceRevisionArns") or []
        if not 1 <= len(arns) <= 20:
            raise invalid("serviceRevisionArns should have between 1 and 20 elements.")
        with self._store.lock:
            known = [arn for arn in arns if arn in self._store.revisions]
            return {
                "serviceRevisions": [revision_view(self._store.revisions[arn]) for arn in known],
                "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known],
            }

    def stop(self, call: Call) -> JsonObject:
        """ROLLBACK is accepted in every state that is not final; where a rollback goes on already nothing changes (1.6)."""
        arn = call.params["serviceDeploymentArn"]
        if call.params.get("stopType", "ROLLBACK") != "ROLLBACK":
            raise unsupported("local_aws models the stop type ROLLBACK only: AWS does not say what ABORT does.")
        with self._store.lock:
            match = self._find(arn)
            if match is None:
                raise AwsError("ServiceDeploymentNotFoundException", "The service deployment could not be found.")
            service, entry = match
            if entry.status not in STOPPABLE or service.status != "ACTIVE":
                raise AwsError("ConflictException", f"The service deployment cannot be stopped because its status is {entry.status}.")
            superseded = entry.deployment is not service.primary
            if entry.status in ("PENDING", "IN_PROGRESS", "STOP_REQUESTED") and not superseded:
                deployments.move(entry, "ROLLBACK_REQUESTED", self._clock.now())
        return {"serviceDeploymentArn": arn}

    def proceed(self, call: Call) -> JsonObject:
        with self._store.lock:
            if self._find(call.params["serviceDeploymentArn"]) is None:
                raise AwsError("ServiceDeploymentNotFoundException", "The service deployment could not be found.")
        raise invalid(
            "The service deployment has no lifecycle hook that waits for an action: local_aws models rolling updates without hooks."
        )

    def _find(self, arn: str) -> tuple[Service, ServiceDeployment] | None:
        return next(((service, entry) for service, entry in self._store.service_deployments() if entry.arn == arn), None)
