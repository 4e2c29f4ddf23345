# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an environment consists of in AWS: for each kind of resource how it is listed, whose it is, and which calls remove it. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

Item = dict[str, t.Any]
Call = tuple[str, dict[str, t.Any]]
"""An operation and its parameters."""

_KEY_TYPES = ("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1")


@dataclass(frozen=True)
class Scope:
    """One environment of one project."""

    project: str
    environment: str

    @property
    def name(self) -> str:
        """What the names of all its resources begin with, as `playbooks/vars/platform.yml` makes them."""
        return f"{self.project}-{self.environment}"

    @property
    def tags(self) -> dict[str, str]:
        return {"project": self.project, "environment": self.environment, "managed-by": "steadystate.ecs"}


@dataclass(frozen=True)
class Detail:
    """A second call about an item. Its answer's `member` becomes the item's `key`."""

    key: str
    operation: str
    member: str
    params: t.Callable[[Item], dict[str, t.Any]]


def tags_of(item: Item) -> dict[str, str]:
    """The tags of an item in any of the shapes that AWS gives them."""
    found = item.get("Tags") or item.get("tags") or item.get("TagSet") or {}
    if isinstance(found, dict):
        return {str(key): str(value) for key, value in found.items()}
    return {str(tag.get("Key", tag.get("key"))): str(tag.get("Value", tag.get("value", ""))) for tag in found}


def has_tags(item: Item, scope: Scope) -> bool:
    """Whether the item has all tags of the environment; it may have more."""
    return scope.tags.items() <= tags_of(item).items()


@dataclass(frozen=True)
class Kind:
    name: str
    service: str
    """As boto3 calls it."""
    operation: str
    member: str
    """The member of the list operation's answer that holds the items."""
    title: str
    """The member of an item that names it to people and tells it from others."""
    calls: t.Callable[[Item, Scope], list[Call]]
    """What removes it, in order: first what holds it back, such as a protection."""
    params: t.Callable[[Scope], dict[str, t.Any]] = lambda scope: {}
    details: tuple[Detail, ...] = ()
    maybe: t.Callable[[Item, Scope], bool] = lambda item, scope: True
    """Whether it is worth asking for details: those cost a call for each item."""
    own: t.Callable[[Item, Scope], bool] = has_tags
    gone: t.Callable[[Item], bool] = lambda item: False
    """Whether AWS lists it although it is no more."""


def _named(member: str) -> t.Callable[[Item, Scope], bool]:
    """By its name it may be of this environment. Its tags decide: `shop-prod` and `shop-prod-eu` begin alike."""

    def maybe(item: Item, scope: Scope) -> bool:
        return str(item.get(member, "")).rsplit("/", maxsplit=1)[-1].startswith(scope.name) or scope.name in str(item.get(member, ""))

    return maybe


def _ec2(name: str, operation: str, member: str, title: str, delete: str, **more: t.Any) -> Kind:
    """A kind of Amazon EC2: listed with its tags, and removed by its identifier."""
    calls = more.pop("calls", lambda item, scope: [(delete, {title: item[title]})])
    return Kind(name, "ec2", operation, member, title, calls, **more)


def _revocations(item: Item, scope: Scope) -> list[Call]:
    # Two groups that name each other hold each other back: the rules go first.
    calls: list[Call] = []
    if item.get("IpPermissions"):
        calls.append(("revoke_security_group_ingress", {"GroupId": item["GroupId"], "IpPermissions": item["IpPermissions"]}))
    if item.get("IpPermissionsEgress"):
        calls.append(("revoke_security_group_egress", {"GroupId": item["GroupId"], "IpPermissions": item["IpPermissionsEgress"]}))
    return [*calls, ("delete_security_group", {"GroupId": item["GroupId"]})]


def _routes(item: Item, scope: Scope) -> list[Call]:
    associated = [one["RouteTableAssociationId"] for one in item.get("Associations") or []]
    parted: list[Call] = [("disassociate_route_table", {"AssociationId": one}) for one in associated]
    return [*parted, ("delete_route_table", {"RouteTableId": item["RouteTableId"]})]


def _of_vpc(item: Item) -> str:
    return str((item.get("Attachments") or [{}])[0].get("VpcId", ""))


def _gateway(item: Item, scope: Scope) -> list[Call]:
    gateway, vpc = item["InternetGatewayId"], _of_vpc(item)
    detach: list[Call] = [("detach_internet_gateway", {"InternetGatewayId": gateway, "VpcId": vpc})] if vpc else []
    return [*detach, ("delete_internet_gateway", {"InternetGatewayId": gateway})]


