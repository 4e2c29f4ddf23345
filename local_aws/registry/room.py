"""The registry as one component: images of ECR, pushed over /v2/ and pulled by container instances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from local_aws.clock import Clock
from local_aws.interfaces import Api, Image, JsonObject
from local_aws.registry.ecr_api import EcrApi
from local_aws.registry.http_api import RegistryApp
from local_aws.registry.pull import Puller
from local_aws.registry.pull_through import PullThroughRules
from local_aws.registry.quirks import Quirks
from local_aws.registry.repositories import Repositories
from local_aws.registry.settings import AccountSettings
from local_aws.registry.store import BlobStore
from local_aws.registry.tokens import Principal, Tokens

DEFAULT_ENDPOINT = "http://127.0.0.1:4577"


class RegistryRoom:
    """Component and Registry.

    `endpoint` is the URL at which `wsgi` is served. Whoever binds the port sets it before clients ask for a token.
    """

    def __init__(
        self, clock: Clock, data_dir: Path | str, api: Api, *, quirks: Quirks | None = None, endpoint: str = DEFAULT_ENDPOINT
    ) -> None:
        self._normal = quirks or Quirks()
        self._quirks = replace(self._normal)
        self._now = clock.now
        self.endpoint = endpoint
        self._api = api
        root = Path(data_dir) / "registry"
        self._store = BlobStore(root)
        self._tokens = Tokens(root / "token.key")
        self._settings = AccountSettings()
        self._repositories = Repositories(self._quirks)
        self._puller = Puller(self._store, self._repositories, self._endpoint)
        self.wsgi = RegistryApp(self._store, self._repositories, self._tokens, self._settings, self._quirks, clock.now, self._record)
        self._pull_through = PullThroughRules(clock.now)
        self._pull_through.install(api)
        EcrApi(
            self._store, self._repositories, self._tokens, self._settings, self._quirks, clock.now, self._endpoint, self.wsgi.signed_path
        ).install(api)

    def _record(self, principal: Principal, access_key: str, action: str, params: JsonObject, status: int) -> None:
        self._api.record("ecr", action, principal.account, principal.region, access_key, params, status)

    def _endpoint(self) -> str:
        return self.endpoint.rstrip("/")

    def start(self) -> None:
        """moto's repositories live in memory only, so blobs of an earlier run belong to nothing and are removed."""
        self._tokens.load()
        self._store.clear()

    def stop(self) -> None:
        """Nothing runs here by itself: requests are served on the HTTP server's threads."""

    def reset(self) -> None:
        self._quirks.change(self._normal.shown())
        self._settings.clear()
        self._pull_through.clear()
        self._store.clear()

    def quirks(self) -> JsonObject:
        """How the registry answers now, by the names in `quirks.py`."""
        return self._quirks.shown()

    def change_quirks(self, given: Mapping[str, Any]) -> JsonObject:
        """Answer otherwise from now on, until the next reset. Raises ValueError with what is wrong with a name or value."""
        self._quirks.change(given)
        return self.quirks()

    def expire_tokens(self) -> None:
        """Every token that was handed out so far is refused as too old."""
        self._tokens.expire(self._now())

    def state(self) -> JsonObject:
        blobs, size, uploads = self._store.totals()
        return {
            "endpoint": self._endpoint(),
            "blobs": blobs,
            "bytes": size,
            "open_uploads": uploads,
            "repositories": [
                {"account": principal.account, "region": principal.region, "name": repository.name, "images": len(repository.images)}
                for principal, repository in self._repositories.all()
            ],
        }

    def pull(self, reference: str, platform: str, allowed: Callable[[str, str], str | None]) -> Image:
        """See `Registry.pull`."""
        return self._puller.pull(reference, platform, allowed)
