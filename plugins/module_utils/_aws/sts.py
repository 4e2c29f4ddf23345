# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Security Token Service: one function per API call, plain data out."""

from __future__ import annotations

import typing as t


def account(client: t.Any) -> str:
    """The number of the account that the credentials belong to. Needs no permission."""
    return str(client.get_caller_identity()["Account"])
