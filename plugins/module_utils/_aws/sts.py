# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Security Token Service: one function per API call, plain data out."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


def account(client: t.Any) -> str:
    """The number of the account that the credentials belong to. Needs no permission."""
    return str(client.get_caller_identity()["Account"])


@dataclass(frozen=True)
class Identity:
    account: str
    region: str
    partition: str
    """`aws`, `aws-cn`, `aws-us-gov`, …"""
    arn: str
    """Whose credentials they are."""


def identity(client: t.Any) -> Identity:
    """Who calls, and where. Needs no permission."""
    caller = client.get_caller_identity()
    return Identity(str(caller["Account"]), str(client.meta.region_name), str(client.meta.partition), str(caller["Arn"]))
