# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from ansible_collections.steadystate.ecs.plugins.module_utils._image import compress
from ansible_collections.steadystate.ecs.plugins.module_utils._image.compress import Compressor, choose_codec
from ansible_collections.steadystate.ecs.plugins.module_utils._image.draft import Draft
from ansible_collections.steadystate.ecs.plugins.module_utils._image.errors import ImageError, SourceError
from ansible_collections.steadystate.ecs.plugins.module_utils._image.manifest import (
    DOCKER_MANIFEST,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    parse_manifest,
    parse_platform,
)
from ansible_collections.steadystate.ecs.plugins.module_utils._image.push import PushFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._image.retry import RetryPolicy
from ansible_collections.steadystate.ecs.plugins.module_utils._image.sources import open_image
from ansible_collections.steadystate.ecs.plugins.module_utils._image.transport import Timeouts
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import Fault
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.rig import Rig
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.saved import AGES, SavedImage, digest, write_tar

LIBRARIES = ("isal", "zlib-ng", "zlib")
NOISE = random.Random(1).randbytes(1_500_000)
TEXT = b"".join(f"{number} times a line of text\n".encode() for number in range(60_000))


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize(
    "content", [b"", b"x", TEXT, NOISE, TEXT + NOISE, b"\0" * 2_000_000], ids=["empty", "byte", "text", "noise", "both", "zeros"]
)
def test_compresses_into_one_gzip_member_that_depends_on_nothing_but_the_library(name: str, content: bytes) -> None:
    made = []
    for processors, step in ((1, 100_000), (2, 262_144), (4, 7_000_000)):
        compressor = Compressor(choose_codec(name), processors)
        made.append(b"".join(compressor.stream(content[at : at + step] for at in range(0, len(content), step))))
        compressor.close()
    assert made[0] == made[1] == made[2]
    assert gzip.decompress(made[0]) == content
    assert len(made[0]) < len(content) * 1.001 + 40


def test_the_bytes_are_the_same_with_one_layer_under_way_or_several() -> None:
    """A layer that is the only one is compressed by all threads, one of several by its own."""
    content = TEXT + NOISE
    blocks = [content[at : at + 262_144] for at in range(0, len(content), 262_144)]
    compressor = Compressor(choose_codec("zlib"), 2)
    alone = list(compressor.stream(blocks))
    beside = []
    stream, other = compressor.stream(blocks), compressor.stream(blocks)
    for number, piece in enumerate(stream):
        beside.append(piece)
        if number == 3:
            next(other)
        elif number == 7:
            other.close()
    compressor.close()
    assert beside == alone
    assert len(alone) > 12


def test_zstd_is_the_same_each_time_too() -> None:
    compressor = Compressor(choose_codec("zstd"))
    first, second = (b"".join(compressor.stream([TEXT, NOISE])) for _time in range(2))
    compressor.close()
    assert first == second
    assert zstandard.ZstdDecompressor().decompressobj().decompress(first) == TEXT + NOISE


def test_the_fastest_library_that_is_there_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    missing: set[str] = set()
    real = compress.importlib.import_module

    def load(name: str) -> object:
        if name.partition(".")[0] in missing:
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(compress.importlib, "import_module", load)
    for package, library in (("", "isal"), ("isal", "zlib-ng"), ("zlib_ng", "zlib")):
        missing.add(package)
        assert choose_codec("auto").name == library
    missing.update(("backports", "compression", "zstandard"))
    for name in ("isal", "zlib-ng", "zstd"):
        with pytest.raises(ImageError, match=f"compression: {name} needs a library that is not installed"):
            choose_codec(name)  # type: ignore[arg-type]


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("name", [*LIBRARIES, "zstd"])
def test_what_docker_saved_arrives_compressed_with_its_own_configuration(rig: Rig, tmp_path: Path, age: str, name: str) -> None:
    image = SavedImage(900_000, 30_000, 700)
    path = image.save(tmp_path / "image.tar", age)
    result = rig.push(path, "1", "latest", codec=choose_codec(name))
    assert result.changed
    media_type, content = rig.fake.manifests["api", result.digest]
    assert media_type == (OCI_MANIFEST if name == "zstd" else DOCKER_MANIFEST)
    assert rig.fake.tags == {("api", "1"): result.digest, ("api", "latest"): result.digest}
    manifest = json.loads(content)
    config = json.loads(rig.fake.blobs["api", manifest["config"]["digest"]])
    assert config["rootfs"]["diff_ids"] == image.diff_ids
    if age != "1.0":
        assert manifest["config"]["digest"] == image.id
    for layer, wanted in zip(manifest["layers"], image.layers, strict=True):
        data = rig.fake.blobs["api", layer["digest"]]
        assert len(data) == layer["size"] < len(wanted)
        unpack = zstandard.ZstdDecompressor().decompressobj().decompress if name == "zstd" else gzip.decompress
        assert unpack(data) == wanted
        assert layer["mediaType"].endswith("zstd" if name == "zstd" else "gzip")
    assert result.sizes == {item["digest"]: item["size"] for item in [manifest["config"], *manifest["layers"]]}
    assert [line.partition(" ")[0] for line in rig.fake.log][-2:] == ["PUT", "PUT"]
    assert rig.push(path, "1", codec=choose_codec(name)).digest == result.digest


