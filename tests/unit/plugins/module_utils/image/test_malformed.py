# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sources that are damaged, nonsense or made to harm: each ends in a clear error, soon, in little memory, and leaves nothing behind."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import signal
import socketserver
import struct
import tarfile
import tempfile
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._image import archive as archive_module
from ansible_collections.steadystate.ecs.plugins.module_utils._image.client import Registry
from ansible_collections.steadystate.ecs.plugins.module_utils._image.engine import EngineSource
from ansible_collections.steadystate.ecs.plugins.module_utils._image.errors import ImageError
from ansible_collections.steadystate.ecs.plugins.module_utils._image.manifest import LARGEST_MANIFEST, parse_platform
from ansible_collections.steadystate.ecs.plugins.module_utils._image.push import PushFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._image.remote import RemoteSource
from ansible_collections.steadystate.ecs.plugins.module_utils._image.sources import open_engine_image, open_image
from ansible_collections.steadystate.ecs.plugins.module_utils._image.transport import Answer
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import FakeClock
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.images import CONFIG, INDEX, LAYER, MANIFEST, LayoutBuilder
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.rig import Rig
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.saved import SavedImage, write_tar

SECONDS = 30
MOST_MEMORY = 48 * 1024 * 1024
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
NOBODY = "sha256:" + "0" * 64
DEEP = 200_000


