# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a load balancer is a difference, and what Elastic Load Balancing only says in another way."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._platform import load_balancer as pure
from ansible_collections.steadystate.ecs.plugins.module_utils._platform.differences import as_diff, in_words

Data = dict[str, t.Any]
WEB, API = (f"arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/{name}/1" for name in ("web", "api"))
ARNS = {"web": WEB, "api": API}
BALANCER = {
    "Scheme": "internet-facing",
    "IpAddressType": "ipv4",
    "AvailabilityZones": [{"SubnetId": "subnet-b"}, {"SubnetId": "subnet-a"}],
    "SecurityGroups": ["sg-1"],
}
WANTED: Data = {
    "name": "shop",
    "scheme": "internet-facing",
    "ip_address_type": None,
    "subnets": ["subnet-a", "subnet-b"],
    "security_groups": ["sg-1"],
    "tags": {"project": "shop"},
}


@pytest.mark.parametrize(
    ("found", "tags", "change", "expected"),
    [
        (BALANCER, {"project": "shop", "extra": "1"}, {}, []),
        (None, {}, {}, ["load balancer shop is missing"]),
        (BALANCER, {"project": "other"}, {}, ["load balancer shop tag project: other -> shop"]),
        (BALANCER, {}, {}, ["load balancer shop tag project: shop is missing"]),
        (BALANCER, {}, {"tags": {}, "subnets": None, "security_groups": None}, []),
        (BALANCER, {}, {"tags": {}, "ip_address_type": "dualstack"}, ["load balancer shop ip_address_type: ipv4 -> dualstack"]),
        (
            BALANCER,
            {},
            {"tags": {}, "subnets": ["subnet-a", "subnet-c"]},
            ['load balancer shop subnets: ["subnet-a", "subnet-b"] -> ["subnet-a", "subnet-c"]'],
        ),
    ],
)
def test_settings(found: Data | None, tags: dict[str, str], change: Data, expected: list[str]) -> None:
    changes, fixed = pure.balancer_changes(found, tags, {**WANTED, **change})
    assert (in_words(changes), fixed) == (expected, [])


def test_the_scheme_of_a_load_balancer_is_for_ever() -> None:
    changes, fixed = pure.balancer_changes(BALANCER, {"project": "shop"}, {**WANTED, "scheme": "internal"})
    assert (changes, in_words(fixed)) == ([], ["load balancer shop scheme: internet-facing -> internal"])


def test_attributes_are_compared_as_the_api_spells_them() -> None:
    found = {"deletion_protection.enabled": "false", "idle_timeout.timeout_seconds": "60", "routing.http2.enabled": "true"}
    wanted = {"deletion_protection.enabled": True, "idle_timeout.timeout_seconds": 60}
    changes = pure.attribute_changes("shop", found, wanted)
    assert as_diff(list(changes.values())) == {
        "before": "shop deletion_protection.enabled: false\n",
        "after": "shop deletion_protection.enabled: true\n",
    }
    assert pure.attribute_changes("shop", found, None) == {}


def _forward(arn: str) -> Data:
    """A forward action as DescribeListeners writes it."""
    config = {"TargetGroups": [{"TargetGroupArn": arn, "Weight": 1}], "TargetGroupStickinessConfig": {"Enabled": False}}
    return {"Type": "forward", "TargetGroupArn": arn, "Order": 1, "ForwardConfig": config}


