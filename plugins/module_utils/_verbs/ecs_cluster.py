# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes an ECS cluster, or brings its settings and tags to what is wanted."""

from __future__ import annotations

import typing as t

from .._aws import ecs_clusters
from .._platform.members import diff_of, differences
from .._platform.tags import texts
from .._verb import Context, Verb
from ._ecs_tags import found_tags, retag
from ._service_options import tag_list
from ._shared import snake_keys

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "container_insights": {"type": "str", "choices": ["disabled", "enabled", "enhanced"]},
    "tags": {"type": "dict"},
}

Data = dict[str, t.Any]


def run(params: Data, context: Context) -> Data:
    client, name = context.client("ecs"), params["name"]
    found = ecs_clusters.describe_cluster(client, name)
    wanted = _wanted(params)
    changes = differences(_seen(found), wanted)
    result: Data = {"changed": bool(changes), "differences": changes}
    if changes and context.diff_mode:
        result["diff"] = diff_of(f"cluster {name}", changes, is_new=found is None)
    if changes and not context.check_mode:
        if found is None:
            ecs_clusters.create_cluster(client, _request(wanted))
        else:
            _update(client, found, wanted, {change["field"] for change in changes})
        found = ecs_clusters.describe_cluster(client, name)
    return {**result, "cluster": snake_keys(found)}


def _wanted(params: Data) -> Data:
    wanted: Data = {"name": params["name"]}
    if params["container_insights"] is not None:
        wanted["container_insights"] = params["container_insights"]
    if params["tags"] is not None:
        wanted["tags"] = texts(params["tags"])
    return wanted


def _seen(found: Data | None) -> Data:
    if found is None:
        return {}
    settings = {item["name"]: item["value"] for item in found.get("settings") or ()}
    return {
        "name": found["clusterName"],
        "container_insights": settings.get("containerInsights", "disabled"),
        "tags": found_tags(found),
    }


def _request(wanted: Data) -> Data:
    request: Data = {"clusterName": wanted["name"]}
    if "container_insights" in wanted:
        request["settings"] = [_insights(wanted)]
    if wanted.get("tags"):
        request["tags"] = tag_list(wanted["tags"])
    return request


def _insights(wanted: Data) -> Data:
    return {"name": "containerInsights", "value": wanted["container_insights"]}


def _update(client: t.Any, found: Data, wanted: Data, fields: set[str]) -> None:
    if "container_insights" in fields:
        ecs_clusters.update_cluster_settings(client, wanted["name"], [_insights(wanted)])
    if "tags" in fields:
        retag(client, found["clusterArn"], found, wanted["tags"])


VERB = Verb(name="ecs_cluster", argument_spec=ARGUMENT_SPEC, run=run)
