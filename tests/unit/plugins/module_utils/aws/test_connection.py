# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a process reads of botocore once, and what the user's environment may say meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._aws.connection import _core_session, client_factory

# The collection by itself, as in a process that no test has set up.
SEARCH = {"PYTHONPATH": ":".join([str(Path(__file__).resolve().parents[5] / "build/collections"), *sys.path])}
CONNECTION = "ansible_collections.steadystate.ecs.plugins.module_utils._aws.connection"


@pytest.mark.parametrize(
    ("environment", "text"),
    [({"AWS_PROFILE": "nobody"}, ""), ({}, "this is no configuration file"), ({"AWS_PROFILE": "there"}, "[profile there]\nregion = x\n")],
    ids=["no-such-profile", "broken-file", "profile"],
)
def test_warming_up_does_not_care_for_the_users_configuration(tmp_path: Path, environment: dict[str, str], text: str) -> None:
    # In a process of its own: here everything is imported and read already.
    config = tmp_path / "config"
    config.write_text(text)
    code = f"import {CONNECTION} as connection, gc; connection.warm(); print(connection._LOADER is not None, gc.get_freeze_count() > 0)"
    files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(config)}
    ended = subprocess.run([sys.executable, "-c", code], env={**SEARCH, **files, **environment}, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout.strip()) == (0, "True True"), ended.stderr


def test_a_warm_process_has_read_what_the_next_client_needs() -> None:
    code = f"""
import {CONNECTION} as connection
connection.warm()
read = []
connection._LOADER.file_loader.load_file = read.append
connection.client_factory({{"region": "eu-west-1", "access_key": "a", "secret_key": "b"}})("ecs")
print(read)
"""
    ended = subprocess.run([sys.executable, "-c", code], env=SEARCH, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout.strip()) == (0, "[]"), ended.stderr


class Sent(Exception):
    """In place of a request."""


def test_each_client_has_botocores_handlers() -> None:
    client = client_factory({"region": "eu-west-1", "access_key": "a", "secret_key": "b"})("route53")

    def send(request: Any, **_more: Any) -> None:
        raise Sent(request.url)

    client.meta.events.register("before-send.route53", send)
    # It is one of botocore's handlers that takes the prefix away which Route 53 puts before an ID.
    with pytest.raises(Sent, match=r"^https://route53\.amazonaws\.com/2013-04-01/hostedzone/Z1$"):
        client.get_hosted_zone(Id="/hostedzone/Z1")


def test_what_is_registered_with_one_session_stays_there() -> None:
    first, second = _core_session(), _core_session()
    seen: list[str] = []
    first.register("of.nobody", lambda event_name, **_more: seen.append(event_name))
    for session in (second, first):
        session.get_component("event_emitter").emit("of.nobody.else")
    assert seen == ["of.nobody.else"]
