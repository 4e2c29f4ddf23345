# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import io
import json
import os
import socketserver
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._image.assemble import Wishes, assemble
from ansible_collections.steadystate.ecs.plugins.module_utils._image.client import Registry
from ansible_collections.steadystate.ecs.plugins.module_utils._image.engine import sockets
from ansible_collections.steadystate.ecs.plugins.module_utils._image.errors import ConnectionBroken, ImageError, SourceError
from ansible_collections.steadystate.ecs.plugins.module_utils._image.login import Login
from ansible_collections.steadystate.ecs.plugins.module_utils._image.manifest import parse_platform
from ansible_collections.steadystate.ecs.plugins.module_utils._image.push import Push, PushFailure, PushOptions, PushResult
from ansible_collections.steadystate.ecs.plugins.module_utils._image.referrers import find_referrers
from ansible_collections.steadystate.ecs.plugins.module_utils._image.remote import RemoteSource
from ansible_collections.steadystate.ecs.plugins.module_utils._image.retry import RetryPolicy
from ansible_collections.steadystate.ecs.plugins.module_utils._image.sources import (
    Opened,
    open_engine_image,
    open_files,
    open_image,
    tell_kind,
)
from ansible_collections.steadystate.ecs.plugins.module_utils._image.transport import Answer, Transport
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import FakeClock, FakeRegistry, Fault
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.images import MANIFEST, LayoutBuilder
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.rig import Rig
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.saved import SavedImage, digest


@pytest.mark.parametrize(
    ("source", "said", "made", "kind", "name"),
    [
        ("docker://ghcr.io/team/api:1", "auto", False, "registry", "ghcr.io/team/api:1"),
        ("ghcr.io/team/api:1", "registry", False, "registry", "ghcr.io/team/api:1"),
        ("docker-daemon:api:1", "auto", False, "engine", "api:1"),
        ("api:1", "engine", False, "engine", "api:1"),
        ("oci:build/layout", "auto", False, "oci", "build/layout"),
        ("docker-archive:build/image.tar", "docker_archive", False, "docker_archive", "build/image.tar"),
        ("build/image.tar", "auto", False, "auto_file", "build/image.tar"),
        ("build/api", "auto", True, "files", "build/api"),
        ("build/api", "files", False, "files", "build/api"),
    ],
)
def test_tells_what_a_source_is(source: str, said: str, made: bool, kind: str, name: str) -> None:
    assert tell_kind(source, said, made) == (kind, name)


def test_a_source_that_says_otherwise_is_refused() -> None:
    with pytest.raises(SourceError, match="docker://x/y:1 is no engine, by its beginning"):
        tell_kind("docker://x/y:1", "engine", False)


class Copy:
    """Pushes from a second registry."""

    def __init__(self, rig: Rig, origin: FakeRegistry) -> None:
        self.rig = rig
        self.origin = origin
        self.challenge: Callable[[str], str | None] | None = None

    def source(self, repository: str = "api") -> RemoteSource:
        policy = RetryPolicy(tries=4)
        transport = Transport(6, timeouts=self.rig.timeouts)
        registry = Registry(
            self.origin.endpoint, repository, transport, self.rig.clock, lambda: 0.5, policy=policy, challenge=self.challenge
        )
        return RemoteSource(registry)

    def __call__(self, reference: str = "1", platform: str | None = None, **options: Any) -> PushResult:
        source = self.source()
        image = source.load(reference, parse_platform(platform) if platform else None)
        registry = self.rig.open()
        return Push(source, image, registry, PushOptions(("1",), **options), self.rig.clock, lambda line: None, lambda line: None).run()


@pytest.fixture
def origin(builder: LayoutBuilder) -> Iterator[FakeRegistry]:
    """A registry that holds an index of two platforms under the tag 1."""
    registry = FakeRegistry("api", "base")
    both = [builder.image(3_000_000, 500, platform=f"linux/{name}", note=True) for name in ("amd64", "arm64")]
    builder.name(builder.index(*both))
    Rig(registry, FakeClock()).push(builder.path, "1")
    registry.log.clear()
    yield registry
    registry.stop()


@pytest.fixture
def copy(rig: Rig, origin: FakeRegistry) -> Copy:
    return Copy(rig, origin)


