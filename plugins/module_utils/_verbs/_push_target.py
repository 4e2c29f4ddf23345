# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ECR repository that an image is pushed to: found, or made when that is asked for, and what its settings mean."""

from __future__ import annotations

import re
import typing as t
import urllib.parse
from dataclasses import dataclass, field

from .._aws import ecr
from .._aws.ecr import EcrRepository
from .._aws.failures import error_code
from .._image.errors import SourceError
from .._image.manifest import Descriptor, Manifest, parse_manifest
from .._image.reference import check_repository
from .._verb import Context, VerbFailure
from ._at_once import at_once

# The defaults of the role `ecr`.
SETTINGS_SPEC: dict[str, t.Any] = {
    "image_tag_mutability": {"type": "str", "choices": ["immutable", "mutable"], "default": "immutable"},
    "mutable_tags": {"type": "list", "elements": "str", "default": []},
    "scan_on_push": {"type": "bool", "default": True},
    "keep_images": {"type": "int", "default": 20},
    "expire_untagged_days": {"type": "int", "default": 7},
    "kms_key": {"type": "str", "no_log": False},
}


@dataclass(frozen=True)
class Target:
    repository: EcrRepository
    endpoint: str
    """The registry's address with its scheme."""
    token: str
    created: bool = False
    """Whether the repository was made by this run. In check mode, it would be, and is not there."""
    named: t.Mapping[str, Manifest | None] = field(default_factory=dict)
    """What tags and digests stand for in it, None for nothing, as far as ECR's API has said so."""

    def is_registry(self, host: str) -> bool:
        """Whether a registry of this name is the one that the repository is in, which has a second name at FIPS endpoints and the like."""
        return host in (urllib.parse.urlsplit(self.endpoint).netloc, self.repository.uri.partition("/")[0])


def find_target(ctx: Context, params: dict[str, t.Any], digests: t.Sequence[str] = ()) -> Target:
    """Find or create the repository, log in, and learn what the tags and these digests stand for: one answer's time for all of it.

    Raises `VerbFailure` when the repository is not there and not to be created.
    """
    client = ctx.client("ecr")
    name, registry_id = check_repository(params["repository"]), params["registry_id"] or None
    settings = _settings(params)
    repository, access, images = at_once(
        lambda: ecr.describe_repository(client, name, registry_id),
        lambda: ecr.get_authorization_token(client, registry_id),
        lambda: ecr.named_images(client, registry_id, name, [*params["tags"], *digests]),
    )
    if repository is None and not params["create_repository"]:
        raise VerbFailure(
            f"repository: there is no ECR repository {name} in account {registry_id or 'of this identity'}, "
            f"region {client.meta.region_name}. Create it first, for example with the role steadystate.ecs.ecr or "
            "community.aws.ecs_ecr, or set create_repository; nothing was uploaded.",
            error_code="RepositoryNotFoundException",
        )
    endpoint = registry_endpoint(access.endpoint, client.meta.endpoint_url)
    if repository is not None:
        named = {name: image and _manifest(image) for name, image in images.items()}
        return Target(repository, endpoint, access.token, named=named)
    if ctx.check_mode:
        return Target(_imagined(name, registry_id or "", access.endpoint, settings), endpoint, access.token, created=True)
    repository = _create(client, name, registry_id, settings)
    ctx.progress(f"{name}: repository created, tags {settings['image_tag_mutability']}")
    return Target(repository, endpoint, access.token, created=True)


def _settings(params: dict[str, t.Any]) -> dict[str, t.Any]:
    settings = params["repository_settings"] or {name: option.get("default") for name, option in SETTINGS_SPEC.items()}
    for name in ("keep_images", "expire_untagged_days"):
        if settings[name] < 1:
            raise VerbFailure(f"repository_settings.{name}: {settings[name]} is not a number of at least 1.")
    return settings


def _create(client: t.Any, name: str, registry_id: str | None, settings: dict[str, t.Any]) -> EcrRepository:
    mutability, exclusions = _mutability(settings)
    repository = ecr.create_repository(
        client, name, registry_id, mutability, exclusions, scan_on_push=settings["scan_on_push"], kms_key=settings["kms_key"] or None
    )
    ecr.put_lifecycle_policy(client, name, registry_id, lifecycle_rules(settings["expire_untagged_days"], settings["keep_images"]))
    return repository


def _imagined(name: str, registry_id: str, endpoint: str, settings: dict[str, t.Any]) -> EcrRepository:
    """The repository that would be created."""
    mutability, exclusions = _mutability(settings)
    return EcrRepository(name, f"{urllib.parse.urlsplit(endpoint).netloc}/{name}", registry_id, mutability, exclusions)


def _mutability(settings: dict[str, t.Any]) -> tuple[str, tuple[str, ...]]:
    if settings["image_tag_mutability"] == "mutable":
        return "MUTABLE", ()
    exclusions = tuple(settings["mutable_tags"])
    return ("IMMUTABLE_WITH_EXCLUSION" if exclusions else "IMMUTABLE"), exclusions


def lifecycle_rules(expire_untagged_days: int, keep_images: int) -> list[dict[str, t.Any]]:
    """The lifecycle policy of the role `ecr`."""
    return [
        {
            "rulePriority": 1,
            "description": "Images that have lost their tag",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": expire_untagged_days,
            },
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "description": "All but the newest images",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": keep_images},
            "action": {"type": "expire"},
        },
    ]


