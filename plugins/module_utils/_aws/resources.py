# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resources of any service, listed and removed by operations that `_platform/kinds.py` names: plain data in and out."""

from __future__ import annotations

import typing as t

from .failures import error_code


def list_all(client: t.Any, operation: str, member: str, params: t.Mapping[str, t.Any]) -> list[t.Any]:
    """Every item of a list operation, over all its pages. Nothing when what it asks about does not exist."""
    items: list[t.Any] = []
    try:
        if client.can_paginate(operation):
            for page in client.get_paginator(operation).paginate(**params):
                items += page.get(member) or []
        else:
            items += _pages(client, operation, member, params)
    except Exception as error:
        if not is_missing(error):
            raise
    return items


def _pages(client: t.Any, operation: str, member: str, params: t.Mapping[str, t.Any]) -> t.Iterator[t.Any]:
    """The items of an operation that botocore has no paginator for and that has pages all the same, such as DescribeCapacityProviders."""
    more: dict[str, t.Any] = {}
    while True:
        answer = getattr(client, operation)(**params, **more)
        yield from answer.get(member) or []
        more = {key: answer[key] for key in ("nextToken", "NextToken") if answer.get(key)}
        if not more:
            return


def read(client: t.Any, operation: str, member: str, params: t.Mapping[str, t.Any]) -> t.Any:
    """One member of an answer, with all its pages where it has any, or None when what is asked about does not exist."""
    if client.can_paginate(operation):
        return list_all(client, operation, member, params)
    try:
        return getattr(client, operation)(**params).get(member)
    except Exception as error:
        if is_missing(error):
            return None
        raise


def call(client: t.Any, operation: str, params: t.Mapping[str, t.Any]) -> None:
    """Call an operation for what it does. What is not there any more is as wanted."""
    try:
        getattr(client, operation)(**params)
    except Exception as error:
        if not is_missing(error):
            raise


def is_missing(error: Exception) -> bool:
    """Whether AWS says that the thing is not there: each service has its own word for it."""
    code = error_code(error)
    return (
        "NotFound" in code
        or code.startswith("NoSuch")
        or code in ("Gateway.NotAttached", "InvalidAssociationID.NotFound", "ParameterNotFound", "ServiceNotActiveException")
    )


def is_in_use(error: Exception) -> bool:
    """Whether a thing cannot go yet because another one, which is on its way out, still needs it."""
    code = error_code(error)
    return (
        "InUse" in code
        or "Contains" in code
        or code in ("DependencyViolation", "DeleteConflict", "UpdateInProgressException", "ScalingActivityInProgress")
        or (code in ("ClientException", "OperationNotPermitted", "ValidationError") and "in progress" in str(error).lower())
    )
