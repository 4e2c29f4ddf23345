"""What CreateService, UpdateService and RunTask refuse, with the API's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local_aws.ecs import cloud
from local_aws.ecs.constraints import ExpressionError, compile_expression
from local_aws.interfaces import AwsError, Call, JsonObject


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def unsupported(message: str) -> AwsError:
    return AwsError("UnsupportedFeatureException", message)


def check_launch(params: Mapping[str, Any]) -> None:
    """launchType and capacityProviderStrategy: one of them, and EC2 capacity only."""
    launch_type = params.get("launchType")
    strategy = params.get("capacityProviderStrategy") or []
    if launch_type and strategy:
        raise invalid("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
    if launch_type not in (None, "EC2"):
        raise unsupported(f"local_aws runs tasks on EC2 capacity only; launchType {launch_type} is not available.")
    if sum(bool(item.get("base")) for item in strategy) > 1:
        raise invalid("Only one capacity provider in a capacity provider strategy can have a base defined.")
    if len(strategy) > 20:
        raise invalid("A capacity provider strategy may contain a maximum of 20 capacity providers.")


def check_strategy(call: Call, cluster: cloud.Cluster, strategy: Sequence[Mapping[str, Any]]) -> None:
    for item in strategy:
        name = item["capacityProvider"]
        if name in ("FARGATE", "FARGATE_SPOT"):
            raise unsupported(f"local_aws runs tasks on EC2 capacity only; the capacity provider {name} is not available.")
        if cloud.capacity_provider(call.account, call.region, name) is None:
            raise invalid(f"The specified capacity provider '{name}' was not found. Specify a valid name or ARN and try again.")
        if name not in cluster.providers:
            raise invalid(
                f"The specified capacity provider strategy contains a capacity provider that is not associated with the cluster. "
                f"Associate the capacity provider with the cluster and try again. (capacity provider: {name})"
            )


def check_network(call: Call, definition: JsonObject, network: JsonObject | None) -> None:
    awsvpc = (network or {}).get("awsvpcConfiguration")
    if definition.get("networkMode") != "awsvpc":
        if awsvpc:
            raise invalid("Network Configuration is not valid for the given networkMode of this task definition.")
        return
    if not awsvpc:
        raise invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    subnets = awsvpc.get("subnets") or []
    groups = awsvpc.get("securityGroups") or []
    if not subnets:
        raise invalid("subnets can not be empty.")
    if len(subnets) > 16:
        raise invalid("subnets can have at most 16 items.")
    if len(groups) > 5:
        raise invalid("securityGroups can have at most 5 items.")
    if awsvpc.get("assignPublicIp") == "ENABLED":
        raise invalid("Assign public IP is not supported for this launch type.")
    found = [cloud.subnet(call.account, call.region, subnet_id) for subnet_id in subnets]
    if len({subnet.vpc_id for subnet in found}) > 1:
        raise invalid("All subnets must belong to the same VPC.")
    cloud.security_groups_exist(call.account, call.region, list(groups))


def check_load_balancers(call: Call, definition: JsonObject, load_balancers: Sequence[Mapping[str, Any]]) -> None:
    containers = {container["name"]: container for container in definition["containerDefinitions"]}
    for entry in load_balancers:
        if entry.get("loadBalancerName") and not entry.get("targetGroupArn"):
            raise unsupported("local_aws models target groups; Classic Load Balancers are not available.")
        if entry.get("advancedConfiguration"):
            raise unsupported("local_aws models the ROLLING deployment strategy; advancedConfiguration is not available.")
        arn, name, port = entry.get("targetGroupArn"), entry.get("containerName"), entry.get("containerPort")
        if not arn:
            raise invalid("targetGroupArn should not be null or empty.")
        if name not in containers:
            raise invalid(f"The container {name} does not exist in the task definition.")
        if not any(int(mapping["containerPort"]) == port for mapping in containers[name].get("portMappings", [])):
            raise invalid(f"The container {name} did not have a container port {port} defined.")
        group = cloud.target_group(call.account, call.region, str(arn))
        if group is None:
            raise invalid(f"The target group with targetGroupArn {arn} does not exist.")
        wanted = "ip" if definition.get("networkMode") == "awsvpc" else "instance"
        if group["type"] != wanted:
            mode = definition.get("networkMode")
            raise invalid(
                f"The provided target group {arn} has target type {group['type']}, which is incompatible with the {mode} network mode "
                "specified in the task definition."
            )
        if not group["attached"]:
            raise invalid(f"The target group with targetGroupArn {arn} does not have an associated load balancer.")


def check_deployment_configuration(configuration: Mapping[str, Any]) -> None:
    minimum, maximum = configuration["minimumHealthyPercent"], configuration["maximumPercent"]
    if minimum < 0 or maximum < 0:
        raise invalid("minimumHealthyPercent and maximumPercent cannot be negative.")
    if maximum < minimum:
        raise invalid("minimumHealthyPercent must be less than or equal to maximumPercent.")
    if minimum == maximum == 100:
        raise invalid("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.")
    strategy = configuration.get("strategy", "ROLLING")
    if strategy != "ROLLING":
        raise unsupported(f"local_aws models the ROLLING deployment strategy; {strategy} is not available.")
    if configuration.get("lifecycleHooks"):
        raise unsupported("local_aws models the ROLLING deployment strategy without lifecycle hooks.")
    threshold = (configuration.get("deploymentCircuitBreaker") or {}).get("thresholdConfiguration")
    if threshold:
        value = threshold["value"]
        if value < 1 or (threshold["type"] != "COUNT" and value > 100):
            raise invalid("The value of thresholdConfiguration must be between 1 and 100 for a percentage, and at least 1 for a count.")
    early = configuration.get("earlySuccessCriteria") or {}
    if early.get("enable"):
        if early.get("healthyPercent") is None or early.get("sourceServiceRevisionCleanup") is None:
            raise invalid("earlySuccessCriteria needs healthyPercent and sourceServiceRevisionCleanup when it is enabled.")
        if not minimum <= early["healthyPercent"] <= 100:
            raise invalid("healthyPercent of earlySuccessCriteria must be between minimumHealthyPercent and 100.")


def check_placement(constraints: Sequence[Mapping[str, Any]], strategy: Sequence[Mapping[str, Any]]) -> None:
    for constraint in constraints:
        if constraint.get("type") == "memberOf":
            try:
                compile_expression(constraint.get("expression", ""))
            except ExpressionError as error:
                raise invalid(f"Invalid constraint expression: {error}") from error
        elif constraint.get("type") != "distinctInstance":
            raise invalid(f"The constraint type {constraint.get('type')} is not valid.")
    for step in strategy:
        kind = step.get("type")
        if kind == "binpack" and step.get("field", "").lower() not in ("cpu", "memory"):
            raise invalid("The field of a binpack placement strategy must be cpu or memory.")
        if kind not in ("random", "spread", "binpack"):
            raise invalid(f"The placement strategy type {kind} is not valid.")


def paged(params: Mapping[str, Any], items: Sequence[Any], key: str, default: int, most: int = 100) -> JsonObject:
    """One page of a list: maxResults (1 to `most`) from nextToken on."""
    size = int(params.get("maxResults") or default)
    if not 1 <= size <= most:
        raise invalid(f"maxResults must be between 1 and {most}.")
    token = params.get("nextToken")
    if token is not None and not str(token).isdigit():
        raise invalid("Invalid token.")
    start = int(token or 0)
    page: JsonObject = {key: list(items[start : start + size])}
    if start + size < len(items):
        page["nextToken"] = str(start + size)
    return page
