# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What we push, others pull: every kind of image, from three registries and by two clients that are none of ours."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

from ..peers import ROOT, crane_registry, debian_package, distribution, go_tool

if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([str(ROOT / "build" / "collections")])

from ansible_collections.steadystate.ecs.plugins.module_utils._clock import SystemClock
from ansible_collections.steadystate.ecs.plugins.module_utils._image.client import Registry
from ansible_collections.steadystate.ecs.plugins.module_utils._image.compress import choose_codec
from ansible_collections.steadystate.ecs.plugins.module_utils._image.errors import SourceError
from ansible_collections.steadystate.ecs.plugins.module_utils._image.push import Push, PushOptions, PushResult
from ansible_collections.steadystate.ecs.plugins.module_utils._image.retry import RetryPolicy
from ansible_collections.steadystate.ecs.plugins.module_utils._image.sources import open_image
from ansible_collections.steadystate.ecs.plugins.module_utils._image.transport import Transport
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.images import CONFIG, INDEX, MANIFEST, LayoutBuilder
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.saved import SavedImage

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
SECONDS = 120

Pack = Callable[[bytes], bytes]


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode()}"
    return done.stdout.decode()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def layer(name: str, size: int) -> bytes:
    """A layer with one file; with none, where `name` is empty."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        if name:
            member = tarfile.TarInfo(name)
            member.size = size
            archive.addfile(member, io.BytesIO((f"{name} of {size}\n" * size).encode()[:size]))
    return stream.getvalue()


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def image(
    builder: LayoutBuilder,
    *layers: tuple[bytes, Pack, str],
    kind: str = MANIFEST,
    config_kind: str = CONFIG,
    platform: str = "linux/amd64",
    foreign: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """An image that an engine can take apart: its layers are archives, its configuration knows their digests."""
    system, architecture = platform.split("/")
    about = {
        "os": system,
        "architecture": architecture,
        "config": {"Cmd": ["/app"]},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(content) for content, _pack, _kind in layers]},
        "history": [{"created_by": f"layer {number}"} for number, _layer in enumerate(layers)],
    }
    document = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": builder.document(about, config_kind),
        "layers": [builder.blob(pack(content), media_type) for content, pack, media_type in layers] + ([foreign] if foreign else []),
    }
    return {**builder.document(document, kind), "platform": {"os": system, "architecture": architecture}}


def oci(builder: LayoutBuilder, platform: str = "linux/amd64") -> dict[str, Any]:
    return image(
        builder,
        (layer("base", 20_000), gzipped, f"{OCI_LAYER}+gzip"),
        (layer(platform.replace("/", "-"), 3000), lambda content: content, OCI_LAYER),
        platform=platform,
    )


def docker(builder: LayoutBuilder, platform: str = "linux/amd64") -> dict[str, Any]:
    layers = [(layer(name, 5000), gzipped, DOCKER_LAYER) for name in ("a", platform.replace("/", "-"))]
    return image(builder, *layers, kind=DOCKER, config_kind=DOCKER_CONFIG, platform=platform)


def index(builder: LayoutBuilder, make: Callable[..., dict[str, Any]], kind: str) -> dict[str, Any]:
    children = [make(builder, platform) for platform in ("linux/amd64", "linux/arm64")]
    return builder.document({"schemaVersion": 2, "mediaType": kind, "manifests": children}, kind)


# Kinds of image, each as a descriptor in a layout.
KINDS: dict[str, Callable[[LayoutBuilder], dict[str, Any]]] = {
    "Docker schema 2": docker,
    "Docker manifest list": lambda builder: index(builder, docker, DOCKER_LIST),
    "OCI image": oci,
    "OCI index": lambda builder: index(builder, oci, INDEX),
    "zstd layers": lambda builder: image(
        builder, *[(layer(name, 9000), zstandard.ZstdCompressor().compress, f"{OCI_LAYER}+zstd") for name in ("a", "b")]
    ),
    "an empty layer": lambda builder: image(
        builder, (layer("a", 100), gzipped, f"{OCI_LAYER}+gzip"), (layer("", 0), gzipped, f"{OCI_LAYER}+gzip")
    ),
}


@pytest.fixture(scope="module", params=["docker-registry of Debian", "distribution 3", "go-containerregistry"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a registry that somebody else wrote."""
    folder = tmp_path_factory.mktemp("registry")
    if request.param == "go-containerregistry":
        serving = crane_registry(go_tool("crane"), folder)
    elif request.param == "distribution 3":
        serving = distribution(go_tool("registry"), folder)
    else:
        serving = distribution(debian_package("docker-registry", "docker-registry"), folder)
    with serving as address:
        yield address


@pytest.fixture
def podman() -> Iterator[Callable[..., str]]:
    """Podman with storage of its own. The path is short because podman takes 50 characters at most."""
    with tempfile.TemporaryDirectory(prefix="pb") as root:
        command = ("podman", "--root", f"{root}/root", "--runroot", f"{root}/run", "--storage-driver", "vfs")
        yield lambda *arguments: run(*command, *arguments)
        run(*command, "rmi", "--all", "--force")


