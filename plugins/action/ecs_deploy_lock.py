# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ..module_utils._aws.connection import client_factory
from ..module_utils._clock import SystemClock
from ..module_utils._verb import Context
from ..module_utils._verbs.ecs_deploy_lock import VERB, keep
from ..plugin_utils._beside import run_beside
from ..plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    VERB = VERB

    def _afterwards(self, params: dict[str, t.Any], result: dict[str, t.Any]) -> None:
        if not result["held"] or self._task.check_mode:
            return

        def duty(alive: t.Callable[[], bool]) -> None:
            # Clients of its own: those of this process share their connections with it.
            context = Context(client_factory(params), SystemClock(), progress=lambda line: None, warn=lambda line: None)
            keep(params, result["run_id"], context, alive)

        run_beside(duty)
