"""A running local_aws for the tests beside this file, which speak to it as to the real AWS: boto3, skopeo and HTTP, nothing of ours."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.example_images import example_images
from tests.local_aws.stack import Account, Stack

REPOSITORY = Path(__file__).resolve().parents[2]
REGION = "eu-west-1"
SPEED = float(os.environ.get("LOCAL_AWS_TEST_SPEED", "20"))
START_SECONDS = 30
STOP_SECONDS = 15
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class LocalAws:
    """One `python -m local_aws`, and the ways to speak to it."""

    url: str
    speed: float
    data_dir: Path
    process: subprocess.Popen[str]
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client with no retries, so that a test sees every error."""
        if (service, region) not in self._clients:
            self._clients[service, region] = boto3.client(
                service,
                endpoint_url=self.url,
                region_name=region,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}),
            )
        return self._clients[service, region]

    def hand(self, method: str, path: str, **parameters: Any) -> Any:
        """Call `/_local/<path>`; returns the JSON answer. Raises AssertionError with the answer's text when it is an error."""
        body = json.dumps(parameters).encode() if parameters else None
        request = urllib.request.Request(f"{self.url}/_local/{path}", data=body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} /_local/{path}: {error.code} {error.read().decode()}") from error

    def reset(self) -> None:
        """An empty account everywhere."""
        self.hand("POST", "reset")

    def until(self, condition: Callable[[], Any], aws_seconds: float, what: str) -> Any:
        """The first true value of `condition`, asked several times a real second. Fails the test after that many AWS seconds."""
        deadline = time.monotonic() + aws_seconds / self.speed
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                pytest.fail(f"Not within {aws_seconds:g} AWS seconds ({aws_seconds / self.speed:g} s): {what}. Last seen: {value!r}")
            time.sleep(0.1)


@contextlib.contextmanager
def started(data_dir: Path, *arguments: str, speed: float = SPEED) -> Iterator[LocalAws]:
    """Run `python -m local_aws` on a free port until the end of the block; it must then end by itself with status 0."""
    log = (data_dir / "local_aws.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "local_aws", "--port", "0", "--speed", str(speed), "--data", str(data_dir), *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        preexec_fn=_die_with_parent,
    )
    try:
        yield LocalAws(_announced_url(process, log.name), speed, data_dir, process)
    finally:
        process.terminate()
        try:
            status = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()
            log.close()
    assert status == 0, f"local_aws ended with status {status}: {Path(log.name).read_text()}"


def _announced_url(process: subprocess.Popen[str], log: str) -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found:
            return found.group()
        if not line:
            break
    pytest.fail(f"local_aws did not start: {Path(log).read_text()}")


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One local_aws for the whole run. Tests that count on an empty account use `aws`."""
    with started(tmp_path_factory.mktemp("local_aws")) as running:
        yield running


@pytest.fixture
def aws(local_aws: LocalAws) -> LocalAws:
    """The running local_aws with an empty account."""
    local_aws.reset()
    return local_aws


@pytest.fixture(scope="session")
def account(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """What ECS services stand on, with the example service in two versions. Kept between tests, unlike what `aws` gives."""
    return Account(local_aws, example_images(tmp_path_factory, ["1.0.0", "2.0.0"]))


@pytest.fixture
def stack(account: Account) -> Iterator[Stack]:
    """A load balancer and a cluster of the test's own, not made yet: a test calls `build` with the sizes that it is about."""
    stack = account.stack()
    yield stack
    stack.remove()
