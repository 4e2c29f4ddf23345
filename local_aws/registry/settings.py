"""ECR's account settings, which moto lacks: registry behaviour that a whole account and region switches on."""

from __future__ import annotations

from local_aws.registry.tokens import Principal

DEFAULTS = {"BASIC_SCAN_TYPE_VERSION": "AWS_NATIVE", "REGISTRY_POLICY_SCOPE": "V2", "BLOB_MOUNTING": "DISABLED"}
"""Settings of a new account. Cross-repository mounting is off until it is asked for (ECR user guide, blob mounting)."""


class AccountSettings:
    def __init__(self) -> None:
        self._values: dict[tuple[Principal, str], str] = {}

    def get(self, principal: Principal, name: str) -> str:
        """Raises KeyError for a name that ECR does not know."""
        return self._values.get((principal, name), DEFAULTS[name])

    def put(self, principal: Principal, name: str, value: str) -> None:
        """Raises KeyError for a name that ECR does not know."""
        if name not in DEFAULTS:
            raise KeyError(name)
        self._values[(principal, name)] = value

    def blob_mounting(self, principal: Principal) -> bool:
        return self.get(principal, "BLOB_MOUNTING") == "ENABLED"

    def clear(self) -> None:
        self._values.clear()
