"""References, ECR host names, platforms."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.registry.manifests import matches_platform
from local_aws.registry.names import Reference, ecr_account_and_region, parse_reference
from local_aws.registry.repositories import tag_is_immutable

DIGEST = "sha256:" + "a" * 64
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{ECR}/team/api:1.0", Reference(ECR, "team/api", "1.0", None)),
        (f"{ECR}/api@{DIGEST}", Reference(ECR, "api", None, DIGEST)),
        (f"{ECR}/api:1.0@{DIGEST}", Reference(ECR, "api", "1.0", DIGEST)),
        (f"{ECR}/api", Reference(ECR, "api", "latest", None)),
        ("nginx", Reference("docker.io", "library/nginx", "latest", None)),
        ("bitnami/nginx:1", Reference("docker.io", "bitnami/nginx", "1", None)),
        ("127.0.0.1:4577/api:x", Reference("127.0.0.1:4577", "api", "x", None)),
        ("localhost/api", Reference("localhost", "api", "latest", None)),
        ("public.ecr.aws/docker/library/busybox:1.36", Reference("public.ecr.aws", "docker/library/busybox", "1.36", None)),
    ],
)
def test_references(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize("text", ["", "API", f"{ECR}/", f"{ECR}/api:", f"{ECR}/api@sha256:12", "a b", f"{ECR}/api:a/b", f"{ECR}/a//b"])
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(ValueError, match="invalid reference format"):
        parse_reference(text)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (ECR, ("123456789012", "eu-west-1")),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", ("123456789012", "cn-north-1")),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", ("123456789012", "us-east-1")),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", ("123456789012", "eu-west-1")),
        ("123.dkr.ecr.eu-west-1.amazonaws.com", None),
        ("public.ecr.aws", None),
        ("docker.io", None),
    ],
)
def test_ecr_hosts(host: str, expected: tuple[str, str] | None) -> None:
    assert ecr_account_and_region(host) == expected


@pytest.mark.parametrize(
    ("platform", "wanted", "holds"),
    [
        ({"os": "linux", "architecture": "amd64"}, "linux/amd64", True),
        ({"os": "linux", "architecture": "arm64", "variant": "v8"}, "linux/arm64", True),
        ({"os": "linux", "architecture": "arm", "variant": "v6"}, "linux/arm/v7", False),
        ({"os": "linux", "architecture": "arm64"}, "linux/amd64", False),
        ({"os": "windows", "architecture": "amd64"}, "linux/amd64", False),
        ({"os": "unknown", "architecture": "unknown"}, "linux/amd64", False),
    ],
)
def test_platforms(platform: dict[str, Any], wanted: str, holds: bool) -> None:
    assert matches_platform(platform, wanted) is holds


def test_a_filter_is_a_wildcard_and_no_regular_expression() -> None:
    assert tag_is_immutable("MUTABLE_WITH_EXCLUSION", [{"filter": "v1.0"}], "v1.0")
    assert not tag_is_immutable("MUTABLE_WITH_EXCLUSION", [{"filter": "v1.0"}], "v1x0")
    assert not tag_is_immutable("MUTABLE_WITH_EXCLUSION", [{"filter": "v*"}], "xv1")
