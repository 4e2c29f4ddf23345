# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The prober beside a wait: real threads and a real HTTP server, ended on every way out."""

from __future__ import annotations

import http.server
import json
import threading
import time
import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils import _http
from ansible_collections.steadystate.ecs.plugins.module_utils._clock import SystemClock
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import _prober, ecs_service_wait
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs._prober import Prober
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_service import VERB as SERVICE_VERB
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_service_wait import VERB
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import (
    CLUSTER,
    SERVICE,
    Behaviour,
    FakeEcs,
    refused,
)
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.running import Stage


class Site:
    """A server of our own, which answers what it is told to."""

    def __init__(self) -> None:
        self.status = 200
        self.body = json.dumps({"version": "1.0.0", "build": {"id": 7}}).encode()
        self.paths: list[str] = []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.paths.append(self.path)
                self.send_response(site.status)
                self.send_header("Content-Length", str(len(site.body)))
                self.end_headers()
                self.wfile.write(site.body)

            def log_message(self, *_arguments: t.Any) -> None:
                """Nothing: the test's own output is enough."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/health?deep=1"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site() -> t.Iterator[Site]:
    site = Site()
    yield site
    site.close()


def probed(url: str, key: str = "version", fetch: _prober.Fetch = _http.get, enough: int = 3) -> dict[str, t.Any]:
    prober = Prober(url, 0.01, key, fetch, SystemClock())
    prober.start()
    deadline = time.monotonic() + 5
    while prober.result(str)["requests"] < enough and time.monotonic() < deadline:
        time.sleep(0.01)
    prober.stop()
    return prober.result(str)


def probe_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("probe")]


def test_versions_are_read_from_the_answers(site: Site) -> None:
    found = probed(site.url)
    assert found["versions"] == {"1.0.0": found["requests"]}
    assert found["failed"] == 0
    assert set(site.paths) == {"/health?deep=1"}
    assert probed(site.url, "build.id")["versions"].keys() == {"7"}
    assert probed(site.url, "build")["versions"].keys() == {"unknown"}
    site.body = b"well"
    assert probed(site.url)["versions"].keys() == {"unknown"}
    assert probe_threads() == []


def test_failures_have_their_reason(site: Site) -> None:
    site.status = 503
    assert probed(site.url)["failures"].keys() == {"HTTP 503"}
    site.status = 302
    assert probed(site.url)["failures"].keys() == {"HTTP 302"}
    unused = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    url = f"http://127.0.0.1:{unused.server_port}/"
    unused.server_close()
    assert probed(url)["failures"].keys() == {"ConnectionRefusedError: Connection refused"}


def test_a_stall_does_not_hold_the_next_requests_back() -> None:
    gate = threading.Event()

    def slow(_url: str, _timeout: float) -> tuple[int, bytes]:
        if not gate.wait(5):
            raise TimeoutError
        return 200, b"{}"

    started = Prober("http://x/", 0.01, "version", slow, SystemClock())
    started.start()
    time.sleep(0.1)
    gate.set()
    started.stop()
    assert started.result(str)["requests"] >= 3


def test_a_time_out_is_a_failure() -> None:
    def never(_url: str, _timeout: float) -> tuple[int, bytes]:
        raise TimeoutError

    assert probed("http://x/", fetch=never)["failures"].keys() == {"no answer within 5 s"}


@pytest.mark.parametrize("url", ["api.example.com", "ftp://x/", "http://", "http://[x/"])
def test_what_is_no_address_is_refused(stage: Stage, url: str) -> None:
    with pytest.raises(VerbFailure, match="probe_url"):
        stage.on_service(VERB, probe_url=url)


def test_an_interval_without_sense_is_refused(stage: Stage) -> None:
    with pytest.raises(VerbFailure, match="probe_interval"):
        stage.on_service(VERB, probe_url="http://x/", probe_interval=0)


def test_the_result_of_a_wait_has_what_was_seen(stage: Stage, ecs: FakeEcs, site: Site) -> None:
    ecs.begin(ecs.define(1))
    result = stage.on_service(VERB, probe_url=site.url)
    assert result["probe"]["versions"].keys() == {"1.0.0"}
    assert result["probe"]["url"] == site.url
    assert any("probe: only 1.0.0 answers" in line for line in stage.said)
    assert probe_threads() == []
    assert result["began_at"] <= result["decided_at"] <= result["ended_at"]


def test_without_a_url_nobody_is_asked(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    assert stage.on_service(VERB)["probe"] is None


def test_check_mode_does_not_probe(stage: Stage, ecs: FakeEcs, site: Site) -> None:
    ecs.begin(ecs.define(1))
    stage.on_service(VERB, check=True, probe_url=site.url)
    assert site.paths == []


def test_it_is_stopped_when_the_wait_fails_and_its_result_is_kept(stage: Stage, ecs: FakeEcs, site: Site) -> None:
    ecs.begin(ecs.define(1))
    bad = ecs.define(2, Behaviour(running=None))
    made = stage.run(SERVICE_VERB, name=SERVICE, cluster=CLUSTER, task_definition=bad)
    failure = stage.failing(VERB, deployment_id=made["deployment_id"], timeout=20, probe_url=site.url)
    assert failure.result["verdict"] == "timed_out"
    assert failure.result["probe"]["requests"] >= 1
    assert probe_threads() == []


@pytest.mark.parametrize("error", [refused("ExpiredTokenException", "expired"), KeyboardInterrupt(), ValueError("a bug")])
def test_it_is_stopped_however_the_wait_ends(
    stage: Stage, ecs: FakeEcs, site: Site, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def breaks(*_arguments: t.Any) -> t.NoReturn:
        raise error

    ecs.begin(ecs.define(1))
    monkeypatch.setattr(ecs_service_wait.Watch, "until_decided", breaks)
    with pytest.raises((VerbFailure, KeyboardInterrupt, ValueError)):
        stage.on_service(VERB, probe_url=site.url)
    assert probe_threads() == []
