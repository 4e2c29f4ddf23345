# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Feeds the readers of images what nobody would write: archives, manifests and configurations, damaged in every way.

An input is a file, a folder, or what a registry or an engine answers. It is opened, and what it holds is read to its end, or it is
refused with an `ImageError`. Anything else is a finding: another
exception, more than a few seconds, memory that grows with what the input claims, a file left behind. With atheris installed its
coverage leads the way; without it, or with `--engine random`, inputs are mutated blindly, which needs no native code.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import hashlib
import io
import itertools
import json
import random
import re
import resource
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([str(Path(__file__).resolve().parents[2] / "build" / "collections")])

from ansible_collections.steadystate.ecs.plugins.module_utils._image import archive as archive_module
from ansible_collections.steadystate.ecs.plugins.module_utils._image import engine as engine_module
from ansible_collections.steadystate.ecs.plugins.module_utils._image.client import Registry
from ansible_collections.steadystate.ecs.plugins.module_utils._image.compress import hardly_shrinks
from ansible_collections.steadystate.ecs.plugins.module_utils._image.content import blocks_of
from ansible_collections.steadystate.ecs.plugins.module_utils._image.draft import Draft, diff_ids_in, platform_in
from ansible_collections.steadystate.ecs.plugins.module_utils._image.errors import ConnectionBroken, ImageError, read_complaint
from ansible_collections.steadystate.ecs.plugins.module_utils._image.manifest import (
    INDEX_TYPES,
    Descriptor,
    Image,
    parse_manifest,
    parse_platform,
)
from ansible_collections.steadystate.ecs.plugins.module_utils._image.reference import parse_reference
from ansible_collections.steadystate.ecs.plugins.module_utils._image.referrers import find_referrers
from ansible_collections.steadystate.ecs.plugins.module_utils._image.remote import RemoteSource
from ansible_collections.steadystate.ecs.plugins.module_utils._image.sources import open_engine_image, open_image
from ansible_collections.steadystate.ecs.plugins.module_utils._image.transport import Answer
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import FakeClock
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.images import INDEX, MANIFEST, LayoutBuilder
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.saved import AGES, SavedImage

