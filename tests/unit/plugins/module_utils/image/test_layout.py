# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from ansible_collections.steadystate.ecs.plugins.module_utils._image.errors import SourceError
from ansible_collections.steadystate.ecs.plugins.module_utils._image.layout import load_image, open_layout
from ansible_collections.steadystate.ecs.plugins.module_utils._image.manifest import parse_platform
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.images import LAYER, LayoutBuilder


@pytest.mark.parametrize("packed", [False, True])
def test_reads_a_directory_and_an_archive_alike(builder: LayoutBuilder, tmp_path: Path, packed: bool) -> None:
    digest = builder.name(builder.image(5000, 300))
    layout = open_layout(builder.archive(tmp_path / "image.tar") if packed else builder.path)
    image = load_image(layout)
    assert image.root.digest == digest
    for blob in image.root.blobs:
        found = layout.blob(blob.digest)
        assert found is not None
        assert found.path == (tmp_path / "image.tar" if packed else builder.path / "blobs" / "sha256" / blob.digest[7:])
        assert (
            found.path.read_bytes()[found.offset : found.offset + found.size]
            == (builder.path / "blobs/sha256" / blob.digest[7:]).read_bytes()
        )


def test_an_index_is_taken_whole_with_what_is_below_it_first(builder: LayoutBuilder) -> None:
    amd, arm = builder.image(10, platform="linux/amd64", note=True), builder.image(20, platform="linux/arm64", note=True)
    inner = builder.index(arm)
    digest = builder.name(builder.index(amd, inner))
    image = load_image(open_layout(builder.path))
    assert image.root.digest == digest
    assert [child.digest for child in image.children] == [amd["digest"], arm["digest"], inner["digest"]]


@pytest.mark.parametrize("note", [False, True])
@pytest.mark.parametrize("indexed", [False, True])
def test_one_platform_is_chosen_out_of_many(builder: LayoutBuilder, note: bool, indexed: bool) -> None:
    images = [builder.image(10, platform=platform, note=note) for platform in ("linux/amd64", "linux/arm64/v8")]
    for entry in [builder.index(*images)] if indexed else images:
        builder.name(entry)
    image = load_image(open_layout(builder.path), platform=parse_platform("linux/arm64"))
    assert image.root.digest == images[1]["digest"]
    assert image.children == ()


def test_a_platform_that_is_not_there_is_named_with_those_that_are(builder: LayoutBuilder) -> None:
    builder.name(
        builder.index(builder.image(1, platform="linux/amd64", note=True), builder.image(2, platform="unknown/unknown", note=True))
    )
    with pytest.raises(SourceError, match=r"no image for linux/arm64. Platforms in it: linux/amd64\."):
        load_image(open_layout(builder.path), platform=parse_platform("linux/arm64"))


def test_a_reference_name_chooses(builder: LayoutBuilder) -> None:
    builder.name(builder.image(1, seed=1), "v1")
    second = builder.name(builder.image(1, seed=2), "v2")
    layout = open_layout(builder.path)
    assert load_image(layout, "v2").root.digest == second
    with pytest.raises(SourceError, match=r"'v3'.* Names in it: v1, v2\."):
        load_image(layout, "v3")
    with pytest.raises(SourceError, match=r"holds 2 images: v1 sha256:.*, v2 sha256:.* Choose one with ref_name or platform\."):
        load_image(layout)


def test_two_names_of_one_image_are_one_image(builder: LayoutBuilder) -> None:
    image = builder.image(1)
    builder.name(image, "v1")
    digest = builder.name(image, "latest")
    assert load_image(open_layout(builder.path)).root.digest == digest


def test_an_empty_layout_holds_no_image(builder: LayoutBuilder) -> None:
    with pytest.raises(SourceError, match="holds no image"):
        load_image(open_layout(builder.path))