@pytest.mark.parametrize("tags", [("1",), ("1", "latest", "v1")])
def test_again_from_a_machine_that_knows_nothing_costs_one_request_a_tag(rig: Rig, tmp_path: Path, tags: tuple[str, ...]) -> None:
    path = SavedImage(100_000, 500).save(tmp_path / "image.tar")
    first = rig.push(path, *tags, codec=choose_codec("isal"))
    again = rig.push(path, *tags, codec=choose_codec("zlib"))
    assert not again.changed
    assert again.digest == first.digest
    assert sorted(rig.fake.log) == sorted(f"GET /v2/api/manifests/{tag}" for tag in tags)
    assert set(again.outcomes.values()) == {"exists"}


def test_a_new_tag_beside_one_that_names_the_image_compresses_nothing(rig: Rig, tmp_path: Path) -> None:
    path = SavedImage(100_000).save(tmp_path / "image.tar")
    first = rig.push(path, "latest")
    rig.fake.received = 0
    second = rig.push(path, "2", "latest", codec=choose_codec("zlib"))
    assert second.digest == first.digest
    assert [line for line in rig.fake.log if not line.startswith("GET")] == ["PUT /v2/api/manifests/2"]
    assert len(rig.fake.log) == 3


def test_layers_of_the_image_that_a_tag_names_are_not_compressed_again(rig: Rig, tmp_path: Path) -> None:
    rig.push(SavedImage(100_000, 2000).save(tmp_path / "one.tar"), "latest")
    old = set(rig.fake.blobs)
    result = rig.push(SavedImage(100_000, 2000, 3000).save(tmp_path / "two.tar"), "2", "latest")
    assert list(result.outcomes.values()).count("exists") == 2
    # One layer and one configuration.
    assert len(set(rig.fake.blobs) - old) == 2
    assert rig.fake.tags["api", "latest"] == result.digest


def test_a_tag_that_names_something_unreadable_is_moved_all_the_same(rig: Rig, tmp_path: Path) -> None:
    text = b'{"schemaVersion": 1}'
    rig.fake.manifests["api", digest(text)] = ("application/vnd.docker.distribution.manifest.v1+json", text)
    rig.fake.tags["api", "latest"] = digest(text)
    result = rig.push(SavedImage(1000).save(tmp_path / "image.tar"), "latest")
    assert result.tags["latest"].previous_digest == digest(text)
    assert rig.fake.tags["api", "latest"] == result.digest


def test_something_unreadable_with_the_digest_of_the_image_is_not_taken_for_it(rig: Rig, tmp_path: Path) -> None:
    image = SavedImage(1000)
    rig.fake.manifests["api", image.id] = ("application/vnd.docker.distribution.manifest.v1+json", image.config)
    rig.fake.tags["api", "latest"] = image.id
    result = rig.push(image.save(tmp_path / "image.tar"), "latest", "1")
    assert rig.fake.manifests["api", result.digest][0] == DOCKER_MANIFEST
    assert rig.fake.tags == {("api", "latest"): result.digest, ("api", "1"): result.digest}


