# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members of a task definition that this botocore does not know: they are sent, and seen, all the same.

botocore refuses a request with a member that is not in its model, and leaves one out of an answer without a word. A service gets new
members every month; a definition that is read and registered again must not lose them. Whether one is right is for ECS to say.
"""

from __future__ import annotations

import json
import typing as t

Data = dict[str, t.Any]

_SENDING = ("RegisterTaskDefinition",)
_ANSWERING = ("DescribeTaskDefinition", "RegisterTaskDefinition")
_KEPT = "steadystate_request"
ANSWER = "steadystate_answer"
"""Key of an answer, beside the members that botocore knows, for all that was in it as JSON."""


def install(events: t.Any) -> None:
    """Let a client of ECS send and see them. `events` are those of the client."""
    for operation in _SENDING:
        events.register(f"provide-client-params.ecs.{operation}", _hold_back)
        events.register(f"before-call.ecs.{operation}", _send_all)
    for operation in _ANSWERING:
        events.register(f"before-parse.ecs.{operation}", _see_all)


def _hold_back(params: Data, model: t.Any, context: Data, **_rest: t.Any) -> Data | None:
    known: Data = _known(model.input_shape, params)
    if known == params:
        return None
    context[_KEPT] = params
    return known


def _send_all(params: Data, context: Data, **_rest: t.Any) -> None:
    # ECS speaks JSON in which members have the names that they have here.
    if _KEPT in context:
        params["body"] = json.dumps(context[_KEPT]).encode()


def _see_all(response_dict: Data, customized_response_dict: Data, **_rest: t.Any) -> None:
    if response_dict["status_code"] < 300:
        customized_response_dict[ANSWER] = json.loads(response_dict["body"])


def _known(shape: t.Any, value: t.Any) -> t.Any:
    if shape.type_name == "list" and isinstance(value, list):
        return [_known(shape.member, item) for item in value]
    if shape.type_name != "structure" or not isinstance(value, dict) or getattr(shape, "is_document_type", False):
        return value
    return {name: _known(shape.members[name], item) for name, item in value.items() if name in shape.members}


def completed(known: t.Any, everything: t.Any) -> t.Any:
    """What botocore made of an answer, with the members that it left out."""
    if isinstance(known, dict) and isinstance(everything, dict):
        left_out = {name: item for name, item in everything.items() if name not in known}
        return {**{name: completed(item, everything.get(name)) for name, item in known.items()}, **left_out}
    if isinstance(known, list) and isinstance(everything, list) and len(known) == len(everything):
        return [completed(*pair) for pair in zip(known, everything, strict=True)]
    return known
