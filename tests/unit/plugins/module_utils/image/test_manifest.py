# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._image.errors import ImageError, SourceError
from ansible_collections.steadystate.ecs.plugins.module_utils._image.manifest import (
    LARGEST_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Image,
    Manifest,
    Platform,
    parse_descriptor,
    parse_manifest,
    parse_platform,
)

DIGEST = "sha256:" + "a" * 64


def described(data: Any, media_type: str = OCI_MANIFEST) -> tuple[bytes, Descriptor]:
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    return content, Descriptor(media_type, "sha256:" + hashlib.sha256(content).hexdigest(), len(content))


def part(letter: str = "a", size: int = 1, media_type: str = "application/octet-stream") -> dict[str, Any]:
    return {"mediaType": media_type, "digest": "sha256:" + letter * 64, "size": size}


@pytest.mark.parametrize(
    ("there", "wanted", "matches"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/amd64", "linux/arm64", False),
        ("windows/amd64", "linux/amd64", False),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm/v7", "linux/arm", True),
        ("linux/arm/v6", "linux/arm/v7", False),
        ("linux/arm", "linux/arm/v7", False),
    ],
)
def test_platforms_match(there: str, wanted: str, matches: bool) -> None:
    assert parse_platform(there).matches(parse_platform(wanted)) is matches


def test_a_platform_is_written_as_it_is_read() -> None:
    assert str(parse_platform("linux/arm64/v8")) == "linux/arm64/v8"
    assert str(Platform("linux", "amd64")) == "linux/amd64"


@pytest.mark.parametrize("text", ["linux", "", "linux/", "/amd64", "linux/arm64/v8/x"])
def test_refuses_what_is_no_platform(text: str) -> None:
    with pytest.raises(ImageError, match="is not a platform"):
        parse_platform(text)


def test_reads_a_descriptor() -> None:
    data = {
        **part(size=7, media_type=OCI_MANIFEST),
        "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"},
        "annotations": {"org.opencontainers.image.ref.name": "v1"},
    }
    assert parse_descriptor(data, "x") == Descriptor(OCI_MANIFEST, DIGEST, 7, Platform("linux", "arm64", "v8"), "v1")


def test_annotations_that_are_none_name_nothing() -> None:
    assert parse_descriptor({**part(), "annotations": "v1"}, "x").ref_name is None


@pytest.mark.parametrize(
    "data",
    [
        None,
        "text",
        {},
        {**part(), "digest": "sha256:1"},
        {**part(), "size": "7"},
        {**part(), "size": -1},
        {**part(), "size": True},
        {**part(), "mediaType": None},
        {**part(), "digest": "sha512:" + "a" * 128},
    ],
)
def test_refuses_a_wrong_descriptor(data: Any) -> None:
    with pytest.raises(SourceError, match=r"index\.json"):
        parse_descriptor(data, "index.json")


@pytest.mark.parametrize(
    ("media_type", "foreign"),
    [
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", True),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", True),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", False),
    ],
)
def test_knows_layers_that_lie_elsewhere(media_type: str, foreign: bool) -> None:
    assert parse_descriptor(part(media_type=media_type), "x").foreign is foreign


def test_reads_a_manifest_and_an_index() -> None:
    content, descriptor = described({"mediaType": OCI_MANIFEST, "config": part("b"), "layers": [part("c"), part("d")]})
    manifest = parse_manifest(content, descriptor)
    assert [blob.digest[7] for blob in manifest.blobs] == ["b", "c", "d"]
    assert not manifest.is_index
    content, descriptor = described({"mediaType": OCI_INDEX, "manifests": [part("e", media_type=OCI_MANIFEST)]}, OCI_INDEX)
    index = parse_manifest(content, descriptor)
    assert index.is_index
    assert [entry.digest[7] for entry in index.manifests] == ["e"]


def test_a_manifest_without_media_type_is_what_its_descriptor_says() -> None:
    content, descriptor = described({"config": part(), "layers": []})
    assert parse_manifest(content, descriptor).media_type == OCI_MANIFEST


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        ({"mediaType": OCI_MANIFEST, "layers": []}, "names no config"),
        ({"mediaType": OCI_MANIFEST, "config": part(), "layers": 7}, "its layers are no list"),
        ({"mediaType": OCI_INDEX, "manifests": {"a": "b"}}, "its manifests are no list"),
        ({"mediaType": "application/vnd.docker.distribution.manifest.v1+prettyjws"}, "no image manifest"),
        (b" " * (LARGEST_MANIFEST + 1), "ECR takes manifests of up to"),
    ],
)
def test_refuses_a_wrong_manifest(data: Any, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint):
        parse_manifest(*described(data))


def test_refuses_a_manifest_with_another_digest() -> None:
    content, descriptor = described({"config": part()})
    with pytest.raises(SourceError, match="is damaged"):
        parse_manifest(content + b" ", descriptor)


def test_blobs_come_once_and_largest_first() -> None:
    def blob(letter: str, size: int, foreign: bool = False) -> Descriptor:
        return Descriptor("x", "sha256:" + letter * 64, size, foreign=foreign)

    one = Manifest(OCI_MANIFEST, DIGEST, b"", (blob("a", 1), blob("b", 9)))
    two = Manifest(OCI_MANIFEST, DIGEST, b"", (blob("c", 5), blob("b", 9), blob("f", 99, foreign=True)))
    assert [found.digest[7] for found in Image(one, (two,)).blobs_of([one, two])] == ["f", "b", "c", "a"]