def _instances(item: Item, scope: Scope) -> list[Call]:
    name = item["AutoScalingGroupName"]
    kept = [one["InstanceId"] for one in item.get("Instances") or [] if one.get("ProtectedFromScaleIn")]
    # At most 50 instances a call (SetInstanceProtection, Auto Scaling API reference).
    cleared: list[Call] = [
        (
            "set_instance_protection",
            {"AutoScalingGroupName": name, "InstanceIds": kept[at : at + 50], "ProtectedFromScaleIn": False},
        )
        for at in range(0, len(kept), 50)
    ]
    return [*cleared, ("delete_auto_scaling_group", {"AutoScalingGroupName": name, "ForceDelete": True})]


def _balancer(item: Item, scope: Scope) -> list[Call]:
    arn = item["LoadBalancerArn"]
    unprotected = [{"Key": "deletion_protection.enabled", "Value": "false"}]
    return [
        ("modify_load_balancer_attributes", {"LoadBalancerArn": arn, "Attributes": unprotected}),
        ("delete_load_balancer", {"LoadBalancerArn": arn}),
    ]


def _role(item: Item, scope: Scope) -> list[Call]:
    name = item["RoleName"]
    calls: list[Call] = []
    for profile in item.get("profiles") or []:
        of_profile = {"InstanceProfileName": profile["InstanceProfileName"]}
        calls.append(("remove_role_from_instance_profile", {**of_profile, "RoleName": name}))
        calls.append(("delete_instance_profile", of_profile))
    calls += [("detach_role_policy", {"RoleName": name, "PolicyArn": one["PolicyArn"]}) for one in item.get("attached") or []]
    calls += [("delete_role_policy", {"RoleName": name, "PolicyName": one}) for one in item.get("inline") or []]
    return [*calls, ("delete_role", {"RoleName": name})]


def _service(item: Item, scope: Scope) -> list[Call]:
    return [("delete_service", {"cluster": scope.name, "service": item["Id"], "force": True})]


def _described(item: Item) -> Item:
    return t.cast("Item", (item.get("described") or [{}])[0])


def _provider(item: Item, scope: Scope) -> list[Call]:
    none: dict[str, t.Any] = {"cluster": scope.name, "capacityProviders": [], "defaultCapacityProviderStrategy": []}
    return [("put_cluster_capacity_providers", none), ("delete_capacity_provider", {"capacityProvider": item["name"]})]


def _target(item: Item, scope: Scope) -> list[Call]:
    return [
        (
            "deregister_scalable_target",
            {"ServiceNamespace": "ecs", "ResourceId": item["ResourceId"], "ScalableDimension": item["ScalableDimension"]},
        )
    ]


def _aliases(item: Item, scope: Scope) -> list[Item]:
    """The records of a zone that point at the environment's load balancer: those have no tags, and this is what they are for."""
    # A load balancer's name in DNS is its own name, a number and the region (ELB guide, Application Load Balancers).
    balancer = re.compile(rf"(dualstack\.)?(internal-)?{re.escape(scope.name)}-\d+\.", re.IGNORECASE)
    return [one for one in item.get("records") or [] if balancer.match(str((one.get("AliasTarget") or {}).get("DNSName", "")))]


def _records(item: Item, scope: Scope) -> list[Call]:
    changes = [{"Action": "DELETE", "ResourceRecordSet": record} for record in _aliases(item, scope)]
    return [("change_resource_record_sets", {"HostedZoneId": item["Id"], "ChangeBatch": {"Changes": changes}})]


def _elb_tags(member: str) -> Detail:
    return Detail("described", "describe_tags", "TagDescriptions", lambda item: {"ResourceArns": [item[member]]})


def _has_described_tags(item: Item, scope: Scope) -> bool:
    return has_tags(_described(item), scope)


def _arn(item: Item) -> str:
    # CloudWatch Logs lists the ARN of a group with a star at its end, which its tags' operation refuses.
    return str(item["arn"]).removesuffix(":*")


