# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says who calls AWS and where: what the ARNs of an account's resources are made of."""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from .._aws import sts
from .._verb import Context, Verb

ARGUMENT_SPEC: dict[str, t.Any] = {}


def run(_params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    return asdict(sts.identity(context.client("sts")))


VERB = Verb(name="aws_identity_info", argument_spec=ARGUMENT_SPEC, run=run)
