"""Which permissions AWS asks for, given the calls that local_aws has recorded. Pure.

A call needs the permission of its own name, and may need others: those of what is passed or tagged with it. The rules are those of AWS's
Service Authorization Reference ("dependent actions") and of the pages named beside them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.control_plane.permissions import Decision, decide

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"

Call = dict[str, Any]
"""A call as /_local/calls has it: service, action, params, status, …"""

PREFIXES = {
    "elbv2": "elasticloadbalancing",
    "applicationautoscaling": "application-autoscaling",
    "stepfunctions": "states",
}
"""IAM's name of a service where local_aws has another."""

RESTART = {
    "ecs:DescribeServiceDeployments",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeTasks",
    "ecs:ListServices",
    "ecs:ListTasks",
    "ecs:UpdateService",
    "elasticloadbalancing:DescribeTargetHealth",
}
"""What the restart of services with an old secret needs. None runs where provisioning starts from nothing: a test of its own holds this
against the calls."""

FREE = {"sts:GetCallerIdentity"}
"""Calls that need no permission."""

_TAGGING = {
    "acm": "AddTagsToCertificate",
    "autoscaling": "CreateOrUpdateTags",
    "ec2": "CreateTags",
    "elasticloadbalancing": "AddTags",
    "ssm": "AddTagsToResource",
}
"""What tagging in a call that creates something needs; TagResource with every other service."""
_TAGGING_IN_IAM = {
    "CreateRole": "TagRole",
    "CreateInstanceProfile": "TagInstanceProfile",
    "CreateOpenIDConnectProvider": "TagOpenIDConnectProvider",
    "CreatePolicy": "TagPolicy",
}
_TAGS = ("Tags", "tags", "TagSpecifications")

_LINKED = {
    "ecs:CreateCluster",
    "elasticloadbalancing:CreateLoadBalancer",
    "autoscaling:CreateAutoScalingGroup",
    "application-autoscaling:RegisterScalableTarget",
}
"""The first of these in an account has AWS make the service-linked role (each guide's page using-service-linked-roles)."""

_PASSING: dict[str, Callable[[Call], bool]] = {
    "ecs:RegisterTaskDefinition": lambda params: bool(params.get("executionRoleArn") or params.get("taskRoleArn")),
    "ecs:RunTask": lambda params: True,
    "iam:AddRoleToInstanceProfile": lambda params: True,
    "ec2:CreateFlowLogs": lambda params: bool(params.get("DeliverLogsPermissionArn")),
}
"""Calls with which a role is passed to a service."""


_BESIDES = {
    "wafv2:AssociateWebACL": ("elasticloadbalancing:CreateWebACLAssociation", "elasticloadbalancing:SetWebAcl"),
    "wafv2:DisassociateWebACL": ("elasticloadbalancing:DeleteWebACLAssociation", "elasticloadbalancing:SetWebAcl"),
    "wafv2:GetWebACLForResource": ("elasticloadbalancing:GetLoadBalancerWebACL",),
    "wafv2:ListResourcesForWebACL": ("elasticloadbalancing:DescribeWebACLAssociation",),
}
"""What a call does in another service, with the caller's permissions for it (Service Authorization Reference, "API operations defined by
AWS WAF V2", for load balancers)."""


@dataclass(frozen=True, order=True)
class Needed:
    action: str
    """As in a policy: `ecs:UpdateService`."""
    because: str = ""
    """The call that needs it besides its own, empty for its own."""


def needed(calls: Iterable[Call]) -> set[Needed]:
    """Every permission that the calls need. A call that nobody could have answered is a fault of the record, and raises ValueError."""
    found: set[Needed] = set()
    for call in calls:
        if not call["action"]:
            raise ValueError(f"a call of no action was recorded: {call}")
        own, params = action(call), call["params"]
        if own in FREE:
            continue
        found.add(Needed(own))
        service, _, name = own.partition(":")
        tagging = f"{service}:{_TAGGING_IN_IAM.get(name) if service == 'iam' else _TAGGING.get(service, 'TagResource')}"
        if any(params.get(member) for member in _TAGS) and not name.startswith(("Tag", "AddTags", "CreateTags", "CreateOrUpdateTags")):
            found.add(Needed(tagging, own))
        if own in _PASSING and _PASSING[own](params):
            found.add(Needed("iam:PassRole", own))
        found |= {Needed(besides, own) for besides in _BESIDES.get(own, ())}
        if own in _LINKED:
            found.add(Needed("iam:CreateServiceLinkedRole", own))
        if own in ("autoscaling:CreateAutoScalingGroup", "autoscaling:UpdateAutoScalingGroup"):
            # What launching by hand would need (Auto Scaling guide, ec2-auto-scaling-launch-template-permissions).
            found |= {Needed("ec2:RunInstances", own), Needed("iam:PassRole", own)}
    return found


