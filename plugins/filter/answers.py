# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a survey, a pipeline or a command line answered, as the types that a playbook's argument specification says."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

DOCUMENTATION = r"""
name: answers
version_added: 0.1.0
short_description: The answers that were given, in their types
description:
  - Leaves out what is blank, since a question of a survey that nobody answered arrives as an empty string, and so does a variable of
    a pipeline that is not set.
  - Turns the others into the types of the specification, since a survey answers V("true") and V("900").
  - Fails when an answer that is required is missing or blank, or when one is not of its type or none of its choices. Defaults are not
    filled in, so that what is not answered stays what the inventory says.
author:
  - The steadystate.ecs authors (@steadystate)
positional: options
options:
  _input:
    description: The raw answers by name. Names that the specification does not have are left out.
    type: dict
    required: true
  options:
    description: The C(options) of an argument specification.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Nothing but the time limit was answered
  ansible.builtin.debug:
    msg: "{{ {'seconds': '900', 'owner': ''} | steadystate.ecs.answers({'seconds': {'type': 'int'}, 'owner': {'type': 'str'}}) }}"
    # {"seconds": 900}
"""

RETURN = r"""
_value:
  description: The answers that were given.
  type: dict
"""

# What ansible-core's validator takes of an option; the rest is documentation.
_RULES = ("type", "elements", "choices", "required", "no_log")


def answers(given: t.Mapping[str, t.Any], options: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """The answers that are not blank, converted. Raises `AnsibleFilterError` that names every answer that cannot be used."""
    kept = {name: given[name] for name in options if not _blank(given.get(name))}
    missing = [name for name, option in options.items() if option.get("required") and name not in kept]
    wrong = [f"{name} is missing or empty: {options[name].get('description', 'it is required')}" for name in missing]
    spec = {name: {rule: options[name][rule] for rule in _RULES if rule in options[name]} for name in kept}
    checked = ArgumentSpecValidator(spec).validate(kept)
    wrong += checked.error_messages
    if wrong:
        raise AnsibleFilterError("\n".join(wrong))
    return dict(checked.validated_parameters)


def _blank(value: t.Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"answers": answers}