@pytest.mark.parametrize(("first", "second", "reused"), [("isal", "zstd", True), ("zstd", "isal", False), ("zstd", "zstd", True)])
def test_a_layer_is_named_as_its_new_manifest_names_its_kind(rig: Rig, tmp_path: Path, first: str, second: str, reused: bool) -> None:
    """Docker's manifests hold no layers of OCI, and OCI's none of Docker."""
    rig.push(SavedImage(100_000).save(tmp_path / "one.tar"), "latest", codec=choose_codec(first))  # type: ignore[arg-type]
    path = SavedImage(100_000, 3000).save(tmp_path / "two.tar")
    result = rig.push(path, "latest", codec=choose_codec(second))  # type: ignore[arg-type]
    media_type, content = rig.fake.manifests["api", result.digest]
    family = "vnd.oci." if media_type == OCI_MANIFEST else "vnd.docker."
    assert all(family in layer["mediaType"] for layer in json.loads(content)["layers"])
    assert ("exists" in result.outcomes.values()) is reused


def test_check_mode_compresses_nothing_and_leaves_the_digest_open(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.push(SavedImage(100_000, 500).save(tmp_path / "old.tar"), "latest")
    image = SavedImage(100_000, 500, 700)
    path = image.save(tmp_path / "image.tar")
    with monkeypatch.context() as patch:
        patch.setattr(Compressor, "stream", None)
        would = rig.push(path, "1", "latest", dry_run=True)
    assert {line.partition(" ")[0] for line in rig.fake.log} <= {"GET", "HEAD"}
    assert would.changed
    assert would.digest == ""
    old = rig.fake.tags["api", "latest"]
    assert {name: (tag.changed, tag.digest, tag.previous_digest) for name, tag in would.tags.items()} == {
        "1": (True, "", None),
        "latest": (True, "", old),
    }
    assert rig.lines[-1].startswith(f"api: the image with the ID {image.id[:19]} would be there as 1, latest, under a digest that only")
    did = rig.push(path, "1", "latest")
    assert sorted(would.outcomes.values()) == sorted(did.outcomes.values())
    # What is compressed is shorter than what it was made of, and the rest is the same.
    assert did.bytes_of("pushed") < would.bytes_of("pushed") == len(image.layers[2]) + did.sizes[image.id]
    assert would.bytes_of("exists") == did.bytes_of("exists")
    assert rig.push(path, "2", "latest", dry_run=True).digest == did.digest


def test_check_mode_knows_the_digest_when_there_is_nothing_to_compress(rig: Rig, tmp_path: Path) -> None:
    """Other configuration, same layers: a release that only starts something else."""
    image = SavedImage(100_000, 500)
    rig.push(image.save(tmp_path / "old.tar"), "latest")
    other = SavedImage(100_000, 500)
    other.config = other.config.replace(b'"/app"', b'"/other"')
    other.id = digest(other.config)
    path = other.save(tmp_path / "new.tar")
    would = rig.push(path, "latest", dry_run=True)
    assert would.digest
    assert rig.push(path, "latest").digest == would.digest


def test_check_mode_leaves_an_immutable_tag_alone_too(rig: Rig, tmp_path: Path) -> None:
    old = rig.push(SavedImage(1000, seed=1).save(tmp_path / "one.tar"), "1")
    path = SavedImage(1000, seed=2).save(tmp_path / "two.tar")
    would = rig.push(path, "1", "2", immutable=lambda tag: True, skip_immutable=True, dry_run=True)
    assert (would.tags["1"].skipped, would.tags["1"].digest, would.tags["2"].changed) == (True, old.digest, True)
    assert len(rig.warnings) == 1


def in_repository(rig: Rig) -> list[Manifest]:
    """What a repository answers that is asked for all its images."""
    return [
        parse_manifest(content, Descriptor(media_type, name, len(content)))
        for (_repository, name), (media_type, content) in rig.fake.manifests.items()
    ][::-1]


def test_a_new_tag_for_an_image_that_has_another_costs_two_requests(rig: Rig, tmp_path: Path) -> None:
    path = SavedImage(100_000).save(tmp_path / "image.tar")
    first = rig.push(path, "1")
    rig.push(SavedImage(500, seed=3).save(tmp_path / "other.tar"), "other")
    again = rig.push(path, "2", codec=choose_codec("zlib"), others=lambda: in_repository(rig))
    assert rig.fake.log == ["GET /v2/api/manifests/2", "PUT /v2/api/manifests/2"]
    assert (again.digest, again.changed, set(again.outcomes.values())) == (first.digest, True, {"exists"})
    assert rig.fake.tags["api", "2"] == first.digest
    assert rig.push(path, "3", dry_run=True, others=lambda: in_repository(rig)).digest == first.digest


def test_a_new_release_under_a_tag_of_its_own_sends_what_the_newest_image_has_not(rig: Rig, tmp_path: Path) -> None:
    rig.push(SavedImage(100_000, 2000).save(tmp_path / "one.tar"), "1")
    text = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2},
            "layers": [],
        }
    ).encode()
    # A signature, pushed after it, which has no layers to offer.
    rig.fake.blobs["api", digest(b"{}")] = b"{}"
    rig.fake.manifests["api", digest(text)] = (OCI_MANIFEST, text)
    result = rig.push(SavedImage(100_000, 2000, 3000).save(tmp_path / "two.tar"), "2", others=lambda: in_repository(rig))
    assert sorted(result.outcomes.values()) == ["exists", "exists", "pushed", "pushed"]
    assert rig.fake.tags["api", "2"] == result.digest


