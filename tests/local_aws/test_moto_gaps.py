"""What moto answers otherwise than AWS, and local_aws puts right."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError


def _subnet(ec2: Any, vpc: str, cidr: str) -> str:
    return str(ec2.create_subnet(VpcId=vpc, CidrBlock=cidr)["Subnet"]["SubnetId"])


def test_tags_name_the_kind_of_thing_as_ec2_does(aws: Any) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    gateway = ec2.create_nat_gateway(
        SubnetId=_subnet(ec2, vpc, "10.0.0.0/24"),
        AllocationId=address,
        TagSpecifications=[{"ResourceType": "natgateway", "Tags": [{"Key": "project", "Value": "shop"}]}],
    )["NatGateway"]["NatGatewayId"]
    filters = [{"Name": "resource-id", "Values": [gateway]}, {"Name": "resource-type", "Values": ["natgateway"]}]
    assert ec2.describe_tags(Filters=filters)["Tags"] == [
        {"Key": "project", "Value": "shop", "ResourceId": gateway, "ResourceType": "natgateway"}
    ]


def test_subnets_are_filtered_by_whether_they_give_public_addresses(aws: Any) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    public, private = _subnet(ec2, vpc, "10.0.0.0/24"), _subnet(ec2, vpc, "10.0.1.0/24")
    ec2.modify_subnet_attribute(SubnetId=public, MapPublicIpOnLaunch={"Value": True})
    for value, expected in (("true", public), ("false", private)):
        found = ec2.describe_subnets(
            Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "map-public-ip-on-launch", "Values": [value]}],
        )["Subnets"]
        assert [subnet["SubnetId"] for subnet in found] == [expected]


def test_a_load_balancer_shows_every_attribute(aws: Any) -> None:
    ec2, elb = aws.client("ec2"), aws.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-west-1{zone}")["Subnet"]["SubnetId"]
        for number, zone in enumerate("ab")
    ]
    arn = elb.create_load_balancer(Name="shop", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{"Key": "routing.http2.enabled", "Value": "false"}])
    attributes = {each["Key"]: each["Value"] for each in elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]}
    assert attributes["idle_timeout.timeout_seconds"] == "60"
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "false"
    assert attributes["routing.http2.enabled"] == "false"


def test_what_has_no_tags_has_an_empty_list_of_them(aws: Any) -> None:
    ecs = aws.client("ecs")
    arn = ecs.create_cluster(clusterName="shop")["cluster"]["clusterArn"]
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == []


def test_the_tags_of_a_launch_template_are_not_in_what_it_launches(aws: Any) -> None:
    ec2 = aws.client("ec2")
    tags = [{"Key": "project", "Value": "shop"}]
    for name, data in (("bare", {}), ("tagged", {"TagSpecifications": [{"ResourceType": "volume", "Tags": tags}]})):
        ec2.create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData={"InstanceType": "t3.small", **data},
            TagSpecifications=[{"ResourceType": "launch-template", "Tags": tags}],
        )
        version = ec2.describe_launch_template_versions(LaunchTemplateName=name)["LaunchTemplateVersions"][0]
        assert version["LaunchTemplateData"] == {"InstanceType": "t3.small", **data}


def test_the_metrics_of_a_group_can_be_switched_off(aws: Any) -> None:
    ec2, autoscaling = aws.client("ec2"), aws.client("autoscaling")
    ec2.create_launch_template(LaunchTemplateName="shop", LaunchTemplateData={"InstanceType": "t3.small", "ImageId": "ami-12345678"})
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="shop",
        LaunchTemplate={"LaunchTemplateName": "shop"},
        MinSize=0,
        MaxSize=1,
        AvailabilityZones=["eu-west-1a"],
    )
    metrics = ["GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity"]
    autoscaling.enable_metrics_collection(AutoScalingGroupName="shop", Metrics=metrics, Granularity="1Minute")
    for off, left in ((["GroupMinSize"], metrics[1:]), ([], [])):
        autoscaling.disable_metrics_collection(AutoScalingGroupName="shop", **({"Metrics": off} if off else {}))
        group = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["shop"])["AutoScalingGroups"][0]
        assert [each["Metric"] for each in group.get("EnabledMetrics", [])] == left


def test_the_tags_of_a_group_are_in_the_order_of_their_keys(aws: Any) -> None:
    ec2, autoscaling = aws.client("ec2"), aws.client("autoscaling")
    ec2.create_launch_template(LaunchTemplateName="shop", LaunchTemplateData={"InstanceType": "t3.small", "ImageId": "ami-12345678"})
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="shop",
        LaunchTemplate={"LaunchTemplateName": "shop"},
        MinSize=0,
        MaxSize=1,
        AvailabilityZones=["eu-west-1a"],
        Tags=[{"Key": key, "Value": "x", "PropagateAtLaunch": True} for key in ("project", "environment", "managed-by")],
    )
    group = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["shop"])["AutoScalingGroups"][0]
    assert [tag["Key"] for tag in group["Tags"]] == ["environment", "managed-by", "project"]


def test_a_service_can_be_scaled_as_soon_as_it_exists(aws: Any) -> None:
    ecs, scaling = aws.client("ecs"), aws.client("application-autoscaling")
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/shop/api",
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 1,
        "MaxCapacity": 2,
    }
    with pytest.raises(ClientError, match="ECS service doesn't exist: service/shop/api"):
        scaling.register_scalable_target(**target)
    ecs.create_cluster(clusterName="shop")
    ecs.register_task_definition(family="api", containerDefinitions=[{"name": "api", "image": "api", "memory": 128}])
    ecs.create_service(cluster="shop", serviceName="api", taskDefinition="api", desiredCount=0)
    scaling.register_scalable_target(**target)
    found = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert [each["ResourceId"] for each in found] == ["service/shop/api"]


def test_a_certificate_is_issued_when_its_validation_record_is_in_dns(aws: Any) -> None:
    acm, route53, elb, ec2 = (aws.client(service) for service in ("acm", "route53", "elbv2", "ec2"))
    zone = route53.create_hosted_zone(Name="shop.test", CallerReference="1")["HostedZone"]["Id"]
    names = {"DomainName": "shop.test", "SubjectAlternativeNames": ["*.shop.test"]}
    arn = acm.request_certificate(**names, ValidationMethod="DNS", KeyAlgorithm="EC_secp384r1")["CertificateArn"]
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-west-1{letter}")["Subnet"]["SubnetId"]
        for number, letter in enumerate("ab")
    ]
    balancer = elb.create_load_balancer(Name="certified", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    listener = {
        "LoadBalancerArn": balancer,
        "Protocol": "HTTPS",
        "Port": 443,
        "Certificates": [{"CertificateArn": arn}],
        "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    }
    with pytest.raises(ClientError, match="UnsupportedCertificate"):
        elb.create_listener(**listener)
    certificate = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert (certificate["Status"], certificate["KeyAlgorithm"]) == ("PENDING_VALIDATION", "EC_secp384r1")
    record = certificate["DomainValidationOptions"][0]["ResourceRecord"]
    for value, status in (("wrong.example.", "PENDING_VALIDATION"), (record["Value"], "ISSUED")):
        record_set = {"Name": record["Name"], "Type": record["Type"], "TTL": 300, "ResourceRecords": [{"Value": value}]}
        change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record_set}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
        assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == status
    issued = acm.list_certificates(CertificateStatuses=["ISSUED"])["CertificateSummaryList"]
    assert [item["CertificateArn"] for item in issued] == [arn]
    assert elb.create_listener(**listener)["Listeners"][0]["Port"] == 443


def test_certificates_besides_the_default_one_outlive_it(aws: Any) -> None:
    ec2, elb, iam = aws.client("ec2"), aws.client("elbv2"), aws.client("iam")
    first, second, third = (
        iam.upload_server_certificate(ServerCertificateName=name, CertificateBody="c", PrivateKey="k")["ServerCertificateMetadata"]["Arn"]
        for name in ("first", "second", "third")
    )
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    balancer = elb.create_load_balancer(Name="shop", Subnets=[_subnet(ec2, vpc, "10.0.0.0/24")])["LoadBalancers"][0]["LoadBalancerArn"]
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    listener = elb.create_listener(
        LoadBalancerArn=balancer, Port=443, Protocol="HTTPS", Certificates=[{"CertificateArn": first}], DefaultActions=[action]
    )["Listeners"][0]["ListenerArn"]

    def there() -> list[tuple[str, bool]]:
        found = elb.describe_listener_certificates(ListenerArn=listener)["Certificates"]
        return [(item["CertificateArn"].rpartition("/")[2], item["IsDefault"]) for item in found]

    for _ in range(2):
        elb.add_listener_certificates(ListenerArn=listener, Certificates=[{"CertificateArn": second}])
    assert there() == [("first", True), ("second", False)]
    changed = elb.modify_listener(ListenerArn=listener, Certificates=[{"CertificateArn": third}])["Listeners"][0]
    assert changed["Certificates"] == [{"CertificateArn": third}]
    assert elb.describe_listeners(ListenerArns=[listener])["Listeners"][0]["Certificates"] == [{"CertificateArn": third}]
    assert there() == [("third", True), ("second", False)]
    elb.remove_listener_certificates(ListenerArn=listener, Certificates=[{"CertificateArn": third}, {"CertificateArn": second}])
    assert there() == [("third", True)]
    with pytest.raises(ClientError, match="CertificateNotFound"):
        elb.add_listener_certificates(ListenerArn=listener, Certificates=[{"CertificateArn": second + "-other"}])
    with pytest.raises(ClientError, match="ListenerNotFound"):
        elb.add_listener_certificates(ListenerArn=listener + "0", Certificates=[{"CertificateArn": second}])


def test_the_audiences_of_an_oidc_provider_can_be_changed(aws: Any) -> None:
    iam = aws.client("iam")
    arn = iam.create_open_id_connect_provider(Url="https://gitlab.example.com", ClientIDList=["a"])["OpenIDConnectProviderArn"]
    for _ in range(2):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")
        iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="a")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["b"]
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn + "x", ClientID="b")


def test_pull_through_cache_rules_are_kept(aws: Any) -> None:
    ecr = aws.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="public", upstreamRegistryUrl="public.ecr.aws", upstreamRegistry="ecr-public")
    with pytest.raises(ClientError, match="AlreadyExists"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="public", upstreamRegistryUrl="quay.io")
    with pytest.raises(ClientError, match="credentialArn"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io")
    found = ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]
    assert [(rule["ecrRepositoryPrefix"], rule["upstreamRegistryUrl"]) for rule in found] == [("public", "public.ecr.aws")]
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="public")
    with pytest.raises(ClientError, match="NotFound"):
        ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=["public"])


def test_a_web_acl_tells_which_load_balancers_it_is_in_front_of(aws: Any) -> None:
    ec2, waf = aws.client("ec2"), aws.client("wafv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    arn = aws.client("elbv2").create_load_balancer(Name="guarded", Subnets=[_subnet(ec2, vpc, "10.0.0.0/24")])["LoadBalancers"][0][
        "LoadBalancerArn"
    ]
    visible = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    acl = waf.create_web_acl(Name="guard", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visible)["Summary"]["ARN"]
    assert waf.list_resources_for_web_acl(WebACLArn=acl)["ResourceArns"] == []
    waf.associate_web_acl(WebACLArn=acl, ResourceArn=arn)
    assert waf.list_resources_for_web_acl(WebACLArn=acl)["ResourceArns"] == [arn]
    with pytest.raises(ClientError, match="WAFNonexistentItemException"):
        waf.list_resources_for_web_acl(WebACLArn=acl + "-other")