STAGES: tuple[tuple[Kind, ...], ...] = (
    # What would go on by itself, and what serves: alarms and scaling first, then the services, which end their tasks in peace.
    (
        Kind(
            "alarm",
            "cloudwatch",
            "describe_alarms",
            "MetricAlarms",
            "AlarmName",
            lambda item, scope: [("delete_alarms", {"AlarmNames": [item["AlarmName"]]})],
            details=(Detail("Tags", "list_tags_for_resource", "Tags", lambda item: {"ResourceARN": item["AlarmArn"]}),),
            maybe=_named("AlarmName"),
        ),
        Kind(
            "dashboard",
            "cloudwatch",
            "list_dashboards",
            "DashboardEntries",
            "DashboardName",
            lambda item, scope: [("delete_dashboards", {"DashboardNames": [item["DashboardName"]]})],
            # Dashboards take no tags: the name alone says whose it is.
            own=lambda item, scope: item["DashboardName"] == scope.name,
        ),
        Kind(
            "scaling of a service",
            "application-autoscaling",
            "describe_scalable_targets",
            "ScalableTargets",
            "ResourceId",
            _target,
            params=lambda scope: {"ServiceNamespace": "ecs"},
            own=lambda item, scope: item["ResourceId"].split("/")[1] == scope.name,
        ),
        Kind(
            "service",
            "ecs",
            "list_services",
            "serviceArns",
            "Id",
            _service,
            params=lambda scope: {"cluster": scope.name},
            details=(
                Detail(
                    "described",
                    "describe_services",
                    "services",
                    # ARNs of services name their cluster: arn:…:service/CLUSTER/NAME.
                    lambda item: {"cluster": item["Id"].split("/")[1], "services": [item["Id"]], "include": ["TAGS"]},
                ),
            ),
            own=_has_described_tags,
            gone=lambda item: _described(item).get("status") == "INACTIVE",
        ),
        Kind(
            "alias in zone",
            "route53",
            "list_hosted_zones",
            "HostedZones",
            "Id",
            _records,
            details=(Detail("records", "list_resource_record_sets", "ResourceRecordSets", lambda item: {"HostedZoneId": item["Id"]}),),
            own=lambda item, scope: bool(_aliases(item, scope)),
        ),
        _ec2(
            "flow log",
            "describe_flow_logs",
            "FlowLogs",
            "FlowLogId",
            "delete_flow_logs",
            calls=lambda item, scope: [("delete_flow_logs", {"FlowLogIds": [item["FlowLogId"]]})],
        ),
    ),
    # What takes minutes: all asked to go at once, and waited for together.
    (
        Kind(
            "load balancer",
            "elbv2",
            "describe_load_balancers",
            "LoadBalancers",
            "LoadBalancerArn",
            _balancer,
            details=(_elb_tags("LoadBalancerArn"),),
            maybe=_named("LoadBalancerName"),
            own=_has_described_tags,
        ),
        Kind(
            "Auto Scaling group",
            "autoscaling",
            "describe_auto_scaling_groups",
            "AutoScalingGroups",
            "AutoScalingGroupName",
            _instances,
        ),
        _ec2(
            "NAT gateway",
            "describe_nat_gateways",
            "NatGateways",
            "NatGatewayId",
            "delete_nat_gateway",
            gone=lambda item: item.get("State") in ("deleted", "failed"),
        ),
        _ec2(
            "VPC endpoint",
            "describe_vpc_endpoints",
            "VpcEndpoints",
            "VpcEndpointId",
            "delete_vpc_endpoints",
            calls=lambda item, scope: [("delete_vpc_endpoints", {"VpcEndpointIds": [item["VpcEndpointId"]]})],
            gone=lambda item: str(item.get("State", "")).lower() == "deleted",
        ),
    ),
    # What those stood on.
    (
        Kind(
            "capacity provider",
            "ecs",
            "describe_capacity_providers",
            "capacityProviders",
            "name",
            _provider,
            params=lambda scope: {"include": ["TAGS"]},
            gone=lambda item: item.get("status") == "INACTIVE",
        ),
        Kind(
            "cluster",
            "ecs",
            "describe_clusters",
            "clusters",
            "clusterName",
            lambda item, scope: [("delete_cluster", {"cluster": item["clusterName"]})],
            params=lambda scope: {"clusters": [scope.name], "include": ["TAGS"]},
            gone=lambda item: item.get("status") == "INACTIVE",
        ),
        Kind(
            "target group",
            "elbv2",
            "describe_target_groups",
            "TargetGroups",
            "TargetGroupArn",
            lambda item, scope: [("delete_target_group", {"TargetGroupArn": item["TargetGroupArn"]})],
            details=(_elb_tags("TargetGroupArn"),),
            maybe=_named("TargetGroupName"),
            own=_has_described_tags,
        ),
        Kind(
            "certificate",
            "acm",
            "list_certificates",
            "CertificateSummaryList",
            "CertificateArn",
            lambda item, scope: [("delete_certificate", {"CertificateArn": item["CertificateArn"]})],
            # Without it ACM lists those with RSA keys of 1024 and 2048 bits alone (ListCertificates, ACM API reference).
            params=lambda scope: {"Includes": {"keyTypes": list(_KEY_TYPES)}},
            details=(Detail("Tags", "list_tags_for_certificate", "Tags", lambda item: {"CertificateArn": item["CertificateArn"]}),),
        ),
        Kind(
            "topic",
            "sns",
            "list_topics",
            "Topics",
            "TopicArn",
            lambda item, scope: [("delete_topic", {"TopicArn": item["TopicArn"]})],
            details=(Detail("Tags", "list_tags_for_resource", "Tags", lambda item: {"ResourceArn": item["TopicArn"]}),),
            maybe=lambda item, scope: item["TopicArn"].split(":")[-1].startswith(scope.name),
        ),
        Kind(
            "discovery service",
            "servicediscovery",
            "list_services",
            "Services",
            "Id",
            lambda item, scope: [("delete_service", {"Id": item["Id"]})],
            details=(Detail("Tags", "list_tags_for_resource", "Tags", lambda item: {"ResourceARN": item["Arn"]}),),
        ),
        Kind(
            "discovery namespace",
            "servicediscovery",
            "list_namespaces",
            "Namespaces",
            "Id",
            lambda item, scope: [("delete_namespace", {"Id": item["Id"]})],
            details=(Detail("Tags", "list_tags_for_resource", "Tags", lambda item: {"ResourceARN": item["Arn"]}),),
        ),
        _ec2("launch template", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId", "delete_launch_template"),
        Kind(
            "role",
            "iam",
            "list_roles",
            "Roles",
            "RoleName",
            _role,
            details=(
                Detail("Tags", "list_role_tags", "Tags", lambda item: {"RoleName": item["RoleName"]}),
                Detail("attached", "list_attached_role_policies", "AttachedPolicies", lambda item: {"RoleName": item["RoleName"]}),
                Detail("inline", "list_role_policies", "PolicyNames", lambda item: {"RoleName": item["RoleName"]}),
                Detail("profiles", "list_instance_profiles_for_role", "InstanceProfiles", lambda item: {"RoleName": item["RoleName"]}),
            ),
            maybe=_named("RoleName"),
        ),
        _ec2(
            "address",
            "describe_addresses",
            "Addresses",
            "AllocationId",
            "release_address",
        ),
    ),
    # The network, inside out.
    (
        _ec2(
            "security group",
            "describe_security_groups",
            "SecurityGroups",
            "GroupId",
            "delete_security_group",
            calls=_revocations,
            # The default group goes with its VPC, and cannot go before.
            own=lambda item, scope: item.get("GroupName") != "default" and has_tags(item, scope),
        ),
        _ec2("subnet", "describe_subnets", "Subnets", "SubnetId", "delete_subnet"),
        _ec2(
            "route table",
            "describe_route_tables",
            "RouteTables",
            "RouteTableId",
            "",
            calls=_routes,
            own=lambda item, scope: not any(one.get("Main") for one in item.get("Associations") or []) and has_tags(item, scope),
        ),
        _ec2("internet gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId", "", calls=_gateway),
        _ec2(
            "egress-only internet gateway",
            "describe_egress_only_internet_gateways",
            "EgressOnlyInternetGateways",
            "EgressOnlyInternetGatewayId",
            "delete_egress_only_internet_gateway",
        ),
    ),
    (_ec2("VPC", "describe_vpcs", "Vpcs", "VpcId", "delete_vpc"),),
)
"""A stage begins when nothing of the one before is left."""

DATA: tuple[Kind, ...] = (
    Kind(
        "image repository",
        "ecr",
        "describe_repositories",
        "repositories",
        "repositoryName",
        lambda item, scope: [("delete_repository", {"repositoryName": item["repositoryName"], "force": True})],
        details=(Detail("tags", "list_tags_for_resource", "tags", lambda item: {"resourceArn": item["repositoryArn"]}),),
        maybe=lambda item, scope: item["repositoryName"].startswith(scope.name),
        # Repositories of an older collection have no tags: the name, which ends the environment's own with a slash, says it as well.
        own=lambda item, scope: item["repositoryName"].startswith(f"{scope.name}/") or has_tags(item, scope),
    ),
    Kind(
        "log group",
        "logs",
        "describe_log_groups",
        "logGroups",
        "logGroupName",
        lambda item, scope: [("delete_log_group", {"logGroupName": item["logGroupName"]})],
        details=(Detail("tags", "list_tags_for_resource", "tags", lambda item: {"resourceArn": _arn(item)}),),
        maybe=_named("logGroupName"),
    ),
    Kind(
        "parameter",
        "ssm",
        "describe_parameters",
        "Parameters",
        "Name",
        lambda item, scope: [("delete_parameter", {"Name": item["Name"]})],
        # An account's list of parameters is long, and does not show their tags: here AWS does the choosing.
        params=lambda scope: {
            "ParameterFilters": [{"Key": f"tag:{key}", "Option": "Equals", "Values": [value]} for key, value in scope.tags.items()]
        },
        own=lambda item, scope: True,
    ),
    Kind(
        "secret",
        "secretsmanager",
        "list_secrets",
        "SecretList",
        "Name",
        # AWS keeps it for a week, for whoever finds that it was needed after all.
        lambda item, scope: [("delete_secret", {"SecretId": item["Name"], "RecoveryWindowInDays": 7})],
        gone=lambda item: bool(item.get("DeletedDate")),
    ),
)
"""What an environment has made and nobody can make again. It stays unless told otherwise."""
