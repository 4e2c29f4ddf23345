"""Subnets: the filter on public addresses, which moto knows by one of its two names only, and the state of IPv6 ranges as a word."""

from __future__ import annotations

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import Call, JsonObject

_OTHER_NAMES = {
    "mapPublicIpOnLaunch": "map-public-ip-on-launch",
    "availabilityZone": "availability-zone",
    "availabilityZoneId": "availability-zone-id",
    "cidr": "cidr-block",
    "cidrBlock": "cidr-block",
    "defaultForAz": "default-for-az",
}


def install(api: AwsApi) -> None:
    @api.on("ec2", "DescribeSubnets")
    def describe_subnets(call: Call) -> JsonObject:
        filters = [{**item, "Name": _OTHER_NAMES.get(item["Name"], item["Name"])} for item in call.params.get("Filters", [])]
        public = [item for item in filters if item["Name"] == "map-public-ip-on-launch"]
        others = [item for item in filters if item["Name"] != "map-public-ip-on-launch"]
        answer = call.upstream({**call.params, "Filters": others} if filters else call.params)
        for item in public:
            wanted = {str(value).lower() for value in item["Values"]}
            answer["Subnets"] = [subnet for subnet in answer["Subnets"] if str(subnet["MapPublicIpOnLaunch"]).lower() in wanted]
        return _with_states(answer, "Subnets")

    @api.on("ec2", "CreateSubnet")
    def create_subnet(call: Call) -> JsonObject:
        answer = call.upstream(call.params)
        return {**answer, "Subnet": _with_states({"Subnets": [answer["Subnet"]]}, "Subnets")["Subnets"][0]}


def _with_states(answer: JsonObject, member: str) -> JsonObject:
    """moto shows where AWS says `associated` the text of a Python dictionary with that word in it; those of other states it leaves out."""
    for subnet in answer[member]:
        for association in subnet.get("Ipv6CidrBlockAssociationSet", []):
            association["Ipv6CidrBlockState"] = {"State": "associated"}
    return answer
