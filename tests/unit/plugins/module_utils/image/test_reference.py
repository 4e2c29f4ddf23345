# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._image.errors import ImageError
from ansible_collections.steadystate.ecs.plugins.module_utils._image.reference import (
    Reference,
    check_digest,
    check_repository,
    check_tag,
    parse_reference,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("api", Reference("", "api")),
        ("api:1.4", Reference("", "api", "1.4")),
        (f"api@{DIGEST}", Reference("", "api", None, DIGEST)),
        (f"{ECR}/team/api:1.4@{DIGEST}", Reference(ECR, "team/api", "1.4", DIGEST)),
        ("localhost/api", Reference("localhost", "api")),
        ("localhost:5000/team/api:v1", Reference("localhost:5000", "team/api", "v1")),
        ("[::1]:5000/api", Reference("[::1]:5000", "api")),
        ("team/api", Reference("", "team/api")),
        ("f0/a__b.c-d---e", Reference("", "f0/a__b.c-d---e")),
    ],
)
def test_reads_names_and_writes_them_back(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not a repository name"),
        ("API", "not a repository name"),
        ("team//api", "not a repository name"),
        ("api-", "not a repository name"),
        ("a___b", "not a repository name"),
        ("api:", "not an image tag"),
        ("api:-x", "not an image tag"),
        ("api:" + "x" * 129, "not an image tag"),
        ("api@sha256:12", "not a digest"),
        ("api@", "not a digest"),
        ("bad_host.com:x/api", "not a registry host"),
        ("host.example/" + "a" * 250, "longer than 255"),
    ],
)
def test_refuses_what_is_no_name(text: str, complaint: str) -> None:
    with pytest.raises(ImageError, match=complaint):
        parse_reference(text)


def test_a_tag_may_have_128_characters() -> None:
    assert check_tag("_" + "x" * 127)


def test_accepts_sha512_digests() -> None:
    assert check_digest("sha512:" + "a" * 128)


@pytest.mark.parametrize("name", ["api", "team/api", "cdk-hnb659fds-container-assets-123456789012-eu-west-1"])
def test_accepts_repository_names(name: str) -> None:
    assert check_repository(name) == name
