"""IAM's evaluation of a role's policies, and the sentence it ends in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.backends import get_backend

from local_aws.control_plane.moto_in_process import Moto
from local_aws.control_plane.permissions import Decision, RolePermissions, decide

IMAGE = "arn:aws:ecr:eu-west-1:123456789012:repository/api"
ROLE = "arn:aws:iam::123456789012:role/teams/pull"


def policy(effect: str, **statement: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": {"Effect": effect, **statement}}


ALLOW_PULL = policy("Allow", Action=["ecr:BatchGetImage", "ecr:Get*"], Resource="arn:aws:ecr:*:123456789012:repository/*")


@pytest.mark.parametrize(
    ("policies", "action", "resource", "expected"),
    [
        ([], "ecr:BatchGetImage", IMAGE, Decision.SILENT),
        ([ALLOW_PULL], "ecr:BatchGetImage", IMAGE, Decision.ALLOWED),
        ([ALLOW_PULL], "ecr:batchgetimage", IMAGE, Decision.ALLOWED),
        ([ALLOW_PULL], "ecr:PutImage", IMAGE, Decision.SILENT),
        ([ALLOW_PULL], "ecr:BatchGetImage", IMAGE.replace("123456789012", "999999999999"), Decision.SILENT),
        ([ALLOW_PULL, policy("Deny", Action="ecr:*", Resource="*")], "ecr:BatchGetImage", IMAGE, Decision.DENIED),
        ([policy("Deny", Action="ecr:*", Resource="*"), ALLOW_PULL], "ecr:BatchGetImage", IMAGE, Decision.DENIED),
        ([policy("Allow", NotAction="iam:*", Resource="*")], "ecr:BatchGetImage", IMAGE, Decision.ALLOWED),
        ([policy("Allow", NotAction="iam:*", Resource="*")], "iam:PassRole", "*", Decision.SILENT),
        ([policy("Allow", Action="ecr:*", NotResource="*/api")], "ecr:BatchGetImage", IMAGE, Decision.SILENT),
        ([policy("Allow", Action="ecr:BatchGetImag?", Resource="*")], "ecr:BatchGetImage", IMAGE, Decision.ALLOWED),
        ([policy("Allow", Action="*", Resource="*", Condition={"StringEquals": {"aws:x": "1"}})], "a:B", "*", Decision.SILENT),
        ([policy("Allow", Action="*", Resource="*", Condition={"StringNotEquals": {"aws:x": "1"}})], "a:B", "*", Decision.ALLOWED),
        ([policy("Allow", Action="*", Resource="*", Condition={"StringLike": {"aws:PrincipalArn": "*/p*"}})], "a:B", "*", Decision.ALLOWED),
        (
            [policy("Deny", Action="*", Resource="*", Condition={"StringEquals": {"aws:x": "1"}}), ALLOW_PULL],
            "ecr:BatchGetImage",
            IMAGE,
            Decision.ALLOWED,
        ),
    ],
)
def test_evaluation(policies: list[dict[str, Any]], action: str, resource: str, expected: Decision) -> None:
    assert decide(policies, action, resource, {"aws:principalarn": "arn:aws:iam::123456789012:role/pull"}) is expected


@pytest.fixture
def moto() -> Any:
    moto = Moto()
    yield moto
    moto.reset()


def make_role(*documents: dict[str, Any]) -> None:
    iam = get_backend("iam")["123456789012"]["aws"]
    iam.create_role("pull", "{}", "/teams/", None, None, [], 3600)
    for number, document in enumerate(documents):
        iam.put_role_policy("pull", f"p{number}", json.dumps(document))


def test_a_role_without_the_permission_gets_the_sentence_of_aws(moto: Moto) -> None:
    make_role()
    assert RolePermissions(moto).denial(ROLE, "ecr:BatchGetImage", IMAGE) == (
        "User: arn:aws:sts::123456789012:assumed-role/pull/local-aws is not authorized to perform: ecr:BatchGetImage "
        f"on resource: {IMAGE} because no identity-based policy allows the ecr:BatchGetImage action"
    )


def test_the_session_of_an_assumed_role_is_named(moto: Moto) -> None:
    make_role()
    said = RolePermissions(moto).denial("arn:aws:sts::123456789012:assumed-role/pull/i-0abc", "ecr:BatchGetImage", IMAGE)
    assert said is not None
    assert said.startswith("User: arn:aws:sts::123456789012:assumed-role/pull/i-0abc is not authorized")


def test_inline_and_attached_policies_both_count_and_a_deny_wins(moto: Moto) -> None:
    make_role(ALLOW_PULL)
    permissions = RolePermissions(moto)
    assert permissions.denial(ROLE, "ecr:BatchGetImage", IMAGE) is None
    iam = get_backend("iam")["123456789012"]["aws"]
    iam.attach_role_policy("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy", "pull")
    assert permissions.denial(ROLE, "logs:PutLogEvents", "arn:aws:logs:eu-west-1:123456789012:log-group:x") is None
    iam.put_role_policy("pull", "taken-away", json.dumps(policy("Deny", Action="logs:*", Resource="*")))
    said = permissions.denial(ROLE, "logs:PutLogEvents", "arn:aws:logs:eu-west-1:123456789012:log-group:x")
    assert said is not None
    assert said.endswith("with an explicit deny in an identity-based policy")


def test_a_role_that_does_not_exist_may_do_nothing(moto: Moto) -> None:
    assert RolePermissions(moto).denial(ROLE, "ecr:BatchGetImage", IMAGE) is not None
