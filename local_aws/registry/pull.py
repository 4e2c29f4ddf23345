"""How a container instance gets an image: find it, choose its platform, and fail with the words of the ECS agent."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from local_aws.interfaces import Image, PullError
from local_aws.registry.manifests import Manifest, matches_platform, parse_manifest
from local_aws.registry.names import DEFAULT_REGISTRY, Reference, ecr_account_and_region, parse_reference
from local_aws.registry.repositories import ImageUnknown, Repositories, RepositoryUnknown
from local_aws.registry.store import BlobStore
from local_aws.registry.tokens import Principal

PULL_ERROR = "CannotPullContainerError"

MANIFEST_TRIES = 5
"""How often the agent says it tried to get the manifest (ecs-facts.md 4.2). The tries themselves are not repeated here: nothing
would change between them."""

DOCKER_HUB = "registry-1.docker.io"

Allowed = Callable[[str, str], str | None]

_HINT_ROLE = "The task can\u2019t pull the image. Check that the role has the permissions to pull images from the registry."


class Puller:
    def __init__(self, store: BlobStore, repositories: Repositories, endpoint: Callable[[], str]) -> None:
        self._store = store
        self._repositories = repositories
        self._endpoint = endpoint

    def pull(self, text: str, platform: str, allowed: Allowed) -> Image:
        """See `Registry.pull`."""
        try:
            reference = parse_reference(text)
        except ValueError as error:
            raise PullError(PULL_ERROR, f'Error response from daemon: failed to parse reference "{text}": {error}') from error
        principal = self._registry(reference)
        if principal is None:
            raise PullError(PULL_ERROR, _unreachable(reference))
        self._authorise(text, reference, principal, allowed)
        try:
            repository = self._repositories.find(principal, reference.repository)
            named = self._manifest(repository, reference.selector)
        except (RepositoryUnknown, ImageUnknown) as error:
            raise PullError(PULL_ERROR, _retried(f"failed to resolve ref {reference}: {reference}: not found")) from error
        chosen = self._choose(repository, named, platform)
        return self._image(text, named.digest, chosen)

    def _registry(self, reference: Reference) -> Principal | None:
        """Whose registry the reference names. The host of proxyEndpoint stands for every registry here that has such a repository."""
        named = ecr_account_and_region(reference.registry)
        if named is not None:
            return Principal(*named)
        if reference.registry != urlsplit(self._endpoint()).netloc:
            return None
        owners = [principal for principal, repository in self._repositories.all() if repository.name == reference.repository]
        return owners[0] if owners else Principal("", "")

    @staticmethod
    def _authorise(text: str, reference: Reference, principal: Principal, allowed: Allowed) -> None:
        """The two doors that a pull goes through: a token for the registry, then the manifest and layers of one repository."""
        denial = allowed("ecr:GetAuthorizationToken", "*")
        if denial is not None:
            raise PullError("CannotPullECRContainerError", f"AccessDeniedException: {denial}")
        partition = "aws-cn" if principal.region.startswith("cn-") else "aws"
        resource = f"arn:{partition}:ecr:{principal.region}:{principal.account}:repository/{reference.repository}"
        for action in ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
            denial = allowed(action, resource)
            if denial is not None:
                raise PullError(
                    PULL_ERROR,
                    f"{_HINT_ROLE} Error response from daemon: pull access denied for {reference.registry}/{reference.repository}, "
                    f"repository does not exist or may require 'docker login': denied: {denial}",
                )

    def _manifest(self, repository: Any, selector: str) -> Manifest:
        image = self._repositories.image(repository, selector)
        return parse_manifest(image.image_manifest.encode(), image.image_manifest_media_type)

    def _choose(self, repository: Any, manifest: Manifest, platform: str) -> Manifest:
        """The image for the platform out of an index. A lone image is taken as it is, as Docker does: it fails when it is started."""
        if not manifest.is_index:
            return manifest
        for child in manifest.children:
            try:
                candidate = self._manifest(repository, child.digest)
            except ImageUnknown:
                continue
            offered = child.platform or self._platform_of(candidate)
            if candidate.is_index or matches_platform(offered, platform):
                return self._choose(repository, candidate, platform)
        raise PullError(PULL_ERROR, _retried(f"image Manifest does not contain descriptor matching platform '{platform}'"))

    def _platform_of(self, manifest: Manifest) -> dict[str, Any]:
        if manifest.config is None or self._store.size(manifest.config.digest) is None:
            return {}
        document = json.loads(self._store.read(manifest.config.digest))
        return {key: document[key] for key in ("os", "architecture", "variant") if key in document}

    def _image(self, text: str, digest: str, manifest: Manifest) -> Image:
        blobs = list(manifest.blobs())
        lost = [blob.digest for blob in blobs if self._store.size(blob.digest) is None]
        if lost or manifest.config is None:
            what = lost[0] if lost else "its configuration"
            raise PullError(PULL_ERROR, f"Error response from daemon: error pulling image configuration: {what}: blob unknown to registry")
        try:
            config = json.loads(self._store.read(manifest.config.digest))
            config["rootfs"]["diff_ids"]
        except (ValueError, KeyError, TypeError) as error:
            text = f"Error response from daemon: unsupported media type {manifest.config.media_type}: not a container image"
            raise PullError(PULL_ERROR, text) from error
        return Image(
            reference=text,
            digest=digest,
            platform="/".join(config.get(key, "") for key in ("os", "architecture")),
            config=config,
            layers=tuple(self._store.path(layer.digest) for layer in manifest.layers),
            layer_media_types=tuple(layer.media_type for layer in manifest.layers),
        )


def _retried(text: str) -> str:
    return f"pull image manifest has been retried {MANIFEST_TRIES} time(s): {text}"


def _unreachable(reference: Reference) -> str:
    """Only the registries of this machine exist: every other host fails as where there is no way to the internet."""
    host = DOCKER_HUB if reference.registry == DEFAULT_REGISTRY else reference.registry
    name, _, port = host.partition(":")
    request = f'Head "https://{host}/v2/{reference.repository}/manifests/{reference.selector}"'
    try:
        ipaddress.ip_address(name)
    except ValueError:
        cause = f"dial tcp: lookup {name}: no such host"
    else:
        cause = f"dial tcp {name}:{port or 443}: i/o timeout"
    return _retried(f"failed to resolve ref {reference}: failed to do request: {request}: {cause}")
