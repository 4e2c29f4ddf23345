# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._image.errors import ImmutableTagError, RegistryError, SourceError
from ansible_collections.steadystate.ecs.plugins.module_utils._image.manifest import Image, Manifest
from ansible_collections.steadystate.ecs.plugins.module_utils._image.push import Push, PushFailure, PushOptions, TagResult
from ansible_collections.steadystate.ecs.plugins.module_utils._image.retry import RetryPolicy
from ansible_collections.steadystate.ecs.plugins.module_utils._image.sources import open_image
from ansible_collections.steadystate.ecs.plugins.module_utils._image.transport import Timeouts
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import FakeRegistry, Fault
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.images import LayoutBuilder
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.rig import Rig

MB = 1_000_000
# More than the buffers of two loopback sockets hold, so that a peer that stops reading is noticed.
LARGE = 16 * MB


def total(fake: FakeRegistry, repository: str = "api") -> int:
    return sum(len(data) for (name, _digest), data in fake.blobs.items() if name == repository)


def test_a_new_image_arrives_whole_and_its_tag_comes_last(rig: Rig, builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(MB, 300_000, 10))
    result = rig.push(builder.path, "1.0")
    assert rig.fake.tags == {("api", "1.0"): digest}
    assert result.changed
    assert result.tags == {"1.0": TagResult(True, digest, None)}
    assert sorted(result.outcomes.values()) == ["pushed"] * 4
    assert (
        result.bytes_of("pushed")
        == total(rig.fake)
        == rig.registry.counters.bytes_sent
        == rig.fake.received - len(manifest(builder, digest))
    )
    assert rig.fake.log[-1] == "PUT /v2/api/manifests/1.0"
    assert rig.registry.counters.requests == len(rig.fake.log) == 1 + 1 + 3 * 4 + 1
    assert not [line for line in rig.fake.log if "PATCH" in line]


def manifest(builder: LayoutBuilder, digest: str) -> bytes:
    return (builder.path / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()


def test_a_second_run_costs_one_request_a_tag(rig: Rig, builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(1000))
    rig.push(builder.path, "1.0", "latest")
    rig.lines.clear()
    result = rig.push(builder.path, "1.0", "latest")
    assert sorted(rig.fake.log) == ["HEAD /v2/api/manifests/1.0", "HEAD /v2/api/manifests/latest"]
    assert not result.changed
    assert result.tags == {tag: TagResult(False, digest, digest) for tag in ("1.0", "latest")}
    assert set(result.outcomes.values()) == {"exists"}
    assert rig.lines == [f"api: {digest[:19]} is already there as 1.0, latest, nothing uploaded"]


def test_what_is_known_already_is_not_asked_for(rig: Rig, builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(1000))
    known = Manifest("", digest, b"")
    assert rig.push(builder.path, "1.0", "2.0", named={"1.0": None}).changed
    assert "HEAD /v2/api/manifests/1.0" not in rig.fake.log
    assert rig.fake.requests("HEAD .*/manifests/") == ["HEAD /v2/api/manifests/2.0", f"HEAD /v2/api/manifests/{digest}"]
    assert not rig.push(builder.path, "1.0", "2.0", named={"1.0": known, "2.0": known}).changed
    assert rig.fake.log == []
    assert rig.push(builder.path, "3.0", named={"3.0": None, digest: known}).changed
    assert rig.fake.log == ["PUT /v2/api/manifests/3.0"]
    assert rig.push(builder.path, "4.0", named={"4.0": None, digest: None}, dry_run=True).bytes_of("exists") > 1000
    assert {line.partition("/blobs/")[0] for line in rig.fake.log} == {"HEAD /v2/api"}


def test_a_new_tag_for_a_known_image_costs_three_requests(rig: Rig, builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(1000))
    rig.push(builder.path, "1.0")
    result = rig.push(builder.path, "stable")
    assert rig.fake.log == [
        "HEAD /v2/api/manifests/stable",
        f"HEAD /v2/api/manifests/{digest}",
        "PUT /v2/api/manifests/stable",
    ]
    assert result.changed
    assert set(result.outcomes.values()) == {"exists"}
    assert rig.lines[-1] == f"api: {digest[:19]} was there already, is now there as stable, nothing uploaded"


def test_a_new_image_sends_only_the_layers_that_are_new(rig: Rig, builder: LayoutBuilder) -> None:
    config = builder.blob(b'{"a": 1}', "application/vnd.oci.image.config.v1+json")
    base = builder.blob(b"b" * 5000, "application/vnd.oci.image.layer.v1.tar")
    for number in ("1", "2"):
        top = builder.blob(number.encode() * 100, "application/vnd.oci.image.layer.v1.tar")
        content = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [base, top]}
        builder.name(builder.document(content, "application/vnd.oci.image.manifest.v1+json"), number)
    rig.push(builder.path, ref_name="1")
    result = rig.push(builder.path, ref_name="2")
    assert sorted(result.outcomes.values()) == ["exists", "exists", "pushed"]
    assert rig.registry.counters.bytes_sent == 100
    assert result.tags["1"].previous_digest != result.digest