def test_other_images_are_asked_for_only_when_no_tag_names_the_image(rig: Rig, tmp_path: Path) -> None:
    path = SavedImage(1000).save(tmp_path / "image.tar")
    rig.push(path, "1")
    asked = []
    rig.push(path, "1", "2", others=lambda: asked.append(1) or ())
    assert asked == []


def test_an_immutable_tag_with_another_image_is_refused_before_anything_is_compressed(rig: Rig, tmp_path: Path) -> None:
    old = rig.push(SavedImage(1000, seed=1).save(tmp_path / "one.tar"), "1")
    image = SavedImage(1000, seed=2)
    path = image.save(tmp_path / "two.tar")
    with pytest.raises(PushFailure, match=f"names {old.digest}; it cannot be moved to the image with the ID {image.id}"):
        rig.push(path, "1", immutable=lambda tag: True)
    assert rig.fake.log == ["GET /v2/api/manifests/1"]
    result = rig.push(path, "1", immutable=lambda tag: True, skip_immutable=True)
    assert result.tags["1"].skipped
    assert ("api", result.digest) in rig.fake.manifests
    assert len(rig.warnings) == 1


@pytest.mark.parametrize("by", ["digest", "id", "other"])
def test_only_the_expected_image_gets_a_tag(rig: Rig, tmp_path: Path, by: str) -> None:
    image = SavedImage(1000)
    path = image.save(tmp_path / "image.tar")
    expected = {"digest": rig.push(path, "0", repository="base").digest, "id": image.id, "other": digest(b"other")}[by]
    if by == "other":
        with pytest.raises(PushFailure, match="expected_digest"):
            rig.push(path, "1", expected_digest=expected)
        with pytest.raises(PushFailure, match="expected_digest"):
            rig.push(path, "1", expected_digest=expected, dry_run=True)
        assert ("api", "1") not in rig.fake.tags
    else:
        # The digest of a manifest is compared in a dry run too, though that means to compress.
        assert bool(rig.push(path, "1", expected_digest=expected, dry_run=True).digest) is (by == "digest")
        rig.push(path, "1", expected_digest=expected)
        assert ("api", "1") in rig.fake.tags


FAULTS = {
    "reset in the data": Fault("PATCH", "uploads/", "reset", size=400_000),
    "reset four times": Fault("PATCH", "uploads/", "reset", times=4, size=100_000),
    "stall": Fault("PATCH", "uploads/", "stall", size=300_000),
    "503 early": Fault("PATCH", "uploads/", "early", status=503),
    "500 after the body": Fault("PATCH", "uploads/", "answer", status=500),
    "session lost": Fault("PATCH", "uploads/", "answer", status=404, code="BLOB_UPLOAD_UNKNOWN"),
    "429 to the POST": Fault("POST", "uploads/", "answer", times=3, status=429, code="TOOMANYREQUESTS"),
    "500 to the last PUT": Fault("PUT", "uploads/.*digest", "answer", status=500),
    "answer to the PATCH lost": Fault("PATCH", "uploads/", "mute"),
    "answer to the last PUT lost": Fault("PUT", "uploads/.*digest", "mute"),
    "last PUT dropped": Fault("PUT", "uploads/.*digest", "drop"),
}


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("name", FAULTS)
def test_a_layer_that_is_made_on_the_way_survives(rig: Rig, tmp_path: Path, name: str, resume: bool) -> None:
    fault = FAULTS[name]
    rig.timeouts = Timeouts(connect=5, send=0.3, answer=5, store=1)
    rig.fake.faults = [Fault(**vars(fault))]
    image = SavedImage(2_000_000, 500)
    result = rig.push(image.save(tmp_path / "image.tar"), "1", resume=resume)
    assert rig.fake.tags == {("api", "1"): result.digest}
    manifest = json.loads(rig.fake.manifests["api", result.digest][1])
    assert [gzip.decompress(rig.fake.blobs["api", layer["digest"]]) for layer in manifest["layers"]] == image.layers
    assert rig.fake.faults[0].times == 0


