# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pushes an image to an Amazon ECR repository."""

from __future__ import annotations

import contextlib
import queue
import random
import typing as t

from .._aws import ecs
from .._aws.ecr import EcrRepository, get_authorization_token
from .._image.client import Counters, Registry
from .._image.compress import choose_codec
from .._image.errors import ImageError, RegistryError
from .._image.manifest import Image, Platform, parse_platform
from .._image.push import Push, PushFailure, PushOptions, PushResult
from .._image.reference import check_digest, check_repository, check_tag
from .._image.referrers import find_referrers
from .._image.remote import RemoteSource
from .._image.sources import Opened
from .._image.transport import Answer, Body, Chunks, Connections, Stream, Transport
from .._taskdef.verification import architecture
from .._verb import Context, Verb, VerbFailure
from ._push_scan import SEVERITIES, wait_for_scan
from ._push_source import CONFIG_SPEC, Away, away, open_away, open_here, platforms_of
from ._push_target import SETTINGS_SPEC, Target, find_target, how_to_move, is_immutable, keeps_honest_offsets, other_images

_MOST_JOBS = 32
_UNKNOWN = "(known when it has been compressed)"
# An attribute that the agent gives every container instance.
_ARCHITECTURE = "ecs.cpu-architecture"


def run(params: dict[str, t.Any], ctx: Context) -> dict[str, t.Any]:
    try:
        return _push(params, ctx)
    except ImageError as exc:
        raise VerbFailure(str(exc), hint=exc.hint) from exc


def _push(params: dict[str, t.Any], ctx: Context) -> dict[str, t.Any]:
    started = ctx.clock.monotonic()
    params = _checked(params)
    there = away(params)
    with contextlib.ExitStack() as stack:
        # What is wrong with an image on this machine is said before AWS is asked for anything.
        opened = stack.enter_context(contextlib.closing(open_here(params, params["platform"]))) if there is None else None
        target = find_target(ctx, params, _digests_of(opened))
        return _Run(params, ctx, target, stack, started).run(opened, there)