def test_a_blob_that_is_missing_is_found_before_anything_is_sent(builder: LayoutBuilder) -> None:
    layer = builder.blob(b"gone", LAYER)
    config = builder.blob(b"{}", "application/vnd.oci.image.config.v1+json")
    builder.name(builder.document({"mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [layer]}, "x"))
    builder.file(layer).unlink()
    with pytest.raises(SourceError, match=f"blob {layer['digest']} but does not hold it"):
        load_image(open_layout(builder.path))


def test_a_blob_of_the_wrong_size_is_found_before_anything_is_sent(builder: LayoutBuilder) -> None:
    image = builder.image(5000)
    builder.name(image)
    layer = json.loads(builder.file(image).read_text())["layers"][0]
    builder.file(layer).write_bytes(b"cut")
    with pytest.raises(SourceError, match="has 3 bytes where its manifest says 5000"):
        load_image(open_layout(builder.path))


def test_a_manifest_that_is_missing_or_cut_is_found(builder: LayoutBuilder) -> None:
    image = builder.image(10)
    builder.name(image)
    content = builder.file(image).read_bytes()
    builder.file(image).write_bytes(content[:-1])
    with pytest.raises(SourceError, match="bytes where"):
        load_image(open_layout(builder.path))
    builder.file(image).write_bytes(content[:-1] + b" ")
    with pytest.raises(SourceError, match="is damaged"):
        load_image(open_layout(builder.path))
    builder.file(image).unlink()
    with pytest.raises(SourceError, match="names the manifest"):
        load_image(open_layout(builder.path))


def test_a_foreign_layer_has_to_be_there_like_any_other(builder: LayoutBuilder) -> None:
    foreign = builder.blob(b"w", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", urls=["https://example.com/w"])
    config = builder.blob(b"{}", "application/vnd.oci.image.config.v1+json")
    manifest = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [foreign]}
    builder.name(builder.document(manifest, "application/vnd.oci.image.manifest.v1+json"))
    image = load_image(open_layout(builder.path))
    assert {blob.digest for blob in image.blobs_of([image.root])} == {config["digest"], foreign["digest"]}
    builder.file(foreign).unlink()
    with pytest.raises(SourceError, match=f"does not hold the foreign layer {foreign['digest']}.*allow-nondistributable-artifacts"):
        load_image(open_layout(builder.path))


def test_indexes_nested_without_end_are_refused(builder: LayoutBuilder) -> None:
    entry = builder.image(1, note=True)
    for _ in range(10):
        entry = builder.index(entry)
    builder.name(entry)
    layout = open_layout(builder.path)
    with pytest.raises(SourceError, match="nests indexes deeper"):
        load_image(layout)
    with pytest.raises(SourceError, match="nests indexes deeper"):
        load_image(layout, platform=parse_platform("linux/amd64"))


def test_what_is_no_layout_is_refused_in_plain_words(tmp_path: Path, builder: LayoutBuilder) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        open_layout(tmp_path / "nothing.tar")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SourceError, match=r"has no index\.json"):
        load_image(open_layout(empty))
    (empty / "manifest.json").write_text("[]")
    with pytest.raises(SourceError, match="is a docker archive"):
        load_image(open_layout(empty))
    (builder.path / "index.json").write_text("{")
    with pytest.raises(SourceError, match="is not JSON"):
        load_image(open_layout(builder.path))
    (builder.path / "index.json").write_text("[]")
    with pytest.raises(SourceError, match="is not an image index"):
        load_image(open_layout(builder.path))
    with (builder.path / "index.json").open("wb") as stream:
        stream.truncate(5_000_000)
    with pytest.raises(SourceError, match="too large for what it should be"):
        load_image(open_layout(builder.path))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_a_compressed_archive_is_unpacked_for_a_while(builder: LayoutBuilder, tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    digest = builder.name(builder.image(10))
    packed, work = tmp_path / "image.tar.packed", tmp_path / "work"
    work.mkdir()
    packed.write_bytes(pack(builder.archive(tmp_path / "image.tar").read_bytes()))
    layout = open_layout(packed, work)
    assert load_image(layout).root.digest == digest
    assert len(list(work.rglob("*.tar"))) == 1
    layout.close()
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_a_compressed_archive_that_is_cut_off_leaves_nothing_behind(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    packed, work = tmp_path / "image.tar.packed", tmp_path / "work"
    work.mkdir()
    packed.write_bytes(pack(random.Random(1).randbytes(100_000))[:50_000])
    with pytest.raises(SourceError, match=r"image\.tar\.packed"):
        open_layout(packed, work)
    assert list(work.iterdir()) == []


def test_an_unreadable_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(SourceError, match="cannot be read"):
        open_layout(tmp_path / "loop")
