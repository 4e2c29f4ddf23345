# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images that the push bench moves: half noise, half files of this machine, so that they shrink as images do. Kept between runs."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import sys
import sysconfig
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_KIND = "application/vnd.oci.image."
_BLOCK = 1 << 20
NOISE = 75_000_000
FILES = 76_000_000
SMALL = 100_000
GO_BINARY = 10_000_000


def make(folder: Path, scale: float) -> dict[str, tuple[str, Path]]:
    """Each image as its kind and its path. Made when the folder holds none of this scale."""
    stamp = folder / "made"
    images = {
        "oci-8-layers": ("oci", folder / "oci-8-layers"),
        "docker-archive": ("docker-archive", folder / "docker-archive.tar"),
        "oci-100-layers": ("oci", folder / "oci-100-layers"),
        "go-binary": ("oci", folder / "go-binary"),
    }
    if stamp.exists() and stamp.read_text() == str(scale):
        return images
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    layers = [_layer(folder / f"layer-{number}.tar", number, scale) for number in range(8)]
    _layout(folder / "oci-8-layers", layers)
    _docker_archive(folder / "docker-archive.tar", layers)
    for layer in layers:
        layer.unlink()
    source = random.Random(100)
    small = [
        _packed(folder / f"small-{number}.tar", {f"f{number}": source.randbytes(max(1000, int(SMALL * scale)))}) for number in range(100)
    ]
    _layout(folder / "oci-100-layers", small)
    binary = _packed(folder / "binary.tar", {"app": _binary(max(10_000, int(GO_BINARY * scale)))})
    _layout(folder / "go-binary", [binary])
    for layer in (*small, binary):
        layer.unlink()
    stamp.write_text(str(scale))
    return images


def _packed(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def _layer(path: Path, number: int, scale: float) -> Path:
    """An even one of noise, an odd one of real files, other files each time."""
    if number % 2 == 0:
        source = random.Random(number)
        return _packed(path, {"noise": b"".join(source.randbytes(_BLOCK) for _ in range(max(1, int(NOISE * scale) // _BLOCK)))})
    wanted = int(FILES * scale)
    with tarfile.open(path, "w") as archive:
        size = 0
        for index, file in enumerate(_real_files()):
            if index % 4 == number // 2 and size < wanted:
                content = file.read_bytes()
                member = tarfile.TarInfo(f"{index}/{file.name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
                size += len(content)
        if size < wanted:
            # Not enough files here: text of the same kind as sources.
            words = random.Random(number)
            text = "".join(
                f"def f{words.randrange(10**6)}(x{words.randrange(99)}): return {words.random()}\n" for _ in range((wanted - size) // 40)
            )
            member = tarfile.TarInfo("text")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def _real_files() -> Iterator[Path]:
    for root in (Path(sysconfig.get_path("stdlib")), Path("/usr/local/go"), Path("/usr/lib/x86_64-linux-gnu"), Path("/usr/share/doc")):
        for file in sorted(root.rglob("*")):
            if file.is_file() and not file.is_symlink() and 1000 < file.stat().st_size < 30_000_000:
                yield file


def _binary(size: int) -> bytes:
    """A Go program where there is one; this Python otherwise, over and over."""
    go = shutil.which("go")
    content = (Path(go).resolve() if go else Path(sys.executable).resolve()).read_bytes()
    return (content * (size // len(content) + 1))[:size]


def _digest(path: Path) -> tuple[str, int]:
    found, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            found.update(block)
            size += len(block)
    return f"sha256:{found.hexdigest()}", size


def _config(layers: list[Path]) -> bytes:
    diff_ids = [_digest(layer)[0] for layer in layers]
    about = {"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    return json.dumps({**about, "history": [{"created_by": f"layer {number}"} for number, _layer in enumerate(layers)]}).encode()


def _layout(path: Path, layers: list[Path]) -> None:
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def document(content: bytes, kind: str) -> dict[str, Any]:
        name = hashlib.sha256(content).hexdigest()
        (blobs / name).write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{name}", "size": len(content)}

    described = []
    for layer in layers:
        packed = path / "packing"
        # A gzip header without a time: the same image every time.
        deflate = zlib.compressobj(6, zlib.DEFLATED, 31)
        with layer.open("rb") as stream, packed.open("wb") as out:
            while block := stream.read(_BLOCK):
                out.write(deflate.compress(block))
            out.write(deflate.flush())
        digest, size = _digest(packed)
        packed.replace(blobs / digest.removeprefix("sha256:"))
        described.append({"mediaType": f"{_KIND}layer.v1.tar+gzip", "digest": digest, "size": size})
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": document(_config(layers), f"{_KIND}config.v1+json"),
        "layers": described,
    }
    entry = document(json.dumps(manifest).encode(), MANIFEST)
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))


def _docker_archive(path: Path, layers: list[Path]) -> None:
    config = _config(layers)
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    with tarfile.open(path, "w") as archive:
        names = []
        for layer in layers:
            names.append(f"{_digest(layer)[0].removeprefix('sha256:')}/layer.tar")
            archive.add(layer, names[-1], filter=_plain)
        for member_name, content in (
            (name, config),
            ("manifest.json", json.dumps([{"Config": name, "RepoTags": ["bench:1"], "Layers": names}]).encode()),
        ):
            member = tarfile.TarInfo(member_name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
    return member
