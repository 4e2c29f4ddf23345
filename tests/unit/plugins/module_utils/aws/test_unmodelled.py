# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A member that botocore does not know, on its way to ECS and back: the real client, with the wire itself replaced."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._aws import ecs
from ansible_collections.steadystate.ecs.plugins.module_utils._aws.connection import client_factory
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ParamValidationError

KNOWN = {"family": "api", "containerDefinitions": [{"name": "api", "image": "x", "portMappings": [{"containerPort": 80}]}]}
CONTAINER = {"name": "api", "image": "x", "portMappings": [{"containerPort": 80, "newName": "a"}], "newGauge": {"level": 3}}
NEW = {"family": "api", "containerDefinitions": [CONTAINER], "newSwitch": True}


class Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_how: t.Any) -> t.Iterator[bytes]:
        yield self._content


class Wire:
    """Answers every request as ECS does: with what was registered, as it was sent."""

    def __init__(self, status: int = 200) -> None:
        self.sent: list[dict[str, t.Any]] = []
        self.status = status
        factory = client_factory({"region": "eu-west-1", "endpoint_url": "http://127.0.0.1:9", "access_key": "a", "secret_key": "b"})
        self.client = factory("ecs")
        self.client.meta.events.register("before-send.ecs.*", self.answer)

    def answer(self, request: t.Any, **_rest: t.Any) -> AWSResponse:
        self.sent.append(json.loads(request.body))
        told = {"taskDefinition": {**NEW, "revision": 3, "taskDefinitionArn": "arn:x:task-definition/api:3", "registeredAt": 1.5}}
        refused = {"__type": "ClientException", "message": "Unable to describe task definition."}
        body = json.dumps(told if self.status == 200 else refused).encode()
        return AWSResponse(request.url, self.status, {}, Body(body))


@pytest.mark.parametrize("definition", [KNOWN, NEW])
def test_a_definition_is_sent_as_it_is(definition: dict[str, t.Any]) -> None:
    wire = Wire()
    registered = ecs.register_task_definition(wire.client, definition)
    assert wire.sent == [definition]
    assert registered["newSwitch"]
    assert registered["containerDefinitions"] == NEW["containerDefinitions"]
    assert registered["revision"] == 3
    assert registered["tags"] == []


def test_a_description_shows_all_that_ecs_answered() -> None:
    definition = ecs.describe_task_definition(Wire().client, "api:3", tags=True)
    assert definition is not None
    assert {key: definition[key] for key in NEW} == NEW
    # What botocore knows is as botocore makes it.
    assert definition["registeredAt"].year == 1970


def test_what_botocore_knows_it_still_checks() -> None:
    wire = Wire()
    with pytest.raises(ParamValidationError, match="containerPort"):
        ecs.register_task_definition(
            wire.client, {"family": "api", "containerDefinitions": [{"portMappings": [{"containerPort": "x"}], "new": 1}]}
        )
    assert wire.sent == []


def test_a_refusal_stays_one() -> None:
    wire = Wire(status=400)
    assert ecs.describe_task_definition(wire.client, "api:3") is None
    with pytest.raises(ClientError, match="ClientException"):
        ecs.register_task_definition(wire.client, NEW)
