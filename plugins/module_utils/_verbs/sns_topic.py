# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps an SNS topic, encrypted where asked, and its subscriptions."""

from __future__ import annotations

import re
import typing as t

from .._aws import sns
from .._platform.differences import Change, as_diff, of_members
from .._platform.tags import texts
from .._verb import Context, Verb, VerbFailure
from ._shared import Data

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "display_name": {"type": "str"},
    "kms_key_id": {"type": "str"},
    "subscriptions": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "protocol": {
                "type": "str",
                "choices": ["email", "email-json", "https", "sms", "sqs", "lambda", "application", "firehose"],
                "required": True,
            },
            "endpoint": {"type": "str", "required": True},
        },
    },
    "tags": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    name = params["name"]
    if not _NAME.fullmatch(name):
        raise VerbFailure(f"name: {name!r} is no name of a topic. Use at most 256 letters, digits, hyphens and underscores.")
    client = context.client("sns")
    arn = sns.find_topic(client, name)
    if params["state"] == "absent":
        if arn is not None and not context.check_mode:
            sns.delete_topic(client, arn)
        return _result("", [(f"topic {name}", "")] if arn is not None else [])
    tags = texts(params["tags"])
    wanted = {"DisplayName": params["display_name"], "KmsMasterKeyId": params["kms_key_id"]}
    attributes = {key: value for key, value in wanted.items() if value is not None}
    changes: list[Change] = []
    if arn is None:
        changes.append(("", f"topic {name}"))
        if not context.check_mode:
            arn = sns.create_topic(client, name, {key: value for key, value in attributes.items() if value}, tags)
    else:
        changes += _settle(client, name, arn, attributes, tags, context)
    changes += _subscribe(client, arn, params["subscriptions"], context)
    return _result(arn or "", changes)


def _settle(client: t.Any, name: str, arn: str, attributes: dict[str, str], tags: dict[str, str], context: Context) -> list[Change]:
    # An attribute that is not set is not shown.
    there = {**dict.fromkeys(attributes, ""), **sns.topic_attributes(client, arn)} if attributes else {}
    changes = of_members(f"topic {name}", there, attributes)
    missing = of_members(f"topic {name} tag", sns.tags(client, arn), tags) if tags else []
    if not context.check_mode:
        for key, value in attributes.items():
            if there[key] != value:
                sns.set_topic_attribute(client, arn, key, value)
        if missing:
            sns.tag(client, arn, tags)
    return [*changes, *missing]


def _subscribe(client: t.Any, arn: str | None, wanted: list[Data], context: Context) -> list[Change]:
    """Add the subscriptions that are missing. Others, which people have made for themselves, stay."""
    if not wanted:
        return []
    found = sns.subscriptions(client, arn) if arn else []
    changes: list[Change] = []
    for item in wanted:
        if (item["protocol"], item["endpoint"]) in found:
            continue
        changes.append(("", f"subscription {item['protocol']} {item['endpoint']}"))
        if arn and not context.check_mode:
            sns.subscribe(client, arn, item["protocol"], item["endpoint"])
            context.progress(f"subscribed {item['endpoint']} by {item['protocol']}")
    return changes


def _result(arn: str, changes: list[Change]) -> dict[str, t.Any]:
    return {"changed": bool(changes), "arn": arn, "diff": as_diff(changes)}


VERB = Verb(name="sns_topic", argument_spec=ARGUMENT_SPEC, run=run)
