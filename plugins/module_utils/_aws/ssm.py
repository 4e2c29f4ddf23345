# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Systems Manager Parameter Store: one function per API call, plain data out."""

from __future__ import annotations

import typing as t


def parameter_exists(client: t.Any, name: str) -> bool:
    """Whether there is a parameter of this name or ARN. Its value is not decrypted, and not kept."""
    return bool(client.get_parameters(Names=[name], WithDecryption=False).get("Parameters"))
