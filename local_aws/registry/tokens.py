"""What a client proves: the password of GetAuthorizationToken, and the signature of a layer's download URL."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

TOKEN_LIFETIME = timedelta(hours=12)
"""A token is valid for 12 real hours (GetAuthorizationToken): clients compare expiresAt with their own clock."""

USER_NAME = "AWS"


class InvalidToken(Exception):
    """Not a token that was issued here."""


class ExpiredToken(Exception):
    """Issued here, but more than 12 hours ago."""


@dataclass(frozen=True)
class Principal:
    """Whose registry a client works with."""

    account: str
    region: str


@dataclass(frozen=True)
class Proof:
    """What a password says: whose registry it is for, and which access key asked for it."""

    principal: Principal
    access_key: str


class Tokens:
    def __init__(self, key_file: Path) -> None:
        """The key lives in a file, so that a stored `podman login` survives a restart."""
        self._key_file = key_file
        self._key = b""
        self._worthless_before = 0.0

    def load(self) -> None:
        self._key_file.parent.mkdir(parents=True, exist_ok=True)
        if not self._key_file.exists():
            self._key_file.touch(mode=0o600)
            self._key_file.write_bytes(secrets.token_bytes(32))
        self._key = self._key_file.read_bytes()

    def sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def is_signature(self, text: str, signature: str) -> bool:
        return hmac.compare_digest(self.sign(text), signature)

    def issue(self, principal: Principal, access_key: str, now: datetime) -> tuple[str, datetime]:
        """`authorizationToken`, that is base64 of `AWS:password`, and when it expires."""
        expires = now + TOKEN_LIFETIME
        payload = json.dumps(
            {"account": principal.account, "region": principal.region, "access_key": access_key, "expires": expires.timestamp()}
        )
        password = base64.urlsafe_b64encode(f"{self.sign(payload)}{payload}".encode()).decode()
        return base64.b64encode(f"{USER_NAME}:{password}".encode()).decode(), expires

    def expire(self, now: datetime) -> None:
        """Treat every token that was issued before as more than 12 hours old."""
        self._worthless_before = now.timestamp()

    def check(self, authorization: str, now: datetime) -> Proof:
        """What is proven by an `Authorization: Basic …` header. Raises InvalidToken, ExpiredToken."""
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() != "basic":
            raise InvalidToken("not Basic authentication")
        try:
            user, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
            signed = base64.urlsafe_b64decode(password.encode()).decode()
        except (binascii.Error, UnicodeError, ValueError) as error:
            raise InvalidToken("not a token of GetAuthorizationToken") from error
        signature, payload = signed[:64], signed[64:]
        if user != USER_NAME or not self.is_signature(payload, signature):
            raise InvalidToken("not a token of GetAuthorizationToken")
        content = json.loads(payload)
        if now.timestamp() >= content["expires"] or content["expires"] - TOKEN_LIFETIME.total_seconds() < self._worthless_before:
            raise ExpiredToken("the authorization token has expired")
        return Proof(Principal(content["account"], content["region"]), content.get("access_key", ""))
