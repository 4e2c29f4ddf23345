# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes AWS trust the tokens of a CI system: an OpenID Connect provider with its audiences."""

from __future__ import annotations

import re
import typing as t
import urllib.parse

from .._aws import iam, sts
from .._platform.tags import mapping, missing, pairs, texts
from .._verb import Context, Verb, VerbFailure

ARGUMENT_SPEC: dict[str, t.Any] = {
    "url": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "audiences": {"type": "list", "elements": "str", "default": []},
    "purge_audiences": {"type": "bool", "default": False},
    "thumbprints": {"type": "list", "elements": "str"},
    "tags": {"type": "dict", "default": {}},
}

Data = dict[str, t.Any]


def run(params: Data, context: Context) -> Data:
    _check(params)
    client = context.client("iam")
    caller = sts.identity(context.client("sts"))
    # The ARN of a provider is its URL without the scheme.
    arn = f"arn:{caller.partition}:iam::{caller.account}:oidc-provider/{params['url'].removeprefix('https://').rstrip('/')}"
    found = iam.get_oidc_provider(client, arn)
    before = _state(found)
    if params["state"] == "absent":
        if found is not None and not context.check_mode:
            iam.delete_oidc_provider(client, arn)
        return _result(context, arn, before, {})
    if found is None and not params["audiences"]:
        raise VerbFailure("audiences: a new provider needs at least one, sts.amazonaws.com for GitHub, the URL of the instance for GitLab.")
    after = _wanted(params, before)
    if not context.check_mode and after != before:
        if found is None and iam.create_oidc_provider(client, _request(params)):
            return _result(context, arn, before, after)
        # Somebody else may have made it in between: only what is still amiss is put right.
        now = _state(found or iam.get_oidc_provider(client, arn))
        _apply(client, arn, now, _wanted(params, now))
    return _result(context, arn, before, after)


def _check(params: Data) -> None:
    parsed = urllib.parse.urlsplit(params["url"])
    if parsed.scheme != "https" or not parsed.hostname or parsed.query or parsed.fragment or parsed.port:
        raise VerbFailure(f"url: {params['url']} is no issuer. Give an https URL without port and query, such as https://gitlab.com.")
    for thumbprint in params["thumbprints"] or []:
        if not re.fullmatch(r"[0-9A-Fa-f]{40}", thumbprint):
            raise VerbFailure(
                f"thumbprints: {thumbprint} is no SHA-1 of a certificate. Give 40 hexadecimal digits, or leave the option out."
            )


def _request(params: Data) -> Data:
    request: Data = {"Url": params["url"], "ClientIDList": list(dict.fromkeys(params["audiences"]))}
    # Left out, IAM fetches the thumbprint itself, and for issuers it knows does not look at it (CreateOpenIDConnectProvider).
    if params["thumbprints"]:
        request["ThumbprintList"] = [thumbprint.lower() for thumbprint in params["thumbprints"]]
    if params["tags"]:
        request["Tags"] = pairs(params["tags"])
    return request


def _state(found: Data | None) -> Data:
    if found is None:
        return {}
    return {
        "audiences": sorted(found.get("ClientIDList", [])),
        "thumbprints": sorted(thumbprint.lower() for thumbprint in found.get("ThumbprintList", [])),
        "tags": mapping(found.get("Tags", [])),
    }


def _wanted(params: Data, before: Data) -> Data:
    kept = [] if params["purge_audiences"] else before.get("audiences", [])
    thumbprints = params["thumbprints"]
    return {
        "audiences": sorted({*kept, *params["audiences"]}) or before.get("audiences", []),
        "thumbprints": before.get("thumbprints", []) if thumbprints is None else sorted({each.lower() for each in thumbprints}),
        "tags": {**before.get("tags", {}), **texts(params["tags"])},
    }


def _apply(client: t.Any, arn: str, before: Data, after: Data) -> None:
    for audience in after["audiences"]:
        if audience not in before["audiences"]:
            iam.add_audience(client, arn, audience)
    for audience in before["audiences"]:
        if audience not in after["audiences"]:
            iam.remove_audience(client, arn, audience)
    if after["thumbprints"] != before["thumbprints"]:
        iam.update_thumbprints(client, arn, after["thumbprints"])
    tags = missing(before["tags"], after["tags"])
    if tags:
        iam.tag_oidc_provider(client, arn, pairs(tags))


def _result(context: Context, arn: str, before: Data, after: Data) -> Data:
    result: Data = {"changed": before != after, "arn": arn, "provider": after or None}
    if context.diff_mode:
        result["diff"] = {"before": before, "after": after}
    return result


VERB = Verb(name="iam_oidc_provider", argument_spec=ARGUMENT_SPEC, run=run)
