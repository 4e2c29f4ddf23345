# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""alb_info, alb_listeners, alb_target_group and elb_attributes against moto: what is missing, what differs, and nothing that does not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import alb_info, alb_listeners, alb_target_group, elb_attributes
from moto.backends import get_backend

from .moto_account import empty_account
from .platform_stage import REGION, Stage

Data = dict[str, t.Any]
API_RULE: Data = {
    "Priority": 10,
    "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}}],
    "Actions": [{"Type": "forward", "TargetGroupName": "api"}],
}


LISTENER: Data = {
    "Port": 80,
    "Protocol": "HTTP",
    "DefaultActions": [{"Type": "forward", "TargetGroupName": "web"}],
    "Rules": [API_RULE],
}
TO_HTTPS: Data = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}


@pytest.fixture
def stage() -> t.Iterator[Stage]:
    with empty_account():
        yield Stage()


def wanted(**change: t.Any) -> Data:
    balancer = {
        "name": "shop",
        "scheme": "internet-facing",
        "attributes": {"idle_timeout.timeout_seconds": 60},
        "tags": {"project": "shop"},
        "web_acl": "",
        **change,
    }
    return {"load_balancer": balancer, "target_groups": ["web", "api"]}


def build(stage: Stage) -> dict[str, str]:
    """The load balancer that is wanted, made with boto3."""
    ec2, elb = stage.client("ec2"), stage.client("elbv2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [item["SubnetId"] for item in ec2.describe_subnets()["Subnets"][:2]]
    arns = {}
    for name in ("web", "api"):
        tags = [{"Key": "service", "Value": name}]
        request = {"Name": name, "Port": 8080, "Protocol": "HTTP", "VpcId": vpc, "TargetType": "ip", "HealthCheckPath": "/health"}
        arns[name] = elb.create_target_group(**request, Tags=tags)["TargetGroups"][0]["TargetGroupArn"]
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "30"}
        elb.modify_target_group_attributes(TargetGroupArn=arns[name], Attributes=[delay])
    tags = [{"Key": "project", "Value": "shop"}]
    arns["shop"] = elb.create_load_balancer(Name="shop", Subnets=subnets, Scheme="internet-facing", Tags=tags)["LoadBalancers"][0][
        "LoadBalancerArn"
    ]
    forward = [{"Type": "forward", "TargetGroupArn": arns["web"]}]
    idle = {"Key": "idle_timeout.timeout_seconds", "Value": "60"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=arns["shop"], Attributes=[idle])
    arns["listener"] = elb.create_listener(LoadBalancerArn=arns["shop"], Port=80, Protocol="HTTP", DefaultActions=forward)["Listeners"][0][
        "ListenerArn"
    ]
    conditions = [{"Field": "path-pattern", "Values": ["/api/*"]}]
    actions = [{"Type": "forward", "TargetGroupArn": arns["api"]}]
    elb.create_rule(ListenerArn=arns["listener"], Priority=10, Conditions=conditions, Actions=actions)
    return arns


def test_in_an_empty_account_everything_is_missing(stage: Stage) -> None:
    found = stage.run(alb_info.VERB, **wanted())
    balancer = found["load_balancer"]
    assert (found["differs"], found["changed"], stage.writes) == (True, False, [])
    assert (balancer["arn"], balancer["state"]) == ("", "absent")
    assert balancer["differences"] == ["load balancer shop is missing"]
    assert not balancer["web_acl_differs"]
    assert [group["arn"] for group in found["target_groups"].values()] == ["", ""]
    assert stage.said == ["load balancer shop is missing"]


