# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers of a docker archive that would hardly shrink: sent as they are, under the digest that they have already."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._image.client import Registry
from ansible_collections.steadystate.ecs.plugins.module_utils._image.compress import Compression, Compressor, choose_codec, hardly_shrinks
from ansible_collections.steadystate.ecs.plugins.module_utils._image.content import BlobFile, BytesContent
from ansible_collections.steadystate.ecs.plugins.module_utils._image.errors import SourceError
from ansible_collections.steadystate.ecs.plugins.module_utils._image.manifest import DOCKER_MANIFEST, OCI_MANIFEST
from ansible_collections.steadystate.ecs.plugins.module_utils._image.push import PushFailure
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import Fault
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.rig import Rig
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.saved import AGES, SavedImage

MB = 1_000_000
PLAIN = "application/vnd.oci.image.layer.v1.tar"
NOISE = random.Random(1).randbytes(2 * MB)
TEXT = b"".join(f"{number} times a line of text\n".encode() for number in range(80_000))


@pytest.mark.parametrize(
    ("content", "plain"),
    [
        (NOISE, True),
        (TEXT, False),
        (NOISE[: MB + MB // 2] + TEXT[: MB // 2], False),
        (TEXT[: MB // 2] + NOISE[: MB + MB // 2], False),
        (NOISE + TEXT[:1000], True),
        (b"\0" * 2 * MB, False),
        (NOISE[: 1024 * 1024], False),
        (NOISE[: 1024 * 1024 + 1], True),
        (b"", False),
    ],
    ids=["noise", "text", "text-last", "text-first", "hardly-any-text", "zeros", "small", "a-byte-more", "empty"],
)
def test_only_a_large_layer_that_shrinks_nowhere_is_left_as_it_is(content: bytes, plain: bool) -> None:
    assert hardly_shrinks(BytesContent(content, "here")) is plain


def test_a_layer_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="gone cannot be read"):
        hardly_shrinks(BlobFile(tmp_path / "gone", 0, 2 * MB))


def mixed(path: Path, noise: int = 2 * MB, **config: Any) -> SavedImage:
    """One layer of noise, one of half text."""
    image, other = SavedImage(noise, text=0.0, **config), SavedImage(300_000)
    image.layers.append(other.layers[0])
    image.diff_ids.append(other.diff_ids[0])
    image.set_config()
    image.save(path)
    return image


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("name", ["isal", "zlib", "zstd"])
def test_it_goes_as_it_is_beside_those_that_are_compressed(rig: Rig, tmp_path: Path, age: str, name: Compression) -> None:
    path = tmp_path / "image.tar"
    image = mixed(path)
    image.save(path, age)
    result = rig.push(path, "1", codec=choose_codec(name))
    media_type, content = rig.fake.manifests["api", result.digest]
    manifest = json.loads(content)
    assert (media_type, manifest["config"]["mediaType"]) == (OCI_MANIFEST, "application/vnd.oci.image.config.v1+json")
    assert manifest["layers"][0] == {"mediaType": PLAIN, "digest": image.diff_ids[0], "size": len(image.layers[0])}
    assert rig.fake.blobs["api", image.diff_ids[0]] == image.layers[0]
    assert manifest["layers"][1]["mediaType"] == f"{PLAIN}+{'zstd' if name == 'zstd' else 'gzip'}"
    assert (len(rig.fake.requests("^PATCH")), list(result.outcomes.values())) == (1, ["pushed"] * 3)
    assert result.sizes[image.diff_ids[0]] == len(image.layers[0])
    plain = "leaving 1 of 2 layers uncompressed, 2.0 MB, as they would hardly shrink"
    assert rig.lines[0] == f"api: compressing 1 of 2 layers, 0.3 MB, with {name}; {plain}"
    assert not rig.push(path, "1").changed


def test_where_it_is_there_already_it_is_not_sent(rig: Rig, tmp_path: Path) -> None:
    """Under its own digest it is found whatever image brought it, as a base image's large files are."""
    rig.push(SavedImage(2 * MB, text=0.0).save(tmp_path / "base.tar"), "base")
    image = mixed(tmp_path / "image.tar")
    rig.fake.received = 0
    result = rig.push(tmp_path / "image.tar", "1")
    assert result.outcomes[image.diff_ids[0]] == "exists"
    assert rig.fake.received < MB
    assert list(result.outcomes.values()).count("pushed") == 2


def test_it_is_mounted_from_another_repository(rig: Rig, tmp_path: Path) -> None:
    path = SavedImage(2 * MB, text=0.0).save(tmp_path / "image.tar")
    rig.push(path, "1", repository="base")
    result = rig.push(path, "1", mount_from=("base",))
    assert sorted(result.outcomes.values()) == ["mounted", "mounted"]


def test_all_layers_are_compressed_when_that_is_asked_for(rig: Rig, tmp_path: Path) -> None:
    image = mixed(tmp_path / "image.tar")
    result = rig.push(tmp_path / "image.tar", "1", compress_all=True)
    media_type, content = rig.fake.manifests["api", result.digest]
    assert media_type == DOCKER_MANIFEST
    assert {layer["mediaType"].rpartition(".")[2] for layer in json.loads(content)["layers"]} == {"gzip"}
    assert image.diff_ids[0] not in result.outcomes
    # What an image under one of the tags has compressed stays so.
    again = rig.push(mixed_path(tmp_path, image), "1")
    assert "pushed" not in [again.outcomes[layer["digest"]] for layer in json.loads(content)["layers"]]


def mixed_path(folder: Path, image: SavedImage) -> Path:
    """The same layers in another image."""
    image.set_config(release=2)
    return image.save(folder / "release.tar")


@pytest.mark.parametrize("release", [False, True])
@pytest.mark.parametrize("name", ["zlib", "zstd"])
def test_an_image_that_is_there_with_plain_layers_is_replaced_when_all_are_to_be_compressed(
    rig: Rig, tmp_path: Path, name: Compression, release: bool
) -> None:
    image = mixed(tmp_path / "image.tar")
    old = rig.push(tmp_path / "image.tar", "1")
    path = mixed_path(tmp_path, image) if release else tmp_path / "image.tar"
    result = rig.push(path, "1", compress_all=True, codec=choose_codec(name))
    media_type, content = rig.fake.manifests["api", result.digest]
    assert (media_type, result.digest == old.digest) == (OCI_MANIFEST if name == "zstd" else DOCKER_MANIFEST, False)
    assert image.diff_ids[0] not in [layer["digest"] for layer in json.loads(content)["layers"]]
    assert not rig.push(path, "1", compress_all=True).changed


@pytest.mark.parametrize("known", [True, False], ids=["length told", "length not told"])
@pytest.mark.parametrize("mount", [True, False])
def test_another_length_than_what_is_there_is_damage(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mount: bool, known: bool
) -> None:
    """The digest, which the configuration tells, is that of the blob in the repository; the layer in the archive is another."""
    image = SavedImage(2 * MB, text=0.0)
    rig.push(image.save(tmp_path / "good.tar"), "1", repository="base" if mount else "api")
    if not known:
        monkeypatch.setattr(Registry, "blob_length", lambda registry, digest: None)
    image.layers[0] += bytes(512)
    image.set_config(release=2)
    with pytest.raises(PushFailure, match=f"The layer {image.diff_ids[0]} in .*bad.tar is damaged: it has another length"):
        rig.push(image.save(tmp_path / "bad.tar"), "2", mount_from=("base",) if mount else ())
    assert ("api", "2") not in rig.fake.tags


@pytest.mark.parametrize("others", [True, False])
def test_check_mode_tells_what_goes_as_it_is(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: bool) -> None:
    monkeypatch.setattr(Compressor, "stream", None)
    if others:
        rig.push(SavedImage(2 * MB, text=0.0).save(tmp_path / "base.tar"), "base")
    image = mixed(tmp_path / "image.tar")
    would = rig.push(tmp_path / "image.tar", "1", dry_run=True)
    assert (would.digest, would.outcomes[image.diff_ids[0]]) == ("", "exists" if others else "pushed")
    # Without anything to compress, the digest is known.
    path = SavedImage(2 * MB, 3 * MB, seed=4, text=0.0).save(tmp_path / "noise.tar")
    would = rig.push(path, "2", dry_run=True)
    assert {line.partition(" ")[0] for line in rig.fake.log} <= {"GET", "HEAD"}
    did = rig.push(path, "2")
    assert (would.digest, would.outcomes) == (did.digest, did.outcomes)
    assert "api: leaving 2 of 2 layers uncompressed, 5.0 MB, as they would hardly shrink" in rig.lines


def test_damage_is_an_error_at_once(rig: Rig, tmp_path: Path) -> None:
    image = SavedImage(2 * MB, text=0.0)
    image.layers[0] = image.layers[0][:-1] + b"x"
    with pytest.raises(PushFailure, match=f"The blob {image.diff_ids[0]} in .*image.tar is damaged"):
        rig.push(image.save(tmp_path / "image.tar"), "1")
    assert rig.fake.manifests == {}
    assert rig.clock.slept == []


def test_a_broken_upload_goes_on_where_it_was(rig: Rig, tmp_path: Path) -> None:
    image = SavedImage(5 * MB, text=0.0)
    rig.fake.faults = [Fault("PUT", "uploads/", "reset", size=3 * MB)]
    result = rig.push(image.save(tmp_path / "image.tar"), "1")
    assert result.outcomes[image.diff_ids[0]] == "resumed"
    assert rig.fake.blobs["api", image.diff_ids[0]] == image.layers[0]