def test_an_index_is_copied_whole_and_byte_for_byte(copy: Copy, rig: Rig, origin: FakeRegistry) -> None:
    result = copy()
    assert rig.fake.manifests == origin.manifests
    assert rig.fake.blobs == origin.blobs
    assert rig.fake.tags == {("api", "1"): result.digest}
    # Every blob is read once.
    assert len(origin.requests("^GET .*/blobs/")) == len(origin.blobs)
    origin.log.clear()
    again = copy(result.digest)
    assert not again.changed
    assert not origin.requests("/blobs/")


def test_one_platform_is_copied(copy: Copy, rig: Rig, builder: LayoutBuilder) -> None:
    result = copy(platform="linux/arm64")
    assert list(rig.fake.manifests) == [("api", result.digest)]
    with pytest.raises(SourceError, match="holds no image for linux/s390x"):
        copy(platform="linux/s390x")


def test_the_way_of_ecr_to_a_blob_is_followed_without_the_token(copy: Copy, rig: Rig, origin: FakeRegistry) -> None:
    """ECR sends readers to S3, which refuses a request with two kinds of authorization."""
    storage = FakeRegistry("store")
    for (_name, name), data in origin.blobs.items():
        storage.blobs["store", name] = data
    origin.quirks.redirects_blobs = True
    origin.quirks.storage = f"{storage.endpoint}/v2/store/blobs/"
    origin.quirks.content_digest_on_get = False
    origin.quirks.token = "Bearer abc"
    copy.challenge = lambda header: "Bearer abc"
    copy()
    assert rig.fake.blobs == origin.blobs
    assert storage.authorizations == [None] * len(storage.log)
    assert len(storage.log) == len(origin.blobs)
    storage.stop()


@pytest.mark.parametrize("times", [1, 2])
def test_a_blob_that_breaks_off_at_its_source_is_read_on_from_there(copy: Copy, rig: Rig, origin: FakeRegistry, times: int) -> None:
    large = max(origin.blobs, key=lambda key: len(origin.blobs[key]))[1]
    origin.faults = [Fault("GET", large, "cut", times=times, size=1_000_000), Fault("GET", large, "answer", status=503)]
    copy()
    assert rig.fake.blobs == origin.blobs
    assert len(origin.ranges) == times
    # What was read already is not asked for again.
    assert all(int(start) > 0 for start in origin.ranges)


@pytest.mark.parametrize("path", ["manifests/1", "manifests/sha256"])
def test_an_answer_that_is_cut_short_is_asked_for_again(copy: Copy, rig: Rig, origin: FakeRegistry, path: str) -> None:
    origin.faults = [Fault("GET", path, "cut", size=50)]
    copy()
    assert rig.fake.manifests == origin.manifests
    assert origin.faults[0].times == 0


def test_a_source_that_keeps_breaking_off_is_an_error(copy: Copy, rig: Rig, origin: FakeRegistry) -> None:
    origin.faults = [Fault("GET", "/blobs/", "cut", times=-1)]
    with pytest.raises((PushFailure, ConnectionBroken), match="broke off"):
        copy()
    assert rig.fake.tags == {}


def test_a_source_that_answers_with_something_else_is_an_error_at_once(copy: Copy, rig: Rig, origin: FakeRegistry) -> None:
    damaged = max(origin.blobs, key=lambda key: len(origin.blobs[key]))
    origin.blobs[damaged] = b"x" * len(origin.blobs[damaged])
    with pytest.raises(PushFailure, match=f"The blob {damaged[1]} in .* is damaged"):
        copy()
    assert rig.fake.tags == {}
    assert rig.clock.slept == []


def test_what_is_not_there_is_said_so(copy: Copy, origin: FakeRegistry) -> None:
    with pytest.raises(SourceError, match="holds no image 2"):
        copy("2")
    del origin.manifests[next(key for key in origin.manifests if key[1] != origin.tags["api", "1"])]
    with pytest.raises(SourceError, match="but does not hold it"):
        copy()