# As many as one call gives (API reference, BatchGetImage).
_MOST_OTHERS = 100


def other_images(ctx: Context, repository: EcrRepository) -> list[Manifest]:
    """The manifests of the newest images in the repository, the newest first; none when the identity may not list them."""
    client = ctx.client("ecr")
    try:
        details = ecr.describe_images(client, repository.registry_id, repository.name)
        by_age = sorted(details, key=lambda detail: detail["imagePushedAt"], reverse=True)
        newest = [detail["imageDigest"] for detail in by_age][:_MOST_OTHERS]
        found = {image.digest: _manifest(image) for image in ecr.raw_manifests(client, repository.registry_id, repository.name, newest)}
    except client.exceptions.ClientError as exc:
        if error_code(exc) != "AccessDeniedException":
            raise
        missing = "ecr:DescribeImages, ecr:BatchGetImage"
        ctx.progress(f"{repository.name}: not looked for among the images there, which this identity may not list ({missing})")
        return []
    return [found[digest] for digest in newest if digest in found]


def _manifest(image: ecr.ImageManifest) -> Manifest:
    """What a manifest says; only its digest, when it is none that could be read here: then it was not pushed from here."""
    try:
        return parse_manifest(image.content, Descriptor(image.media_type, image.digest, len(image.content)))
    except SourceError:
        return Manifest("", image.digest, b"")


def is_immutable(repository: EcrRepository, tag: str) -> bool:
    """Whether a tag of the repository, once set, may not be moved, by the repository's mutability and its wildcard filters."""
    excluded = any(_matches(pattern, tag) for pattern in repository.exclusions)
    if repository.mutability == "IMMUTABLE":
        return True
    if repository.mutability == "IMMUTABLE_WITH_EXCLUSION":
        return not excluded
    return repository.mutability == "MUTABLE_WITH_EXCLUSION" and excluded


def how_to_move(repository: EcrRepository, tag: str) -> str:
    """What would let an immutable tag be moved. The call replaces all filters, so those that are there are named again."""
    call = f"aws ecr put-image-tag-mutability --repository-name {repository.name} --image-tag-mutability"
    if repository.mutability == "MUTABLE_WITH_EXCLUSION":
        patterns = [pattern for pattern in repository.exclusions if not _matches(pattern, tag)]
        mutability = "MUTABLE_WITH_EXCLUSION" if patterns else "MUTABLE"
    else:
        patterns, mutability = [*repository.exclusions, tag], "IMMUTABLE_WITH_EXCLUSION"
    filters = " --image-tag-mutability-exclusion-filters" if patterns else ""
    filters += "".join(f" filterType=WILDCARD,filter={pattern}" for pattern in patterns)
    return f"exclude this tag from immutability ({call} {mutability}{filters})"


def _matches(pattern: str, tag: str) -> bool:
    # ECR knows one wildcard, the asterisk; everything else is taken as it is written.
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), tag) is not None


def keeps_honest_offsets(endpoint: str) -> bool:
    """Whether a registry's word about a broken upload can be relied on.

    ECR's Range header stays at the end of the first part, whatever has been stored since (aws/containers-roadmap#2831).
    """
    host = urllib.parse.urlsplit(endpoint).hostname or ""
    return not host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".on.amazonwebservices.com.cn"))


@dataclass(frozen=True)
class EcrHost:
    account: str
    region: str
    fips: bool
    dual_stack: bool
    china: bool

    def __str__(self) -> str:
        fips = "-fips" if self.fips else ""
        if self.dual_stack:
            end = "on.amazonwebservices.com.cn" if self.china else "on.aws"
            return f"{self.account}.dkr-ecr{fips}.{self.region}.{end}"
        return f"{self.account}.dkr.ecr{fips}.{self.region}.amazonaws.com{'.cn' if self.china else ''}"


_ECR_HOST = re.compile(
    r"(\d{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.(?:(amazonaws\.com|on\.aws)|(amazonaws\.com\.cn|on\.amazonwebservices\.com\.cn))"
)


def parse_ecr_host(host: str) -> EcrHost | None:
    """What the name of an ECR registry says; None when it is none of ECR."""
    found = _ECR_HOST.fullmatch(host)
    if found is None:
        return None
    account, fips, region, suffix, chinese = found.groups()
    return EcrHost(account, region, bool(fips), (suffix or chinese).startswith("on."), bool(chinese))


def registry_endpoint(endpoint: str, api: str) -> str:
    """The registry's address of the kind that the API's is of: FIPS, dual stack, or both.

    GetAuthorizationToken names the common address whichever it was asked at (Amazon ECR user guide, "endpoints").
    """
    host = parse_ecr_host(urllib.parse.urlsplit(endpoint).netloc)
    asked = urllib.parse.urlsplit(api).hostname or ""
    fips = "ecr-fips." in asked
    dual_stack = asked.endswith((".api.aws", ".api.amazonwebservices.com.cn"))
    if host is None or not (fips or dual_stack):
        return endpoint
    return f"https://{EcrHost(host.account, host.region, fips, dual_stack, host.china)}"
