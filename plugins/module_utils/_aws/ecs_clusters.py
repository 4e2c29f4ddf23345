# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amazon ECS clusters, capacity providers and account settings: one function per API call, plain data out. Nothing here decides."""

from __future__ import annotations

import typing as t

from .failures import error_code

Data = dict[str, t.Any]


def describe_cluster(client: t.Any, name: str) -> Data | None:
    """The cluster with its settings and tags, or None when there is none that is active."""
    answer = client.describe_clusters(clusters=[name], include=["SETTINGS", "TAGS", "CONFIGURATIONS"])
    return next((item for item in answer.get("clusters", []) if item.get("status") != "INACTIVE"), None)


def create_cluster(client: t.Any, request: Data) -> Data:
    return t.cast("Data", client.create_cluster(**request)["cluster"])


def update_cluster_settings(client: t.Any, name: str, settings: list[Data]) -> None:
    client.update_cluster_settings(cluster=name, settings=settings)


def put_cluster_capacity_providers(client: t.Any, cluster: str, providers: list[str], strategy: list[Data]) -> bool:
    """Say which capacity providers the cluster has. False while ECS is still busy with an earlier change of them."""
    try:
        client.put_cluster_capacity_providers(cluster=cluster, capacityProviders=providers, defaultCapacityProviderStrategy=strategy)
    except Exception as error:
        if error_code(error) == "UpdateInProgressException":
            return False
        raise
    return True


def describe_capacity_provider(client: t.Any, name: str) -> Data | None:
    """The capacity provider with its tags, or None when there is none. One that was deleted is shown as INACTIVE for a while."""
    answer = client.describe_capacity_providers(capacityProviders=[name], include=["TAGS"])
    return next((item for item in answer.get("capacityProviders", []) if item.get("status") != "INACTIVE"), None)


def create_capacity_provider(client: t.Any, request: Data) -> Data:
    return t.cast("Data", client.create_capacity_provider(**request)["capacityProvider"])


def update_capacity_provider(client: t.Any, name: str, details: Data) -> Data:
    return t.cast("Data", client.update_capacity_provider(name=name, autoScalingGroupProvider=details)["capacityProvider"])


def delete_capacity_provider(client: t.Any, name: str) -> None:
    client.delete_capacity_provider(capacityProvider=name)


def account_settings(client: t.Any) -> dict[str, str]:
    """Every setting of the account as it is for whoever asks: those never chosen have their default."""
    values: dict[str, str] = {}
    request: Data = {"effectiveSettings": True}
    while True:
        answer = client.list_account_settings(**request)
        values.update({item["name"]: item["value"] for item in answer.get("settings", [])})
        if not answer.get("nextToken"):
            return values
        request["nextToken"] = answer["nextToken"]


def put_account_setting_default(client: t.Any, name: str, value: str) -> None:
    """For every user and role of the account that has not chosen for itself."""
    client.put_account_setting_default(name=name, value=value)
