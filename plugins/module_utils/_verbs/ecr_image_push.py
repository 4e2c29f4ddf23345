# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pushes an image from disk to an Amazon ECR repository."""

from __future__ import annotations

import contextlib
import random
import re
import typing as t
import urllib.parse
from pathlib import Path

from .._aws.ecr import EcrRepository, describe_repository, get_authorization_token
from .._image.client import Registry
from .._image.compress import choose_codec
from .._image.errors import ImageError, RegistryError
from .._image.manifest import parse_platform
from .._image.push import Push, PushFailure, PushOptions, PushResult
from .._image.reference import check_digest, check_repository, check_tag
from .._image.sources import open_image
from .._image.transport import Transport
from .._verb import Context, Verb, VerbFailure

_MOST_JOBS = 32


def run(params: dict[str, t.Any], ctx: Context) -> dict[str, t.Any]:
    try:
        return _push(params, ctx)
    except ImageError as exc:
        raise VerbFailure(str(exc), hint=exc.hint) from exc


def _push(params: dict[str, t.Any], ctx: Context) -> dict[str, t.Any]:
    started = ctx.clock.monotonic()
    tags = tuple(dict.fromkeys(check_tag(tag) for tag in params["tags"]))
    if not tags:
        raise VerbFailure("tags: name at least one tag.")
    if not 1 <= params["jobs"] <= _MOST_JOBS:
        raise VerbFailure(f"jobs: {params['jobs']} is not between 1 and {_MOST_JOBS}.")
    mount_from = tuple(check_repository(name) for name in params["mount_from"])
    platform = parse_platform(params["platform"]) if params["platform"] else None
    codec = choose_codec(params["compression"])
    expected = check_digest(params["expected_digest"]) if params["expected_digest"] else ""
    with contextlib.closing(open_image(Path(params["source"]), params["source_kind"], params["ref_name"] or None, platform)) as opened:
        client = ctx.client("ecr")
        repository = _repository(client, params)
        access = get_authorization_token(client, params["registry_id"] or None)
        transport = Transport(params["jobs"], params["aws_ca_bundle"] or True if params["validate_certs"] else False)
        registry = Registry(
            access.endpoint,
            repository.name,
            transport,
            ctx.clock,
            random.random,
            lambda stale: access.token if stale is None else get_authorization_token(client, params["registry_id"] or None).token,
        )
        options = PushOptions(
            tags=tags,
            jobs=params["jobs"],
            mount_from=mount_from,
            immutable=lambda tag: is_immutable(repository, tag),
            skip_immutable=params["on_immutable"] == "skip",
            resume=keeps_honest_offsets(access.endpoint),
            dry_run=ctx.check_mode,
            codec=codec,
            expected_digest=expected,
        )
        push = Push(opened.source, opened.image, registry, options, ctx.clock, ctx.progress, ctx.warn)
        try:
            result = push.run()
        except PushFailure as exc:
            details = _result(exc.result, repository, registry, ctx.clock.monotonic() - started)
            if isinstance(exc.error, RegistryError):
                details.update(error_code=exc.error.code, status=exc.error.status)
            raise VerbFailure(str(exc), hint=exc.error.hint, **details) from exc
        finally:
            transport.close()
    outcome = _result(result, repository, registry, ctx.clock.monotonic() - started)
    if ctx.check_mode:
        outcome["bytes_uploaded"] = result.bytes_of("pushed")
    if ctx.diff_mode:
        outcome["diff"] = {
            "before_header": repository.uri,
            "after_header": repository.uri,
            "before": {"tags": {tag: result.tags[tag].previous_digest for tag in tags}},
            "after": {"tags": {tag: result.tags[tag].digest for tag in tags}},
        }
    return outcome


def _repository(client: t.Any, params: dict[str, t.Any]) -> EcrRepository:
    name, registry_id = check_repository(params["repository"]), params["registry_id"] or None
    repository = describe_repository(client, name, registry_id)
    if repository is None:
        raise VerbFailure(
            f"repository: there is no ECR repository {name} in account {registry_id or 'of this identity'}, "
            f"region {client.meta.region_name}. Create it first, for example with the role steadystate.ecs.ecr or "
            "community.aws.ecs_ecr; nothing was uploaded.",
            error_code="RepositoryNotFoundException",
        )
    return repository


def _result(result: PushResult, repository: EcrRepository, registry: Registry, duration: float) -> dict[str, t.Any]:
    outcomes = list(result.outcomes.values())
    return {
        "changed": result.changed,
        # A draft has no digest before its layers are compressed.
        "image": f"{repository.uri}@{result.digest}" if result.digest else "",
        "digest": result.digest,
        "repository_uri": repository.uri,
        "tags": {
            name: {"changed": tag.changed, "digest": tag.digest, "previous_digest": tag.previous_digest, "skipped": tag.skipped}
            for name, tag in result.tags.items()
        },
        "blobs": {
            "pushed": outcomes.count("pushed"),
            "resumed": outcomes.count("resumed"),
            "mounted": outcomes.count("mounted"),
            "exists": outcomes.count("exists"),
            "bytes": sum(result.sizes.values()),
        },
        "bytes_uploaded": registry.counters.bytes_sent,
        "requests": registry.counters.requests,
        "retries": registry.counters.retries,
        "duration": round(duration, 3),
    }


def is_immutable(repository: EcrRepository, tag: str) -> bool:
    """Whether a tag of the repository, once set, may not be moved, by the repository's mutability and its wildcard filters."""
    excluded = any(_matches(pattern, tag) for pattern in repository.exclusions)
    if repository.mutability == "IMMUTABLE":
        return True
    if repository.mutability == "IMMUTABLE_WITH_EXCLUSION":
        return not excluded
    return repository.mutability == "MUTABLE_WITH_EXCLUSION" and excluded


def _matches(pattern: str, tag: str) -> bool:
    # ECR knows one wildcard, the asterisk; everything else is taken as it is written.
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), tag) is not None


def keeps_honest_offsets(endpoint: str) -> bool:
    """Whether a registry's word about a broken upload can be relied on.

    ECR's Range header stays at the end of the first part, whatever has been stored since (aws/containers-roadmap#2831).
    """
    host = urllib.parse.urlsplit(endpoint).hostname or ""
    return not host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".on.amazonwebservices.com.cn"))


VERB = Verb(
    name="ecr_image_push",
    argument_spec={
        "source": {"type": "path", "required": True},
        "repository": {"type": "str", "required": True},
        "tags": {"type": "list", "elements": "str", "required": True},
        "registry_id": {"type": "str"},
        "source_kind": {"type": "str", "choices": ["auto", "oci", "docker_archive"], "default": "auto"},
        "platform": {"type": "str"},
        "ref_name": {"type": "str"},
        "jobs": {"type": "int", "default": 6},
        "on_immutable": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
        "compression": {"type": "str", "choices": ["auto", "isal", "zlib-ng", "zlib", "zstd"], "default": "auto"},
        "expected_digest": {"type": "str"},
        "mount_from": {"type": "list", "elements": "str", "default": []},
    },
    run=run,
)
