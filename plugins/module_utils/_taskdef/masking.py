# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which values of an environment are secrets by their look: never shown, and not let into a definition unasked.

Two judgements of different care. `looks_secret` masks, where one value too many costs nothing. `secret_reason` refuses, where one
too many costs a deploy: it leaves alone what merely speaks of secrets, such as a lifetime, a file's path or a switch.
"""

from __future__ import annotations

import re
import typing as t

MASK = "********"

_SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase)?($|_)|secret|token|api_?key|access_?key|private_?key|credential|auth($|_)|signing_?key|encryption_?key)",
    re.IGNORECASE,
)
# Names that end in these point at a secret or say something of it, and do not hold one.
_POINTER_WORDS = frozenset(
    [
        "arn",
        "id",
        "ids",
        "name",
        "names",
        "path",
        "file",
        "files",
        "dir",
        "directory",
        "url",
        "uri",
        "endpoint",
        "host",
        "port",
        "region",
        "ttl",
        "expiry",
        "expires",
        "expiration",
        "timeout",
        "lifetime",
        "length",
        "size",
        "count",
        "limit",
        "header",
        "algorithm",
        "alg",
        "issuer",
        "audience",
        "type",
        "mode",
        "method",
        "enabled",
        "disabled",
        "required",
        "policy",
        "prefix",
        "suffix",
        "days",
        "hours",
        "minutes",
        "seconds",
        "interval",
        "version",
        "provider",
        "store",
        "backend",
        "source",
        "format",
        "scheme",
        "rotation",
        "attempts",
        "max",
        "min",
    ]
)
_PASSWORD_WORDS = frozenset({"password", "passwd", "passphrase", "pwd", "pass"})
_SECRET_WORDS = _PASSWORD_WORDS | {"secret", "token", "credential", "credentials", "apikey", "privatekey", "secretkey", "accesskey"}
# Words that make a secret of a key: API_KEY, but neither KEY nor PARTITION_KEY.
_KEY_WORDS = frozenset(
    {"api", "access", "private", "secret", "signing", "encryption", "master", "session", "account", "shared", "auth", "hmac"}
)
_SWITCHES = frozenset(
    ["true", "false", "yes", "no", "on", "off", "none", "null", "enabled", "disabled", "required", "optional", "include", "omit"]
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_FLAG = re.compile(r"-{0,2}[A-Za-z][A-Za-z0-9_.-]*")
_POINTER_NAME = re.compile(r"(_arn|_id|_name|_path|_file|_url|_endpoint|_ttl|_expiry|_timeout)$", re.IGNORECASE)

_SHAPES = (
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("an AWS access key", re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b")),
    # A password that is filled in elsewhere, as in ${PASSWORD}, $(PASSWORD) or <password>, is none.
    ("a URL with a password in it", re.compile(r"://[^/\s:@]*:(?![$<{*]|%\()[^/\s@]+@")),
    (
        "a connection string with a password in it",
        re.compile(r"(?:^|[;\s])(?:password|pwd|accountkey|sharedaccesskey)=(?![$<{*])[^;\s]+", re.IGNORECASE),
    ),
    ("a GitHub token", re.compile(r"\b(gh[pousr]_[0-9A-Za-z]{20,}|github_pat_[0-9A-Za-z_]{20,})")),
    ("a GitLab token", re.compile(r"\bglpat-[0-9A-Za-z_-]{20,}")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10,}")),
    ("a Stripe key", re.compile(r"\b[sr]k_(live|test)_[0-9A-Za-z]{16,}")),
    ("a Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("an npm token", re.compile(r"\bnpm_[0-9A-Za-z]{36}\b")),
    ("a SendGrid key", re.compile(r"\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}")),
    ("a JSON Web Token", re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}\.")),
)


def looks_secret(name: str, value: str) -> bool:
    """Whether to mask the value when it is shown."""
    if not value:
        return False
    if secret_reason(name, value) is not None:
        return True
    return bool(_SECRET_NAME.search(name)) and not _POINTER_NAME.search(name.replace("-", "_"))


def secret_reason(name: str, value: str) -> str | None:
    """Why this value has no place in an environment, in words that hold nothing of it; None when it may stay."""
    text = value.strip()
    if not text:
        return None
    for what, shape in _SHAPES:
        if shape.search(text):
            return f"its value looks like {what}"
    if not _names_a_secret(name) or _is_harmless(name, text):
        return None
    return "its name says that it is a secret"


def masked(name: str, value: t.Any) -> t.Any:
    """`value` with the secrets in it masked, however deep. `name` is what it is the value of."""
    if isinstance(value, dict):
        own = "name" if isinstance(value.get("name"), str) and "value" in value else None
        return {key: masked(value["name"] if own and key == "value" else str(key), item) for key, item in value.items()}
    if isinstance(value, list):
        return _masked_words(name, value)
    if isinstance(value, str):
        return MASK if looks_secret(name, value) else value
    return value


def _masked_words(name: str, words: list[t.Any]) -> list[t.Any]:
    """A list, which may be a command: `--password=x` and `--password x` lose the x."""
    result: list[t.Any] = []
    flag = ""
    for word in words:
        if not isinstance(word, str):
            result.append(masked(name, word))
            flag = ""
            continue
        before, equals, after = word.partition("=")
        if flag and not word.startswith("-"):
            result.append(MASK if looks_secret(flag, word) else word)
        elif equals and _FLAG.fullmatch(before) and looks_secret(before, after):
            result.append(f"{before}={MASK}")
        else:
            result.append(MASK if looks_secret("", word) else word)
        flag = word if not equals and word.startswith("-") and _FLAG.fullmatch(word) else ""
    return result


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(name)]


def _names_a_secret(name: str) -> bool:
    words = _words(name)
    if not words or words[-1] in _POINTER_WORDS or "public" in words or "publishable" in words:
        return False
    if _SECRET_WORDS & set(words):
        return True
    return words[-1] == "key" and bool(_KEY_WORDS & set(words[:-1]))


def _is_harmless(name: str, text: str) -> bool:
    if text.lower() in _SWITCHES or text.startswith(("arn:", "/", "./", "file:", "${", "$(", "{{", "<")):
        return True
    if re.match(r"^[a-z][a-z0-9+.-]*://", text):
        # One with a password in it has been found by its shape.
        return True
    number = re.fullmatch(r"[0-9.]{1,8}(ms|s|m|h|d)?", text) is not None
    return number and not (_PASSWORD_WORDS & set(_words(name)))
