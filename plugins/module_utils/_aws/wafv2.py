# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS WAF: one function per API call, plain data out."""

from __future__ import annotations

import typing as t

from .failures import error_code


def web_acl_of(client: t.Any, resource_arn: str) -> str:
    """The name of the web ACL in front of a load balancer, empty when there is none."""
    try:
        found = client.get_web_acl_for_resource(ResourceArn=resource_arn).get("WebACL")
    except Exception as error:
        if error_code(error) == "WAFNonexistentItemException":
            return ""
        raise
    return str((found or {}).get("Name", ""))
