# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's spelling of the API's members: `size_in_gib` and `sizeInGiB`."""

from __future__ import annotations

import re
import typing as t

# Members whose keys are the user's own words, not the API's.
USER_KEYS = frozenset({"dockerLabels", "options", "driverOpts", "labels"})
# What does not follow from the rule.
_IRREGULAR = {"size_in_gib": "sizeInGiB"}
_AFTER_UNDERSCORE = re.compile(r"_([a-z0-9])")
_BEFORE_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def camel(name: str) -> str:
    """The API's spelling of `name`. One that is in it already stays as it is."""
    return _IRREGULAR.get(name) or _AFTER_UNDERSCORE.sub(lambda found: found.group(1).upper(), name)


def snake(name: str) -> str:
    return next((key for key, value in _IRREGULAR.items() if value == name), None) or _BEFORE_CAPITAL.sub("_", name).lower()


def camel_keys(value: t.Any, within: str = "") -> t.Any:
    """`value` with the keys of its mappings in the API's spelling, all the way down, but for those that are the user's own."""
    if isinstance(value, dict):
        return {key if within in USER_KEYS else camel(str(key)): camel_keys(item, camel(str(key))) for key, item in value.items()}
    if isinstance(value, list):
        return [camel_keys(item, within) for item in value]
    return value
