# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pushes through bad networks and ill-behaved registries: a proxy with faults in front of local_aws, no waiting in real time.

Every push ends with the right image under its tag, or with an error that names what failed and a tag that was never moved.
"""

from __future__ import annotations

import itertools
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

from .conftest import REGION, ROOT
from .fault_proxy import Fault, FaultProxy

if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([str(ROOT / "build" / "collections")])

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.module_utils._aws.connection import CONNECTION_SPEC
from ansible_collections.steadystate.ecs.plugins.module_utils._clock import SystemClock
from ansible_collections.steadystate.ecs.plugins.module_utils._image import transport
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import ecr_image_push
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import FakeClock
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.images import LayoutBuilder
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.saved import SavedImage

KB = 1000
# Eight layers: a blob that has to be sent again is an eighth of the image.
LAYERS = (250 * KB,) * 8
MOST_BYTES = 1.25
# More than the buffers of a loopback connection hold, so that a peer that stops reading is felt.
LARGE = 16_000 * KB
UPLOAD = "/blobs/uploads/"
TAG = "/manifests/live"


class ThroughProxy:
    """A client of ECR that sends pushes to the proxy. `tokens` counts how often one was asked for.

    What the tags name is left for the registry to say: that way leads through the proxy, the API's does not.
    """

    def __init__(self, client: Any, endpoint: str) -> None:
        self._client = client
        self._endpoint = endpoint
        self.tokens = 0

    def get_authorization_token(self, **arguments: Any) -> Any:
        self.tokens += 1
        answer = self._client.get_authorization_token(**arguments)
        answer["authorizationData"][0]["proxyEndpoint"] = self._endpoint
        return answer

    def batch_get_image(self, **arguments: Any) -> Any:
        named = any("imageTag" in wanted for wanted in arguments["imageIds"])
        return {"images": [], "failures": []} if named else self._client.batch_get_image(**arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@dataclass
class Weather:
    """A repository whose tag `live` names an old image, and the way to push a new one there through the proxy."""

    url: str
    repository: str
    proxy: FaultProxy
    ecr: Any
    builder: LayoutBuilder
    lines: list[str]
    old: str = ""
    saved: Path | None = None
    """What docker save wrote, pushed in place of the layout once it is set: its layers are compressed on the way, in streams."""

    def push(self, ref_name: str, tags: tuple[str, ...] = ("live",), clock: Any = None, **options: Any) -> dict[str, Any]:
        self.client = ThroughProxy(self.ecr, self.proxy.url)
        source = {"source": str(self.saved)} if self.saved else {"source": str(self.builder.path), "ref_name": ref_name}
        given = {**source, "repository": self.repository, "tags": list(tags), **options}
        checked = ArgumentSpecValidator({**ecr_image_push.VERB.argument_spec, **CONNECTION_SPEC}).validate(given)
        assert not checked.error_messages
        context = Context(
            client=lambda service: {"ecr": self.client}[service],
            clock=clock or FakeClock(),
            progress=self.lines.append,
            warn=self.lines.append,
        )
        return ecr_image_push.VERB.run(checked.validated_parameters, context)

    def new(self, *layers: int, **more: Any) -> str:
        return self.builder.name(self.builder.image(*(layers or LAYERS), seed=1, **more), "new")

    def live(self) -> str:
        found = self.ecr.describe_images(repositoryName=self.repository, imageIds=[{"imageTag": "live"}])
        return str(found["imageDetails"][0]["imageDigest"])

    def hand(self, path: str, **given: Any) -> None:
        request = urllib.request.Request(f"{self.url}/_local/registry/{path}", json.dumps(given).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200

    def quirks(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/_local/registry/quirks", timeout=30) as answer:
            return dict(json.load(answer))

    def check_order(self) -> None:
        """The tag came after all blobs and manifests that it stands for."""
        moved = [number for number, seen in enumerate(self.proxy.seen) if seen.method == "PUT" and seen.path.endswith(TAG)]
        arrived = [
            number
            for number, seen in enumerate(self.proxy.seen)
            if seen.method == "PUT" and not seen.path.endswith(TAG) and 200 <= seen.status < 300
        ]
        assert not moved or moved[0] > max(arrived, default=-1)


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def weather(url: str, numbers: Iterator[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Weather]:
    monkeypatch.setattr(transport, "Timeouts", lambda patient=transport.Timeouts: patient(connect=20.0, send=0.5, answer=20.0, store=20.0))
    ecr = boto3.client("ecr", region_name=REGION, endpoint_url=url, aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="not-real")
    name = f"weather/{next(numbers)}"
    ecr.create_repository(repositoryName=name)
    proxy = FaultProxy(url)
    made = Weather(url, name, proxy, ecr, LayoutBuilder(tmp_path / "layout"), [])
    usual = made.quirks()
    made.old = made.builder.name(made.builder.image(10, seed=0), "old")
    made.push("old")
    proxy.seen.clear()
    proxy.upload_bytes = 0
    yield made
    proxy.stop()
    made.hand("quirks", **usual)


def many(fault: Fault, times: int) -> list[Fault]:
    fault.times = times
    return [fault]


# What a push has to survive. The names are those of docs/push-faults.md, where other tools stand beside them.
SURVIVED: dict[str, Callable[[], list[Fault]]] = {
    "reset once in the data": lambda: [Fault("PUT", UPLOAD, "reset", size=200 * KB)],
    "reset four times in the data": lambda: [
        Fault("PUT", UPLOAD, "reset", size=100 * KB),
        Fault("PATCH", UPLOAD, "reset", size=20 * KB, times=3),
    ],
    "four layers reset once each": lambda: many(Fault("PUT", UPLOAD, "reset", size=40 * KB), 4),
    "closed before the data": lambda: [Fault("PUT", UPLOAD, "drop")],
    "503 before the data, connection closed": lambda: [Fault("PUT", UPLOAD, "early", status=503)],
    "408 after the data": lambda: [Fault("PUT", UPLOAD, "answer", status=408, size=1)],
    "429 after the data": lambda: [Fault("PUT", UPLOAD, "answer", status=429, code="TOOMANYREQUESTS", size=1)],
    "500 after the data": lambda: [Fault("PUT", UPLOAD, "answer", status=500, size=1)],
    "503 after the data": lambda: [Fault("PUT", UPLOAD, "answer", status=503, size=1)],
    "answer to the data lost": lambda: [Fault("PUT", UPLOAD, "mute", size=1)],
    "answer to the data truncated": lambda: [Fault("PUT", UPLOAD, "truncate", size=1)],
    "upload session lost": lambda: [Fault("PUT", UPLOAD, "answer", status=404, code="BLOB_UPLOAD_UNKNOWN", size=1)],
    "upload session out of step": lambda: [Fault("PUT", UPLOAD, "answer", status=416, code="BLOB_UPLOAD_INVALID", size=1)],
    "stall": lambda: [Fault("PUT", UPLOAD, "stall", size=500 * KB)],
    "429 on POST": lambda: [Fault("POST", UPLOAD, "answer", status=429, code="TOOMANYREQUESTS")],
    "500 on POST": lambda: [Fault("POST", UPLOAD, "answer", status=500)],
    "503 on POST": lambda: [Fault("POST", UPLOAD, "answer", status=503)],
    "answer to POST truncated": lambda: [Fault("POST", UPLOAD, "truncate")],
    "answer to HEAD of the tag truncated": lambda: [Fault("HEAD", TAG, "truncate")],
    "twelve 429 in a row on POST": lambda: many(
        Fault("POST", UPLOAD, "answer", status=429, code="TOOMANYREQUESTS", headers={"Retry-After": "1"}), 12
    ),
    "429 on HEAD": lambda: [Fault("HEAD", "/blobs/", "answer", status=429)],
    "500 on HEAD": lambda: [Fault("HEAD", "/blobs/", "answer", status=500)],
    "503 on HEAD": lambda: [Fault("HEAD", "/blobs/", "answer", status=503)],
    "502 on HEAD of the tag": lambda: [Fault("HEAD", TAG, "answer", status=502)],
    "429 on the manifest": lambda: [Fault("PUT", TAG, "answer", status=429, code="TOOMANYREQUESTS")],
    "twelve 429 in a row on the manifest": lambda: many(
        Fault("PUT", TAG, "answer", status=429, code="TOOMANYREQUESTS", headers={"Retry-After": "1"}), 12
    ),
    "500 on the manifest": lambda: [Fault("PUT", TAG, "answer", status=500)],
    "503 on the manifest": lambda: [Fault("PUT", TAG, "answer", status=503)],
    "answer to the manifest lost": lambda: [Fault("PUT", TAG, "mute")],
    "answer to the manifest truncated": lambda: [Fault("PUT", TAG, "truncate")],
    "slow registry": lambda: [Fault(method, "/v2/", "slow", times=-1, seconds=0.05) for method in ("HEAD", "POST", "PUT")],
}


# Only what happens to the data makes a difference to how an upload goes on.
_IN_THE_DATA = [name for name, faults in SURVIVED.items() if any(fault.method == "PUT" and fault.path == UPLOAD for fault in faults())]


@pytest.mark.parametrize(
    ("name", "resume"),
    [*((name, True) for name in SURVIVED), *((name, False) for name in _IN_THE_DATA)],
    ids=lambda value: value if isinstance(value, str) else "resuming" if value else "starting again",
)
def test_the_image_arrives(weather: Weather, name: str, resume: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where an upload cannot be taken up in its middle, as at ECR, a blob starts again.
    monkeypatch.setattr(ecr_image_push, "keeps_honest_offsets", lambda endpoint: resume)
    digest = weather.new(*((LARGE, *LAYERS) if name == "stall" else LAYERS))
    weather.proxy.faults = SURVIVED[name]()
    result = weather.push("new")
    assert weather.live() == digest == result["digest"]
    assert all(fault.times <= 0 for fault in weather.proxy.faults if fault.act != "slow" and (resume or fault.method != "PATCH")), (
        "the fault was never met"
    )
    weather.check_order()
    assert weather.proxy.upload_bytes <= MOST_BYTES * result["blobs"]["bytes"]


# A stream has no length and no digest before its end: it goes by PATCH, and is made again where it has to be sent again.
STREAMS: dict[str, Callable[[], list[Fault]]] = {
    "nothing": list,
    "reset once in the data": lambda: [Fault("PATCH", UPLOAD, "reset", size=100 * KB)],
    "reset twice in one stream": lambda: [Fault("PATCH", UPLOAD, "reset", size=20 * KB, times=2)],
    "500 after the data": lambda: [Fault("PATCH", UPLOAD, "answer", status=500)],
    "429 after the data": lambda: [Fault("PATCH", UPLOAD, "answer", status=429, code="TOOMANYREQUESTS")],
    "upload session lost": lambda: [Fault("PATCH", UPLOAD, "answer", status=404, code="BLOB_UPLOAD_UNKNOWN")],
    "answer to the data lost": lambda: [Fault("PATCH", UPLOAD, "mute")],
    "503 at the end": lambda: [Fault("PUT", UPLOAD, "answer", status=503)],
    "answer to the end lost": lambda: [Fault("PUT", UPLOAD, "mute")],
}


@pytest.mark.parametrize("resume", [True, False], ids=["resuming", "starting again"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_arrives(weather: Weather, name: str, resume: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecr_image_push, "keeps_honest_offsets", lambda endpoint: resume)
    image = SavedImage(*LAYERS)
    weather.saved = image.save(tmp_path / "saved.tar")
    weather.proxy.faults = STREAMS[name]()
    result = weather.push("")
    assert all(fault.times == 0 for fault in weather.proxy.faults), "the fault was never met"
    assert weather.live() == result["digest"]
    found = weather.ecr.batch_get_image(repositoryName=weather.repository, imageIds=[{"imageTag": "live"}])["images"][0]
    assert json.loads(found["imageManifest"])["config"]["digest"] == image.id
    weather.check_order()
    assert weather.proxy.upload_bytes <= MOST_BYTES * result["blobs"]["bytes"]
    assert weather.push("")["changed"] is False


def test_twelve_refusals_of_one_single_request_are_waited_out(weather: Weather) -> None:
    digest = weather.new(1000)
    weather.proxy.faults = many(Fault("POST", UPLOAD, "answer", status=429, headers={"Retry-After": "1"}), 12)
    weather.push("new", jobs=1)
    assert weather.live() == digest


@pytest.mark.parametrize(("method", "path"), [("HEAD", "/blobs/"), ("POST", UPLOAD), ("PUT", UPLOAD), ("PUT", TAG)])
def test_a_token_that_runs_out_is_renewed(weather: Weather, method: str, path: str) -> None:
    digest = weather.new()
    expired: list[str] = []

    def expire(asked: str, target: str) -> None:
        if asked == method and path in target and not expired:
            expired.append(target)
            weather.hand("expire-tokens")

    weather.proxy.on_request = expire
    result = weather.push("new", jobs=2)
    assert expired
    assert weather.client.tokens == 2
    assert weather.live() == digest
    weather.check_order()
    # What was under way when it ran out may have to go again: no more than went at the same time.
    assert weather.proxy.upload_bytes <= MOST_BYTES * result["blobs"]["bytes"]


# What no patience helps against: the error names it, and the tag stays where it was.
REFUSED: dict[str, tuple[Fault, str]] = {
    "registry away": (Fault("HEAD", "/v2/", "drop", times=-1), rf"HEAD http://127\.0\.0\.1:\d+/v2/weather/\d+{TAG}"),
    "HEAD always 503": (
        Fault("HEAD", "/blobs/", "answer", status=503, times=-1),
        r"the blob sha256:\w{64} could not be looked up: HTTP 503",
    ),
    "POST always 429": (
        Fault("POST", UPLOAD, "answer", status=429, code="TOOMANYREQUESTS", times=-1),
        r"no upload could be started: HTTP 429, TOOMANYREQUESTS: made up by the proxy\. The account's request rate is used up",
    ),
    "POST forbidden": (
        Fault("POST", UPLOAD, "answer", status=403, code="DENIED", times=-1),
        r"no upload could be started: HTTP 403, DENIED: .* The identity needs ecr:BatchCheckLayerAvailability",
    ),
    "data always reset": (
        Fault("PUT|PATCH", UPLOAD, "reset", size=1, times=-1),
        r"P(?:UT|ATCH) http://127\.0\.0\.1:\d+/v2/weather/\d+/blobs/uploads/",
    ),
    "data always 500": (
        Fault("PUT", UPLOAD, "answer", status=500, size=1, times=-1),
        r"the blob sha256:\w{64} was not taken: HTTP 500, no reason given",
    ),
    "data refused for its digest": (
        Fault("PUT", UPLOAD, "answer", status=400, code="DIGEST_INVALID", size=1, times=-1),
        r"the blob sha256:\w{64} was not taken: HTTP 400, DIGEST_INVALID",
    ),
    "data too large for a proxy": (
        Fault("PUT", UPLOAD, "answer", status=413, size=1, times=-1),
        r"the blob sha256:\w{64} was not taken: HTTP 413.* limits the size of uploads",
    ),
    "manifest always 503": (Fault("PUT", TAG, "answer", status=503, times=-1), r"the manifest live was not taken: HTTP 503"),
    "manifest always dropped": (Fault("PUT", TAG, "drop", times=-1), rf"PUT http://127\.0\.0\.1:\d+/v2/weather/\d+{TAG}"),
    "manifest refused": (
        Fault("PUT", TAG, "answer", status=400, code="MANIFEST_INVALID", times=-1),
        r"the manifest live was not taken: HTTP 400, MANIFEST_INVALID",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_error_names_what_failed_and_the_tag_stays(weather: Weather, name: str) -> None:
    weather.new(*LAYERS[:2])
    fault, words = REFUSED[name]
    weather.proxy.faults = [Fault(**vars(fault))]
    with pytest.raises(VerbFailure, match=words) as caught:
        weather.push("new")
    assert weather.live() == weather.old
    assert not weather.proxy.taken(f"PUT .*{TAG}")
    assert "Basic " not in str(caught.value)
    assert "password" not in caught.value.message.lower()


def test_a_token_that_is_never_taken_is_said_so(weather: Weather) -> None:
    weather.new(1000)
    weather.proxy.on_request = lambda method, path: weather.hand("expire-tokens") if method == "POST" else None
    with pytest.raises(VerbFailure, match=r"no upload could be started: HTTP 403.*token has expired.*did not accept the token"):
        # One worker: the answer to a HEAD of another, asked with the same dead token, would have no words.
        weather.push("new", jobs=1)
    assert weather.client.tokens > 1
    assert weather.live() == weather.old


def test_what_a_failed_push_brought_is_not_sent_again(weather: Weather) -> None:
    digest = weather.new()
    weather.proxy.faults = [Fault("PUT", UPLOAD, "answer", status=403, code="DENIED", times=-1, after=5, size=1)]
    with pytest.raises(VerbFailure):
        weather.push("new")
    weather.proxy.faults.clear()
    result = weather.push("new")
    assert weather.live() == digest
    assert result["blobs"]["exists"] == 5
    assert weather.proxy.upload_bytes <= MOST_BYTES * result["blobs"]["bytes"] + sum(LAYERS[:4])


# Amazon ECR's own ways (docs of local_aws), each alone against the specification's, and all of them together.
WAYS: dict[str, dict[str, Any]] = {
    "PATCH answers 201": {"patch_answers_created": True},
    "PATCH answers 202": {"patch_answers_created": False},
    "a Range header that sticks": {"sticky_range": True},
    "416 on a restart in the same session": {"unranged_body_starts_at_zero": True},
    "a restart in the same session is appended": {"unranged_body_starts_at_zero": False},
    "no digest header on GET": {"digest_header_on_get": False},
    "a digest header on GET": {"digest_header_on_get": True},
    "conversion by Accept": {"convert_by_accept": True},
    "chunks of any size": {"minimum_chunk_bytes": 0},
    "downloads are redirected": {"redirect_blob_downloads": True},
}


@pytest.mark.parametrize("resume", [True, False], ids=["resuming", "starting again"])
@pytest.mark.parametrize("name", WAYS)
def test_the_push_lives_with_ecrs_own_ways(
    weather: Weather, name: str, resume: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With broken uploads each, since most of these ways show only then, of blobs and of streams."""
    monkeypatch.setattr(ecr_image_push, "keeps_honest_offsets", lambda endpoint: resume)
    weather.hand("quirks", **WAYS[name])
    digest = weather.new(*LAYERS[:4])
    weather.proxy.faults = [
        Fault("PUT", UPLOAD, "reset", size=100 * KB, times=2),
        Fault("PATCH", UPLOAD, "reset", size=20 * KB),
    ]
    result = weather.push("new", ("live", "2.0"))
    assert weather.live() == digest
    assert weather.proxy.faults[0].times == 0
    assert result["tags"]["2.0"]["digest"] == digest
    assert weather.push("new", ("live", "2.0"))["changed"] is False
    weather.saved = SavedImage(*LAYERS[:3]).save(tmp_path / "saved.tar")
    weather.proxy.faults = [Fault("PATCH", UPLOAD, "reset", size=50 * KB)]
    assert weather.push("", ("3.0",))["changed"] is True
    assert weather.push("", ("3.0",))["changed"] is False


