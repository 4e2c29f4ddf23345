# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a verb against the fake, with its options validated as Ansible does."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, Verb, VerbFailure
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import CLUSTER, SERVICE, FakeClock, FakeEcs


@dataclass
class Stage:
    ecs: FakeEcs
    clock: FakeClock
    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    live: list[str] | None = None
    """What the live line said, where there is a terminal for one."""

    def run(self, verb: Verb, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        validator = ArgumentSpecValidator(
            verb.argument_spec,
            mutually_exclusive=verb.mutually_exclusive,
            required_one_of=verb.required_one_of,
            required_by=verb.required_by,
        )
        validated = validator.validate(options)
        assert not validated.error_messages, validated.error_messages
        context = Context(
            client=lambda _service: self.ecs,
            clock=self.clock,
            progress=self.said.append,
            warn=self.warned.append,
            check_mode=check,
            live=None if self.live is None else self.live.append,
        )
        return verb.run(validated.validated_parameters, context)

    def on_service(self, verb: Verb, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        return self.run(verb, check, cluster=CLUSTER, service=SERVICE, **options)

    def failing(self, verb: Verb, **options: t.Any) -> VerbFailure:
        try:
            result = self.on_service(verb, **options)
        except VerbFailure as failure:
            return failure
        raise AssertionError(f"{verb.name} did not fail: {result}")