def test_latest_is_set_after_all_others(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    rig.push(builder.path, "latest", "b", "a")
    assert [line.rpartition("/")[2] for line in rig.fake.requests("PUT .*manifests")] == ["b", "a", "latest"]


def test_the_largest_blob_is_sent_before_all_have_been_looked_for(rig: Rig, builder: LayoutBuilder) -> None:
    """On a long way, an answer more before it begins is an answer more until the push ends."""
    image = builder.image(MB, *range(100, 108))
    builder.name(image)
    large = max(json.loads(builder.file(image).read_text())["layers"], key=lambda layer: layer["size"])["digest"]
    sent = threading.Event()

    def hold(line: str) -> None:
        if line.startswith("PUT") and large.removeprefix("sha256:") in line:
            sent.set()
        elif line.startswith("HEAD /v2/api/blobs/") and large not in line:
            assert sent.wait(10)

    rig.fake.on_request = hold
    rig.push(builder.path, jobs=3)
    assert sent.is_set()
    assert rig.lines[0].startswith("api: uploading 10 of 10 blobs")


def test_the_largest_blob_goes_first(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10, 30_000, 20_000))
    rig.push(builder.path, jobs=1)
    sizes = [len(rig.fake.blobs["api", "sha256:" + line.rpartition("%3A")[2]]) for line in rig.fake.requests("PUT .*uploads")]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_more_than_jobs_blobs_are_sent_at_once(rig: Rig, builder: LayoutBuilder, jobs: int) -> None:
    builder.name(builder.image(*range(1000, 1008)))
    rig.fake.gather(jobs)
    rig.push(builder.path, jobs=jobs)
    assert rig.fake.most_at_once == jobs


def test_an_index_follows_its_manifests_which_follow_their_blobs(rig: Rig, builder: LayoutBuilder) -> None:
    images = [builder.image(1000, platform=f"linux/{name}", note=True) for name in ("amd64", "arm64")]
    digest = builder.name(builder.index(images[0], builder.index(images[1])))
    result = rig.push(builder.path, "1.0", "latest")
    assert rig.fake.tags["api", "1.0"] == digest
    # The registry refuses a manifest before what it names; here the rest: one request each, none twice.
    puts = rig.fake.requests("PUT .*manifests")
    assert len(puts) == len(set(puts)) == 5
    assert result.manifests_pushed == 3


def test_manifests_that_are_there_are_not_sent_and_their_blobs_not_looked_at(rig: Rig, builder: LayoutBuilder) -> None:
    amd, arm = (builder.image(1000, platform=f"linux/{name}", note=True, base=b"common") for name in ("amd64", "arm64"))
    builder.name(amd, "one")
    builder.name(builder.index(amd, arm), "both")
    rig.push(builder.path, "one", ref_name="one")
    result = rig.push(builder.path, "both", ref_name="both")
    assert len(rig.fake.requests("HEAD .*blobs")) == 2
    assert sorted(result.outcomes.values()) == ["exists", "exists", "exists", "pushed", "pushed"]
    assert not rig.fake.requests(f"PUT .*manifests/{amd['digest']}")