def push(address: str, repository: str, source: Path, *tags: str, compression: str = "zlib") -> PushResult:
    transport = Transport(4)
    policy = RetryPolicy(tries=3, first_pause=0.05)
    client = Registry(f"http://{address}", repository, transport, SystemClock(), lambda: 0.5, policy=policy)
    opened = open_image(source)
    try:
        options = PushOptions(tags=tags, codec=choose_codec(compression))
        return Push(opened.source, opened.image, client, options, SystemClock(), lambda line: None, lambda line: None).run()
    finally:
        opened.close()
        transport.close()


def pulled_by_skopeo(address: str, repository: str, tag: str, folder: Path) -> dict[str, bytes]:
    """Every file of the image as skopeo wrote it, by its digest."""
    source = f"docker://{address}/{repository}:{tag}"
    run("skopeo", "copy", "--quiet", "--all", "--preserve-digests", "--src-tls-verify=false", source, f"dir:{folder}")
    return {digest_of(content): content for content in (path.read_bytes() for path in folder.iterdir())}


@pytest.mark.parametrize("kind", KINDS)
def test_what_we_push_is_pulled_byte_for_byte(registry: str, podman: Callable[..., str], tmp_path: Path, kind: str) -> None:
    builder = LayoutBuilder(tmp_path / "layout")
    digest = builder.name(KINDS[kind](builder))
    repository = f"pulled/{kind.lower().replace(' ', '-')}"
    assert push(registry, repository, builder.path, "1.0", "latest").digest == digest
    sent = {f"sha256:{path.name}": path.read_bytes() for path in (builder.path / "blobs" / "sha256").iterdir()}
    raw = run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{registry}/{repository}:latest")
    assert raw.encode() == sent[digest]
    got = pulled_by_skopeo(registry, repository, "1.0", tmp_path / "skopeo")
    assert set(sent) <= set(got)
    assert all(got[name] == content for name, content in sent.items())
    podman("pull", "--quiet", "--tls-verify=false", f"{registry}/{repository}@{digest}")
    found = json.loads(podman("image", "inspect", f"{registry}/{repository}@{digest}"))[0]
    children = [entry["digest"] for entry in json.loads(sent[digest]).get("manifests", [])]
    assert found["Digest"] in [digest, *children]
    again = push(registry, repository, builder.path, "1.0", "latest")
    assert not again.changed


@pytest.mark.parametrize(
    ("compression", "text"), [("zlib", 0.5), ("isal", 0.5), ("zlib-ng", 0.5), ("zstd", 0.5), ("isal", 0.0), ("zstd", 0.0)]
)
def test_what_we_compress_is_unpacked_by_others(
    registry: str, podman: Callable[..., str], tmp_path: Path, compression: str, text: float
) -> None:
    """An archive of docker save: the image that arrives has the ID that it had, whatever made it small.

    Without text in it, a layer goes as it is when it is large.
    """
    saved = SavedImage(300_000, 1_200_000, text=text)
    source = saved.save(tmp_path / "image.tar")
    repository = f"compressed/{compression}-{text}"
    result = push(registry, repository, source, "1.0", compression=compression)
    got = pulled_by_skopeo(registry, repository, "1.0", tmp_path / "skopeo")
    manifest = json.loads(got[result.digest])
    assert manifest["config"]["digest"] == saved.id
    assert got[saved.id] == saved.config
    assert [layer["mediaType"] == OCI_LAYER for layer in manifest["layers"]] == [False, text == 0.0]
    podman("pull", "--quiet", "--tls-verify=false", f"{registry}/{repository}:1.0")
    found = json.loads(podman("image", "inspect", f"{registry}/{repository}:1.0"))[0]
    assert found["RootFS"]["Layers"] == saved.diff_ids
    assert f"sha256:{found['Id']}" == saved.id


def test_a_foreign_layer_goes_along_where_its_content_is_there(registry: str, tmp_path: Path) -> None:
    builder = LayoutBuilder(tmp_path / "layout")
    foreign = builder.blob(gzipped(layer("licensed", 500)), FOREIGN, urls=["https://example.com/layer"])
    parts = (layer("a", 100), gzipped, DOCKER_LAYER)
    described = image(builder, parts, kind=DOCKER, config_kind=DOCKER_CONFIG, foreign=foreign)
    builder.name(described)
    assert foreign["digest"] in push(registry, "foreign", builder.path, "1.0").outcomes
    raw = run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{registry}/foreign:1.0")
    assert raw.encode() == builder.file(described).read_bytes()


def test_a_foreign_layer_without_its_content_is_refused_clearly(registry: str, tmp_path: Path) -> None:
    builder = LayoutBuilder(tmp_path / "layout")
    foreign = {"mediaType": FOREIGN, "digest": "sha256:" + "f" * 64, "size": 1234, "urls": ["https://example.com/layer"]}
    parts = (layer("a", 100), gzipped, DOCKER_LAYER)
    builder.name(image(builder, parts, kind=DOCKER, config_kind=DOCKER_CONFIG, foreign=foreign))
    with pytest.raises(SourceError, match=f"does not hold the foreign layer {foreign['digest']}"):
        push(registry, "foreign", builder.path, "2.0")
