# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions that do not wait for each other's answers: AWS is tens of milliseconds away for each."""

from __future__ import annotations

import concurrent.futures
import typing as t

# The connections that a boto3 client keeps (botocore.config.Config, max_pool_connections).
_MOST = 10


def at_once(*asks: t.Callable[[], t.Any]) -> list[t.Any]:
    """The answers, in the order of the questions. Raises the first failure in that order, once all that were begun have ended."""
    with concurrent.futures.ThreadPoolExecutor(min(len(asks), _MOST)) as pool:
        return list(pool.map(lambda ask: ask(), asks))
