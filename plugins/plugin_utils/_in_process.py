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
from ..module_utils._verb import Context, Verb, VerbFailure, no_client, refuse_empty
from . import _terminal

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
            result = t.cast("dict[str, t.Any]", self._execute_module(task_vars=task_vars, wrap_async=bool(self._task.async_val)))
        else:
            with self._task_environment():
                result = self._in_this_process(task_vars or {})
        return _censored(result) if self._task.no_log else result

    def _in_this_process(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        verb = self.VERB
        validator = ArgumentSpecValidator(
            {**verb.argument_spec, **(CONNECTION_SPEC if verb.needs_aws else {})},
            mutually_exclusive=verb.mutually_exclusive,
            required_together=verb.required_together,
            required_one_of=verb.required_one_of,
            required_if=verb.required_if,
            required_by=verb.required_by,
        )
        validation = validator.validate(self._task.args)
        secrets = validation._no_log_values
        if validation.error_messages:
            refusal = {"failed": True, "changed": False, "msg": "; ".join(validation.error_messages)}
            return t.cast("dict[str, t.Any]", remove_values(refusal, secrets))
        params = validation.validated_parameters
        warnings: list[str] = []
        searched: t.Collection[str] = () if verb.shows_no_secret else secrets
        try:
            with aws_failures(params), self._progress(task_vars, secrets) as (progress, live):
                refuse_empty(verb, params)
                result = verb.run(
                    params,
                    Context(
                        client=client_factory(params) if verb.needs_aws else no_client,
                        clock=SystemClock(),
                        progress=progress,
                        live=live,
                        warn=warnings.append,
                        check_mode=bool(self._task.check_mode),
                        diff_mode=bool(self._task.diff),
                    ),
                )
            self._afterwards(params, result)
        except VerbFailure as failure:
            result, searched = {"failed": True, "msg": failure.message, **failure.result}, secrets
        result.setdefault("changed", False)
        if warnings:
            result["warnings"] = warnings
        return t.cast("dict[str, t.Any]", remove_values(result, searched))

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

    @contextlib.contextmanager
    def _progress(
        self, task_vars: dict[str, t.Any], secrets: t.Collection[str]
    ) -> t.Iterator[tuple[t.Callable[[str], None], t.Callable[[str], None] | None]]:
        """How a line is shown, and how the line below all others is, where there is somebody who looks at a terminal."""
        # no_log silences results and arguments, but not what an action prints by itself.
        if self._task.no_log:
            yield lambda line: None, None
            return
        host = task_vars.get("inventory_hostname", "localhost")

        def clean(line: str) -> str:
            return f"  [{host}] {remove_values(line, secrets)}"

        if not _terminal.WIDTH:
            yield lambda line: display.display(clean(line)), None
            return
        if len(task_vars.get("ansible_play_batch") or [host]) > 1:
            # The hosts of a play write at the same time: they would overwrite each other's last line.
            yield lambda line: display.display(clean(line), color=_terminal.colour(line)), None
            return
        last = _terminal.LiveLine(display.display, _terminal.WIDTH)
        try:
            yield lambda line: last.line(clean(line)), lambda text: last.show(clean(text))
        finally:
            last.close()


def _censored(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """The result with nothing in it that Ansible shows under `no_log` all the same: the text of a failure, and warnings.

    What was registered keeps its data; the message, which quotes container logs, keeps the verdict and the cause alone.
    """
    kept = {key: value for key, value in result.items() if key not in ("exception", "warnings")}
    if result.get("warnings"):
        kept["warnings"] = [f"{len(result['warnings'])} warnings are hidden, as no_log is set for this task."]
    if result.get("failed"):
        words = ", ".join(str(result[key]) for key in ("verdict", "cause") if result.get(key))
        kept["msg"] = f"The text of this failure is hidden, as no_log is set for this task{': ' + words if words else ''}."
    return kept