def test_an_archive_is_pushed_from_where_it_lies(rig: Rig, builder: LayoutBuilder, tmp_path: Path) -> None:
    digest = builder.name(builder.image(MB, 10))
    rig.push(builder.archive(tmp_path / "image.tar"), "1.0")
    assert rig.fake.tags == {("api", "1.0"): digest}


def test_an_empty_blob_is_pushed(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(0))
    result = rig.push(builder.path)
    assert sorted(result.outcomes.values()) == ["pushed", "pushed"]


def test_the_content_type_is_that_of_the_manifest(rig: Rig, builder: LayoutBuilder) -> None:
    docker = "application/vnd.docker.distribution.manifest.v2+json"
    config = builder.blob(b"{}", "application/vnd.docker.container.image.v1+json")
    digest = builder.name(builder.document({"schemaVersion": 2, "mediaType": docker, "config": config, "layers": []}, docker))
    rig.push(builder.path)
    assert rig.fake.manifests["api", digest][0] == docker


def test_a_dry_run_looks_and_writes_nothing(rig: Rig, builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(1000, 2000))
    result = rig.push(builder.path, "1.0", dry_run=True)
    assert {line.partition(" ")[0] for line in rig.fake.log} == {"HEAD"}
    assert result.changed
    assert result.tags == {"1.0": TagResult(True, digest, None)}
    assert sorted(result.outcomes.values()) == ["pushed"] * 3
    assert rig.lines == [f"api: {digest[:19]} would be there as 1.0; 3.1 kB to send; blobs: 3 to send"]
    rig.push(builder.path, "1.0")
    assert not rig.push(builder.path, "1.0", dry_run=True).changed


@pytest.mark.parametrize(
    ("quirks", "candidates", "outcome", "requests"),
    [
        ({}, ("base",), "mounted", 0),
        ({}, ("nowhere", "base"), "mounted", 0),
        ({}, ("nowhere", "api"), "pushed", 2),
        ({}, ("api",), "pushed", 2),
        ({"mounting": False}, ("base",), "pushed", 2),
        ({"mounts_unreferenced": False}, ("base",), "mounted", 0),
    ],
)
def test_blobs_are_mounted_where_that_is_possible(
    rig: Rig, builder: LayoutBuilder, quirks: dict[str, Any], candidates: tuple[str, ...], outcome: str, requests: int
) -> None:
    builder.name(builder.image(1000))
    rig.push(builder.path, repository="base")
    for name, value in quirks.items():
        setattr(rig.fake.quirks, name, value)
    result = rig.push(builder.path, mount_from=candidates)
    assert set(result.outcomes.values()) == {outcome}
    assert len(rig.fake.requests("PUT .*uploads")) == requests
    assert rig.registry.counters.bytes_sent == (0 if outcome == "mounted" else total(rig.fake))


def test_a_blob_that_ecr_will_not_mount_is_sent_in_the_session_that_it_opened(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(1000))
    rig.push(builder.path, repository="base")
    rig.fake.manifests.clear()
    rig.fake.quirks.mounts_unreferenced = False
    result = rig.push(builder.path, mount_from=("base",))
    assert set(result.outcomes.values()) == {"pushed"}
    assert len(rig.fake.requests("POST")) == 2


def move(rig: Rig, builder: LayoutBuilder, *tags: str, **options: Any) -> Any:
    """Push an image under the tags, then another one; the second push's result."""
    builder.name(builder.image(1000, seed=1), "old")
    builder.name(builder.image(1000, seed=2), "new")
    rig.push(builder.path, *tags, ref_name="old")
    return rig.push(builder.path, *tags, ref_name="new", **options)


