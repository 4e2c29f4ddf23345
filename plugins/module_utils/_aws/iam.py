# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Identity and Access Management: one function per API call, plain data out."""

from __future__ import annotations

import json
import typing as t
import urllib.parse

from .failures import error_code

_MISSING = ("NoSuchEntity", "NoSuchEntityException")
_EXISTS = "EntityAlreadyExists"


def trust_policy(client: t.Any, role_arn: str) -> dict[str, t.Any] | None:
    """The trust policy of a role, or None when there is no such role."""
    role = get_role(client, role_arn.rsplit("/", 1)[-1])
    return None if role is None else dict(role["AssumeRolePolicyDocument"])


def simulate(client: t.Any, role_arn: str, action: str, resource: str) -> str:
    """iam:SimulatePrincipalPolicy for one action: V(allowed), V(implicitDeny) or V(explicitDeny)."""
    answer = client.simulate_principal_policy(PolicySourceArn=role_arn, ActionNames=[action], ResourceArns=[resource])
    return str(answer["EvaluationResults"][0]["EvalDecision"])


def get_role(client: t.Any, name: str) -> dict[str, t.Any] | None:
    """iam:GetRole: the role with its trust policy as a document, its tags and its boundary, or None when there is none."""
    found = _found(lambda: client.get_role(RoleName=name))
    if found is None:
        return None
    role = dict(found["Role"])
    role["AssumeRolePolicyDocument"] = _document(role.get("AssumeRolePolicyDocument") or {})
    return role


def create_role(client: t.Any, request: dict[str, t.Any]) -> None:
    client.create_role(**request)


def update_trust(client: t.Any, name: str, document: str) -> None:
    client.update_assume_role_policy(RoleName=name, PolicyDocument=document)


def update_role(client: t.Any, name: str, **settings: t.Any) -> None:
    client.update_role(RoleName=name, **settings)


def put_boundary(client: t.Any, name: str, arn: str) -> None:
    client.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=arn)


def delete_boundary(client: t.Any, name: str) -> None:
    client.delete_role_permissions_boundary(RoleName=name)


def tag_role(client: t.Any, name: str, tags: list[dict[str, str]]) -> None:
    client.tag_role(RoleName=name, Tags=tags)


def attached_policies(client: t.Any, name: str) -> list[str]:
    """iam:ListAttachedRolePolicies: ARNs."""
    pages = client.get_paginator("list_attached_role_policies").paginate(RoleName=name)
    return [str(policy["PolicyArn"]) for page in pages for policy in page["AttachedPolicies"]]


def attach_policy(client: t.Any, name: str, arn: str) -> None:
    client.attach_role_policy(RoleName=name, PolicyArn=arn)


def detach_policy(client: t.Any, name: str, arn: str) -> None:
    client.detach_role_policy(RoleName=name, PolicyArn=arn)


def inline_policy_names(client: t.Any, name: str) -> list[str]:
    pages = client.get_paginator("list_role_policies").paginate(RoleName=name)
    return [str(policy) for page in pages for policy in page["PolicyNames"]]


def inline_policy(client: t.Any, name: str, policy: str) -> dict[str, t.Any]:
    return _document(client.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])


def put_inline_policy(client: t.Any, name: str, policy: str, document: str) -> None:
    client.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)


def delete_inline_policy(client: t.Any, name: str, policy: str) -> None:
    client.delete_role_policy(RoleName=name, PolicyName=policy)


def get_instance_profile(client: t.Any, name: str) -> dict[str, t.Any] | None:
    """iam:GetInstanceProfile, or None when there is none of this name."""
    found = _found(lambda: client.get_instance_profile(InstanceProfileName=name))
    return dict(found["InstanceProfile"]) if found else None


def create_instance_profile(client: t.Any, name: str, tags: list[dict[str, str]]) -> str:
    """The new profile's ARN."""
    return str(client.create_instance_profile(InstanceProfileName=name, Tags=tags)["InstanceProfile"]["Arn"])


def add_role_to_instance_profile(client: t.Any, name: str, role: str) -> None:
    client.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)


def get_oidc_provider(client: t.Any, arn: str) -> dict[str, t.Any] | None:
    """iam:GetOpenIDConnectProvider, or None when there is none."""
    found = _found(lambda: client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn))
    return dict(found) if found else None


def create_oidc_provider(client: t.Any, request: dict[str, t.Any]) -> bool:
    """False when somebody else has made it meanwhile."""
    try:
        client.create_open_id_connect_provider(**request)
    except Exception as error:
        if error_code(error).startswith(_EXISTS):
            return False
        raise
    return True


def add_audience(client: t.Any, arn: str, audience: str) -> None:
    client.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=audience)


def remove_audience(client: t.Any, arn: str, audience: str) -> None:
    client.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=audience)


def update_thumbprints(client: t.Any, arn: str, thumbprints: list[str]) -> None:
    client.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=thumbprints)


def tag_oidc_provider(client: t.Any, arn: str, tags: list[dict[str, str]]) -> None:
    client.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=tags)


def delete_oidc_provider(client: t.Any, arn: str) -> None:
    client.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def _found(call: t.Callable[[], t.Any]) -> t.Any:
    try:
        return call()
    except Exception as error:
        if error_code(error) in _MISSING:
            return None
        raise


def _document(document: t.Any) -> dict[str, t.Any]:
    """A policy as IAM returns it: JSON, percent-encoded where botocore has not decoded it."""
    return dict(json.loads(urllib.parse.unquote(document)) if isinstance(document, str) else document)