def _checked(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """The options in the form in which they are used. Raises `VerbFailure` or `ImageError` for what makes no sense."""
    tags = tuple(dict.fromkeys(check_tag(tag) for tag in params["tags"]))
    if not tags:
        raise VerbFailure("tags: name at least one tag.")
    if not 1 <= params["jobs"] <= _MOST_JOBS:
        raise VerbFailure(f"jobs: {params['jobs']} is not between 1 and {_MOST_JOBS}.")
    if params["scan_timeout"] < 1:
        raise VerbFailure(f"scan_timeout: {params['scan_timeout']} is not a number of seconds of at least 1.")
    return {
        **params,
        "tags": tags,
        "mount_from": tuple(check_repository(name) for name in params["mount_from"]),
        "platform": parse_platform(params["platform"]) if params["platform"] else None,
        "codec": choose_codec(params["compression"]),
        "expected_digest": check_digest(params["expected_digest"]) if params["expected_digest"] else "",
    }


def _digests_of(opened: Opened | None) -> list[str]:
    """By which ECR would know the image and its parts, when that is known before anything has been compressed or asked."""
    image = opened.image if opened else None
    return [manifest.digest for manifest in (image.root, *image.children)] if isinstance(image, Image) else []


class _Run:
    """One push with all that is around it."""

    def __init__(self, params: dict[str, t.Any], ctx: Context, target: Target, stack: contextlib.ExitStack, started: float) -> None:
        self._params = params
        self._ctx = ctx
        self._target = target
        self._repository = target.repository
        self._stack = stack
        self._started = started
        self._counters = Counters()
        self._notices: queue.SimpleQueue[str] = queue.SimpleQueue()

    def run(self, opened: Opened | None, there: Away | None) -> dict[str, t.Any]:
        params, ctx = self._params, self._ctx
        mount_from = params["mount_from"]
        if opened is None:
            opened = open_away(t.cast("Away", there), params, ctx, self._target, self._connections(), self._registry)
            if there is not None and self._target.is_registry(there.host):
                mount_from = tuple(dict.fromkeys((there.reference.repository, *mount_from)))
        self._check_platform(opened)
        push = self._new_push(opened, opened.image, params["tags"], mount_from, params["expected_digest"])
        result = self._finish(push)
        outcome = self._outcome(result)
        outcome["repository_created"] = self._target.created
        outcome["changed"] = result.changed or self._target.created
        if params["referrers"]:
            outcome["referrers"] = self._push_referrers(opened, push, mount_from)
            outcome["changed"] = outcome["changed"] or any(item["changed"] for item in outcome["referrers"])
            outcome.update(self._counted())
        if ctx.check_mode:
            outcome["bytes_uploaded"] = result.bytes_of("pushed")
        elif params["wait_for_scan"] or params["scan_fail_on"]:
            outcome["scan"] = self._scan(push, outcome)
        if ctx.diff_mode:
            outcome["diff"] = {
                "before_header": self._repository.uri,
                "after_header": self._repository.uri,
                "before": {"tags": {tag: result.tags[tag].previous_digest for tag in params["tags"]}},
                "after": {"tags": {tag: result.tags[tag].digest or _UNKNOWN for tag in params["tags"]}},
            }
        return outcome

    def _connections(self) -> Connections:
        """New connections, closed at the end of the run."""
        params = self._params
        transport = Transport(params["jobs"], params["aws_ca_bundle"] or True if params["validate_certs"] else False)
        self._stack.callback(transport.close)
        return transport

    def _registry(self, endpoint: str, repository: str, login: t.Callable[[str | None], str | None], **more: t.Any) -> Registry:
        connections = more.pop("connections", None) or self._connections()
        registry = Registry(endpoint, repository, connections, self._ctx.clock, random.random, login, **more)
        registry.notices = self._notices
        # What a repository that is not there would be asked is no request.
        if not isinstance(connections, _Absent):
            registry.counters = self._counters
        return registry

    def _new_push(self, opened: Opened, image: t.Any, tags: tuple[str, ...], mount_from: tuple[str, ...], expected: str = "") -> Push:
        params, ctx, repository = self._params, self._ctx, self._repository
        client, registry_id, token = ctx.client("ecr"), params["registry_id"] or None, self._target.token
        absent = {"connections": _Absent()} if self._target.created and ctx.check_mode else {}
        registry = self._registry(
            self._target.endpoint,
            repository.name,
            lambda stale: token if stale is None else get_authorization_token(client, registry_id).token,
            **absent,
        )
        if isinstance(opened.source, RemoteSource):
            registry.companions.append(opened.source.registry)
        options = PushOptions(
            tags=tags,
            jobs=params["jobs"],
            mount_from=mount_from,
            immutable=lambda tag: is_immutable(repository, tag),
            how_to_move=lambda tag: how_to_move(repository, tag),
            skip_immutable=params["on_immutable"] == "skip",
            resume=keeps_honest_offsets(self._target.endpoint),
            dry_run=ctx.check_mode,
            codec=params["codec"],
            compress_all=params["compress_all"],
            expected_digest=expected,
            others=lambda: () if self._target.created else other_images(ctx, repository),
            named=self._target.named,
        )
        return Push(opened.source, image, registry, options, ctx.clock, ctx.progress, ctx.warn, ctx.live)

    def _finish(self, push: Push) -> PushResult:
        try:
            return push.run()
        except PushFailure as exc:
            details = self._outcome(exc.result)
            details["changed"] = exc.result.changed or (self._target.created and not self._ctx.check_mode)
            if isinstance(exc.error, RegistryError):
                details.update(error_code=exc.error.code, status=exc.error.status)
            raise VerbFailure(str(exc), hint=exc.error.hint, **details) from exc

    def _check_platform(self, opened: Opened) -> None:
        """Raises `VerbFailure`, or warns, when no instance of the cluster can run the image."""
        params, cluster = self._params, self._params["cluster"]
        if not cluster:
            return
        instances = ecs.describe_container_instances(self._ctx.client("ecs"), cluster)
        runs = {
            architecture(item["value"]) for found in instances for item in found.get("attributes", []) if item.get("name") == _ARCHITECTURE
        }
        has = platforms_of(opened)
        if not runs or not has:
            missing = f"the cluster {cluster} has no instance that says what it is" if has else "the image does not say what it is for"
            self._ctx.warn(f"cluster: whether the image runs there is not known: {missing}.")
            return
        if runs & {platform.architecture for platform in has if platform.os == "linux"}:
            return
        text = f"The image is for {_listed(has)}; the instances of the cluster {cluster} run linux/{', linux/'.join(sorted(runs))}."
        if params["on_platform_mismatch"] == "fail":
            raise VerbFailure(
                f"{text} Nothing was uploaded.",
                hint="Build the image for that platform (docker buildx build --platform), or set on_platform_mismatch to warn.",
            )
        self._ctx.warn(text)

    def _push_referrers(self, opened: Opened, push: Push, mount_from: tuple[str, ...]) -> list[dict[str, t.Any]]:
        """Bring along what is attached to the image and to those below it, after the image: a referrer wants its subject there."""
        digests = [push.image.root.digest, *(child.digest for child in push.image.children)]
        pushed: list[dict[str, t.Any]] = []
        for found in find_referrers(opened.source, digests):
            result = self._finish(self._new_push(opened, found.image, (found.tag,) if found.tag else (), mount_from))
            pushed.append(
                {"digest": result.digest, "kind": found.kind, "subject": found.subject, "tag": found.tag, "changed": result.changed}
            )
        return pushed

    def _scan(self, push: Push, outcome: dict[str, t.Any]) -> dict[str, t.Any]:
        images = [child.digest for child in push.image.children if not child.is_index]
        try:
            return wait_for_scan(
                self._ctx, self._repository, images or [push.image.root.digest], self._params["scan_fail_on"], self._params["scan_timeout"]
            )
        except VerbFailure as exc:
            exc.result = {**outcome, **exc.result}
            raise

    def _counted(self) -> dict[str, t.Any]:
        return {
            "bytes_uploaded": self._counters.bytes_sent,
            "requests": self._counters.requests,
            "retries": self._counters.retries,
            "duration": round(self._ctx.clock.monotonic() - self._started, 3),
        }

    def _outcome(self, result: PushResult) -> dict[str, t.Any]:
        return {**_result(result, self._repository), **self._counted()}


def _listed(platforms: set[Platform]) -> str:
    return ", ".join(sorted(map(str, platforms)))


class _Absent:
    """The connections to a repository that would be created: nothing is there."""

    def request(self, method: str, url: str, headers: dict[str, str], body: bytes | Body | Chunks | None = None) -> Answer:
        return Answer(404, {})

    def stream(self, url: str, headers: dict[str, str]) -> Stream:
        raise ImageError("A repository that is not there yet holds no blob.")

    def abort(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing is open."""


def _result(result: PushResult, repository: EcrRepository) -> dict[str, t.Any]:
    outcomes = list(result.outcomes.values())
    return {
        "changed": result.changed,
        # An image has no digest before its layers are compressed, which check mode leaves undone.
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
    }


VERB = Verb(
    name="ecr_image_push",
    argument_spec={
        "source": {"type": "path", "required": True},
        "source_kind": {
            "type": "str",
            "choices": ["auto", "oci", "docker_archive", "engine", "registry", "files"],
            "default": "auto",
        },
        "source_profile": {"type": "str"},
        "source_username": {"type": "str"},
        "source_password": {"type": "str", "no_log": True},
        "engine_socket": {"type": "path"},
        "image_config": {"type": "dict", "options": CONFIG_SPEC},
        "repository": {"type": "str", "required": True},
        "create_repository": {"type": "bool", "default": False},
        "repository_settings": {"type": "dict", "options": SETTINGS_SPEC},
        "tags": {"type": "list", "elements": "str", "required": True},
        "registry_id": {"type": "str"},
        "platform": {"type": "str"},
        "ref_name": {"type": "str"},
        "expected_digest": {"type": "str"},
        "cluster": {"type": "str"},
        "on_platform_mismatch": {"type": "str", "choices": ["fail", "warn"], "default": "fail"},
        "referrers": {"type": "bool", "default": False},
        "wait_for_scan": {"type": "bool", "default": False},
        "scan_fail_on": {"type": "str", "choices": [severity.lower() for severity in SEVERITIES]},
        "scan_timeout": {"type": "int", "default": 300},
        "compression": {"type": "str", "choices": ["auto", "isal", "zlib-ng", "zlib", "zstd"], "default": "auto"},
        "compress_all": {"type": "bool", "default": False},
        "jobs": {"type": "int", "default": 6},
        "on_immutable": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
        "mount_from": {"type": "list", "elements": "str", "default": []},
    },
    run=run,
    required_together=(("source_username", "source_password"),),
)