def action(call: Call) -> str:
    return f"{PREFIXES.get(call['service'], call['service'])}:{call['action']}"


def granted(policies: Iterable[dict[str, Any]]) -> set[str]:
    """Every action that the policies allow. A pattern would hide what is granted, and raises ValueError."""
    found: set[str] = set()
    for policy in policies:
        for statement in policy["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            if any("*" in each for each in actions):
                raise ValueError(f"a pattern of actions: {actions}")
            if statement["Effect"] == "Allow":
                found |= set(actions)
    return found


_ECS, _ACCOUNT = "arn:aws:ecs:eu-west-1:123456789012", "eu-west-1:123456789012"
_RESOURCES: dict[str, Callable[[Call], list[str]]] = {
    "ecs:CreateService": lambda params: [f"{_ECS}:service/{_name(params['cluster'])}/{params['serviceName']}"],
    "ecs:UpdateService": lambda params: [f"{_ECS}:service/{_name(params['cluster'])}/{params['service']}"],
    "ecs:DescribeServices": lambda params: [f"{_ECS}:service/{_name(params['cluster'])}/{name}" for name in params["services"]],
    "ecs:ListServiceDeployments": lambda params: [f"{_ECS}:service/{_name(params['cluster'])}/{params['service']}"],
    "ecs:DescribeServiceDeployments": lambda params: params["serviceDeploymentArns"],
    "ecs:DescribeServiceRevisions": lambda params: params["serviceRevisionArns"],
    "ecs:StopServiceDeployment": lambda params: [params["serviceDeploymentArn"]],
    "ecs:TagResource": lambda params: [params["resourceArn"]],
    "ecs:RunTask": lambda params: [params["taskDefinition"]],
    "ecs:DescribeTasks": lambda params: params["tasks"],
    "ecs:StopTask": lambda params: [params["task"]],
    "ecs:ListContainerInstances": lambda params: [f"{_ECS}:cluster/{_name(params['cluster'])}"],
    "ecs:DescribeContainerInstances": lambda params: params["containerInstances"],
    "iam:GetRole": lambda params: [f"arn:aws:iam::123456789012:role/{params['RoleName']}"],
    "iam:SimulatePrincipalPolicy": lambda params: [params["PolicySourceArn"]],
    "logs:GetLogEvents": lambda params: [
        f"arn:aws:logs:{_ACCOUNT}:log-group:{params['logGroupName']}:log-stream:{params['logStreamName']}"
    ],
    "ssm:GetParameters": lambda params: [_parameter(name) for name in params["Names"]],
    "secretsmanager:DescribeSecret": lambda params: [params["SecretId"]],
    "secretsmanager:GetSecretValue": lambda params: [params["SecretId"]],
}
"""What a call of a deploy is about, in ARNs, where IAM knows resources for it. All calls of ECR and of single parameters are below."""


def _name(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]


def _parameter(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:ssm:{_ACCOUNT}:parameter/{name.removeprefix('/')}"


def _resources(call: Call) -> list[str]:
    name, params = action(call), call["params"]
    if name in _RESOURCES:
        return _RESOURCES[name](params)
    if name.startswith("ecr:") and name != "ecr:GetAuthorizationToken":
        names = params.get("repositoryNames") or [params["repositoryName"]]
        return [f"arn:aws:ecr:{_ACCOUNT}:repository/{repository}" for repository in names]
    if name in ("ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameter"):
        return [_parameter(params["Name"])]
    return ["*"]


def allowed(policy: dict[str, Any], call: Call) -> bool:
    """Whether the policy lets the call through, for all that it is about."""
    context = {"ecs:cluster": f"{_ECS}:cluster/{_name(str(call['params'].get('cluster')))}"}
    return all(decide([policy], action(call), resource, context) is Decision.ALLOWED for resource in _resources(call))


def documented(section: str) -> set[str]:
    """The permissions in the table of this section of docs/permissions.md."""
    text = DOCUMENT.read_text().partition(f"<!-- {section} -->")[2].partition("<!-- end -->")[0]
    return {name for line in text.splitlines() if line.startswith("| `") for name in re.findall(r"`([\w-]+:\w+)`", line.split("|")[1])}
