# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs of the platform run against moto, with what they write counted and a clock that does not wait."""

from __future__ import annotations

import contextlib
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.module_utils._aws.connection import CallCounter
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, Verb
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import FakeClock

from .moto_account import SESSION

REGION = "eu-west-1"
_READS = ("describe_", "list_", "get_")


class Clock(FakeClock):
    """What happens while somebody waits: the callbacks, one after each sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[t.Callable[[], t.Any]] = []

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.meanwhile:
            self.meanwhile.pop(0)()


class Stage:
    def __init__(self) -> None:
        self._clients: dict[str, t.Any] = {}
        self.clock = Clock()
        self.said: list[str] = []
        self.warned: list[str] = []
        self.writes: list[str] = []

    def client(self, service: str) -> t.Any:
        if service not in self._clients:
            keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
            self._clients[service] = SESSION.client(service, region_name=REGION, **keys)
        return self._clients[service]

    def run(self, verb: Verb, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        validated = ArgumentSpecValidator(
            verb.argument_spec, required_if=verb.required_if, required_by=verb.required_by, required_together=verb.required_together
        ).validate(options)
        assert not validated.error_messages, validated.error_messages
        counter = CallCounter(self.client)
        context = Context(counter, self.clock, self.said.append, self.warned.append, check_mode=check)
        try:
            return verb.run(validated.validated_parameters, context)
        finally:
            self.writes = sorted(
                name for name in counter.calls if not name.startswith(_READS) and name not in ("exceptions", "get_paginator")
            )

    def twice(self, verb: Verb, **options: t.Any) -> dict[str, t.Any]:
        """Look, do, and do again: check mode writes nothing and tells what comes, and the second time nothing is left to do."""
        told = self.run(verb, check=True, **options)
        assert told["changed"]
        assert self.writes == []
        done = self.run(verb, **options)
        assert done["changed"]
        assert done["diff"] == told["diff"]
        assert self.writes
        again = self.run(verb, **options)
        assert not again["changed"], again["diff"]
        assert self.writes == []
        assert not self.run(verb, check=True, **options)["changed"]
        return again


@contextlib.contextmanager
def refusing(client: t.Any, operation: str, error: Exception) -> t.Iterator[None]:
    """`client.operation` raises, for a while."""
    before = getattr(client, operation)

    def refuse(**_request: t.Any) -> t.NoReturn:
        raise error

    setattr(client, operation, refuse)
    try:
        yield
    finally:
        setattr(client, operation, before)
