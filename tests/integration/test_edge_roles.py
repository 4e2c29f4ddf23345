# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles in front of a service on local_aws, all in one play: from nothing, again, in check mode, after drift, with wrong input."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from .conftest import REGION, Account, Run


@pytest.fixture(scope="module")
def edge(url: str, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """Two hosted zones of one name, the default VPC, certificates of others, and a cluster with a service that runs no task."""
    session = boto3.session.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="not-a-real-secret-key", region_name=REGION)

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=url)

    ec2, ecs = client("ec2"), client("ecs")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [item["SubnetId"] for item in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]][:2]
    group = ec2.create_security_group(GroupName="edge", Description="edge", VpcId=vpc)["GroupId"]
    visible = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "edge"}
    web_acl = client("wafv2").create_web_acl(Name="edge", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visible)
    route53, iam = client("route53"), client("iam")
    zones = [route53.create_hosted_zone(Name="edge.test", CallerReference=name)["HostedZone"]["Id"] for name in ("decoy", "edge")]
    plain = {"Name": "www.edge.test", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    route53.change_resource_record_sets(HostedZoneId=zones[1], ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": plain}]})
    certificates = [
        iam.upload_server_certificate(ServerCertificateName=name, CertificateBody="c", PrivateKey="k")["ServerCertificateMetadata"]["Arn"]
        for name in ("edge-one", "edge-two")
    ]
    client("s3").create_bucket(Bucket="edge-logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    ecs.create_cluster(clusterName="edge")
    ecs.register_task_definition(family="edge-web", containerDefinitions=[{"name": "web", "image": "web", "memory": 32}])
    ecs.create_service(cluster="edge", serviceName="web", taskDefinition="edge-web", desiredCount=0)
    facts = {
        "region": REGION,
        "url": url,
        "vpc": vpc,
        "subnets": subnets,
        "security_group": group,
        "zone": zones[1].rpartition("/")[2],
        "decoy": zones[0].rpartition("/")[2],
        "certificates": certificates,
        "web_acl": web_acl["Summary"]["ARN"],
    }
    return Account(facts, tmp_path_factory.mktemp("edge"), client)


def test_from_nothing_and_again(edge: Account) -> None:
    told = edge.play("edge.yml", "--check", "--diff")
    assert told.changed > 0
    for line in (
        "+certificate for edge.test",
        "load balancer edge is missing",
        "+target group edge-web",
        "+alarm web/cpu",
        "+topic edge-alarms",
    ):
        assert line in told.output, told.output
    # Other files of tests may have been in this account before.
    groups = [item["TargetGroupName"] for item in edge.client("elbv2").describe_target_groups()["TargetGroups"]]
    assert "edge-web" not in groups, "check mode makes nothing"
    made = edge.play("edge.yml")
    assert made.changed > 0
    assert made["acm"]["status"] == "issued"
    assert made["alb"]["url"] == f"https://{made['alb']['dns_name']}:8443"
    again = edge.play("edge.yml")
    assert again.changed == 0, again.output
    assert again["alb"] == made["alb"]
    _see_certificate_and_names(edge, made)
    _see_load_balancer(edge, made)
    _see_alarms(edge, made)
    _see_scaling(edge)


def _see_certificate_and_names(edge: Account, made: Run) -> None:
    certificate = edge.client("acm").describe_certificate(CertificateArn=made["acm"]["arn"])["Certificate"]
    assert certificate["KeyAlgorithm"] == "EC_prime256v1"
    records = {
        zone: {
            (item["Name"], item["Type"]): item
            for item in edge.client("route53").list_resource_record_sets(HostedZoneId=edge.facts[zone])["ResourceRecordSets"]
            if item["Type"] not in ("NS", "SOA")
        }
        for zone in ("zone", "decoy")
    }
    assert records["decoy"] == {}, "the other zone of that name was not meant"
    proof = certificate["DomainValidationOptions"][0]["ResourceRecord"]["Name"]
    assert sorted(records["zone"]) == sorted([("edge.test.", "A"), ("www.edge.test.", "A"), (proof, "CNAME")])
    for name in ("edge.test.", "www.edge.test."):
        alias = records["zone"][name, "A"]["AliasTarget"]
        assert (alias["DNSName"].rstrip("."), alias["EvaluateTargetHealth"]) == (made["alb"]["dns_name"], True)


def _see_load_balancer(edge: Account, made: Run) -> None:
    elb, arn = edge.client("elbv2"), made["alb"]["arn"]
    assert elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["Scheme"] == "internal"
    listeners = {item["Port"]: item for item in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]}
    assert sorted(listeners) == [8081, 8443]
    redirect = listeners[8081]["DefaultActions"][0]["RedirectConfig"]
    assert (redirect["StatusCode"], redirect["Port"]) == ("HTTP_301", "8443")
    assert listeners[8443]["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert listeners[8443]["DefaultActions"][0]["Type"] == "fixed-response"
    assert [item["Priority"] for item in elb.describe_rules(ListenerArn=listeners[8443]["ListenerArn"])["Rules"]] == ["10", "default"]
    assert _extra_certificates(edge, arn) == edge.facts["certificates"][:1]
    attributes = {item["Key"]: item["Value"] for item in elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]}
    wanted = {
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "deletion_protection.enabled": "true",
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": "edge-logs",
        "access_logs.s3.prefix": "edge",
        "client_keep_alive.seconds": "1800",
    }
    assert {key: attributes[key] for key in wanted} == wanted
    assert edge.client("wafv2").get_web_acl_for_resource(ResourceArn=arn)["WebACL"]["Name"] == "edge"
    group = elb.describe_target_groups(Names=["edge-web"])["TargetGroups"][0]
    assert (group["ProtocolVersion"], group["HealthCheckPath"], group["Matcher"]["HttpCode"]) == ("HTTP2", "/ready", "200-299")
    assert (group["HealthyThresholdCount"], group["UnhealthyThresholdCount"]) == (4, 6)
    attributes = {
        item["Key"]: item["Value"] for item in elb.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]
    }
    wanted = {"slow_start.duration_seconds": "30", "stickiness.enabled": "true", "load_balancing.cross_zone.enabled": "false"}
    assert {key: attributes[key] for key in wanted} == wanted


def _extra_certificates(edge: Account, balancer: str) -> list[str]:
    elb = edge.client("elbv2")
    secure = next(item for item in elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"] if item["Protocol"] == "HTTPS")
    found = elb.describe_listener_certificates(ListenerArn=secure["ListenerArn"])["Certificates"]
    return [item["CertificateArn"] for item in found if not item["IsDefault"]]


def _see_alarms(edge: Account, made: Run) -> None:
    alarms = edge.client("cloudwatch").describe_alarms()["MetricAlarms"]
    ours = {item["AlarmName"]: item for item in alarms if item["AlarmName"].startswith(("edge/", "web/"))}
    # The one on unhealthy targets has no threshold, and so is not wanted.
    assert {name: item["Threshold"] for name, item in ours.items()} == {
        "edge/load-balancer-5xx": 9,
        "web/below-desired": 1,
        "web/cpu": 80,
        "web/latency": 2.5,
        "web/memory": 77,
        "web/target-5xx": 8,
    }
    # Twice in a row, a minute each.
    members = ("MetricName", "Statistic", "EvaluationPeriods", "Period")
    assert [ours["edge/load-balancer-5xx"][member] for member in members] == ["HTTPCode_ELB_5XX_Count", "Sum", 2, 60]
    assert [ours["web/cpu"][member] for member in members] == ["CPUUtilization", "Average", 2, 60]
    assert ours["web/latency"]["ExtendedStatistic"] == "p99"
    assert ours["web/below-desired"]["EvaluationPeriods"] == 4
    assert all(item["AlarmActions"] == [made["observability"]["topic_arn"]] for item in ours.values())
    (log_group,) = edge.client("logs").describe_log_groups(logGroupNamePrefix="/aws/ecs/containerinsights/edge/")["logGroups"]
    assert log_group["retentionInDays"] == 60
    assert edge.client("cloudwatch").get_dashboard(DashboardName="edge")["DashboardBody"]


def _see_scaling(edge: Account) -> None:
    scaling, service = edge.client("application-autoscaling"), {"ServiceNamespace": "ecs", "ResourceId": "service/edge/web"}
    policies = [
        item["TargetTrackingScalingPolicyConfiguration"] for item in scaling.describe_scaling_policies(**service)["ScalingPolicies"]
    ]
    assert sorted(item["TargetValue"] for item in policies) == [55, 65, 500]
    assert {(item["ScaleOutCooldown"], item["ScaleInCooldown"]) for item in policies} == {(45, 200)}
    (limits,) = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=["service/edge/web"])["ScalableTargets"]
    assert (limits["MinCapacity"], limits["MaxCapacity"]) == (3, 7)


def test_drift_is_told_in_check_mode_and_put_right(edge: Account) -> None:
    elb = edge.client("elbv2")
    balancer = elb.describe_load_balancers(Names=["edge"])["LoadBalancers"][0]["LoadBalancerArn"]
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "90"}])
    plain = next(item for item in elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"] if item["Port"] == 8081)
    elb.modify_listener(
        ListenerArn=plain["ListenerArn"], DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]
    )
    edge.client("logs").put_retention_policy(logGroupName="/ecs/edge/web", retentionInDays=30)
    # What is not wanted any more goes as well.
    less = {"alb_web_acl": "", "alb_extra_certificates": edge.facts["certificates"][1:], "observability_dashboard": False}
    told = edge.play("edge.yml", "--check", "--diff", **less)
    # The attribute, once by the early look and once by the later one, the listeners, the log group, the web ACL and the dashboard.
    assert told.changed == 6, told.output
    first, second = edge.facts["certificates"]
    for line in (
        "idle_timeout.timeout_seconds: 90 -> 60",
        "load balancer edge web ACL: edge -> none",
        "+listener 8081 default",
        f"-listener 8443 extra certificate: {first}",
        f"+listener 8443 extra certificate: {second}",
        "+log group /ecs/edge/web retention: 7",
    ):
        assert line in told.output, told.output
    assert edge.play("edge.yml", **less).changed == 5
    assert "WebACL" not in edge.client("wafv2").get_web_acl_for_resource(ResourceArn=balancer)
    assert _extra_certificates(edge, balancer) == [second]
    assert "edge" not in [item["DashboardName"] for item in edge.client("cloudwatch").list_dashboards()["DashboardEntries"]]
    # Whoever says nothing about them leaves both as others have made them.
    edge.client("wafv2").associate_web_acl(WebACLArn=edge.facts["web_acl"], ResourceArn=balancer)
    unsaid = {**less, "alb_web_acl": None, "alb_extra_certificates": None}
    assert edge.play("edge.yml", "--check", **unsaid).changed == 0


def test_wrong_values_are_refused_before_the_first_change(edge: Account) -> None:
    calls = len(edge.client("elbv2").describe_load_balancers()["LoadBalancers"])
    run = edge.play(
        "edge.yml",
        acm_domain_name="edge.test",
        alb_name="a-name-that-is-longer-than-thirty-two-characters",
        alb_idle_timeout=0,
        alb_services=[{"target_group": "edge_web"}, {"target_group": "edge-web", "paths": ["/a"]}],
    )
    assert run.code != 0
    for said in (
        "alb_name: a-name-that-is-longer-than-thirty-two-characters is no name for a load balancer. Use at most 32",
        "alb_idle_timeout: 0 is out of range. Use 1 to 4000 seconds.",
        "alb_services: edge-web has hosts or paths but no priority. Give it one.",
        "alb_services: edge_web is no name for a target group.",
    ):
        assert said in run.output, run.output
    assert len(edge.client("elbv2").describe_load_balancers()["LoadBalancers"]) == calls


def test_a_web_acl_that_nobody_has_made_is_refused(edge: Account) -> None:
    run = edge.play("edge.yml", alb_web_acl="nobody")
    assert run.code != 0
    assert "alb_web_acl: there is no regional web ACL nobody in this account" in run.output
