"""Listener rules: conditions, priorities, redirects, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.elb.http1 import Request
from local_aws.elb.rules import (
    DEFAULT_PRIORITY,
    Condition,
    FixedResponse,
    Forward,
    Redirect,
    Rule,
    Unsupported,
    Weighted,
    choose,
    parse_action,
    parse_condition,
    redirect_location,
)

DEFAULT = FixedResponse(404, "text/plain", "default")
HIT = FixedResponse(200, "text/plain", "hit")


def request(target: str = "/", method: str = "GET", host: str = "shop.example.com", **headers: str) -> Request:
    fields = [("Host", host), *((name.replace("_", "-"), value) for name, value in headers.items())]
    return Request(method, target, "HTTP/1.1", fields)


@pytest.mark.parametrize(
    ("data", "given", "holds"),
    [
        ({"Field": "host-header", "Values": ["shop.example.com"]}, request(host="SHOP.example.com:8080"), True),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["*.example.com"]}}, request(), True),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["*.example.com"]}}, request(host="example.com"), False),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["sho?.example.com"]}}, request(), True),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["shopXexample.com"]}}, request(), False),
        ({"Field": "path-pattern", "Values": ["/img/*"]}, request("/img/a/b.png?x=1"), True),
        ({"Field": "path-pattern", "Values": ["/img/*"]}, request("/IMG/a.png"), False),
        ({"Field": "path-pattern", "Values": ["/img/?.png"]}, request("/img/ab.png"), False),
        ({"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a", "/b"]}}, request("/b"), True),
        ({"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a[b]"]}}, request("/ab"), False),
        ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "user-agent", "Values": ["*chrome*"]}},
         request(User_Agent="Chrome/1"), True),
        ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["1"]}}, request(), False),
        ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST", "PUT"]}}, request(method="PUT"), True),
        ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}}, request(method="post"), False),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2*"}]}}, request("/?a=1&V=2.1"), True),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2"}]}}, request("/?w=2"), False),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "a b"}]}}, request("/?x=a+b"), True),
        ({"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8", "127.0.0.0/8"]}}, request(), True),
        ({"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}, request(), False),
    ],
)  # fmt: skip
def test_conditions(data: dict[str, Any], given: Request, holds: bool) -> None:
    rules = [Rule(DEFAULT_PRIORITY, (), DEFAULT), Rule(5, (parse_condition(data),), HIT)]
    assert choose(rules, given, "127.0.0.1") is (HIT if holds else DEFAULT)


def test_all_conditions_of_a_rule_must_hold() -> None:
    both = (Condition("path-pattern", ("/api/*",)), Condition("http-request-method", ("POST",)))
    rules = [Rule(1, both, HIT), Rule(DEFAULT_PRIORITY, (), DEFAULT)]
    assert choose(rules, request("/api/x", method="POST"), "127.0.0.1") is HIT
    assert choose(rules, request("/api/x"), "127.0.0.1") is DEFAULT


def test_the_lowest_priority_number_wins_whatever_the_order() -> None:
    first, second = FixedResponse(201, "text/plain", ""), FixedResponse(202, "text/plain", "")
    rules = [
        Rule(DEFAULT_PRIORITY, (), DEFAULT),
        Rule(20, (Condition("path-pattern", ("*",)),), second),
        Rule(3, (Condition("path-pattern", ("*",)),), first),
    ]
    assert choose(rules, request(), "127.0.0.1") is first


@pytest.mark.parametrize(
    ("config", "location"),
    [
        ({"StatusCode": "HTTP_301"}, "http://shop.example.com:80/a/b?q=1"),
        ({"StatusCode": "HTTP_302", "Protocol": "HTTPS", "Port": "443"}, "https://shop.example.com:443/a/b?q=1"),
        ({"StatusCode": "HTTP_301", "Host": "www.#{host}", "Path": "/v2/#{path}", "Query": ""}, "http://www.shop.example.com:80/v2/a/b"),
        ({"StatusCode": "HTTP_301", "Query": "#{query}&from=#{port}"}, "http://shop.example.com:80/a/b?q=1&from=80"),
    ],
)
def test_redirects(config: dict[str, str], location: str) -> None:
    action = parse_action([{"Type": "redirect", "RedirectConfig": config}])
    assert isinstance(action, Redirect)
    assert action.status == (301 if config["StatusCode"] == "HTTP_301" else 302)
    assert redirect_location(action, request("/a/b?q=1", host="shop.example.com:80"), "HTTP", 80) == location


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([{"Type": "forward", "TargetGroupArn": "a"}], Forward((Weighted("a", 1),))),
        (
            [{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "a", "Weight": 0}, {"TargetGroupArn": "b"}]}}],
            Forward((Weighted("a", 0), Weighted("b", 1))),
        ),
        (
            [
                {
                    "Type": "forward",
                    "ForwardConfig": {
                        "TargetGroups": [{"TargetGroupArn": "a", "Weight": 5}],
                        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60},
                    },
                }
            ],
            Forward((Weighted("a", 5),), 60),
        ),
        (
            [{"Type": "authenticate-oidc", "Order": 1}, {"Type": "forward", "TargetGroupArn": "a", "Order": 2}],
            Unsupported("authenticate-oidc"),
        ),
    ],
)
def test_actions(actions: list[dict[str, Any]], expected: object) -> None:
    assert parse_action(actions) == expected
