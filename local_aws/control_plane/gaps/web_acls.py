# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS WAF: a web ACL tells which load balancers it is in front of."""

from __future__ import annotations

from moto.backends import get_backend

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import AwsError, Call, JsonObject

_KINDS = {"APPLICATION_LOAD_BALANCER": ":loadbalancer/app/", "API_GATEWAY": ":/restapis/"}


def install(api: AwsApi) -> None:
    @api.on("wafv2", "ListResourcesForWebACL")
    def list_resources(call: Call) -> JsonObject:
        # Load balancers, unless another kind is asked for (AWS WAF API reference).
        kind = _KINDS.get(str(call.params.get("ResourceType", "APPLICATION_LOAD_BALANCER")))
        with api.moto.lock:
            found = get_backend("wafv2")[call.account][call.region].wacls.get(str(call.params["WebACLArn"]))
            if found is None:
                raise AwsError("WAFNonexistentItemException", "AWS WAF couldn't perform the operation because your resource doesn't exist.")
            return {"ResourceArns": [arn for arn in found.associated_resources if kind is not None and kind in arn]}