ROOT = Path(__file__).resolve().parents[2]
SLOWEST = 10
"""Seconds for one input."""
MOST_MEMORY = 700 * 1024 * 1024
"""Bytes that the process may have resident. An input of kilobytes that needs more was believed too much."""
LONGEST_LAYER = 4_000_000
"""Of a layer, read no more than that."""
BLOCK = 512
DIGEST = re.compile("sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


class Target:
    """One input at a time. The first byte says which reader it is for."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._input = work / "input"
        self._temporary = work / "temporary"
        self._temporary.mkdir()
        tempfile.tempdir = str(self._temporary)
        # A bomb is to be found a bomb before the disk has felt it.
        archive_module._HARMLESS = 8_000_000
        self._socket = work / "engine.sock"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self._socket))
        self._readers: list[Callable[[bytes], None]] = [
            self._archive, self._repaired_archive, self._rebuilt_layout, self._documents, self._registry, self._engine
        ]  # fmt: skip

    def __call__(self, data: bytes) -> None:
        if not data:
            return
        with contextlib.suppress(ImageError):
            self._readers[data[0] % len(self._readers)](data[1:])
        left = list(self._temporary.iterdir())
        assert not left, f"left behind: {left}"

    def _archive(self, data: bytes) -> None:
        self._input.write_bytes(data)
        self._read_all(self._input)

    def _repaired_archive(self, data: bytes) -> None:
        """The same with right checksums, without which a reader sees no further than the first header."""
        blocks = bytearray(data)
        for start in range(0, len(blocks) - BLOCK + 1, BLOCK):
            if blocks[start + 257 : start + 262] == b"ustar":
                blocks[start + 148 : start + 156] = b" " * 8
                blocks[start + 148 : start + 156] = f"{sum(blocks[start : start + BLOCK]):06o}\0 ".encode()
        self._archive(bytes(blocks))

    def _rebuilt_layout(self, data: bytes) -> None:
        """A layout of the documents in the data, each under its own digest: manifests that are what they say, of whatever content."""
        for old in self._work.glob("layout-*/**/*"):
            if old.is_file():
                old.unlink()
        layout = self._work / "layout-0"
        (layout / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        entries: list[dict[str, Any]] = []
        for part in data.split(b"\n\n"):
            # What names an earlier document by its number gets that one's digest and size.
            for number, entry in enumerate(entries):
                part = part.replace(f"@{number}@".encode(), json.dumps({**entry})[1:-1].encode())
            name = hashlib.sha256(part).hexdigest()
            (layout / "blobs" / "sha256" / name).write_bytes(part)
            kind = INDEX if b'"manifests"' in part else MANIFEST
            entries.append({"mediaType": kind, "digest": f"sha256:{name}", "size": len(part)})
        (layout / "index.json").write_text(json.dumps({"manifests": entries[-1:]}))
        self._read_all(layout)

    def _documents(self, data: bytes) -> None:
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        for kind in (MANIFEST, INDEX):
            with contextlib.suppress(ImageError):
                manifest = parse_manifest(data, Descriptor(kind, digest, len(data)))
                assert manifest.content == data
                assert manifest.is_index == (manifest.media_type in INDEX_TYPES)
        with contextlib.suppress(ImageError):
            diff_ids_in(data, "here")
        platform_in(data)
        read_complaint(data)
        with contextlib.suppress(ImageError):
            text = data.decode("utf-8", "replace")
            assert parse_reference(str(parse_reference(text))) == parse_reference(text)

    def _registry(self, data: bytes) -> None:
        """A registry: two lines that say how it behaves, then documents as in a layout, of which the tag names the last."""
        behaviour, _line, rest = data.partition(b"\n")
        location, _line, rest = rest.partition(b"\n")
        documents: list[bytes] = []
        for part in rest.split(b"\n\n"):
            for number, document in enumerate(documents):
                kind = INDEX if b'"manifests"' in document else MANIFEST
                pointer = {"mediaType": kind, "digest": "sha256:" + hashlib.sha256(document).hexdigest(), "size": len(document)}
                part = part.replace(f"@{number}@".encode(), json.dumps(pointer)[1:-1].encode())
            documents.append(part)
        answering = Answering(behaviour, location.decode("latin-1"), documents)
        registry = Registry("https://registry.example", "api", answering, FakeClock(), lambda: 0.5, lambda stale: "Basic x")
        source = RemoteSource(registry)
        for platform in (None, parse_platform("linux/arm64")):
            with contextlib.suppress(ImageError):
                image = source.load("1", platform)
                for found in find_referrers(source, [image.root.digest]):
                    self._read_blobs(source, found.image)
                self._read_blobs(source, image)
                for blob in image.root.blobs[:1]:
                    platform_in(source.read_blob(blob) or b"")

    def _engine(self, data: bytes) -> None:
        """An engine: what it answers when it is asked about the image, and when the image is exported."""
        answers = iter(data.split(NEXT))

        def connect(connection: Any) -> None:
            connection.sock = Canned(next(answers, b""))

        with (
            mock.patch.object(engine_module._SocketConnection, "connect", connect),
            contextlib.closing(open_engine_image("api:1", str(self._socket), None)) as opened,
        ):
            image = opened.image
            assert isinstance(image, engine_module.EngineSource)
            assert all(DIGEST.fullmatch(identity) for identity in image.identities)
            self._read(opened.source, image.load())

    def _read_all(self, path: Path) -> None:
        for platform in (None, parse_platform("linux/arm64")):
            with contextlib.suppress(ImageError), contextlib.closing(open_image(path, platform=platform)) as opened:
                self._read(opened.source, opened.image)

    def _read(self, source: Any, image: Any) -> None:
        if not isinstance(image, Draft):
            self._read_blobs(source, image)
            return
        for layer in image.layers:
            if layer.content is not None:
                hardly_shrinks(layer.content)
            read = 0
            for block in layer.blocks():
                read += len(block)
                if read > LONGEST_LAYER:
                    break

    @staticmethod
    def _read_blobs(source: Any, image: Image) -> None:
        for blob in image.blobs_of([*image.children, image.root]):
            content = source.blob(blob.digest)
            assert content is not None
            if content.size <= LONGEST_LAYER:
                assert sum(len(block) for block in blocks_of(content)) == content.size == blob.size


NEXT = b"\r\n--next--\r\n"


class Canned:
    """A socket at whose other end somebody has said all there is to say."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    def makefile(self, *_args: Any) -> io.BytesIO:
        return io.BytesIO(self._said)

    def sendall(self, _data: bytes) -> None:
        """Nobody listens."""

    def close(self) -> None:
        """Nothing is open."""


class Answering:
    """The connections to a registry; a byte of `behaviour` for each request says what is wrong with its answer, and then nothing is."""

    _STATUSES = (404, 401, 403, 429, 500, 206, 307, 301, 200)

    def __init__(self, behaviour: bytes, location: str, documents: list[bytes]) -> None:
        self._behaviour = iter(behaviour)
        self._location = location
        self._documents = {"sha256:" + hashlib.sha256(document).hexdigest(): document for document in documents}
        self._last = documents[-1]

    def request(self, _method: str, url: str, headers: dict[str, str], _body: Any = None) -> Answer:
        status, said, content = self._answer(url)
        return Answer(status, said, content)

    def stream(self, url: str, headers: dict[str, str]) -> Streaming:
        status, said, content = self._answer(url)
        start = int(headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        return Streaming(206 if start and status == 200 else status, said, io.BytesIO(content[start:]))

    def abort(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing is open."""

    def _answer(self, url: str) -> tuple[int, dict[str, str], bytes]:
        content = self._documents.get(url.rpartition("/")[2], self._last)
        headers = {"content-type": MANIFEST, "docker-content-digest": "sha256:" + hashlib.sha256(content).hexdigest()}
        wrong = next(self._behaviour, 0)
        if not wrong:
            return 200, headers, content
        if wrong == 1:
            raise ConnectionBroken("reset")
        if wrong == 2:
            return 200, headers, content[: len(content) // 2]
        if wrong == 3:
            return 200, {}, self._last * 3
        status = self._STATUSES[wrong % len(self._STATUSES)]
        return status, {"location": self._location, "retry-after": self._location, "www-authenticate": self._location}, content


class Streaming:
    def __init__(self, status: int, headers: dict[str, str], content: io.BytesIO) -> None:
        self.status = status
        self.headers = headers
        self._content = content

    def read(self, size: int) -> bytes:
        return self._content.read(size)

    def close(self) -> None:
        """Nothing is open."""


def seeds(folder: Path) -> list[bytes]:
    """Inputs that are right, for every reader."""
    builder = LayoutBuilder(folder / "layout")
    images = [builder.image(200, 30, platform=platform, note=True) for platform in ("linux/amd64", "linux/arm64/v8")]
    builder.name(builder.index(*images), "both")
    builder.name(builder.image(100, seed=3), "one")
    archives = [builder.archive(folder / "layout.tar").read_bytes()]
    archives += [SavedImage(300, 200).save(folder / f"saved-{age}", age, "api:1.0", "api:latest").read_bytes() for age in AGES]
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + "1" * 64, "size": 2}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [config], "annotations": {"a": "b"}}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [config]}
    about = {"os": "linux", "architecture": "arm64", "variant": "v8", "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "2" * 64]}}
    parts = [
        json.dumps(about),
        '{"config": {@0@}, "layers": [{@0@}], "mediaType": "' + MANIFEST + '"}',
        '{"manifests": [{@1@, "platform": {"os": "linux", "architecture": "arm64"}}], "mediaType": "' + INDEX + '"}',
        '{"manifests": [{@2@}, {@1@}], "mediaType": "' + INDEX + '"}',
    ]
    inspected = json.dumps({"Id": "sha256:" + "3" * 64, "Os": "linux", "Architecture": "amd64"}).encode()
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(inspected), inspected),
        *(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + archive for archive in archives),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nindex\r\n0\r\n\r\n",
        b'HTTP/1.1 404 Not Found\r\nContent-Length: 24\r\n\r\n{"message": "no such  "}',
    ]
    told = "\n\n".join(parts).encode()
    documents = [json.dumps(item).encode() for item in (manifest, index, about, {"errors": [{"code": "A", "message": "b"}]})]
    return [
        *(b"\x00" + item for item in archives),
        *(b"\x00" + gzip.compress(item) for item in archives[:2]),
        *(b"\x01" + item for item in archives),
        b"\x02" + told,
        *(b"\x04" + wrong + b"\nhttps://elsewhere.example/blob\n" + told for wrong in (b"", bytes(range(8)), bytes(range(1, 60, 3)))),
        *(b"\x05" + answers[0] + NEXT + item for item in answers),
        *(b"\x03" + item for item in (*documents, b"registry.example:5000/team/api:1.0@sha256:" + b"a" * 64)),
    ]


_TOKENS = (
    b"null", b"true", b"-1", b"0", b"1e999", b"9" * 400, b'""', b"[]", b"{}", b"[" * 3000, b'{"a":' * 3000, b"\\ud800", b"..",
    b"../../etc/passwd", b"/dev/zero", b"sha256:", b"sha512:", b"index.json", b"manifest.json", b"repositories", b"layer.tar",
    b"\xff\xfe", b"\x00", b"\n\n", b"@0@", b"0000000", b"7777777777", b"\xff\xff\xff\xff\xff\xff\xff\xff", b"ustar", b"path=",
    b"size=-1", b"GNU.sparse.map=", b"hdrcharset=",
)  # fmt: skip


def mutated(data: bytes, source: random.Random, others: list[bytes]) -> bytes:
    """A few random changes; what matters of most of these formats are short texts and numbers, so these are swapped most."""
    result = bytearray(data)
    for _change in range(source.choice((1, 1, 2, 4, 8))):
        at = source.randrange(len(result) + 1)
        match source.randrange(7):
            case 0 if result:
                result[min(at, len(result) - 1)] ^= 1 << source.randrange(8)
            case 1:
                result[at : at + source.choice((0, 1, 8, 64))] = source.choice(_TOKENS)
            case 2:
                del result[at : at + source.choice((1, 8, 512, 4096))]
            case 3:
                result[at:at] = result[at : at + source.choice((8, 512, 2048))]
            case 4:
                other = source.choice(others)
                start = source.randrange(len(other))
                result[at : at + source.choice((0, 512))] = other[start : start + 512]
            case 5:
                # A kind of tar member that nobody expects here.
                header = at - at % BLOCK + 1
                if header + 157 < len(result):
                    result[header + 156] = source.choice(b"0123456789xgLKSNVDMAI\x00")
            case _:
                result[at : at + 12] = source.choice((b"77777777777\0", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"00000000001\0"))
    result[0:1] = data[:1]
    return bytes(result[: 256 * 1024])


@contextlib.contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    def over(*_args: Any) -> None:
        raise TimeoutError(f"one input took more than {seconds} s")

    signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def run_random(target: Target, corpus: list[bytes], seconds: float, seed: int, findings: Path) -> int:
    """Mutate at random until the time is over. Returns how many kinds of finding there were."""
    source = random.Random(seed)
    until = time.monotonic() + seconds
    kinds: set[str] = set()
    pool = list(corpus)
    for number in itertools.count():
        if time.monotonic() > until:
            print(f"{number} inputs in {seconds:.0f} s, {len(kinds)} kinds of finding, at most {peak() // 1_000_000} MB resident")
            return len(kinds)
        data = mutated(source.choice(pool), source, corpus)
        try:
            with no_longer_than(SLOWEST):
                target(data)
            assert peak() < MOST_MEMORY, f"{peak() // 1_000_000} MB are resident"
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{type(error).__name__} at {last.filename}:{last.lineno}"
            if kind not in kinds:
                kinds.add(kind)
                findings.mkdir(parents=True, exist_ok=True)
                name = findings / hashlib.sha256(data).hexdigest()[:16]
                name.write_bytes(data)
                print(f"finding: {kind}: {error}; input kept as {name}", flush=True)
                traceback.print_exc()
        if number % 7 == 0:
            # Changes pile up, so that some inputs go further astray than one step from what is right.
            pool.append(data)
            if len(pool) > 500:
                del pool[len(corpus) + source.randrange(len(pool) - len(corpus))]
    raise AssertionError


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run_atheris(target: Target, corpus: list[bytes], seconds: float, seed: int, work: Path, findings: Path) -> None:
    """libFuzzer with coverage of the readers. Ends the process: 0 when nothing was found."""
    import atheris

    for name, module in list(sys.modules.items()):
        if "module_utils._image" in name or name == "tarfile":
            for attribute, value in list(vars(module).items()):
                if callable(value) and getattr(value, "__module__", "") == name and hasattr(value, "__code__"):
                    setattr(module, attribute, atheris.instrument_func(value))
                elif isinstance(value, type) and value.__module__ == name:
                    for method, function in list(vars(value).items()):
                        if hasattr(function, "__code__"):
                            with contextlib.suppress(AttributeError, TypeError):
                                setattr(value, method, atheris.instrument_func(function))
    inputs = work / "corpus"
    inputs.mkdir()
    for number, item in enumerate(corpus):
        (inputs / str(number)).write_bytes(item)
    words = work / "words"
    words.write_text("".join('"' + "".join(rf"\x{byte:02x}" for byte in token[:60]) + '"\n' for token in _TOKENS))
    findings.mkdir(parents=True, exist_ok=True)
    options = [
        sys.argv[0], str(inputs), f"-max_total_time={seconds:.0f}", f"-seed={seed}", f"-timeout={SLOWEST}", "-max_len=65536",
        f"-rss_limit_mb={MOST_MEMORY // 1_000_000}", f"-dict={words}", f"-artifact_prefix={findings}/", "-print_final_stats=1",
    ]  # fmt: skip
    atheris.Setup(options, target)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--engine", choices=["auto", "atheris", "random"], default="auto")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--findings", type=Path, default=ROOT / "build" / "fuzz")
    parser.add_argument("inputs", nargs="*", type=Path, help="run these inputs, as kept from an earlier run, and nothing else")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        work = Path(place)
        (work / "seeds").mkdir()
        corpus = seeds(work / "seeds")
        target = Target(work)
        for item in [path.read_bytes() for path in given.inputs] or corpus:
            target(item)
        if given.inputs:
            return 0
        engine = given.engine
        if engine == "auto":
            try:
                import atheris  # noqa: F401
            except ImportError:
                engine = "random"
            else:
                engine = "atheris"
        print(f"{engine}, {given.seconds:.0f} s, seed {given.seed}; what is found goes to {given.findings}", flush=True)
        if engine == "random":
            return 1 if run_random(target, corpus, given.seconds, given.seed, given.findings) else 0
        run_atheris(target, corpus, given.seconds, given.seed, work, given.findings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