def test_the_same_image_under_an_immutable_tag_is_no_change(weather: Weather) -> None:
    digest = weather.new(1000)
    weather.push("new")
    weather.ecr.put_image_tag_mutability(repositoryName=weather.repository, imageTagMutability="IMMUTABLE")
    assert weather.push("new")["changed"] is False
    with pytest.raises(VerbFailure, match=f"immutable and names {digest}; it cannot be moved to {weather.old}"):
        weather.push("old")
    # Somebody sets the tag between our look and our write: TAG_INVALID, though it is the very same image.
    raced: list[str] = []

    def set_first(method: str, path: str) -> None:
        if method == "PUT" and path.endswith("/manifests/2.0") and not raced:
            raced.append(path)
            manifest = weather.builder.file({"digest": digest}).read_text()
            weather.ecr.put_image(
                repositoryName=weather.repository,
                imageManifest=manifest,
                imageManifestMediaType=json.loads(manifest)["mediaType"],
                imageTag="2.0",
            )

    weather.proxy.on_request = set_first
    result = weather.push("new", ("2.0",))
    assert raced
    assert result["tags"]["2.0"] == {"changed": False, "digest": digest, "previous_digest": digest, "skipped": False}


def test_a_repository_that_goes_away_in_mid_push_is_named(weather: Weather) -> None:
    weather.hand("quirks", missing_repository_hangs_up=True)
    weather.new(1000)

    def remove(method: str, path: str) -> None:
        if method == "POST":
            weather.proxy.on_request = lambda method, path: None
            weather.ecr.delete_repository(repositoryName=weather.repository, force=True)

    weather.proxy.on_request = remove
    with pytest.raises(VerbFailure, match=rf"POST http://[^ ]+/v2/{weather.repository}/blobs/uploads/"):
        weather.push("new", jobs=1)


def test_ten_manifests_a_second_are_lived_with(weather: Weather) -> None:
    """In real time: twelve platforms and an index, more than one second's allowance."""
    weather.hand("quirks", manifests_per_second=10)
    platforms = [weather.builder.image(100, seed=number, platform=f"linux/arch{number}", note=True) for number in range(12)]
    digest = weather.builder.name(weather.builder.index(*platforms), "new")
    started = time.monotonic()
    result = weather.push("new", clock=SystemClock())
    assert weather.live() == digest
    assert result["digest"] == digest
    # Paced, not driven against the wall again and again.
    assert result["retries"] <= 2
    assert time.monotonic() - started < 30
    weather.check_order()
