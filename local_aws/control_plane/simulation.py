"""iam:SimulatePrincipalPolicy for roles, which moto lacks: the same decision that the agent's calls meet, asked for beforehand."""

from __future__ import annotations

import re

from moto.backends import get_backend
from moto.iam.exceptions import NotFoundException

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import AwsError, Call, JsonObject, Permissions


def install(api: AwsApi, permissions: Permissions) -> None:
    @api.on("iam", "SimulatePrincipalPolicy")
    def simulate(call: Call) -> JsonObject:
        """Every action on every resource. Context keys, resource policies and policies given with the call are not weighed."""
        arn = str(call.params["PolicySourceArn"])
        found = re.fullmatch(r"arn:([\w-]+):iam::(\d{12}):role/(?:.*/)?([\w+=,.@-]+)", arn)
        if found is None:
            raise AwsError("InvalidInput", f"local_aws simulates the policies of roles only; {arn} is not the ARN of a role.")
        partition, account, name = found.groups()
        with api.moto.lock:
            try:
                get_backend("iam")[account][partition].get_role(name)
            except NotFoundException as error:
                raise AwsError("NoSuchEntity", f"Role {arn} does not exist.", 404) from error
        results = [
            _result(action, resource, permissions.denial(arn, action, resource))
            for action in call.params["ActionNames"]
            for resource in call.params.get("ResourceArns") or ["*"]
        ]
        return {"EvaluationResults": results, "IsTruncated": False}


def _result(action: str, resource: str, denial: str | None) -> JsonObject:
    decision = "allowed" if denial is None else "explicitDeny" if "with an explicit deny" in denial else "implicitDeny"
    return {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision,
        "MatchedStatements": [],
        "MissingContextValues": [],
    }
