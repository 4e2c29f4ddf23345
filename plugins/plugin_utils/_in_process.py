# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one base class behind every file in `plugins/action/`: runs a verb inside the controller.

No module is built, copied and started, boto3 is already imported, and progress is printed as it happens. A task that
asks for what only a module can do (`async`, a remote host, another user) is handed to the module of the same name.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._aws.connection import CONNECTION_SPEC, client_factory, warm
from ..module_utils._aws.failures import aws_failures
from ..module_utils._clock import SystemClock
from ..module_utils._verb import Context, Verb, VerbFailure, no_client

display = Display()

# The controller imports an action once and forks a worker for each of its tasks.
warm()


class InProcessAction(ActionBase):
    VERB: t.ClassVar[Verb]

    _supports_check_mode = True
    _supports_async = True
    _supports_diff = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        if self._needs_module():
            return t.cast("dict[str, t.Any]", self._execute_module(task_vars=task_vars, wrap_async=bool(self._task.async_val)))
        verb = self.VERB
        validator = ArgumentSpecValidator(
            {**verb.argument_spec, **(CONNECTION_SPEC if verb.needs_aws else {})},
            mutually_exclusive=verb.mutually_exclusive,
            required_together=verb.required_together,
            required_one_of=verb.required_one_of,
            required_if=verb.required_if,
            required_by=verb.required_by,
        )
        with self._task_environment():
            validation = validator.validate(self._task.args)
            secrets = validation._no_log_values
            if validation.error_messages:
                refusal = {"failed": True, "changed": False, "msg": "; ".join(validation.error_messages)}
                return t.cast("dict[str, t.Any]", remove_values(refusal, secrets))
            params = validation.validated_parameters
            warnings: list[str] = []
            try:
                with aws_failures():
                    result = verb.run(
                        params,
                        Context(
                            client=client_factory(params) if verb.needs_aws else no_client,
                            clock=SystemClock(),
                            progress=self._progress(task_vars or {}, secrets),
                            warn=warnings.append,
                            check_mode=bool(self._task.check_mode),
                            diff_mode=bool(self._task.diff),
                        ),
                    )
                self._afterwards(params, result)
            except VerbFailure as failure:
                result = {"failed": True, "msg": failure.message, **failure.result}
        result.setdefault("changed", False)
        if warnings:
            result["warnings"] = warnings
        return t.cast("dict[str, t.Any]", remove_values(result, secrets))

    def _afterwards(self, params: dict[str, t.Any], result: dict[str, t.Any]) -> None:
        """What an action does besides, once its verb has succeeded. Nothing, for most."""

    def _needs_module(self) -> bool:
        """True when the task must run elsewhere than in this process: remote, async, or as another user."""
        return bool(
            self._task.async_val or self._play_context.become or self._connection.transport not in ("local", "ansible.builtin.local")
        )

    @contextlib.contextmanager
    def _task_environment(self) -> t.Iterator[None]:
        """The task's `environment:` for the time of the verb, as a module would have it: AWS_PROFILE and its like come from there."""
        wanted: dict[str, str] = {}
        entries = self._task.environment or []
        for entry in entries if isinstance(entries, list) else [entries]:
            templated = self._templar.template(entry)
            if isinstance(templated, dict):
                wanted.update({str(key): str(value) for key, value in templated.items()})
        before = {key: os.environ.get(key) for key in wanted}
        os.environ.update(wanted)
        try:
            yield
        finally:
            for key, value in before.items():
                if value is None:
                    del os.environ[key]
                else:
                    os.environ[key] = value

    def _progress(self, task_vars: dict[str, t.Any], secrets: t.Collection[str]) -> t.Callable[[str], None]:
        # no_log silences results and arguments, but not what an action prints by itself.
        if self._task.no_log:
            return lambda line: None
        host = task_vars.get("inventory_hostname", "localhost")
        return lambda line: display.display(f"  [{host}] {remove_values(line, secrets)}")
