"""ECS account settings: the account's default (PutAccountSettingDefault), and the effective list with every setting in it."""

from __future__ import annotations

from moto.backends import get_backend

from local_aws.control_plane.api import AwsApi
from local_aws.interfaces import AwsError, Call, JsonObject

_DEFAULTS = {
    "serviceLongArnFormat": "enabled",
    "taskLongArnFormat": "enabled",
    "containerInstanceLongArnFormat": "enabled",
    "awsvpcTrunking": "disabled",
    "containerInsights": "disabled",
    "dualStackIPv6": "enabled",
    "fargateFIPSMode": "disabled",
    "fargateTaskRetirementWaitPeriod": "7",
    "fargateEventWindows": "disabled",
    "guardDutyActivate": "off",
    "tagResourceAuthorization": "off",
    "defaultLogDriverMode": "non-blocking",
}
"""Every setting, with the value of an account that never chose one."""


def install(api: AwsApi) -> None:
    def principal(call: Call) -> str:
        return str(call.params.get("principalArn") or f"arn:aws:iam::{call.account}:root")

    def shown(call: Call, name: str, value: str) -> JsonObject:
        return {"name": name, "value": value, "principalArn": principal(call), "type": "user"}

    def check(call: Call) -> None:
        name = call.params.get("name")
        if name is not None and name not in _DEFAULTS:
            raise AwsError("InvalidParameterException", "unknown should be one of [" + ",".join(_DEFAULTS) + "]")

    @api.on("ecs", "PutAccountSetting", "PutAccountSettingDefault")
    def put(call: Call) -> JsonObject:
        check(call)
        name, value = str(call.params["name"]), str(call.params["value"])
        with api.moto.lock:
            get_backend("ecs")[call.account][call.region].put_account_setting(name, value)
        return {"setting": shown(call, name, value)}

    @api.on("ecs", "ListAccountSettings")
    def list_settings(call: Call) -> JsonObject:
        check(call)
        with api.moto.lock:
            chosen = {item.name: item.value for item in get_backend("ecs")[call.account][call.region].account_settings.values()}
        values = {**_DEFAULTS, **chosen} if call.params.get("effectiveSettings") else chosen
        name, value = call.params.get("name"), call.params.get("value")
        return {"settings": [shown(call, key, item) for key, item in values.items() if name in (None, key) and value in (None, item)]}
