# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amazon EC2: one function per API call, plain data out."""

from __future__ import annotations

import typing as t


def describe_subnets(client: t.Any, tags: t.Mapping[str, str]) -> list[dict[str, t.Any]]:
    """The subnets that carry all of these tags."""
    pages = client.get_paginator("describe_subnets").paginate(Filters=_tagged(tags))
    return [subnet for page in pages for subnet in page["Subnets"]]


def subnet_zones(client: t.Any, ids: t.Sequence[str]) -> list[str]:
    """The Availability Zones of these subnets."""
    pages = client.get_paginator("describe_subnets").paginate(SubnetIds=list(ids))
    return [str(subnet["AvailabilityZone"]) for page in pages for subnet in page["Subnets"]]


def describe_security_groups(client: t.Any, vpc_id: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
    """The security groups of a VPC that have one of these names."""
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": list(names)}]
    pages = client.get_paginator("describe_security_groups").paginate(Filters=filters)
    return [group for page in pages for group in page["SecurityGroups"]]


def _tagged(tags: t.Mapping[str, str]) -> list[dict[str, t.Any]]:
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
