# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long to wait before the next look. All numbers are seconds."""

from __future__ import annotations

# ECS's own completion must be reported within 2 s of it, calls included.
CLOSE_SECONDS = 1.0
MOVING_SECONDS = 1.5
STILL_SECONDS = 2.0
QUIET_SECONDS = 5.0
_STILL_AFTER = 30.0
_QUIET_AFTER = 120.0

THROTTLED_FIRST_SECONDS = 2.0
THROTTLED_MOST_SECONDS = 20.0


def pause(close: bool, unchanged: float) -> float:
    """`close`: only ECS's word is missing. `unchanged`: for how long the counts have been the same."""
    if close:
        return CLOSE_SECONDS
    if unchanged < _STILL_AFTER:
        return MOVING_SECONDS
    return STILL_SECONDS if unchanged < _QUIET_AFTER else QUIET_SECONDS


def throttled_pause(times: int) -> float:
    """After `times` refused looks in a row."""
    seconds: float = min(THROTTLED_MOST_SECONDS, THROTTLED_FIRST_SECONDS * 2.0 ** max(0, times - 1))
    return seconds
