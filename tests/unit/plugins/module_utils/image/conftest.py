# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import FakeClock, FakeRegistry
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.images import LayoutBuilder
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.rig import Rig


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    registry = FakeRegistry("api", "base")
    yield registry
    registry.stop()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def builder(tmp_path: Path) -> LayoutBuilder:
    return LayoutBuilder(tmp_path / "layout")


@pytest.fixture
def rig(fake: FakeRegistry, clock: FakeClock) -> Rig:
    return Rig(fake, clock)
