# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens an image, whatever it is: tells what kind of source it is from the source itself."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .archive import Archive, open_archive
from .assemble import FilesSource, Wishes, assemble
from .content import Content
from .docker_archive import read_docker_archive
from .draft import Draft
from .engine import EngineSource, open_engine
from .errors import SourceError
from .layout import Layout, load_image, open_layout
from .manifest import Image, Platform

_HINT = "Name an OCI image layout (a directory or an archive) or what docker save or podman save wrote."


@dataclass(frozen=True)
class Opened:
    """An image ready to be pushed. `close` removes what was put into the folder for temporary files."""

    kind: str
    source: _Closable
    image: Image | Draft | EngineSource

    def close(self) -> None:
        self.source.close()


class _Closable(t.Protocol):
    @property
    def name(self) -> str: ...

    def blob(self, digest: str) -> Content | None: ...

    def close(self) -> None: ...


class _DraftSource:
    """What a draft's layers are read from. It has no blobs: they are made."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    @property
    def name(self) -> str:
        return str(self._archive.shown)

    def blob(self, digest: str) -> Content | None:
        return None

    def close(self) -> None:
        self._archive.close()


def tell_kind(source: str, said: str, made: bool) -> tuple[str, str]:
    """The kind of a source, and its name without what tells the kind. `auto_file` is what only its content tells.

    `said` is what the user says it is; `made` whether an image is to be made of it.
    """
    for prefix, kind in (("docker://", "registry"), ("docker-daemon:", "engine"), ("oci:", "oci"), ("docker-archive:", "docker_archive")):
        if source.startswith(prefix):
            if said not in ("auto", kind):
                raise SourceError(f"source: {source} is no {said}, by its beginning.", "Leave source_kind out, or correct it.")
            return kind, source.removeprefix(prefix)
    if said == "auto" and made:
        return "files", source
    return ("auto_file" if said == "auto" else said), source


def open_files(path: Path, wishes: Wishes, platform: Platform | None) -> Opened:
    """Make an image of a folder or a program. Raises `SourceError`."""
    if not path.exists():
        raise SourceError(f"{path} does not exist.", "Name a folder or a program to make an image of.")
    return Opened("files", FilesSource(path), assemble(path, wishes, platform))


def open_engine_image(name: str, socket_path: str, platform: Platform | None) -> Opened:
    """An image of the Docker or Podman engine of this machine. Raises `SourceError`."""
    source = open_engine(name, socket_path, lambda archive: open_image(archive, platform=platform))
    if platform is not None and source.platform is not None and not source.platform.matches(platform):
        raise SourceError(f"{source.name} is for {source.platform}, not for {platform}.", "Build or pull it for that platform.")
    return Opened("engine", source, source)


def open_image(path: Path, kind: str = "auto_file", ref_name: str | None = None, platform: Platform | None = None) -> Opened:
    """Open an image on disk; `kind` is `auto_file`, `oci` or `docker_archive`. Raises `SourceError`."""
    if kind == "oci" or path.is_dir():
        layout = open_layout(path)
        with _closed_on_failure(layout):
            return Opened("oci", layout, load_image(layout, ref_name, platform))
    try:
        archive = open_archive(path)
    except FileNotFoundError as exc:
        raise SourceError(f"{path} does not exist.", _HINT) from exc
    except OSError as exc:
        raise SourceError(f"{path} cannot be read: {exc.strerror or exc}.") from exc
    with _closed_on_failure(archive):
        layout = Layout(path, archive.find, archive)
        if kind != "docker_archive" and archive.find("index.json") is not None:
            if archive.find("manifest.json") is None:
                return Opened("oci", layout, load_image(layout, ref_name, platform))
            # Docker 25 and newer write both. Only with its containerd store are the layers those that were pulled: then the layout is
            # worth pushing.
            image = _compressed(layout, ref_name, platform)
            if image is not None:
                return Opened("oci", layout, image)
        elif archive.find("manifest.json") is None and archive.find("repositories") is None:
            raise SourceError(f"{path} is no image: it has neither index.json nor manifest.json.", _HINT)
        draft = read_docker_archive(archive, ref_name)
        if platform is not None and (draft.platform is None or not draft.platform.matches(platform)):
            raise SourceError(f"{path} holds no image for {platform}.", f"Platforms in it: {draft.platform or 'none'}.")
        return Opened("docker_archive", _DraftSource(archive), draft)


def _compressed(layout: Layout, ref_name: str | None, platform: Platform | None) -> Image | None:
    """The image of the layout when all its layers are there and some compressed; None otherwise. A few are pushed as they are."""
    try:
        image = load_image(layout, ref_name, platform)
    except SourceError:
        return None
    layers = [blob for manifest in [*image.children, image.root] for blob in manifest.blobs[1:]]
    return None if layers and all(layer.media_type.endswith(".tar") for layer in layers) else image


@contextlib.contextmanager
def _closed_on_failure(thing: Layout | Archive) -> t.Iterator[None]:
    try:
        yield
    except BaseException:
        thing.close()
        raise
