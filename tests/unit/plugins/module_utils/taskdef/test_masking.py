# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which values are secrets: what is refused, what only looks like it, and what is masked where it is shown."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.checks import problems
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.differences import diff_text, differences
from ansible_collections.steadystate.ecs.plugins.module_utils._taskdef.masking import MASK, masked, secret_reason

# Put together here, so that no scanner takes this file for a leak.
SECRETS = [
    ("DB_PASSWORD", "x"),
    ("DB_PASSWORD", "123456"),
    ("dbPassword", "hunter2"),
    ("db-password", "hunter2"),
    ("MYSQL_PWD", "hunter2"),
    ("SMTP_PASS", "hunter2"),
    ("API_TOKEN", "abcdef"),
    ("GITHUB_TOKEN", "abcdef"),
    ("CLIENT_SECRET", "abcdef"),
    ("SECRET_KEY", "abcdef"),
    ("SECRET_KEY_BASE", "abcdef"),
    ("STRIPE_API_KEY", "abcdef"),
    ("apiKey", "abcdef"),
    ("AWS_SECRET_ACCESS_KEY", "abcdef"),
    ("SIGNING_KEY", "abcdef"),
    ("ENCRYPTION_KEY", "abcdef"),
    ("AZURE_ACCOUNT_KEY", "abcdef"),
    ("GOOGLE_CREDENTIALS", "{}x"),
    ("DATABASE_URL", "postgres://user:pw@db/app"),
    ("REDIS", "redis://:pw@cache:6379"),
    ("DSN", "Server=db;User=u;Password=hunter2;"),
    ("ANYTHING", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("ANYTHING", "ghp_" + "a" * 36),
    ("ANYTHING", "github_pat_" + "a" * 30),
    ("ANYTHING", "glpat-" + "a" * 20),
    ("ANYTHING", "xoxb-" + "1" * 12),
    ("ANYTHING", "sk_live_" + "a" * 24),
    ("ANYTHING", "AIza" + "a" * 35),
    ("ANYTHING", "npm_" + "a" * 36),
    ("ANYTHING", "SG." + "a" * 22 + "." + "b" * 43),
    ("ANYTHING", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"),
    ("ANYTHING", "-----BEGIN RSA PRIVATE" + " KEY-----"),
    # A pointer's name does not help a value that shows what it is.
    ("TOKEN_URL", "https://user:pw@example.com"),
]
PLAIN = [
    ("LOG_LEVEL", "info"),
    ("DB_PASSWORD", ""),
    ("DB_PASSWORD_FILE", "/run/secrets/db"),
    ("DB_PASSWORD", "/run/secrets/db"),
    ("SECRET_ARN", "arn:aws:x"),
    ("DB_SECRET", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"),
    ("SECRET_NAME", "shop/db"),
    ("TOKEN_TTL", "30"),
    ("TOKEN_LIFETIME", "15m"),
    ("ACCESS_TOKEN_EXPIRY", "3600"),
    ("TOKEN_ISSUER", "https://issuer.example.com"),
    ("OAUTH_TOKEN_URL", "https://auth.example.com/token"),
    ("OAUTH_TOKEN", "https://auth.example.com/token"),
    ("MAX_TOKENS", "4096"),
    ("TOKENIZER", "cl100k"),
    ("TOKEN_LIMIT", "4096"),
    ("PASSWORD_MIN_LENGTH", "12"),
    ("PASSWORD_POLICY", "strict"),
    ("REQUIRE_PASSWORD", "true"),
    ("CORS_ALLOW_CREDENTIALS", "true"),
    ("CREDENTIALS", "include"),
    ("PASSTHROUGH", "yes"),
    ("COMPASS_HOST", "x"),
    ("AUTHOR", "me"),
    ("AUTH_MODE", "oidc"),
    ("SECRETARY_EMAIL", "a@example.com"),
    ("PUBLIC_KEY", "ssh-ed25519 AAAA"),
    ("NEXT_PUBLIC_API_KEY", "abc"),
    ("STRIPE_PUBLISHABLE_KEY", "pk_live_abc"),
    ("PARTITION_KEY", "id"),
    ("KEY", "value"),
    ("CACHE_KEY_PREFIX", "x"),
    ("AWS_ACCESS_KEY_ID", "not-the-id-of-a-key"),
    ("KMS_KEY_ID", "1234"),
    ("PWD", "/srv"),
    ("DATABASE_URL", "postgres://db/app"),
    ("DATABASE_URL", "postgres://user@db/app"),
    ("DATABASE_URL", "postgres://user:${DB_PASSWORD}@db/app"),
    ("DB_PASSWORD", "${DB_PASSWORD}"),
    ("IMAGE", "registry:5000/a@sha256:" + "0" * 64),
    ("SESSION_TOKEN_ROTATION", "daily"),
]


@pytest.mark.parametrize(("name", "value"), SECRETS)
def test_what_has_no_place_in_an_environment(name: str, value: str) -> None:
    reason = secret_reason(name, value)
    assert reason
    assert len(value) < 3 or value not in reason


@pytest.mark.parametrize(("name", "value"), PLAIN)
def test_what_merely_speaks_of_secrets(name: str, value: str) -> None:
    assert secret_reason(name, value) is None


def definition(**container: t.Any) -> dict[str, t.Any]:
    return {"family": "web", "containerDefinitions": [{"name": "app", "image": "web:1", "memory": 128, **container}]}


def test_a_secret_is_refused_without_its_value_and_may_be_allowed() -> None:
    made = definition(environment=[{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "API_TOKEN", "value": "abcdef"}])
    found = problems(made)
    assert [item.split(": ")[2].split()[0] for item in found] == ["DB_PASSWORD", "API_TOKEN"]
    assert all("allow_plain" in item and "secrets" in item for item in found)
    assert "hunter2" not in str(found)
    assert "abcdef" not in str(found)
    assert len(problems(made, ["DB_PASSWORD"])) == 1
    assert problems(made, ["DB_PASSWORD", "API_TOKEN"]) == []


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("command", ["serve", "--password=hunter2", "--port=80"], ["serve", f"--password={MASK}", "--port=80"]),
        ("command", ["serve", "--api-token", "hunter2", "x"], ["serve", "--api-token", MASK, "x"]),
        ("command", ["env", "DB_PASSWORD=hunter2", "serve"], ["env", f"DB_PASSWORD={MASK}", "serve"]),
        ("command", ["sh", "-c", "curl https://user:hunter2@host"], ["sh", "-c", MASK]),
        ("command", ["--verbose", "--token-ttl", "30"], ["--verbose", "--token-ttl", "30"]),
        ("options", {"splunk-token": "hunter2", "splunk-url": "https://x"}, {"splunk-token": MASK, "splunk-url": "https://x"}),
        ("properties", [{"name": "API_TOKEN", "value": "hunter2"}], [{"name": "API_TOKEN", "value": MASK}]),
        ("cpu", 5, 5),
    ],
)
def test_secrets_are_masked_wherever_they_are(field: str, value: t.Any, expected: t.Any) -> None:
    assert masked(field, value) == expected


def test_no_view_of_a_difference_shows_a_secret() -> None:
    before = definition(
        command=["--password", "hunter1"],
        dockerLabels={"api-token": "hunter1"},
        logConfiguration={"logDriver": "splunk", "options": {"splunk-token": "hunter1"}},
    )
    after = definition(
        command=["--password", "hunter2"],
        dockerLabels={"api-token": "hunter2"},
        logConfiguration={"logDriver": "splunk", "options": {"splunk-token": "hunter2"}},
    )
    found = differences(before, after)
    assert {item["field"] for item in found} == {"command", "dockerLabels.api-token", "logConfiguration.options.splunk-token"}
    text = diff_text(before, after, "a", "b")
    assert "hunter" not in str(found) + str(text)
    assert text["after"].count("(changed)") == 3


def test_where_a_secret_is_kept_is_shown() -> None:
    made = definition(secrets=[{"name": "DB_PASSWORD", "valueFrom": "arn:aws:ssm:eu-west-1:1:parameter/x"}])
    assert {
        "container": "app",
        "field": "secrets.DB_PASSWORD",
        "before": None,
        "after": "arn:aws:ssm:eu-west-1:1:parameter/x",
    } in differences(definition(), made)
