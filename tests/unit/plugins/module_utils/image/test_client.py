# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._image.client import Registry
from ansible_collections.steadystate.ecs.plugins.module_utils._image.errors import Cancelled, ImageError, RegistryError
from ansible_collections.steadystate.ecs.plugins.module_utils._image.push import PushFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._image.transport import Answer
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import FakeClock, Fault
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.images import LayoutBuilder
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.rig import Rig

DIGEST = "sha256:" + "a" * 64


class Scripted:
    """Connections that answer from a list and note what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def request(self, method: str, url: str, headers: dict[str, str], body: Any = None) -> Answer:
        self.asked.append((method, url, headers))
        return self.answers.pop(0)

    def abort(self) -> None: ...

    def close(self) -> None: ...


def registry(connections: Scripted, clock: FakeClock, **more: Any) -> Registry:
    return Registry("https://registry.example:8443", "team/api", connections, clock, lambda: 0.5, **more)


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:5000", "http://localhost", "http://[::1]:5000", "http://aws.localhost:4577", "https://registry.example"]
)
def test_takes_tls_anywhere_and_plain_http_on_loopback(endpoint: str, clock: FakeClock) -> None:
    assert Registry(endpoint, "api", Scripted(), clock, lambda: 0.5).origin == endpoint


@pytest.mark.parametrize(
    ("endpoint", "complaint"),
    [
        ("http://registry.example", "without TLS"),
        ("http://10.0.0.1", "without TLS"),
        ("ftp://x", "not the address"),
        ("registry", "not the address"),
    ],
)
def test_refuses_other_endpoints(endpoint: str, complaint: str, clock: FakeClock) -> None:
    with pytest.raises(ImageError, match=complaint):
        Registry(endpoint, "api", Scripted(), clock, lambda: 0.5)


def test_the_token_is_sent_with_the_first_request_and_renewed_once_when_refused(clock: FakeClock) -> None:
    tokens = iter(["Basic one", "Basic two"])
    connections = Scripted(Answer(401, {}), Answer(404, {}), Answer(404, {}))
    client = registry(connections, clock, authorization=lambda stale: next(tokens))
    assert not client.has_blob(DIGEST)
    assert not client.has_blob(DIGEST)
    assert [headers["Authorization"] for _method, _url, headers in connections.asked] == ["Basic one", "Basic two", "Basic two"]


def test_ecr_says_403_when_the_token_has_run_out(clock: FakeClock) -> None:
    expired = b'{"errors": [{"code": "DENIED", "message": "Your authorization token has expired. Reauthenticate and try again."}]}'
    connections = Scripted(Answer(403, {}, expired), Answer(200, {}))
    assert registry(connections, clock, authorization=lambda stale: "b" if stale else "a").has_blob(DIGEST)


def test_a_token_that_has_run_out_is_renewed_in_the_middle_of_an_upload(rig: Rig, builder: LayoutBuilder) -> None:
    asked: list[str | None] = []
    rig.authorization = lambda stale: asked.append(stale) or "Basic x"
    builder.name(builder.image(1000))
    rig.fake.faults = [Fault("PUT", "uploads", "answer", status=403, code="DENIED", message="Your authorization token has expired.")]
    assert set(rig.push(builder.path, jobs=1).outcomes.values()) == {"pushed"}
    assert asked == [None, "Basic x"]


def test_a_token_that_stays_refused_is_an_error(clock: FakeClock) -> None:
    connections = Scripted(Answer(401, {}), Answer(401, {}))
    with pytest.raises(RegistryError, match=r"HTTP 401.*did not accept the token"):
        registry(connections, clock, authorization=lambda stale: "same").has_blob(DIGEST)


def test_a_token_that_runs_out_during_an_upload_is_renewed(rig: Rig, builder: LayoutBuilder) -> None:
    rig.fake.quirks.token = "Basic one"
    rig.authorization = lambda stale: "Basic two" if stale else "Basic one"
    builder.name(builder.image(100_000))

    def expire(line: str) -> None:
        if line.startswith("PUT") and "uploads" in line:
            rig.fake.quirks.token = "Basic two"

    rig.fake.on_request = expire
    result = rig.push(builder.path, jobs=1)
    assert set(result.outcomes.values()) == {"pushed"}
    assert rig.fake.authorizations[-1] == "Basic two"


def test_the_token_never_leaves_for_another_host(clock: FakeClock) -> None:
    connections = Scripted(Answer(201, {}), Answer(201, {}))
    client = registry(connections, clock, authorization=lambda stale: "Basic secret")
    client.once("PUT", client.resolve("https://storage.example/x?y=1", client.origin))
    client.once("PUT", client.resolve("/v2/x?y=1", client.origin))
    assert "Authorization" not in connections.asked[0][2]
    assert connections.asked[1][1:] == (
        "https://registry.example:8443/v2/x?y=1",
        {"User-Agent": "steadystate.ecs", "Content-Length": "0", "Authorization": "Basic secret"},
    )


def test_an_upload_that_would_leave_tls_is_refused(clock: FakeClock) -> None:
    with pytest.raises(ImageError, match="not protected by TLS"):
        registry(Scripted(), clock).resolve("http://storage.example/x", "https://registry.example:8443")


def test_tags_are_looked_up_with_all_four_types(rig: Rig, builder: LayoutBuilder) -> None:
    """A registry that converts would otherwise answer with the digest of another format."""
    digest = builder.name(builder.image(10))
    rig.push(builder.path)
    rig.fake.quirks.converts = True
    assert rig.open().tag_digest("1") == digest
    assert rig.open().has_manifest(digest)
    assert rig.open().tag_digest("none") is None


def test_a_blob_behind_a_redirect_is_there(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    rig.push(builder.path)
    rig.fake.quirks.redirects_blobs = True
    assert all(rig.open().has_blob(digest) for _name, digest in rig.fake.blobs)


def test_another_repository_that_may_not_be_seen_has_no_blob_for_us(clock: FakeClock) -> None:
    assert not registry(Scripted(Answer(403, {})), clock).has_blob(DIGEST, "other")
    with pytest.raises(RegistryError, match="HTTP 403"):
        registry(Scripted(Answer(403, {})), clock).has_blob(DIGEST)


def test_what_is_no_registry_is_said_so(clock: FakeClock) -> None:
    with pytest.raises(RegistryError, match="not an OCI registry"):
        registry(Scripted(Answer(200, {"content-length": "2"})), clock).tag_digest("1")
    with pytest.raises(RegistryError, match="the tag 1 could not be looked up: HTTP 418, <html>"):
        registry(Scripted(Answer(418, {}, b"<html>")), clock).tag_digest("1")
    with pytest.raises(RegistryError, match="could not be looked up: HTTP 403"):
        registry(Scripted(Answer(403, {})), clock).has_manifest(DIGEST)


def test_an_answer_whose_headers_broke_off_is_asked_for_again(clock: FakeClock) -> None:
    connections = Scripted(Answer(200, {}), Answer(200, {"docker-content-digest": DIGEST}))
    assert registry(connections, clock).tag_digest("1") == DIGEST
    connections = Scripted(Answer(202, {"date": "today"}), Answer(202, {"location": "/x"}))
    assert registry(connections, clock).call("POST", "blobs/uploads/", needs="location").headers == {"location": "/x"}


def test_a_403_to_head_may_be_a_token_that_has_run_out(clock: FakeClock) -> None:
    """An answer to HEAD has no words. In other repositories, that are only looked at, a 403 is what it seems."""
    connections = Scripted(Answer(403, {}), Answer(200, {}), Answer(403, {}))
    asked: list[str | None] = []
    client = registry(connections, clock, authorization=lambda stale: asked.append(stale) or f"token {len(asked)}")
    assert client.has_blob(DIGEST)
    assert not client.has_blob(DIGEST, "base")
    assert asked == [None, "token 1"]


@pytest.mark.parametrize(("status", "tries"), [(429, 20), (503, 10)])
def test_a_registry_that_asks_for_patience_gets_more_of_it(status: int, tries: int, clock: FakeClock) -> None:
    connections = Scripted(*[Answer(status, {})] * 30)
    assert registry(connections, clock).call("PUT", "manifests/1").status == status
    assert len(connections.asked) == tries


def test_a_429_shuts_the_gate_for_everybody(clock: FakeClock) -> None:
    client = registry(Scripted(Answer(404, {})), clock)
    client.wait_after(1, Answer(429, {"retry-after": "30"}))
    assert clock.slept == []
    client.has_blob(DIGEST)
    assert sum(clock.slept) >= 30
    assert client.counters.retries == 1


def test_any_other_failure_makes_only_its_own_worker_wait(clock: FakeClock) -> None:
    client = registry(Scripted(Answer(404, {})), clock)
    client.wait_after(1, Answer(503, {"retry-after": "3"}))
    waited = sum(clock.slept)
    assert waited >= 3
    client.has_blob(DIGEST)
    assert sum(clock.slept) == waited


def test_nothing_is_asked_after_the_end(clock: FakeClock) -> None:
    connections = Scripted(Answer(404, {}))
    client = registry(connections, clock)
    client.cancel()
    with pytest.raises(Cancelled):
        client.has_blob(DIGEST)
    with pytest.raises(Cancelled):
        client.pause(10)
    assert connections.asked == []
    assert clock.slept == []


def test_a_query_that_the_registry_put_into_location_is_kept(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    rig.push(builder.path)
    assert all("_state=opaque%2F0&digest=" in line for line in rig.fake.requests("PUT .*uploads"))


def test_a_registry_that_opens_no_upload_is_said_so(rig: Rig, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    rig.fake.faults = [Fault("POST", "uploads", "answer", status=202)]
    with pytest.raises(PushFailure, match="no upload could be started: HTTP 202"):
        rig.push(builder.path, jobs=1)
