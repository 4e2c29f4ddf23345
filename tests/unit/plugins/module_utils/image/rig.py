# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.steadystate.ecs.plugins.module_utils._image.client import Registry
from ansible_collections.steadystate.ecs.plugins.module_utils._image.push import Push, PushOptions, PushResult
from ansible_collections.steadystate.ecs.plugins.module_utils._image.retry import RetryPolicy
from ansible_collections.steadystate.ecs.plugins.module_utils._image.sources import open_image
from ansible_collections.steadystate.ecs.plugins.module_utils._image.transport import Timeouts, Transport
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import FakeClock, FakeRegistry


class Rig:
    """Everything a push needs, with the fake registry at its end and time that passes only when slept."""

    def __init__(self, fake: FakeRegistry, clock: FakeClock) -> None:
        self.fake = fake
        self.clock = clock
        self.lines: list[str] = []
        self.on_line: Callable[[str], None] = lambda line: None
        self.warnings: list[str] = []
        self.authorization: Callable[[str | None], str | None] = lambda stale: None
        self.policy = RetryPolicy()
        self.timeouts = Timeouts(connect=5, send=0.3, answer=5, store=5)
        self.registry: Registry

    def open(self, repository: str = "api", jobs: int = 6) -> Registry:
        transport = Transport(jobs, timeouts=self.timeouts)
        self.registry = Registry(self.fake.endpoint, repository, transport, self.clock, lambda: 0.5, self.authorization, self.policy)
        return self.registry

    def push(self, source: Path, *tags: str, ref_name: str | None = None, repository: str = "api", **options: Any) -> PushResult:
        opened = open_image(source, ref_name=ref_name)
        chosen = PushOptions(tags=tags or ("1",), **options)
        registry = self.open(repository, chosen.jobs)
        self.fake.log.clear()
        with contextlib.closing(opened):
            return Push(opened.source, opened.image, registry, chosen, self.clock, self._show, self.warnings.append).run()

    def _show(self, line: str) -> None:
        self.lines.append(line)
        self.on_line(line)