class Maker:
    """Where a case puts its source, and shorthand for the usual parts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layout = LayoutBuilder(folder / "layout")
        self.saved = SavedImage(3000, 2000)
        self.platform: str | None = None

    def file(self, content: bytes) -> Path:
        path = self.folder / "image.tar"
        path.write_bytes(content)
        return path

    def image(self, **changes: Any) -> dict[str, Any]:
        """A manifest of the layout with some members changed; None takes one out."""
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.layout.blob(b'{"os": "linux", "architecture": "amd64"}', CONFIG),
            "layers": [self.layout.blob(b"layer", LAYER)],
            **changes,
        }
        return self.layout.document({key: value for key, value in document.items() if value is not None}, MANIFEST)

    def named(self, descriptor: dict[str, Any]) -> Path:
        self.layout.name(descriptor)
        return self.layout.path

    def index(self, content: bytes | str) -> Path:
        (self.layout.path / "index.json").write_bytes(content.encode() if isinstance(content, str) else content)
        return self.layout.path

    def raw(self, content: bytes, media_type: str = MANIFEST) -> Path:
        return self.named(self.layout.blob(content, media_type))

    def broken(self, descriptor: dict[str, Any], content: bytes | None) -> Path:
        """The layout with another content behind the descriptor, or with none."""
        file = self.layout.file(descriptor)
        file.unlink() if content is None else file.write_bytes(content)
        return self.layout.path

    def docker(self, **changes: Any) -> Path:
        """What docker save writes, with some of its members changed, or taken out by None."""
        members: dict[str, Any] = self.saved._named(["api:1.0"])
        for name, content in changes.items():
            if content is None:
                del members[name]
            else:
                members[name] = content
        return write_tar(self.folder / "image.tar", members)

    def listed(self, *entries: Any) -> Path:
        return self.docker(**{"manifest.json": json.dumps(list(entries)).encode()})

    def entry(self, **changes: Any) -> dict[str, Any]:
        members = self.saved._named(["api:1.0"])
        entry = json.loads(members["manifest.json"])[0]
        return {**entry, **changes}

    def config(self, content: bytes) -> Path:
        return self.docker(**{"config.json": content, "manifest.json": json.dumps([self.entry(Config="config.json")]).encode()})

    def chained(self, **changes: Any) -> Path:
        members: dict[str, Any] = self.saved._chained(["api:1.0"])
        top = json.loads(members["repositories"])["api"]["1.0"]
        about = json.loads(members[f"{top}/json"])
        members[f"{top}/json"] = json.dumps(
            {**about, **{key: top if value == "itself" else value for key, value in changes.items()}}
        ).encode()
        return write_tar(self.folder / "image.tar", members)


def tar(*members: tarfile.TarInfo, end: bool = True) -> bytes:
    """Headers with as much content as they announce, up to a kilobyte."""
    out = io.BytesIO()
    for member in members:
        out.write(member.tobuf(tarfile.GNU_FORMAT))
        held = min(max(member.size, 0), 1024)
        out.write(b"x" * held + bytes(-held % 512))
    return out.getvalue() + (bytes(1024) if end else b"")


def header(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, size, link
    return member


def negative(at: int) -> bytes:
    """A member whose size is a negative number, which sends a careless reader back to where it was, for ever."""
    block = bytearray(tar(header("index.json", size=0), end=False))
    block[124:136] = b"\xff" * 4 + struct.pack(">q", at)
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block[:512]):06o}\0 ".encode()
    return bytes(block) + bytes(1024)


def pax(**records: str) -> bytes:
    """A member with extended headers before it."""
    lines = b""
    for key, value in records.items():
        text = f" {key}={value}\n".encode()
        size = len(text) + len(str(len(text) + 3))
        lines += f"{size}".encode() + text
    head = header("pax", tarfile.XHDTYPE, len(lines))
    return head.tobuf() + lines + bytes(-len(lines) % 512) + tar(header("index.json", size=4))


def huge_header(kind: bytes) -> Callable[[Maker], Path]:
    """A header of 300 MB, which a reader that takes headers whole would hold in memory. The file is sparse."""

    def make(maker: Maker) -> Path:
        path = maker.folder / "image.tar"
        with path.open("wb") as stream:
            stream.write(header("long", kind, 300_000_000).tobuf())
            stream.truncate(300_001_024)
        return path

    return make


def deep_json(text: str) -> bytes:
    return (text * DEEP).encode()


def fifo(maker: Maker) -> Path:
    path = maker.folder / "image.tar"
    os.mkfifo(path)
    return path


def nested(depth: int) -> Callable[[Maker], Path]:
    def make(maker: Maker) -> Path:
        descriptor = maker.layout.image(10)
        for _level in range(depth):
            descriptor = maker.layout.index(descriptor)
        return maker.named(descriptor)

    return make


def bomb(compress: Callable[[bytes], bytes]) -> Callable[[Maker], Path]:
    return lambda maker: maker.file(compress(bytes(20_000_000)))


def swapped(maker: Maker, **members: Any) -> Path:
    """index.json whose one entry has these members changed."""
    entry = {**maker.image(), **members}
    return maker.index(json.dumps({"manifests": [{key: value for key, value in entry.items() if value is not None}]}))


def lying_index(maker: Maker) -> Path:
    """Its descriptor says image, its content says index: there is no configuration to read the platform from."""
    child = maker.image()
    maker.platform = "linux/amd64"
    return maker.named(maker.layout.document({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}, MANIFEST))


def circle(maker: Maker) -> Path:
    """An index that names itself, under a digest that cannot be its own."""
    entry = {"mediaType": INDEX, "digest": NOBODY, "size": 300}
    content = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode().ljust(300)
    maker.layout.file(entry).write_bytes(content)
    return maker.index(json.dumps({"manifests": [entry]}))


def names_of_many_kinds(maker: Maker) -> Path:
    first, second = maker.image(), maker.image(layers=[])
    key = "org.opencontainers.image.ref.name"
    entries = [{**first, "annotations": {key: ["a"]}}, {**second, "annotations": {key: {"b": 1}}}]
    return maker.index(json.dumps({"manifests": entries}))


def layer_link_out(maker: Maker, link: str) -> Path:
    name = maker.entry()["Layers"][0]
    return maker.docker(**{name: link})


# What is there, by the words with which it is refused.
CASES: dict[str, tuple[Callable[[Maker], Path], str]] = {
    "nothing there": (lambda maker: maker.folder / "no.tar", "does not exist"),
    "an empty file": (lambda maker: maker.file(b""), "cannot be read as a tar archive|is no image"),
    "an empty folder": (lambda maker: maker.folder / "layout" / "blobs", "has no index.json"),
    "a text": (lambda maker: maker.file(b"FROM scratch\n" * 100), "cannot be read as a tar archive"),
    "random bytes": (lambda maker: maker.file(hashlib.shake_128(b"seed").digest(5000)), "cannot be read as a tar archive"),
    "a pipe nobody writes to": (fifo, "is no file"),
    "a device without end": (lambda maker: Path("/dev/zero"), "is no file"),
    "a tar of something else": (lambda maker: maker.file(tar(header("etc/passwd", size=3))), "is no image"),
    "an empty tar": (lambda maker: maker.file(bytes(10240)), "is no image"),
    "a tar cut off in a header": (lambda maker: maker.file(maker.docker().read_bytes()[:700]), "cut off|cannot be read|is no image"),
    "a tar cut off in its content": (lambda maker: maker.file(maker.docker().read_bytes()[:3000]), "cut off|cannot be read"),
    "a tar whose checksum is wrong": (lambda maker: maker.file(b"y" + maker.docker().read_bytes()[1:]), "cannot be read as a tar archive"),
    "a member of negative size": (lambda maker: maker.file(negative(-512)), "cannot be read as a tar archive"),
    "a member of very negative size": (lambda maker: maker.file(negative(-(2**62))), "cannot be read as a tar archive"),
    "a member larger than any disk": (lambda maker: maker.file(tar(header("index.json", size=2**60))), "cut off|cannot be read"),
    "an extended header of negative size": (lambda maker: maker.file(pax(size="-1024")), "cannot be read as a tar archive"),
    "an extended header that is no number": (lambda maker: maker.file(pax(size="many")), "is not JSON|is no image|cannot be read"),
    "an extended header of 300 MB": (huge_header(tarfile.XHDTYPE), "cannot be read as a tar archive"),
    "a global header of 300 MB": (huge_header(tarfile.XGLTYPE), "cannot be read as a tar archive"),
    "a file name of 300 MB": (huge_header(tarfile.GNUTYPE_LONGNAME), "cannot be read as a tar archive"),
    "a link target of 300 MB": (huge_header(tarfile.GNUTYPE_LONGLINK), "cannot be read as a tar archive"),
    "a sparse member": (lambda maker: maker.file(tar(header("index.json", tarfile.GNUTYPE_SPARSE, 4))), "sparse|cannot be read"),
    "an index that is a folder": (lambda maker: maker.file(tar(header("index.json", tarfile.DIRTYPE))), "is no image"),
    "an index that is a device": (lambda maker: maker.file(tar(header("index.json", tarfile.CHRTYPE))), "is no image"),
    "an index that links to itself": (
        lambda maker: maker.file(tar(header("index.json", tarfile.SYMTYPE, link="index.json"))),
        "links index.json in a circle",
    ),
    "an index that links out of the archive": (
        lambda maker: maker.file(tar(header("index.json", tarfile.SYMTYPE, link="../../../../etc/passwd"))),
        "is no image",
    ),
    "an index that is a hard link to an absolute path": (
        lambda maker: maker.file(tar(header("index.json", tarfile.LNKTYPE, link="/etc/passwd"))),
        "is no image",
    ),
    "members with paths that lead out": (
        lambda maker: maker.file(tar(header("../index.json", size=2), header("/index.json", size=2), header("a/../../index.json", size=2))),
        "is no image",
    ),
    "more members than any image": (
        lambda maker: maker.file(b"".join(tar(header(f"m{number}"), end=False) for number in range(60)) + bytes(1024)),
        "more than 50 members",
    ),
    "gzip that is cut off": (lambda maker: maker.file(gzip.compress(maker.docker().read_bytes())[:-20]), "is damaged"),
    "gzip with a wrong checksum": (
        lambda maker: maker.file(gzip.compress(maker.docker().read_bytes())[:-8] + b"12345678"),
        "is damaged",
    ),
    "gzip of nothing": (lambda maker: maker.file(gzip.compress(b"")), "cannot be read as a tar archive|is no image"),
    "gzip in gzip": (lambda maker: maker.file(gzip.compress(gzip.compress(bytes(2000)))), "cannot be read as a tar archive"),
    "bzip2 that is damaged": (lambda maker: maker.file(bz2.compress(b"a" * 1000)[:-9]), "is damaged|cannot be read"),
    "xz that is damaged": (lambda maker: maker.file(lzma.compress(b"a" * 1000)[:-20]), "is damaged"),
    "zstd that is damaged": (lambda maker: maker.file(b"\x28\xb5\x2f\xfd" + b"\xff" * 50), "is damaged|which this Python cannot read"),
    "a gzip bomb": (bomb(gzip.compress), "made to fill the disk"),
    "a bzip2 bomb": (bomb(bz2.compress), "made to fill the disk"),
    "an xz bomb": (bomb(lzma.compress), "made to fill the disk"),
    "index.json: empty": (lambda maker: maker.index(b""), "index.json .* is not JSON"),
    "index.json: not UTF-8": (lambda maker: maker.index(b'{"manifests": "\xff\xfe"}'), "index.json .* is not JSON"),
    "index.json: a list": (lambda maker: maker.index("[]"), "is not an image index"),
    "index.json: nested without end": (lambda maker: maker.index(deep_json("[")), "is not JSON"),
    "index.json: objects without end": (lambda maker: maker.index(deep_json('{"a":')), "is not JSON"),
    "index.json: no manifests": (lambda maker: maker.index("{}"), "is not an image index"),
    "index.json: manifests are a mapping": (lambda maker: maker.index('{"manifests": {"a": 1}}'), "is not an image index"),
    "index.json: an empty list": (lambda maker: maker.index('{"manifests": []}'), "holds no image"),
    "index.json: entries that are numbers": (lambda maker: maker.index('{"manifests": [1]}'), "not a descriptor"),
    "index.json: an entry that is null": (lambda maker: maker.index('{"manifests": [null]}'), "not a descriptor"),
    "index.json: gigantic": (lambda maker: maker.index(b" " * (LARGEST_MANIFEST + 1)), "too large for what it should be"),
    "index.json: a number of a million digits": (lambda maker: maker.index('{"manifests": [' + "9" * 1_000_000 + "]}"), "is not JSON"),
    "entry: no digest": (lambda maker: swapped(maker, digest=None), "not a descriptor"),
    "entry: a digest with a path in it": (lambda maker: swapped(maker, digest="sha256:../../../../etc/passwd"), "not a digest"),
    "entry: a digest of another kind": (lambda maker: swapped(maker, digest="sha512:" + "0" * 128), "only SHA-256"),
    "entry: a digest that is a list": (lambda maker: swapped(maker, digest=["sha256:" + "0" * 64]), "not a descriptor"),
    "entry: a digest in capitals": (lambda maker: swapped(maker, digest="sha256:" + "A" * 64), "not a digest"),
    "entry: no size": (lambda maker: swapped(maker, size=None), "not a descriptor"),
    "entry: a negative size": (lambda maker: swapped(maker, size=-1), "wrong size"),
    "entry: a size that is a fraction": (lambda maker: swapped(maker, size=1.5), "wrong size"),
    "entry: a size that is true": (lambda maker: swapped(maker, size=True), "wrong size"),
    "entry: another size": (lambda maker: swapped(maker, size=7), "has .* bytes where 7 are declared"),
    "entry: no such manifest": (lambda maker: swapped(maker, digest=NOBODY), f"names the manifest {NOBODY} but does not hold it"),
    "entry: no media type anywhere": (
        lambda maker: swapped(maker, **{**maker.image(mediaType=None), "mediaType": "text/plain"}),
        "'text/plain', which is no image manifest",
    ),
    "entry: names of many kinds": (names_of_many_kinds, "holds 2 images"),
    "manifest: damaged": (lambda maker: maker.broken(image := maker.image(), b" " * image["size"]), "names|holds no image"),
    "manifest: not JSON": (lambda maker: maker.raw(b"{"), "is not JSON"),
    "manifest: nested without end": (lambda maker: maker.raw(deep_json("[")), "is not JSON"),
    "manifest: a text": (lambda maker: maker.raw(b'"manifest"'), "is not a JSON object"),
    "manifest: gigantic": (lambda maker: maker.raw(b" " * (LARGEST_MANIFEST + 1)), "too large|up to 4194304 bytes"),
    "manifest: of an unknown type": (lambda maker: maker.raw(b'{"mediaType": "application/x-unknown"}'), "which is no image manifest"),
    "manifest: of schema 1": (
        lambda maker: maker.raw(b'{"schemaVersion": 1, "mediaType": "application/vnd.docker.distribution.manifest.v1+prettyjws"}'),
        "Docker schema 1 images have to be rebuilt",
    ),
    "manifest: a media type that is a list": (lambda maker: maker.named(maker.image(mediaType=[MANIFEST])), "which is no image manifest"),
    "manifest: a media type that is a mapping": (lambda maker: maker.named(maker.image(mediaType={"a": 1})), "which is no image manifest"),
    "manifest: no config": (lambda maker: maker.named(maker.image(config=None)), "names no config"),
    "manifest: a config that is a text": (lambda maker: maker.named(maker.image(config="x")), "not a descriptor"),
    "manifest: layers that are a mapping": (lambda maker: maker.named(maker.image(layers={"a": 1})), "its layers are no list"),
    "manifest: a layer that is null": (lambda maker: maker.named(maker.image(layers=[None])), "not a descriptor"),
    "manifest: a layer with a path for a digest": (
        lambda maker: maker.named(maker.image(layers=[{"mediaType": LAYER, "digest": "../../layer", "size": 1}])),
        "not a digest",
    ),
    "manifest: a layer that is missing": (
        lambda maker: maker.named(maker.image(layers=[{"mediaType": LAYER, "digest": NOBODY, "size": 1}])),
        f"names the blob {NOBODY} but does not hold it",
    ),
    "manifest: a layer of another size": (
        lambda maker: maker.named(maker.image(layers=[{**maker.layout.blob(b"layer", LAYER), "size": 6}])),
        "has 5 bytes where its manifest says 6",
    ),
    "manifest: a config that is missing": (
        lambda maker: maker.named(maker.image(config={"mediaType": CONFIG, "digest": NOBODY, "size": 1})),
        "but does not hold it",
    ),
    "manifest: a foreign layer that is not there": (
        lambda maker: maker.named(
            maker.image(layers=[{"mediaType": FOREIGN, "digest": NOBODY, "size": 10**12, "urls": ["https://example.com"]}])
        ),
        f"does not hold the foreign layer {NOBODY}",
    ),
    "index: manifests that are a text": (
        lambda maker: maker.raw(json.dumps({"mediaType": INDEX, "manifests": "all"}).encode(), INDEX),
        "its manifests are no list",
    ),
    "index: of what is missing": (
        lambda maker: maker.named(maker.layout.index({"mediaType": MANIFEST, "digest": NOBODY, "size": 3})),
        "but does not hold it",
    ),
    "index: of indexes without end": (nested(12), "nests indexes deeper than 8"),
    "index: of itself": (circle, f"The manifest {NOBODY} is damaged: its content has the digest"),
    "index: says that it is an image": (lying_index, "holds no image for linux/amd64|is an index"),
    "docker: manifest.json is not JSON": (lambda maker: maker.docker(**{"manifest.json": b"["}), "is not JSON"),
    "docker: manifest.json without end": (lambda maker: maker.docker(**{"manifest.json": deep_json("[")}), "is not JSON"),
    "docker: manifest.json is a mapping": (lambda maker: maker.docker(**{"manifest.json": b"{}"}), "manifest.json .* is no list"),
    "docker: manifest.json is empty": (lambda maker: maker.listed(), "holds no image"),
    "docker: manifest.json is gigantic": (lambda maker: maker.docker(**{"manifest.json": b" " * (LARGEST_MANIFEST + 1)}), "too large"),
    "docker: an entry that is null": (lambda maker: maker.listed(None), "holds something that is no image"),
    "docker: an entry without config": (lambda maker: maker.listed({"Layers": []}), "holds something that is no image"),
    "docker: a config that is a number": (lambda maker: maker.listed(maker.entry(Config=7)), "in an unknown way"),
    "docker: a config that leads out": (lambda maker: maker.listed(maker.entry(Config="../../../etc/passwd")), "does not hold it"),
    "docker: a config with an absolute path": (lambda maker: maker.listed(maker.entry(Config="/etc/passwd")), "does not hold it"),
    "docker: layers that are a text": (lambda maker: maker.listed(maker.entry(Layers="all")), "Layers .* is no list"),
    "docker: layers that are null": (lambda maker: maker.listed(maker.entry(Layers=None)), "holds 0 layers"),
    "docker: names that are a mapping": (lambda maker: maker.listed(maker.entry(RepoTags={"a": 1})), "is no list"),
    "docker: a layer too many": (lambda maker: maker.listed(maker.entry(Layers=maker.entry()["Layers"] * 2)), "holds 4 layers where"),
    "docker: two thousand layers": (lambda maker: maker.listed(maker.entry(Layers=["a"] * 2000)), "no image has more than 1000"),
    "docker: a layer that is missing": (lambda maker: maker.docker(**{maker.entry()["Layers"][0]: None}), "but does not hold it"),
    "docker: a layer that links out": (lambda maker: layer_link_out(maker, "../../../../etc/passwd"), "but does not hold it"),
    "docker: a layer that links to an absolute path": (lambda maker: layer_link_out(maker, "/etc/passwd"), "but does not hold it"),
    "docker: a layer that links in a circle": (lambda maker: layer_link_out(maker, "layer.tar"), "in a circle"),
    "docker: config is not JSON": (lambda maker: maker.config(b"{"), "names no layers"),
    "docker: config without end": (lambda maker: maker.config(deep_json("[")), "names no layers"),
    "docker: config without layers": (lambda maker: maker.config(b'{"rootfs": {}}'), "names no layers"),
    "docker: config whose layers are a text": (lambda maker: maker.config(b'{"rootfs": {"diff_ids": "all"}}'), "in an unknown way"),
    "docker: config whose layers are numbers": (lambda maker: maker.config(b'{"rootfs": {"diff_ids": [1, 2]}}'), "in an unknown way"),
    "old docker: repositories that are a list": (
        lambda maker: write_tar(maker.folder / "image.tar", {"repositories": b"[1]"}),
        "does not hold exactly one image",
    ),
    "old docker: an image that is not described": (
        lambda maker: write_tar(maker.folder / "image.tar", {"repositories": b'{"api": {"1.0": "../../etc"}}'}),
        "but does not describe it",
    ),
    "old docker: a layer that is its own parent": (lambda maker: maker.chained(parent="itself"), "more than 1000 layers, or in a circle"),
    "old docker: a parent that is a mapping": (lambda maker: maker.chained(parent={"a": 1}), "does not describe it"),
    "old docker: a container_config that is a list": (lambda maker: maker.chained(container_config=["a"]), "in an unknown way"),
    "old docker: a command that is a number": (lambda maker: maker.chained(container_config={"Cmd": 7}), "in an unknown way"),
}  # fmt: skip


@pytest.fixture
def maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    """With a folder of its own for temporary files, a small idea of what is too much, and a limit of time."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(work))
    monkeypatch.setattr(archive_module, "_HARMLESS", 1_000_000)
    monkeypatch.setattr(archive_module, "_MOST_MEMBERS", 50)

    def too_long(*_args: Any) -> None:
        raise TimeoutError(f"not done after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS)
    yield Maker(tmp_path)
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def seen(folder: Path) -> dict[str, tuple[int, int]]:
    """All files with their sizes and times; of folders, that they are there."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns) if not path.is_dir() else (0, 0)
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_in_clear_words(maker: Maker, name: str) -> None:
    make, words = CASES[name]
    source = make(maker)
    before = seen(maker.folder)
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match=f"(?s){words}") as caught:
            open_image(source, platform=parse_platform(maker.platform) if maker.platform else None)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY
    assert seen(maker.folder) == before, "files were made, changed or left behind"
    assert len(str(caught.value)) < 2000


def test_there_are_as_many_cases_as_promised() -> None:
    assert len(CASES) >= 60


def other(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def damaged_layout(what: str) -> Callable[[Maker], Path]:
    def make(maker: Maker) -> Path:
        descriptor = maker.image()
        document = json.loads(maker.layout.file(descriptor).read_text())
        part = document["layers"][0] if what == "layer" else document["config"]
        maker.named(descriptor)
        return maker.broken(part, other(maker.layout.file(part).read_bytes()))

    return make


def damaged_docker_layer(change: Callable[[bytes], bytes]) -> Callable[[Maker], Path]:
    def make(maker: Maker) -> Path:
        name = maker.entry()["Layers"][0]
        return maker.docker(**{name: change(maker.saved.layers[0])})

    return make


# What shows only when the content is read: by the words with which the push ends.
WHILE_PUSHING: dict[str, tuple[Callable[[Maker], Path], str]] = {
    "a layer with another digest": (damaged_layout("layer"), "is damaged: its content has the digest"),
    "a config with another digest": (damaged_layout("config"), "is damaged: its content has the digest"),
    "docker: a layer with another digest": (damaged_docker_layer(other), "is damaged: its content has the digest"),
    "docker: a layer that is empty": (damaged_docker_layer(lambda layer: b""), "is damaged: its content has the digest"),
    "docker: a compressed layer that is cut off": (damaged_docker_layer(lambda layer: gzip.compress(layer)[:-10]), "is cut off"),
    "docker: a compressed layer that is damaged": (
        damaged_docker_layer(lambda layer: gzip.compress(layer)[:40] + b"\xff" * 60),
        "is damaged|is cut off",
    ),
    "docker: a compressed layer that is a bomb": (
        damaged_docker_layer(lambda layer: gzip.compress(bytes(60_000_000), 1)),
        "is damaged: its content has the digest|grows to more than",
    ),
}


@pytest.mark.parametrize("name", WHILE_PUSHING)
def test_it_is_refused_before_a_tag_is_set(rig: Rig, maker: Maker, name: str) -> None:
    make, words = WHILE_PUSHING[name]
    source = make(maker)
    before = seen(maker.folder)
    tracemalloc.start()
    try:
        with pytest.raises(PushFailure, match=f"(?s){words}"):
            rig.push(source)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The fake registry holds what it got in memory too.
    assert peak < 2 * MOST_MEMORY
    assert not rig.fake.tags
    assert not rig.fake.requests("PUT .*manifests")
    assert seen(maker.folder) == before


def test_what_is_opened_is_closed_when_it_is_refused(maker: Maker) -> None:
    """A compressed archive is unpacked; the copy must go, whatever is wrong inside."""
    path = maker.file(gzip.compress(maker.listed(None).read_bytes()))
    with pytest.raises(ImageError):
        open_image(path)
    assert not list((maker.folder / "work").iterdir())


class Endless:
    """A blob that goes on for ever."""

    status = 200

    def __init__(self, content: bytes | None) -> None:
        self.headers: dict[str, str] = {}
        self.read_so_far = 0
        self._content = content

    def read(self, size: int) -> bytes:
        if self._content is None:
            self.read_so_far += size
            assert self.read_so_far < MOST_MEMORY, "read on and on"
            return bytes(size)
        data, self._content = self._content[:size], self._content[size:]
        return data

    def close(self) -> None:
        """Nothing was opened."""


class LyingRegistry:
    """Connections to a registry that answers with what a test wants, by the end of the path; 404 for the rest."""

    def __init__(self, answers: dict[str, Answer], blobs: dict[str, bytes | None]) -> None:
        self.answers = answers
        self.blobs = blobs

    def request(self, method: str, url: str, headers: dict[str, str], body: Any = None) -> Answer:
        return self.answers.get(url.rpartition("/")[2], Answer(404, {}))

    def stream(self, url: str, headers: dict[str, str]) -> Endless:
        name = url.rpartition("/")[2]
        if name == "round" or self.blobs.get(name) == b"round":
            found = Endless(b"")
            found.status, found.headers = 307, {"location": "https://registry.example/round"}
            return found
        return Endless(self.blobs.get(name, b""))

    def abort(self) -> None: ...

    def close(self) -> None: ...


def answered(content: bytes, media_type: str = MANIFEST) -> Answer:
    return Answer(200, {"content-type": media_type, "content-length": str(len(content))}, content)


def told(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


CONFIG_OF_A_REMOTE = {"mediaType": CONFIG, "digest": NOBODY, "size": 100}
REMOTE_IMAGE = told({"mediaType": MANIFEST, "config": CONFIG_OF_A_REMOTE, "layers": []})
REMOTE_DIGEST = "sha256:" + hashlib.sha256(REMOTE_IMAGE).hexdigest()
REMOTE_INDEX = told({"mediaType": INDEX, "manifests": [{"mediaType": MANIFEST, "digest": REMOTE_DIGEST, "size": len(REMOTE_IMAGE)}]})

# What a registry that is read from answers, which of its blobs there are, and the words with which it is refused.
REMOTES: dict[str, tuple[dict[str, Answer], dict[str, bytes | None], str]] = {
    "nothing there": ({}, {}, "holds no image 1"),
    "a manifest that is no JSON": ({"1": answered(b"<html>")}, {}, "is not JSON"),
    "a manifest nested without end": ({"1": answered(deep_json("["))}, {}, "is not JSON"),
    "a manifest of schema 1": (
        {"1": answered(b"{}", "application/vnd.docker.distribution.manifest.v1+prettyjws")},
        {},
        "schema 1 images have to be rebuilt",
    ),
    "a manifest without a type": ({"1": answered(b"{}", "")}, {}, "which is no image manifest"),
    "a gigantic manifest": ({"1": answered(b" " * (LARGEST_MANIFEST + 1))}, {}, "ECR takes manifests of up to"),
    "a child that is missing": ({"1": answered(REMOTE_INDEX, INDEX)}, {}, f"names the manifest {REMOTE_DIGEST} but does not hold it"),
    "a child that is another": (
        {"1": answered(REMOTE_INDEX, INDEX), REMOTE_DIGEST: answered(REMOTE_IMAGE + b" ")},
        {},
        f"The manifest {REMOTE_DIGEST} is damaged",
    ),
    "a config that is another": (
        {"1": answered(REMOTE_IMAGE), REMOTE_DIGEST: answered(REMOTE_IMAGE)},
        {NOBODY: b"{}"},
        f"something else for the blob {NOBODY}",
    ),
    "a config without end": (
        {"1": answered(REMOTE_IMAGE), REMOTE_DIGEST: answered(REMOTE_IMAGE)},
        {NOBODY: None},
        f"something else for the blob {NOBODY}",
    ),
    "a config that is sent around in a circle": (
        {"1": answered(REMOTE_IMAGE), REMOTE_DIGEST: answered(REMOTE_IMAGE)},
        {NOBODY: b"round"},
        "around in circles",
    ),
    "a refusal nested without end": ({"1": Answer(403, {}, deep_json('{"errors":'))}, {}, "could not be read: HTTP 403"),
}


@pytest.mark.parametrize("name", REMOTES)
def test_a_registry_that_lies_is_refused_in_clear_words(maker: Maker, clock: FakeClock, name: str) -> None:
    answers, blobs, words = REMOTES[name]
    registry = Registry("https://registry.example", "api", LyingRegistry(answers, blobs), clock, lambda: 0.5)
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match=f"(?s){words}") as caught:
            RemoteSource(registry).load("1", parse_platform("linux/amd64"))
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY
    assert len(str(caught.value)) < 2000


class Engine:
    """An engine on a socket that gives two answers: about the image, and the image."""

    def __init__(self, folder: Path, about: bytes, image: bytes, status: int = 200) -> None:
        self.path = folder / "engine.sock"

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                asked = self.rfile.readline()
                while self.rfile.readline().strip():
                    pass
                content = image if b"/get" in asked else about
                length = len(content) + (1000 if content is image and content.endswith(b"cut off") else 0)
                self.wfile.write(f"HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n".encode() + content)

        self._server = socketserver.ThreadingUnixStreamServer(str(self.path), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def exported(engine: Engine) -> None:
    opened = open_engine_image("api:1", str(engine.path), None)
    try:
        assert isinstance(opened.image, EngineSource)
        opened.image.load()
    finally:
        opened.close()


ABOUT = b'{"Id": "sha256:%b", "Os": "linux", "Architecture": "amd64"}' % (b"1" * 64)
ENGINES: dict[str, tuple[bytes, bytes, int, str]] = {
    "says nothing": (b"", b"", 200, "something else than what an engine says"),
    "says no JSON": (b"<html>", b"", 200, "something else than what an engine says"),
    "says JSON without end": (deep_json("["), b"", 200, "something else than what an engine says"),
    "refuses in JSON without end": (deep_json("["), b"", 500, "does not tell about api:1: HTTP 500"),
    "says another ID than a digest": (b'{"Id": "sha256:1"}', b"", 200, "gives api:1 the ID 'sha256:1', which is no digest"),
    "says nothing of the image": (b"[]", b"", 200, "gives api:1 the ID '', which is no digest"),
    "exports nothing": (ABOUT, b"", 200, "cannot be read as a tar archive|is no image"),
    "exports a text": (ABOUT, b"sorry " * 300, 200, "cannot be read as a tar archive"),
    "exports a tar of something else": (ABOUT, tar(header("etc/passwd", size=3)), 200, "is no image"),
    "breaks off": (ABOUT, b"an export that is cut off", 200, "could not be exported|cannot be read|does not answer"),
}


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_that_lies_is_refused_in_clear_words(maker: Maker, name: str) -> None:
    about, image, status, words = ENGINES[name]
    with tempfile.TemporaryDirectory(prefix="en", dir="/tmp") as place:
        engine = Engine(Path(place), about, image, status)
        try:
            with pytest.raises(ImageError, match=f"(?s){words}"):
                exported(engine)
        finally:
            engine.stop()
    assert not list((maker.folder / "work").iterdir())