def test_an_immutable_tag_fails_before_the_first_byte(rig: Rig, builder: LayoutBuilder) -> None:
    with pytest.raises(PushFailure) as caught:
        move(rig, builder, "1.0", "latest", immutable=lambda tag: tag == "1.0", how_to_move=lambda tag: f"ask for {tag}")
    error = caught.value.error
    assert isinstance(error, ImmutableTagError)
    assert error.tag == "1.0"
    assert str(error.current) in str(error)
    assert error.wanted in str(error)
    assert error.hint == "Push under a new tag, or set on_immutable to skip, or ask for 1.0."
    assert {line.partition(" ")[0] for line in rig.fake.log} == {"HEAD"}
    assert len(rig.fake.log) == 2


def test_an_immutable_tag_can_be_skipped_and_the_image_is_there_by_digest(rig: Rig, builder: LayoutBuilder) -> None:
    result = move(rig, builder, "1.0", immutable=lambda tag: True, skip_immutable=True)
    assert result.tags["1.0"].skipped
    assert result.tags["1.0"].digest == rig.fake.tags["api", "1.0"] != result.digest
    assert ("api", result.digest) in rig.fake.manifests
    assert result.changed
    assert len(rig.warnings) == 1
    assert "The tag 1.0 of api is immutable" in rig.warnings[0]
    again = rig.push(builder.path, "1.0", ref_name="new", immutable=lambda tag: True, skip_immutable=True)
    assert not again.changed
    assert not rig.fake.requests("PUT|POST")