def test_what_the_registry_kept_of_a_broken_stream_is_not_sent_again(rig: Rig, tmp_path: Path) -> None:
    rig.fake.faults = [Fault("PATCH", "uploads/", "reset", times=4, size=200_000)]
    result = rig.push(SavedImage(4_000_000).save(tmp_path / "image.tar"), "1")
    assert rig.fake.received < 1.05 * sum(result.sizes.values())
    assert "resumed" in result.outcomes.values()


def test_gives_up_in_the_end_with_no_tag(rig: Rig, tmp_path: Path) -> None:
    rig.policy = RetryPolicy(tries=3)
    rig.fake.faults = [Fault("PATCH", "uploads/", "answer", times=-1, status=500, code="UNKNOWN", message="out of order")]
    with pytest.raises(PushFailure, match="a layer was not taken: HTTP 500, UNKNOWN: out of order"):
        rig.push(SavedImage(1000).save(tmp_path / "image.tar"), "1")
    assert len(rig.fake.requests("^PATCH")) == 3
    assert rig.fake.tags == {}


def test_a_layer_that_is_not_what_the_configuration_says_is_an_error_at_once(rig: Rig, tmp_path: Path) -> None:
    image = SavedImage(1000, 2000)
    image.layers[1] = image.layers[1][:-1] + b"x"
    with pytest.raises(PushFailure, match=f"The layer {image.diff_ids[1]} in .*image.tar.* is damaged"):
        rig.push(image.save(tmp_path / "image.tar"), "1")
    assert rig.fake.manifests == {}
    assert rig.clock.slept == []


def test_one_of_several_images_is_chosen_by_its_name(tmp_path: Path) -> None:
    image = SavedImage(100)
    members = image._named(["api:1.0", "localhost/api:old"])
    other = SavedImage(100, seed=2)
    entries = json.loads(members["manifest.json"])
    members.update(other._named(["docker.io/library/web:2.0"]))
    members["manifest.json"] = json.dumps([*entries, *json.loads(members["manifest.json"])]).encode()
    path = write_tar(tmp_path / "both.tar", members)
    for name, wanted in (("api:1.0", image), ("api:old", image), ("web:2.0", other), ("docker.io/library/web:2.0", other)):
        opened = open_image(path, ref_name=name)
        assert isinstance(opened.image, Draft)
        assert opened.image.config_digest == wanted.id
    with pytest.raises(SourceError, match=r"holds 2 images: api:1\.0, docker\.io/library/web:2\.0, localhost/api:old"):
        open_image(path)
    with pytest.raises(SourceError, match="no image with the name 'api:9'"):
        open_image(path, ref_name="api:9")
    with pytest.raises(SourceError, match=r"holds no image for linux/arm64\. Platforms in it: linux/amd64"):
        open_image(path, ref_name="api:1.0", platform=parse_platform("linux/arm64"))


def test_a_layer_that_is_compressed_already_is_compressed_anew(rig: Rig, tmp_path: Path) -> None:
    image = SavedImage(600_000, 400)
    plain = rig.push(image.save(tmp_path / "plain.tar"), "1")
    image.layers = [gzip.compress(image.layers[0][:1000]) + gzip.compress(image.layers[0][1000:]), gzip.compress(image.layers[1])]
    assert rig.push(image.save(tmp_path / "packed.tar"), "2", repository="base").digest == plain.digest


