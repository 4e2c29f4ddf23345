"""ECR's pull-through cache rules, which moto lacks. They are kept and shown; no image is fetched through them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from local_aws.interfaces import Api, AwsError, Call, JsonObject

_NEEDS_CREDENTIALS = ("registry-1.docker.io", "ghcr.io", "azurecr.io", "registry.gitlab.com", "cgr.dev")
"""Upstreams for which CreatePullThroughCacheRule wants the ARN of a secret (ECR user guide, pull-through-cache-creating-rule)."""


class PullThroughRules:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._rules: dict[tuple[str, str, str], JsonObject] = {}

    def install(self, api: Api) -> None:
        api.on("ecr", "CreatePullThroughCacheRule")(self._create)
        api.on("ecr", "DescribePullThroughCacheRules")(self._describe)
        api.on("ecr", "UpdatePullThroughCacheRule")(self._update)
        api.on("ecr", "DeletePullThroughCacheRule")(self._delete)

    def clear(self) -> None:
        self._rules.clear()

    @staticmethod
    def _key(call: Call) -> tuple[str, str, str]:
        return call.account, call.region, call.params["ecrRepositoryPrefix"]

    def _found(self, key: tuple[str, str, str]) -> JsonObject:
        if key not in self._rules:
            raise AwsError(
                "PullThroughCacheRuleNotFoundException",
                f"The pull through cache rule with ecrRepositoryPrefix '{key[2]}' does not exist in the registry with id '{key[0]}'",
            )
        return self._rules[key]

    def _create(self, call: Call) -> JsonObject:
        key, upstream = self._key(call), str(call.params["upstreamRegistryUrl"])
        if key in self._rules:
            text = f"A pull through cache rule with ecrRepositoryPrefix '{key[2]}' already exists in the registry with id '{call.account}'"
            raise AwsError("PullThroughCacheRuleAlreadyExistsException", text)
        if upstream.endswith(_NEEDS_CREDENTIALS) and not call.params.get("credentialArn"):
            raise AwsError("InvalidParameterException", f"The upstream registry {upstream} requires a credentialArn")
        now = self._now()
        self._rules[key] = {**call.params, "registryId": call.account, "createdAt": now, "updatedAt": now}
        return dict(self._rules[key])

    def _update(self, call: Call) -> JsonObject:
        rule = self._found(self._key(call))
        rule |= {name: call.params[name] for name in ("credentialArn", "customRoleArn") if name in call.params} | {"updatedAt": self._now()}
        return dict(rule)

    def _describe(self, call: Call) -> JsonObject:
        ours = [prefix for account, region, prefix in self._rules if (account, region) == (call.account, call.region)]
        wanted = call.params.get("ecrRepositoryPrefixes") or ours
        return {"pullThroughCacheRules": [self._found((call.account, call.region, prefix)) for prefix in wanted]}

    def _delete(self, call: Call) -> JsonObject:
        rule = self._found(self._key(call))
        del self._rules[self._key(call)]
        return rule
