"""Listener rules: which action a request gets. Pure.

Conditions and their wildcards as in the ALB guide (listener-rules): `*` is any number of characters, `?` exactly one; host and
header names and header, host and query values ignore case, paths and methods do not; the values of one condition are alternatives.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from local_aws.elb.http1 import Request

DEFAULT_PRIORITY = 1_000_000
"""Behind every rule: their priorities go up to 50,000."""


@dataclass(frozen=True)
class Weighted:
    target_group_arn: str
    weight: int


@dataclass(frozen=True)
class Forward:
    target_groups: tuple[Weighted, ...]
    sticky_seconds: int | None = None
    """How long a client stays with its target group, when target group stickiness is on."""


@dataclass(frozen=True)
class Redirect:
    status: int
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


@dataclass(frozen=True)
class FixedResponse:
    status: int
    content_type: str
    body: str


@dataclass(frozen=True)
class Unsupported:
    """An action that needs services which are not here (authenticate-oidc, authenticate-cognito)."""

    kind: str


Action = Forward | Redirect | FixedResponse | Unsupported


@dataclass(frozen=True)
class Condition:
    field: str
    values: tuple[str, ...] = ()
    header_name: str = ""
    pairs: tuple[tuple[str | None, str], ...] = ()
    """Key (None: any) and value of a query-string condition."""


@dataclass(frozen=True)
class Rule:
    priority: int
    conditions: tuple[Condition, ...]
    action: Action


@functools.lru_cache(maxsize=4096)
def _pattern(text: str, ignore_case: bool) -> re.Pattern[str]:
    translated = "".join(".*" if part == "*" else "." if part == "?" else re.escape(part) for part in text)
    return re.compile(translated, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def wildcard(pattern: str, text: str, *, ignore_case: bool) -> bool:
    return _pattern(pattern, ignore_case).fullmatch(text) is not None


def host_name(host: str) -> str:
    """A Host header without its port."""
    return re.sub(r":\d+$", "", host)


def _any_value(condition: Condition, text: str, *, ignore_case: bool) -> bool:
    return any(wildcard(value, text, ignore_case=ignore_case) for value in condition.values)


def _host(condition: Condition, request: Request, source: str) -> bool:
    return _any_value(condition, host_name(request.host), ignore_case=True)


def _path(condition: Condition, request: Request, source: str) -> bool:
    return _any_value(condition, request.path, ignore_case=False)


def _header(condition: Condition, request: Request, source: str) -> bool:
    values = [value for name, value in request.headers if name.lower() == condition.header_name.lower()]
    return any(_any_value(condition, value, ignore_case=True) for value in values)


def _method(condition: Condition, request: Request, source: str) -> bool:
    return request.method in condition.values


def _query(condition: Condition, request: Request, source: str) -> bool:
    pairs = [part.partition("=")[::2] for part in request.query.split("&") if part]
    given = [(unquote_plus(key), unquote_plus(value)) for key, value in pairs]
    return any(
        wildcard(value, given_value, ignore_case=True) and (key is None or wildcard(key, given_key, ignore_case=True))
        for key, value in condition.pairs
        for given_key, given_value in given
    )


def _source(condition: Condition, request: Request, source: str) -> bool:
    address = ipaddress.ip_address(source)
    return any(address in ipaddress.ip_network(value, strict=False) for value in condition.values)


_TESTS: Mapping[str, Callable[[Condition, Request, str], bool]] = {
    "host-header": _host,
    "path-pattern": _path,
    "http-header": _header,
    "http-request-method": _method,
    "query-string": _query,
    "source-ip": _source,
}


def choose(rules: Sequence[Rule], request: Request, source: str) -> Action:
    """The action of the first rule, by priority, all of whose conditions hold. The default rule has none, so there always is one."""
    for rule in sorted(rules, key=lambda item: item.priority):
        if all(_TESTS[condition.field](condition, request, source) for condition in rule.conditions):
            return rule.action
    raise ValueError("the listener has no default rule")


def redirect_location(action: Redirect, request: Request, protocol: str, port: int) -> str:
    """The Location of a redirect: #{protocol}, #{host}, #{port}, #{path} (without the leading slash) and #{query} filled in."""
    values = {
        "protocol": protocol,
        "host": host_name(request.host),
        "port": str(port),
        "path": request.path.removeprefix("/"),
        "query": request.query,
    }

    def fill(text: str) -> str:
        return re.sub(r"#\{(protocol|host|port|path|query)\}", lambda match: values[match[1]], text)

    scheme, query = fill(action.protocol).lower(), fill(action.query)
    return f"{scheme}://{fill(action.host)}:{fill(action.port)}{fill(action.path)}" + (f"?{query}" if query else "")


def parse_condition(data: Mapping[str, Any]) -> Condition:
    """A RuleCondition of the API, in its old form (`Values`) or with the configuration object of its field."""
    kind = data["Field"]
    configured = {
        "host-header": "HostHeaderConfig",
        "path-pattern": "PathPatternConfig",
        "http-header": "HttpHeaderConfig",
        "http-request-method": "HttpRequestMethodConfig",
        "query-string": "QueryStringConfig",
        "source-ip": "SourceIpConfig",
    }[kind]
    config = data.get(configured) or {}
    if kind == "query-string":
        pairs = tuple((item.get("Key"), item.get("Value", "")) for item in config.get("Values", ()))
        return Condition(kind, pairs=pairs)
    values = tuple(config.get("Values") or data.get("Values") or ())
    return Condition(kind, values, header_name=config.get("HttpHeaderName", ""))


def parse_action(actions: Sequence[Mapping[str, Any]]) -> Action:
    """What a rule's list of actions comes to: its last one, since only authentication may stand before it."""
    first = next((item for item in actions if item["Type"].startswith("authenticate-")), None)
    if first is not None:
        return Unsupported(first["Type"])
    data = max(actions, key=lambda item: int(item.get("Order") or 0))
    if data["Type"] == "forward":
        return _forward(data)
    if data["Type"] == "redirect":
        config = data["RedirectConfig"]
        given = {name: config[key] for name, key in _REDIRECT_FIELDS.items() if config.get(key) is not None}
        return Redirect(301 if config["StatusCode"] == "HTTP_301" else 302, **given)
    if data["Type"] == "fixed-response":
        config = data["FixedResponseConfig"]
        return FixedResponse(int(config["StatusCode"]), config.get("ContentType") or "text/plain", config.get("MessageBody") or "")
    return Unsupported(data["Type"])


_REDIRECT_FIELDS = {"protocol": "Protocol", "host": "Host", "port": "Port", "path": "Path", "query": "Query"}


def _forward(data: Mapping[str, Any]) -> Forward:
    config = data.get("ForwardConfig") or {}
    groups = config.get("TargetGroups") or [{"TargetGroupArn": data["TargetGroupArn"]}]
    weighted = tuple(Weighted(group["TargetGroupArn"], int(1 if group.get("Weight") is None else group["Weight"])) for group in groups)
    sticky = config.get("TargetGroupStickinessConfig") or {}
    enabled = str(sticky.get("Enabled", False)).lower() == "true"
    return Forward(weighted, int(sticky.get("DurationSeconds") or 3600) if enabled else None)