REDIRECT = {
    "Type": "redirect",
    "Order": 1,
    "RedirectConfig": {
        "Protocol": "HTTPS",
        "Port": "443",
        "Host": "#{host}",
        "Path": "/#{path}",
        "Query": "#{query}",
        "StatusCode": "HTTP_301",
    },
}


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [
        (_forward(WEB), {"Type": "forward", "TargetGroupName": "web"}, True),
        (_forward(WEB), {"Type": "forward", "TargetGroupArn": WEB}, True),
        (_forward(WEB), {"Type": "forward", "TargetGroupName": "api"}, False),
        # A target group that does not exist yet is none of those that do.
        (_forward(WEB), {"Type": "forward", "TargetGroupName": "new"}, False),
        (_forward(WEB), {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": WEB, "Weight": 7}]}}, True),
        (REDIRECT, {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": 443, "StatusCode": "HTTP_301"}}, True),
        (REDIRECT, {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_302"}}, False),
        (REDIRECT, {"Type": "forward", "TargetGroupName": "web"}, False),
        (
            {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "no"}},
            {"Type": "fixed-response", "FixedResponseConfig": {"MessageBody": "no", "StatusCode": "404", "ContentType": "text/plain"}},
            True,
        ),
        (
            {"Type": "authenticate-oidc", "AuthenticateOidcConfig": {"Issuer": "https://id", "ClientId": "1"}},
            {"Type": "authenticate-oidc", "AuthenticateOidcConfig": {"Issuer": "https://id", "ClientId": "1", "ClientSecret": "s"}},
            True,
        ),
    ],
)
def test_actions(found: Data, wanted: Data, same: bool) -> None:
    there, asked = ({"Port": 80, "Protocol": "HTTP", "DefaultActions": [action]} for action in (found, wanted))
    assert (pure.listener_change(there, pure.with_arns([asked], ARNS)[0]) == []) is same


def test_weights_count_where_there_are_several_targets() -> None:
    def weighted(web: int, api: int, seconds: int | None = None) -> Data:
        config: Data = {"TargetGroups": [{"TargetGroupArn": API, "Weight": api}, {"TargetGroupArn": WEB, "Weight": web}]}
        if seconds:
            config["TargetGroupStickinessConfig"] = {"Enabled": True, "DurationSeconds": seconds}
        return {"Port": 80, "Protocol": "HTTP", "DefaultActions": [{"Type": "forward", "ForwardConfig": config}]}

    assert not pure.listener_change(weighted(90, 10), weighted(90, 10))
    assert pure.listener_change(weighted(90, 10), weighted(80, 20))
    assert pure.listener_change(weighted(90, 10), weighted(90, 10, 60))


HTTPS = {
    "Port": 443,
    "Protocol": "HTTPS",
    "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "Certificates": [{"CertificateArn": "c1"}],
    "DefaultActions": [_forward(WEB)],
}


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ({}, {}, []),
        ({"Certificates": [{"CertificateArn": "c2"}]}, {}, ["listener 443 certificate: c2 -> c1"]),
        (
            {"SslPolicy": "ELBSecurityPolicy-2016-08"},
            {},
            ["listener 443 ssl_policy: ELBSecurityPolicy-2016-08 -> ELBSecurityPolicy-TLS13-1-2-2021-06"],
        ),
        # A listener that says no policy has the oldest, and AWS shows it.
        ({"SslPolicy": "ELBSecurityPolicy-2016-08"}, {"SslPolicy": None}, []),
        ({}, {"Protocol": "HTTP"}, ["listener 443 protocol: HTTPS -> HTTP"]),
    ],
)
def test_listeners(found: Data, wanted: Data, expected: list[str]) -> None:
    assert in_words(pure.listener_change({**HTTPS, **found}, {**HTTPS, **wanted})) == expected


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ([], [], {}),
        ([("c1", True)], ["c2"], {"c2": ("", "listener 443 extra certificate: c2")}),
        ([("c1", True), ("c2", False), ("c3", False)], ["c3"], {"c2": ("listener 443 extra certificate: c2", "")}),
        ([("c1", True), ("c3", False), ("c2", False)], ["c2", "c3", "c2"], {}),
        # The default one may be in the list as well, on either side.
        ([("c1", True), ("c1", False)], [], {}),
        ([("c1", True)], ["c1"], {}),
        # One that has to make room for another default is one more among the others.
        ([("c0", True)], ["c0"], {"c0": ("", "listener 443 extra certificate: c0")}),
    ],
)
def test_certificates_for_other_names(found: list[tuple[str, bool]], wanted: list[str], expected: dict[str, tuple[str, str]]) -> None:
    there = [{"CertificateArn": arn, "IsDefault": is_default} for arn, is_default in found]
    assert pure.certificate_changes(there, {**HTTPS, "ExtraCertificates": wanted}) == expected


def test_listeners_that_are_missing_or_too_many() -> None:
    lines = in_words([*pure.listener_change(None, HTTPS), *pure.listener_change(HTTPS, None)])
    assert [line[:12] + "…" + line[-10:] for line in lines] == ["listener 443…is missing", "listener 443…not wanted"]


def test_names_of_target_groups_become_arns_wherever_they_are() -> None:
    weighted = {"TargetGroups": [{"TargetGroupName": "api", "Weight": 1}, {"TargetGroupName": "new", "Weight": 2}]}
    listener = {
        "Port": 80,
        "Protocol": "HTTP",
        "DefaultActions": [{"Type": "forward", "TargetGroupName": "web"}],
        "Rules": [{"Priority": 1, "Conditions": [], "Actions": [{"Type": "forward", "ForwardConfig": weighted}]}],
    }
    assert pure.target_group_names([listener]) == {"web", "api", "new"}
    (named,) = pure.with_arns([listener], ARNS)
    assert named["DefaultActions"] == [{"Type": "forward", "TargetGroupArn": WEB}]
    assert named["Rules"][0]["Actions"][0]["ForwardConfig"]["TargetGroups"] == [
        {"TargetGroupArn": API, "Weight": 1},
        {"TargetGroupArn": "new", "Weight": 2},
    ]
    assert "TargetGroupName" in listener["DefaultActions"][0], "what came in stays as it was"


