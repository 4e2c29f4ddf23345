"""Hands for the registry: the ways of Amazon ECR, one switch each, and tokens that run out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from local_aws.hands.http import BadRequest, Hands
from local_aws.interfaces import JsonObject


class SwitchableRegistry(Protocol):
    def quirks(self) -> JsonObject: ...
    def change_quirks(self, given: Mapping[str, Any]) -> JsonObject:
        """Raises ValueError with what is wrong with a name or value."""

    def expire_tokens(self) -> None: ...


class RegistryHands:
    def __init__(self, registry: SwitchableRegistry) -> None:
        self._registry = registry

    def add_to(self, hands: Hands) -> None:
        hands.add("GET", "/_local/registry/quirks", "how the registry answers where ECR has ways of its own", self._show)
        hands.add("POST", "/_local/registry/quirks", "NAME=true|false|number …: it answers otherwise, until a reset", self._change)
        hands.add("POST", "/_local/registry/expire-tokens", "every token handed out so far has run out", self._expire)

    def _show(self, _: JsonObject) -> JsonObject:
        return self._registry.quirks()

    def _change(self, given: JsonObject) -> JsonObject:
        if not given:
            raise BadRequest("Name at least one quirk with its value. GET /_local/registry/quirks shows them.")
        try:
            return self._registry.change_quirks(given)
        except ValueError as error:
            raise BadRequest(str(error)) from error

    def _expire(self, _: JsonObject) -> JsonObject:
        self._registry.expire_tokens()
        return {"expired": True}
