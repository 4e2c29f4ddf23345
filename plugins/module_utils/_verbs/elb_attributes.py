# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets attributes of a load balancer, a target group or a listener, any that the API has."""

from __future__ import annotations

import typing as t

from .._aws import elbv2
from .._platform.differences import as_diff
from .._platform.load_balancer import attribute_changes, attribute_text
from .._verb import Context, Verb, VerbFailure

ARGUMENT_SPEC: dict[str, t.Any] = {
    "arn": {"type": "str", "required": True},
    "attributes": {"type": "dict", "required": True},
}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    arn = params["arn"]
    if not elbv2.kind_of(arn):
        raise VerbFailure(f"arn: {arn!r} is no ARN of a load balancer, a target group or a listener.")
    client = context.client("elbv2")
    found = elbv2.attributes(client, arn)
    changes = attribute_changes(elbv2.kind_of(arn), found, params["attributes"])
    wanted = {key: attribute_text(params["attributes"][key]) for key in changes}
    if wanted and not context.check_mode:
        elbv2.modify_attributes(client, arn, wanted)
    return {"changed": bool(changes), "attributes": {**found, **wanted}, "diff": as_diff(list(changes.values()))}


VERB = Verb(name="elb_attributes", argument_spec=ARGUMENT_SPEC, run=run)