class Tokens:
    """Answers like a token service, and remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []

    def request(self, method: str, url: str, headers: dict[str, str], body: Any = None) -> Answer:
        self.asked.append((url, headers))
        return self.answers.pop(0)


CHALLENGE = 'Bearer realm="https://auth.example/token",service="registry.example"'


def test_a_token_is_fetched_for_the_repository() -> None:
    tokens = Tokens(Answer(200, {}, b'{"token": "abc"}'), Answer(200, {}, b'{"access_token": "def"}'))
    login = Login(tokens, "team/api", "me", "secret")  # type: ignore[arg-type]
    assert login.answer(CHALLENGE) == "Bearer abc"
    assert login.answer('bearer realm="http://127.0.0.1:1/token?x=y"') == "Bearer def"
    first, second = tokens.asked
    assert parse_qs(urlsplit(first[0]).query) == {"service": ["registry.example"], "scope": ["repository:team/api:pull"]}
    assert first[1] == {"Authorization": "Basic " + base64.b64encode(b"me:secret").decode()}
    assert "x=y&scope=" in second[0]
    assert login.answer('Basic realm="x"') == first[1]["Authorization"]
    assert Login(tokens, "team/api").answer("Basic") is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("challenge", "answer", "complaint"),
    [
        ('Bearer realm="http://auth.example/token"', None, "not protected by TLS"),
        ("Bearer", None, "not protected by TLS"),
        (CHALLENGE, Answer(401, {}, b"no secret here"), "gave no token for team/api: HTTP 401. Pass source_username"),
        (CHALLENGE, Answer(200, {}, b"[]"), "something else than a token"),
        (CHALLENGE, Answer(200, {}, b'{"token": "a\\nb"}'), "something else than a token"),
        (CHALLENGE, Answer(200, {}, b"{"), "something else than a token"),
    ],
)
def test_a_login_that_fails_is_said_so(challenge: str, answer: Answer | None, complaint: str) -> None:
    with pytest.raises(ImageError, match=complaint):
        Login(Tokens(*([answer] if answer else [])), "team/api").answer(challenge)  # type: ignore[arg-type]


def test_a_registry_that_asks_for_a_token_gets_one_and_another_when_it_has_run_out(copy: Copy, rig: Rig, origin: FakeRegistry) -> None:
    given: list[str] = []

    def challenge(header: str) -> str:
        given.append(header)
        origin.quirks.token = f"Bearer {len(given)}"
        return origin.quirks.token

    origin.quirks.token = "Bearer 0"
    copy.challenge = challenge
    expired = iter(range(100))
    origin.on_request = lambda line: setattr(origin.quirks, "token", "Bearer new") if next(expired) == 3 else None
    copy()
    assert rig.fake.blobs == origin.blobs
    assert given == ['Basic realm="fake"'] * 2


def attach(registry: FakeRegistry, subject: str, tag: str = "") -> str:
    """Put a signature of a manifest into a registry; its digest."""
    layer = json.dumps({"signs": subject, "tag": tag}).encode()
    config = b"{}"
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "application/vnd.example.signature",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(config), "size": len(config)},
        "layers": [{"mediaType": "application/json", "digest": digest(layer), "size": len(layer)}],
        **({} if tag else {"subject": {"mediaType": MANIFEST, "digest": subject, "size": 1}}),
    }
    text = json.dumps(manifest).encode()
    registry.blobs["api", digest(config)], registry.blobs["api", digest(layer)] = config, layer
    registry.manifests["api", digest(text)] = (MANIFEST, text)
    if tag:
        registry.tags["api", tag] = digest(text)
    return digest(text)


@pytest.mark.parametrize("api", [True, False])
def test_finds_what_is_attached_to_an_image(copy: Copy, origin: FakeRegistry, api: bool) -> None:
    root = origin.tags["api", "1"]
    origin.quirks.referrers = api
    signature = attach(origin, root)
    old = attach(origin, root, root.replace(":", "-") + ".sig")
    if not api:
        entry = {"mediaType": MANIFEST, "digest": signature, "size": len(origin.manifests["api", signature][1])}
        text = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]}).encode()
        origin.manifests["api", digest(text)] = ("application/vnd.oci.image.index.v1+json", text)
        origin.tags["api", root.replace(":", "-")] = digest(text)
    found = find_referrers(copy.source(), [root])
    assert [(item.image.root.digest, item.kind, item.tag) for item in found] == [
        (signature, "application/vnd.example.signature", ""),
        (old, "sig", root.replace(":", "-") + ".sig"),
    ]


def test_finds_what_is_attached_in_a_layout(builder: LayoutBuilder) -> None:
    root = builder.name(builder.image(10), "1")
    content = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}
    config = builder.blob(b"{}", "application/vnd.example.config")
    sbom = builder.document({**content, "config": config, "subject": {"digest": root}}, MANIFEST)
    signature = builder.document({**content, "config": config}, MANIFEST)
    builder.name(sbom)
    builder.name(signature, root.replace(":", "-") + ".sig")
    builder.name(builder.image(10, seed=2), "other")
    opened = open_image(builder.path, ref_name="1")
    assert [(item.image.root.digest, item.kind) for item in find_referrers(opened.source, [root])] == [
        (sbom["digest"], "application/vnd.example.config"),
        (signature["digest"], "sig"),
    ]


class Engine:
    """An engine on a socket, with one image."""

    def __init__(self, folder: Path, image: SavedImage, name: str = "team/api:1") -> None:
        self.path = folder / "engine.sock"
        self.archive = image.save(folder / "saved.tar", "1.10", name)
        self.about: dict[str, Any] = {"Id": image.id, "Os": "linux", "Architecture": "amd64"}
        self.log: list[str] = []
        self.broken = 0
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def address_string(self) -> str:
                return "engine"

            def log_message(self, *args: Any) -> None: ...

            def do_GET(self) -> None:
                engine.log.append(self.path)
                if unquote(self.path) == f"/images/{name}/json":
                    self._answer(200, json.dumps(engine.about).encode())
                elif unquote(self.path) == f"/images/{name}/get":
                    self._answer(200, engine.archive.read_bytes())
                else:
                    self._answer(404, b'{"message": "No such image"}')

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(engine.broken or status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = socketserver.ThreadingUnixStreamServer(str(self.path), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def engine() -> Iterator[Engine]:
    # A socket's path may have a hundred characters; that of pytest's folders has more.
    with tempfile.TemporaryDirectory() as folder:
        made = Engine(Path(folder), SavedImage(200_000, 400))
        yield made
        made.stop()


def push_opened(rig: Rig, opened: Opened, *tags: str, **options: Any) -> PushResult:
    rig.fake.log.clear()
    registry = rig.open()
    try:
        return Push(opened.source, opened.image, registry, PushOptions(tags, **options), rig.clock, rig._show, rig.warnings.append).run()
    finally:
        opened.close()


def test_an_image_of_an_engine_is_exported_only_when_it_is_needed(
    rig: Rig, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first = push_opened(rig, open_engine_image("team/api:1", str(engine.path), None), "1")
    assert engine.log == ["/images/team/api:1/json", "/images/team/api:1/get"]
    assert rig.fake.tags == {("api", "1"): first.digest}
    assert not list(tmp_path.iterdir())
    engine.log.clear()
    again = push_opened(rig, open_engine_image("team/api:1", str(engine.path), None), "1")
    assert not again.changed
    assert engine.log == ["/images/team/api:1/json"]
    # With the store of containerd, an engine's ID is the digest of the manifest.
    engine.about["Id"] = first.digest
    assert not push_opened(rig, open_engine_image("team/api:1", str(engine.path), None), "1").changed
    # Podman leaves the algorithm out.
    engine.about["Id"] = first.digest.removeprefix("sha256:")
    assert not push_opened(rig, open_engine_image("team/api:1", str(engine.path), None), "1").changed


def test_what_an_engine_does_not_have_is_said_so(engine: Engine) -> None:
    with pytest.raises(SourceError, match="holds no image api:2"):
        open_engine_image("api:2", str(engine.path), None)
    with pytest.raises(SourceError, match="is for linux/amd64, not for linux/arm64"):
        open_engine_image("team/api:1", str(engine.path), parse_platform("linux/arm64"))
    with pytest.raises(SourceError, match=r"No engine listens on .*nowhere"):
        open_engine_image("team/api:1", str(engine.path.parent / "nowhere"), None)
    opened = open_engine_image("team/api:1", str(engine.path), None)
    for identifier in ("", "latest", "sha256:abc", "md5:" + "0" * 32):
        engine.about["Id"] = identifier
        with pytest.raises(SourceError, match=f"gives team/api:1 the ID '{identifier}', which is no digest"):
            open_engine_image("team/api:1", str(engine.path), None)
    engine.broken = 500
    with pytest.raises(SourceError, match="cannot be exported: HTTP 500"):
        opened.image.load()  # type: ignore[union-attr]
    with pytest.raises(SourceError, match="does not tell about team/api:1: HTTP 500"):
        open_engine_image("team/api:1", str(engine.path), None)


def test_the_places_of_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    assert [str(place) for place in sockets()] == [
        "/var/run/docker.sock",
        "/run/user/7/docker.sock",
        "/run/user/7/podman/podman.sock",
        "/run/podman/podman.sock",
    ]
    monkeypatch.setenv("DOCKER_HOST", "unix:///elsewhere.sock")
    assert sockets() == [Path("/elsewhere.sock")]
    monkeypatch.setenv("DOCKER_HOST", "tcp://builder:2375")
    with pytest.raises(SourceError, match="engine_socket"):
        sockets()


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(11) + machine.to_bytes(2, "little") + b"program"


def layer_of(rig: Rig, result: PushResult) -> tuple[dict[str, Any], dict[str, tarfile.TarInfo]]:
    manifest = json.loads(rig.fake.manifests["api", result.digest][1])
    config = json.loads(rig.fake.blobs["api", manifest["config"]["digest"]])
    with tarfile.open(fileobj=io.BytesIO(rig.fake.blobs["api", manifest["layers"][0]["digest"]])) as archive:
        return config, {member.name: member for member in archive}


def test_a_program_becomes_an_image(rig: Rig, tmp_path: Path) -> None:
    program = tmp_path / "api"
    program.write_bytes(elf(183))
    program.chmod(0o700)
    wishes = Wishes(cmd=("--serve",), env={"B": "2", "A": "1"}, user="65532", ports=("8080", "53/udp"), labels={"v": "1"})
    config, members = layer_of(rig, push_opened(rig, open_files(program, wishes, None), "1"))
    assert (config["os"], config["architecture"]) == ("linux", "arm64")
    assert config["config"] == {
        "Entrypoint": ["/api"],
        "Cmd": ["--serve"],
        "Env": ["A=1", "B=2"],
        "User": "65532",
        "Labels": {"v": "1"},
        "ExposedPorts": {"53/udp": {}, "8080/tcp": {}},
    }
    assert list(members) == ["api"]
    member = members["api"]
    assert (member.mode, member.mtime, member.uid, member.gid, member.size) == (0o755, 0, 0, 0, len(elf(183)))


def test_a_folder_becomes_the_same_image_wherever_it_lies(rig: Rig, tmp_path: Path) -> None:
    digests = set()
    for number, names in enumerate((["b", "a/x", "a/y" + "z" * 150], ["a/y" + "z" * 150, "a/x", "b"])):
        folder = tmp_path / f"copy{number}"
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(name.encode() * 10_000)
            os.utime(folder / name, (number, number))
        (folder / "b").chmod(0o755 if number else 0o711)
        (folder / "link").symlink_to("/etc/passwd")
        result = push_opened(rig, open_files(folder, Wishes(target="/srv/app"), parse_platform("linux/amd64")), f"{number}")
        digests.add(result.digest)
    assert len(digests) == 1
    _config, members = layer_of(rig, result)
    assert list(members) == ["srv", "srv/app", "srv/app/a", "srv/app/a/x", f"srv/app/a/y{'z' * 150}", "srv/app/b", "srv/app/link"]
    assert members["srv/app/link"].linkname == "/etc/passwd"
    assert [members[f"srv/app/{name}"].mode for name in ("a", "a/x", "b")] == [0o755, 0o644, 0o755]


def test_what_no_image_can_be_made_of_is_refused(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/bin/sh\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd").mkdir()
    os.mkfifo(tmp_path / "odd" / "pipe")
    amd64 = parse_platform("linux/amd64")
    for name, platform, complaint in (
        ("script", None, "platform: it is not told by .*script"),
        ("empty", amd64, "is an empty folder"),
        ("odd", amd64, "pipe is neither file, folder nor link"),
        ("missing", amd64, "does not exist"),
    ):
        with pytest.raises(SourceError, match=complaint):
            open_files(tmp_path / name, Wishes(), platform)


def test_a_folder_tells_its_platform_by_its_entrypoint(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "api").write_bytes(elf(62))
    draft = assemble(tmp_path, Wishes(entrypoint=("/bin/api", "-v")))
    assert str(draft.platform) == "linux/amd64"


def test_a_file_that_changes_while_it_is_pushed_is_noticed(rig: Rig, tmp_path: Path) -> None:
    program = tmp_path / "api"
    program.write_bytes(elf(62))
    opened = open_files(program, Wishes(), None)
    program.write_bytes(elf(62).upper())
    with pytest.raises(PushFailure, match="is damaged"):
        push_opened(rig, opened, "1")
    program.write_bytes(b"")
    with pytest.raises(PushFailure, match="became shorter"):
        push_opened(rig, opened, "1")
