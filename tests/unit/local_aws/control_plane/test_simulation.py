"""iam:SimulatePrincipalPolicy, as it is asked over the API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.backends import get_backend

from local_aws.control_plane import simulation
from local_aws.control_plane.moto_in_process import Moto
from local_aws.control_plane.permissions import RolePermissions
from local_aws.interfaces import AwsError, Call, JsonObject

ROLE = "arn:aws:iam::123456789012:role/teams/reader"
OPEN = "arn:aws:ssm:eu-west-1:123456789012:parameter/open"
FORBIDDEN = "arn:aws:ssm:eu-west-1:123456789012:parameter/forbidden"


class OneHandler:
    """An Api that keeps the one handler that is put into it."""

    def __init__(self, moto: Moto) -> None:
        self.moto = moto
        self.handler: Callable[[Call], JsonObject] | None = None

    def on(self, service: str, *actions: str) -> Callable[[Any], Any]:
        assert (service, actions) == ("iam", ("SimulatePrincipalPolicy",))

        def keep(handler: Any) -> Any:
            self.handler = handler
            return handler

        return keep


@pytest.fixture
def simulate() -> Iterator[Callable[..., list[JsonObject]]]:
    moto = Moto()
    api = OneHandler(moto)
    simulation.install(api, RolePermissions(moto))  # type: ignore[arg-type]  # all of AwsApi that it needs
    iam = get_backend("iam")["123456789012"]["aws"]
    iam.create_role("reader", "{}", "/teams/", None, None, [], 3600)
    statements = [
        {"Effect": "Allow", "Action": "ssm:Get*", "Resource": "*"},
        {"Effect": "Deny", "Action": "ssm:*", "Resource": "arn:aws:ssm:*:*:parameter/forbidden"},
    ]
    iam.put_role_policy("reader", "p", json.dumps({"Version": "2012-10-17", "Statement": statements}))

    def ask(**params: Any) -> list[JsonObject]:
        assert api.handler is not None
        call = Call("iam", "SimulatePrincipalPolicy", "123456789012", "us-east-1", "key", params, lambda _params: {})
        answer = api.handler(call)
        assert answer["IsTruncated"] is False
        results: list[JsonObject] = answer["EvaluationResults"]
        return results

    yield ask
    moto.reset()


def test_every_action_on_every_resource(simulate: Callable[..., list[JsonObject]]) -> None:
    results = simulate(PolicySourceArn=ROLE, ActionNames=["ssm:GetParameters", "ssm:PutParameter"], ResourceArns=[OPEN, FORBIDDEN])
    assert [(item["EvalActionName"], item["EvalResourceName"], item["EvalDecision"]) for item in results] == [
        ("ssm:GetParameters", OPEN, "allowed"),
        ("ssm:GetParameters", FORBIDDEN, "explicitDeny"),
        ("ssm:PutParameter", OPEN, "implicitDeny"),
        ("ssm:PutParameter", FORBIDDEN, "explicitDeny"),
    ]


def test_without_a_resource_it_is_asked_of_all(simulate: Callable[..., list[JsonObject]]) -> None:
    assert simulate(PolicySourceArn=ROLE, ActionNames=["ssm:GetParameters"])[0]["EvalResourceName"] == "*"


@pytest.mark.parametrize(("arn", "code"), [(ROLE + "x", "NoSuchEntity"), ("arn:aws:iam::123456789012:user/u", "InvalidInput")])
def test_who_is_not_there_is_refused(simulate: Callable[..., list[JsonObject]], arn: str, code: str) -> None:
    with pytest.raises(AwsError) as raised:
        simulate(PolicySourceArn=arn, ActionNames=["ssm:GetParameters"])
    assert raised.value.code == code
