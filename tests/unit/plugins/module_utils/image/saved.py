# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes what `docker save` writes, of each age, bit by bit the same for the same arguments."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
from pathlib import Path
from typing import Any

AGES = ("1.0", "1.10", "25")


class SavedImage:
    """One image with layers of these sizes. `text` of each layer shrinks, half of it when not said, the rest is noise."""

    def __init__(self, *sizes: int, seed: int = 0, platform: str = "linux/amd64", text: float = 0.5) -> None:
        source = random.Random(seed)
        self.layers = [_layer(source, size, number, text) for number, size in enumerate(sizes)]
        self.diff_ids = [digest(layer) for layer in self.layers]
        system, architecture = platform.split("/")
        about = {"os": system, "architecture": architecture, "config": {"Cmd": ["/app"]}, "created": "2026-01-01T00:00:00Z"}
        self.about: dict[str, Any] = about
        self.set_config(seed=seed)

    def set_config(self, **more: Any) -> None:
        """The configuration over the layers that there are."""
        self.config = json.dumps({**self.about, "rootfs": {"type": "layers", "diff_ids": self.diff_ids}, **more}).encode()
        self.id = digest(self.config)

    def save(self, path: Path, age: str = "1.10", *names: str) -> Path:
        members = {"1.0": self._chained, "1.10": self._named, "25": self._blobs}[age](list(names or ("api:1.0",)))
        return write_tar(path, members)

    def _named(self, names: list[str]) -> dict[str, bytes | str]:
        members: dict[str, bytes | str] = {}
        paths: list[str] = []
        for layer in self.layers:
            path = f"{hashlib.md5(layer + bytes(len(paths))).hexdigest()}/layer.tar"
            same = next((old for old in paths if members[old] == layer), None)
            members[path] = layer if same is None else f"../{same}"
            paths.append(path)
        config = f"{self.id.removeprefix('sha256:')}.json"
        members[config] = self.config
        members["manifest.json"] = json.dumps([{"Config": config, "RepoTags": names, "Layers": paths}]).encode()
        return members

    def _blobs(self, names: list[str]) -> dict[str, bytes | str]:
        """The layout beside it describes the layers as they are, not compressed."""
        paths = [f"blobs/sha256/{item.removeprefix('sha256:')}" for item in (*self.diff_ids, self.id)]
        members: dict[str, bytes | str] = dict(zip(paths, [*self.layers, self.config], strict=True))
        kind = "application/vnd.oci.image."
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{kind}manifest.v1+json",
            "config": {"mediaType": f"{kind}config.v1+json", "digest": self.id, "size": len(self.config)},
            "layers": [
                {"mediaType": f"{kind}layer.v1.tar", "digest": name, "size": len(layer)}
                for name, layer in zip(self.diff_ids, self.layers, strict=True)
            ],
        }
        text = json.dumps(manifest).encode()
        members[f"blobs/sha256/{digest(text).removeprefix('sha256:')}"] = text
        entry = {"mediaType": manifest["mediaType"], "digest": digest(text), "size": len(text)}
        members["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
        members["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
        members["manifest.json"] = json.dumps([{"Config": paths[-1], "RepoTags": names, "Layers": paths[:-1]}]).encode()
        return members

    def _chained(self, names: list[str]) -> dict[str, bytes | str]:
        members: dict[str, bytes | str] = {}
        parent = ""
        for number, layer in enumerate(self.layers):
            identifier = hashlib.sha256(f"{number} {parent}".encode()).hexdigest()
            about = {"id": identifier, **({"parent": parent} if parent else {}), **self.about}
            members[f"{identifier}/VERSION"] = b"1.0"
            members[f"{identifier}/json"] = json.dumps(about).encode()
            members[f"{identifier}/layer.tar"] = layer
            parent = identifier
        repositories: dict[str, dict[str, str]] = {}
        for name in names:
            repository, _colon, tag = name.rpartition(":")
            repositories.setdefault(repository, {})[tag] = parent
        members["repositories"] = json.dumps(repositories).encode()
        return members


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def write_tar(path: Path, members: dict[str, bytes | str]) -> Path:
    """A member that is a text is a symbolic link to it."""
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


def _layer(source: random.Random, size: int, number: int, share: float) -> bytes:
    text = (f"line {number} of a text that shrinks well\n" * (size // 30 + 1)).encode()[: int(size * share)]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in (("text", text), ("noise", source.randbytes(size - len(text)))):
            member = tarfile.TarInfo(f"{number}/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()
