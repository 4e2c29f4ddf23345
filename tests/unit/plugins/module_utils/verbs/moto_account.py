# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account of moto's for one test, made and thrown away without what moto itself spends seconds on."""

from __future__ import annotations

import contextlib
import os
import typing as t
from unittest import mock

import boto3
from moto import mock_aws
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data

SESSION = boto3.session.Session()
"""One for all tests: it keeps the service models that it has read."""

# No test here looks at the 1400 policies and the images of AWS's own, which moto reads anew for every account.
_NOTHING_BUILT_IN = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "false", "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}


@contextlib.contextmanager
def empty_account() -> t.Iterator[None]:
    """moto in AWS's place, with nothing in it."""
    moto = mock_aws()
    with mock.patch.dict(os.environ, _NOTHING_BUILT_IN):
        _throw_away()
        moto.start(reset=False)
        try:
            yield
        finally:
            moto.stop(remove_data=False)
            _throw_away()


def _throw_away() -> None:
    # moto's reset makes every backend anew before it forgets it; a memory is all that these have.
    services: list[t.Any] = vars(BackendDict)["_instances"]
    for service in services:
        service.clear()
    services.clear()
    reset_model_data()
