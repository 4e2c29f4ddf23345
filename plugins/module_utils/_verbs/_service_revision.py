# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service revision that runs: what ECS keeps of a service at the start of a deployment."""

from __future__ import annotations

import typing as t

from .._aws import ecs
from ._shared import Data


def running_revision(client: t.Any, service: Data) -> Data | None:
    """The newest of the service revisions that ECS works on."""
    arns = [item["arn"] for item in service.get("currentServiceRevisions") or []]
    revisions = ecs.describe_service_revisions(client, arns) if arns else []
    return max(revisions, key=lambda item: item["createdAt"]) if revisions else None