def test_what_is_as_wanted_differs_in_nothing(stage: Stage) -> None:
    arns = build(stage)
    found = stage.run(alb_info.VERB, **wanted())
    assert not found["differs"], stage.said
    assert stage.said == []
    balancer = found["load_balancer"]
    assert balancer["arn"] == arns["shop"]
    assert balancer["label"] == arns["shop"].split(":loadbalancer/")[1]
    assert balancer["dns_name"].endswith("elb.amazonaws.com")
    assert balancer["zone_id"]
    assert balancer["state"] in ("provisioning", "active")
    assert (balancer["differences"], balancer["fixed_differences"]) == ([], [])
    assert (balancer["attributes"], balancer["web_acl_differs"]) == ({}, False)
    web = found["target_groups"]["web"]
    assert (web["arn"], web["label"]) == (arns["web"], arns["web"].rsplit(":", 1)[1])
    assert web["load_balancer_arns"] == [arns["shop"]]


def test_what_somebody_has_changed_is_named(stage: Stage) -> None:
    arns = build(stage)
    elb = stage.client("elbv2")
    elb.modify_load_balancer_attributes(LoadBalancerArn=arns["shop"], Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "90"}])
    elb.add_tags(ResourceArns=[arns["shop"]], Tags=[{"Key": "project", "Value": "other"}])
    found = stage.run(alb_info.VERB, **wanted())
    assert found["load_balancer"]["attributes"] == {"idle_timeout.timeout_seconds": "60"}
    assert found["load_balancer"]["differences"] == ["load balancer shop tag project: other -> shop"]
    assert stage.said == [
        "load balancer shop tag project: other -> shop",
        "load balancer shop idle_timeout.timeout_seconds: 90 -> 60",
    ]


def test_the_firewall_in_front_is_compared_by_its_name(stage: Stage) -> None:
    arns = build(stage)
    visible = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    acl = stage.client("wafv2").create_web_acl(Name="guard", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visible)
    assert stage.run(alb_info.VERB, **wanted(web_acl="guard"))["load_balancer"]["web_acl_differs"]
    stage.client("wafv2").associate_web_acl(WebACLArn=acl["Summary"]["ARN"], ResourceArn=arns["shop"])
    assert not stage.run(alb_info.VERB, **wanted(web_acl="guard"))["load_balancer"]["web_acl_differs"]
    bare = stage.run(alb_info.VERB, **wanted(web_acl=""))["load_balancer"]
    assert (bare["web_acl"], bare["web_acl_differs"]) == ("guard", True)
    assert not stage.run(alb_info.VERB, **wanted(web_acl=None))["differs"]


def test_one_that_is_being_created_is_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    made = get_backend("elbv2")["123456789012"][REGION].load_balancers[build(stage)["shop"]]
    # moto's load balancers are there as soon as they are asked for.
    monkeypatch.setattr(made, "activate", lambda: None)
    monkeypatch.setattr(made, "state", "provisioning")
    with pytest.raises(VerbFailure, match="wait_timeout: the load balancer shop is still being created after 0 s"):
        stage.run(alb_info.VERB, load_balancer={"name": "shop"}, wait=True, wait_timeout=0)
    stage.clock.meanwhile = [lambda: None, lambda: monkeypatch.setattr(made, "state", "active")]
    found = stage.run(alb_info.VERB, load_balancer={"name": "shop"}, wait=True)
    assert (found["load_balancer"]["state"], stage.said, stage.clock.seconds) == ("active", ["waiting for the load balancer shop"], 10)
    monkeypatch.setattr(made, "state", "failed")
    with pytest.raises(VerbFailure, match="AWS could not create the load balancer shop: it gives no reason"):
        stage.run(alb_info.VERB, load_balancer={"name": "shop"}, wait=True)
    assert stage.run(alb_info.VERB, load_balancer={"name": "nobody"}, wait=True)["load_balancer"]["state"] == "absent"
    assert stage.writes == []


def test_target_groups_alone(stage: Stage) -> None:
    found = stage.run(alb_info.VERB, target_groups=["nobody"])
    assert found["load_balancer"] is None
    assert found["target_groups"]["nobody"]["arn"] == ""


