# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amazon SNS: one function per API call, plain data out."""

from __future__ import annotations

import typing as t


def find_topic(client: t.Any, name: str) -> str | None:
    """The ARN of the topic of this name, or None."""
    for page in client.get_paginator("list_topics").paginate():
        for topic in page.get("Topics", []):
            if topic["TopicArn"].rsplit(":", 1)[-1] == name:
                return str(topic["TopicArn"])
    return None


def topic_attributes(client: t.Any, arn: str) -> dict[str, str]:
    return dict(client.get_topic_attributes(TopicArn=arn).get("Attributes", {}))


def subscriptions(client: t.Any, arn: str) -> list[tuple[str, str]]:
    """Protocol and endpoint of each subscription, those that wait for their confirmation too."""
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
    return [(item["Protocol"], item["Endpoint"]) for page in pages for item in page.get("Subscriptions", [])]


def tags(client: t.Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in client.list_tags_for_resource(ResourceArn=arn).get("Tags", [])}


def create_topic(client: t.Any, name: str, attributes: dict[str, str], wanted: dict[str, str]) -> str:
    """The ARN of the new topic."""
    tag_list = [{"Key": key, "Value": value} for key, value in wanted.items()]
    return str(client.create_topic(Name=name, Attributes=attributes, Tags=tag_list)["TopicArn"])


def set_topic_attribute(client: t.Any, arn: str, name: str, value: str) -> None:
    client.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)


def subscribe(client: t.Any, arn: str, protocol: str, endpoint: str) -> None:
    """What is an address of a person is asked to confirm."""
    client.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint)


def tag(client: t.Any, arn: str, wanted: dict[str, str]) -> None:
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in wanted.items()])


def delete_topic(client: t.Any, arn: str) -> None:
    """Delete a topic with its subscriptions."""
    client.delete_topic(TopicArn=arn)
