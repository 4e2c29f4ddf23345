# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Identity and Access Management: one function per API call, plain data out."""

from __future__ import annotations

import json
import typing as t
import urllib.parse

from .failures import error_code


def trust_policy(client: t.Any, role_arn: str) -> dict[str, t.Any] | None:
    """The trust policy of a role, or None when there is no such role."""
    try:
        document = client.get_role(RoleName=role_arn.rsplit("/", 1)[-1])["Role"].get("AssumeRolePolicyDocument") or {}
    except Exception as error:
        if error_code(error) in ("NoSuchEntity", "NoSuchEntityException"):
            return None
        raise
    return dict(json.loads(urllib.parse.unquote(document)) if isinstance(document, str) else document)


def simulate(client: t.Any, role_arn: str, action: str, resource: str) -> str:
    """iam:SimulatePrincipalPolicy for one action: V(allowed), V(implicitDeny) or V(explicitDeny)."""
    answer = client.simulate_principal_policy(PolicySourceArn=role_arn, ActionNames=[action], ResourceArns=[resource])
    return str(answer["EvaluationResults"][0]["EvalDecision"])
