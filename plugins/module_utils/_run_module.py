# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a verb as an ordinary Ansible module, on whatever host the task is sent to."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

from ._aws.connection import CONNECTION_SPEC, client_factory
from ._aws.failures import aws_failures
from ._clock import SystemClock
from ._verb import Context, Verb, VerbFailure, no_client, refuse_empty


def run_module(verb: Verb) -> None:
    module = AnsibleModule(
        argument_spec={**verb.argument_spec, **(CONNECTION_SPEC if verb.needs_aws else {})},
        mutually_exclusive=verb.mutually_exclusive,
        required_together=verb.required_together,
        required_one_of=verb.required_one_of,
        required_if=verb.required_if,
        required_by=verb.required_by,
        supports_check_mode=True,
    )
    try:
        with aws_failures(module.params):
            refuse_empty(verb, module.params)
            result: dict[str, t.Any] = verb.run(
                module.params,
                Context(
                    client=client_factory(module.params) if verb.needs_aws else no_client,
                    clock=SystemClock(),
                    # A module's output reaches the user only when it has ended; the log of the host is all there is until then.
                    progress=module.log,
                    warn=module.warn,
                    check_mode=module.check_mode,
                    diff_mode=module._diff,
                ),
            )
    except VerbFailure as failure:
        module.fail_json(msg=failure.message, **failure.result)
    if verb.shows_no_secret:
        # The arguments are masked here, as exit_json would do it; the result has nothing to be masked.
        result["invocation"] = {"module_args": remove_values(module.params, module.no_log_values)}
        module.no_log_values = set()
    module.exit_json(**result)
