# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image in a Docker or Podman engine of this machine, over its socket: asked about first, exported only when it is needed."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import tempfile
import typing as t
import urllib.parse
from pathlib import Path

from .content import Content
from .draft import Draft
from .errors import ImageError, SourceError
from .manifest import Image, Platform
from .reference import check_digest

if t.TYPE_CHECKING:
    from .sources import Opened

_BLOCK = 1024 * 1024
_LONGEST_ANSWER = 4 * 1024 * 1024
# Docker writes the whole archive to its own disk before the first byte comes.
_PATIENCE = 600.0


def sockets() -> list[Path]:
    """Where an engine may listen, the likeliest first: what DOCKER_HOST says, else the usual places."""
    said = os.environ.get("DOCKER_HOST", "")
    if said:
        if not said.startswith("unix://"):
            raise SourceError(f"DOCKER_HOST is {said!r}; an engine is read over its socket on this machine only.", "Set engine_socket.")
        return [Path(said.removeprefix("unix://"))]
    places = ["/var/run/docker.sock"]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        places += [f"{runtime}/docker.sock", f"{runtime}/podman/podman.sock"]
    return [Path(place) for place in (*places, "/run/podman/podman.sock")]


class EngineSource:
    """One image of an engine. `identities` are known at once; `load` exports it into a file that `close` removes."""

    def __init__(self, image: str, path: Path, about: dict[str, t.Any], opener: t.Callable[[Path], Opened]) -> None:
        self._image = image
        self._path = path
        self._opener = opener
        self._work: tempfile.TemporaryDirectory[str] | None = None
        self._opened: Opened | None = None
        identifier = str(about.get("Id") or "")
        try:
            # Podman leaves the algorithm out.
            self._id = check_digest(identifier if ":" in identifier else f"sha256:{identifier}")
        except ImageError as exc:
            raise SourceError(f"{path} gives {image} the ID {identifier!r}, which is no digest.", "Is it the socket of an engine?") from exc
        self.platform = None
        if about.get("Os") and about.get("Architecture"):
            self.platform = Platform(str(about["Os"]), str(about["Architecture"]), str(about.get("Variant") or ""))

    @property
    def name(self) -> str:
        return f"{self._image} in {self._path}"

    @property
    def identities(self) -> frozenset[str]:
        """Digests of which the image's manifest or configuration has one: the ID is the one or the other, by the engine's store."""
        return frozenset({self._id})

    def load(self) -> Image | Draft:
        self._work = tempfile.TemporaryDirectory(prefix="steadystate-image-")
        archive = Path(self._work.name) / "image.tar"
        with _asked(self._path, f"/images/{_quoted(self._image)}/get") as answer, archive.open("wb") as stream:
            if answer.status != 200:
                raise SourceError(f"{self.name} cannot be exported: HTTP {answer.status} {_message(answer.read(_LONGEST_ANSWER))}.")
            try:
                while data := answer.read(_BLOCK):
                    stream.write(data)
            except (OSError, http.client.HTTPException) as exc:
                raise SourceError(f"{self.name} could not be exported to {self._work.name}: {exc}.", "Is there room for it?") from exc
        self._opened = self._opener(archive)
        return t.cast("Image | Draft", self._opened.image)

    def blob(self, digest: str) -> Content | None:
        return self._opened.source.blob(digest) if self._opened else None

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
        if self._work is not None:
            self._work.cleanup()


def open_engine(image: str, socket_path: str, opener: t.Callable[[Path], Opened]) -> EngineSource:
    """Ask the engine about the image. `opener` opens what it exports. Raises `SourceError`."""
    places = [Path(socket_path)] if socket_path else sockets()
    there = [place for place in places if place.is_socket()]
    if not there:
        names = ", ".join(map(str, places))
        raise SourceError(f"No engine listens on {names}.", "Start it (podman: systemctl start podman.socket) or set engine_socket.")
    for place in there:
        with _asked(place, f"/images/{_quoted(image)}/json") as answer:
            content = answer.read(_LONGEST_ANSWER)
        if answer.status == 200:
            try:
                about = json.loads(content)
            except (ValueError, RecursionError) as exc:
                raise SourceError(f"{place} answers with something else than what an engine says about an image.") from exc
            return EngineSource(image, place, about if isinstance(about, dict) else {}, opener)
        if answer.status != 404:
            raise SourceError(f"{place} does not tell about {image}: HTTP {answer.status} {_message(content)}.")
    raise SourceError(f"The engine at {', '.join(map(str, there))} holds no image {image}.", "Build or pull it first, or check its name.")


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@contextlib.contextmanager
def _asked(path: Path, url: str) -> t.Iterator[http.client.HTTPResponse]:
    connection = _SocketConnection(path)
    try:
        connection.request("GET", url)
        yield connection.getresponse()
    except PermissionError as exc:
        raise SourceError(f"This user may not use {path}.", "Add it to the group of the socket, or run the task with become.") from exc
    except (OSError, http.client.HTTPException) as exc:
        raise SourceError(f"{path} does not answer: {exc or type(exc).__name__}.") from exc
    finally:
        connection.close()


def _quoted(image: str) -> str:
    return urllib.parse.quote(image, safe="/:@")


def _message(content: bytes) -> str:
    try:
        data = json.loads(content)
        return str(data.get("message") or data.get("cause") or "")
    except (ValueError, AttributeError, RecursionError):
        return content[:200].decode("utf-8", "replace").strip()
