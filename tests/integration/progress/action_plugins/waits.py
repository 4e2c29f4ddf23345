# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An action that needs no AWS: it shows progress and waits, then ends as it is told to."""

from __future__ import annotations

import typing as t

from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, Verb, VerbFailure
from ansible_collections.steadystate.ecs.plugins.plugin_utils._in_process import InProcessAction


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    context.progress("12:00:00  new 0/2 running, 0 healthy; old 2; waiting for the image")
    context.waiting("waiting for the image")
    context.clock.sleep(params["seconds"])
    context.progress("12:00:02  ! container_exited: task 1")
    if params["fails"]:
        raise VerbFailure("Last log lines: a line of the log", verdict="rolled_back", cause="container_exited")
    context.progress("12:00:02  api:2 is steady after 2 s.")
    return {}


class ActionModule(InProcessAction):
    VERB = Verb(
        name="waits",
        argument_spec={"seconds": {"type": "float", "default": 0.0}, "fails": {"type": "bool", "default": False}},
        run=run,
        needs_aws=False,
    )
