"""IAM: the client IDs (audiences) of an OpenID Connect provider can be added and taken away."""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import AwsError, Call, JsonObject


def install(api: AwsApi) -> None:
    def provider(call: Call) -> Any:
        arn = str(call.params["OpenIDConnectProviderArn"])
        partition = arn.split(":")[1]
        found = get_backend("iam")[call.account][partition].open_id_providers.get(arn)
        if found is None:
            raise AwsError("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}", 404)
        return found

    @api.on("iam", "AddClientIDToOpenIDConnectProvider")
    def add(call: Call) -> JsonObject:
        with api.moto.lock:
            audiences = provider(call).client_id_list
            if call.params["ClientID"] not in audiences:
                audiences.append(call.params["ClientID"])
        return {}

    @api.on("iam", "RemoveClientIDFromOpenIDConnectProvider")
    def remove(call: Call) -> JsonObject:
        """No fault when it is not there (IAM: RemoveClientIDFromOpenIDConnectProvider)."""
        with api.moto.lock:
            audiences = provider(call).client_id_list
            if call.params["ClientID"] in audiences:
                audiences.remove(call.params["ClientID"])
        return {}