def _rule(priority: t.Any, arn: str, *conditions: Data) -> Data:
    return {"Priority": priority, "Conditions": list(conditions), "Actions": [_forward(arn)]}


PATHS = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/b", "/a"]}}
HOST = {"Field": "host-header", "HostHeaderConfig": {"Values": ["x.example.com"]}}


@pytest.mark.parametrize(
    ("found", "wanted", "changed"),
    [
        # What DescribeRules says twice, in an order of its own.
        ([_rule("10", API, {**PATHS, "Values": ["/a", "/b"]}, HOST)], [_rule(10, API, HOST, PATHS)], []),
        ([_rule("10", API, {"Field": "path-pattern", "Values": ["/a", "/b"]})], [_rule(10, API, PATHS)], []),
        ([_rule("default", WEB)], [], []),
        ([_rule("10", API, PATHS), _rule("9", API, HOST)], [_rule(10, API, PATHS)], ["9"]),
        ([], [_rule(100, API, PATHS), _rule(9, API, HOST)], ["9", "100"]),
        ([_rule("10", API, PATHS)], [_rule(10, WEB, PATHS)], ["10"]),
        ([_rule("10", API, PATHS)], [_rule(10, API, HOST)], ["10"]),
        ([_rule("10", API, PATHS)], [_rule(11, API, PATHS)], ["10", "11"]),
        (
            [_rule("1", API, {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["1"]}})],
            [_rule(1, API, {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-B", "Values": ["1"]}})],
            ["1"],
        ),
        (
            [_rule("1", API, {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "1"}]}})],
            [_rule(1, API, {"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "1", "Key": "v"}]}})],
            [],
        ),
    ],
)
def test_rules(found: list[Data], wanted: list[Data], changed: list[str]) -> None:
    lines = in_words(list(pure.rule_changes(443, found, wanted).values()))
    assert [line.split(":")[0] for line in lines] == [f"listener 443 rule {priority}" for priority in changed]


GROUP = {
    "TargetType": "ip",
    "Protocol": "HTTP",
    "ProtocolVersion": "HTTP1",
    "Port": 8080,
    "VpcId": "vpc-1",
    "HealthCheckPath": "/health",
    "HealthCheckIntervalSeconds": 30,
    "Matcher": {"HttpCode": "200"},
}


@pytest.mark.parametrize(
    ("found", "wanted", "changes", "fixed"),
    [
        (GROUP, {"port": 8080, "vpc_id": "vpc-1", "health_check_path": "/health", "health_check_codes": "200"}, [], []),
        (GROUP, {}, [], []),
        (
            GROUP,
            {"health_check_interval": 10, "health_check_codes": "200-299"},
            ["target group web health_check_interval: 30 -> 10", "target group web health_check_codes: 200 -> 200-299"],
            [],
        ),
        (GROUP, {"port": 9090, "vpc_id": "vpc-2"}, [], ["target group web port: 8080 -> 9090", "target group web vpc_id: vpc-1 -> vpc-2"]),
        ({**GROUP, "ProtocolVersion": "GRPC", "Matcher": {"GrpcCode": "0"}}, {"health_check_codes": "0"}, [], []),
    ],
)
def test_target_groups(found: Data, wanted: Data, changes: list[str], fixed: list[str]) -> None:
    there = pure.group_changes(found, {"name": "web", **wanted})
    assert (in_words(there[0]), in_words(there[1])) == (changes, fixed)


def test_a_health_check_in_the_words_of_the_api() -> None:
    wanted = {"health_check_path": "/", "health_check_codes": "200", "healthy_threshold": None}
    assert pure.health_check_request(wanted) == {"HealthCheckPath": "/", "Matcher": {"HttpCode": "200"}}
    assert pure.health_check_request({"health_check_codes": "0", "protocol_version": "GRPC"}) == {"Matcher": {"GrpcCode": "0"}}


@pytest.mark.parametrize(
    ("name", "is_one"), [("a", True), ("a-1", True), ("a" * 32, True), ("a" * 33, False), ("-a", False), ("a--b", False), ("a_b", False)]
)
def test_names(name: str, is_one: bool) -> None:
    assert pure.is_name(name) is is_one