def group(stage: Stage, **change: t.Any) -> Data:
    return {
        "name": "web",
        "port": 8080,
        "vpc_id": stage.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"],
        "health_check_path": "/health",
        "health_check_codes": "200-299",
        "attributes": {"deregistration_delay.timeout_seconds": 30, "slow_start.duration_seconds": 60},
        "tags": {"service": "web"},
        **change,
    }


def test_a_target_group_with_its_health_check_and_attributes(stage: Stage) -> None:
    made = stage.twice(alb_target_group.VERB, **group(stage))
    assert made["label"].startswith("targetgroup/web/")
    found = stage.client("elbv2").describe_target_groups(Names=["web"])["TargetGroups"][0]
    assert (found["TargetGroupArn"], found["TargetType"], found["HealthCheckPath"]) == (made["arn"], "ip", "/health")
    assert found["Matcher"] == {"HttpCode": "200-299"}
    attributes = {"deregistration_delay.timeout_seconds": 300, "slow_start.duration_seconds": 60}
    changed = group(stage, health_check_interval=10, attributes=attributes, tags={"service": "web", "team": "a"})
    told = stage.run(alb_target_group.VERB, check=True, **changed)
    assert told["diff"]["after"].splitlines() == [
        "target group web health_check_interval: 10",
        "target group web tag team: a",
        "target group web deregistration_delay.timeout_seconds: 300",
    ]
    stage.twice(alb_target_group.VERB, **changed)
    assert not stage.run(alb_target_group.VERB, name="web")["changed"], "what is left out stays as it is"
    stage.twice(alb_target_group.VERB, name="web", state="absent")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"port": 9090}, "target group web port: 8080 -> 9090: AWS cannot change that"),
        ({"target_type": "instance"}, "target group web target_type: ip -> instance: AWS cannot change that"),
        ({"name": "w" * 33}, "is no name of a target group. Use at most 32"),
        ({"name": "new", "vpc_id": None}, "vpc_id: the target group new does not exist, and cannot be created without it"),
    ],
)
def test_target_groups_that_cannot_be(stage: Stage, change: Data, said: str) -> None:
    stage.run(alb_target_group.VERB, **group(stage))
    with pytest.raises(VerbFailure, match=said):
        stage.run(alb_target_group.VERB, **group(stage, **change))
    assert stage.writes == []


def listening(stage: Stage, arn: str) -> dict[int, Data]:
    return {item["Port"]: item for item in stage.client("elbv2").describe_listeners(LoadBalancerArn=arn)["Listeners"]}


def test_listeners_and_rules_are_made_and_found_again(stage: Stage) -> None:
    arns = build(stage)
    assert not stage.run(alb_listeners.VERB, load_balancer="shop", listeners=[LISTENER])["changed"]
    stage.client("elbv2").delete_listener(ListenerArn=arns["listener"])
    again = stage.twice(alb_listeners.VERB, load_balancer="shop", listeners=[LISTENER], tags={"project": "shop"})
    assert again["ports"] == [80]
    made = listening(stage, arns["shop"])[80]["ListenerArn"]
    described = stage.client("elbv2").describe_tags(ResourceArns=[made])["TagDescriptions"]
    assert described[0]["Tags"] == [{"Key": "project", "Value": "shop"}]


