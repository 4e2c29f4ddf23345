# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import FakeClock, FakeEcs
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.running import Stage


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ecs(clock: FakeClock) -> FakeEcs:
    return FakeEcs(clock)


@pytest.fixture
def stage(ecs: FakeEcs, clock: FakeClock) -> Stage:
    return Stage(ecs, clock)