@pytest.mark.parametrize("plain", [0, 1])
def test_a_layout_of_docker_25_is_pushed_as_it_is_when_layers_are_compressed(rig: Rig, tmp_path: Path, plain: int) -> None:
    image = SavedImage(3000, 500)
    packed = [*image.layers[:plain], *(gzip.compress(layer) for layer in image.layers[plain:])]
    members = image._blobs(["api:1.0"])
    manifest = json.loads(next(data for data in members.values() if b'"layers"' in data and b"schemaVersion" in data))
    manifest["layers"] = [
        {
            "mediaType": f"application/vnd.oci.image.layer.v1.tar{'' if number < plain else '+gzip'}",
            "digest": digest(data),
            "size": len(data),
        }
        for number, data in enumerate(packed)
    ]
    text = json.dumps(manifest).encode()
    for data in (text, *packed):
        members[f"blobs/sha256/{digest(data).removeprefix('sha256:')}"] = data
    entry = {"mediaType": manifest["mediaType"], "digest": digest(text), "size": len(text)}
    members["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    path = write_tar(tmp_path / "image.tar", members)
    assert open_image(path).kind == "oci"
    assert rig.push(path, "1").digest == digest(text)
    assert open_image(path, "docker_archive").kind == "docker_archive"


BROKEN: dict[str, tuple[dict[str, bytes | str], str]] = {
    "nothing": ({"readme": b""}, "neither index.json nor manifest.json"),
    "no json": ({"manifest.json": b"["}, "manifest.json in .* is not JSON"),
    "no list": ({"manifest.json": b"{}"}, "manifest.json in .* is no list"),
    "empty": ({"manifest.json": b"[]"}, "its manifest.json is empty"),
    "no image": ({"manifest.json": b"[1]"}, "holds something that is no image"),
    "numbers": ({"manifest.json": b'[{"Config": 1, "Layers": []}]'}, "names its files in an unknown way"),
    "layers no list": ({"manifest.json": b'[{"Config": "c", "Layers": "l"}]'}, "Layers in .* is no list"),
    "no config": ({"manifest.json": b'[{"Config": "../../etc/passwd", "Layers": []}]'}, "does not hold it"),
    "config no json": ({"manifest.json": b'[{"Config": "c", "Layers": []}]', "c": b"x"}, "names no layers"),
    "diff_ids": ({"manifest.json": b'[{"Config": "c", "Layers": []}]', "c": b'{"rootfs": {"diff_ids": [1]}}'}, "in an unknown way"),
    "too few layers": (
        {"manifest.json": b'[{"Config": "c", "Layers": []}]', "c": b'{"rootfs": {"diff_ids": ["x"]}}'},
        "holds 0 layers where",
    ),
    "no layer": (
        {"manifest.json": b'[{"Config": "c", "Layers": ["l"]}]', "c": b'{"rootfs": {"diff_ids": ["x"]}}'},
        "names the layer l but",
    ),
    "circle": ({"manifest.json": "a", "a": "manifest.json"}, "in a circle"),
    "link out": ({"manifest.json": "/etc/passwd"}, "neither index.json nor"),
    "old: no chain": ({"repositories": b'{"api": {"1": "abc"}}'}, "names the layer abc but does not describe it"),
    "old: circle": ({"repositories": b'{"api": {"1": "abc"}}', "abc/json": b'{"parent": "abc"}'}, "or in a circle"),
    "old: no layer": ({"repositories": b'{"api": {"1": "abc"}}', "abc/json": b"{}"}, "layer.tar is missing"),
    "old: two": ({"repositories": b'{"api": {"1": "abc", "2": "def"}}'}, "Names in it: api:1, api:2"),
    "old: no names": ({"repositories": b"[]"}, "Names in it: none"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_archive_is_refused_in_plain_words(tmp_path: Path, name: str) -> None:
    members, complaint = BROKEN[name]
    with pytest.raises(SourceError, match=complaint):
        open_image(write_tar(tmp_path / "image.tar", members))


def test_an_archive_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = SavedImage(50_000).save(tmp_path / "image.tar", "25")
    for size in (30_000, 700):
        with path.open("r+b") as stream:
            stream.truncate(size)
        with pytest.raises(SourceError, match=r"cut off in the middle|cannot be read as a tar archive|neither index\.json"):
            open_image(path)


def test_memory_does_not_grow_with_the_layer() -> None:
    """A compressor reads no further ahead of what it has given than a piece for each processor and one more."""
    read = 0

    def blocks() -> Iterator[bytes]:
        nonlocal read
        for _number in range(100):
            read += 262_144
            yield NOISE[:262_144]

    compressor = Compressor(choose_codec("zlib"), 2)
    given = furthest = 0
    for piece in compressor.stream(blocks()):
        furthest = max(furthest, read - given)
        given += len(piece)
    compressor.close()
    assert 0 < furthest <= 4 * 256 * 1024 < read < given
