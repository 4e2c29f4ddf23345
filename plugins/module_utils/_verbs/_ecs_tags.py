# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tags of ECS resources, brought to what is wanted."""

from __future__ import annotations

import typing as t

from .._aws import ecs
from .._platform import tags
from ._service_options import tag_list

Data = dict[str, t.Any]


def found_tags(resource: Data) -> dict[str, str]:
    return tags.mapping(resource.get("tags") or (), "key", "value")


def retag(client: t.Any, arn: str, resource: Data, wanted: dict[str, str]) -> None:
    put, gone = tags.put_and_gone(found_tags(resource), wanted)
    if put:
        ecs.tag_resource(client, arn, tag_list(put))
    if gone:
        ecs.untag_resource(client, arn, gone)