def test_an_immutable_tag_that_is_not_there_yet_is_set(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    assert rig.push(builder.path, immutable=lambda tag: True).changed


def test_the_same_image_under_an_immutable_tag_is_no_change(rig: Rig, builder: LayoutBuilder) -> None:
    rig.fake.quirks.immutable = True
    builder.name(builder.image(10))
    rig.push(builder.path, immutable=lambda tag: True)
    assert not rig.push(builder.path, immutable=lambda tag: True).changed


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("skip", [True, False])
def test_a_tag_that_somebody_else_set_meanwhile(rig: Rig, builder: LayoutBuilder, same: bool, skip: bool) -> None:
    """The race is lost after the tag was found missing; ECR then refuses it, even for the very same image."""
    rig.fake.quirks.immutable = True
    other = builder.name(builder.image(10, seed=1), "other")
    ours = builder.name(builder.image(10, seed=2), "ours")
    rig.push(builder.path, "x", ref_name="other")
    first = {"seen": False}

    def set_meanwhile(line: str) -> None:
        if line.startswith("PUT /v2/api/manifests/1.0") and not first["seen"]:
            first["seen"] = True
            rig.fake.manifests.setdefault(("api", ours), ("application/vnd.oci.image.manifest.v1+json", manifest(builder, ours)))
            rig.fake.tags["api", "1.0"] = ours if same else other

    rig.fake.on_request = set_meanwhile
    if not same and not skip:
        with pytest.raises(PushFailure, match=f"names {other}; it cannot be moved to {ours}"):
            rig.push(builder.path, "1.0", ref_name="ours")
        return
    result = rig.push(builder.path, "1.0", ref_name="ours", skip_immutable=skip)
    assert result.tags["1.0"] == (TagResult(False, ours, ours) if same else TagResult(False, other, other, skipped=True))


def test_a_missing_repository_is_said_so(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    rig.fake.repositories.clear()
    with pytest.raises(PushFailure, match=r"NAME_UNKNOWN.*Create the repository first"):
        rig.push(builder.path)


def test_a_missing_repository_whose_registry_just_hangs_up_ends_after_all_tries(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    rig.fake.repositories.clear()
    rig.fake.quirks.missing_repository = "drop"
    with pytest.raises(PushFailure, match=r"HEAD http://127\.0\.0\.1"):
        rig.push(builder.path)
    assert len(rig.fake.log) == rig.policy.tries


def test_damaged_content_never_becomes_a_blob(rig: Rig, builder: LayoutBuilder) -> None:
    image = builder.image(3_000_000)
    builder.name(image)
    layer = json.loads(builder.file(image).read_text())["layers"][0]
    data = bytearray(builder.file(layer).read_bytes())
    data[500_000] ^= 1
    builder.file(layer).write_bytes(data)
    with pytest.raises(PushFailure, match=f"The blob {layer['digest']} in .* is damaged") as caught:
        rig.push(builder.path)
    assert isinstance(caught.value.error, SourceError)
    assert ("api", layer["digest"]) not in rig.fake.blobs
    assert not rig.fake.tags
    assert not rig.fake.requests("PUT .*manifests")


def test_a_wrong_empty_blob_is_noticed(rig: Rig, builder: LayoutBuilder) -> None:
    config = builder.blob(b"{}", "application/vnd.oci.image.config.v1+json")
    wrong = {"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": 0}
    builder.file(wrong).write_bytes(b"")
    content = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [wrong]}
    builder.name(builder.document(content, "application/vnd.oci.image.manifest.v1+json"))
    with pytest.raises(PushFailure, match="is damaged"):
        rig.push(builder.path)


def test_a_blob_that_shrinks_while_it_is_read_is_noticed(rig: Rig, builder: LayoutBuilder) -> None:
    image = builder.image(3_000_000)
    builder.name(image)
    layer = json.loads(builder.file(image).read_text())["layers"][0]

    def cut(line: str) -> None:
        if line.startswith("POST"):
            builder.file(layer).write_bytes(b"")

    rig.fake.on_request = cut
    with pytest.raises(PushFailure, match="ended in the middle of the blob"):
        rig.push(builder.path)


def test_a_layer_that_the_registry_refuses_lets_those_under_way_finish(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(*range(1000, 1020)))
    rig.fake.faults.append(Fault("PUT", "uploads", "answer", status=403, code="DENIED", message="no"))
    failed = threading.Event()
    rig.on_line = lambda line: failed.set() if "failed; finishing the" in line else None
    puts = itertools.count()

    def hold_all_but_the_first(line: str) -> None:
        if re.match("PUT .*uploads", line) and next(puts) > 0:
            assert failed.wait(10)

    rig.fake.on_request = hold_all_but_the_first
    with pytest.raises(PushFailure, match=r"HTTP 403, DENIED: no\. The identity needs") as caught:
        rig.push(builder.path, jobs=2)
    assert isinstance(caught.value.error, RegistryError)
    assert len(rig.fake.blobs) == list(caught.value.result.outcomes.values()).count("pushed") >= 1
    assert len(rig.fake.requests("PUT .*uploads")) <= 3
    assert not rig.fake.tags


def test_a_push_that_failed_is_taken_up_where_it_stopped(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(1000, 2000))
    rig.fake.faults.append(Fault("PUT", "manifests", "answer", status=403, code="DENIED"))
    with pytest.raises(PushFailure):
        rig.push(builder.path)
    result = rig.push(builder.path)
    assert set(result.outcomes.values()) == {"exists"}
    assert rig.registry.counters.bytes_sent == 0
    assert result.changed


def test_a_registry_that_stores_another_manifest_is_not_believed(rig: Rig, builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(10))
    other = "sha256:" + "0" * 64
    rig.fake.faults.append(Fault("PUT", "manifests", "answer", status=201, headers={"Docker-Content-Digest": other}))
    with pytest.raises(PushFailure, match=f"stored the manifest {digest} as {other}"):
        rig.push(builder.path)


# Every fault of the network or the registry that a push has to survive, with the requests that may be seen because of it.
FAULTS = {
    "reset in the middle": [Fault("PUT", "uploads", "reset", size=MB)],
    "reset at the end": [Fault("PUT", "uploads", "reset", size=3 * MB)],
    "connection closed at once": [Fault("PUT", "uploads", "drop")],
    "peer stops reading": [Fault("PUT", "uploads", "stall", size=MB)],
    "503 before the body": [Fault("PUT", "uploads", "early", status=503)],
    "500 after the body": [Fault("PUT", "uploads", "answer", status=500)],
    "429 after the body": [Fault("PUT", "uploads", "answer", status=429)],
    "session lost": [Fault("PUT", "uploads", "answer", status=404, code="BLOB_UPLOAD_UNKNOWN")],
    "session out of step": [Fault("PUT", "uploads", "answer", status=416, code="BLOB_UPLOAD_INVALID")],
    "digest not believed once": [Fault("PUT", "uploads", "answer", status=400, code="DIGEST_INVALID")],
    "429 on POST": [Fault("POST", "uploads", "answer", status=429, code="TOOMANYREQUESTS")],
    "429 on POST for long": [Fault("POST", "uploads", "answer", times=6, status=429, headers={"Retry-After": "1"})],
    "500 on POST": [Fault("POST", "uploads", "answer", status=500)],
    "500 on HEAD": [Fault("HEAD", "blobs", "answer", status=500)],
    "502 on the tag": [Fault("HEAD", "manifests", "answer", status=502)],
    "POST dropped": [Fault("POST", "uploads", "drop")],
    "429 on the manifest": [Fault("PUT", "manifests", "answer", times=6, status=429, headers={"Retry-After": "1"})],
    "503 on the manifest": [Fault("PUT", "manifests", "answer", status=503)],
    "manifest answer lost": [Fault("PUT", "manifests", "drop")],
}


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("name", FAULTS)
def test_survives(rig: Rig, builder: LayoutBuilder, name: str, resume: bool) -> None:
    digest = builder.name(builder.image(LARGE if "stops reading" in name else 3 * MB))
    rig.fake.faults = [Fault(**vars(fault)) for fault in FAULTS[name]]
    result = rig.push(builder.path, resume=resume)
    assert rig.fake.tags == {("api", "1"): digest}
    assert all(fault.times == 0 for fault in rig.fake.faults), "the fault was never met"
    assert set(result.outcomes.values()) <= {"pushed", "resumed"}
    assert rig.registry.counters.retries >= len(rig.fake.faults)
    assert total(rig.fake) == result.bytes_of("pushed", "resumed")


def test_a_peer_that_stops_reading_is_given_up_on_soon(rig: Rig, builder: LayoutBuilder) -> None:
    """The time to send a block is what counts, not that to connect or to answer; the peer itself would hold out 20 seconds."""
    builder.name(builder.image(LARGE))
    rig.timeouts = Timeouts(connect=60, send=1.0, answer=60, store=60)
    rig.fake.faults = [Fault("PUT", "uploads", "stall", size=MB)]
    started = time.monotonic()
    rig.push(builder.path, jobs=1)
    assert time.monotonic() - started < 10
    assert rig.registry.counters.retries == 1


@pytest.mark.parametrize("times", [1, 4])
def test_a_broken_upload_goes_on_where_it_stopped(rig: Rig, builder: LayoutBuilder, times: int) -> None:
    builder.name(builder.image(LARGE))
    rig.fake.faults = [Fault("PUT", "uploads", "reset", size=3 * MB), Fault("PATCH", "uploads", "reset", size=MB, times=times - 1)]
    result = rig.push(builder.path, jobs=1)
    assert list(result.outcomes.values()).count("resumed") == 1
    content = total(rig.fake) + sum(len(body) for _type, body in rig.fake.manifests.values())
    assert rig.fake.received == content, "every byte arrived once"
    assert len(rig.fake.requests("POST")) == 2
    assert len(rig.fake.requests("GET .*uploads")) == times


def test_where_the_registry_cannot_be_trusted_a_broken_upload_starts_again_in_a_new_session(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(5 * MB))
    rig.fake.faults = [Fault("PUT", "uploads", "reset", size=3 * MB)]
    result = rig.push(builder.path, jobs=1, resume=False)
    assert set(result.outcomes.values()) == {"pushed"}
    assert not rig.fake.requests("GET|PATCH")
    assert len(rig.fake.requests("POST")) == 3
    assert rig.registry.counters.bytes_sent > 8 * MB


@pytest.mark.parametrize(
    "quirks",
    [{"patch_status": 201}, {"status_known": False}, {"sticky_range": True}, {"retains_broken": False}, {"absolute_location": True}],
    ids=str,
)
def test_a_registry_with_its_own_ways_gets_the_blob_after_a_break(rig: Rig, builder: LayoutBuilder, quirks: dict[str, Any]) -> None:
    builder.name(builder.image(5 * MB))
    for name, value in quirks.items():
        setattr(rig.fake.quirks, name, value)
    rig.fake.faults = [
        Fault("PUT", "uploads", "reset", size=2 * MB),
        Fault("PATCH", "uploads", "reset", size=MB),
        Fault("PATCH", "uploads", "reset", size=MB),
    ]
    result = rig.push(builder.path, jobs=1)
    assert rig.fake.tags["api", "1"] == result.digest


def test_a_whole_upload_whose_answer_got_lost_is_only_closed(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(2 * MB))
    rig.fake.faults = [Fault("PUT", "uploads", "reset", size=2 * MB)]
    result = rig.push(builder.path, jobs=1)
    assert list(result.outcomes.values()).count("resumed") == 1
    assert not rig.fake.requests("PATCH")


def test_a_blob_that_arrived_though_its_answer_was_lost_is_not_sent_again(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(2 * MB))
    rig.fake.faults = [Fault("PUT", "uploads", "mute", size=2 * MB)]
    result = rig.push(builder.path, jobs=1, resume=False)
    assert set(result.outcomes.values()) == {"pushed"}
    assert rig.registry.counters.bytes_sent == total(rig.fake)
    assert len(rig.fake.requests("PUT .*uploads")) == 2


def test_trouble_that_lasts_is_told(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    rig.fake.faults = [
        Fault("HEAD", "manifests/1", "answer", status=503, times=4),
        Fault("POST", "uploads", "answer", status=429, code="TOOMANYREQUESTS", times=3),
        Fault("PUT", "uploads", "drop", times=2),
    ]
    rig.push(builder.path, jobs=1)
    told = [line for line in rig.lines if "trying again" in line]
    assert told == [
        f"{rig.fake.endpoint} answers HTTP 503; trying again (3 of 9)",
        f"{rig.fake.endpoint} answers HTTP 429 TOOMANYREQUESTS; trying again (3 of 19)",
    ]


def test_a_registry_that_is_not_there_is_told_while_it_is_waited_for(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    rig.fake.faults = [Fault("HEAD", "manifests/1", "drop", times=-1)]
    with pytest.raises(PushFailure):
        rig.push(builder.path)
    assert f"{rig.fake.endpoint} cannot be reached; trying again (9 of 9)" in rig.lines


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault("PUT", "uploads", "answer", times=-1, status=503), "HTTP 503"),
        (Fault("PUT", "uploads", "drop", times=-1), "PUT http://127.0.0.1:[0-9]+/v2/api/blobs/uploads/[0-9a-f]+: "),
        (
            Fault("POST", "uploads", "answer", times=-1, status=429, code="TOOMANYREQUESTS", message="Rate exceeded"),
            "Rate exceeded.*Service Quotas",
        ),
        (Fault("PUT", "manifests", "answer", times=-1, status=500, message="", code="UNKNOWN"), "HTTP 500, UNKNOWN"),
        (Fault("HEAD", "blobs", "answer", times=-1, status=503), "could not be looked up: HTTP 503, no reason given"),
    ],
)
def test_gives_up_in_the_end_and_says_why(rig: Rig, builder: LayoutBuilder, fault: Fault, message: str) -> None:
    builder.name(builder.image(1000))
    rig.policy = RetryPolicy(tries=3, tries_when_throttled=3)
    rig.fake.faults = [fault]
    with pytest.raises(PushFailure, match=message):
        rig.push(builder.path, jobs=1)
    assert not rig.fake.tags
    assert 3 <= -1 - fault.times <= 6, "three tries of a request; the next blob's may have begun"


def test_manifests_are_paced_below_the_limit_of_ecr(rig: Rig, builder: LayoutBuilder) -> None:
    children = [builder.image(10, seed=number, note=True) for number in range(16)]
    builder.name(builder.index(*children))
    times: list[float] = []
    rig.fake.on_request = lambda line: times.append(rig.clock.time) if re.match("PUT .*manifests", line) else None
    # One worker: the sleeps of several would add up on this clock, where in real time they overlap.
    rig.push(builder.path, jobs=1)
    assert len(times) == 17
    for start in times:
        assert len([when for when in times if start <= when < start + 0.99]) <= 10


def test_an_account_at_its_manifest_limit_is_waited_for(rig: Rig, builder: LayoutBuilder) -> None:
    children = [builder.image(10, seed=number, note=True) for number in range(12)]
    digest = builder.name(builder.index(*children))
    rig.fake.quirks.manifest_rate = 2
    rig.push(builder.path)
    assert rig.fake.tags["api", "1"] == digest
    assert rig.registry.counters.retries >= 5


def test_shows_how_far_it_is_about_once_a_second(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(*[MB] * 5, 10))
    rig.fake.on_request = lambda line: rig.clock.sleep(0.3)
    rig.push(builder.path, jobs=1)
    assert rig.lines[0] == "api: uploading 7 of 7 blobs, 5.0 MB"
    shown = [line for line in rig.lines if line.startswith("uploading: ")]
    assert 1 <= len(shown) <= 8
    assert re.fullmatch(r"uploading: [\d.]+ [kM]B of 5\.0 MB, [\d.]+ [kM]B/s, \d of 7 blobs done(, [\d.]+ (s|min) left)?", shown[0])
    assert re.fullmatch(
        r"api: sha256:[0-9a-f]{12} is there as 1; 5\.0 MB sent in [\d.]+ s \([\d.]+ [kM]B/s\); blobs: 7 sent", rig.lines[-1]
    )


def test_somebody_at_a_terminal_sees_a_bar_instead_and_no_line_stays(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(3_000_000))
    bars: list[str] = []
    opened = open_image(builder.path)
    assert isinstance(opened.image, Image)
    options = PushOptions(("1",))
    Push(opened.source, opened.image, rig.open(), options, rig.clock, rig.lines.append, rig.warnings.append, bars.append).run()
    assert bars[-1] == ""
    assert all(not bar or bar.startswith("uploading [") for bar in bars)
    assert [line.partition(":")[0] for line in rig.lines] == ["api", "api"]


def test_ctrl_c_stops_all_workers_at_once_and_leaves_no_tag(rig: Rig, builder: LayoutBuilder) -> None:
    """Two blobs are stalled in send, which alone would last until the time-out; the interrupt must not wait for that."""
    builder.name(builder.image(LARGE, LARGE + 1))
    rig.timeouts = Timeouts(connect=5, send=60, answer=60, store=60)
    rig.fake.faults = [Fault("PUT", "uploads", "stall", size=MB, times=2)]
    stalled = threading.Event()
    count = itertools.count(1)

    def watch(line: str) -> None:
        if line.startswith("PUT") and next(count) == 2:
            stalled.set()

    rig.fake.on_request = watch

    def interrupt(line: str) -> None:
        assert stalled.wait(10)
        sent = -1
        while sent != rig.registry.counters.bytes_sent:
            # Until the buffers are full and both workers sit in send.
            sent = rig.registry.counters.bytes_sent
            time.sleep(0.2)
        raise KeyboardInterrupt

    rig.on_line = interrupt
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        rig.push(builder.path)
    assert time.monotonic() - started < 10, "the peer gives up after 20 seconds by itself"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("push")]
    assert not rig.fake.tags
    assert not rig.fake.requests("PUT .*manifests")
