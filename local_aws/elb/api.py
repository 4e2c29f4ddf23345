"""Elastic Load Balancing API actions that the data plane must see; each is answered by moto or by the target table."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from local_aws.elb import snapshot as moto_state
from local_aws.elb.snapshot import Snapshot, TargetGroup
from local_aws.elb.targets import Target, TargetKey, Targets
from local_aws.interfaces import Api, AwsError, Call, JsonObject, TargetHealth

CHANGES = (
    "CreateLoadBalancer", "DeleteLoadBalancer", "ModifyLoadBalancerAttributes", "SetSubnets",
    "CreateListener", "ModifyListener", "DeleteListener", "AddListenerCertificates", "RemoveListenerCertificates",
    "CreateRule", "ModifyRule", "DeleteRule", "SetRulePriorities",
    "CreateTargetGroup", "ModifyTargetGroup", "ModifyTargetGroupAttributes", "DeleteTargetGroup",
)  # fmt: skip
"""Actions after which the ports and rules are brought up to date before the client has its answer."""


class ElbApi:
    def __init__(self, targets: Targets, reconcile: Callable[[], None]) -> None:
        """`reconcile` reads moto's state anew and opens or closes ports."""
        self._targets = targets
        self._reconcile = reconcile

    def install(self, api: Api) -> None:
        api.on("elbv2", *CHANGES)(self._change)
        api.on("elbv2", "RegisterTargets")(self._register_targets)
        api.on("elbv2", "DeregisterTargets")(self._deregister_targets)
        api.on("elbv2", "DescribeTargetHealth")(self._describe_target_health)

    def _change(self, call: Call) -> JsonObject:
        output = call.upstream(call.params)
        self._reconcile()
        if call.action == "CreateLoadBalancer":
            balancers = {item.arn: item for _, _, backend in moto_state.backends() for item in list(backend.load_balancers.values())}
            for item in output.get("LoadBalancers", []):
                item["DNSName"] = balancers[item["LoadBalancerArn"]].dns_name
        return output

    def group(self, arn: str) -> TargetGroup:
        """Raises AwsError (TargetGroupNotFound)."""
        snapshot: Snapshot = self._targets.snapshot
        if arn not in snapshot.target_groups:
            self._reconcile()
        try:
            return self._targets.snapshot.target_groups[arn]
        except KeyError:
            raise AwsError("TargetGroupNotFound", "One or more target groups not found") from None

    def register(self, group: TargetGroup, identity: str, port: int, zone: str | None) -> None:
        """Raises AwsError for an id that cannot be a target of the group."""
        key = TargetKey(group.arn, identity, port)
        if group.target_type == "instance":
            found = moto_state.instance(group, identity)
            if found is None or found.state != "running" or found.address is None:
                raise AwsError("InvalidTarget", f"The following targets are not in a running state and cannot be registered: '{identity}'")
            self._targets.register(key, found.address, zone or found.zone)
            return
        try:
            ipaddress.ip_address(identity)
        except ValueError:
            raise AwsError("ValidationError", f"The IP address '{identity}' is not a valid IPv4 or IPv6 address") from None
        self._targets.register(key, identity, zone or moto_state.zone_of_address(group, identity))

    def _register_targets(self, call: Call) -> JsonObject:
        group = self.group(call.params["TargetGroupArn"])
        for item in call.params["Targets"]:
            self.register(group, item["Id"], _port(item, group), item.get("AvailabilityZone"))
        return {}

    def _deregister_targets(self, call: Call) -> JsonObject:
        """A target that is not registered is no error."""
        group = self.group(call.params["TargetGroupArn"])
        for item in call.params["Targets"]:
            for target in self._named(group, item):
                self._targets.deregister(target.key)
                moto_state.forget_target(group, target.key.id)
        return {}

    def _named(self, group: TargetGroup, item: JsonObject) -> list[Target]:
        """The registrations that a TargetDescription means: id and port, or every port of the id when it names none."""
        same = [target for target in self._targets.of_group(group.arn) if target.key.id == item["Id"]]
        return same if item.get("Port") is None else [target for target in same if target.key.port == int(item["Port"])]

    def _describe_target_health(self, call: Call) -> JsonObject:
        group = self.group(call.params["TargetGroupArn"])
        wanted = call.params.get("Targets")
        if not wanted:
            return {"TargetHealthDescriptions": [self._described(group, target) for target in self._targets.of_group(group.arn)]}
        descriptions: list[JsonObject] = []
        for item in wanted:
            found = self._named(group, item)
            descriptions += [self._described(group, target) for target in found]
            if not found:
                key = TargetKey(group.arn, item["Id"], _port(item, group))
                descriptions.append(_description(group, key, None, self._targets.health(key)))
        return {"TargetHealthDescriptions": descriptions}

    def _described(self, group: TargetGroup, target: Target) -> JsonObject:
        return _description(group, target.key, target.zone, self._targets.health_of(target))


def _port(item: JsonObject, group: TargetGroup) -> int:
    return int(item.get("Port") or group.port)


def _description(group: TargetGroup, key: TargetKey, zone: str | None, health: TargetHealth) -> JsonObject:
    target: dict[str, Any] = {"Id": key.id, "Port": key.port}
    if zone is not None and group.target_type == "ip":
        target["AvailabilityZone"] = zone
    fields: Iterable[tuple[str, str | None]] = (("State", health.state), ("Reason", health.reason), ("Description", health.description))
    port = str(key.port) if group.check.port == moto_state.TRAFFIC_PORT else group.check.port
    return {"Target": target, "HealthCheckPort": port, "TargetHealth": {name: value for name, value in fields if value is not None}}