def test_what_differs_of_listeners_and_rules_is_put_right(stage: Stage) -> None:
    arns = build(stage)
    elb = stage.client("elbv2")
    elb.modify_listener(ListenerArn=arns["listener"], DefaultActions=[{"Type": "forward", "TargetGroupArn": arns["api"]}])
    rule = next(item for item in elb.describe_rules(ListenerArn=arns["listener"])["Rules"] if item["Priority"] == "10")
    # One condition more than is wanted, which makes the rule match less.
    narrow = [{"Field": "path-pattern", "Values": ["/api/*"]}, {"Field": "host-header", "Values": ["x.example.com"]}]
    elb.modify_rule(RuleArn=rule["RuleArn"], Conditions=narrow)
    elb.create_rule(
        ListenerArn=arns["listener"],
        Priority=5,
        Conditions=[{"Field": "host-header", "Values": ["x.example.com"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": arns["api"]}],
    )
    elb.create_listener(
        LoadBalancerArn=arns["shop"], Port=8080, Protocol="HTTP", DefaultActions=[{"Type": "forward", "TargetGroupArn": arns["api"]}]
    )
    told = stage.run(alb_listeners.VERB, check=True, load_balancer="shop", listeners=[LISTENER])
    assert [line.split(":")[0] for line in told["diff"]["before"].splitlines()] == [
        "listener 80 default",
        "listener 80 rule 5",
        "listener 80 rule 10",
        "listener 8080",
    ]
    assert [line.split(":")[0] for line in told["diff"]["after"].splitlines()] == ["listener 80 default", "listener 80 rule 10"]
    stage.twice(alb_listeners.VERB, load_balancer="shop", listeners=[LISTENER])
    rules = elb.describe_rules(ListenerArn=arns["listener"])["Rules"]
    assert sorted(item["Priority"] for item in rules) == ["10", "default"]
    assert list(listening(stage, arns["shop"])) == [80]


def test_a_load_balancer_goes_over_to_https(stage: Stage) -> None:
    arns = build(stage)
    certificate = stage.client("acm").request_certificate(DomainName="shop.example.com", ValidationMethod="DNS")["CertificateArn"]
    secure = {
        **LISTENER,
        "Port": "443",
        "Protocol": "HTTPS",
        "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "Certificates": [{"CertificateArn": certificate}],
    }
    plain = {"Port": 80, "Protocol": "HTTP", "DefaultActions": [TO_HTTPS]}
    stage.twice(alb_listeners.VERB, load_balancer="shop", listeners=[plain, secure])
    found = listening(stage, arns["shop"])
    assert found[80]["DefaultActions"][0]["Type"] == "redirect"
    assert found[443]["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    rules = {port: stage.client("elbv2").describe_rules(ListenerArn=item["ListenerArn"])["Rules"] for port, item in found.items()}
    assert {port: sorted(item["Priority"] for item in each) for port, each in rules.items()} == {80: ["default"], 443: ["10", "default"]}


def test_each_name_has_its_certificate_and_keeps_it_while_the_default_one_changes(stage: Stage) -> None:
    arns = build(stage)
    iam = stage.client("iam")
    first, second, third = (
        iam.upload_server_certificate(ServerCertificateName=name, CertificateBody="c", PrivateKey="k")["ServerCertificateMetadata"]["Arn"]
        for name in ("first", "second", "third")
    )
    elb = stage.client("elbv2")

    def keep(default: str, extra: list[str] | None) -> Data:
        listener = {**LISTENER, "Port": 443, "Protocol": "HTTPS", "Certificates": [{"CertificateArn": default}], "ExtraCertificates": extra}
        return {"load_balancer": "shop", "listeners": [LISTENER, listener]}

    def others() -> list[str]:
        listener = listening(stage, arns["shop"])[443]["ListenerArn"]
        found = elb.describe_listener_certificates(ListenerArn=listener)["Certificates"]
        return [item["CertificateArn"] for item in found if not item["IsDefault"]]

    stage.twice(alb_listeners.VERB, **keep(first, [second]))
    assert others() == [second]
    told = stage.run(alb_listeners.VERB, check=True, **keep(first, [third]))["diff"]
    assert told == {"before": f"listener 443 extra certificate: {second}\n", "after": f"listener 443 extra certificate: {third}\n"}
    stage.twice(alb_listeners.VERB, **keep(first, [third]))
    assert others() == [third]
    assert not stage.run(alb_listeners.VERB, **keep(first, None))["changed"], "not asked about, not looked at"
    order: list[str] = []
    for name in ("add_listener_certificates", "modify_listener", "remove_listener_certificates"):
        watched = getattr(elb, name)
        setattr(elb, name, lambda watched=watched, name=name, **request: (order.append(name), watched(**request))[1])
    stage.run(alb_listeners.VERB, **keep(second, [first]))
    assert order == ["add_listener_certificates", "modify_listener", "remove_listener_certificates"]
    # moto forgets the others there, as AWS does where the listener is no longer one for HTTPS.
    plain = {**LISTENER, "Port": 443}
    stage.run(alb_listeners.VERB, load_balancer="shop", listeners=[LISTENER, plain])
    order.clear()
    stage.run(alb_listeners.VERB, **keep(second, [first]))
    assert order == ["modify_listener", "add_listener_certificates"]


def test_requests_are_not_sent_to_a_port_before_it_is_open(stage: Stage) -> None:
    build(stage)
    secure = {**LISTENER, "Port": 443, "Protocol": "HTTPS", "Certificates": [{"CertificateArn": "arn:aws:iam::1:server-certificate/x"}]}
    plain = {"Port": 80, "Protocol": "HTTP", "DefaultActions": [TO_HTTPS]}
    told = stage.run(alb_listeners.VERB, check=True, load_balancer="shop", listeners=[plain, secure])
    assert [line.split(":")[0] for line in told["diff"]["after"].splitlines()] == [
        "listener 443",
        "listener 443 rule 10",
        "listener 80 default",
    ]


def test_check_mode_knows_listeners_of_what_does_not_exist_yet(stage: Stage) -> None:
    told = stage.run(alb_listeners.VERB, check=True, load_balancer="shop", listeners=[LISTENER])
    assert told["changed"]
    assert '"web"' in told["diff"]["after"]
    with pytest.raises(VerbFailure, match=r"load_balancer: there is no shop\."):
        stage.run(alb_listeners.VERB, load_balancer="shop", listeners=[LISTENER])
    build(stage)
    forward = {"Type": "forward", "TargetGroupName": "nobody"}
    with pytest.raises(VerbFailure, match="listeners: there is no target group nobody"):
        stage.run(alb_listeners.VERB, load_balancer="shop", listeners=[{**LISTENER, "DefaultActions": [forward]}])
    assert stage.writes == []


@pytest.mark.parametrize(
    ("listeners", "said"),
    [
        ([{"Port": 80}], r"listeners\[0\]: it has no Protocol, DefaultActions"),
        ([{**LISTENER, "Protocol": "HTTPS"}], r"listeners\[0\]: HTTPS needs Certificates"),
        ([{**LISTENER, "ExtraCertificates": ["c"]}], r"listeners\[0\]: HTTP has no use for ExtraCertificates"),
        ([LISTENER, LISTENER], r"listeners\[1\]: port 80 is given twice"),
        ([{**LISTENER, "Rules": [{**API_RULE, "Priority": 0}]}], "0 is no priority of a rule. Use 1 to 50000"),
        ([{**LISTENER, "Rules": [API_RULE, API_RULE]}], "the priority 10 is given twice"),
    ],
)
def test_listeners_that_cannot_be(stage: Stage, listeners: list[Data], said: str) -> None:
    with pytest.raises(VerbFailure, match=said):
        stage.run(alb_listeners.VERB, load_balancer="shop", listeners=listeners)
    assert stage.writes == []


def test_any_attribute_can_be_set(stage: Stage) -> None:
    arns = build(stage)
    again = stage.twice(elb_attributes.VERB, arn=arns["web"], attributes={"slow_start.duration_seconds": 60, "stickiness.enabled": True})
    assert again["attributes"]["slow_start.duration_seconds"] == "60"
    stage.twice(elb_attributes.VERB, arn=arns["shop"], attributes={"deletion_protection.enabled": True})
    with pytest.raises(VerbFailure, match="arn: 'arn:aws:ecs:eu-west-1:1:cluster/x' is no ARN of a load balancer"):
        stage.run(elb_attributes.VERB, arn="arn:aws:ecs:eu-west-1:1:cluster/x", attributes={"a": "b"})
