# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image that is pushed: opened from wherever the options say it is."""

from __future__ import annotations

import typing as t
import urllib.parse
from pathlib import Path

from .._aws import ecr
from .._aws.connection import client_factory
from .._image.assemble import Wishes
from .._image.client import Registry
from .._image.draft import Draft, platform_in
from .._image.engine import EngineSource
from .._image.errors import SourceError
from .._image.login import Login
from .._image.manifest import Image, Platform
from .._image.reference import Reference, parse_reference
from .._image.remote import RemoteSource
from .._image.sources import Opened, open_engine_image, open_files, open_image, tell_kind
from .._image.transport import Connections, is_loopback
from .._verb import Context, VerbFailure
from ._push_target import Target, parse_ecr_host

CONFIG_SPEC: dict[str, t.Any] = {
    "entrypoint": {"type": "list", "elements": "str", "default": []},
    "cmd": {"type": "list", "elements": "str", "default": []},
    "env": {"type": "dict", "default": {}},
    "user": {"type": "str", "default": ""},
    "working_dir": {"type": "str", "default": ""},
    "labels": {"type": "dict", "default": {}},
    "ports": {"type": "list", "elements": "str", "default": []},
    "stop_signal": {"type": "str", "default": ""},
    "target": {"type": "str", "default": ""},
}

_DOCKER_HUB = "registry-1.docker.io"


class Away(t.NamedTuple):
    """An image that lies in a registry."""

    reference: Reference
    host: str

    @property
    def what(self) -> str:
        return self.reference.digest or self.reference.tag or "latest"


def away(params: dict[str, t.Any]) -> Away | None:
    """The image's name when it lies in a registry; None when it is on this machine. Raises `ImageError` for a bad one."""
    kind, name = tell_kind(params["source"], params["source_kind"], params["image_config"] is not None)
    if params["image_config"] is not None and kind != "files":
        raise VerbFailure(f"image_config: source is of the kind {kind}, which brings its configuration along.")
    if kind != "registry":
        return None
    reference = parse_reference(name)
    if reference.registry in ("", "docker.io", "index.docker.io"):
        repository = reference.repository if "/" in reference.repository else f"library/{reference.repository}"
        return Away(Reference("", repository, reference.tag, reference.digest), _DOCKER_HUB)
    return Away(reference, reference.registry)


def open_here(params: dict[str, t.Any], platform: Platform | None) -> Opened:
    """An image that is on this machine. Raises `ImageError`."""
    kind, name = tell_kind(params["source"], params["source_kind"], params["image_config"] is not None)
    if kind == "files":
        return open_files(Path(name), _wishes(params["image_config"] or {}), platform)
    if kind == "engine":
        return open_engine_image(name, params["engine_socket"] or "", platform)
    return open_image(Path(name), kind, params["ref_name"] or None, platform)


def open_away(image: Away, params: dict[str, t.Any], ctx: Context, target: Target, connections: Connections, registry: t.Any) -> Opened:
    """An image in a registry; `registry` makes a `Registry` of what differs. Raises `ImageError`."""
    platform = params["platform"]
    scheme = "http" if is_loopback(urllib.parse.urlsplit(f"//{image.host}").hostname or "") else "https"
    endpoint = f"{scheme}://{image.host}"
    if target.is_registry(image.host):
        client = ctx.client("ecr")
        source: Registry = registry(target.endpoint, image.reference.repository, _ecr_login(client, target.token))
    elif (host := parse_ecr_host(image.host)) is not None:
        wanted = {**params, "region": host.region}
        if params["source_profile"]:
            wanted.update(profile=params["source_profile"], access_key=None, secret_key=None, session_token=None)
        client = client_factory(wanted)("ecr")
        access = ecr.get_authorization_token(client)
        if parse_ecr_host(urllib.parse.urlsplit(access.endpoint).netloc) is None:
            # What answers in place of AWS is every registry itself.
            endpoint = access.endpoint
        source = registry(endpoint, image.reference.repository, _ecr_login(client, access.token))
    else:
        login = Login(connections, image.reference.repository, params["source_username"] or "", params["source_password"] or "")
        source = registry(endpoint, image.reference.repository, lambda stale: None, challenge=login.answer)
    opened = RemoteSource(source)
    return Opened("registry", opened, opened.load(image.what, platform))


def _ecr_login(client: t.Any, token: str) -> t.Callable[[str | None], str | None]:
    return lambda stale: token if stale is None else ecr.get_authorization_token(client).token


def _wishes(config: dict[str, t.Any]) -> Wishes:
    chosen = {name: config.get(name) or option["default"] for name, option in CONFIG_SPEC.items()}
    for name, value in (*chosen["env"].items(), *chosen["labels"].items()):
        if isinstance(value, (dict, list)) or value is None:
            raise VerbFailure(f"image_config: {name} has the value {value!r}; it takes a text.", hint="Quote it.")
    return Wishes(
        entrypoint=tuple(chosen["entrypoint"]),
        cmd=tuple(chosen["cmd"]),
        env={str(name): str(value) for name, value in chosen["env"].items()},
        user=chosen["user"],
        working_dir=chosen["working_dir"],
        labels={str(name): str(value) for name, value in chosen["labels"].items()},
        ports=tuple(chosen["ports"]),
        stop_signal=chosen["stop_signal"],
        target=chosen["target"],
    )


def platforms_of(opened: Opened) -> set[Platform]:
    """The platforms that the image is for; empty when it does not say."""
    image = opened.image
    if isinstance(image, (Draft, EngineSource)):
        return {image.platform} if image.platform else set()
    if image.root.is_index:
        listed = {entry.platform for manifest in (image.root, *image.children) for entry in manifest.manifests if entry.platform}
        # BuildKit gives attestations the platform unknown/unknown.
        return {platform for platform in listed if platform.os != "unknown"}
    return _platform_of(opened, image)


def _platform_of(opened: Opened, image: Image) -> set[Platform]:
    reader = getattr(opened.source, "read_blob", None)
    if reader is None or not image.root.blobs:
        return set()
    try:
        found = platform_in(reader(image.root.blobs[0]) or b"")
    except SourceError:
        # What is wrong with it is said when it is pushed.
        return set()
    return {found} if found else set()
