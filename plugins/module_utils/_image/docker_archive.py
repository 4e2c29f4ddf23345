# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what `docker save` and `podman save` write, from Docker 1.0 on.

Since 1.10 a `manifest.json` names each image's configuration and layers. Before, there was a chain of `<id>/json` files, each
naming its parent, and `repositories` with the names; a configuration is made from those as Docker itself did when it migrated.
"""

from __future__ import annotations

import contextlib
import json
import typing as t
import zlib
from dataclasses import dataclass

from .archive import Archive
from .content import BLOCK, BlobFile, blocks_of, digest_of
from .draft import Draft, DraftLayer, diff_ids_in
from .errors import SourceError
from .manifest import LARGEST_MANIFEST

_AGAIN = "Export the image again."
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
# Docker itself stacks at most 127 layers.
_MOST_LAYERS = 1000
# What is known of a chained image beside its own configuration.
_OF_CONFIG = ("architecture", "os", "variant", "created", "author", "config", "docker_version", "container_config", "os.version")


@dataclass(frozen=True)
class _Saved:
    """One image of the archive: where its parts are."""

    names: tuple[str, ...]
    config: str
    layers: tuple[str, ...]


def read_docker_archive(archive: Archive, ref_name: str | None = None) -> Draft:
    """Choose the image with this name (`name:tag`), or the only one. Raises `SourceError`."""
    listed = _read(archive, "manifest.json")
    if listed is None:
        return _chained(archive, ref_name)
    images = [_saved(entry, archive) for entry in _list(_json(listed, "manifest.json", archive), "manifest.json", archive)]
    image = _choose(images, ref_name, archive)
    config = _read(archive, image.config)
    if config is None:
        raise SourceError(f"{archive.shown} names the configuration {image.config} but does not hold it.", _AGAIN)
    diff_ids = diff_ids_in(config, f"{archive.shown}")
    if len(diff_ids) != len(image.layers):
        raise SourceError(f"{archive.shown} holds {len(image.layers)} layers where the configuration names {len(diff_ids)}.", _AGAIN)
    layers = tuple(_layer(archive, path, diff_id) for path, diff_id in zip(image.layers, diff_ids, strict=True))
    return Draft(config, layers, str(archive.shown))


def _saved(entry: t.Any, archive: Archive) -> _Saved:
    try:
        names, config, layers = entry.get("RepoTags") or [], entry["Config"], entry["Layers"] or []
    except (AttributeError, KeyError, TypeError) as exc:
        raise SourceError(f"manifest.json in {archive.shown} holds something that is no image.", _AGAIN) from exc
    if not all(isinstance(item, str) for item in [config, *_list(names, "RepoTags", archive), *_list(layers, "Layers", archive)]):
        raise SourceError(f"manifest.json in {archive.shown} names its files in an unknown way.", _AGAIN)
    if len(layers) > _MOST_LAYERS:
        raise SourceError(f"manifest.json in {archive.shown} names {len(layers)} layers; no image has more than {_MOST_LAYERS}.")
    return _Saved(tuple(names), config, tuple(layers))


def _choose(images: list[_Saved], ref_name: str | None, archive: Archive) -> _Saved:
    names = ", ".join(sorted(name for image in images for name in image.names)) or "none"
    if ref_name is not None:
        images = [image for image in images if any(_same_name(name, ref_name) for name in image.names)]
        if not images:
            raise SourceError(f"{archive.shown} holds no image with the name {ref_name!r}.", f"Names in it: {names}.")
    if not images:
        raise SourceError(f"{archive.shown} holds no image: its manifest.json is empty.")
    if len({image.config for image in images}) > 1:
        raise SourceError(f"{archive.shown} holds {len(images)} images: {names}.", "Choose one with ref_name.")
    return images[0]


def _same_name(name: str, wanted: str) -> bool:
    """Podman writes names in full, Docker leaves out what goes without saying."""

    def full(text: str) -> str:
        text = text.removeprefix("docker.io/").removeprefix("library/")
        return text if ":" in text.rpartition("/")[2] else f"{text}:latest"

    return full(name) == full(wanted) or full(name).removeprefix("localhost/") == full(wanted)


def _layer(archive: Archive, path: str, diff_id: str) -> DraftLayer:
    file = archive.find(path)
    if file is None:
        raise SourceError(f"{archive.shown} names the layer {path} but does not hold it.", _AGAIN)
    where = f"{archive.shown} ({path})"
    start = _start(file)
    if start.startswith(_ZSTD):
        raise SourceError(f"The layer {path} in {archive.shown} is compressed with zstd.", "Export the image as an OCI archive.")
    if start.startswith(_GZIP):
        return DraftLayer(diff_id, file.size, lambda: _gunzipped(file, where), where)
    return DraftLayer(diff_id, file.size, lambda: blocks_of(file), where, file)


def _start(file: BlobFile) -> bytes:
    with contextlib.closing(file.open()) as reader:
        return reader.block(0, 4)


def _gunzipped(file: BlobFile, where: str) -> t.Iterator[bytes]:
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        for data in blocks_of(file):
            rest = data
            while rest:
                if inflate.eof:
                    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
                if piece := inflate.decompress(rest, BLOCK):
                    yield piece
                rest = inflate.unconsumed_tail or inflate.unused_data
        while piece := inflate.decompress(b"", BLOCK):
            yield piece
    except zlib.error as exc:
        raise SourceError(f"The layer in {where} is damaged: {exc}.", _AGAIN) from exc
    if not inflate.eof:
        raise SourceError(f"The layer in {where} is cut off.", _AGAIN)


def _chained(archive: Archive, ref_name: str | None) -> Draft:
    content = _read(archive, "repositories")
    if content is None:
        raise SourceError(f"{archive.shown} is no docker archive: it has neither manifest.json nor repositories.")
    data = _json(content, "repositories", archive)
    names: dict[str, str] = {}
    for repository, tags in data.items() if isinstance(data, dict) else []:
        for tag, identifier in tags.items() if isinstance(tags, dict) else []:
            names[f"{repository}:{tag}"] = str(identifier)
    chosen = {identifier for name, identifier in names.items() if ref_name is None or _same_name(name, ref_name)}
    if len(chosen) != 1:
        known = ", ".join(sorted(names)) or "none"
        raise SourceError(
            f"{archive.shown} does not hold exactly one image of that name.", f"Choose one with ref_name. Names in it: {known}."
        )
    chain = _ancestry(archive, chosen.pop())
    files = [archive.find(f"{identifier}/layer.tar") for identifier, _about in chain]
    if None in files:
        raise SourceError(f"{archive.shown} holds an image whose layer.tar is missing.", _AGAIN)
    diff_ids = [digest_of(file) for file in files if file is not None]
    top = chain[-1][1]
    config = {name: top[name] for name in _OF_CONFIG if name in top}
    config["rootfs"] = {"type": "layers", "diff_ids": diff_ids}
    config["history"] = [_history(about) for _identifier, about in chain]
    text = json.dumps(config, sort_keys=True, separators=(",", ":")).encode()
    layers = [_layer(archive, f"{identifier}/layer.tar", diff_id) for (identifier, _about), diff_id in zip(chain, diff_ids, strict=True)]
    return Draft(text, tuple(layers), str(archive.shown))


def _ancestry(archive: Archive, identifier: str) -> list[tuple[str, dict[str, t.Any]]]:
    """The image and all it stands on, the lowest first."""
    chain: list[tuple[str, dict[str, t.Any]]] = []
    while identifier:
        if len(chain) >= _MOST_LAYERS:
            raise SourceError(f"{archive.shown} stacks more than {_MOST_LAYERS} layers, or in a circle.")
        content = _read(archive, f"{identifier}/json")
        about = _json(content, f"{identifier}/json", archive) if content is not None else None
        if not isinstance(about, dict):
            raise SourceError(f"{archive.shown} names the layer {identifier} but does not describe it.", _AGAIN)
        chain.append((identifier, about))
        identifier = str(about.get("parent") or "")
    return chain[::-1]


def _history(about: dict[str, t.Any]) -> dict[str, t.Any]:
    ran = about.get("container_config") or {}
    command = (ran.get("Cmd") or []) if isinstance(ran, dict) else None
    if not isinstance(command, list):
        raise SourceError(f"The layer {about.get('id')} names its command in an unknown way.", _AGAIN)
    made = {"created": about.get("created"), "created_by": " ".join(map(str, command)), "author": about.get("author")}
    return {name: value for name, value in made.items() if value}


def _read(archive: Archive, name: str) -> bytes | None:
    file = archive.find(name)
    if file is None:
        return None
    if file.size > LARGEST_MANIFEST:
        raise SourceError(f"{name} in {archive.shown} has {file.size} bytes, which is too large for what it should be.")
    return b"".join(blocks_of(file))


def _json(content: bytes, name: str, archive: Archive) -> t.Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise SourceError(f"{name} in {archive.shown} is not JSON: {exc}.", _AGAIN) from exc


def _list(data: t.Any, name: str, archive: Archive) -> list[t.Any]:
    if not isinstance(data, list):
        raise SourceError(f"{name} in {archive.shown} is no list.", _AGAIN)
    return data
